//! Commit, then lose: at every request of every change the answer is lost once, and afterwards there is exactly one of what was made.

use crate::store_contract::samples::{
    at, batch, ctx, deployment, experiment, key, point, run, version,
};
use crate::support::fault_server::{Fault, FaultServer, answer};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{DeploymentStatus, MetricPoint, ModelName, Stage};
use modeldeck::store::mlflow::{MlflowOptions, MlflowStore};
use modeldeck::store::{
    DeploymentQuery, DeploymentWrite, ExperimentQuery, ExperimentStore as _, PageRequest,
    RegistryStore as _, RunQuery, RunStore as _, Store, StoreError,
};

/// Changes, each with a count of what it made, which is one.
const CHANGES: &[&str] = &[
    "experiment",
    "run",
    "version",
    "stage",
    "deployment",
    "metrics",
];

async fn change(store: &dyn Store, what: &str, id: &str) -> Result<(), StoreError> {
    let ctx = ctx("test");
    match what {
        "experiment" => store.insert_experiment(&experiment(id), &ctx).await,
        "run" => {
            let points = [batch(id, "loss", &[point(0, f64::NAN), point(1, 0.5)])];
            store.insert_run(&run(id, "fraud"), &points, &ctx).await
        }
        "version" => {
            let new = version(id, "1");
            store.insert_unnamed_version(&new, &ctx).await.map(drop)
        }
        "stage" => {
            let known = version("churn", "1");
            let mut version = store.version(&known.model_name, &known.version).await?;
            version.stage = if version.stage == Stage::Staging {
                Stage::None
            } else {
                Stage::Staging
            };
            version.tags.insert(key("last"), id.to_owned());
            store
                .replace_versions(&[version], None, &ctx)
                .await
                .map(drop)
        }
        "deployment" => {
            let write = DeploymentWrite {
                insert: Some(deployment(id, "churn", "1")),
                ..DeploymentWrite::default()
            };
            store.write_deployments(&write, &ctx).await
        }
        _ => {
            store
                .append_metrics(
                    &[batch("r0", id, &[point(0, f64::NAN), point(1, 0.5)])],
                    at(5),
                )
                .await
        }
    }
}

async fn count(store: &dyn Store, what: &str, id: &str) -> usize {
    let all = PageRequest::all();
    match what {
        "experiment" => {
            let rows = store
                .experiments(&ExperimentQuery::default(), &all)
                .await
                .unwrap()
                .rows;
            rows.iter().filter(|row| row.name.as_str() == id).count()
        }
        "run" => {
            let rows = store.runs(&RunQuery::default(), &all).await.unwrap().rows;
            let found = rows
                .iter()
                .filter(|row| row.name == format!("name of {id}"))
                .count();
            let points = store
                .metric_history(&run(id, "fraud").run_id, &key("loss"), 0, 10)
                .await
                .unwrap();
            assert_eq!(points.len(), 2);
            found
        }
        "version" => store
            .version_names(&ModelName::new(id).unwrap())
            .await
            .unwrap()
            .len(),
        "stage" => {
            let known = version("churn", "1");
            let there = store
                .version(&known.model_name, &known.version)
                .await
                .unwrap();
            usize::from(there.tags[&key("last")] == id)
        }
        "deployment" => {
            let rows = store
                .deployments(&DeploymentQuery::default(), &all)
                .await
                .unwrap()
                .rows;
            rows.iter()
                .filter(|row| {
                    row.deployment_id.as_str() == id && row.status == DeploymentStatus::Pending
                })
                .count()
        }
        _ => {
            let points = store
                .metric_history(&run("r0", "fraud").run_id, &key(id), 0, 10)
                .await
                .unwrap();
            points.len() / 2
        }
    }
}

async fn lose(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let open = || async {
        MlflowStore::open(&between.uri(), MlflowOptions::default())
            .await
            .unwrap()
    };
    let store = open().await;
    let test = ctx("test");
    store
        .insert_experiment(&experiment("fraud"), &test)
        .await
        .unwrap();
    store
        .insert_run(&run("r0", "fraud"), &[], &test)
        .await
        .unwrap();
    store
        .insert_version(&version("churn", "1"), &test)
        .await
        .unwrap();
    for what in CHANGES {
        for at_request in 0..60 {
            let id = format!("{what}{at_request}");
            between.only(at_request, Fault::LoseAnswer);
            let done = change(&store, what, &id).await;
            let requests = between.none();
            assert!(
                done.is_ok(),
                "{what}, request {at_request} of {requests}: {done:?}"
            );
            // Somebody who knows nothing of what happened sees one, too.
            let other = open().await;
            assert_eq!(
                count(&other, what, &id).await,
                1,
                "{what}, request {at_request}"
            );
            let problems = modeldeck::store::AuditStore::check_integrity(&other)
                .await
                .unwrap();
            assert!(problems.is_empty(), "{problems:?}");
            if at_request >= requests {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice_on_3() {
    lose(Series::Three).await;
}

#[tokio::test]
async fn a_lost_answer_makes_nothing_twice_on_2() {
    lose(Series::Two).await;
}

/// A point as it can be told from others.
fn told(point: &MetricPoint) -> (i64, i64, u64) {
    let at = point.timestamp.as_millisecond();
    (point.step, at, point.value.to_bits())
}

#[tokio::test]
async fn points_are_all_there_once_however_many_requests_fail() {
    const POINTS: i64 = 20_000;
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let store = MlflowStore::open(&between.uri(), MlflowOptions::default())
        .await
        .unwrap();
    let test = ctx("test");
    store
        .insert_experiment(&experiment("fraud"), &test)
        .await
        .unwrap();
    for id in ["r0", "r1"] {
        store
            .insert_run(&run(id, "fraud"), &[], &test)
            .await
            .unwrap();
    }
    let html = |status| answer(status, "text/html", "<h1>nginx</h1>");
    let faults = vec![
        Fault::HangUp,
        Fault::LoseAnswer,
        Fault::Truncate(40),
        html("500 Internal Server Error"),
        html("503 Service Unavailable"),
    ];
    between.one_in(10, faults);
    let (mut sent, mut refused) = (Vec::new(), 0);
    for start in (0..POINTS).step_by(1_250) {
        let (id, name) = (["r0", "r1"][usize::from(start % 2_500 == 0)], "loss");
        let points: Vec<MetricPoint> = (start..start + 1_250)
            .map(|step| {
                let mut point = point(step, 1.0);
                point.value = f64::from(i32::try_from(step % 977).unwrap()) / 7.0;
                point
            })
            .collect();
        let batch = [batch(id, name, &points)];
        // What is refused is told, and telling it again doubles nothing.
        while store.append_metrics(&batch, at(start)).await.is_err() {
            refused += 1;
            assert!(refused < 100, "hardly anything comes through");
        }
        sent.extend(points.iter().map(|point| (id, told(point))));
    }
    let requests = between.none();
    let other = MlflowStore::open(&server.uri(), MlflowOptions::default())
        .await
        .unwrap();
    let mut there = Vec::new();
    for id in ["r0", "r1"] {
        let history = other
            .metric_history(&run(id, "fraud").run_id, &key("loss"), 0, usize::MAX)
            .await
            .unwrap();
        there.extend(history.iter().map(|point| (id, told(point))));
    }
    sent.sort_unstable();
    there.sort_unstable();
    assert!(requests > 16, "{requests} requests");
    assert!(
        sent == there,
        "{} sent, {} there, {refused} refused",
        sent.len(),
        there.len()
    );
    assert_eq!(there.len(), usize::try_from(POINTS).unwrap());
}
