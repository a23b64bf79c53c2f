//! Runs: one execution each, with what went in, what was measured and what came out.

use super::{
    ExperimentName, Key, MetricPoint, Params, Revision, RunId, Tags, vocabulary::vocabulary,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

vocabulary! {
    /// Where a run stands.
    pub enum RunStatus ("run status") {
        Pending = "PENDING",
        Running = "RUNNING",
        Completed = "COMPLETED",
        Failed = "FAILED",
        Killed = "KILLED",
    }
}

impl RunStatus {
    /// The statuses that may follow this one. A run that ended stays as it ended.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Running, Self::Completed, Self::Failed, Self::Killed],
            Self::Running => &[Self::Completed, Self::Failed, Self::Killed],
            Self::Completed | Self::Failed | Self::Killed => &[],
        }
    }

    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

/// A file that a run left, known by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where it is, relative to the run's artifacts or as the script named it.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// `sha256:` and 64 hexadecimal digits; empty, and null for programs, where nobody told it.
    #[serde(
        serialize_with = "digest_or_null",
        deserialize_with = "digest_if_known"
    )]
    pub digest: String,
}

fn digest_or_null<S: serde::Serializer>(digest: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match digest {
        "" => serializer.serialize_none(),
        digest => serializer.serialize_str(digest),
    }
}

fn digest_if_known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// The path of the artifact that holds a run's captured output.
pub const OUTPUT_LOG: &str = "output.log";

/// Where a run came from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunSource {
    pub command: Option<String>,
    pub git_commit: Option<String>,
    pub host: Option<String>,
    pub user: Option<String>,
    pub directory: Option<String>,
    pub pid: Option<u32>,
    pub exit_code: Option<i32>,
    /// The signal that ended the command, where one did.
    pub signal: Option<i32>,
    /// Wall time of the command, in seconds.
    pub wall_seconds: Option<f64>,
}

vocabulary! {
    /// How far a run's copy on an MLflow server is.
    pub enum SyncState ("sync state") {
        Queued = "QUEUED",
        Synced = "SYNCED",
        Dead = "DEAD",
    }
}

/// A run's copy on an MLflow server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MlflowLink {
    /// The server's id of it; `None` until it has a copy there.
    pub run_id: Option<String>,
    pub state: SyncState,
}

/// One execution. `metrics` holds the latest point of each key; the histories are asked for one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRun {
    pub run_id: RunId,
    pub experiment_name: ExperimentName,
    pub name: String,
    pub status: RunStatus,
    pub params: Params,
    pub metrics: BTreeMap<Key, MetricPoint>,
    pub tags: Tags,
    pub artifacts: Vec<Artifact>,
    pub source: RunSource,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// The last sign of life: a heartbeat or a metric.
    pub heartbeat_at: Option<Timestamp>,
    pub mlflow: Option<MlflowLink>,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

impl ModelRun {
    /// The silence since the last sign of life, if the run says it is RUNNING and has been silent for longer than
    /// `limit`. Such a run is shown as stale and offered for KILLED, never silently changed.
    pub fn stale_for(&self, now: Timestamp, limit: SignedDuration) -> Option<SignedDuration> {
        if self.status != RunStatus::Running {
            return None;
        }
        let last = self
            .heartbeat_at
            .or(self.started_at)
            .unwrap_or(self.created_at);
        let silence = now.duration_since(last);
        (silence > limit).then_some(silence)
    }

    /// How long it ran, or has been running.
    pub fn duration(&self, now: Timestamp) -> Option<SignedDuration> {
        self.started_at
            .map(|start| self.ended_at.unwrap_or(now).duration_since(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_run_stays_as_it_ended() {
        for status in RunStatus::ALL {
            assert_eq!(
                status.is_final(),
                matches!(
                    status,
                    RunStatus::Completed | RunStatus::Failed | RunStatus::Killed
                )
            );
            assert!(!status.next().contains(&RunStatus::Pending));
        }
    }
}
