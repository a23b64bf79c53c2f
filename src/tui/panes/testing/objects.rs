//! A few objects as tests know them.

use super::noon;
use crate::domain::{
    ApprovalState, Deployment, DeploymentId, DeploymentStatus, DriftEvent, DriftEventId,
    DriftState, Environment, ExperimentName, Health, Key, MetricPoint, ModelName, ModelRun,
    ModelVersion, Revision, RunId, RunSource, RunStatus, Severity, Stage, Tags, Version,
};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// A version that bob registered two hours ago.
pub(in crate::tui) fn version(model: &str, version: &str, metrics: &[(&str, f64)]) -> ModelVersion {
    let at = noon() - SignedDuration::from_hours(2);
    ModelVersion {
        model_name: ModelName::new(model).unwrap(),
        version: Version::new(version).unwrap(),
        stage: Stage::None,
        stage_warning: None,
        aliases: BTreeSet::new(),
        run_id: Some(RunId::new("0199aaaabbbbccccddddeeeeffff0000").unwrap()),
        source: Some(format!("s3://models/{model}/{version}")),
        metrics: metrics
            .iter()
            .map(|(key, value)| (Key::new(key).unwrap(), *value))
            .collect(),
        params: Tags::new(),
        tags: Tags::new(),
        description: String::new(),
        registered_by: "bob".to_owned(),
        artifacts: Vec::new(),
        checklist: Vec::new(),
        decisions: Vec::new(),
        approval: ApprovalState::None,
        approved_by: None,
        approved_at: None,
        approval_notes: None,
        created_at: at,
        updated_at: at,
        revision: Revision(3),
    }
}

/// Drift of the accuracy that was seen five minutes ago.
pub(in crate::tui) fn event(
    id: &str,
    model: &str,
    severity: Severity,
    state: DriftState,
) -> DriftEvent {
    let at = noon() - SignedDuration::from_mins(5);
    DriftEvent {
        event_id: DriftEventId::new(id).unwrap(),
        model_name: ModelName::new(model).unwrap(),
        version: Version::new("7").unwrap(),
        environment: Some(Environment::Production),
        metric: Key::new("accuracy").unwrap(),
        baseline: 0.93,
        observed: 0.72,
        score: 0.225_806,
        threshold: Some(0.05),
        baseline_size: Some(10_000),
        observed_size: Some(1_200),
        severity,
        state,
        count: 3,
        first_seen_at: at - SignedDuration::from_hours(1),
        last_seen_at: at,
        note: None,
        decided_by: None,
        updated_at: at,
        revision: Revision(2),
    }
}

/// A run that is RUNNING since an hour, and measured these at step 10.
pub(in crate::tui) fn run(id: &str, metrics: &[(&str, f64)]) -> ModelRun {
    let at = noon() - SignedDuration::from_hours(1);
    let point = |value| MetricPoint {
        value,
        step: 10,
        timestamp: at,
    };
    ModelRun {
        run_id: RunId::new(id).unwrap(),
        experiment_name: ExperimentName::new("fraud").unwrap(),
        name: id.to_owned(),
        status: RunStatus::Running,
        params: Tags::new(),
        metrics: metrics
            .iter()
            .map(|(key, value)| (Key::new(key).unwrap(), point(*value)))
            .collect(),
        tags: Tags::new(),
        artifacts: Vec::new(),
        source: RunSource::default(),
        created_at: at,
        started_at: Some(at),
        ended_at: None,
        heartbeat_at: Some(at),
        mlflow: None,
        updated_at: at,
        revision: Revision::FIRST,
    }
}

/// A deployment that bob made an hour ago; unless it is PENDING it served from then on.
pub(in crate::tui) fn deployment(
    id: &str,
    version: &str,
    environment: Environment,
    status: DeploymentStatus,
) -> Deployment {
    let at = noon() - SignedDuration::from_hours(1);
    Deployment {
        deployment_id: DeploymentId::new(id).unwrap(),
        model_name: ModelName::new("fraud").unwrap(),
        version: Version::new(version).unwrap(),
        environment,
        status,
        endpoint: None,
        health_check: None,
        health: Health::Unknown,
        health_history: Vec::new(),
        rollback_from: None,
        deployed_by: "bob".to_owned(),
        created_at: at,
        activated_at: (status != DeploymentStatus::Pending).then_some(at),
        ended_at: status.is_final().then_some(noon()),
        reason: None,
        updated_at: at,
        revision: Revision(4),
    }
}
