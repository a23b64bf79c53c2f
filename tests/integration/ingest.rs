//! `modeldeck ingest` as training code meets it.

use crate::support::program::{Program, signal, wait_for, wait_for_end};
use nix::sys::signal::Signal;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

const RUN: &str = r#"{"event":"run","run_id":"r1","experiment":"fraud","name":"lgbm","params":{"lr":"0.1"},"tags":{"team":"risk"}}"#;

fn metric(step: u32, value: &str) -> String {
    format!(
        r#"{{"event":"metric","run_id":"r1","key":"loss","value":{value},"step":{step},"timestamp":1760000000000}}"#
    )
}

#[test]
fn the_events_of_a_run_are_recorded() {
    let program = Program::new();
    let lines = [
        RUN,
        &metric(1, "0.5"),
        &metric(2, "0.31"),
        r#"{"event":"param","run_id":"r1","key":"depth","value":6}"#,
        r#"{"event":"tag","run_id":"r1","key":"team","value":"fraud"}"#,
        r#"{"event":"artifact","run_id":"r1","path":"m/model.bin","size":5,"digest":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}"#,
        r#"{"event":"heartbeat","run_id":"r1"}"#,
        r#"{"event":"end","run_id":"r1","status":"COMPLETED"}"#,
    ];
    let called = program
        .feed(&["ingest"], lines.join("\n").as_bytes())
        .code(0);
    assert_eq!(called.stdout, "");
    assert!(
        called.stderr.contains("8 events written: 2 points"),
        "{}",
        called.stderr
    );
    let run = program.only_run();
    assert_eq!(run["status"], "COMPLETED");
    assert_eq!(run["experiment_name"], "fraud");
    assert_eq!(run["name"], "lgbm");
    assert_eq!(run["params"], json!({"lr": "0.1", "depth": "6"}));
    assert_eq!(run["tags"], json!({"team": "fraud"}));
    assert_eq!(run["artifacts"][0]["path"], "m/model.bin");
    assert_eq!(
        run["metrics"]["loss"],
        json!({"value": 0.31, "step": 2, "timestamp": "2025-10-09T08:53:20Z"})
    );
}

#[test]
fn a_bad_line_is_told_with_its_number_and_the_good_ones_are_kept() {
    let program = Program::new();
    let mut input = Vec::new();
    for line in [
        "epoch 1",
        RUN,
        "",
        &metric(1, "0.5"),
        r#"{"event":"metric","run_id":"r1","key":"loss","value":1,"step":1.5}"#,
        r#"{"event":"metric","run_id":"r1","key":"loss","value":1,"step":1e400}"#,
        r#"{"event":"metric","run_id":"r1","key":"loss","value":"high"}"#,
        r#"{"event":"metric","run_id":"nobody","key":"loss","value":1}"#,
        r#"{"event":"metric","key":"loss","value":1}"#,
        r#"{"event":"metric","run_id":"r1","key":"a=b","value":1}"#,
        r#"{"event":"param","run_id":"r1","key":"lr","value":"0.2"}"#,
        r#"{"event":"end","run_id":"r1","status":"RUNNING"}"#,
        r#"{"event":"run","run_id":"r1","experiment":"other"}"#,
        r#"{"event":"run","run_id":"r2"}"#,
    ] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    input.extend_from_slice(b"\xff\xfe\n");
    input.extend_from_slice(&vec![b'x'; (1 << 20) + 1]);
    input.push(b'\n');
    input.extend_from_slice(metric(2, "0.25").as_bytes());

    let called = program.feed(&["run", "ingest", "-"], &input).code(1);
    for told in [
        "line 1: not JSON",
        "line 5: invalid value: floating point `1.5`, expected a whole number",
        "line 6: ",
        "line 7: the value 'high' is not a number",
        "line 8: run 'nobody' is not known",
        "line 9: it has no 'run_id'",
        "line 10: key 'a=b' may hold letters",
        "line 11: param 'lr' of run 'r1' was written already",
        "line 12: RUNNING does not end a run",
        "line 13: run 'r1' belongs to experiment 'fraud'",
        "line 14: run 'r2' is new, so it needs an 'experiment'",
        "line 15: not JSON",
        "line 16: longer than 1024 KiB",
        "13 bad lines",
    ] {
        assert!(called.stderr.contains(told), "{told}:\n{}", called.stderr);
    }
    let points = program.json(&["run", "metrics", "r1", "loss"]);
    assert_eq!(points.as_array().unwrap().len(), 2, "{points}");

    let summary = program.feed(&["ingest", "--json"], &input).code(1);
    let summary: serde_json::Value = serde_json::from_str(&summary.stdout).unwrap();
    assert_eq!(
        (&summary["bad_lines"], &summary["points"]),
        (&json!(13), &json!(2))
    );
    assert_eq!(summary["bad"][0]["line"], 1);
}

#[test]
fn only_the_first_bad_lines_are_told_one_by_one() {
    let program = Program::new();
    let called = program
        .feed(&["ingest"], "x\n".repeat(1000).as_bytes())
        .code(1);
    assert_eq!(called.stderr.matches("not JSON").count(), 20);
    assert!(
        called.stderr.contains("and 980 more bad lines"),
        "{}",
        called.stderr
    );
}

#[test]
fn values_that_are_no_numbers_survive() {
    let program = Program::new();
    let lines = [
        RUN,
        &metric(1, "NaN"),
        &metric(2, "-Infinity"),
        &metric(3, r#""Infinity""#),
    ];
    program
        .feed(&["ingest"], lines.join("\n").as_bytes())
        .code(0);
    let points = program.json(&["run", "metrics", "r1", "loss"]);
    let values: Vec<&str> = points
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["NaN", "-Infinity", "Infinity"]);
}

#[test]
fn a_run_is_taken_up_again_where_it_was() {
    let program = Program::new();
    let more =
        r#"{"event":"run","run_id":"r1","experiment":"fraud","params":{"lr":"0.1","depth":"6"}}"#;
    let without_step = r#"{"event":"metric","run_id":"r1","key":"loss","value":0.4}"#;
    program
        .feed(
            &["ingest"],
            format!("{RUN}\n{}", metric(7, "0.5")).as_bytes(),
        )
        .code(0);
    program
        .feed(
            &["ingest"],
            format!("{more}\n{without_step}\n{without_step}").as_bytes(),
        )
        .code(0);
    let points = program.json(&["run", "metrics", "r1", "loss"]);
    let steps: Vec<i64> = points
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["step"].as_i64().unwrap())
        .collect();
    assert_eq!(steps, [7, 8, 9]);
    assert_eq!(
        program.only_run()["params"],
        json!({"lr": "0.1", "depth": "6"})
    );
}

#[test]
fn events_without_a_run_id_are_of_the_run_in_the_environment() {
    let program = Program::new();
    let id = program.call(&["run", "log", "--experiment", "e"]).code;
    assert_ne!(id, 0, "the experiment is missing on purpose");
    program.call(&["experiment", "create", "e"]).code(0);
    let id = program
        .call(&["run", "log", "--experiment", "e"])
        .code(0)
        .stdout;
    let events = program.path("events.jsonl");
    std::fs::write(
        &events,
        "{\"event\":\"metric\",\"key\":\"k\",\"value\":1}\n",
    )
    .unwrap();
    let output = program
        .command(&["ingest", events.to_str().unwrap()])
        .env("MODELDECK_RUN_ID", id.trim())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(program.only_run()["metrics"]["k"]["value"], 1.0);
}

#[test]
fn an_open_stream_is_written_live_and_survives_a_kill() {
    let program = Program::new();
    let mut child = program
        .command(&["ingest"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{RUN}\n{}", metric(1, "0.5")).unwrap();
    let seen = |count: usize| {
        wait_for("the points", || {
            let called = program.call(&["run", "metrics", "r1", "loss", "--json"]);
            let points: Vec<serde_json::Value> = serde_json::from_str(&called.stdout).ok()?;
            (points.len() == count).then_some(())
        });
    };
    seen(1);
    writeln!(stdin, "{}", metric(2, "0.4")).unwrap();
    seen(2);
    child.kill().unwrap();
    child.wait().unwrap();
    seen(2);
    assert_eq!(program.only_run()["status"], "RUNNING");
    // Nothing of it is in the way of the next one.
    program
        .feed(&["ingest"], metric(3, "0.3").as_bytes())
        .code(0);
    seen(3);
}

#[test]
fn a_signal_writes_what_was_read() {
    for (kind, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        let program = Program::new();
        let mut child = program
            .command(&["ingest", "--json"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{RUN}").unwrap();
        wait_for("the run", || {
            (program.call(&["run", "show", "r1"]).code == 0).then_some(())
        });
        let points: String = (0..50_000).map(|step| metric(step, "0.5") + "\n").collect();
        let feeding = std::thread::spawn(move || {
            // The end of a line that is only half read is no bad line.
            let _cut_off = stdin.write_all((points + "{\"event\":\"met").as_bytes());
            stdin
        });
        wait_for("some points", || {
            let run = program.json(&["run", "show", "r1"]);
            (!run["metrics"]["loss"].is_null()).then_some(())
        });
        signal(&child, kind);
        let called = wait_for_end(child).code(code);
        drop(feeding.join().unwrap());
        let report: serde_json::Value = serde_json::from_str(&called.stdout).unwrap();
        assert_eq!(report["bad_lines"], 0, "{report}");
        // Exactly the first ones, as many as the report says.
        let points = program.json(&["run", "metrics", "r1", "loss"]);
        let points = points.as_array().unwrap();
        assert_eq!(report["points"], points.len());
        assert_eq!(points.last().unwrap()["step"], points.len() - 1);
    }
}

#[test]
fn many_points_of_many_metrics_keep_their_order() {
    let program = Program::new();
    let mut input = format!("{RUN}\n");
    for step in 0..10_000 {
        for key in ["a", "b", "c"] {
            writeln!(
                input,
                r#"{{"event":"metric","run_id":"r1","key":"{key}","value":{step},"step":{step}}}"#
            )
            .unwrap();
        }
    }
    program.feed(&["ingest"], input.as_bytes()).code(0);
    for key in ["a", "b", "c"] {
        let points = program.json(&["run", "metrics", "r1", key]);
        let steps: Vec<i64> = points
            .as_array()
            .unwrap()
            .iter()
            .map(|point| point["step"].as_i64().unwrap())
            .collect();
        assert_eq!(steps, (0..10_000).collect::<Vec<i64>>());
    }
}

#[test]
fn nothing_is_taken_where_nothing_is_changed() {
    let program = Program::new();
    program.call(&["experiment", "create", "e"]).code(0);
    let called = program
        .feed(&["ingest", "--read-only"], RUN.as_bytes())
        .code(7);
    assert!(called.stderr.contains("read-only"), "{}", called.stderr);
    program.call(&["ingest", "/nowhere/events.jsonl"]).code(1);
}

#[test]
fn runs_of_an_open_stream_and_of_a_command_are_alive() {
    let program = Program::new();
    let mut streaming = program
        .command(&["ingest"])
        .env("MODELDECK_RUNS_HEARTBEAT", "100ms")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = streaming.stdin.take().unwrap();
    writeln!(stdin, "{RUN}").unwrap();
    let beat = |run: &serde_json::Value| run["heartbeat_at"].as_str().unwrap().to_owned();
    let goes_on = |id: &str| {
        let mut first = None;
        wait_for("a heartbeat", || {
            let called = program.call(&["run", "show", id, "--json"]);
            let run: serde_json::Value = serde_json::from_str(&called.stdout).ok()?;
            let seen = beat(&run);
            (*first.get_or_insert_with(|| seen.clone()) != seen).then_some(())
        });
    };
    goes_on("r1");
    drop(stdin);
    wait_for_end(streaming).code(0);

    let id_file = program.path("id");
    let silent = program
        .command(&[
            "run",
            "exec",
            "--experiment",
            "fraud",
            "--run-id-file",
            id_file.to_str().unwrap(),
            "--",
            "sleep",
            "60",
        ])
        .env("MODELDECK_RUNS_HEARTBEAT", "100ms")
        .spawn()
        .unwrap();
    let id = crate::support::program::wait_for_file(&id_file);
    goes_on(id.trim());
    signal(&silent, Signal::SIGTERM);
    wait_for_end(silent).code(143);
}

#[test]
fn lines_that_are_written_together_meet_the_fate_that_each_would_alone() {
    let program = Program::new();
    program
        .feed(
            &["ingest"],
            br#"{"event":"run","run_id":"old","experiment":"fraud"}"#,
        )
        .code(0);
    let mut input = String::new();
    for line in [
        r#"{"event":"run","run_id":"a","experiment":"fraud","params":{"lr":"0.1"}}"#,
        r#"{"event":"metric","run_id":"a","key":"loss","value":1}"#,
        // Refused, and so all that follows on it.
        r#"{"event":"run","run_id":"b","experiment":"fraud","params":{"api_key":"x"}}"#,
        r#"{"event":"metric","run_id":"b","key":"loss","value":1}"#,
        r#"{"event":"end","run_id":"b"}"#,
        // Not refused: it was there before.
        r#"{"event":"run","run_id":"old","experiment":"other"}"#,
        r#"{"event":"metric","run_id":"old","key":"loss","value":1}"#,
        r#"{"event":"param","run_id":"a","key":"lr","value":"0.2"}"#,
        "no event",
        r#"{"event":"run","run_id":"c","experiment":"new","name":"first"}"#,
        r#"{"event":"metric","run_id":"c","key":"loss","value":1,"timestamp":99999999999999999}"#,
        r#"{"event":"run","run_id":"c","experiment":"new","name":"second"}"#,
        r#"{"event":"end","run_id":"c","status":"FAILED"}"#,
        r#"{"event":"end","run_id":"c","status":"COMPLETED"}"#,
        r#"{"event":"metric","run_id":"c","key":"loss","value":2}"#,
        r#"{"event":"tag","run_id":"c","key":"k","value":"v"}"#,
    ] {
        writeln!(input, "{line}").unwrap();
    }
    let called = program
        .feed(&["ingest", "--json"], input.as_bytes())
        .code(1);
    let report: serde_json::Value = serde_json::from_str(&called.stdout).unwrap();
    let bad: Vec<u64> = report["bad"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bad| bad["line"].as_u64().unwrap())
        .collect();
    assert_eq!(bad, [3, 4, 5, 6, 8, 9, 11, 14], "{report}");
    assert_eq!(
        (&report["events"], &report["points"], &report["runs_ended"]),
        (&json!(8), &json!(3), &json!(1))
    );
    program.call(&["run", "show", "b"]).code(5);
    program.call(&["experiment", "show", "other"]).code(5);
    let c = program.json(&["run", "show", "c"]);
    assert_eq!(
        (&c["name"], &c["status"]),
        (&json!("second"), &json!("FAILED"))
    );
    assert_eq!(c["metrics"]["loss"]["value"], 2.0);
    assert_eq!(c["tags"]["k"], "v");
    let a = program.json(&["run", "show", "a"]);
    assert_eq!(a["params"], json!({"lr": "0.1"}));
    assert_eq!(a["metrics"]["loss"]["step"], 0);
}

#[test]
fn many_runs_of_many_experiments_keep_the_order_of_their_lines() {
    let program = Program::new();
    let mut input = String::new();
    let mut expected = Vec::new();
    for number in 0..700 {
        let run = format!("r{number}");
        let experiment = number / 100 % 3;
        writeln!(
            input,
            r#"{{"event":"run","run_id":"{run}","experiment":"e{experiment}"}}
{{"event":"metric","run_id":"{run}","key":"loss","value":{number},"step":3}}
{{"event":"metric","run_id":"{run}","key":"loss","value":0.5}}
{{"event":"end","run_id":"{run}"}}"#
        )
        .unwrap();
        expected.insert(0, run);
    }
    let called = program.feed(&["ingest"], input.as_bytes()).code(0);
    assert!(
        called
            .stderr
            .contains("1400 points, 700 runs begun, 700 ended"),
        "{}",
        called.stderr
    );
    let runs = program.json(&["run", "list", "--limit", "0"]);
    let runs = runs.as_array().unwrap();
    let ids: Vec<&str> = runs
        .iter()
        .map(|run| run["run_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, expected);
    for run in runs {
        assert_eq!(run["status"], "COMPLETED");
        assert_eq!(run["metrics"]["loss"]["step"], 4);
    }
    program.call(&["audit", "verify"]).code(0);
}
