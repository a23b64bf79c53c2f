//! Objects to put into stores: plain ones, of which a test changes what it is about.

use jiff::Timestamp;
use modeldeck::domain::{
    ApprovalState, Deployment, DeploymentId, DeploymentStatus, DriftEvent, DriftEventId,
    DriftState, Environment, ExperimentName, ExperimentStatus, Health, Identity, Key, MetricPoint,
    ModelExperiment, ModelName, ModelRun, ModelVersion, Revision, RunId, RunSource, RunStatus,
    Severity, Stage, Version,
};
use modeldeck::store::{SeriesBatch, Store, WriteContext};
use std::collections::{BTreeMap, BTreeSet};

/// A moment, in seconds after the first one.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + second).unwrap()
}

pub(crate) fn ctx(action: &'static str) -> WriteContext {
    WriteContext {
        identity: Identity::new("alice", "gpu-07"),
        at: at(0),
        action,
        reason: None,
    }
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> BTreeMap<Key, String> {
    pairs
        .iter()
        .map(|(name, value)| (key(name), (*value).to_owned()))
        .collect()
}

pub(crate) fn experiment(name: &str) -> ModelExperiment {
    ModelExperiment {
        name: ExperimentName::new(name).unwrap(),
        description: String::new(),
        owner: "alice".to_owned(),
        status: ExperimentStatus::Active,
        tags: BTreeMap::new(),
        created_at: at(0),
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

pub(crate) fn run(id: &str, experiment: &str) -> ModelRun {
    ModelRun {
        run_id: RunId::new(id).unwrap(),
        experiment_name: ExperimentName::new(experiment).unwrap(),
        name: format!("name of {id}"),
        status: RunStatus::Running,
        params: BTreeMap::new(),
        metrics: BTreeMap::new(),
        tags: BTreeMap::new(),
        artifacts: Vec::new(),
        source: RunSource::default(),
        created_at: at(0),
        started_at: Some(at(1)),
        ended_at: None,
        heartbeat_at: None,
        mlflow: None,
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

pub(crate) fn point(step: i64, value: f64) -> MetricPoint {
    MetricPoint {
        value,
        step,
        timestamp: at(step.clamp(-1_000_000, 1_000_000)),
    }
}

pub(crate) fn batch(run_id: &str, name: &str, points: &[MetricPoint]) -> SeriesBatch {
    SeriesBatch {
        run_id: RunId::new(run_id).unwrap(),
        key: key(name),
        points: points.to_vec(),
    }
}

pub(crate) fn version(model: &str, version: &str) -> ModelVersion {
    ModelVersion {
        model_name: ModelName::new(model).unwrap(),
        version: Version::new(version).unwrap(),
        stage: Stage::None,
        stage_warning: None,
        aliases: BTreeSet::new(),
        run_id: None,
        source: None,
        metrics: BTreeMap::new(),
        params: BTreeMap::new(),
        tags: BTreeMap::new(),
        description: String::new(),
        registered_by: "alice".to_owned(),
        artifacts: Vec::new(),
        checklist: Vec::new(),
        decisions: Vec::new(),
        approval: ApprovalState::None,
        approved_by: None,
        approved_at: None,
        approval_notes: None,
        created_at: at(0),
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

pub(crate) fn drift_event(id: &str, model: &str, version: &str) -> DriftEvent {
    DriftEvent {
        event_id: DriftEventId::new(id).unwrap(),
        model_name: ModelName::new(model).unwrap(),
        version: Version::new(version).unwrap(),
        environment: None,
        metric: key("accuracy"),
        baseline: 0.9,
        observed: 0.8,
        score: 0.1 + 0.2,
        threshold: Some(0.05),
        baseline_size: Some(1000),
        observed_size: None,
        severity: Severity::High,
        state: DriftState::Open,
        count: 1,
        first_seen_at: at(0),
        last_seen_at: at(0),
        note: None,
        decided_by: None,
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

pub(crate) fn deployment(id: &str, model: &str, version: &str) -> Deployment {
    Deployment {
        deployment_id: DeploymentId::new(id).unwrap(),
        model_name: ModelName::new(model).unwrap(),
        version: Version::new(version).unwrap(),
        environment: Environment::Dev,
        status: DeploymentStatus::Pending,
        endpoint: None,
        health_check: None,
        health: Health::Unknown,
        health_history: Vec::new(),
        rollback_from: None,
        deployed_by: "alice".to_owned(),
        created_at: at(0),
        activated_at: None,
        ended_at: None,
        reason: None,
        updated_at: at(0),
        revision: Revision::FIRST,
    }
}

/// Puts an experiment and a run into a store.
pub(crate) async fn with_run(store: &dyn Store, id: &str) -> ModelRun {
    let ctx = ctx("test");
    let _ = store.insert_experiment(&experiment("fraud"), &ctx).await;
    let run = run(id, "fraud");
    store.insert_run(&run, &[], &ctx).await.unwrap();
    run
}

/// Puts versions of the model `fraud` into a store.
pub(crate) async fn with_versions(store: &dyn Store, versions: &[&str]) {
    for name in versions {
        store
            .insert_version(&version("fraud", name), &ctx("register_model_version"))
            .await
            .unwrap();
    }
}
