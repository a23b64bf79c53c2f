//! What a lost race leaves behind: the object as it stands now and who changed it, for the form that lost to be filled in anew.
//!
//! It is read after the refusal, so it may be newer than what the change was refused for; whoever sends again is judged anew.

use super::{DeploymentMore, VersionMore};
use crate::domain::{AuditEntry, Deployment, DriftEvent, ModelExperiment, ModelRun, ModelVersion};

/// What happened to an object between the look that a change was judged on and the change.
#[derive(Debug, Clone, PartialEq)]
pub struct Meanwhile {
    pub object: Object,
    /// What was done to it, newest first.
    pub history: Vec<AuditEntry>,
}

/// An object, and what the forms about it show beside its fields.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, behind the box of its failure"
)]
pub enum Object {
    Experiment(ModelExperiment),
    Run(ModelRun),
    Version(ModelVersion, VersionMore),
    DriftEvent(DriftEvent),
    Deployment(Deployment, DeploymentMore),
}

impl Object {
    pub fn experiment(&self) -> Option<&ModelExperiment> {
        match self {
            Self::Experiment(experiment) => Some(experiment),
            _ => None,
        }
    }

    pub fn run(&self) -> Option<&ModelRun> {
        match self {
            Self::Run(run) => Some(run),
            _ => None,
        }
    }

    pub fn version(&self) -> Option<(&ModelVersion, &VersionMore)> {
        match self {
            Self::Version(version, more) => Some((version, more)),
            _ => None,
        }
    }

    pub fn drift_event(&self) -> Option<&DriftEvent> {
        match self {
            Self::DriftEvent(event) => Some(event),
            _ => None,
        }
    }

    pub fn deployment(&self) -> Option<(&Deployment, &DeploymentMore)> {
        match self {
            Self::Deployment(deployment, more) => Some((deployment, more)),
            _ => None,
        }
    }
}
