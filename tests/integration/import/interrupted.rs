//! Imports that are stopped, killed, run twice at once, or read what is being written.

use super::{Place, tally};
use crate::support::mlflow_file::{add_points, add_run, fill, run_id};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn start(place: &Place) -> Child {
    Command::new(env!("CARGO_BIN_EXE_modeldeck"))
        .args(["store", "import", "mlflow.db", "--json"])
        .env_clear()
        .env("HOME", place.home.path())
        .current_dir(place.home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many runs and points are in the local store, as it is on the disk.
fn counts(place: &Place) -> (u64, u64) {
    let Ok(store) = rusqlite::Connection::open_with_flags(
        place.store(),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    ) else {
        return (0, 0);
    };
    let ask = |sql: &str| {
        let count: i64 = store.query_row(sql, [], |row| row.get(0)).unwrap_or(0);
        count.unsigned_abs()
    };
    (
        ask("SELECT count(*) FROM runs"),
        ask("SELECT count(*) FROM points"),
    )
}

fn wait_for_runs(place: &Place, runs: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while counts(place).0 < runs {
        assert!(
            Instant::now() < deadline,
            "the import does not come forward"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn a_stopped_import_says_so_and_a_killed_one_goes_on() {
    let place = Place::new();
    fill(&place.mlflow, 0..1_500);
    let child = start(&place);
    wait_for_runs(&place, 1);
    signal(&child, Signal::SIGINT);
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130));
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["signal"], 2);
    let added = tally(&report, "runs")[0];
    assert!((1..1_500).contains(&added));
    assert_eq!(counts(&place), (added, added * 100));

    for _ in 0..3 {
        let (before, _) = counts(&place);
        let mut child = start(&place);
        wait_for_runs(&place, (before + 1).min(1_500));
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
    }
    let report = place.import(0);
    assert_eq!(
        tally(&report, "runs")[1..],
        [0, counts(&place).0 - tally(&report, "runs")[0], 0, 0]
    );
    assert_eq!(counts(&place), (1_500, 150_000));
    place.assert_sound();
}

#[test]
fn two_imports_at_once_double_nothing() {
    const RUNS: usize = 250;
    let place = Place::new();
    fill(&place.mlflow, 0..RUNS);
    let children = [start(&place), start(&place)];
    let mut added = 0;
    for child in children {
        let done = child.wait_with_output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        added += tally(&report, "runs")[0];
    }
    assert_eq!(added, RUNS as u64);
    assert_eq!(counts(&place), (added, added * 100));
    // The same for what is added to runs that are there.
    place.mlflow.execute_batch("BEGIN").unwrap();
    for number in 0..RUNS {
        add_points(&place.mlflow, &run_id(number), "metric0", 10..12);
    }
    place.mlflow.execute_batch("COMMIT").unwrap();
    let children = [start(&place), start(&place)];
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(counts(&place), (added, added * 102));
    place.assert_sound();
}

#[test]
fn a_long_history_comes_in_pieces_and_in_order() {
    let place = Place::new();
    add_run(&place.mlflow, &run_id(1), "long");
    place.mlflow.execute_batch("BEGIN").unwrap();
    for part in 0..6 {
        add_points(
            &place.mlflow,
            &run_id(1),
            "loss",
            part * 20_000..(part + 1) * 20_000,
        );
        add_points(&place.mlflow, &run_id(1), "auc", part * 10..(part + 1) * 10);
    }
    place.mlflow.execute_batch("COMMIT").unwrap();
    assert_eq!(place.import(0)["points_added"], 120_060);
    let steps = |key: &str| -> Vec<i64> {
        rusqlite::Connection::open(place.store())
            .unwrap()
            .prepare("SELECT step FROM points p JOIN keys k USING (key_id) WHERE k.key = ?1 ORDER BY seq")
            .unwrap()
            .query_map([key], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    assert_eq!(steps("loss"), (0..120_000).collect::<Vec<i64>>());
    assert_eq!(steps("auc"), (0..60).collect::<Vec<i64>>());
    assert_eq!(place.import(0)["points_added"], 0);
    add_points(&place.mlflow, &run_id(1), "loss", -1..0);
    add_points(&place.mlflow, &run_id(1), "loss", 120_000..120_001);
    let report = place.import(0);
    assert_eq!(
        (&report["points_added"], tally(&report, "runs")),
        (&2.into(), [0, 1, 0, 0, 0])
    );
    assert_eq!(steps("loss")[119_999..], [119_999, -1, 120_000]);
}

#[test]
fn whoever_writes_there_is_not_held_up() {
    let place = Place::new();
    fill(&place.mlflow, 0..120);
    place.mlflow.busy_timeout(Duration::from_secs(20)).unwrap();
    let mut child = start(&place);
    let (mut written, mut longest) = (0, Duration::ZERO);
    while child.try_wait().unwrap().is_none() {
        let began = Instant::now();
        add_points(&place.mlflow, &run_id(0), "live", written..written + 1);
        longest = longest.max(began.elapsed());
        written += 1;
    }
    assert!(child.wait().unwrap().success());
    assert!(
        written > 3 && longest < Duration::from_secs(15),
        "{written} {longest:?}"
    );
    place.import(0);
    let live = place.points(&run_id(0), "live");
    assert_eq!(live.len(), usize::try_from(written).unwrap());
}
