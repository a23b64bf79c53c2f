//! What the README tells people to type works as it stands there.

use crate::support::Home;
use std::path::Path;
use std::process::Command;

fn block_with(word: &str) -> String {
    let readme = include_str!("../../../README.md");
    readme
        .split("```")
        .find(|block| block.starts_with("sh\n") && block.contains(word))
        .unwrap_or_else(|| panic!("README.md has no block with '{word}'"))
        .trim_start_matches("sh\n")
        .to_owned()
}

#[test]
fn the_examples_of_the_command_line_work() {
    let home = Home::new();
    // The README's second person; two_users.rs has the two of them.
    home.run("policy set production.self_approval true");
    let examples = block_with("modeldeck experiment create");
    // The last one goes back to an earlier deployment, and here is none.
    let (all, last) = examples.trim_end().rsplit_once('\n').unwrap();
    assert!(last.contains("rollback"), "{last}");
    let script = format!("set -eu\n{all}\nset +e\n{last}\ntest $? -eq 6\n");
    let program = Path::new(env!("CARGO_BIN_EXE_modeldeck"));
    let output = Command::new("sh")
        .args(["-c", &script])
        .env_clear()
        .env("HOME", home.path())
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("\nfraud 1\n"), "{stdout}");
    assert!(
        stderr.contains("there is no earlier good deployment"),
        "{stderr}"
    );
    assert_eq!(home.json("model show fraud 1")["stage"], "Production");
}

#[test]
fn the_lines_of_a_training_are_read() {
    let home = Home::new();
    let readme = include_str!("../../../README.md");
    let lines = readme.split("```json\n").nth(1).unwrap();
    let lines = lines.split("```").next().unwrap();
    home.deck(["ingest"]).stdin(lines).success();
    assert_eq!(home.json("run show r1")["status"], "COMPLETED");
}

#[test]
fn every_noun_and_verb_of_the_table_is_there() {
    let home = Home::new();
    let readme = include_str!("../../../README.md");
    let rows = readme
        .split("| noun | verbs |\n|---|---|\n")
        .nth(1)
        .unwrap()
        .lines()
        .take_while(|line| line.starts_with('|'));
    let words = |cell: &str| -> Vec<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    };
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        for noun in words(cells[0]) {
            let help = home.deck([noun.as_str(), "--help"]).success().stdout;
            for verb in words(cells[1]) {
                assert!(help.contains(&format!("\n  {verb} ")), "{noun} {verb}");
            }
        }
    }
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    let command = block_with("cargo fmt --check");
    let ci = include_str!("../../../.ci/run");
    assert!(ci.contains(command.trim()), "{ci}");
}

#[test]
fn the_way_from_a_training_to_production_and_back_works() {
    let home = Home::new();
    home.run("policy set production.self_approval true");
    let assets = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
    std::os::unix::fs::symlink(assets, home.path().join("assets")).unwrap();
    let script = format!("set -eu\n{}", block_with("run-id-file fair.id"));
    let program = Path::new(env!("CARGO_BIN_EXE_modeldeck"));
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let serving = home.json("deployment list --status ACTIVE");
    assert_eq!(serving[0]["version"], "1", "{serving}");
    assert_eq!(home.json("drift list")[0]["severity"], "CRITICAL");
}
