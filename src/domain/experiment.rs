//! Experiments: named lines of work that runs belong to.

use super::{ExperimentName, Revision, Tags, vocabulary::vocabulary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// Where an experiment stands.
    pub enum ExperimentStatus ("experiment status") {
        Active = "ACTIVE",
        Completed = "COMPLETED",
        Archived = "ARCHIVED",
    }
}

impl ExperimentStatus {
    /// The statuses that may follow this one: work may be taken up again, and anything can be put away.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Completed, Self::Archived],
            Self::Completed => &[Self::Active, Self::Archived],
            Self::Archived => &[Self::Active],
        }
    }

    /// An archived experiment takes no new runs.
    pub const fn takes_runs(self) -> bool {
        !matches!(self, Self::Archived)
    }
}

/// A named line of work. Names are unique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelExperiment {
    pub name: ExperimentName,
    pub description: String,
    pub owner: String,
    pub status: ExperimentStatus,
    pub tags: Tags,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}
