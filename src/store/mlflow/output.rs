//! Captured output of runs, as artifacts.
//!
//! An artifact is written whole, so output that still grows stands in pieces below `modeldeck/output/`, each named by the offset it starts at; the end makes one
//! `output.log` of them. Pieces of a certain size come together because a piece is one request.

use super::api::ArtifactRoot;
use super::error::During as _;
use super::runs::not_found;
use super::store::MlflowStore;
use crate::domain::{Artifact, RunId, approval::digest, run::OUTPUT_LOG};
use crate::store::{OutputTail, Result, StoreError};

/// Holds nothing but pieces.
pub(super) const OWN: &str = "modeldeck";
const FOLDER: &str = "modeldeck/output";

/// A piece of output that is on the server.
struct Piece {
    offset: u64,
    size: u64,
    path: String,
}

fn piece_path(offset: u64) -> String {
    format!("{FOLDER}/{offset:015}.log")
}

impl MlflowStore {
    /// The same where reading is enough: `None` for a server that does not hand files out, which has none of our output either.
    async fn files_if_any(&self, run_id: &RunId) -> Result<Option<(String, ArtifactRoot)>> {
        match self.files_of(run_id, "keep captured output").await {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::Unsupported { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The run's id on the server and where its files are.
    pub(super) async fn files_of(
        &self,
        run_id: &RunId,
        what: &str,
    ) -> Result<(String, ArtifactRoot)> {
        let (run, _) = self.find_run(run_id).await.map_err(|error| match error {
            StoreError::NotFound { .. } => not_found(run_id),
            other => other,
        })?;
        let root =
            ArtifactRoot::of(&run.info.artifact_uri).ok_or_else(|| StoreError::Unsupported {
                what: what.to_owned(),
                why: format!(
                    "the server does not hand files in and out itself; they are at '{}'",
                    crate::domain::text::visible(&run.info.artifact_uri)
                ),
            })?;
        Ok((run.info.run_id, root))
    }

    /// The pieces in their order.
    async fn pieces(&self, remote: &str) -> Result<Vec<Piece>> {
        let files = self
            .client
            .list_artifacts(remote, FOLDER)
            .await
            .during("listing captured output")?;
        let mut pieces: Vec<Piece> = files
            .into_iter()
            .filter_map(|file| {
                let name = file.path.rsplit('/').next()?;
                Some(Piece {
                    offset: name.strip_suffix(".log")?.parse().ok()?,
                    size: u64::try_from(file.file_size).ok()?,
                    path: file.path,
                })
            })
            .collect();
        pieces.sort_by_key(|piece| piece.offset);
        Ok(pieces)
    }

    pub(super) async fn add_output(&self, run_id: &RunId, bytes: &[u8]) -> Result<()> {
        let (remote, root) = self.files_of(run_id, "keep captured output").await?;
        if bytes.is_empty() {
            return Ok(());
        }
        let known = self.seen().output.get(&remote).copied();
        let offset = match known {
            Some(offset) => offset,
            None => self
                .pieces(&remote)
                .await?
                .last()
                .map_or(0, |piece| piece.offset + piece.size),
        };
        // The same piece under the same name again is the same.
        let path = piece_path(offset);
        super::repeated(|| self.client.put_artifact(&root, &path, bytes.to_vec()))
            .await
            .during("writing captured output")?;
        self.seen()
            .output
            .insert(remote, offset + bytes.len() as u64);
        self.wrote();
        Ok(())
    }

    pub(super) async fn tail_of_output(&self, run_id: &RunId, limit: usize) -> Result<OutputTail> {
        let Some((remote, root)) = self.files_if_any(run_id).await? else {
            return Ok(OutputTail::default());
        };
        let pieces = self.pieces(&remote).await?;
        let total = match pieces.last() {
            Some(last) => last.offset + last.size,
            None => return self.tail_of_log(&remote, &root, limit).await,
        };
        let mut bytes: Vec<u8> = Vec::new();
        for piece in pieces.iter().rev() {
            if bytes.len() >= limit {
                break;
            }
            let mut whole = self
                .client
                .get_artifact(&root, &piece.path)
                .await
                .during("reading captured output")?;
            whole.append(&mut bytes);
            bytes = whole;
        }
        bytes.drain(..bytes.len().saturating_sub(limit));
        Ok(OutputTail { bytes, total })
    }

    /// The end of output that is finished.
    async fn tail_of_log(
        &self,
        remote: &str,
        root: &ArtifactRoot,
        limit: usize,
    ) -> Result<OutputTail> {
        let files = self
            .client
            .list_artifacts(remote, "")
            .await
            .during("listing captured output")?;
        if !files.iter().any(|file| file.path == OUTPUT_LOG) {
            return Ok(OutputTail::default());
        }
        let mut bytes = self
            .client
            .get_artifact(root, OUTPUT_LOG)
            .await
            .during("reading captured output")?;
        let total = bytes.len() as u64;
        bytes.drain(..bytes.len().saturating_sub(limit));
        Ok(OutputTail { bytes, total })
    }

    pub(super) async fn close_output(&self, run_id: &RunId) -> Result<Option<Artifact>> {
        let Some((remote, root)) = self.files_if_any(run_id).await? else {
            return Ok(None);
        };
        let pieces = self.pieces(&remote).await?;
        let whole = if pieces.is_empty() {
            self.tail_of_log(&remote, &root, usize::MAX).await?.bytes
        } else {
            let mut whole = Vec::new();
            for piece in &pieces {
                let bytes = self.client.get_artifact(&root, &piece.path).await;
                whole.append(&mut bytes.during("reading captured output")?);
            }
            whole
        };
        if whole.is_empty() {
            return Ok(None);
        }
        let artifact = Artifact {
            path: OUTPUT_LOG.to_owned(),
            size: whole.len() as u64,
            digest: digest(&whole),
        };
        if !pieces.is_empty() {
            super::repeated(|| self.client.put_artifact(&root, OUTPUT_LOG, whole.clone()))
                .await
                .during("writing captured output")?;
            // The whole is there; pieces that stay are only clutter.
            let _clutter = self.client.delete_artifact(&root, OWN).await;
            self.seen().output.remove(&remote);
            self.wrote();
        }
        Ok(Some(artifact))
    }
}
