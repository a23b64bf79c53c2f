//! Files of runs, through the server's own proxy.

use crate::store::mlflow::client::{Call, Client};
use crate::store::mlflow::dto::{File, FilePage};
use crate::store::mlflow::error::ApiResult;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, Url};

/// The most that is read of one file.
const LARGEST_FILE: usize = 256 * 1024 * 1024;

/// Where a run's files are on the server's proxy.
#[derive(Debug, Clone)]
pub(in crate::store::mlflow) struct ArtifactRoot(String);

impl ArtifactRoot {
    /// The root behind an artifact URI; `None` where the files are somewhere that the server does not hand out.
    pub(in crate::store::mlflow) fn of(artifact_uri: &str) -> Option<Self> {
        let path = artifact_uri.strip_prefix("mlflow-artifacts:")?;
        // A host may stand in the URI; the proxy that is asked is this server's anyway.
        let path = match path.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/').map_or("", |(_host, path)| path),
            None => path.trim_start_matches('/'),
        };
        Some(Self(path.trim_end_matches('/').to_owned()))
    }

    fn url(&self, client: &Client, path: &str) -> Url {
        let whole: Vec<String> = format!("{}/{path}", self.0)
            .split('/')
            .map(encoded)
            .collect();
        client.address().join(&format!(
            "api/2.0/mlflow-artifacts/artifacts/{}",
            whole.join("/")
        ))
    }
}

/// Percent-encodes one part of a path.
fn encoded(part: &str) -> String {
    use std::fmt::Write as _;
    part.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a String cannot fail");
        }
        text
    })
}

impl Client {
    /// Writes a file, over one that is there.
    pub(in crate::store::mlflow) async fn put_artifact(
        &self,
        root: &ArtifactRoot,
        path: &str,
        bytes: Vec<u8>,
    ) -> ApiResult<()> {
        let request = self.request(Method::PUT, root.url(self, path)).body(bytes);
        self.raw(request, 64 * 1024).await?;
        Ok(())
    }

    /// Writes a file of a known size from a stream, over one that is there.
    pub(in crate::store::mlflow) async fn put_artifact_stream<S>(
        &self,
        root: &ArtifactRoot,
        path: &str,
        size: u64,
        blocks: S,
    ) -> ApiResult<()>
    where
        S: tokio_stream::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    {
        let request = self
            .request(Method::PUT, root.url(self, path))
            .header(CONTENT_LENGTH, size)
            .body(Body::wrap_stream(blocks));
        self.raw(request, 64 * 1024).await?;
        Ok(())
    }

    /// Reads a file of any size piece by piece.
    pub(in crate::store::mlflow) async fn read_artifact(
        &self,
        root: &ArtifactRoot,
        path: &str,
        take: impl FnMut(&[u8]) + Send,
    ) -> ApiResult<()> {
        let request = self.request(Method::GET, root.url(self, path));
        self.raw_pieces(request, take).await
    }

    pub(in crate::store::mlflow) async fn get_artifact(
        &self,
        root: &ArtifactRoot,
        path: &str,
    ) -> ApiResult<Vec<u8>> {
        let request = self.request(Method::GET, root.url(self, path));
        Ok(self.raw(request, LARGEST_FILE).await?.1)
    }

    pub(in crate::store::mlflow) async fn delete_artifact(
        &self,
        root: &ArtifactRoot,
        path: &str,
    ) -> ApiResult<()> {
        let request = self.request(Method::DELETE, root.url(self, path));
        self.raw(request, 64 * 1024).await?;
        Ok(())
    }

    /// The files and folders directly in a folder of a run; empty for one that is not there.
    pub(in crate::store::mlflow) async fn list_artifacts(
        &self,
        run_id: &str,
        folder: &str,
    ) -> ApiResult<Vec<File>> {
        let mut call = Call::get("2.0/mlflow/artifacts/list").with("run_id", run_id);
        if !folder.is_empty() {
            call = call.with("path", folder);
        }
        Ok(self.call::<FilePage>(&call).await?.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_read_from_every_form() {
        for (uri, root) in [
            ("mlflow-artifacts:/1/r/artifacts", Some("1/r/artifacts")),
            (
                "mlflow-artifacts://host:5000/1/r/artifacts/",
                Some("1/r/artifacts"),
            ),
            ("s3://bucket/1/r", None),
        ] {
            assert_eq!(ArtifactRoot::of(uri).map(|root| root.0).as_deref(), root);
        }
        assert_eq!(encoded("a b%?#é"), "a%20b%25%3F%23%C3%A9");
    }
}
