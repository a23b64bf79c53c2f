//! The mirror of a local store on an MLflow server: what waits for it, and how far it is.
//!
//! Knows neither a queue's table nor HTTP; only the words, and how they are told in one line.

use super::RunId;
use super::vocabulary::vocabulary;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Where the copy of one object stands.
    pub enum SyncItemState ("sync item state") {
        Queued = "QUEUED",
        Retry = "RETRY",
        Dead = "DEAD",
    }
}

vocabulary! {
    /// What kind of object is copied. The words are those of the queue and of `--json`.
    pub enum SyncKind ("sync kind") {
        Experiment = "EXPERIMENT",
        Run = "RUN",
        Artifact = "ARTIFACT",
        ModelVersion = "MODEL_VERSION",
    }
}

impl SyncKind {
    /// How it is called in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Run => "run",
            Self::Artifact => "artifact",
            Self::ModelVersion => "model version",
        }
    }
}

vocabulary! {
    /// How the whole mirror is. Being unreachable is a state and no error: everything goes on locally and the queue waits.
    pub enum MirrorState ("mirror state") {
        Off = "OFF",
        Synced = "SYNCED",
        Queued = "QUEUED",
        Offline = "OFFLINE",
        Refused = "REFUSED",
    }
}

/// One object whose copy waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncItem {
    pub id: i64,
    pub kind: SyncKind,
    /// The experiment's name, the run's id, or `MODEL VERSION`.
    pub object: String,
    /// The artifact's path in its run.
    pub part: Option<String>,
    pub state: SyncItemState,
    /// How often it was refused; being unreachable is not the item's fault and not counted.
    pub attempts: u32,
    /// Since when something of it waits.
    pub queued_at: Timestamp,
    /// Not before this is it tried again.
    pub next_try_at: Option<Timestamp>,
    /// Why it was refused, or what it waits for.
    pub reason: Option<String>,
}

impl SyncItem {
    /// `run 0199…`, `artifact model.bin of run 0199…`, as plain text that may hold anything.
    pub fn label(&self) -> String {
        match &self.part {
            Some(part) => format!("{} {part} of run {}", self.kind.noun(), self.object),
            None => format!("{} {}", self.kind.noun(), self.object),
        }
    }
}

/// A file of a run that the mirror left out, because it was not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutFile {
    pub run_id: RunId,
    /// The artifact's path in its run.
    pub path: String,
    /// `gone`, or what else is the matter.
    pub reason: String,
}

/// How the mirror is, at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncStatus {
    /// The server's address, without any user and password.
    pub target: Option<String>,
    pub state: MirrorState,
    /// Objects that wait, without those that are DEAD.
    pub depth: u64,
    pub dead: u64,
    /// Since when the oldest of them waits.
    pub oldest_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    /// When the server is asked again, where it could not be reached.
    pub next_try_at: Option<Timestamp>,
    /// Why nothing gets through, where nothing does.
    pub problem: Option<String>,
    /// Which modeldeck carries things over at this moment.
    pub worker: Option<String>,
}

impl Default for SyncStatus {
    fn default() -> Self {
        Self::off()
    }
}

impl SyncStatus {
    /// A store that is not mirrored.
    pub const fn off() -> Self {
        Self {
            target: None,
            state: MirrorState::Off,
            depth: 0,
            dead: 0,
            oldest_at: None,
            last_success_at: None,
            next_try_at: None,
            problem: None,
            worker: None,
        }
    }

    /// The few words of the header: `3 queued`, `offline, 12 queued`, `2 dead`; `None` for a store that is not mirrored.
    pub fn summary(&self) -> Option<String> {
        let mut words = Vec::new();
        match self.state {
            MirrorState::Off => return None,
            MirrorState::Offline => words.push("offline".to_owned()),
            MirrorState::Refused => words.push("refused".to_owned()),
            MirrorState::Synced | MirrorState::Queued => {}
        }
        if self.depth > 0 {
            words.push(format!("{} queued", self.depth));
        }
        if self.dead > 0 {
            words.push(format!("{} dead", self.dead));
        }
        if words.is_empty() {
            words.push("synced".to_owned());
        }
        Some(words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_tells_what_matters() {
        let status = |state, depth, dead| SyncStatus {
            state,
            depth,
            dead,
            ..SyncStatus::off()
        };
        for (status, words) in [
            (status(MirrorState::Off, 0, 0), None),
            (status(MirrorState::Synced, 0, 0), Some("synced")),
            (status(MirrorState::Queued, 3, 0), Some("3 queued")),
            (status(MirrorState::Queued, 3, 2), Some("3 queued, 2 dead")),
            (status(MirrorState::Synced, 0, 1), Some("1 dead")),
            (
                status(MirrorState::Offline, 12, 0),
                Some("offline, 12 queued"),
            ),
            (
                status(MirrorState::Refused, 1, 0),
                Some("refused, 1 queued"),
            ),
        ] {
            assert_eq!(status.summary().as_deref(), words);
        }
    }
}
