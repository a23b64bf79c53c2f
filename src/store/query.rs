//! What is asked of a list: exact words from the operations' parameters, and the free filter and order on top.

use crate::domain::{
    DeploymentStatus, DriftState, Environment, ExperimentName, ExperimentStatus, Filter, ModelName,
    ObjectKind, RunId, RunStatus, Severity, Sort, Stage, Version,
};

/// The part that every list has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListQuery {
    pub filter: Filter,
    /// `None` for the list's own order, newest first.
    pub sort: Option<Sort>,
}

/// Fields to filter and sort by: `name`, `description`, `owner`, `status`, `created`, `updated`, `tags.K`. A bare word is looked for in the name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExperimentQuery {
    pub owner: Option<String>,
    pub status: Option<ExperimentStatus>,
    pub list: ListQuery,
}

/// Fields: `run_id`, `name`, `experiment`, `status`, `user`, `host`, `created`, `started`, `heartbeat`, `ended`, `updated`, `metrics.K`, `params.K`, `tags.K`. A bare word is looked
/// for in name and id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunQuery {
    pub experiment: Option<ExperimentName>,
    /// Any of these; empty for all.
    pub statuses: Vec<RunStatus>,
    pub list: ListQuery,
}

/// Fields: `model`, `version`, `stage`, `alias`, `run_id`, `source`, `registered_by`, `description`, `created`, `updated`, `metrics.K`, `params.K`, `tags.K`. A bare word is
/// looked for in model name, version and aliases. The service adds `approval`, `items`, `approvals` and `waiting`, which no store is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VersionQuery {
    pub model: Option<ModelName>,
    pub stage: Option<Stage>,
    pub run_id: Option<RunId>,
    /// Only versions that have a checklist or a decision.
    pub in_review: bool,
    pub list: ListQuery,
}

/// Fields: `event_id`, `model`, `version`, `environment`, `metric`, `severity`, `state`, `baseline`, `observed`, `score`, `count`, `first_seen`, `last_seen`, `note`. A bare word is
/// looked for in model name, metric and id. Severity sorts by how bad it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DriftQuery {
    pub model: Option<ModelName>,
    pub version: Option<Version>,
    pub severity: Option<Severity>,
    /// Any of these; empty for all.
    pub states: Vec<DriftState>,
    pub list: ListQuery,
}

/// Fields: `deployment_id`, `model`, `version`, `environment`, `status`, `health`, `endpoint`, `deployed_by`, `reason`, `rollback_from`, `created`,
/// `since` (activated, or else created), `activated`, `ended`. A bare word is looked
/// for in model name and id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeploymentQuery {
    pub model: Option<ModelName>,
    pub version: Option<Version>,
    pub environment: Option<Environment>,
    /// Any of these; empty for all.
    pub statuses: Vec<DeploymentStatus>,
    pub list: ListQuery,
}

/// Which audit entries. Fields to filter by: `seq`, `at`, `action`, `kind`, `object`, `user`, `host`, `reason`. A bare word is looked for in object, action and user.
/// They come in the order of the log, newest first, and in no other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditQuery {
    pub kind: Option<ObjectKind>,
    pub object: Option<String>,
    pub action: Option<String>,
    pub filter: Filter,
}
