//! Lost answers and bad ones: whatever happens on the way, exactly one of everything is there in the end.

use super::{Deck, begin, drain, drain_whole, end, experiment, measure, register};
use crate::support::fault_server::{Fault, FaultServer, answer};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::Stage;

/// Commit, then lose: at each request of a whole mirroring once, the answer is lost after MLflow did what was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_makes_nothing_twice() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let mut number = 0;
    loop {
        let deck = Deck::new();
        let service = deck.on(&between.uri()).await;
        let name = format!("lost-{number}");
        experiment(&service, &name).await;
        let run = begin(&service, &name, "r1").await;
        measure(&service, &run, "loss", 0, 20).await;
        end(&service, &run).await;
        register(&service, &name, &run, Stage::Staging).await;
        between.only(number, Fault::LoseAnswer);
        let _whole_or_not = drain(&service).await;
        let requests = between.none();
        drain_whole(&service).await;
        for (what, sql) in [
            (
                "experiment",
                format!("SELECT count(*) FROM experiments WHERE name = '{name}'"),
            ),
            (
                "run",
                format!(
                    "SELECT count(*) FROM runs r JOIN experiments e USING (experiment_id) WHERE e.name = '{name}' AND r.status = 'FINISHED'"
                ),
            ),
            (
                "version",
                format!(
                    "SELECT count(*) FROM model_versions WHERE name = '{name}' AND current_stage = 'Staging'"
                ),
            ),
        ] {
            assert_eq!(server.number(&sql), 1, "{what}, answer {number} lost");
        }
        let all = format!(
            "SELECT count(*) FROM runs r JOIN experiments e USING (experiment_id) WHERE e.name = '{name}'"
        );
        assert_eq!(server.number(&all), 1, "answer {number} lost");
        let points = format!(
            "SELECT count(*) FROM metrics m JOIN runs r USING (run_uuid) JOIN experiments e USING (experiment_id) WHERE e.name = '{name}'"
        );
        assert_eq!(server.number(&points), 20, "answer {number} lost");
        number += 1;
        if number >= requests {
            assert!(number > 12, "a mirroring takes more requests than {number}");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_points_arrive_once_each_through_faults() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let deck = Deck::new();
    let service = deck.on(&between.uri()).await;
    experiment(&service, "fraud").await;
    for (nth, metric) in ["loss", "auc", "lr", "grad"].iter().enumerate() {
        let run = begin(&service, "fraud", &format!("r{nth}")).await;
        measure(&service, &run, metric, 0, 3_000).await;
        measure(
            &service,
            &run,
            "shared",
            10_000 * i64::try_from(nth).unwrap(),
            2_000,
        )
        .await;
        end(&service, &run).await;
    }
    between.one_in(
        10,
        vec![
            Fault::HangUp,
            Fault::LoseAnswer,
            Fault::Truncate(60),
            answer("500 Internal Server Error", "text/html", "<h1>oops</h1>"),
            answer(
                "503 Service Unavailable",
                "application/json",
                r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"busy"}"#,
            ),
            answer("200 OK", "text/html", "<h1>welcome</h1>"),
        ],
    );
    drain_whole(&service).await;
    let (local, remote) = (
        super::local_points(&deck.path()),
        super::remote_points(&server),
    );
    assert_eq!(local.len(), 20_000);
    assert!(local == remote, "{} of {}", remote.len(), local.len());
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        4
    );
}
