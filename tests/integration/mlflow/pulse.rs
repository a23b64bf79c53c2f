//! The live question: one request a beat, and every change of modeldeck's and of a run under way is noticed by it.

use super::client;
use crate::store_contract::samples::{at, batch, ctx, experiment, point, run};
use crate::support::fault_server::FaultServer;
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{Policy, Revision};
use modeldeck::store::mlflow::MlflowStore;
use modeldeck::store::{
    AuditStore as _, ChangeToken, ExperimentStore as _, RegistryStore as _, RunStore as _,
};
use std::time::{Duration, Instant};

/// Asks until a question went out, and tells how many requests it was.
async fn beat(store: &MlflowStore, between: &FaultServer) -> (ChangeToken, usize) {
    let deadline = Instant::now() + Duration::from_secs(120);
    between.none();
    loop {
        let token = store.change_token().await.unwrap();
        let (lines, _) = between.lines();
        if !lines.is_empty() {
            return (token, lines.len());
        }
        assert!(Instant::now() < deadline, "no question");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn beats(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let other = client(&server.uri()).await;
    let test = ctx("test");
    other
        .insert_experiment(&experiment("fraud"), &test)
        .await
        .unwrap();
    let trained = run("r1", "fraud");
    other.insert_run(&trained, &[], &test).await.unwrap();
    let between = FaultServer::before(server.port());
    let store = client(&between.uri()).await;
    // What there is to know at the beginning.
    let token = store.change_token().await.unwrap();
    for nth in 0..6 {
        let (now, requests) = beat(&store, &between).await;
        assert_eq!((now, requests), (token, 1), "beat {nth}");
    }
    // A point, and then a change of state, each within the beats that are not for another question.
    let points = [batch("r1", "loss", &[point(0, 0.5)])];
    other.append_metrics(&points, at(50)).await.unwrap();
    let mut token = noticed(&store, &between, token).await;
    other
        .replace_policy(&Policy::default(), Revision(0), &test)
        .await
        .unwrap();
    token = noticed(&store, &between, token).await;
    // A run that comes and goes between two beats.
    server.python(
        "
import mlflow
mlflow.set_experiment('fraud')
with mlflow.start_run(run_name='quick'): pass
",
    );
    noticed(&store, &between, token).await;
}

async fn noticed(store: &MlflowStore, between: &FaultServer, token: ChangeToken) -> ChangeToken {
    for _ in 0..5 {
        let (now, requests) = beat(store, between).await;
        assert_eq!(requests, 1);
        if now != token {
            return now;
        }
    }
    panic!("not noticed");
}

#[tokio::test]
async fn a_beat_is_one_request_on_3() {
    beats(Series::Three).await;
}

#[tokio::test]
async fn a_beat_is_one_request_on_2() {
    beats(Series::Two).await;
}
