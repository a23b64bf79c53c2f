//! What the verbs of the registry take.

use crate::domain::{
    DeploymentChecklistItem, Key, ModelName, Params, Revision, RunId, Tags, Version,
};
use std::collections::BTreeMap;

/// What a version is made of.
#[derive(Debug, Clone)]
pub struct NewModelVersion {
    pub model_name: ModelName,
    /// `None` for the next number.
    pub version: Option<Version>,
    /// The run it comes from; its latest metrics, its params and its artifacts come along.
    pub run_id: Option<RunId>,
    pub source: Option<String>,
    /// Added to the run's, and stronger than them.
    pub metrics: BTreeMap<Key, f64>,
    /// Added to the run's, and stronger than them.
    pub params: Params,
    pub tags: Tags,
    pub description: String,
    /// Added to the items that the policy requires.
    pub checklist: Vec<DeploymentChecklistItem>,
}

impl NewModelVersion {
    pub fn new(model_name: ModelName) -> Self {
        Self {
            model_name,
            version: None,
            run_id: None,
            source: None,
            metrics: BTreeMap::new(),
            params: Params::new(),
            tags: Tags::new(),
            description: String::new(),
            checklist: Vec::new(),
        }
    }
}

/// What changes on a version; `None` and empty leave things as they are.
#[derive(Debug, Clone, Default)]
pub struct ModelVersionUpdate {
    pub description: Option<String>,
    pub source: Option<String>,
    pub metrics: BTreeMap<Key, f64>,
    pub set_tags: Tags,
    pub remove_tags: Vec<Key>,
    pub reason: Option<String>,
    /// The revision that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}

/// A change of stage.
#[derive(Debug, Clone, Default)]
pub struct StageChange {
    pub reason: Option<String>,
    /// The revision that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}
