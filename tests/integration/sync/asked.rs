//! Servers that ask to be left alone for a while, and are.

use super::{Deck, begin, drain, end, experiment, measure};
use crate::support::fault_server::{Fault, FaultServer, with_header};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{Artifact, MirrorState, SyncItemState, approval};
use modeldeck::service::RunUpdate;
use rstest::rstest;
use std::time::{Duration, Instant};

fn later(status: &str, seconds: u32) -> Fault {
    with_header(
        status,
        "application/json",
        &format!("Retry-After: {seconds}\r\n"),
        r#"{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"too much at once"}"#,
    )
}

/// Too many requests are the client's, not an item's: for so long there is none at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_gets_too_much_gets_nothing_for_as_long_as_it_says() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let deck = Deck::new();
    let service = deck.patient(&between.uri(), Duration::from_secs(60)).await;
    experiment(&service, "fraud").await;
    for id in ["r1", "r2", "r3"] {
        let run = begin(&service, "fraud", id).await;
        measure(&service, &run, "loss", 0, 20).await;
        end(&service, &run).await;
    }
    between.calls("runs/log-batch", 1, later("429 Too Many Requests", 2));
    let draining = tokio::spawn({
        let service = service.clone();
        async move { drain(&service).await }
    });
    let status = loop {
        let status = service.sync().status().await.unwrap();
        if status.state == MirrorState::Offline {
            break status;
        }
        assert!(!draining.is_finished(), "{status:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let told = Instant::now();
    let problem = status.problem.unwrap();
    assert!(
        problem.contains("too much at once") && problem.contains("left alone for 2 s"),
        "{problem}"
    );
    // What was under way when it said so may still be on its way.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = between.seen();
    while told.elapsed() < Duration::from_millis(1_700) {
        assert_eq!(between.seen(), before, "{:?}", told.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(draining.await.unwrap().is_complete());
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        3
    );
    assert_eq!(
        super::remote_points(&server),
        super::local_points(&deck.path())
    );
}

/// A server that cannot do one thing now does the others; the wait is its own, within reason, and no failure.
#[rstest]
#[case(40, 30..=40)]
#[case(4_000_000, 590..=600)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_wants_later_comes_later(
    #[case] asked: u32,
    #[case] waits: std::ops::RangeInclusive<i64>,
) {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let deck = Deck::new();
    let service = deck.on(&between.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    std::fs::write(deck.dir.path().join("model.bin"), "weights").unwrap();
    let mut source = service.get_run(&run).await.unwrap().source;
    source.directory = Some(deck.dir.path().to_string_lossy().into_owned());
    let update = RunUpdate {
        artifacts: vec![Artifact {
            path: "model.bin".to_owned(),
            size: 7,
            digest: approval::digest(b"weights"),
        }],
        source: Some(source),
        ..RunUpdate::default()
    };
    service.update_run(&run, &update).await.unwrap();
    end(&service, &run).await;
    between.calls(
        "mlflow-artifacts",
        usize::MAX,
        later("503 Service Unavailable", asked),
    );
    let drained = drain(&service).await;
    let now = jiff::Timestamp::now();
    assert_eq!(
        (drained.status.state, drained.status.depth),
        (MirrorState::Queued, 1)
    );
    let item = service.sync().items(10).await.unwrap().remove(0);
    assert_eq!(
        (item.state, item.attempts, item.label().as_str()),
        (SyncItemState::Retry, 0, "artifact model.bin of run r1")
    );
    let wait = item.next_try_at.unwrap().duration_since(now).as_secs();
    assert!(waits.contains(&wait), "{wait}");
    assert!(item.reason.unwrap().contains("too much at once"));
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
    // A word of a person's does not wait.
    between.none();
    service.sync().retry(item.id).await.unwrap();
    super::drain_whole(&service).await;
}
