//! A run as a domain object, made of what the server and the ledger tell, and the tags that carry what MLflow has no field for. Asks nobody anything.

use super::dto::{self, KeyValue};
use super::fields::{ATTEMPT, Told, from_millis, json_tag};
use super::ledger::State;
use super::runs::key;
use crate::domain::{ExperimentName, Key, MetricPoint, ModelRun, RunId, RunSource, RunStatus};
use jiff::Timestamp;
use std::collections::BTreeMap;

pub(super) const GIVEN_ID: &str = "modeldeck.run_id";
const TIMES: &str = "modeldeck.times";
const SOURCE: &str = "modeldeck.source";
const ARTIFACTS: &str = "modeldeck.artifacts";
pub(super) const HEARTBEAT: &str = "modeldeck.heartbeat";

/// MLflow's word for a status.
pub(super) const fn word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Pending => "SCHEDULED",
        RunStatus::Running => "RUNNING",
        RunStatus::Completed => "FINISHED",
        RunStatus::Failed => "FAILED",
        RunStatus::Killed => "KILLED",
    }
}

/// The status that MLflow's word means; a word of a newer server means that it goes on, unless it has ended.
pub(super) fn status(info: &dto::RunInfo) -> RunStatus {
    RunStatus::ALL
        .iter()
        .copied()
        .find(|status| word(*status) == info.status)
        .unwrap_or(if info.end_time.is_some() {
            RunStatus::Completed
        } else {
            RunStatus::Running
        })
}

/// Times with all their digits; MLflow keeps milliseconds.
#[derive(serde::Serialize, serde::Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields' own names")]
struct Times {
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

/// A run as the server and the ledger tell it.
pub(super) fn build(run: &dto::Run, experiment: &str, state: &State) -> ModelRun {
    let (info, data) = (&run.info, &run.data);
    let given = dto::value_of(&data.tags, GIVEN_ID).map(RunId::trusted);
    let run_id = given.unwrap_or_else(|| state.run_id(&info.run_id));
    let key = key(&run_id);
    let told = Told::new(&data.tags, state, &key);
    let start = from_millis(info.start_time);
    let on_server = status(info);
    let ours: Option<RunStatus> = told.ledger("status");
    let status = ours.filter(|_| told.is_behind).unwrap_or(on_server);
    // A run that others made has its times from MLflow, whatever a tag says of them.
    let is_ours = told.tag(ATTEMPT).is_some();
    let times = told
        .tag(TIMES)
        .filter(|_| is_ours)
        .and_then(|times| serde_json::from_str::<Times>(times).ok());
    let created_at = told
        .ledger("created_at")
        .or(times.as_ref().map(|times| times.created_at))
        .unwrap_or(start);
    // Entries about a run that others made tell only what modeldeck changed of it.
    let started_at = match (told.ledger::<Option<Timestamp>>("started_at"), &times) {
        (Some(started_at), _) => started_at,
        (None, Some(times)) => times.started_at,
        (None, None) => (status != RunStatus::Pending).then_some(start),
    };
    let end_on_server = || info.end_time.filter(|_| status.is_final()).map(from_millis);
    // An end that was made around modeldeck is MLflow's.
    let ended_at = told
        .ledger::<Option<Timestamp>>("ended_at")
        .filter(|_| ours == Some(status))
        .unwrap_or_else(end_on_server);
    let metrics: BTreeMap<Key, MetricPoint> = data
        .metrics
        .iter()
        .map(|metric| (Key::trusted(metric.key.clone()), point(metric)))
        .collect();
    let heartbeat = told.tag(HEARTBEAT).and_then(|text| text.parse().ok());
    let foreign_life = || {
        let last = metrics.values().map(|point| point.timestamp).max();
        last.filter(|_| !is_ours || told.object.is_none())
    };
    let params = data
        .params
        .iter()
        .map(|param| (Key::trusted(param.key.clone()), param.value.clone()));
    let behind_params = told.is_behind.then(|| told.ledger("params")).flatten();
    ModelRun {
        mlflow: told.ledger("mlflow").flatten(),
        experiment_name: ExperimentName::trusted(experiment),
        name: told.text("name", Some(&info.run_name)).unwrap_or_default(),
        status,
        params: behind_params.unwrap_or_else(|| params.collect()),
        heartbeat_at: heartbeat.or_else(foreign_life),
        metrics,
        tags: told.own_tags(),
        artifacts: told.json("artifacts", ARTIFACTS).unwrap_or_default(),
        source: told
            .json("source", SOURCE)
            .unwrap_or_else(|| source_of(run)),
        created_at,
        started_at,
        ended_at,
        updated_at: told
            .object
            .map_or_else(|| ended_at.unwrap_or(start), |object| object.updated_at),
        revision: state.revision(&key),
        run_id,
    }
}

/// Where a run came from, as MLflow's own client notes it.
fn source_of(run: &dto::Run) -> RunSource {
    let tag = |key: &str| {
        dto::value_of(&run.data.tags, key)
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
    };
    RunSource {
        command: tag("mlflow.source.name"),
        git_commit: tag("mlflow.source.git.commit"),
        user: tag("mlflow.user")
            .or_else(|| Some(run.info.user_id.clone()).filter(|user| !user.is_empty())),
        ..RunSource::default()
    }
}

pub(super) fn point(metric: &dto::Metric) -> MetricPoint {
    MetricPoint {
        value: metric.value,
        step: metric.step,
        timestamp: from_millis(metric.timestamp),
    }
}

/// The tags that carry what MLflow has no field for, and those that its page shows as the source.
pub(super) fn carried(run: &ModelRun) -> Vec<KeyValue> {
    let times = Times {
        created_at: run.created_at,
        started_at: run.started_at,
        ended_at: run.ended_at,
    };
    let mut tags = Vec::new();
    let mut carry = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            tags.push(KeyValue::new(key, value));
        }
    };
    carry(TIMES, json_tag(&times));
    carry(SOURCE, json_tag(&run.source));
    carry(
        ARTIFACTS,
        json_tag(&run.artifacts).filter(|_| !run.artifacts.is_empty()),
    );
    carry(
        "mlflow.source.name",
        run.source.command.as_deref().map(super::fields::cut),
    );
    carry("mlflow.source.git.commit", run.source.git_commit.clone());
    carry("mlflow.user", run.source.user.clone());
    tags
}
