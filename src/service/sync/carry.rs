//! One item carried over, step by step: each step that the server acknowledged is recorded before the next begins.
//!
//! The order within a run is its experiment, the run, its params and tags, its points, its end. What fails is told to the session, which
//! decides what that means.

use super::super::core::Core;
use crate::domain::approval::digest;
use crate::domain::run::OUTPUT_LOG;
use crate::domain::{Artifact, ModelRun, ModelVersion, SyncKind, text::visible};
use crate::store::StoreError;
use crate::store::sync::{
    ExperimentOfRun, MirrorServer, RemoteCopy, Sent, SyncFault, SyncRecord, SyncTask, SyncWork,
};
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What one request takes.
const POINTS: usize = 1_000;
const KEYS: usize = 100;
/// So many requests for a run that goes on, then it is others' turn.
const TURN: usize = 20;
/// A run that goes on is followed at this pace.
const PACE: Duration = Duration::from_secs(1);

/// How an item ended this time.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    Failed(SyncFault),
    /// The lease is somebody else's, so nothing may be recorded any more.
    Lost,
}

/// Told of each step that the server acknowledged.
pub(super) type OnStep = Arc<dyn Fn(Step) + Send + Sync>;

#[derive(Debug, Clone)]
pub(super) enum Step {
    Points(u64),
    Bytes {
        path: String,
        done: u64,
        of: u64,
    },
    /// A file was not there any more.
    LeftOut,
    /// An item is over.
    Item(i64),
    Acknowledged,
}

/// Carries items to one server under one lease.
#[derive(Clone)]
pub(super) struct Carrier {
    pub(super) core: Core,
    pub(super) server: Arc<dyn MirrorServer>,
    pub(super) store_id: String,
    pub(super) token: i64,
    pub(super) on_step: OnStep,
    /// Whether anything was acknowledged for the item at hand.
    pub(super) progressed: Arc<AtomicBool>,
}

/// Leaves the carrying early.
enum Stop {
    Fault(SyncFault),
    Lost,
}

impl From<SyncFault> for Stop {
    fn from(fault: SyncFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Fault(SyncFault::Local(error))
    }
}

impl Carrier {
    pub(super) async fn carry(&self, task: &SyncTask) -> Outcome {
        let carried = match &task.work {
            SyncWork::Experiment { experiment } => {
                let of_run = ExperimentOfRun {
                    experiment: experiment.clone(),
                    object: task.object,
                    copy: task.copy.clone(),
                };
                match self.experiment(&of_run).await {
                    Ok(_) => self.done(task, Vec::new()).await,
                    Err(stop) => Err(stop),
                }
            }
            SyncWork::Run { run, experiment } => {
                self.sync_run_to_mlflow(task, run, experiment, task.copy.is_some())
                    .await
            }
            SyncWork::Artifact {
                run,
                remote_run,
                artifact,
            } => {
                self.artifact(task, run, remote_run.as_deref(), artifact.as_ref())
                    .await
            }
            SyncWork::ModelVersion {
                version,
                remote_run,
            } => self.version(task, version, remote_run.as_deref()).await,
        };
        match carried {
            Ok(()) => Outcome::Done,
            Err(Stop::Fault(fault)) => Outcome::Failed(fault),
            Err(Stop::Lost) => Outcome::Lost,
        }
    }

    async fn record(&self, records: &[SyncRecord]) -> Result<(), Stop> {
        let at = self.core.clock.now();
        if self.core.store.record_sync(self.token, at, records).await? {
            self.progressed.store(true, Ordering::Relaxed);
            (self.on_step)(Step::Acknowledged);
            Ok(())
        } else {
            Err(Stop::Lost)
        }
    }

    /// Records the last step of an item with its end.
    async fn done(&self, task: &SyncTask, mut records: Vec<SyncRecord>) -> Result<(), Stop> {
        records.push(SyncRecord::Done {
            item: task.item.id,
            changes: task.changes,
            next_try_at: self.core.clock.now() + PACE,
        });
        self.record(&records).await
    }

    /// Names an object's copy among those of all stores; in characters that need no quoting.
    fn key(&self, kind: SyncKind, id: &str) -> String {
        let whole = format!("{}\n{}\n{id}", self.store_id, kind.as_str());
        digest(whole.as_bytes())
            .trim_start_matches("sha256:")
            .chars()
            .take(40)
            .collect()
    }

    /// Brings an experiment over where it has changed, and returns its id there.
    async fn experiment(&self, of_run: &ExperimentOfRun) -> Result<String, Stop> {
        let experiment = &of_run.experiment;
        if let Some(copy) = &of_run.copy
            && copy.sent.revision == experiment.revision.0
        {
            return Ok(copy.remote.clone());
        }
        let copy = self
            .server
            .copy_experiment(experiment, of_run.copy.as_ref())
            .await?;
        let remote = copy.remote.clone();
        self.record(&[SyncRecord::Copied {
            kind: SyncKind::Experiment,
            object: of_run.object,
            part: String::new(),
            copy,
        }])
        .await?;
        Ok(remote)
    }

    /// Brings a run over: makes its copy, unless it is only to be updated, then its fields, its points in their order, and last its end.
    async fn sync_run_to_mlflow(
        &self,
        task: &SyncTask,
        run: &ModelRun,
        experiment: &ExperimentOfRun,
        update_only: bool,
    ) -> Result<(), Stop> {
        let copied = |copy: RemoteCopy| SyncRecord::Copied {
            kind: SyncKind::Run,
            object: task.object,
            part: String::new(),
            copy,
        };
        let copy = if let Some(copy) = task.copy.clone().filter(|_| update_only) {
            copy
        } else {
            let experiment_id = self.experiment(experiment).await?;
            let key = self.key(SyncKind::Run, run.run_id.as_str());
            let remote = self
                .server
                .find_or_create_run(run, &experiment_id, &key)
                .await?;
            let copy = RemoteCopy {
                remote,
                sent: Sent::default(),
            };
            self.record(&[copied(copy.clone())]).await?;
            copy
        };
        let is_behind = copy.sent.revision != run.revision.0;
        let sent = if is_behind {
            self.server.update_run(run, &copy).await?
        } else {
            copy.sent.clone()
        };
        if !self.points(task, run, &copy.remote).await? {
            // More points come than one turn carries; the fields are there, and the rest follows.
            return self
                .record(&[
                    copied(RemoteCopy { sent, ..copy }),
                    SyncRecord::Done {
                        item: task.item.id,
                        changes: -1,
                        next_try_at: self.core.clock.now(),
                    },
                ])
                .await;
        }
        if is_behind && run.status.is_final() {
            self.server.end_run(run, &copy.remote).await?;
        }
        self.done(task, vec![copied(RemoteCopy { sent, ..copy })])
            .await
    }

    /// Sends points until none is left; false where a run that goes on has more of them than a turn carries.
    async fn points(&self, task: &SyncTask, run: &ModelRun, remote: &str) -> Result<bool, Stop> {
        let mut turns = 0;
        loop {
            let unsent = self
                .core
                .store
                .unsent_points(&run.run_id, POINTS, KEYS)
                .await?;
            let count: usize = unsent.iter().map(|unsent| unsent.batch.points.len()).sum();
            if count == 0 {
                return Ok(true);
            }
            if turns == TURN && !run.status.is_final() {
                return Ok(false);
            }
            turns += 1;
            let heartbeat = run.heartbeat_at.filter(|_| count < POINTS);
            self.server.copy_points(remote, &unsent, heartbeat).await?;
            self.record(&[SyncRecord::Points {
                object: task.object,
                unsent,
            }])
            .await?;
            (self.on_step)(Step::Points(count as u64));
        }
    }

    async fn artifact(
        &self,
        task: &SyncTask,
        run: &ModelRun,
        remote_run: Option<&str>,
        artifact: Option<&Artifact>,
    ) -> Result<(), Stop> {
        let (Some(artifact), Some(remote_run)) = (artifact, remote_run) else {
            return self.done(task, Vec::new()).await;
        };
        let is_there = task
            .copy
            .as_ref()
            .is_some_and(|copy| copy.remote == artifact.digest);
        if is_there {
            return self.done(task, Vec::new()).await;
        }
        // Without a directory nobody knows where the file is; its path and digest are with the run.
        let file = match self.file_of(run, artifact).await {
            Ok(Some(file)) => file,
            Ok(None) => return self.done(task, Vec::new()).await,
            Err(Stop::Fault(SyncFault::Vanished(reason))) => {
                return self.left_out(task, artifact, reason).await;
            }
            Err(stop) => return Err(stop),
        };
        let progress = |done| {
            (self.on_step)(Step::Bytes {
                path: artifact.path.clone(),
                done,
                of: artifact.size,
            });
        };
        let uploaded = self
            .server
            .copy_artifact(remote_run, artifact, file, &progress)
            .await;
        match uploaded {
            Err(SyncFault::Vanished(reason)) => self.left_out(task, artifact, reason).await,
            settled => {
                settled?;
                let copy = RemoteCopy {
                    remote: artifact.digest.clone(),
                    sent: Sent::default(),
                };
                self.settled(task, artifact, copy).await
            }
        }
    }

    /// Leaves a file out that is not what was recorded, and remembers why. One that is recorded anew gets its turn again.
    async fn left_out(
        &self,
        task: &SyncTask,
        artifact: &Artifact,
        reason: String,
    ) -> Result<(), Stop> {
        tracing::info!(path = artifact.path, reason, "a file is not mirrored");
        let copy = RemoteCopy {
            remote: String::new(),
            sent: Sent {
                left_out: Some(reason),
                ..Sent::default()
            },
        };
        self.settled(task, artifact, copy).await?;
        (self.on_step)(Step::LeftOut);
        Ok(())
    }

    async fn settled(
        &self,
        task: &SyncTask,
        artifact: &Artifact,
        copy: RemoteCopy,
    ) -> Result<(), Stop> {
        let copied = SyncRecord::Copied {
            kind: SyncKind::Artifact,
            object: task.object,
            part: artifact.path.clone(),
            copy,
        };
        self.done(task, vec![copied]).await
    }

    /// The file of an artifact: the store's own, or one below the directory that the run was logged from, on this host.
    async fn file_of(&self, run: &ModelRun, artifact: &Artifact) -> Result<Option<File>, Stop> {
        if artifact.path == OUTPUT_LOG {
            return Ok(self.core.store.kept_output(&run.run_id).await?);
        }
        let Some(directory) = &run.source.directory else {
            return Ok(None);
        };
        if run.source.host.as_deref() != Some(self.core.identity.host.as_str()) {
            return Ok(None);
        }
        let path = Path::new(directory).join(&artifact.path);
        let shown = visible(&path.to_string_lossy()).into_owned();
        let opened = tokio::task::spawn_blocking(move || {
            // A pipe in its place must not hold anything up.
            let file = File::options()
                .read(true)
                .custom_flags(OFlag::O_NONBLOCK.bits())
                .open(path)?;
            if file.metadata()?.is_file() {
                Ok(file)
            } else {
                Err(std::io::Error::other("it is not a file"))
            }
        });
        match opened
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(SyncFault::Vanished("gone".to_owned()).into())
            }
            Err(error) => Err(Stop::Fault(SyncFault::Refused(format!(
                "the file '{shown}' cannot be read: {error}"
            )))),
        }
    }

    async fn version(
        &self,
        task: &SyncTask,
        version: &ModelVersion,
        remote_run: Option<&str>,
    ) -> Result<(), Stop> {
        let mut version = version.clone();
        version.derive_approval(&self.core.policy().await.map_err(|error| {
            SyncFault::Local(StoreError::Invalid {
                message: error.to_string(),
            })
        })?);
        let id = format!(
            "{}\n{}",
            version.model_name.as_str(),
            version.version.as_str()
        );
        let key = self.key(SyncKind::ModelVersion, &id);
        let copy = self
            .server
            .copy_version(&version, remote_run, &key, task.copy.as_ref())
            .await?;
        let copied = SyncRecord::Copied {
            kind: SyncKind::ModelVersion,
            object: task.object,
            part: String::new(),
            copy,
        };
        self.done(task, vec![copied]).await
    }
}
