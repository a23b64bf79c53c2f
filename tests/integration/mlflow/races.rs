//! Many processes at once on one server: I1 to I4 and I7 hold, and every refusal is one of the lifecycle's own.
//!
//! `MODELDECK_RACE_ROUNDS` says how often; 3 unless it is set.

mod racers;

use super::person;
use crate::support::mlflow_server::{Series, Server, turn};
use modeldeck::domain::audit::ChainCheck;
use modeldeck::domain::{
    AuditEntry, DeploymentStatus, Environment, ModelName, ObjectKind, Stage, Version,
};
use modeldeck::service::{ModelLifecycleService, NewModelVersion, ServiceError};
use modeldeck::store::{AuditQuery, PageRequest};
use racers::{RACERS, Race, Racers, approve};
use std::collections::BTreeMap;

fn rounds() -> usize {
    std::env::var("MODELDECK_RACE_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap())
}

fn model() -> ModelName {
    ModelName::new("fraud").unwrap()
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
    let owner = person(&server, "alice").await;
    let mut racers = Racers::start(&server.uri(), Race::Approve);
    for round in 0..rounds() {
        let version = version(&owner).await;
        for result in racers.round(round, &version) {
            result.unwrap();
        }
        let own = approve(&owner, &version).await;
        assert!(matches!(own, Err(ServiceError::Refused { .. })), "{own:?}");
        let stored = owner.get_model_version(&model(), &version).await.unwrap();
        assert_eq!(stored.decisions.len(), RACERS);
        let entries = owner
            .audit()
            .history(ObjectKind::ModelVersion, &stored.label(), 0)
            .await
            .unwrap();
        assert_eq!(entries.len(), RACERS + 1);
    }
    verified(&owner).await;
}

async fn deploys(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (owner, approver) = (person(&server, "alice").await, person(&server, "bob").await);
    let mut racers = Racers::start(&server.uri(), Race::Deploy);
    for round in 0..rounds() {
        let version = version(&owner).await;
        approve(&approver, &version).await.unwrap();
        for result in racers.round(round, &version) {
            // Whoever was made ACTIVE and at once replaced finds themselves TERMINATED: that is no failure.
            result.unwrap();
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
    let owner = person(&server, "alice").await;
    let mut racers = Racers::start(&server.uri(), Race::ApproveEditPromote);
    for round in 0..rounds() {
        let version = version(&owner).await;
        for result in racers.round(round, &version) {
            if let Err((kind, message)) = result {
                assert_eq!(kind, "Refused", "{message}");
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
