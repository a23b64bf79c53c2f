//! Histories over a server: several at once, each fetched once, and after that only what came behind it.

use super::client;
use crate::store_contract::samples::{at, batch, ctx, experiment, key, point, run};
use crate::support::fault_server::FaultServer;
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{MetricPoint, RunId};
use modeldeck::store::{ExperimentStore as _, RunStore as _, Store};

const RUNS: usize = 12;

async fn total(store: &dyn Store, run_ids: &[RunId]) -> Vec<u64> {
    let charts = store
        .metric_charts(run_ids, &key("loss"), 20)
        .await
        .unwrap();
    charts.iter().map(|chart| chart.points).collect()
}

#[tokio::test]
async fn only_tails_are_asked_again() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let other = client(&server.uri()).await;
    let test = ctx("test");
    other
        .insert_experiment(&experiment("fraud"), &test)
        .await
        .unwrap();
    let mut run_ids = Vec::new();
    for n in 0..RUNS {
        let id = format!("r{n}");
        let points: Vec<MetricPoint> = (0..30).map(|step| point(step, 0.5)).collect();
        let mut run = run(&id, "fraud");
        run.created_at = at(i64::try_from(n).unwrap());
        let points = [batch(&id, "loss", &points)];
        other.insert_run(&run, &points, &test).await.unwrap();
        run_ids.push(run.run_id);
    }
    let between = FaultServer::before(server.port());
    let store = client(&between.uri()).await;
    // What there is to know of experiments and the ledger.
    store.run(&run_ids[0]).await.unwrap();

    between.none();
    assert_eq!(total(&*store, &run_ids).await, vec![30; RUNS]);
    let (lines, at_once) = between.lines();
    assert_eq!(lines.len(), 1 + RUNS, "{lines:?}");
    assert!((2..=6).contains(&at_once), "{at_once}");

    between.none();
    assert_eq!(total(&*store, &run_ids).await, vec![30; RUNS]);
    let (lines, _) = between.lines();
    assert_eq!(lines.len(), 1, "nothing moved: {lines:?}");

    let more: Vec<MetricPoint> = (30..35).map(|step| point(step, 0.25)).collect();
    let more = batch("r3", "loss", &more);
    other.append_metrics(&[more], at(100)).await.unwrap();
    between.none();
    let mut expected = vec![30; RUNS];
    expected[3] = 35;
    assert_eq!(total(&*store, &run_ids).await, expected);
    let (lines, _) = between.lines();
    assert!(
        lines.len() == 2 && lines[1].contains("get-history") && lines[1].contains("page_token="),
        "{lines:?}"
    );

    // The history of one run: the run and its tail, and the same points as somebody sees who never asked before.
    between.none();
    let kept = store
        .metric_history(&run_ids[3], &key("loss"), 0, 100)
        .await
        .unwrap();
    let (lines, _) = between.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let fresh = client(&server.uri()).await;
    let whole = fresh
        .metric_history(&run_ids[3], &key("loss"), 0, 100)
        .await
        .unwrap();
    assert_eq!(kept, whole);

    // A point that comes late, with an early time, is no tail, and all is read anew.
    let mut early = point(40, 0.125);
    early.timestamp = at(2);
    let early = batch("r3", "loss", &[early]);
    other.append_metrics(&[early], at(101)).await.unwrap();
    let kept = store
        .metric_history(&run_ids[3], &key("loss"), 0, 100)
        .await
        .unwrap();
    let whole = fresh
        .metric_history(&run_ids[3], &key("loss"), 0, 100)
        .await
        .unwrap();
    assert_eq!(kept.len(), 36);
    assert_eq!(kept, whole);
}
