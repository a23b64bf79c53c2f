//! How answers look: tables fitted to a terminal, colour only there, and never where nobody looks.

use crate::support::Home;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::Read as _;

/// Runs a command in a terminal of some width and returns all that it drew.
fn in_terminal(home: &Home, columns: u16, env: &[(&str, &str)], line: &str) -> String {
    let pair = native_pty_system()
        .openpty(PtySize {
            rows: 24,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        })
        .unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_modeldeck"));
    command.args(line.split_whitespace());
    command.env_clear();
    command.env("HOME", home.path());
    command.env("TERM", "xterm-256color");
    command.cwd(home.path());
    for (name, value) in env {
        command.env(name, value);
    }
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut drawn = Vec::new();
    let mut part = [0; 4096];
    // A terminal whose last program ended reports an error instead of an end.
    while let Ok(length @ 1..) = reader.read(&mut part) {
        drawn.extend_from_slice(&part[..length]);
    }
    child.wait().unwrap();
    String::from_utf8(drawn).unwrap().replace("\r\n", "\n")
}

fn home() -> Home {
    let home = Home::new();
    home.run("experiment create fraud");
    home.deck([
        "run",
        "log",
        "--experiment",
        "fraud",
        "--run-id",
        "0199aabbccddeeff0011223344556677",
        "--name",
        "a name that is longer than any terminal would like it to be",
        "--metric",
        "accuracy=0.5",
        "--status",
        "COMPLETED",
    ])
    .success();
    home
}

#[test]
fn a_table_fits_the_terminal_and_keeps_its_ids() {
    let home = home();
    for columns in [80, 100, 130] {
        let drawn = in_terminal(&home, columns, &[("NO_COLOR", "1")], "run list");
        for line in drawn
            .lines()
            .filter(|line| !line.starts_with("this terminal"))
        {
            assert!(
                line.chars().count() <= usize::from(columns),
                "{columns}: {line}"
            );
        }
        assert!(
            drawn.contains("0199aabbccddeeff0011223344556677"),
            "{drawn}"
        );
        assert!(drawn.contains('…'), "{drawn}");
    }
    // COLUMNS beats the terminal.
    let drawn = in_terminal(
        &home,
        80,
        &[("NO_COLOR", "1"), ("COLUMNS", "200")],
        "run list",
    );
    assert!(!drawn.contains('…'), "{drawn}");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let home = home();
    assert!(in_terminal(&home, 80, &[], "run list").contains("\u{1b}[32mCOMPLETED"));
    for env in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let drawn = in_terminal(&home, 80, &[env], "run list");
        assert!(!drawn.contains('\u{1b}'), "{env:?}: {drawn:?}");
    }
    let piped = home
        .deck(["run", "list"])
        .env("TERM", "xterm")
        .env("COLUMNS", "40")
        .success();
    assert!(
        !piped.stdout.contains('\u{1b}') && !piped.stdout.contains('…'),
        "{}",
        piped.stdout
    );
}

#[test]
fn people_see_local_time_and_programs_utc() {
    let home = home();
    let shown = home
        .deck(["experiment", "show", "fraud"])
        .env("TZ", "Asia/Tokyo")
        .success()
        .stdout;
    assert!(shown.contains(" JST\n"), "{shown}");
    let json = home
        .deck(["experiment", "show", "fraud", "--json"])
        .env("TZ", "Asia/Tokyo")
        .success()
        .json();
    assert!(json["created_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_dumb_terminal_gets_no_screen_but_a_way() {
    let home = Home::new();
    let drawn = in_terminal(&home, 80, &[("TERM", "dumb")], "");
    assert!(
        drawn.contains("error: the screen needs a terminal"),
        "{drawn}"
    );
    assert!(drawn.contains("hint: "), "{drawn}");
    assert!(!home.store().exists());
}

#[test]
fn a_filter_that_cannot_mean_what_it_says_is_refused() {
    let home = Home::new();
    home.run("experiment create fraud");
    home.run("run log --experiment fraud --metric auc=0.9");
    for (line, told) in [
        (
            "run list --filter status:complted",
            "it is PENDING, RUNNING",
        ),
        ("run list --filter started>yesterday", "a number or a date"),
        (
            "deployment list --filter nosuch=1",
            "there is no field 'nosuch'",
        ),
        ("deployment list --filter stauts:active", "'status' is near"),
    ] {
        home.deck(line.split(' '))
            .stdout("")
            .stderr_has(told)
            .code(2);
    }
    // Any key may be a metric's.
    home.deck(["run", "list", "--filter", "auc>0.5"])
        .stdout_has("auc=0.9")
        .success();
    home.deck(["model", "list", "--filter", "items<1 approvals>0"])
        .success();
}
