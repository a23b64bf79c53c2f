//! Many processes at once, and processes that die.

use super::children::{all_end_well, command, in_shell};
use super::{open, place, raw, read_only, with_run};
use crate::store_contract::samples::{
    at, batch, ctx, deployment, experiment, point, with_versions,
};
use modeldeck::domain::audit::ChainCheck;
use modeldeck::domain::{DeploymentStatus, ExperimentName, Key, RunId};
use modeldeck::store::sqlite::SqliteStore;
use modeldeck::store::{
    AuditStore as _, DeploymentStore as _, DeploymentWrite, ExperimentQuery, ExperimentStore as _,
    RunStore as _, StoreError,
};
use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

async fn verify_audit(store: &SqliteStore) -> i64 {
    let mut check = ChainCheck::default();
    for entry in store.audit_from(1, usize::MAX).await.unwrap() {
        check.follow(&entry).unwrap();
    }
    let (seq, hash) = store.audit_head().await.unwrap();
    check.finish(seq, &hash).unwrap();
    seq
}

#[tokio::test]
async fn eight_processes_lose_no_update_and_are_never_told_of_a_lock() {
    let (_keep, path) = place();
    let mut counter = experiment("counter");
    counter.description = "0".into();
    let store = open(&path);
    store
        .insert_experiment(&counter, &ctx("create_experiment"))
        .await
        .unwrap();
    all_end_well((0..8).map(|_| command("count", &path, 40)).collect());
    let counter = store.experiment(&counter.name).await.unwrap();
    assert_eq!(
        (counter.description.as_str(), counter.revision.0),
        ("320", 321)
    );
    assert_eq!(verify_audit(&store).await, 321);
}

#[tokio::test]
async fn many_first_opens_at_once_all_succeed() {
    let (_keep, path) = place();
    let children: Vec<_> = (0..32)
        .map(|number| command("first open", &path, number))
        .collect();
    all_end_well(children);
    let store = open(&path);
    let count = store.count_experiments(&ExperimentQuery::default()).await;
    assert_eq!(count.unwrap(), 32);
    // And of an empty file that is there already, from threads of one process.
    let empty = path.with_file_name("empty.db");
    std::fs::write(&empty, b"").unwrap();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| open(&empty))).collect();
        for store in opened {
            drop(store.join().unwrap());
        }
    });
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_nine() {
    for enough in [1, 20, 55] {
        let (_keep, path) = place();
        let mut child = command("write until killed", &path, 0).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut written = -1;
        for line in lines.by_ref() {
            if let Some(step) = line.unwrap().strip_prefix("written ") {
                written = step.parse().unwrap();
                if written >= enough {
                    break;
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(step) = line.strip_prefix("written ") {
                written = step.parse().unwrap();
            }
        }
        assert!(written >= enough);
        let store = open(&path);
        let history = store
            .metric_history(
                &RunId::new("r1").unwrap(),
                &Key::new("loss").unwrap(),
                0,
                10_000,
            )
            .await
            .unwrap();
        let steps: Vec<i64> = history.iter().map(|point| point.step).collect();
        let expected: Vec<i64> = (0..i64::try_from(steps.len()).unwrap()).collect();
        assert_eq!(steps, expected);
        assert!(*steps.last().unwrap() >= written);
        let last = ExperimentName::new(&format!("e{written}")).unwrap();
        store.experiment(&last).await.unwrap();
        assert!(verify_audit(&store).await >= written);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_a_write_whole() {
    let (_keep, path) = place();
    drop(with_run(&path).await);
    // No file may grow beyond two megabytes in this process.
    let full = in_shell(
        "write until full",
        &path,
        0,
        "trap '' XFSZ; ulimit -f 4096;",
    );
    all_end_well(vec![full]);
    let check: String = raw(&path)
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn two_programs_never_make_two_active_deployments() {
    let (_keep, path) = place();
    let (one, two) = (open(&path), open(&path));
    with_versions(&one, &["1"]).await;
    let mut active: Option<modeldeck::domain::Deployment> = None;
    for round in 0..30 {
        let write = |side: &str| {
            let mut new = deployment(&format!("d{round}{side}"), "fraud", "1");
            new.status = DeploymentStatus::Active;
            let ended = active.clone().map(|mut before| {
                before.status = DeploymentStatus::Terminated;
                before
            });
            DeploymentWrite {
                insert: Some(new),
                replace: ended.into_iter().collect(),
                proof: None,
            }
        };
        let (left, right) = (write("a"), write("b"));
        let ctx = ctx("create_deployment");
        let (left, right) = tokio::join!(
            one.write_deployments(&left, &ctx),
            two.write_deployments(&right, &ctx)
        );
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        let lost = left.err().or(right.err()).unwrap();
        assert!(matches!(lost, StoreError::Conflict { .. }), "{lost:?}");
        let model = "fraud".parse().unwrap();
        active = one
            .active_deployment(&model, modeldeck::domain::Environment::Dev)
            .await
            .unwrap();
        assert!(active.is_some());
    }
    verify_audit(&one).await;
}

#[tokio::test]
async fn a_short_wait_is_waited_for_and_a_long_one_is_told() {
    let (_keep, path) = place();
    let store = with_run(&path).await;
    let run_id = RunId::new("r1").unwrap();
    let hold = |period: Duration| {
        let path = path.clone();
        let (ready, held) = std::sync::mpsc::channel();
        let holder = std::thread::spawn(move || {
            let raw = raw(&path);
            raw.execute_batch("BEGIN IMMEDIATE").unwrap();
            ready.send(()).unwrap();
            std::thread::sleep(period);
        });
        held.recv().unwrap();
        holder
    };
    let holder = hold(Duration::from_millis(400));
    store.heartbeat(&run_id, at(1)).await.unwrap();
    holder.join().unwrap();

    let holder = hold(Duration::from_secs(30));
    let started = Instant::now();
    // Reading goes on meanwhile.
    store.run(&run_id).await.unwrap();
    let busy = store.heartbeat(&run_id, at(2)).await;
    assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
    assert!(
        started.elapsed() > Duration::from_secs(2) && started.elapsed() < Duration::from_secs(25)
    );
    // The thread ends with the process.
    drop(holder);
}

#[tokio::test]
async fn a_backup_is_whole_while_eight_writers_write() {
    let (keep, path) = place();
    let store = with_run(&path).await;
    let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = Vec::new();
    for number in 0..8 {
        let (writer, ended) = (open(&path), std::sync::Arc::clone(&ended));
        writers.push(tokio::spawn(async move {
            let mut step = 0;
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                let key = format!("m{number}");
                let some = [batch(
                    "r1",
                    &key,
                    &[point(step, 0.5), point(step + 1, 0.25)],
                )];
                writer.append_metrics(&some, at(0)).await.unwrap();
                let name = format!("e{number}-{step}");
                writer
                    .insert_experiment(&experiment(&name), &ctx("create_experiment"))
                    .await
                    .unwrap();
                step += 2;
            }
        }));
    }
    for number in 0..3 {
        let target = keep.path().join(format!("backup-{number}.db"));
        store.backup(&target).await.unwrap();
        let again = store.backup(&target).await;
        assert!(
            matches!(again, Err(StoreError::AlreadyExists { .. })),
            "{again:?}"
        );
        assert_eq!(super::mode(&target), 0o600);
        let copy = read_only(&target).unwrap();
        // What one transaction wrote is in the copy together.
        verify_audit(&copy).await;
        for key in copy.metric_keys(&RunId::new("r1").unwrap()).await.unwrap() {
            let points = copy
                .metric_history(&RunId::new("r1").unwrap(), &key, 0, usize::MAX)
                .await
                .unwrap();
            assert!(points.len().is_multiple_of(2));
        }
    }
    ended.store(true, std::sync::atomic::Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let left: Vec<_> = std::fs::read_dir(keep.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
