//! What commands tell of the mirror: `sync run`, `doctor`, `store info`, and a store that has none.

use crate::support::mlflow_server::{Series, turn};
use crate::support::program::{Program, wait_for_end};
use serde_json::Value;
use std::fmt::Write as _;

fn items(stderr: &str) -> u64 {
    let line = stderr
        .lines()
        .find(|line| line.contains("carried over to"))
        .unwrap_or_else(|| panic!("{stderr}"));
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "items").unwrap();
    words[at - 1].parse().unwrap()
}

/// Each tells what it carried over itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_at_once_each_counts_its_own() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    let mut lines = String::new();
    for run in 0..30 {
        write!(
            lines,
            "{{\"event\":\"run\",\"run_id\":\"r{run}\",\"experiment\":\"fraud\"}}\n{{\"event\":\"end\",\"run_id\":\"r{run}\",\"status\":\"COMPLETED\"}}\n"
        )
        .unwrap();
    }
    program.feed(&["ingest"], lines.as_bytes()).code(0);
    let uri = server.uri();
    let start = || {
        program
            .command(&["sync", "run", "--tracking-uri", &uri])
            .spawn()
            .unwrap()
    };
    let children = [start(), start()];
    let told: Vec<u64> = children
        .map(|child| {
            let called = wait_for_end(child);
            assert_eq!(called.code, 0, "{}", called.stderr);
            items(&called.stderr)
        })
        .to_vec();
    assert_eq!(told.iter().sum::<u64>(), 31, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_and_the_store_tell_of_the_mirror() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    let nobody = "http://127.0.0.1:9";
    program.call(&["experiment", "create", "fraud"]).code(0);
    let mirror = |arguments: &[&str]| -> Value {
        let checks = program.json(arguments);
        let found = checks
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["check"] == "mirror");
        found.cloned().unwrap_or_default()
    };
    assert_eq!(mirror(&["doctor"]), Value::Null);

    let offline = program
        .call(&["sync", "run", "--tracking-uri", nobody, "--json"])
        .code(9);
    let error: Value = serde_json::from_str(&offline.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "unavailable", "{error}");
    let hint = error["error"]["hint"].as_str().unwrap();
    assert!(!hint.contains("DEAD"), "nothing is: {hint}");
    let check = mirror(&["doctor", "--tracking-uri", nobody]);
    assert_eq!(check["status"], "warning", "{check}");
    let message = check["message"].as_str().unwrap();
    for said in [nobody, "OFFLINE", "queued 1", "oldest", "never"] {
        assert!(message.contains(said), "{message}");
    }

    program
        .call(&["sync", "run", "--tracking-uri", &server.uri()])
        .code(0);
    let check = mirror(&["doctor"]);
    assert_eq!(check["status"], "ok", "{check}");
    let info = program.json(&["store", "info"]);
    assert_eq!(info["mirror"]["target"], server.uri().as_str(), "{info}");
    let shown = program.call(&["store", "info"]).code(0);
    for said in [server.uri().as_str(), "SYNCED", "last success"] {
        assert!(shown.stdout.contains(said), "{}", shown.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_server_has_nothing_to_mirror_and_takes_no_import() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    let uri = server.uri();
    for arguments in [
        ["sync", "status", "--store", &uri],
        ["sync", "run", "--store", &uri],
    ] {
        let called = program.call(&arguments).code(6);
        assert!(
            called
                .stderr
                .contains("this store is an MLflow server; nothing to mirror"),
            "{}",
            called.stderr
        );
        assert!(!called.stderr.contains("--tracking-uri"));
    }
    let called = program
        .call(&["store", "import", "nowhere.db", "--store", &uri])
        .code(6);
    assert!(
        called.stdout.is_empty() && !called.stderr.contains("stopped before"),
        "{} {}",
        called.stdout,
        called.stderr
    );
}
