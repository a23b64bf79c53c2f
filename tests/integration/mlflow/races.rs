//! Many clients at once on one server: I1 to I4 and I7 hold, and every refusal is one of the lifecycle's own.
//!
//! Each worker has a client of its own that shares nothing with the others, as separate processes would. `MODELDECK_RACE_ROUNDS` says how often; 3 unless it is set.

use super::person;
use crate::support::mlflow_server::{Series, Server, turn};
use modeldeck::domain::audit::ChainCheck;
use modeldeck::domain::{
    AuditEntry, DeploymentStatus, Environment, Key, ModelName, ObjectKind, Stage, Verdict, Version,
};
use modeldeck::service::{
    DeploymentUpdate, ErrorKind, ModelLifecycleService, ModelVersionUpdate, NewDecision,
    NewDeployment, NewModelVersion, ServiceError, StageChange,
};
use modeldeck::store::{AuditQuery, PageRequest};
use std::collections::BTreeMap;

const WORKERS: usize = 8;

fn rounds() -> usize {
    std::env::var("MODELDECK_RACE_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap())
}

fn model() -> ModelName {
    ModelName::new("fraud").unwrap()
}

fn approval() -> NewDecision {
    NewDecision {
        verdict: Verdict::Approved,
        notes: None,
        subject: None,
    }
}

async fn workers(server: &Server) -> Vec<ModelLifecycleService> {
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        workers.push(person(server, &format!("worker{number}")).await);
    }
    workers
}

/// Runs the same work at all workers at once.
async fn at_once<T, F>(
    workers: &[ModelLifecycleService],
    work: impl Fn(usize, ModelLifecycleService) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = workers
        .iter()
        .enumerate()
        .map(|(number, worker)| tokio::spawn(work(number, worker.clone())))
        .collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

async fn version(by: &ModelLifecycleService) -> Version {
    by.register_model_version(NewModelVersion::new(model()))
        .await
        .unwrap()
        .version
}

/// The whole log, oldest first.
async fn log(service: &ModelLifecycleService) -> Vec<AuditEntry> {
    let all = service
        .audit()
        .list(&AuditQuery::default(), &PageRequest::all())
        .await;
    let mut entries = all.unwrap().rows;
    entries.reverse();
    entries
}

/// The chain is whole, one entry a change.
async fn verified(service: &ModelLifecycleService) {
    let verification = service.audit().verify(|_| {}).await.unwrap();
    assert_eq!(verification.fault, None);
    let mut check = ChainCheck::default();
    for entry in &log(service).await {
        check.follow(entry).unwrap();
    }
}

async fn approvers(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (owner, workers) = (person(&server, "alice").await, workers(&server).await);
    for _ in 0..rounds() {
        let version = version(&owner).await;
        let done = at_once(&workers, |_, worker| {
            let version = version.clone();
            async move {
                worker
                    .approvals()
                    .decide(&model(), &version, &approval())
                    .await
                    .map(drop)
            }
        })
        .await;
        for result in &done {
            result.as_ref().unwrap();
        }
        let own = owner
            .approvals()
            .decide(&model(), &version, &approval())
            .await;
        assert!(matches!(own, Err(ServiceError::Refused { .. })), "{own:?}");
        let stored = owner.get_model_version(&model(), &version).await.unwrap();
        assert_eq!(stored.decisions.len(), WORKERS);
        let entries = owner
            .audit()
            .history(ObjectKind::ModelVersion, &stored.label(), 0)
            .await
            .unwrap();
        assert_eq!(entries.len(), WORKERS + 1);
    }
    verified(&owner).await;
}

async fn deploys(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (owner, workers) = (person(&server, "alice").await, workers(&server).await);
    for _ in 0..rounds() {
        let version = version(&owner).await;
        workers[0]
            .approvals()
            .decide(&model(), &version, &approval())
            .await
            .unwrap();
        let done = at_once(&workers, |_, worker| {
            let version = version.clone();
            async move {
                let new = NewDeployment::new(model(), version, Environment::Production);
                let deployment = worker.create_deployment(new).await?;
                let update = DeploymentUpdate {
                    status: Some(DeploymentStatus::Active),
                    ..DeploymentUpdate::default()
                };
                worker
                    .update_deployment(&deployment.deployment_id, &update)
                    .await
            }
        })
        .await;
        for result in &done {
            // Whoever was made ACTIVE and at once replaced finds themselves TERMINATED: that is no failure.
            result.as_ref().unwrap();
        }
        let active = owner
            .list_deployments(
                Some(&model()),
                Some(Environment::Production),
                Some(DeploymentStatus::Active),
            )
            .await
            .unwrap();
        assert_eq!(active.len(), 1, "I1");
    }
    // I1 and I7 at every moment of the log.
    let mut ways: BTreeMap<String, DeploymentStatus> = BTreeMap::new();
    let entries = log(&owner).await;
    for entry in entries
        .iter()
        .filter(|entry| entry.kind == ObjectKind::Deployment)
    {
        let Some(status) = entry.after.get("status").and_then(|status| status.as_str()) else {
            continue;
        };
        let status: DeploymentStatus = status.parse().unwrap();
        match ways.insert(entry.object.clone(), status) {
            None => assert_eq!(status, DeploymentStatus::Pending),
            Some(before) => assert!(before.next().contains(&status), "{before} to {status}"),
        }
    }
    verified(&owner).await;
}

async fn approve_against_edit(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (owner, workers) = (person(&server, "alice").await, workers(&server).await);
    for round in 0..rounds() {
        let version = version(&owner).await;
        let done = at_once(&workers, |number, worker| {
            let version = version.clone();
            async move {
                match number % 3 {
                    0 => worker
                        .approvals()
                        .decide(&model(), &version, &approval())
                        .await
                        .map(drop),
                    1 => {
                        let mut update = ModelVersionUpdate::default();
                        update.metrics.insert(
                            Key::new("auc").unwrap(),
                            f64::from(u32::try_from(round * 10 + number).unwrap()),
                        );
                        worker
                            .update_model_version(&model(), &version, &update)
                            .await
                            .map(drop)
                    }
                    _ => worker
                        .set_stage(
                            &model(),
                            &version,
                            Stage::Production,
                            &StageChange::default(),
                        )
                        .await
                        .map(drop),
                }
            }
        })
        .await;
        for result in done {
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
            }
        }
    }
    promotions_were_approved(&owner).await;
    at_most_one_in_production(&server, &owner).await;
    verified(&owner).await;
}

/// I2, by the log: what went to Production had, at that place of the log, an approval younger than its last edit.
async fn promotions_were_approved(owner: &ModelLifecycleService) {
    let entries = log(owner).await;
    let mut approved: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in &entries {
        let object = entry.object.as_str();
        match entry.action.as_str() {
            "approve" => {
                approved.insert(object, true);
            }
            "update_model_version" if entry.after.get("metrics").is_some() => {
                approved.insert(object, false);
            }
            "set_stage"
                if entry
                    .after
                    .get("stage")
                    .is_some_and(|stage| stage == "Production") =>
            {
                assert_eq!(
                    approved.get(object),
                    Some(&true),
                    "{object} went to Production unapproved"
                );
            }
            _ => {}
        }
    }
}

/// The server shows what the ledger says: MLflow's own race leaves several.
async fn at_most_one_in_production(server: &Server, owner: &ModelLifecycleService) {
    let there = owner
        .list_model_versions(Some(&model()), Some(Stage::Production))
        .await
        .unwrap();
    assert!(there.len() <= 1);
    assert!(there.iter().all(|version| version.stage_warning.is_none()));
    let seen = server.python(
        "import mlflow; print(sorted(v.version for v in mlflow.MlflowClient().search_model_versions(\"name='fraud'\") if v.current_stage == 'Production'))",
    );
    let expected: Vec<String> = there
        .iter()
        .map(|version| format!("'{}'", version.version))
        .collect();
    assert_eq!(seen.trim(), format!("[{}]", expected.join(", ")));
}

macro_rules! races {
    ($($name:ident: $race:ident, $series:ident;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $race(Series::$series).await;
        })+
    };
}

races! {
    approvers_on_3: approvers, Three;
    deploys_on_3: deploys, Three;
    approve_against_edit_on_3: approve_against_edit, Three;
    approvers_on_2: approvers, Two;
    deploys_on_2: deploys, Two;
    approve_against_edit_on_2: approve_against_edit, Two;
}
