//! What waits and what does not: dead items, their words, other servers, being offline.

use super::{Deck, begin, drain, drain_whole, end, experiment, measure};
use crate::store_contract::samples::{batch, point};
use crate::support::fault_server::{Fault, FaultServer};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{Artifact, MirrorState, ObjectKind, SyncItemState, SyncKind, approval};
use modeldeck::service::{ErrorKind, ModelLifecycleService, RunUpdate, ServiceOptions};
use modeldeck::store::RunStore as _;
use modeldeck::store::sqlite::{OpenOptions, SqliteStore};
use modeldeck::store::sync::{RemoteCopy, Sent, SyncRecord, SyncStore as _, SyncTask};
use std::time::{Duration, Instant};

#[tokio::test]
async fn without_a_server_nothing_is_queued() {
    let deck = Deck::new();
    let service = ModelLifecycleService::open(ServiceOptions::local(deck.path()))
        .await
        .unwrap();
    experiment(&service, "fraud").await;
    let status = service.sync().status().await.unwrap();
    assert_eq!((status.state, status.depth), (MirrorState::Off, 0));
    assert!(service.sync().start().is_none());
    let refused = service.sync().drain(&|_| {}).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let run = begin(&service, "fraud", "r1").await;
    assert_eq!(service.get_run(&run).await.unwrap().mlflow, None);
    drop(service);
    // What was there before is queued when there is one.
    let service = deck.on("http://127.0.0.1:9").await;
    assert_eq!(service.sync().status().await.unwrap().depth, 2);
    // And a program that was told of none queues all the same: the store is mirrored, whoever writes.
    let other = ModelLifecycleService::open(ServiceOptions::local(deck.path()))
        .await
        .unwrap();
    begin(&other, "fraud", "r2").await;
    assert_eq!(service.sync().status().await.unwrap().depth, 3);
}

/// However often an object changes it waits once, and a change during its copying keeps it waiting.
#[tokio::test]
async fn the_queue_is_of_objects_and_a_lost_lease_records_nothing() {
    let deck = Deck::new();
    let service = deck.on("http://127.0.0.1:9").await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    for step in 0..5 {
        measure(&service, &run, "loss", step, 1).await;
    }
    drop(service);
    let store = SqliteStore::open(
        &deck.path(),
        OpenOptions {
            create: false,
            read_only: false,
        },
    )
    .unwrap();
    let now = jiff::Timestamp::now();
    let later = now + jiff::SignedDuration::from_secs(60);
    let tasks = store.due_sync_tasks(later, false, &[], 10).await.unwrap();
    let kinds: Vec<SyncKind> = tasks.iter().map(|task| task.item.kind).collect();
    assert_eq!(kinds, [SyncKind::Experiment], "the run waits for it");
    let token = store
        .take_sync_lease("one", None, now, later)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store
            .take_sync_lease("two", None, now, later)
            .await
            .unwrap(),
        None
    );
    let done = |task: &SyncTask, changes| SyncRecord::Done {
        item: task.item.id,
        changes,
        next_try_at: now,
    };
    let copied = SyncRecord::Copied {
        kind: SyncKind::Experiment,
        object: tasks[0].object,
        part: String::new(),
        copy: RemoteCopy {
            remote: "1".to_owned(),
            sent: Sent::default(),
        },
    };
    let both = [copied, done(&tasks[0], tasks[0].changes)];
    assert!(store.record_sync(token, now, &both).await.unwrap());
    let tasks = store.due_sync_tasks(later, false, &[], 10).await.unwrap();
    assert_eq!(tasks.len(), 1);
    let (task, changes) = (&tasks[0], tasks[0].changes);
    assert_eq!(task.item.kind, SyncKind::Run);
    let depth = || async { store.sync_status().await.unwrap().depth };
    store
        .append_metrics(&[batch("r1", "loss", &[point(9, 1.0)])], now)
        .await
        .unwrap();
    let acknowledged = store.record_sync(token, now, &[done(task, changes)]).await;
    assert!(acknowledged.unwrap());
    assert_eq!(depth().await, 1, "it changed meanwhile");
    // Somebody takes the lease over; what the first one still records does not count.
    let other = store
        .take_sync_lease("two", Some(token), now, later)
        .await
        .unwrap()
        .unwrap();
    let late = store
        .record_sync(token, now, &[done(task, changes + 1)])
        .await;
    assert!(!late.unwrap());
    assert!(!store.keep_sync_lease(token, later).await.unwrap());
    assert_eq!(depth().await, 1);
    let recorded = store
        .record_sync(other, now, &[done(task, changes + 1)])
        .await;
    assert!(recorded.unwrap());
    assert_eq!(depth().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn being_offline_is_a_state_and_costs_no_attempt() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    between.all(Fault::HangUp);
    let deck = Deck::new();
    let service = deck.on(&between.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    measure(&service, &run, "loss", 0, 100).await;
    let drained = drain(&service).await;
    assert!(!drained.is_complete());
    let status = drained.status;
    assert_eq!((status.state, status.depth), (MirrorState::Offline, 2));
    assert!(status.problem.is_some() && status.next_try_at.is_some() && status.oldest_at.is_some());
    assert_eq!(status.summary().unwrap(), "offline, 2 queued");
    for item in service.sync().items(10).await.unwrap() {
        assert_eq!(
            (item.state, item.attempts),
            (SyncItemState::Queued, 0),
            "{item:?}"
        );
    }
    // It goes on locally, and the background worker notices by itself that the server is back.
    end(&service, &run).await;
    let worker = service.sync().start().unwrap();
    between.none();
    let deadline = Instant::now() + Duration::from_secs(40);
    while service.sync().status().await.unwrap().depth > 0 {
        assert!(
            Instant::now() < deadline,
            "{:?}",
            service.sync().status().await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop().await;
    let status = service.sync().status().await.unwrap();
    assert_eq!(status.state, MirrorState::Synced);
    assert!(
        status.last_success_at.is_some() && status.worker.is_none(),
        "{status:?}"
    );
    assert_eq!(
        super::remote_points(&server),
        super::local_points(&deck.path())
    );
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_at_the_same_address_is_noticed_and_not_filled() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    drain_whole(&service).await;
    server.empty();
    measure(&service, &run, "loss", 0, 10).await;
    let status = drain(&service).await.status;
    assert_eq!(status.state, MirrorState::Refused);
    let problem = status.problem.unwrap();
    assert!(
        problem.contains("is not the one that this store is mirrored to"),
        "{problem}"
    );
    assert_eq!(
        server.number("SELECT count(*) FROM experiments WHERE experiment_id != 0"),
        0
    );
    assert_eq!(server.number("SELECT count(*) FROM runs"), 0);
    // Somebody says that it is meant, and it is filled.
    service
        .sync()
        .begin_anew(Some("the old one is lost"))
        .await
        .unwrap();
    drain_whole(&service).await;
    assert_eq!(server.number("SELECT count(*) FROM runs"), 1);
    assert_eq!(
        super::remote_points(&server),
        super::local_points(&deck.path())
    );
    let history = service
        .audit()
        .history(ObjectKind::Store, "sync", 10)
        .await
        .unwrap();
    let actions: Vec<&str> = history.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["sync_new_server", "sync_begin"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_item_holds_up_nothing_and_is_settled_by_a_word() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    // A name that is reserved there, with a run that hangs on it.
    experiment(&service, "modeldeck/mine").await;
    begin(&service, "modeldeck/mine", "waits").await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    let mut source = service.get_run(&run).await.unwrap().source;
    source.directory = Some(deck.dir.path().to_string_lossy().into_owned());
    let update = RunUpdate {
        artifacts: vec![Artifact {
            path: "gone.bin".to_owned(),
            size: 4,
            digest: approval::digest(b"gone"),
        }],
        source: Some(source),
        ..RunUpdate::default()
    };
    service.update_run(&run, &update).await.unwrap();
    // Something is there that is not a file.
    std::fs::create_dir(deck.dir.path().join("gone.bin")).unwrap();
    measure(&service, &run, "loss", 0, 50).await;
    end(&service, &run).await;
    let drained = drain(&service).await;
    assert!(!drained.is_complete());
    assert_eq!(
        drained.status.dead,
        2,
        "{:?}",
        service.sync().items(10).await
    );
    let items = service.sync().items(10).await.unwrap();
    let find = |label: &str| items.iter().find(|item| item.label() == label).unwrap();
    let dead = find("experiment modeldeck/mine");
    assert_eq!((dead.state, dead.attempts), (SyncItemState::Dead, 2));
    assert!(
        dead.reason.as_deref().unwrap().contains("modeldeck's own"),
        "{dead:?}"
    );
    let waiting = find("run waits");
    assert_eq!(
        (waiting.state, waiting.attempts),
        (SyncItemState::Queued, 0)
    );
    assert!(
        waiting
            .reason
            .as_deref()
            .unwrap()
            .contains("waits for its experiment"),
        "{waiting:?}"
    );
    let file = find("artifact gone.bin of run r1");
    assert!(
        file.reason.as_deref().unwrap().contains("cannot be read"),
        "{file:?}"
    );
    // All else is there.
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
    assert_eq!(super::remote_points(&server).len(), 50);

    // The file is back: a retry carries it over. The other is given up.
    std::fs::remove_dir(deck.dir.path().join("gone.bin")).unwrap();
    std::fs::write(deck.dir.path().join("gone.bin"), "gone").unwrap();
    service.sync().retry(file.id).await.unwrap();
    let without = service.sync().give_up(dead.id, "  ").await.unwrap_err();
    assert_eq!(without.kind(), ErrorKind::Invalid);
    service
        .sync()
        .give_up(dead.id, "reserved name")
        .await
        .unwrap();
    service
        .sync()
        .give_up(waiting.id, "hangs on it")
        .await
        .unwrap();
    drain_whole(&service).await;
    let gone = service.sync().retry(dead.id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    told_in_the_audit_log(&service).await;
}

async fn told_in_the_audit_log(service: &ModelLifecycleService) {
    let entries = service
        .audit()
        .history(ObjectKind::Experiment, "modeldeck/mine", 1)
        .await
        .unwrap();
    assert_eq!(
        (entries[0].action.as_str(), entries[0].reason.as_deref()),
        ("sync_drop", Some("reserved name"))
    );
    let entries = service
        .audit()
        .history(ObjectKind::Run, "r1", 1)
        .await
        .unwrap();
    assert_eq!(entries[0].action, "sync_retry");
    assert!(
        service
            .audit()
            .verify(|_| {})
            .await
            .unwrap()
            .fault
            .is_none()
    );
}
