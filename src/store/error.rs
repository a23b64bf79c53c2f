//! What can go wrong in a store, told with what was being done to which object.

use crate::domain::ObjectKind;
use std::path::PathBuf;
use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{} '{id}' is not there", noun(*kind))]
    NotFound { kind: ObjectKind, id: String },

    #[error("{} '{id}' exists already", noun(*kind))]
    AlreadyExists { kind: ObjectKind, id: String },

    /// A lost race: the record is not any more as it was read.
    #[error("{} '{id}' was changed meanwhile{}", noun(*kind), detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default())]
    Conflict {
        kind: ObjectKind,
        id: String,
        detail: Option<String>,
    },

    #[error("{message}")]
    Invalid { message: String },

    #[error("this store cannot {what}: {why}")]
    Unsupported { what: String, why: String },

    #[error("{message}")]
    Unauthorized { message: String, hint: String },

    /// Nothing can be written here, whoever asks.
    #[error("the store '{target}' takes no writes: {why}")]
    ReadOnly {
        target: String,
        why: String,
        hint: String,
    },

    #[error("the store is busy: {doing} waited for another program for too long")]
    Busy { doing: String },

    /// No server that could be the store is at the address, or the way there is cut.
    #[error("no MLflow server is reached at '{target}': {problem}")]
    Unreachable {
        target: String,
        problem: String,
        hint: String,
    },

    /// Another program answers at the address; waiting mends nothing.
    #[error("'{target}' does not answer as an MLflow server does: {problem}")]
    NotMlflow {
        target: String,
        problem: String,
        hint: String,
    },

    /// The store is there and could not do it now.
    #[error("the store did not answer: {doing}")]
    Unavailable {
        doing: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        #[source]
        source: Source,
    },

    /// Damaged, another program's, or of a newer modeldeck: nothing is repaired silently.
    #[error("the store '{}' cannot be used: {problem}", path.display())]
    Unusable {
        path: PathBuf,
        problem: String,
        hint: String,
    },

    /// An entry of the audit log holds what this program cannot have written.
    #[error("audit entry {seq} cannot be read ({problem}): it was edited")]
    UnreadableEntry { seq: i64, problem: String },

    /// Disk full, permission, vanished directory.
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        #[source]
        source: Source,
    },
}

/// How an object is called in a sentence.
pub(super) fn noun(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Experiment => "experiment",
        ObjectKind::Run => "run",
        ObjectKind::ModelVersion => "model version",
        ObjectKind::DriftEvent => "drift event",
        ObjectKind::Deployment => "deployment",
        ObjectKind::Policy => "policy",
        ObjectKind::Store => "store",
    }
}

impl StoreError {
    pub fn not_found(kind: ObjectKind, id: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound {
            kind,
            id: id.to_string(),
        }
    }

    pub fn conflict(kind: ObjectKind, id: &(impl ToString + ?Sized)) -> Self {
        Self::Conflict {
            kind,
            id: id.to_string(),
            detail: None,
        }
    }

    /// How long the store asks to be left alone before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { kind, .. } => Some(match kind {
                ObjectKind::Experiment => {
                    "'modeldeck experiment list' shows those that are".to_owned()
                }
                ObjectKind::Run => "'modeldeck run list' shows those that are".to_owned(),
                ObjectKind::ModelVersion => {
                    "'modeldeck model list' shows those that are".to_owned()
                }
                ObjectKind::DriftEvent => "'modeldeck drift list' shows those that are".to_owned(),
                ObjectKind::Deployment => {
                    "'modeldeck deployment list' shows those that are".to_owned()
                }
                ObjectKind::Policy | ObjectKind::Store => return None,
            }),
            Self::Conflict { .. } => {
                Some("look at it again and repeat what still applies".to_owned())
            }
            Self::Unauthorized { hint, .. }
            | Self::ReadOnly { hint, .. }
            | Self::Unreachable { hint, .. }
            | Self::NotMlflow { hint, .. }
            | Self::Unusable { hint, .. } => Some(hint.clone()),
            Self::Busy { .. } => Some("try again in a moment".to_owned()),
            Self::UnreadableEntry { .. } => Some(
                "'modeldeck audit verify' tells the first entry that is not sound; restore a backup, or keep this file as evidence".to_owned(),
            ),
            Self::AlreadyExists { .. }
            | Self::Invalid { .. }
            | Self::Unsupported { .. }
            | Self::Unavailable { .. }
            | Self::Io { .. } => None,
        }
    }
}
