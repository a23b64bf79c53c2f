//! `modeldeck deployment …`.

use crate::support::Home;
use serde_json::json;

fn home() -> Home {
    let home = Home::new();
    home.run("policy set production.self_approval true");
    for _ in 0..2 {
        home.run("model register fraud");
    }
    home
}

#[test]
fn a_deployment_serves_is_replaced_and_rolled_back() {
    let home = home();
    home.run("approval approve fraud 1");
    home.run("approval approve fraud 2");
    let create = "deployment create --model fraud --environment production --version";
    let first = home.run(&format!(
        "{create} 1 --endpoint http://host:8080/score --endpoint-option region=eu --health http --health-path /ready --health-period 30"
    ));
    assert_eq!(first.len(), 32);
    let shown = home.json(&format!("deployment show {first}"));
    assert_eq!(shown["status"], "PENDING");
    assert_eq!(
        shown["endpoint"],
        json!({ "url": "http://host:8080/score", "options": { "region": "eu" } })
    );
    assert_eq!(shown["health_check"]["period_seconds"], 30);
    assert_eq!(shown["health"], "UNKNOWN");
    home.deck(["deployment", "update", &first, "--status", "active"])
        .stdout("")
        .stderr(format!(
            "deployment '{first}' of version 'fraud 1' is ACTIVE in PRODUCTION\n"
        ))
        .success();
    let second = home.run(&format!("{create} 2 --reason newer"));
    home.deck(["deployment", "update", &second, "--status", "ACTIVE"])
        .stderr_has(format!(
            "the one before it, '{first}' of version 1, is TERMINATED now"
        ))
        .success();
    home.deck(["deployment", "update", &first, "--status", "active"])
        .stderr_has("hint: nothing follows TERMINATED")
        .code(6);
    let done = home
        .deck([
            "deployment",
            "rollback",
            &second,
            "--reason",
            "fraud slips through",
        ])
        .stderr("version 'fraud 1' serves in PRODUCTION again\n")
        .success();
    let third = done.stdout.trim_end();
    let shown = home.json(&format!("deployment show {third}"));
    assert_eq!(shown["rollback_from"], second.as_str());
    assert_eq!(shown["version"], "1");
    assert_eq!(shown["endpoint"]["url"], "http://host:8080/score");
    home.deck(["deployment", "show", third])
        .stdout_has("version           fraud 1\n")
        .stdout_has("endpoint\n  url     http://host:8080/score\n  region  eu\n")
        .stdout_has("reason\n  fraud slips through\n")
        .success();
    let count = |line: &str| home.json(line).as_array().unwrap().len();
    assert_eq!(count("deployment list --status active"), 1);
    assert_eq!(count("deployment list --status failed,terminated"), 2);
    assert_eq!(
        count("deployment list --model fraud --environment PRODUCTION --version 1"),
        2
    );
    assert_eq!(count("deployment list --environment dev"), 0);
    assert_eq!(count("deployment list --filter newer"), 0);
    assert_eq!(
        count("deployment list --filter endpoint:8080 --sort activated"),
        2
    );
    home.deck(["model", "show", "fraud", "1"])
        .stdout_has("history\n")
        .stdout_has("register_model_version")
        .stdout_has("deployments\n")
        .stdout_has(third)
        .stdout_has("fraud slips through")
        .success();
    home.deck(["deployment", "list"])
        .stdout_has("http://host:8080/score")
        .success();
}

#[test]
fn a_rollback_may_name_its_way_back() {
    let home = home();
    let id = |version: u8| {
        let id = home.run(&format!(
            "deployment create --model fraud --version {version} --environment dev"
        ));
        home.run(&format!("deployment update {id} --status ACTIVE"));
        id
    };
    let (first, second) = (id(1), id(2));
    home.deck([
        "deployment",
        "rollback",
        &second,
        "--to",
        &second,
        "--reason",
        "x",
    ])
    .code(6);
    home.deck(["deployment", "rollback", &second, "--reason", " "])
        .code(2);
    home.deck(["deployment", "rollback", &second]).code(2);
    home.deck(["deployment", "rollback", "nope", "--reason", "x"])
        .code(5);
    home.deck([
        "deployment",
        "rollback",
        &second,
        "--to",
        &first,
        "--reason",
        "x",
    ])
    .success();
    let pending = home.run("deployment create --model fraud --version 2 --environment dev");
    home.deck(["deployment", "rollback", &pending, "--reason", "x"])
        .stderr_has("never served")
        .code(6);
}

#[test]
fn wrong_input_has_its_exit_codes() {
    let home = home();
    let create =
        |rest: &str| home.deck(format!("deployment create --model fraud {rest}").split(' '));
    create("--version 1 --environment production")
        .stderr_has("an approving decision (0 of 1)")
        .code(7);
    create("--version 9 --environment dev").code(5);
    create("--version 1 --environment test").code(2);
    create("--version 1 --environment dev --health-path /x").code(2);
    create("--version 1 --environment dev --endpoint-option a=b").code(2);
    create("--version 1 --environment dev --endpoint ftp://x").code(2);
    create("--version 1 --environment dev --health http --health-timeout 0").code(2);
    let done = create("--version 1 --environment dev --endpoint http://bob:hunter2@host").code(2);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    home.deck(["deployment", "show", "nope"]).code(5);
    let id = home.run("deployment create --model fraud --version 1 --environment dev");
    home.deck(["deployment", "update", &id]).code(2);
    home.run(&format!("deployment update {id} --health tcp --reason r"));
    home.deck([
        "deployment",
        "update",
        &id,
        "--status",
        "ACTIVE",
        "--revision",
        "1",
    ])
    .code(6);
    home.run(&format!(
        "deployment update {id} --health-period 5 --endpoint tcp://h:1"
    ));
    let shown = home.json(&format!("deployment show {id}"));
    assert_eq!(shown["health_check"]["protocol"], "TCP");
    assert_eq!(shown["health_check"]["period_seconds"], 5);
}
