//! `modeldeck drift …`.

use crate::support::Home;

#[test]
fn a_drift_is_recorded_counted_acknowledged_and_resolved() {
    let home = Home::new();
    home.run("model register fraud");
    let record =
        "drift record --model fraud --version 1 --metric accuracy --baseline 0.9 --observed";
    let done = home
        .deck(format!("{record} 0.81").split(' '))
        .stderr("HIGH drift of accuracy on version 'fraud 1'\n")
        .success();
    let id = done.stdout.trim_end().to_owned();
    assert_eq!(id.len(), 32);
    home.deck(format!("{record} 0.6 --note worse --observed-size 50").split(' '))
        .stdout(format!("{id}\n"))
        .stderr("CRITICAL drift of accuracy on version 'fraud 1', seen 2 times\n")
        .success();
    let event = home.json(&format!("drift show {id}"));
    assert_eq!(event["count"], 2);
    assert_eq!(event["severity"], "CRITICAL");
    assert_eq!(event["state"], "OPEN");
    assert_eq!(event["observed"], 0.6);
    home.deck(["drift", "show", &id])
        .stdout_has("observed    0.6 on 50 samples")
        .stdout_has("note\n  worse\n")
        .success();
    let other = home.run(&format!(
        "{record} 0.5 --environment production --severity low"
    ));
    assert_ne!(other, id);
    home.deck(["drift", "ack", &id, "--note", "on it"])
        .stdout("")
        .stderr(format!("drift event '{id}' is ACKNOWLEDGED\n"))
        .success();
    home.deck([
        "drift",
        "resolve",
        &id,
        "--note",
        "retrained",
        "--revision",
        "1",
    ])
    .code(6);
    home.deck(["drift", "resolve", &id, "--note", "retrained"])
        .success();
    home.deck(["drift", "ack", &id])
        .stderr(format!("error: drift event '{id}' is RESOLVED, so it cannot become ACKNOWLEDGED\nhint: nothing follows RESOLVED\n"))
        .code(6);
    let count = |line: &str| home.json(line).as_array().unwrap().len();
    assert_eq!(count("drift list"), 2);
    assert_eq!(count("drift list --state open"), 1);
    assert_eq!(count("drift list --state open,resolved"), 2);
    assert_eq!(count("drift list --severity critical"), 1);
    assert_eq!(count("drift list --model fraud --version 1"), 2);
    assert_eq!(count("drift list --filter environment=production"), 1);
    assert_eq!(
        home.json("drift list --sort severity:desc")[0]["severity"],
        "CRITICAL"
    );
    home.deck(["drift", "list"])
        .stdout_has("accuracy")
        .success();
}

#[test]
fn wrong_input_has_its_exit_codes() {
    let home = Home::new();
    home.run("model register fraud");
    let record =
        |rest: &str| home.deck(format!("drift record --model fraud --version 1 {rest}").split(' '));
    record("--metric accuracy --baseline nan --observed 0.5").code(2);
    record("--metric accuracy --baseline 0.9 --observed x").code(2);
    record("--metric accuracy --baseline 0.9").code(2);
    record("--metric a$b --baseline 0.9 --observed 0.5").code(2);
    home.deck(
        "drift record --model nope --version 1 --metric a --baseline 1 --observed 0".split(' '),
    )
    .code(5);
    home.deck(["drift", "show", "nope"]).code(5);
    home.deck(["drift", "resolve", "nope", "--note", "x"])
        .code(5);
    home.deck(["drift", "resolve", "nope"]).code(2);
    record("--metric delta --baseline -1 --observed -2.5").success();
}

#[test]
fn what_became_better_is_said_to_be_so() {
    let home = Home::new();
    home.run("model register fraud");
    let record =
        "drift record --model fraud --version 1 --metric latency --baseline 0.9 --observed";
    home.deck(format!("{record} 0.8").split(' '))
        .stderr_has("LOW drift of latency on version 'fraud 1'; it improved")
        .success();
    let done = home.deck(format!("{record} 1.2").split(' ')).success();
    assert!(!done.stderr.contains("improved"), "{}", done.stderr);
}
