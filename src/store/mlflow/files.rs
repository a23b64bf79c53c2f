//! Files of runs, taken and listed through the server: what modeldeck recorded is uploaded, what others logged is shown.

use super::client::{Call, Client};
use super::copies::send_file;
use super::dto::{Entry, EntryPage};
use super::error::During as _;
use super::output::OWN;
use super::store::MlflowStore;
use crate::domain::{Artifact, RunId, text::visible};
use crate::store::sync::SyncFault;
use crate::store::{Result, StoreError};
use std::fs::File;
use std::time::Duration;

/// Deeper and longer than somebody who looks at a run wants to read.
const MOST_FOLDERS: usize = 50;
const MOST_FILES: usize = 1_000;
/// A server whose file store hangs must not keep the rest of a run from being shown.
const LISTING: Duration = Duration::from_secs(10);

impl MlflowStore {
    /// The files of a run, folder by folder, up to a bound. Their sizes are known, their digests are not.
    pub(super) async fn files_there(&self, run_id: &RunId) -> Result<Vec<Artifact>> {
        let doing = "listing the files of a run";
        let remote = self.remote_run_id(run_id).await?;
        let walk = async {
            let (mut found, mut waiting, mut folders) = (Vec::new(), vec![String::new()], 0);
            while let Some(folder) = waiting.pop() {
                folders += 1;
                for entry in self.folder(&remote, &folder).await? {
                    if entry.is_dir && entry.path != OWN {
                        waiting.push(entry.path);
                    } else if !entry.is_dir {
                        found.push(Artifact {
                            path: entry.path,
                            size: u64::try_from(entry.file_size).unwrap_or(0),
                            digest: String::new(),
                        });
                    }
                }
                if folders >= MOST_FOLDERS || found.len() >= MOST_FILES {
                    tracing::warn!(run = %run_id, "the run has more files than are listed");
                    break;
                }
            }
            found.sort_by(|a: &Artifact, b| a.path.cmp(&b.path));
            found.truncate(MOST_FILES);
            Ok(found)
        };
        tokio::time::timeout(LISTING, walk)
            .await
            .unwrap_or_else(|_elapsed| {
                Err(StoreError::Unavailable {
                    doing: doing.to_owned(),
                    retry_after: None,
                    source: format!("it took longer than {} s", LISTING.as_secs()).into(),
                })
            })
    }

    /// What is directly in a folder of a run's files.
    async fn folder(&self, remote: &str, folder: &str) -> Result<Vec<Entry>> {
        let mut call = Call::get("2.0/mlflow/artifacts/list").with("run_id", remote);
        if !folder.is_empty() {
            call = call.with("path", folder);
        }
        let page: EntryPage = self
            .client
            .call(&call)
            .await
            .during("listing the files of a run")?;
        // A server that answers with the folder above would be walked for ever.
        let is_below = |entry: &Entry| {
            folder.is_empty()
                || entry
                    .path
                    .strip_prefix(folder)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        Ok(page.files.into_iter().filter(is_below).collect())
    }

    /// Uploads a file that is as it was recorded, and reads it back.
    pub(super) async fn take_file(
        &self,
        run_id: &RunId,
        artifact: &Artifact,
        file: File,
    ) -> Result<()> {
        let (_, root) = self.files_of(run_id, "keep files of runs").await?;
        let sent = send_file(self.patient()?, &root, artifact, file, &|_| {}).await;
        self.wrote();
        sent.map_err(|fault| match fault {
            SyncFault::Server(error) | SyncFault::Local(error) => error,
            SyncFault::Refused(message) => StoreError::Invalid { message },
            SyncFault::Vanished(problem) => StoreError::Invalid {
                message: format!("the file {problem}"),
            },
            SyncFault::Passing { reason, wait } | SyncFault::Throttled { reason, wait } => {
                not_uploaded(artifact, reason, wait)
            }
            SyncFault::Gone(reason) => not_uploaded(artifact, reason, None),
        })
    }

    /// A client for uploads, made when the first one is to be done: nothing is answered before an upload ends, so silence says nothing.
    fn patient(&self) -> Result<&Client> {
        if let Some(client) = self.patient.get() {
            return Ok(client);
        }
        let made = self.client.patient()?;
        Ok(self.patient.get_or_init(|| made))
    }
}

fn not_uploaded(artifact: &Artifact, reason: String, wait: Option<Duration>) -> StoreError {
    StoreError::Unavailable {
        doing: format!("uploading '{}'", visible(&artifact.path)),
        retry_after: wait,
        source: reason.into(),
    }
}
