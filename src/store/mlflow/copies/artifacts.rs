//! Files of runs, through the server's proxy: streamed up, read back, and compared by their digests.

use super::super::api::ArtifactRoot;
use super::{Faulty as _, MlflowCopies, local};
use crate::domain::approval::hex;
use crate::domain::{Artifact, text::visible};
use crate::store::sync::{FileProgress, SyncFault};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const BLOCK: usize = 256 * 1024;

impl MlflowCopies {
    pub(super) async fn bring_file(
        &self,
        remote_run: &str,
        artifact: &Artifact,
        file: File,
        progress: FileProgress<'_>,
    ) -> Result<(), SyncFault> {
        let run = self.client.get_run(remote_run).await.faulty()?;
        let root = ArtifactRoot::of(&run.info.artifact_uri).ok_or_else(|| {
            SyncFault::Refused(format!(
                "the server does not take files itself; they are at '{}'",
                visible(&run.info.artifact_uri)
            ))
        })?;
        let file = unchanged(file, artifact).await?;
        let (blocks, incoming) = mpsc::channel::<std::io::Result<Vec<u8>>>(4);
        let reading = tokio::task::spawn_blocking(move || send_blocks(file, &blocks));
        let (sent, mut told) = mpsc::unbounded_channel();
        let counted = tokio_stream::StreamExt::map(ReceiverStream::new(incoming), move |block| {
            if let Ok(block) = &block {
                // Nobody may listen any more.
                let _ = sent.send(block.len() as u64);
            }
            block
        });
        let upload = self
            .files
            .put_artifact_stream(&root, &artifact.path, artifact.size, counted);
        tokio::pin!(upload);
        let mut over = 0;
        let uploaded = loop {
            tokio::select! {
                uploaded = &mut upload => break uploaded,
                Some(bytes) = told.recv() => {
                    over += bytes;
                    progress(over);
                }
            }
        };
        // The reader ends with its channel.
        let _ended = reading.await;
        uploaded.faulty()?;
        let mut digest = Sha256::new();
        self.files
            .read_artifact(&root, &artifact.path, |chunk| digest.update(chunk))
            .await
            .faulty()?;
        let found = format!("sha256:{}", hex(&digest.finalize()));
        if found == artifact.digest {
            Ok(())
        } else {
            Err(SyncFault::Passing(format!(
                "the server has other bytes than were sent: {found} instead of {}",
                artifact.digest
            )))
        }
    }
}

/// The file from its beginning, if it still is what was recorded.
async fn unchanged(mut file: File, artifact: &Artifact) -> Result<File, SyncFault> {
    let read = tokio::task::spawn_blocking(move || {
        let (mut digest, mut size, mut block) = (Sha256::new(), 0_u64, vec![0; BLOCK]);
        loop {
            let length = file.read(&mut block)?;
            if length == 0 {
                break;
            }
            digest.update(&block[..length]);
            size += length as u64;
        }
        file.seek(SeekFrom::Start(0))?;
        Ok((file, size, format!("sha256:{}", hex(&digest.finalize()))))
    });
    let (file, size, digest) = read
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|error| local("reading an artifact", error))?;
    if size == artifact.size && digest == artifact.digest {
        return Ok(file);
    }
    Err(SyncFault::Vanished(
        "changed since it was recorded".to_owned(),
    ))
}

fn send_blocks(mut file: File, blocks: &mpsc::Sender<std::io::Result<Vec<u8>>>) {
    loop {
        let mut block = vec![0; BLOCK];
        let read = file.read(&mut block).map(|length| {
            block.truncate(length);
            block
        });
        let is_last = read.as_ref().map_or(true, Vec::is_empty);
        if read.as_ref().is_ok_and(Vec::is_empty) || blocks.blocking_send(read).is_err() || is_last
        {
            return;
        }
    }
}
