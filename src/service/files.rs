//! Files of artifacts: opened where a run left them, and given to a store that keeps files itself.
//!
//! A local store keeps paths and digests only; its mirror brings the files over later, from the same places.

use super::RunTracker;
use super::{Result, ServiceError};
use crate::domain::{Artifact, MlflowLink, ModelRun, RunSource, text::visible};
use crate::store::StoreError;
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Where an artifact's file is: below the directory that the run was logged from, if that is on this host.
pub(super) fn place(source: &RunSource, host: &str, artifact: &Artifact) -> Option<PathBuf> {
    let directory = source.directory.as_ref()?;
    (source.host.as_deref() == Some(host)).then(|| Path::new(directory).join(&artifact.path))
}

/// Why a file was not opened.
pub(super) struct NotOpened {
    /// Nothing is at its place.
    pub(super) is_gone: bool,
    pub(super) sentence: String,
}

/// Opens a file of an artifact.
pub(super) async fn open(path: PathBuf) -> std::result::Result<File, NotOpened> {
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
    opened
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| NotOpened {
            is_gone: error.kind() == ErrorKind::NotFound,
            sentence: format!("the file '{shown}' cannot be read: {error}"),
        })
}

impl RunTracker {
    /// The run on a server: its copy there, or the very run where the server is the store.
    pub async fn mlflow_link(&self, run: &ModelRun) -> Result<Option<MlflowLink>> {
        match &run.mlflow {
            Some(link) => Ok(Some(link.clone())),
            None => Ok(self.core.store.mlflow_link(&run.run_id).await?),
        }
    }

    /// The files of a run: those that are recorded, and those that others put there, which only a server knows of.
    pub async fn files(&self, run: &ModelRun) -> Result<Vec<Artifact>> {
        let mut files = run.artifacts.clone();
        let listed = self.core.store.listed_files(&run.run_id).await?;
        files.extend(
            listed
                .into_iter()
                .filter(|file| run.artifacts.iter().all(|known| known.path != file.path)),
        );
        Ok(files)
    }

    /// Gives the file of a recorded artifact to a store that keeps files itself; another one is given nothing.
    pub async fn keep_file(&self, run: &ModelRun, artifact: &Artifact, path: &Path) -> Result<()> {
        if !self.core.store.keeps_files() {
            return Ok(());
        }
        self.core.write("keep_file", None)?;
        let file = open(path.to_owned())
            .await
            .map_err(|error| StoreError::Invalid {
                message: error.sentence,
            })?;
        let store = &self.core.store;
        Ok(store.keep_file(&run.run_id, artifact, file).await?)
    }

    /// The same for artifacts whose files are where the run left them. Returns what is to be said of those that were recorded and not uploaded.
    pub async fn keep_files(&self, run: &ModelRun, artifacts: &[Artifact]) -> Vec<String> {
        let mut said = Vec::new();
        for artifact in artifacts {
            let Some(path) = place(&run.source, &self.core.identity.host, artifact) else {
                continue;
            };
            if let Err(error) = self.keep_file(run, artifact, &path).await {
                said.push(not_uploaded(artifact, &error));
            }
        }
        said
    }
}

/// `artifact 'model.bin' was recorded and not uploaded: …`.
pub fn not_uploaded(artifact: &Artifact, error: &ServiceError) -> String {
    let mut said = format!(
        "artifact '{}' was recorded and not uploaded: {error}",
        visible(&artifact.path)
    );
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = error.source();
    }
    said
}
