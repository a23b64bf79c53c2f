//! Names and values that no rule of ours allows, columns of the wrong type, and files that are something else.

use super::{Place, tally, told};
use crate::support::Home;
use crate::support::mlflow_file::{add_points, add_run, run_id};
use rusqlite::params;

#[test]
fn what_is_not_allowed_here_is_seen_and_never_lost_silently() {
    let place = Place::new();
    let db = &place.mlflow;
    add_run(db, &run_id(1), "\u{1b}[2Jevil\u{202e}");
    add_run(db, "../../etc/passwd", "path");
    add_run(db, &run_id(2), &"long ".repeat(100));
    add_points(db, &run_id(1), "loss\n", 0..3);
    add_points(db, &run_id(1), "loss", 0..2);
    let pair = |table: &str, key: &str, value: &str| {
        db.execute(
            &format!("INSERT INTO {table} (key, value, run_uuid) VALUES (?1, ?2, ?3)"),
            [key, value, &run_id(1)],
        )
        .unwrap();
    };
    pair("params", "a=b", "1");
    pair("params", "OPENAI_API_KEY", "hunter2");
    pair("params", "nul", "a\0b");
    pair("tags", "long", &"x".repeat(8000));
    pair("tags", "repo", "https://bob:hunter2@host/x.git");
    pair("tags", "escape", "\u{1b}]0;title\u{7}");
    db.execute(
        "INSERT INTO experiments VALUES (2, ?1, '', 'active', 1, 1, 'default'), (3, 'fraud', '', 'active', 1, 1, 'team b'), (4, 'gone', '', 'deleted', 1, 1, 'default'),
             (5, 'modeldeck/ledger', '', 'active', 1, 1, 'default')",
        ["bad\nname"],
    )
    .unwrap();
    let done = place.imported(1);
    assert!(!done.stdout.contains("hunter2") && !done.stderr.contains("hunter2"));
    let report = done.json();
    assert_eq!(tally(&report, "runs"), [2, 0, 0, 0, 1]);
    assert_eq!(tally(&report, "experiments"), [4, 0, 0, 2, 0]);
    assert_eq!(report["points_added"], 5);
    let id = run_id(1);
    let mut refused = told(&report, "refused");
    refused.sort();
    assert_eq!(
        refused,
        [
            "run ../../etc/passwd".to_owned(),
            format!("run {id} param 'OPENAI_API_KEY'"),
            format!("run {id} tag 'repo'"),
        ]
    );
    assert_eq!(report["changed"]["count"], 7);
    // Programs get the name as it is there.
    let names: Vec<String> = told(&report, "changed");
    assert!(
        names.contains(&"experiment bad\nname name".to_owned())
            && names.contains(&format!("run {id} metric 'loss\n'")),
        "{names:?}"
    );
    let run = place.run(&id);
    assert_eq!(run["name"], "_u001b_[2Jevil_u202e_");
    assert_eq!(run["params"]["a_u003d_b"], "1");
    assert_eq!(run["params"]["nul"], "a\u{2400}b");
    assert!(
        run["tags"]["long"]
            .as_str()
            .unwrap()
            .contains("cut: 8000 characters")
    );
    assert_eq!(place.points(&id, "loss_u000a_").len(), 3);
    assert_eq!(place.points(&id, "loss").len(), 2);
    let names: Vec<String> = place
        .home
        .json("experiment list")
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        names.contains(&"bad_u000a_name".to_owned()) && names.contains(&"team b/fraud".to_owned())
    );
    // For people too, nothing that a terminal obeys comes through.
    let shown = place.home.deck(["store", "import", "mlflow.db"]).code(1);
    assert!(!shown.stdout.contains(['\u{1b}', '\u{202e}', '\u{7}']));
    assert!(
        shown.stdout.contains("experiment bad␊name") && !shown.stdout.contains("U+24"),
        "made visible once: {}",
        shown.stdout
    );
    let again = place.import(1);
    assert_eq!(tally(&again, "runs"), [0, 0, 2, 0, 1]);
    assert_eq!(again["points_added"], 0);
    place.assert_sound();
}

#[test]
fn values_of_the_wrong_kind_end_nothing() {
    let place = Place::new();
    let db = &place.mlflow;
    add_run(db, &run_id(1), "odd");
    db.execute_batch("UPDATE runs SET start_time = 'soon', end_time = 9e30, status = 'DREAMING', user_id = x'ff00'")
        .unwrap();
    for (at, (value, timestamp, step)) in [
        ("1.7976931348623157e308", "1", "1"),
        (
            "-1.7976931348623157e308",
            "9223372036854775807",
            "9223372036854775807",
        ),
        ("'0.5'", "-9223372036854775808", "-9223372036854775808"),
        ("x'00'", "2", "2.5"),
        ("7", "3", "3"),
    ]
    .into_iter()
    .enumerate()
    {
        db.execute(
            &format!("INSERT INTO metrics VALUES (?1, {value}, {timestamp}, ?2, {step}, 0)"),
            params![format!("m{at}"), run_id(1)],
        )
        .unwrap();
    }
    let report = place.import(0);
    assert_eq!(tally(&report, "runs"), [1, 0, 0, 0, 0]);
    assert_eq!(report["points_added"], 5);
    let value = |key: &str| place.points(&run_id(1), key)[0]["value"].clone();
    assert_eq!(value("m0"), "Infinity");
    assert_eq!(value("m1"), "-Infinity");
    assert_eq!(value("m2"), 0.5);
    assert_eq!(value("m3"), "NaN");
    assert_eq!(value("m4"), 7.0);
    assert_eq!(place.run(&run_id(1))["status"], "COMPLETED");
    assert_eq!(tally(&place.import(0), "runs"), [0, 0, 1, 0, 0]);
}

#[test]
fn what_is_no_source_is_told_and_nothing_is_made() {
    let home = Home::new();
    let text = home
        .write(
            "notes.txt",
            "not a database at all, but long enough to be read as one",
        )
        .display()
        .to_string();
    home.write("empty/x", "");
    home.write("half/0/meta.yaml", "experiment_id: '0'\nname: [");
    rusqlite::Connection::open(home.path().join("other.db"))
        .unwrap()
        .execute_batch("CREATE TABLE runs (x)")
        .unwrap();
    for source in [
        "nowhere.db",
        &text,
        "empty",
        "half",
        "other.db",
        "/dev/null",
    ] {
        let error = home
            .deck(["store", "import", source, "--json"])
            .code(4)
            .json_error();
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("cannot be imported"),
            "{error}"
        );
        assert!(error["hint"].is_string(), "{error}");
    }
    assert!(!home.store().exists());
    home.run("experiment create x");
    let own = home.store();
    let error = home
        .deck(["store", "import", own.to_str().unwrap(), "--json"])
        .code(4)
        .json_error();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("a store of modeldeck")
    );
    home.deck(["store", "import", "s3://bucket/mlflow.db"])
        .code(6);
    home.deck(["--read-only", "store", "import", "other.db"])
        .code(7);
    assert_eq!(home.json("store info")["counts"]["runs"], 0);
}

#[test]
fn a_broken_folder_gives_what_is_whole() {
    let home = Home::new();
    let meta = |id: &str, stage: &str| {
        format!(
            "run_id: {id}\nrun_name: r\nstatus: 3\nstart_time: 1795462330100\nend_time: 1795462330200\nlifecycle_stage: {stage}\nuser_id: bob\n"
        )
    };
    let (good, bad, gone) = ("a".repeat(32), "b".repeat(32), "c".repeat(32));
    home.write(
        "mlruns/1/meta.yaml",
        "experiment_id: '1'\nname: fraud\nlifecycle_stage: active\ncreation_time: 5\n",
    );
    home.write("mlruns/2/meta.yaml", "experiment_id: '2'\nname: [\n");
    home.write(
        "mlruns/.trash/3/meta.yaml",
        "experiment_id: '3'\nname: gone\n",
    );
    home.write(
        &format!("mlruns/1/{good}/meta.yaml"),
        &meta(&good, "active"),
    );
    home.write(
        &format!("mlruns/1/{good}/metrics/val/loss"),
        "1795462330150 0.5 0\nnonsense\n1795462330160 nan 1\n1795462330170 0.",
    );
    home.write(&format!("mlruns/1/{good}/params/lr"), "0.1");
    home.write(&format!("mlruns/1/{good}/artifacts/model/m.bin"), "12345");
    std::os::unix::fs::symlink(
        "/etc",
        home.path().join(format!("mlruns/1/{good}/params/etc")),
    )
    .unwrap();
    home.write(&format!("mlruns/1/{bad}/meta.yaml"), "status: [");
    home.write(
        &format!("mlruns/1/{gone}/meta.yaml"),
        &meta(&gone, "deleted"),
    );
    let report = home
        .deck(["store", "import", "mlruns", "--json"])
        .code(1)
        .json();
    assert_eq!(tally(&report, "experiments"), [1, 0, 0, 1, 1]);
    assert_eq!(tally(&report, "runs"), [1, 0, 0, 1, 1]);
    assert_eq!(report["points_added"], 2);
    let told = told(&report, "refused");
    assert!(
        told.contains(&format!("run {good} metric 'val/loss'"))
            && told.contains(&format!("run {bad}")),
        "{told:?}"
    );
    let run = home.json(&format!("run show {good}"));
    assert_eq!(run["params"], serde_json::json!({"lr": "0.1"}));
    assert_eq!(
        (&run["artifacts"][0]["path"], &run["artifacts"][0]["size"]),
        (&"model/m.bin".into(), &5.into())
    );
    assert_eq!(run["metrics"]["val/loss"]["value"], "NaN");

    home.write(
        &format!("mlruns/1/{good}/metrics/val/loss"),
        "1795462330150 0.5 0\n1795462330160 nan 1\n1795462330170 0.25 2\n",
    );
    let report = home
        .deck(["store", "import", "file:mlruns", "--json"])
        .code(1)
        .json();
    assert_eq!(report["points_added"], 1);
}
