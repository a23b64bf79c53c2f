//! The copies of a local store on a server: the far end of the mirror.
//!
//! Copies are MLflow's own objects with the same tags as the objects of the remote store, and no ledger: the truth is in the local store, which also has
//! the audit log. Each copy carries a key in the tag [`fields::ATTEMPT`](super::fields::ATTEMPT), made of the store's id and the object's, so it is looked for before it is made and found again
//! whoever lost what. Every call may be repeated.

mod artifacts;
mod experiments;
mod runs;
mod versions;

use super::address::Address;
use super::auth::Auth;
use super::capabilities::{ServerCapabilities, probe};
use super::client::{Client, Deadlines};
use super::dto::{KeyValue, value_of};
use super::error::{ApiError, ApiResult, shortened};
use super::fields::NOTE;
use super::ledger::RESERVED;
use super::points::PointsThere;
use super::store::MlflowOptions;
use crate::domain::{Artifact, ModelExperiment, ModelRun, ModelVersion};
use crate::store::sync::{FileProgress, MirrorServer, RemoteCopy, Sent, SyncFault, Unsent};
use crate::store::{Result, StoreError};
use async_trait::async_trait;
use jiff::Timestamp;
use std::fs::File;
use std::time::Duration;

/// The experiment whose tag is the server's own id.
const SERVER: &str = "modeldeck/server";
const SERVER_ID: &str = "modeldeck.server_id";

/// How long things may take here: nobody waits for an answer, but somebody may wait to be told that there is none.
const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(5),
    silence: Duration::from_secs(15),
    attempt: Duration::from_secs(20),
    read: Duration::from_secs(25),
    file: Duration::from_secs(600),
};
/// A file takes as long as it takes, while it moves.
const FILE: Duration = Duration::from_secs(6 * 3600);

/// A server that a local store is mirrored to.
#[derive(Debug)]
pub struct MlflowCopies {
    client: Client,
    /// Without a limit on silence, which an upload would run into: nothing is answered before it ends.
    files: Client,
    server: ServerCapabilities,
    there: PointsThere,
}

impl MlflowCopies {
    /// Connects, and says what is wrong where there is no server that can be used.
    pub async fn connect(uri: &str, options: MlflowOptions) -> Result<Self> {
        let make = |deadlines| {
            let (address, user_info) = Address::parse(uri)?;
            let auth = Auth::choose(
                &address,
                user_info,
                &options.environment,
                options.token_command.as_deref(),
                options.allow_http,
            )?;
            Client::new(address, auth, &options.environment, deadlines)
        };
        let client = make(DEADLINES)?;
        let files = make(Deadlines {
            silence: FILE,
            file: FILE,
            ..DEADLINES
        })?;
        let server = probe(&client).await?;
        Ok(Self {
            client,
            files,
            server,
            there: PointsThere::default(),
        })
    }
}

/// What an answer of the server means for whoever carries things over.
fn fault(error: ApiError) -> SyncFault {
    match error {
        ApiError::Local(error) => SyncFault::Server(error),
        error if error.is_missing() => SyncFault::Gone(error.to_string()),
        ApiError::Refused { status: 401, .. } | ApiError::Status { status: 401, .. } => {
            SyncFault::Server(error.during("mirroring"))
        }
        ApiError::Refused {
            status: 400..=499,
            ref code,
            ref message,
            ..
        } if !error.is_passing() => SyncFault::Refused(match error.of_database() {
            Some(told) => told,
            None => format!("MLflow answered {code}: {}", shortened(message)),
        }),
        ApiError::Status {
            status: 400..=499, ..
        } if !error.is_passing() => SyncFault::Refused(error.to_string()),
        error => SyncFault::Passing(match error.of_database() {
            Some(told) => told,
            None => shortened(&error.to_string()),
        }),
    }
}

/// Turns the API's errors into faults.
trait Faulty<T> {
    fn faulty(self) -> Result<T, SyncFault>;
}

impl<T> Faulty<T> for ApiResult<T> {
    fn faulty(self) -> Result<T, SyncFault> {
        self.map_err(fault)
    }
}

/// Tags that are to be written: those that the server has not, or has otherwise.
fn differing(wanted: Vec<KeyValue>, there: &[KeyValue]) -> Vec<KeyValue> {
    wanted
        .into_iter()
        .filter(|tag| value_of(there, &tag.key) != Some(&tag.value))
        .collect()
}

#[async_trait]
impl MirrorServer for MlflowCopies {
    async fn fingerprint(&self, make: bool) -> Result<Option<String>, SyncFault> {
        for _ in 0..3 {
            match self.client.experiment_by_name(SERVER).await {
                Ok(there) => {
                    return match value_of(&there.tags, SERVER_ID) {
                        Some(id) => Ok(Some(id.to_owned())),
                        None => Err(SyncFault::Server(super::error::unusable(
                            &self.client.address().to_string(),
                            format!(
                                "its experiment '{SERVER}' has no tag '{SERVER_ID}' any more, so nobody knows which server it is"
                            ),
                            format!(
                                "set the tag to the server's former id, or delete experiment '{SERVER}' for good and use 'sync run --new-server'"
                            ),
                        ))),
                    };
                }
                Err(error) if error.is_missing() && make => {}
                Err(error) if error.is_missing() => return Ok(None),
                Err(error) => return Err(fault(error)),
            }
            let id = uuid::Uuid::new_v4().simple().to_string();
            let tags = [
                KeyValue::new(SERVER_ID, id.as_str()),
                KeyValue::new(
                    NOTE,
                    "Names this server, so that stores that are mirrored to it notice when another one stands at its address. Written by modeldeck.",
                ),
            ];
            // Of several that make it at once, one does, and the next look finds it.
            match self.client.create_experiment(SERVER, &tags).await {
                Ok(_) => return Ok(Some(id)),
                Err(error) if error.is_taken() || error.outcome_is_unknown() => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Err(SyncFault::Passing(format!(
            "experiment '{SERVER}' could be neither made nor read"
        )))
    }

    async fn copy_experiment(
        &self,
        experiment: &ModelExperiment,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault> {
        if experiment.name.as_str().starts_with(RESERVED) {
            return Err(SyncFault::Refused(format!(
                "experiment names that start with '{RESERVED}' are modeldeck's own on a server"
            )));
        }
        self.bring_experiment(experiment, copy).await
    }

    async fn find_or_create_run(
        &self,
        run: &ModelRun,
        experiment_id: &str,
        key: &str,
    ) -> Result<String, SyncFault> {
        self.bring_run(run, experiment_id, key).await
    }

    async fn update_run(&self, run: &ModelRun, copy: &RemoteCopy) -> Result<Sent, SyncFault> {
        self.bring_fields(run, copy).await
    }

    async fn copy_points(
        &self,
        remote: &str,
        points: &[Unsent],
        heartbeat: Option<Timestamp>,
    ) -> Result<(), SyncFault> {
        self.bring_points(remote, points, heartbeat).await
    }

    async fn end_run(&self, run: &ModelRun, remote: &str) -> Result<(), SyncFault> {
        let end = run.ended_at.map(Timestamp::as_millisecond);
        let status = super::runs::word(run.status);
        self.client
            .update_run(remote, Some(status), end, None)
            .await
            .faulty()?;
        self.there.forget(remote);
        Ok(())
    }

    async fn copy_artifact(
        &self,
        remote_run: &str,
        artifact: &Artifact,
        file: File,
        progress: FileProgress<'_>,
    ) -> Result<(), SyncFault> {
        self.bring_file(remote_run, artifact, file, progress).await
    }

    async fn copy_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        key: &str,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault> {
        self.bring_version(version, remote_run, key, copy).await
    }
}

/// An error of this program's own file work.
fn local(doing: &str, error: std::io::Error) -> SyncFault {
    SyncFault::Local(StoreError::Io {
        doing: doing.to_owned(),
        source: error.into(),
    })
}
