//! Where everything is kept: the promises that every store keeps, whatever it is made of.
//!
//! A store takes and gives plain domain objects. It knows no rule of the lifecycle, but it makes the rules hold under races:
//! every write is one transaction with its audit entry, names the revision it read, and, where it passes the gate before
//! Production, brings a [`GateProof`] that is compared again inside the transaction. Callers never see a transaction.
//!
//! What is derived (approval state) is left at its default by stores and filled in by the service.

mod error;
pub mod import;
pub mod mlflow;
pub mod mlruns;
mod page;
mod query;
pub mod sqlite;
pub mod sync;

pub use error::StoreError;
pub use page::{Cursor, Page, PageFrom, PageRequest, Reach};
pub use query::{
    AuditQuery, DeploymentQuery, DriftQuery, ExperimentQuery, ListQuery, RunQuery, VersionQuery,
};
pub use sync::{MirrorServer, SyncStore};

use crate::domain::{
    Artifact, AuditEntry, Deployment, DeploymentId, DriftEvent, DriftEventId, Environment,
    ExperimentName, Identity, Key, MetricChart, MetricPoint, MlflowLink, ModelExperiment,
    ModelName, ModelRun, ModelVersion, NewMetric, Policy, Revision, RunId, Subject, Version,
    metric::placed,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Who writes, when and why; it becomes the audit entry of the write.
#[derive(Debug, Clone)]
pub struct WriteContext {
    pub identity: Identity,
    pub at: Timestamp,
    /// The verb of the product, as the audit log shows it: `set_stage`, `decide`, …
    pub action: &'static str,
    pub reason: Option<String>,
}

/// What the gate before Production was judged on. A write that brings one is a conflict when, inside its transaction, any of it
/// has changed: then the caller reads and judges again.
#[derive(Debug, Clone)]
pub struct GateProof {
    pub policy: Revision,
    pub model_name: ModelName,
    pub version: Version,
    pub revision: Revision,
    /// Compared with the subject computed inside the transaction, so that a changed artifact of the run is noticed too.
    pub subject: Subject,
}

/// Points of one metric of one run, in the order they were measured.
#[derive(Debug, Clone)]
pub struct SeriesBatch {
    pub run_id: RunId,
    pub key: Key,
    pub points: Vec<MetricPoint>,
}

impl SeriesBatch {
    /// The values of a run with their steps and times; steps that were not given follow the latest points.
    pub fn placed(
        run_id: &RunId,
        metrics: &[NewMetric],
        latest: &BTreeMap<Key, MetricPoint>,
        now: Timestamp,
    ) -> Vec<Self> {
        placed(metrics, latest, now)
            .into_iter()
            .map(|(key, points)| Self {
                run_id: run_id.clone(),
                key: key.clone(),
                points,
            })
            .collect()
    }
}

/// The end of a run's captured output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutputTail {
    /// The last bytes, as they were captured: any bytes at all.
    pub bytes: Vec<u8>,
    /// Bytes captured so far.
    pub total: u64,
}

/// Tells whether anything was written since another token was taken; equal means nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeToken(pub u64);

/// Whether a store takes writes, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Why nothing can be written, where nothing can.
    pub read_only: Option<String>,
    /// Whether the store is on this host, where every question is cheap.
    pub near: bool,
    /// Whether dozens of histories are read at once without hardship: where they are on this host, or only what grew is asked for.
    pub curves: bool,
}

/// What `store info` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreInfo {
    /// What kind of store it is, in a word or two: `local store`.
    pub kind: String,
    /// The file's path or the server's address.
    pub target: String,
    /// The store's own version of its layout.
    pub schema_version: i64,
    /// The engine and its version: `SQLite 3.54.1`.
    pub engine: String,
    /// Bytes of the store's file; a server does not tell its own.
    pub size: Option<u64>,
    /// Bytes of the write-ahead log beside it.
    pub wal_size: Option<u64>,
    /// How many objects of each kind there are, by the name of the kind.
    pub counts: BTreeMap<String, u64>,
    /// Why nothing can be written, where nothing can.
    pub read_only: Option<String>,
    /// What a server can do of what differs between servers; empty for a local store.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub capabilities: std::collections::BTreeMap<String, bool>,
    /// Whether MLflow's own experiment 'Default' is among the experiments that are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_default: Option<bool>,
    /// What a server's requests are signed with, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
}

/// Experiments.
#[async_trait]
pub trait ExperimentStore: Send + Sync {
    /// Adds an experiment; *already exists* when the name is taken.
    async fn insert_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> Result<()>;

    /// Replaces an experiment whose `revision` is the one that was read, and returns its next revision; else *conflict*.
    async fn replace_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> Result<Revision>;

    async fn experiment(&self, name: &ExperimentName) -> Result<ModelExperiment>;

    /// Newest first unless the query sorts.
    async fn experiments(
        &self,
        query: &ExperimentQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelExperiment>>;

    async fn count_experiments(&self, query: &ExperimentQuery) -> Result<u64>;
}

/// Runs, their metric histories and their captured output.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Adds a run with its first points in one transaction; *not found* when its experiment is not there, *already exists* when its id is taken.
    /// `run.metrics` is not read: the points are.
    async fn insert_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<()>;

    /// Adds a run whose id is only a proposal: a store that names runs itself takes its own. Returns the id that the run has.
    async fn insert_unnamed_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<RunId> {
        self.insert_run(run, points, ctx).await?;
        Ok(run.run_id.clone())
    }

    /// Replaces all of a run but its metrics and its heartbeat (which only moves forward) and appends points, in one transaction; returns the next revision.
    /// *Conflict* unless `run.revision` is the one stored, or when points would fall on steps that others took since `run.metrics` was read.
    async fn replace_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<Revision>;

    async fn run(&self, run_id: &RunId) -> Result<ModelRun>;

    /// Newest first unless the query sorts.
    async fn runs(&self, query: &RunQuery, page: &PageRequest) -> Result<Page<ModelRun>>;

    async fn count_runs(&self, query: &RunQuery) -> Result<u64>;

    /// Appends points to histories in one durable transaction, all or none; moves the runs' heartbeats to `at`. Data, not a change of
    /// state: no revision moves and nothing is audited. *Not found* names the first run that is not there.
    async fn append_metrics(&self, batches: &[SeriesBatch], at: Timestamp) -> Result<()>;

    /// Appends values to a run's histories as [`append_metrics`](Self::append_metrics) does. A store that can finds the steps that were not given in the same
    /// transaction, so that no two writers share one.
    async fn append_values(
        &self,
        run_id: &RunId,
        values: &[NewMetric],
        at: Timestamp,
    ) -> Result<()> {
        let run = self.run(run_id).await?;
        let points = SeriesBatch::placed(run_id, values, &run.metrics, at);
        self.append_metrics(&points, at).await
    }

    /// Records a sign of life; an older one than the last is ignored.
    async fn heartbeat(&self, run_id: &RunId, at: Timestamp) -> Result<()>;

    /// All keys with a history, sorted.
    async fn metric_keys(&self, run_id: &RunId) -> Result<Vec<Key>>;

    /// Up to `limit` points in the order they arrived, from the `skip`-th (0 is the first). Empty for a key that the run has not.
    async fn metric_history(
        &self,
        run_id: &RunId,
        key: &Key,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<MetricPoint>>;

    /// The history reduced to at most `columns` columns, each with its least and greatest value.
    async fn metric_chart(&self, run_id: &RunId, key: &Key, columns: usize) -> Result<MetricChart>;

    /// The same metric of several runs, in their order. A store that is far asks for several at once.
    async fn metric_charts(
        &self,
        run_ids: &[RunId],
        key: &Key,
        columns: usize,
    ) -> Result<Vec<MetricChart>> {
        let mut charts = Vec::with_capacity(run_ids.len());
        for run_id in run_ids {
            charts.push(self.metric_chart(run_id, key, columns).await?);
        }
        Ok(charts)
    }

    /// The files of a run as a server lists them, recorded or not, for a run that is looked at. A store that keeps only what is recorded lists none.
    async fn listed_files(&self, _run_id: &RunId) -> Result<Vec<Artifact>> {
        Ok(Vec::new())
    }

    /// The run's own id on a server that is the store; a local store keeps the ids of copies with its runs.
    async fn mlflow_link(&self, _run_id: &RunId) -> Result<Option<MlflowLink>> {
        Ok(None)
    }

    /// Whether the store keeps the files of artifacts itself.
    fn keeps_files(&self) -> bool {
        false
    }

    /// Takes a copy of a recorded artifact's file, which has to be as it was recorded. Data, not a change of state; again is the same.
    async fn keep_file(&self, _run_id: &RunId, _artifact: &Artifact, _file: File) -> Result<()> {
        Ok(())
    }

    /// Appends to the run's captured output. Data, not a change of state.
    async fn append_output(&self, run_id: &RunId, bytes: &[u8]) -> Result<()>;

    /// The last `limit` bytes of the captured output; empty when there is none.
    async fn output_tail(&self, run_id: &RunId, limit: usize) -> Result<OutputTail>;

    /// Makes the captured output durable and describes it as an artifact; `None` when there is none.
    async fn finish_output(&self, run_id: &RunId) -> Result<Option<Artifact>>;
}

/// Registered versions with their checklists and decisions.
#[async_trait]
pub trait RegistryStore: Send + Sync {
    /// Adds a version; *already exists* when the model has it.
    async fn insert_version(&self, version: &ModelVersion, ctx: &WriteContext) -> Result<()>;

    /// Adds a version whose name is only a proposal: a store that numbers versions itself takes its own. Returns the name that the version has.
    async fn insert_unnamed_version(
        &self,
        version: &ModelVersion,
        ctx: &WriteContext,
    ) -> Result<Version> {
        self.insert_version(version, ctx).await?;
        Ok(version.version.clone())
    }

    /// Replaces versions, all or none, each with its own audit entry; returns their next revisions in the same order. *Conflict* unless every revision is the
    /// one stored and, with a proof, the proof still holds.
    async fn replace_versions(
        &self,
        versions: &[ModelVersion],
        proof: Option<&GateProof>,
        ctx: &WriteContext,
    ) -> Result<Vec<Revision>>;

    async fn version(&self, model_name: &ModelName, version: &Version) -> Result<ModelVersion>;

    /// Newest first unless the query sorts.
    async fn versions(
        &self,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelVersion>>;

    async fn count_versions(&self, query: &VersionQuery) -> Result<u64>;

    /// The names of all versions of a model, in the order they were registered.
    async fn version_names(&self, model_name: &ModelName) -> Result<Vec<Version>>;

    /// The policy of this store and its revision; the default one with [`Revision`] 0 where none was ever set.
    async fn policy(&self) -> Result<(Policy, Revision)>;

    /// Sets the policy; *conflict* unless `read` is the revision stored.
    async fn replace_policy(
        &self,
        policy: &Policy,
        read: Revision,
        ctx: &WriteContext,
    ) -> Result<Revision>;
}

/// Which open drift event a record counts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftKey {
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Option<Environment>,
    pub metric: Key,
}

/// Drift events.
#[async_trait]
pub trait DriftStore: Send + Sync {
    /// Adds an event; *already exists* when an event with the same [`DriftKey`] is OPEN or ACKNOWLEDGED.
    async fn insert_drift_event(&self, event: &DriftEvent, ctx: &WriteContext) -> Result<()>;

    /// Replaces an event; *conflict* unless its revision is the one stored.
    async fn replace_drift_event(&self, event: &DriftEvent, ctx: &WriteContext)
    -> Result<Revision>;

    async fn drift_event(&self, event_id: &DriftEventId) -> Result<DriftEvent>;

    /// The event with this key that is OPEN or ACKNOWLEDGED.
    async fn unresolved_drift_event(&self, key: &DriftKey) -> Result<Option<DriftEvent>>;

    /// Last seen first unless the query sorts.
    async fn drift_events(
        &self,
        query: &DriftQuery,
        page: &PageRequest,
    ) -> Result<Page<DriftEvent>>;

    async fn count_drift_events(&self, query: &DriftQuery) -> Result<u64>;
}

/// Deployments that change together, or not at all.
#[derive(Debug, Clone, Default)]
pub struct DeploymentWrite {
    /// A new deployment; written after `replace`.
    pub insert: Option<Deployment>,
    /// Deployments as they shall be, with the revisions that were read, in the order to be written.
    pub replace: Vec<Deployment>,
    pub proof: Option<GateProof>,
}

/// Deployments.
#[async_trait]
pub trait DeploymentStore: Send + Sync {
    /// Writes all or none, each with its own audit entry. *Not found* when a new deployment's version is not there, *conflict* when a revision or the
    /// proof no longer holds or when a (model, environment) would have two ACTIVE deployments.
    async fn write_deployments(&self, write: &DeploymentWrite, ctx: &WriteContext) -> Result<()>;

    async fn deployment(&self, deployment_id: &DeploymentId) -> Result<Deployment>;

    /// The ACTIVE deployment of a model in an environment.
    async fn active_deployment(
        &self,
        model_name: &ModelName,
        environment: Environment,
    ) -> Result<Option<Deployment>>;

    /// Newest first unless the query sorts.
    async fn deployments(
        &self,
        query: &DeploymentQuery,
        page: &PageRequest,
    ) -> Result<Page<Deployment>>;

    async fn count_deployments(&self, query: &DeploymentQuery) -> Result<u64>;
}

/// The audit log and the store as a whole.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Up to `limit` entries from `seq` on, oldest first; ends before one that cannot be read, which is an error of its own when it is the first.
    async fn audit_from(&self, seq: i64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Newest first.
    async fn audit_entries(
        &self,
        query: &AuditQuery,
        page: &PageRequest,
    ) -> Result<Page<AuditEntry>>;

    /// The sequence number and hash of the last entry, as the store remembers them beside the log.
    async fn audit_head(&self) -> Result<(i64, String)>;

    /// Cheap enough to ask ten times a second.
    async fn change_token(&self) -> Result<ChangeToken>;

    async fn info(&self) -> Result<StoreInfo>;

    /// Reads the whole store through and tells what is not sound; empty when all is.
    async fn check_integrity(&self) -> Result<Vec<String>>;

    /// Writes a verified copy that others can open; works while others write. The path must not exist. Gives the directory of the runs'
    /// captured output, where there is one: it is not in the copy.
    async fn backup(&self, path: &Path) -> Result<Option<PathBuf>>;

    fn capabilities(&self) -> Capabilities;

    /// How many writes are worth giving at once, because the store makes them durable together; 1 where each has to wait for the one before it.
    fn writes_at_once(&self) -> usize {
        1
    }
}

/// Everything that the service needs of a store.
pub trait Store:
    ExperimentStore
    + RunStore
    + RegistryStore
    + DriftStore
    + DeploymentStore
    + AuditStore
    + import::ImportStore
    + SyncStore
{
}

impl<T> Store for T where
    T: ExperimentStore
        + RunStore
        + RegistryStore
        + DriftStore
        + DeploymentStore
        + AuditStore
        + import::ImportStore
        + SyncStore
{
}
