//! Mistakes on the command line, help, and the flags that every command takes.

use crate::support::Home;
use std::io::Read as _;
use std::process::{Command, Stdio};

#[test]
fn a_mistake_is_told_in_our_form_and_ends_with_2() {
    let home = Home::new();
    for (line, sentence) in [
        (
            "experiment",
            "error: 'modeldeck experiment' requires a subcommand",
        ),
        (
            "experiment create",
            "error: the following required arguments were not provided: <NAME>",
        ),
        (
            "experimant list",
            "error: unrecognized subcommand 'experimant'",
        ),
        (
            "run list --colour",
            "error: unexpected argument '--colour' found",
        ),
        (
            "run list --status done",
            "error: invalid value 'done' for '--status <STATUSES>'",
        ),
        (
            "run list --limit many",
            "error: invalid value 'many' for '--limit <N>'",
        ),
        (
            "run log --experiment e --metric loss",
            "error: invalid value 'loss' for '--metric <K=V[@STEP]>': it is not written K=V",
        ),
        (
            "run log --experiment e --param a=1 --param a=2",
            "error: param 'a' is given twice",
        ),
        ("run list --filter lr>", "error: filter, at 'lr>'"),
        ("run compare one", "error: 2 values required by"),
        (
            "approval reject m 1",
            "error: the following required arguments were not provided: --notes <NOTES>",
        ),
        (
            "experiment list --sort colour",
            "error: this list has no field 'colour' to sort by",
        ),
        (
            "completions tcsh",
            "error: invalid value 'tcsh' for '<SHELL>'",
        ),
    ] {
        let done = home
            .deck(line.split_whitespace())
            .stdout("")
            .stderr_has(sentence)
            .code(2);
        let lines: Vec<&str> = done.stderr.lines().collect();
        assert!(lines.len() <= 2, "{}", done.stderr);
        assert!(
            lines.get(1).is_none_or(|line| line.starts_with("hint: ")),
            "{}",
            done.stderr
        );
    }
}

#[test]
fn a_mistake_under_json_is_json_on_stderr() {
    let home = Home::new();
    let error = home
        .deck(["run", "list", "--limit", "many", "--json"])
        .stdout("")
        .code(2)
        .json_error();
    assert_eq!(error["kind"], "usage");
    assert!(error["message"].as_str().unwrap().contains("'many'"));
    assert!(error["hint"].is_string());
    // What stands behind `--` is another program's.
    home.deck(["run", "lst", "--", "--json"])
        .stderr_has("error: ")
        .code(2);
}

#[test]
fn help_names_every_noun_and_every_exit_code() {
    let home = Home::new();
    let help = home.deck(["--help"]).stderr("").success().stdout;
    for noun in [
        "experiment",
        "run",
        "model",
        "approval",
        "drift",
        "deployment",
        "audit",
        "policy",
        "store",
        "doctor",
        "config",
        "completions",
        "ingest",
        "keys",
    ] {
        assert!(help.contains(&format!("\n  {noun} ")), "{noun}:\n{help}");
    }
    for exit in modeldeck::cli::exit::EXIT_CODES {
        assert!(help.contains(&format!("{:>2}  {}", exit.code, exit.meaning)));
    }
    home.deck(["run", "log", "--help"])
        .stdout_has("--metric <K=V[@STEP]>")
        .stdout_has("[default: RUNNING] [possible values: PENDING, RUNNING")
        .success();
    home.deck(["--version"])
        .stdout(format!("modeldeck {}\n", env!("CARGO_PKG_VERSION")))
        .success();
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    let home = Home::new();
    let other = home.path().join("other.db");
    let other = other.to_str().unwrap();
    home.deck(["--store", other, "experiment", "create", "before"])
        .success();
    home.deck(["experiment", "create", "after", "--store", other])
        .success();
    let list = home
        .deck(["experiment", "--json", "list"])
        .env("MODELDECK_STORE", other)
        .success()
        .json();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert!(!home.store().exists());
}

#[test]
fn what_is_no_store_is_refused_without_its_password() {
    let home = Home::new();
    let done = home
        .deck(["run", "list", "--store", "s3://bob:hunter2@bucket/"])
        .stderr_has("is no store")
        .code(1);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    for form in [&["config"][..], &["config", "--json"]] {
        let done = home
            .deck(form)
            .env("MODELDECK_STORE", "http://bob:hunter2@host")
            .success();
        assert!(!done.stdout.contains("hunter2"), "{}", done.stdout);
    }
    home.deck(["run", "list"])
        .env("MODELDECK_STORE", "http://bob:hunter2@127.0.0.1:9")
        .stderr_has("'http://127.0.0.1:9'")
        .code(9);
}

#[test]
fn read_only_refuses_every_change_and_lets_reads_through() {
    let home = Home::new();
    home.run("experiment create fraud");
    home.deck(["--read-only", "experiment", "create", "x"])
        .stderr_has("error: ")
        .stderr_has("hint: ")
        .code(7);
    home.deck(["experiment", "list", "--read-only"])
        .stdout_has("fraud")
        .success();
    home.deck(["store", "init", "new.db", "--read-only"])
        .code(2);
    assert!(!home.path().join("new.db").exists());
}

#[test]
fn a_claim_is_recorded_and_makes_nobody_another_person() {
    let home = Home::new();
    home.deck(["--as", "mallory", "experiment", "create", "fraud"])
        .success();
    let entry = home.json("audit list")[0].clone();
    assert_eq!(entry["identity"]["claim"], "mallory");
    assert_ne!(entry["identity"]["user"], "mallory");
    let experiment = home.json("experiment show fraud");
    assert_eq!(experiment["owner"], entry["identity"]["user"]);
    home.deck(["--as", "a\nb", "experiment", "list"]).code(2);
}

#[test]
fn without_a_terminal_there_is_no_screen_but_a_way() {
    let home = Home::new();
    home.deck::<[&str; 0]>([])
        .stdout("")
        .stderr_has("error: the screen needs a terminal")
        .stderr_has("hint: ")
        .code(2);
}

#[test]
fn completions_are_made_for_three_shells() {
    let home = Home::new();
    for (shell, part) in [
        ("bash", "_modeldeck()"),
        ("zsh", "#compdef modeldeck"),
        ("fish", "complete -c modeldeck"),
    ] {
        let script = home
            .deck(["completions", shell])
            .stdout_has(part)
            .stderr("")
            .success()
            .stdout;
        assert!(script.contains("rollback"), "{shell}");
    }
}

#[test]
fn the_keys_are_those_of_the_screen() {
    let home = Home::new();
    let keys = home.json("keys");
    let bindings = modeldeck::tui::keymap::table();
    assert_eq!(keys.as_array().unwrap().len(), bindings.len());
    assert_eq!(keys[0]["help"], bindings[0].help);
    home.deck(["keys"]).stdout_has(bindings[0].help).success();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    home.run("experiment create fraud");
    let run = home.run("run log --experiment fraud --name r");
    let events = (0..20_000)
        .map(|step| {
            format!("{{\"event\":\"metric\",\"run_id\":\"{run}\",\"key\":\"loss\",\"value\":0.5,\"step\":{step}}}\n")
        })
        .collect::<Vec<String>>().concat();
    home.deck(["ingest"]).stdin(&events).success();
    let mut child = Command::new(env!("CARGO_BIN_EXE_modeldeck"))
        .args(["run", "metrics", &run, "loss", "--json"])
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let mut talk = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut talk)
        .unwrap();
    assert_eq!(talk, "");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
