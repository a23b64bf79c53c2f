//! The server's processes killed in the middle of a mirroring, and started again on the same database and port.

use super::{Deck, begin, drain, end, experiment, measure, register};
use crate::support::mlflow_server::{Series, Server, turn};
use crate::support::program::wait_for;
use modeldeck::domain::{MirrorState, Stage};
use std::time::Duration;

const RUNS: i64 = 4;
const POINTS: i64 = 6_000;

fn points_there(server: &Server) -> i64 {
    server.number("SELECT count(*) FROM metrics")
}

/// Kills it when there are more points than so many, which is in the middle.
fn killed_after(server: &mut Server, points: i64) -> i64 {
    wait_for("more points", || {
        (points_there(server) > points).then_some(())
    });
    server.down();
    let there = points_there(server);
    assert!(
        there < RUNS * POINTS,
        "it was killed when all was over: {there} points"
    );
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_in_the_middle_gets_everything_once() {
    let Some(mut server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.patient(&server.uri(), Duration::from_secs(300)).await;
    experiment(&service, "fraud").await;
    for nth in 0..RUNS {
        let run = begin(&service, "fraud", &format!("r{nth}")).await;
        measure(&service, &run, "loss", nth * POINTS, POINTS).await;
        end(&service, &run).await;
        register(&service, "card", &run, Stage::Staging).await;
    }
    let draining = tokio::spawn({
        let service = service.clone();
        async move { drain(&service).await }
    });
    let there = killed_after(&mut server, 0);
    let mut status = service.sync().status().await.unwrap();
    while status.state != MirrorState::Offline {
        assert!(!draining.is_finished(), "{status:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = service.sync().status().await.unwrap();
    }
    assert!(status.depth > 0 && status.dead == 0 && status.next_try_at.is_some());
    server.up();
    killed_after(&mut server, there);
    server.up();
    // Whoever waits for the drain waits for the server, too.
    let drained = draining.await.unwrap();
    assert!(drained.is_complete(), "{:?}", drained.status);
    assert_eq!(drained.status.state, MirrorState::Synced);
    for (there, sql) in [
        (RUNS, "SELECT count(*) FROM runs"),
        (RUNS, "SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        (
            1,
            "SELECT count(*) FROM experiments WHERE name NOT IN ('Default', 'modeldeck/server')",
        ),
        (RUNS, "SELECT count(*) FROM model_versions"),
        (
            RUNS,
            "SELECT count(DISTINCT run_id) FROM model_versions WHERE current_stage = 'Staging'",
        ),
    ] {
        assert_eq!(server.number(sql), there, "{sql}");
    }
    assert!(super::local_points(&deck.path()) == super::remote_points(&server));
}
