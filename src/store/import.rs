//! Objects of an MLflow source on their way into a store: how a source hands them out, and the door through which many runs are written at once.
//!
//! What a source hands out is raw: names and values are as they stand there, whatever is in them. What becomes of them is judged by the service. Nothing
//! here knows how a source keeps its objects.

pub(super) mod files;

use super::{Result, StoreError, WriteContext};
use crate::domain::{Artifact, AuditEntry, Key, MetricPoint, ModelRun, RunId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// A key with a value, as it stands at the source.
pub type Pair = (String, String);

/// Points of one metric, in the order in which the source has them.
pub type RawHistory = (String, Vec<MetricPoint>);

#[derive(Debug, Clone, Default)]
pub struct RawExperiment {
    pub id: String,
    pub name: String,
    /// The workspace it is in; empty for the default one.
    pub workspace: String,
    pub is_deleted: bool,
    pub created_at: Option<i64>,
    pub tags: Vec<Pair>,
}

/// What is known of a run's files.
#[derive(Debug, Clone, Default)]
pub enum RawFiles {
    Listed(Vec<Artifact>),
    /// They are somewhere that cannot be looked at from here.
    #[default]
    Elsewhere,
}

/// Where a run's histories go on. Only the source that made it can read it.
#[derive(Debug, Clone)]
pub struct Rest {
    pub key: String,
    pub at: String,
}

#[derive(Debug, Clone, Default)]
pub struct RawRun {
    pub id: String,
    pub experiment_id: String,
    pub is_deleted: bool,
    pub name: String,
    pub user: String,
    pub status: String,
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub params: Vec<Pair>,
    pub tags: Vec<Pair>,
    pub files: RawFiles,
    pub histories: Vec<RawHistory>,
    /// Set where the histories are too long to come with the run.
    pub rest: Option<Rest>,
    /// What of this run could not be read, and why.
    pub unread: Vec<Unread>,
}

/// A part of an object that could not be read; the whole object where no part is named.
#[derive(Debug, Clone)]
pub struct Unread {
    pub what: String,
    pub why: String,
}

/// A part of a run's histories.
#[derive(Debug, Clone, Default)]
pub struct Stretch {
    pub histories: Vec<RawHistory>,
    /// Where they go on.
    pub rest: Option<Rest>,
    pub unread: Vec<Unread>,
}

#[derive(Debug, Clone, Default)]
pub struct RawVersion {
    pub version: String,
    pub created_at: Option<i64>,
    pub description: String,
    pub user: String,
    pub stage: String,
    pub source: String,
    pub run_id: String,
    pub tags: Vec<Pair>,
}

#[derive(Debug, Clone, Default)]
pub struct RawModel {
    pub name: String,
    /// The workspace it is in; empty for the default one.
    pub workspace: String,
    pub description: String,
    pub tags: Vec<Pair>,
    /// Aliases with the version that each names.
    pub aliases: Vec<Pair>,
    pub versions: Vec<RawVersion>,
    pub unread: Vec<Unread>,
}

/// Where objects are imported from. Every question is answered from what is there now, in short reads that hold up nobody who writes there.
#[async_trait]
pub trait ImportSource: Send {
    /// As it is named to people: `MLflow database '/data/mlflow.db'`.
    fn name(&self) -> String;

    /// All experiments, deleted ones too.
    async fn experiments(&mut self) -> Result<Vec<RawExperiment>>;

    /// Chooses whose runs are read, and starts to read them from the beginning. Returns how many there are, where that is known.
    async fn choose(&mut self, experiment_ids: &[String]) -> Result<Option<u64>>;

    /// The next runs of the chosen experiments, deleted ones too, of which only the id is told; none at the end.
    /// A source that pays for each history may leave those out that `seen` has already.
    async fn next_runs(&mut self, seen: &dyn SeenRuns) -> Result<Vec<RawRun>>;

    /// More of a run's histories.
    async fn more_points(&mut self, run_id: &str, rest: &Rest) -> Result<Stretch>;

    /// All registered models with their versions.
    async fn models(&mut self) -> Result<Vec<RawModel>>;

    /// What the source holds beyond this, by the name of the kind.
    async fn beyond(&mut self) -> Result<Vec<(&'static str, u64)>>;
}

/// A run that ended and that an earlier import brought.
#[derive(Debug, Clone)]
pub struct SeenRun {
    /// In milliseconds.
    pub ended_at: i64,
    /// The latest point of each metric.
    pub latest: BTreeMap<String, MetricPoint>,
    /// How many points the longest history has.
    pub longest: u64,
}

/// What is there of runs already.
#[async_trait]
pub trait SeenRuns: Send + Sync {
    /// Those of these runs that ended and came in before, by their ids.
    async fn seen(&self, ids: &[String]) -> Result<HashMap<String, SeenRun>>;
}

/// A run that is there already, and what earlier imports did to it.
#[derive(Debug, Clone)]
pub struct KnownRun {
    pub run: ModelRun,
    /// The audit entries of imports, oldest first; none for a run that was made here.
    pub imports: Vec<AuditEntry>,
    pub histories: BTreeMap<Key, KnownHistory>,
}

/// The beginning of a history that is there already.
#[derive(Debug, Clone, Default)]
pub struct KnownHistory {
    pub count: u64,
    /// The first points; all of them where there are as many as `count`.
    pub points: Vec<MetricPoint>,
}

/// Points that go behind those that are there.
#[derive(Debug, Clone)]
pub struct SeriesTail {
    pub key: Key,
    /// How many points are there; another number is a *conflict*, so that two imports never write the same points twice.
    pub after: u64,
    pub points: Vec<MetricPoint>,
}

/// What is written of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunWrite {
    Insert,
    Replace,
    /// Only its points.
    Points,
}

#[derive(Debug, Clone)]
pub struct RunImport {
    pub run: ModelRun,
    pub write: RunWrite,
    pub tails: Vec<SeriesTail>,
}

/// The door for many runs at once. Experiments and versions are few enough for the doors of their own.
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// Those of these runs that are there, each with the first `most` points of each history.
    async fn known_runs(&self, run_ids: &[RunId], most: usize) -> Result<Vec<KnownRun>> {
        let _ = (run_ids, most);
        Err(not_here())
    }

    /// Writes runs with their points in one transaction, all or none, each change of a run with its own audit entry. *Already exists*, or *conflict* where a
    /// revision or a number of points is not the one that was read.
    async fn import_runs(&self, runs: Vec<RunImport>, ctx: &WriteContext) -> Result<()> {
        let _ = (runs, ctx);
        Err(not_here())
    }
}

fn not_here() -> StoreError {
    StoreError::Unsupported {
        what: "take an import".to_owned(),
        why: "only a local store does; name one with --store PATH".to_owned(),
    }
}

/// The earliest and the latest time that stores keep.
fn reach() -> (Timestamp, Timestamp) {
    let at = |nanos: i64| {
        Timestamp::from_nanosecond(i128::from(nanos)).expect("64 bits of nanoseconds are in range")
    };
    (at(i64::MIN), at(i64::MAX))
}

/// The time that a number of milliseconds means; the nearest that a store keeps, and `false`, where that is none.
pub fn moment(millis: i64) -> (Timestamp, bool) {
    let (first, last) = reach();
    let nearest = if millis < 0 { first } else { last };
    match Timestamp::from_millisecond(millis) {
        Ok(at) if (first..=last).contains(&at) => (at, true),
        _ => (nearest, false),
    }
}

/// Whether a time is one of those that stand for all beyond them.
pub fn is_at_the_edge(at: Timestamp) -> bool {
    let (first, last) = reach();
    at == first || at == last
}

/// A point as MLflow keeps it: its largest number stands for infinity.
pub(super) fn raw_point(value: f64, millis: i64, step: i64) -> MetricPoint {
    MetricPoint {
        value: if value >= f64::MAX {
            f64::INFINITY
        } else if value <= f64::MIN {
            f64::NEG_INFINITY
        } else {
            value
        },
        step,
        timestamp: moment(millis).0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_reach_are_told() {
        assert_eq!(moment(0), (Timestamp::UNIX_EPOCH, true));
        for millis in [i64::MIN, -10_000_000_000_000, 10_000_000_000_000, i64::MAX] {
            let (at, is_exact) = moment(millis);
            assert!(!is_exact && is_at_the_edge(at), "{millis}");
        }
    }

    #[test]
    fn the_largest_number_is_infinity() {
        let value = |given| raw_point(given, 0, 0).value;
        assert!(value(f64::MAX).is_infinite() && value(f64::MAX) > 0.0);
        assert!(value(-f64::MAX).is_infinite() && value(-f64::MAX) < 0.0);
        assert!(raw_point(f64::NAN, 0, 0).value.is_nan());
    }
}
