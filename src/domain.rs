//! The vocabulary of the model lifecycle: plain types and pure rules.
//!
//! Nothing here does IO, reads a clock or knows a store, a terminal or a wire protocol, so a rule can be tested
//! with nothing but values. Two outside crates are let in on purpose: `serde`, because the JSON of these types *is*
//! the product's one documented JSON (`--json`, audit entries and, later, the ledger all show it), and `sha2`, because
//! what an approval covers and how audit entries chain are rules of the domain.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | [`ModelExperiment`] | a named line of work that runs belong to |
//! | [`ModelRun`] | one execution: params, metric histories, tags, artifacts |
//! | *stale* run | RUNNING, but silent for longer than the configured time |
//! | [`ModelVersion`] | one registered version of a model |
//! | [`Stage`] | the registry's word: None, Staging, Production, Archived |
//! | [`Environment`] | the deployment's word: DEV, STAGING, PRODUCTION |
//! | [`Alias`] | a movable name of a version (`champion`) |
//! | [`DeploymentChecklistItem`] | something to be shown before a version may go on |
//! | [`Decision`] | one approver's verdict on exactly one content of a version |
//! | [`Subject`] | the digest of that content |
//! | [`ApprovalState`] | derived from decisions, checklist and policy; never stored |
//! | [`Policy`] | the rules that everybody on one store obeys |
//! | [`DriftEvent`] | a measure that moved away from its baseline, counted while it lasts |
//! | [`Deployment`] | a version that serves (or served) in an environment |
//! | [`AuditEntry`] | who changed what, from where, when and why, chained by hash |
//! | [`Revision`] | the count of changes of a record; a write names the one it read |

pub mod approval;
pub mod audit;
pub mod chart;
pub mod comparison;
pub mod deployment;
pub mod drift;
pub mod experiment;
pub mod fields;
pub mod filter;
mod filterable;
pub mod identity;
pub mod metric;
pub mod name;
pub mod number;
pub mod policy;
pub mod registry;
pub mod run;
pub mod secret;
pub mod sync;
pub mod text;
pub mod uri;
mod vocabulary;

pub use approval::{
    ApprovalState, ChecklistStatus, Decision, DeploymentChecklistItem, Missing, Subject, Verdict,
    build_checklist,
};
pub use audit::{AuditEntry, AuditFault, ObjectKind};
pub use chart::{ChartBucket, MetricChart};
pub use comparison::RunComparison;
pub use deployment::{
    Deployment, DeploymentStatus, Endpoint, Environment, Health, HealthCheck, HealthProtocol,
    HealthSample,
};
pub use drift::{DriftEvent, DriftState, Severity, SeverityThresholds};
pub use experiment::{ExperimentStatus, ModelExperiment};
pub use filter::{Filter, Sort};
pub use identity::Identity;
pub use metric::{MetricDirections, MetricPoint, NewMetric};
pub use name::{
    Alias, DeploymentId, DriftEventId, ExperimentName, InvalidName, ItemName, Key, ModelName,
    RunId, Version,
};
pub use policy::Policy;
pub use registry::{ModelVersion, Stage, StageWarning, VersionComparison};
pub use run::{Artifact, MlflowLink, ModelRun, RunSource, RunStatus, SyncState};
pub use sync::{LeftOutFile, MirrorState, SyncItem, SyncItemState, SyncKind, SyncStatus};
pub use vocabulary::UnknownWord;

use std::collections::BTreeMap;

/// Free labels of an object.
pub type Tags = BTreeMap<Key, String>;
/// What a run or a version was made with; written once.
pub type Params = BTreeMap<Key, String>;

/// How often a record was changed; a write names the revision that it read, so that a lost race is noticed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub i64);

impl Revision {
    /// The revision of a record that was just made.
    pub const FIRST: Self = Self(1);

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl std::fmt::Display for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
