//! Points that are sent again: MLflow 2 refuses a request with a NaN or with many points of several keys that it has already.

use super::{
    Deck, begin, drain, drain_whole, end, experiment, local_points, measure, remote_points,
};
use crate::store_contract::samples::key;
use crate::support::fault_server::{Fault, FaultServer};
use crate::support::mlflow_server::{Series, Server, turn};
use modeldeck::domain::{MetricPoint, RunId};
use modeldeck::service::ModelLifecycleService;
use modeldeck::store::SeriesBatch;
use rstest::rstest;

/// NaN, both infinities and both zeros, each at two steps, beside two long histories.
async fn odd_run(service: &ModelLifecycleService) -> RunId {
    experiment(service, "fraud").await;
    let run = begin(service, "fraud", "r1").await;
    measure(service, &run, "loss", 0, 130).await;
    measure(service, &run, "auc", 0, 70).await;
    let odd = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MAX,
        0.0,
        -1e-300,
    ];
    let points = (0..12).map(|step| MetricPoint {
        value: odd[step % odd.len()],
        step: i64::try_from(step / odd.len()).unwrap(),
        timestamp: jiff::Timestamp::from_millisecond(
            1_760_000_000_000 + i64::try_from(step % 4).unwrap(),
        )
        .unwrap(),
    });
    let batch = SeriesBatch {
        run_id: run.clone(),
        key: key("odd"),
        points: points.collect(),
    };
    service.runs().append(&[batch]).await.unwrap();
    end(service, &run).await;
    run
}

fn whole(server: &Server, deck: &Deck, what: &str) {
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1,
        "{what}"
    );
    let (local, remote) = (local_points(&deck.path()), remote_points(server));
    assert_eq!(remote.len(), 212, "{what}");
    assert!(local == remote, "{what}");
}

#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_points_whose_answer_is_lost_are_there_once(#[case] series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let mut number = 0;
    loop {
        server.empty();
        let deck = Deck::new();
        let service = deck.on(&between.uri()).await;
        odd_run(&service).await;
        between.only(number, Fault::LoseAnswer);
        let _whole_or_not = drain(&service).await;
        let requests = between.none();
        drain_whole(&service).await;
        whole(&server, &deck, &format!("answer {number} lost"));
        number += 1;
        if number >= requests {
            assert!(number > 8, "a mirroring takes more requests than {number}");
            return;
        }
    }
}

#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_comes_back_to_a_server_finds_its_points(#[case] series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    odd_run(&service).await;
    drain_whole(&service).await;
    whole(&server, &deck, "the first time");
    service.sync().begin_anew(Some("back again")).await.unwrap();
    assert!(drain(&service).await.is_complete(), "at the first try");
    whole(&server, &deck, "the second time");
}

/// A training may tell the same point twice, and MLflow keeps one.
#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_point_that_was_told_twice_is_kept_once(#[case] series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    let point = MetricPoint {
        value: f64::NAN,
        step: 3,
        timestamp: jiff::Timestamp::from_millisecond(1_760_000_000_000).unwrap(),
    };
    for points in [vec![point, point], vec![point]] {
        let batch = SeriesBatch {
            run_id: run.clone(),
            key: key("loss"),
            points,
        };
        service.runs().append(&[batch]).await.unwrap();
        assert!(drain(&service).await.is_complete());
    }
    end(&service, &run).await;
    assert!(drain(&service).await.is_complete());
    assert_eq!(remote_points(&server).len(), 1);
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
}
