//! Parts that run in processes of their own, and how they are started.

use super::{open, with_run};
use crate::store_contract::samples::{at, batch, ctx, experiment, point};
use modeldeck::domain::{ExperimentName, RunId};
use modeldeck::store::{ExperimentStore as _, RunStore as _, StoreError};
use nix::sys::stat::{Mode, umask};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PART: &str = "MODELDECK_TEST_PART";
const STORE: &str = "MODELDECK_TEST_STORE";
const NUMBER: &str = "MODELDECK_TEST_NUMBER";

/// This test binary as another process that plays a part.
pub(super) fn command(part: &str, store: &Path, number: usize) -> Command {
    in_shell(part, store, number, "")
}

/// The same, after some words to a shell.
pub(super) fn in_shell(part: &str, store: &Path, number: usize, before: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "store_faults::children::a_part"])
        .env_clear()
        .env(PART, part)
        .env(STORE, store)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts all at once and waits until all have ended well.
pub(super) fn all_end_well(children: Vec<Command>) {
    let children: Vec<Child> = children
        .into_iter()
        .map(|mut child| child.spawn().unwrap())
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("1 passed"), "no part was played: {told}");
    }
}

/// Plays a part when another test started this process for it; by itself it has nothing to do.
#[tokio::test]
async fn a_part() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let path = PathBuf::from(std::env::var_os(STORE).unwrap());
    let number: usize = std::env::var(NUMBER).unwrap().parse().unwrap();
    match part.as_str() {
        "count" => count(&path, number).await,
        "first open" => first_open(&path, number).await,
        "write until killed" => write_until_killed(&path).await,
        "write until full" => write_until_full(&path).await,
        "everything with umask" => everything_with_umask(&path, number).await,
        other => panic!("there is no part '{other}'"),
    }
}

/// Adds one to a counter some times, as a program does that reads, judges and writes.
async fn count(path: &Path, times: usize) {
    let store = open(path);
    let name = ExperimentName::new("counter").unwrap();
    for _ in 0..times {
        loop {
            let mut counter = store.experiment(&name).await.unwrap();
            let value: usize = counter.description.parse().unwrap();
            counter.description = (value + 1).to_string();
            match store
                .replace_experiment(&counter, &ctx("update_experiment"))
                .await
            {
                Ok(_) => break,
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn first_open(path: &Path, number: usize) {
    let store = open(path);
    store
        .insert_experiment(
            &experiment(&format!("e{number}")),
            &ctx("create_experiment"),
        )
        .await
        .unwrap();
}

/// Says on a line of its own which point and which experiment are written for good.
async fn write_until_killed(path: &Path) {
    let store = with_run(path).await;
    for step in 0.. {
        store
            .append_metrics(&[batch("r1", "loss", &[point(step, 0.5)])], at(step))
            .await
            .unwrap();
        store
            .insert_experiment(&experiment(&format!("e{step}")), &ctx("create_experiment"))
            .await
            .unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "\nwritten {step}").unwrap();
        out.flush().unwrap();
    }
}

async fn write_until_full(path: &Path) {
    let store = open(path);
    let run_id = RunId::new("r1").unwrap();
    let points: Vec<_> = (0..1000).map(|step| point(step, 0.123)).collect();
    for written in 0..10_000 {
        if let Err(error) = store
            .append_metrics(&[batch("r1", "loss", &points)], at(0))
            .await
        {
            assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
            assert!(error.to_string().contains("nothing was written"), "{error}");
            // The store goes on reading, and has exactly what was acknowledged.
            let chart = store
                .metric_chart(&run_id, &"loss".parse().unwrap(), 80)
                .await
                .unwrap();
            assert_eq!(chart.points, written * 1000);
            assert!(written > 0);
            return;
        }
    }
    panic!("the disk was never full");
}

async fn everything_with_umask(path: &Path, bits: usize) {
    umask(Mode::from_bits_truncate(u32::try_from(bits).unwrap()));
    let store = if path.exists() {
        open(path)
    } else {
        with_run(path).await
    };
    let run_id = RunId::new("r1").unwrap();
    store.append_output(&run_id, b"epoch 1\n").await.unwrap();
    store.heartbeat(&run_id, at(1)).await.unwrap();
    let aside = path.with_file_name(format!("backup-{bits}.db"));
    modeldeck::store::AuditStore::backup(&store, &aside)
        .await
        .unwrap();
    // The files beside the store are looked at while it is open.
    let modes: Vec<String> = ["modeldeck.db", "modeldeck.db-wal", "modeldeck.db-shm"]
        .iter()
        .map(|name| format!("{:o}", super::mode(&path.with_file_name(name))))
        .collect();
    let mut out = std::io::stdout();
    writeln!(out, "\nmodes {}", modes.join(" ")).unwrap();
}
