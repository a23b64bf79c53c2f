//! What a server is and what it can do, found out once when it is connected to.

use super::client::{Call, Client};
use super::error::{ApiError, unusable};
use crate::store::StoreError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was found at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing that a server can or cannot do"
)]
pub struct ServerCapabilities {
    /// As the server tells it; `None` for one that does not.
    pub version: Option<String>,
    /// `SqlStore`, `FileStore`; only 3.x tells.
    pub store_type: Option<String>,
    /// Whether versions have stages; where they have none, alias `production` alone tells.
    pub stages: bool,
    /// Whether a version can have other names.
    pub aliases: bool,
    /// Whether the server hands files in and out itself.
    pub artifact_proxy: bool,
    /// Whether models are objects of their own, from 3.0 on.
    pub logged_models: bool,
    /// Whether requests are signed.
    pub signed: bool,
}

impl ServerCapabilities {
    /// What it can do, as `store info` lists it.
    pub(super) fn listed(&self) -> BTreeMap<String, bool> {
        [
            ("stages", self.stages),
            ("aliases", self.aliases),
            ("logged_models", self.logged_models),
            ("artifact_proxy", self.artifact_proxy),
        ]
        .map(|(what, can)| (what.to_owned(), can))
        .into()
    }

    /// `MLflow 3.17.2`.
    pub fn engine(&self) -> String {
        match &self.version {
            Some(version) => format!("MLflow {}", crate::domain::text::visible(version)),
            None => "MLflow of an unknown version".to_owned(),
        }
    }

    /// Whether a history can be read from a page on; 2.x gives all of it whatever is asked.
    pub(super) fn pages_histories(&self) -> bool {
        self.release().is_some_and(|release| release >= (3, 0))
    }

    /// Major and minor version.
    fn release(&self) -> Option<(u32, u32)> {
        let mut parts = self.version.as_deref()?.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

/// Asks a server what it is, and says what is wrong where it is no MLflow server that can be used.
pub(super) async fn probe(client: &Client) -> Result<ServerCapabilities, StoreError> {
    // All at once: whoever waits for a slow server waits for one answer. The version answers even where the API is barred; the refusal of the API
    // is what people have to hear.
    let version = async {
        let request = client.request(reqwest::Method::GET, client.address().join("version"));
        Ok(client.raw(request, 1024).await.ok())
    };
    let info = async {
        let call = Call::get("3.0/mlflow/server-info");
        Ok(client.call::<Value>(&call).await.unwrap_or(Value::Null))
    };
    let asked =
        async { tokio::try_join!(client.any_experiment(), client.has_stages(), version, info) };
    let within = client.deadlines().first;
    // Four questions side by side make a large future.
    let (first, stages, version, info) = tokio::time::timeout(within, Box::pin(asked))
        .await
        .map_err(|_elapsed| silent(client, within))?
        .map_err(|error: ApiError| not_connected(client, error))?;
    let version = version
        .and_then(|(_, body)| String::from_utf8(body).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 40);
    let mut found = ServerCapabilities {
        version,
        store_type: info["store_type"].as_str().map(str::to_owned),
        stages,
        artifact_proxy: first
            .is_none_or(|first| first.artifact_location.starts_with("mlflow-artifacts:")),
        aliases: true,
        logged_models: false,
        signed: client.auth().is_known(),
    };
    let release = found.release();
    found.logged_models = release.is_some_and(|release| release >= (3, 0));
    found.aliases = release.is_none_or(|release| release >= (2, 3));
    if found.store_type.as_deref() == Some("FileStore") {
        return Err(unusable(
            &client.address().to_string(),
            "it keeps its data in files, where no change is atomic",
            "start the server with --backend-store-uri sqlite:///mlflow.db or another database",
        ));
    }
    Ok(found)
}

/// What helps where something else seems to be at an address.
const LOOK: &str =
    "look at the host and the port; opened in a browser, the address shows MLflow's page";

/// Somebody listens there and does not answer.
fn silent(client: &Client, within: Duration) -> StoreError {
    StoreError::Unreachable {
        target: client.address().to_string(),
        problem: format!("it gave no whole answer within {} s", within.as_secs_f32()),
        hint: "it may hang or have too much to do: look at its log, or try again".to_owned(),
    }
}

/// The first question failed: says why in words that help.
pub(super) fn not_connected(client: &Client, error: ApiError) -> StoreError {
    let target = client.address().to_string();
    match error {
        ApiError::Local(error) => error,
        ApiError::Refused { status: 401, .. } | ApiError::Status { status: 401, .. }
            if client.auth().is_known() =>
        {
            StoreError::Unauthorized {
                message: format!(
                    "the server at '{target}' does not take {}",
                    client.auth().source()
                ),
                hint: "look whether it has expired or belongs to another server".to_owned(),
            }
        }
        ApiError::Refused { status: 403, .. } | ApiError::Status { status: 403, .. } => {
            StoreError::Unauthorized {
                message: format!("the server at '{target}' lets you in, and not at its experiments"),
                hint: "whoever manages permissions on that server can let you read them".to_owned(),
            }
        }
        ApiError::Refused { status: 404, .. }
        | ApiError::Status {
            status: 404 | 405, ..
        } => StoreError::NotMlflow {
            target,
            problem: "there is no MLflow API below this address".to_owned(),
            hint: "the address is the server's root, where its page is, such as http://host:5000; a proxy may have it under a path".to_owned(),
        },
        ApiError::Redirected { target: to } => StoreError::NotMlflow {
            target,
            problem: format!("it redirects to '{to}'"),
            hint: "use the address it redirects to, if that is an MLflow server and not a login page".to_owned(),
        },
        ApiError::NotMlflow { problem } | ApiError::Garbled { problem } => StoreError::NotMlflow {
            target,
            problem,
            hint: LOOK.to_owned(),
        },
        // MLflow says no in JSON with a code of its own; what may pass, or comes from a proxy before it, is told as that.
        ApiError::Status { status, .. } if !matches!(status, 401 | 403 | 408 | 413 | 425 | 429 | 502..=504) => {
            StoreError::NotMlflow {
                target,
                problem: format!("it answers {status}, and not in MLflow's words"),
                hint: LOOK.to_owned(),
            }
        }
        other => other.during(format!("connecting to '{target}'")),
    }
}
