//! `modeldeck experiment …`.

use crate::support::Home;

#[test]
fn an_experiment_is_made_changed_listed_and_shown() {
    let home = Home::new();
    home.deck([
        "experiment",
        "create",
        "fraud detection",
        "--owner",
        "ann",
        "--description",
        "cards",
        "--tag",
        "team=risk",
    ])
    .stdout("fraud detection\n")
    .stderr("")
    .success();
    let made = home
        .deck(["experiment", "create", "churn", "--json"])
        .success()
        .json();
    assert_eq!(made["status"], "ACTIVE");
    home.deck([
        "experiment",
        "update",
        "fraud detection",
        "--status",
        "completed",
        "--tag",
        "q=a=b",
        "--untag",
        "team",
        "--reason",
        "done with it",
    ])
    .stdout("")
    .stderr("experiment 'fraud detection' is COMPLETED at revision 2\n")
    .success();
    let shown = home
        .deck(["experiment", "show", "fraud detection", "--json"])
        .success()
        .json();
    assert_eq!(shown["status"], "COMPLETED");
    assert_eq!(shown["tags"], serde_json::json!({ "q": "a=b" }));
    assert_eq!(shown["revision"], 2);
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'));
    home.deck(["experiment", "show", "fraud detection"])
        .stdout_has("  status    COMPLETED\n")
        .stdout_has("  owner     ann\n")
        .stdout_has("tags\n  q  a=b\n")
        .stdout_has("description\n  cards\n")
        .success();
    let names = |line: &str| -> Vec<String> {
        home.json(line)
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("experiment list"), ["churn", "fraud detection"]);
    assert_eq!(
        names("experiment list --sort name:desc"),
        ["fraud detection", "churn"]
    );
    assert_eq!(
        names("experiment list --status Completed"),
        ["fraud detection"]
    );
    assert_eq!(names("experiment list --owner ann"), ["fraud detection"]);
    assert_eq!(names("experiment list --filter chu"), ["churn"]);
    home.deck(["experiment", "list"])
        .stdout_has("NAME             STATUS     OWNER")
        .success();
}

#[test]
fn wrong_input_has_its_exit_codes() {
    let home = Home::new();
    home.run("experiment create fraud");
    home.deck(["experiment", "create", "fraud"])
        .stderr("error: experiment 'fraud' exists already\n")
        .code(6);
    home.deck(["experiment", "show", "nope"])
        .stderr("error: experiment 'nope' is not there\nhint: 'modeldeck experiment list' shows those that are\n")
        .code(5);
    home.deck(["experiment", "update", "nope", "--owner", "ann"])
        .code(5);
    home.deck(["experiment", "update", "fraud", "--reason", "none"])
        .stderr("error: nothing to change was named\nhint: --help shows what can be changed\n")
        .code(2);
    home.deck(["experiment", "create", " x"]).code(2);
    home.deck(["experiment", "create", ""]).code(2);
    home.deck(["experiment", "create", &"x".repeat(251)])
        .code(2);
    home.run("experiment update fraud --status ARCHIVED");
    home.deck(["experiment", "update", "fraud", "--status", "COMPLETED"])
        .stderr("error: experiment 'fraud' is ARCHIVED, so it cannot become COMPLETED\nhint: from ARCHIVED it can become ACTIVE\n")
        .code(6);
    let error = home
        .deck([
            "experiment",
            "update",
            "fraud",
            "--owner",
            "bob",
            "--revision",
            "1",
            "--json",
        ])
        .stdout("")
        .code(6)
        .json_error();
    assert_eq!(error["kind"], "conflict");
    home.deck([
        "experiment",
        "update",
        "fraud",
        "--owner",
        "bob",
        "--revision",
        "2",
    ])
    .success();
}
