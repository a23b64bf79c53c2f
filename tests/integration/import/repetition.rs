//! A server is asked again only for what may have changed.

use crate::support::fault_server::FaultServer;
use crate::support::mlflow_server::{Series, turn};
use modeldeck::service::import::{ImportManager, ImportReport};
use modeldeck::service::{MlflowSettings, ModelLifecycleService, ServiceOptions};
use rstest::rstest;

const FILL: &str = r#"
import mlflow
mlflow.set_experiment("fraud")
for run in range(12):
    with mlflow.start_run(run_name=f"run {run}"):
        for key in ("loss", "auc", "odd"):
            for step in range(3):
                mlflow.log_metric(key, float("nan") if key == "odd" else step / 7, step=step)
with mlflow.start_run(run_name="goes on"):
    mlflow.log_metric("loss", 1.0, step=1)
    import os; os._exit(0)
"#;

const GO_ON: &str = r#"
import mlflow
from mlflow.entities import Metric
c = mlflow.MlflowClient()
runs = c.search_runs([c.get_experiment_by_name("fraud").experiment_id])
by_name = {run.info.run_name: run.info.run_id for run in runs}
c.log_metric(by_name["goes on"], "loss", 0.5, step=2)
c.log_metric(by_name["run 3"], "auc", 0.25, step=9)
c.log_metric(by_name["run 4"], "fresh", 0.25, step=0)
c.log_batch(by_name["run 5"], metrics=[Metric("loss", 0.7, 1, -4)])
"#;

async fn import(service: &ModelLifecycleService, uri: &str, whole: bool) -> ImportReport {
    let mut source = ImportManager::open_source(uri, &MlflowSettings::default())
        .await
        .unwrap();
    service
        .imports()
        .whole(whole)
        .run(source.as_mut(), std::future::pending(), &|_| {})
        .await
        .unwrap()
}

#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_that_did_not_change_are_not_asked_for(#[case] series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    server.python(FILL);
    let between = FaultServer::before(server.port());
    let directory = tempfile::tempdir().unwrap();
    let options = ServiceOptions::local(directory.path().join("deck.db"));
    let service = ModelLifecycleService::open(options).await.unwrap();
    let uri = between.uri();
    assert_eq!(import(&service, &uri, false).await.points_added, 109);
    let first = between.none();
    let again = import(&service, &uri, false).await;
    assert_eq!((again.points_added, again.runs.unchanged), (0, 13));
    let second = between.none();
    assert_eq!(
        first - second,
        36,
        "{first} and {second} requests: one for each history of a run that ended"
    );
    // What went on is noticed, and a point that was put before the last one with everything.
    server.python(GO_ON);
    let more = import(&service, &uri, false).await;
    assert_eq!((more.points_added, more.runs.updated), (3, 3));
    assert_eq!(import(&service, &uri, true).await.points_added, 1);
    assert_eq!(import(&service, &uri, true).await.points_added, 0);
}
