//! The runs that a recorder has met: what is known of them, and what waits to be written to them.

use crate::domain::{Artifact, Key, MetricPoint, ModelRun, RunId, RunStatus};
use crate::service::RunUpdate;
use std::collections::{BTreeMap, HashMap};
use tokio::time::Instant;

/// A run of this stream.
pub(super) struct KnownRun {
    pub(super) run_id: RunId,
    pub(super) status: RunStatus,
    /// The places of its series by the key as it was written, which need not be the normalised one.
    pub(super) series: HashMap<String, usize>,
    /// The latest points that it had when it was met; where histories go on.
    pub(super) latest: BTreeMap<Key, MetricPoint>,
    /// Params, tags and artifacts that wait, each with its line, so that one that is refused can be told.
    pub(super) waiting: Vec<(u64, Label)>,
    /// Whether its end waits to be written.
    pub(super) is_ending: bool,
    /// When a sign of life that the stream brought was written last.
    pub(super) beaten_at: Option<Instant>,
}

/// One thing to write on a run.
#[derive(Debug, Clone)]
pub(super) enum Label {
    Param(Key, String),
    Tag(Key, String),
    Artifact(Artifact),
}

impl KnownRun {
    pub(super) fn of(run: ModelRun) -> Self {
        Self {
            run_id: run.run_id,
            status: run.status,
            series: HashMap::new(),
            latest: run.metrics,
            waiting: Vec::new(),
            is_ending: false,
            beaten_at: None,
        }
    }
}

/// One update of all labels, the later ones winning where tags and artifacts repeat.
pub(super) fn update_with<'a>(labels: impl IntoIterator<Item = &'a Label>) -> RunUpdate {
    let mut update = RunUpdate::default();
    for label in labels {
        match label.clone() {
            Label::Param(key, value) => {
                update.params.insert(key, value);
            }
            Label::Tag(key, value) => {
                update.set_tags.insert(key, value);
            }
            Label::Artifact(artifact) => update.artifacts.push(artifact),
        }
    }
    update
}

/// Whether a param is given twice with different values: then the labels have to be written one by one, so that the second is refused as it would be alone.
pub(super) fn contradict(labels: &[(u64, Label)]) -> bool {
    let mut params: BTreeMap<&Key, &String> = BTreeMap::new();
    labels.iter().any(|(_, label)| match label {
        Label::Param(key, value) => params
            .insert(key, value)
            .is_some_and(|before| before != value),
        _ => false,
    })
}

/// One metric of one run, and its points that wait.
pub(super) struct Series {
    pub(super) run: usize,
    pub(super) key: Key,
    pub(super) next_step: i64,
    pub(super) points: Vec<MetricPoint>,
}
