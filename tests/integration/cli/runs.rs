//! `modeldeck run …`: log, update, list, show, metrics, compare.

use crate::support::Home;
use serde_json::Value;

fn home() -> Home {
    let home = Home::new();
    home.run("experiment create fraud");
    home
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect()
}

#[test]
fn a_run_is_logged_updated_and_shown() {
    let home = home();
    home.write("out/model.bin", "abc");
    let id = home.run("run log --experiment fraud --name lgbm --param lr=0.1 --metric auc=0.9@5 --metric loss=-inf --tag a=b --artifact out/model.bin");
    assert_eq!(id.len(), 32);
    home.deck([
        "run", "update", &id, "--metric", "auc=0.95", "--metric", "loss=NaN",
    ])
    .stdout("")
    .success();
    let run = home.json(&format!("run show {id}"));
    assert_eq!(run["status"], "RUNNING");
    assert_eq!(run["metrics"]["auc"]["value"], 0.95);
    assert_eq!(run["metrics"]["auc"]["step"], 6);
    assert_eq!(run["metrics"]["loss"]["value"], "NaN");
    assert_eq!(run["artifacts"][0]["path"], "out/model.bin");
    assert_eq!(run["artifacts"][0]["size"], 3);
    assert_eq!(run["params"]["lr"], "0.1");
    home.deck([
        "run",
        "update",
        &id,
        "--status",
        "COMPLETED",
        "--name",
        "best",
        "--untag",
        "a",
        "--tag",
        "c=d",
        "--param",
        "depth=3",
    ])
    .success();
    home.deck(["run", "show", &id])
        .stdout_has(format!("run {id}\n"))
        .stdout_has("COMPLETED")
        .stdout_has("params\n  depth  3\n  lr     0.1\n")
        .stdout_has("tags\n  c  d\n")
        .success();
    let brought = home.run("run log --experiment fraud --run-id my.run-1 --status pending");
    assert_eq!(brought, "my.run-1");
}

#[test]
fn wrong_input_has_its_exit_codes() {
    let home = home();
    let id = home.run("run log --experiment fraud --run-id r1 --param lr=0.1");
    home.deck(["run", "log", "--experiment", "nope"]).code(5);
    home.deck(["run", "log", "--experiment", "fraud", "--run-id", "r1"])
        .code(6);
    home.deck(["run", "show", "nope"]).code(5);
    home.deck(["run", "update", "nope", "--metric", "a=1"])
        .code(5);
    home.deck(["run", "update", &id, "--param", "lr=0.2"])
        .stderr_has("param 'lr' of run 'r1' was written already")
        .code(6);
    home.deck(["run", "update", &id, "--param", "lr=0.1"])
        .success();
    home.deck([
        "run",
        "log",
        "--experiment",
        "fraud",
        "--artifact",
        "nope.bin",
    ])
    .code(1);
    home.deck(["run", "log", "--experiment", "fraud", "--artifact", "."])
        .code(2);
    home.run("run update r1 --status FAILED");
    home.deck(["run", "update", "r1", "--status", "RUNNING"])
        .stderr("error: run 'r1' is FAILED, so it cannot become RUNNING\nhint: nothing follows FAILED\n")
        .code(6);
    home.deck(["run", "metrics", "r1", "nope"])
        .stderr("error: run 'r1' has no metric 'nope'\nhint: it has no metrics\n")
        .code(5);
    home.run("run update r1 --metric val/auc=0.9 --metric loss=0.2");
    home.deck(["run", "metrics", "r1", "val/acu"])
        .stderr("error: run 'r1' has no metric 'val/acu'\nhint: it has val/auc, loss\n")
        .code(5);
    home.deck(["run", "update", "r1"]).code(2);
    home.run("experiment update fraud --status ARCHIVED");
    home.deck(["run", "log", "--experiment", "fraud"]).code(6);
}

#[test]
fn lists_are_filtered_sorted_and_cut() {
    let home = home();
    home.run("experiment create churn");
    for (id, experiment, lr, auc, loss, status) in [
        ("r1", "fraud", "0.1", "0.90", "0.5", "COMPLETED"),
        ("r2", "fraud", "0.01", "0.95", "0.3", "FAILED"),
        ("r3", "fraud", "0.001", "0.85", "0.4", "RUNNING"),
        ("r4", "churn", "0.1", "0.99", "0.1", "RUNNING"),
    ] {
        home.run(&format!(
            "run log --experiment {experiment} --run-id {id} --param lr={lr} --metric val/auc={auc} --metric loss={loss} --status {status}"
        ));
    }
    for (line, expected) in [
        ("run list", &["r4", "r3", "r2", "r1"][..]),
        (
            "run list --experiment fraud --sort metrics.loss",
            &["r2", "r3", "r1"],
        ),
        (
            "run list --experiment fraud --sort val/auc",
            &["r2", "r1", "r3"],
        ),
        (
            "run list --experiment fraud --sort val/auc:asc",
            &["r3", "r1", "r2"],
        ),
        ("run list --sort started", &["r4", "r3", "r2", "r1"]),
        ("run list --sort name", &["r1", "r2", "r3", "r4"]),
        ("run list --status running", &["r4", "r3"]),
        (
            "run list --status running,failed --status completed --experiment fraud",
            &["r3", "r2", "r1"],
        ),
        (
            "run list --filter lr>=0.01 --experiment fraud",
            &["r2", "r1"],
        ),
        ("run list --filter val/auc>0.9", &["r4", "r2"]),
        ("run list --limit 2", &["r4", "r3"]),
        ("run list --limit 0", &["r4", "r3", "r2", "r1"]),
        ("run list --filter nothing", &[]),
    ] {
        assert_eq!(ids(&home.json(line)), expected, "{line}");
    }
    home.deck(["run", "list", "--limit", "2"])
        .stderr("2 of 4 runs are shown; --limit N shows more, --limit 0 all\n")
        .success();
    home.deck(["run", "list", "--filter", "nothing"])
        .stdout("")
        .stderr("no runs are let through by the filter\n")
        .success();
}

#[test]
fn a_list_is_cut_at_a_hundred_and_read_in_pages_beyond() {
    let home = home();
    let events = (0..1_105)
        .map(|n| format!("{{\"event\":\"run\",\"run_id\":\"r{n:04}\",\"experiment\":\"fraud\"}}\n"))
        .collect::<Vec<String>>()
        .concat();
    home.deck(["ingest"]).stdin(&events).success();
    let done = home
        .deck(["run", "list", "--json"])
        .stderr("100 of 1105 runs are shown; --limit N shows more, --limit 0 all\n")
        .success();
    assert_eq!(done.json().as_array().unwrap().len(), 100);
    let all = home.json("run list --limit 0 --sort run_id");
    let all = ids(&all);
    assert_eq!(all.len(), 1_105);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(ids(&home.json("run list --limit 1005")).len(), 1_005);
}

#[test]
fn a_history_keeps_its_order_and_all_its_points() {
    let home = home();
    home.run("run log --experiment fraud --run-id r1");
    let events = (0..10_007)
        .map(|n| {
            let value = if n == 3 { "\"NaN\"".to_owned() } else { format!("{n}.5") };
            format!("{{\"event\":\"metric\",\"run_id\":\"r1\",\"key\":\"loss\",\"value\":{value},\"step\":{},\"timestamp\":1760000000000}}\n", n / 2)
        })
        .collect::<Vec<String>>().concat();
    home.deck(["run", "ingest", "-"]).stdin(&events).success();
    let points = home.json("run metrics r1 loss");
    let points = points.as_array().unwrap();
    assert_eq!(points.len(), 10_007);
    assert_eq!(points[3]["value"], "NaN");
    assert_eq!(points[10_006]["value"], 10_006.5);
    assert_eq!(points[10_006]["step"], 5_003);
    assert_eq!(points[0]["timestamp"], "2025-10-09T08:53:20Z");
    let table = home.run("run metrics r1 loss");
    assert_eq!(table.lines().count(), 10_008);
    assert!(table.starts_with("STEP"), "{}", &table[..40]);
    assert_eq!(table.matches("STEP").count(), 1);
}

#[test]
fn comparing_marks_the_best_and_shows_what_differs() {
    let home = home();
    home.run("run log --experiment fraud --run-id r1 --name a --param lr=0.1 --param seed=1 --metric auc=0.9 --metric loss=0.3");
    home.run("run log --experiment fraud --run-id r2 --name b --param lr=0.2 --param seed=1 --metric auc=0.8 --metric loss=0.2 --metric only=1");
    let comparison = home.json("run compare r1 r2");
    assert_eq!(comparison["runs"][1]["run_id"], "r2");
    let metric = |name: &str| {
        comparison["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .find(|metric| metric["metric"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(metric("auc")["best"], serde_json::json!(["r1"]));
    assert_eq!(metric("loss")["best"], serde_json::json!(["r2"]));
    assert_eq!(metric("only")["values"], serde_json::json!([null, 1.0]));
    assert_eq!(comparison["params"][0]["differs"], true);
    assert_eq!(comparison["params"][1]["differs"], false);
    home.deck(["run", "compare", "r1", "r2"])
        .stdout("             a r1     b r2\nstatus    RUNNING  RUNNING\nauc         * 0.9      0.8\nloss          0.3    * 0.2\nonly            –      * 1\nparam lr      0.1      0.2\n")
        .stderr("1 param is the same in all\n")
        .success();
    home.deck(["run", "compare", "r1", "nope"]).code(5);
}

#[test]
fn an_update_that_changes_nothing_writes_nothing_and_says_so() {
    let home = home();
    home.run("run log --experiment fraud --run-id r1 --tag team=a --metric loss=nan");
    home.run("model register fraud --run r1 --item bias");
    home.run("approval mark fraud 1 bias approved --note ok");
    home.run("model stage fraud 1 Staging");
    let entries = home.json("audit list").as_array().unwrap().len();
    for (line, said) in [
        (
            "run update r1 --tag team=a --status RUNNING",
            "run 'r1' is RUNNING at revision 1",
        ),
        (
            "experiment update fraud --status active",
            "experiment 'fraud' is ACTIVE at revision 1",
        ),
        (
            "model update fraud 1 --metric loss=nan",
            "version 'fraud 1' is at revision 3",
        ),
        (
            "model stage fraud 1 staging",
            "version 'fraud 1' is in stage Staging",
        ),
        (
            "approval mark fraud 1 bias approved --note ok",
            "checklist item 'bias' of version 'fraud 1' is APPROVED",
        ),
        ("policy set production.quorum 1", "production.quorum is '1'"),
    ] {
        home.deck(line.split(' '))
            .stderr(format!("nothing changed: {said}\n"))
            .success();
    }
    assert_eq!(home.json("audit list").as_array().unwrap().len(), entries);
    home.deck(["run", "update", "r1", "--metric", "loss=1"])
        .stderr("run 'r1' is RUNNING at revision 1\n")
        .success();
}

#[test]
fn a_silent_run_is_shown_as_stale() {
    let home = home();
    home.run("run log --experiment fraud --run-id r1");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    home.deck(["run", "list"])
        .env("MODELDECK_RUNS_STALE_AFTER", "1s")
        .stdout_has("RUNNING stale")
        .success();
    home.deck(["run", "show", "r1"])
        .env("MODELDECK_RUNS_STALE_AFTER", "1s")
        .stdout_has(
            "It has been silent for 1 s; 'modeldeck run update r1 --status KILLED' ends it.",
        )
        .success();
    assert_eq!(home.json("run show r1")["status"], "RUNNING");
}

#[test]
fn a_sort_key_that_no_run_has_is_refused_and_an_empty_result_says_why() {
    let home = Home::new();
    home.run("experiment create e");
    home.run("run log --experiment e --metric loss=0.5");
    for key in ["nix", "loss:dsc", "metrics.nix"] {
        home.deck(["run", "list", "--sort", key])
            .stderr_has("to sort by")
            .code(2);
    }
    home.run("run list --sort loss:desc");
    home.deck(["run", "list", "--filter", "nofield=3"])
        .stderr("no runs are let through by the filter\n")
        .success();
}

#[test]
fn a_piece_of_an_id_means_the_one_run_that_has_it() {
    let home = home();
    let (first, second) = (
        home.run("run log --experiment fraud --name one"),
        home.run("run log --experiment fraud --name two"),
    );
    home.run("run log --experiment fraud --run-id run-10");
    // Ids made one after the other differ at their ends.
    let piece = &first[first.len() - 8..];
    assert_eq!(
        home.json(&format!("run show {piece}"))["run_id"],
        first.as_str()
    );
    home.deck(["run", "update", piece, "--tag", "a=b"])
        .stderr_has(&first)
        .success();
    assert_eq!(home.json(&format!("run show {first}"))["tags"]["a"], "b");
    home.deck(["run", "compare", piece, &second]).success();
    let version = home.run(&format!("model register churn --run {piece}"));
    assert_eq!(
        home.json(&format!("model show {version}"))["run_id"],
        first.as_str()
    );
    let common = first
        .char_indices()
        .take_while(|(at, c)| second[*at..].starts_with(*c))
        .count();
    assert!(common >= 4, "{first} {second}");
    home.deck(["run", "show", &first[..4]])
        .stderr_has("more than one run's id")
        .stderr_has(&second)
        .code(2);
    // A name that somebody chose is never filled up to another's.
    home.deck(["run", "show", "run-1"]).code(5);
    home.deck(["run", "show", "abc"]).code(5);
}

#[test]
fn an_update_that_changes_nothing_leaves_no_trace() {
    let home = home();
    let id = home.run("run log --experiment fraud --param lr=0.1 --tag a=b");
    let before = home.json("audit list").as_array().unwrap().len();
    home.deck([
        "run", "update", &id, "--param", "lr=0.1", "--tag", "a=b", "--status", "RUNNING",
    ])
    .success();
    home.deck(["experiment", "update", "fraud", "--status", "active"])
        .success();
    assert_eq!(home.json("audit list").as_array().unwrap().len(), before);
    assert_eq!(home.json(&format!("run show {id}"))["revision"], 1);
}
