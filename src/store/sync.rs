//! The mirror: the queue that a store keeps of it, and the server at its other end.
//!
//! Every change queues its copy in its own transaction, one row for each object however often it changes. A worker that holds the lease takes what is due,
//! carries it over, and records each step that the server acknowledged; a record under a lease that was lost is refused. So whatever is killed in
//! between, the next worker goes on from the last recorded step, and every step may be repeated.

use super::{Result, SeriesBatch, StoreError, WriteContext};
use crate::domain::{
    Artifact, Identity, LeftOutFile, ModelExperiment, ModelRun, ModelVersion, RunId, SyncItem,
    SyncStatus,
};
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;

/// The server that a store is mirrored to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedServer {
    /// Without any user and password.
    pub address: String,
    /// Who named it.
    pub set_by: Option<Identity>,
    /// The server's own; `None` until the first contact.
    pub fingerprint: Option<String>,
    /// How often in a row it could not be used.
    pub failures: u32,
    pub next_try_at: Option<Timestamp>,
}

/// What of an object was sent last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sent {
    /// The revision of the object; 0 for one that is only partly there.
    pub revision: i64,
    /// The keys of its own tags.
    pub tags: Vec<String>,
    pub aliases: Vec<String>,
    /// Why a file was not sent, where it was left out.
    pub left_out: Option<String>,
}

/// The copy of an object on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCopy {
    /// The server's id of it.
    pub remote: String,
    pub sent: Sent,
}

/// What is to be carried over, as it stood at one moment.
#[derive(Debug, Clone)]
pub enum SyncWork {
    Experiment {
        experiment: ModelExperiment,
    },
    Run {
        run: Box<ModelRun>,
        experiment: ExperimentOfRun,
    },
    Artifact {
        run: Box<ModelRun>,
        /// The run's id on the server; `None` while it has no copy.
        remote_run: Option<String>,
        /// `None` where the run has no such artifact any more.
        artifact: Option<Artifact>,
    },
    ModelVersion {
        version: Box<ModelVersion>,
        /// The id on the server of the run that it was registered from; `None` where that run is not in this store, or has no copy yet.
        remote_run: Option<String>,
    },
}

/// The experiment that a run is copied into.
#[derive(Debug, Clone)]
pub struct ExperimentOfRun {
    pub experiment: ModelExperiment,
    pub object: i64,
    pub copy: Option<RemoteCopy>,
}

/// One row of the queue with what it needs.
#[derive(Debug, Clone)]
pub struct SyncTask {
    pub item: SyncItem,
    /// The row of its object.
    pub object: i64,
    /// How often it had changed when it was read.
    pub changes: i64,
    pub copy: Option<RemoteCopy>,
    pub work: SyncWork,
}

/// Points of one history that are not on the server yet.
#[derive(Debug, Clone)]
pub struct Unsent {
    pub batch: SeriesBatch,
    /// How many of the history are there when these are.
    pub sent: u64,
}

/// What a worker learned, each recorded in the order given and all in one transaction.
#[derive(Debug, Clone)]
pub enum SyncRecord {
    /// An object has a copy.
    Copied {
        kind: crate::domain::SyncKind,
        object: i64,
        part: String,
        copy: RemoteCopy,
    },
    /// Points arrived.
    Points { object: i64, unsent: Vec<Unsent> },
    /// All that was read of an item is there; it stays where it changed meanwhile, and comes again at `next_try_at`.
    Done {
        item: i64,
        changes: i64,
        next_try_at: Timestamp,
    },
    /// An item was refused.
    Failed {
        item: i64,
        state: crate::domain::SyncItemState,
        attempts: u32,
        next_try_at: Timestamp,
        reason: String,
    },
    /// The server answered, as the one that it was.
    Online {
        fingerprint: String,
        address: String,
    },
    /// The server could not be used.
    Offline {
        /// It answered, and would not.
        refused: bool,
        problem: String,
        failures: u32,
        next_try_at: Timestamp,
    },
}

/// The lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncLease {
    pub token: i64,
    /// `None` when nobody holds it.
    pub holder: Option<String>,
    pub expires_at: Timestamp,
}

/// What becomes of an item by somebody's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncVerdict {
    /// It is tried anew; a copy that was deleted on the server is made anew.
    Retry,
    /// Its copy is given up. The next change of the object queues it again.
    Drop,
}

fn unsupported<T>() -> Result<T> {
    Err(StoreError::Unsupported {
        what: "be mirrored".to_owned(),
        why: "it is on an MLflow server already".to_owned(),
    })
}

/// The queue of a store that can be mirrored; a store that cannot answers that there is none.
#[async_trait]
pub trait SyncStore: Send + Sync {
    /// Whether this store can be mirrored at all.
    fn can_be_mirrored(&self) -> bool {
        false
    }

    async fn tracked_server(&self) -> Result<Option<TrackedServer>> {
        Ok(None)
    }

    /// Mirrors the store to a server from now on, and queues everything in it. `anew` forgets what is known of copies; without it,
    /// a server that was contacted already stays. Returns the server that holds.
    async fn track_server(
        &self,
        _address: &str,
        _anew: bool,
        _ctx: &WriteContext,
    ) -> Result<TrackedServer> {
        unsupported()
    }

    async fn sync_status(&self) -> Result<SyncStatus> {
        Ok(SyncStatus::off())
    }

    /// Up to `limit` items: DEAD ones first, then those that were refused, then the oldest.
    async fn sync_items(&self, _limit: usize) -> Result<Vec<SyncItem>> {
        Ok(Vec::new())
    }

    /// Up to `limit` files, of one run or of all, that were not there any more when their turn came.
    async fn files_left_out(
        &self,
        _run_id: Option<&RunId>,
        _limit: usize,
    ) -> Result<Vec<LeftOutFile>> {
        Ok(Vec::new())
    }

    /// Changes an item, with its audit entry; *not found* where it is not queued any more. Returns it as it was.
    async fn judge_sync_item(
        &self,
        _id: i64,
        _verdict: SyncVerdict,
        _ctx: &WriteContext,
    ) -> Result<SyncItem> {
        unsupported()
    }

    /// The id that tells this store's copies from others'.
    async fn store_id(&self) -> Result<String> {
        unsupported()
    }

    async fn sync_lease(&self) -> Result<SyncLease> {
        unsupported()
    }

    /// Takes the lease where it is free or has expired, or from the holder of token `from`. Returns the new token.
    async fn take_sync_lease(
        &self,
        _holder: &str,
        _from: Option<i64>,
        _now: Timestamp,
        _until: Timestamp,
    ) -> Result<Option<i64>> {
        unsupported()
    }

    /// Prolongs the lease; false where it is somebody else's by now.
    async fn keep_sync_lease(&self, _token: i64, _until: Timestamp) -> Result<bool> {
        unsupported()
    }

    /// Gives the lease up, if it is still held.
    async fn release_sync_lease(&self, _token: i64) -> Result<()> {
        unsupported()
    }

    /// Up to `limit` items whose time has come and that hang on nothing that is not there yet, without those in `under_way`. With `all`, those whose
    /// time has not come, too.
    async fn due_sync_tasks(
        &self,
        _now: Timestamp,
        _all: bool,
        _under_way: &[i64],
        _limit: usize,
    ) -> Result<Vec<SyncTask>> {
        Ok(Vec::new())
    }

    /// Up to `points` points of up to `keys` histories of a run that are not on the server, each history in its order.
    async fn unsent_points(
        &self,
        _run_id: &RunId,
        _points: usize,
        _keys: usize,
    ) -> Result<Vec<Unsent>> {
        Ok(Vec::new())
    }

    /// The captured output of a run, which the store keeps itself.
    async fn kept_output(&self, _run_id: &RunId) -> Result<Option<File>> {
        Ok(None)
    }

    /// Records what was done under a lease; false, and nothing is recorded, where the lease is somebody else's by now.
    async fn record_sync(
        &self,
        _token: i64,
        _at: Timestamp,
        _records: &[SyncRecord],
    ) -> Result<bool> {
        unsupported()
    }
}

/// Why something was not carried over.
#[derive(Debug, thiserror::Error)]
pub enum SyncFault {
    /// It may pass by itself: the server did not answer, or answered that it could not.
    #[error("{0}")]
    Passing(String),
    /// The server will not, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// The copy was there and was deleted.
    #[error("{0}")]
    Gone(String),
    /// The file is not there any more, or is not the one that was recorded: there is nothing to send, and nothing to try again.
    #[error("{0}")]
    Vanished(String),
    /// Nothing of this server can be used: credentials, address, not MLflow.
    #[error(transparent)]
    Server(StoreError),
    /// This store's own trouble.
    #[error(transparent)]
    Local(StoreError),
}

/// Told how many bytes of a file are over.
pub type FileProgress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// The other end of a mirror. Every method may be repeated after any failure: what was done already is found, and done once.
#[async_trait]
pub trait MirrorServer: Send + Sync {
    /// The server's own id. Cheap; proves that the server can be used. With `make`, one that has none gets one, which is the first contact of any
    /// modeldeck with it; without, nothing is written.
    async fn fingerprint(&self, make: bool) -> Result<Option<String>, SyncFault>;

    /// Makes the experiment where it is not there, and brings it up to date. Returns its id.
    async fn copy_experiment(
        &self,
        experiment: &ModelExperiment,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault>;

    /// Finds the copy of a run by its key, which names it among the copies of all stores, or makes it. Returns its id.
    async fn find_or_create_run(
        &self,
        run: &ModelRun,
        experiment_id: &str,
        key: &str,
    ) -> Result<String, SyncFault>;

    /// Brings all of a run but its points and its end up to date.
    async fn update_run(&self, run: &ModelRun, copy: &RemoteCopy) -> Result<Sent, SyncFault>;

    /// Writes points, at most what one request takes.
    async fn copy_points(
        &self,
        remote: &str,
        points: &[Unsent],
        heartbeat: Option<Timestamp>,
    ) -> Result<(), SyncFault>;

    /// Brings the status and the end of a run up to date, after its points.
    async fn end_run(&self, run: &ModelRun, remote: &str) -> Result<(), SyncFault>;

    /// Uploads a file and reads it back against its digest.
    async fn copy_artifact(
        &self,
        remote_run: &str,
        artifact: &Artifact,
        file: File,
        progress: FileProgress<'_>,
    ) -> Result<(), SyncFault>;

    /// Makes the version where it is not there, and brings its stage, aliases and labels up to date. Returns its number.
    async fn copy_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        key: &str,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault>;
}
