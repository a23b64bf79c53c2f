//! Programs that were told of different servers on one store: it mirrors to one at a time, and nothing goes, or is said to go, anywhere else.

use super::{Deck, begin, drain_whole, experiment};
use crate::support::fault_server::FaultServer;
use crate::support::mlflow_server::{Series, turn};
use crate::support::program::Program;
use modeldeck::service::ErrorKind;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_mirrors_to_one_server_at_a_time() {
    let (Some(one), Some(two)) = (turn(Series::Three).await, turn(Series::Two).await) else {
        return;
    };
    let deck = Deck::new();
    let first = deck.on(&one.uri()).await;
    experiment(&first, "fraud").await;
    drain_whole(&first).await;
    // Like a screen that stays open all the time.
    let worker = first.sync().start().unwrap();

    let second = deck.on(&two.uri()).await;
    begin(&second, "fraud", "r1").await;
    let refused = second.sync().drain(&|_| {}).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotPossible, "{refused}");
    let told = refused.to_string();
    assert!(
        told.contains(&format!("mirrors to '{}' (set by alice@gpu-07)", one.uri()))
            && told.contains(&format!("'{}' is another server", two.uri())),
        "{told}"
    );
    let told = second.sync().other_address().await.unwrap().unwrap();
    assert!(
        told.contains(&one.uri()) && told.contains("--new-server"),
        "{told}"
    );
    assert_eq!(two.number("SELECT count(*) FROM runs"), 0);

    // It moves, and who was told of the old one carries nothing any more, neither here nor there.
    second.sync().begin_anew(None).await.unwrap();
    drain_whole(&second).await;
    assert_eq!(two.number("SELECT count(*) FROM runs"), 1);
    let before = one.number("SELECT count(*) FROM runs");
    begin(&first, "fraud", "r2").await;
    let refused = first.sync().drain(&|_| {}).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotPossible, "{refused}");
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        let status = first.sync().status().await.unwrap();
        assert_eq!(status.target, Some(two.uri()), "{status:?}");
        assert_eq!((status.depth, status.problem), (1, None));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(one.number("SELECT count(*) FROM runs"), before);
    worker.stop().await;
    drain_whole(&second).await;
    assert_eq!(two.number("SELECT count(*) FROM runs"), 2);
}

/// Two addresses of one server are one server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_server_by_another_address_is_the_same() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let deck = Deck::new();
    let first = deck.on(&server.uri()).await;
    experiment(&first, "fraud").await;
    drain_whole(&first).await;
    let second = deck.on(&between.uri()).await;
    begin(&second, "fraud", "r1").await;
    drain_whole(&second).await;
    let status = second.sync().status().await.unwrap();
    assert_eq!(status.target, Some(between.uri()));
    // In the background it is carried over under whichever address, which then stays.
    let worker = first.sync().start().unwrap();
    begin(&second, "fraud", "r2").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while first.sync().status().await.unwrap().depth > 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    worker.stop().await;
    let status = first.sync().status().await.unwrap();
    assert_eq!(status.target, Some(between.uri()));
    assert_eq!(server.number("SELECT count(*) FROM runs"), 2);
    assert_eq!(
        server.number("SELECT count(*) FROM experiments WHERE name = 'fraud'"),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_tell_which_server_the_store_mirrors_to() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    program.call(&["experiment", "create", "fraud"]).code(0);
    program
        .call(&["sync", "run", "--tracking-uri", &server.uri()])
        .code(0);
    let nobody = "http://127.0.0.1:9";
    let status = program
        .call(&["sync", "status", "--tracking-uri", nobody])
        .code(0);
    for said in [server.uri().as_str(), "set by", "--new-server"] {
        assert!(status.stderr.contains(said), "{}", status.stderr);
    }
    assert!(status.stdout.contains(&server.uri()), "{}", status.stdout);
    // Nobody is there, so nobody knows whether it is the same server.
    let called = program
        .call(&["sync", "run", "--tracking-uri", nobody])
        .code(9);
    assert!(
        called.stderr.contains(nobody) && called.stderr.contains(&server.uri()),
        "{}",
        called.stderr
    );
    // The mirror itself is no worse for it.
    assert_eq!(program.json(&["sync", "status"])["state"], "SYNCED");
    let fed = program
        .feed(&["ingest", "--tracking-uri", nobody], b"")
        .code(0);
    assert!(fed.stderr.contains(&server.uri()), "{}", fed.stderr);
}
