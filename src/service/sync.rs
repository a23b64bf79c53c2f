//! The mirror of a local store on an MLflow server: set up, looked at, and drained.
//!
//! Changes queue themselves in their own transactions, whoever makes them; here is who carries them over. [`SyncWorker`] does it behind a screen or a
//! running command and holds nobody up; [`MlflowSync::drain`] does it now and tells how it goes. Both take the same lease, so one of them works at a time.

mod carry;
mod drain;
mod lease;
mod session;
mod trouble;
mod worker;

pub use drain::{Drained, SyncProgress};
pub use worker::SyncWorker;

use super::core::{Core, required_text};
use super::{Result, ServerAddress, ServiceError};
use crate::domain::text::visible;
use crate::domain::{LeftOutFile, RunId, SyncItem, SyncStatus};
use crate::store::StoreError;
use crate::store::sync::{MirrorServer, SyncVerdict, TrackedServer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Connecting = Pin<Box<dyn Future<Output = Result<Arc<dyn MirrorServer>, StoreError>> + Send>>;
/// Connects to a server by its address; the service does not know how.
pub(super) type Connect = Arc<dyn Fn(&ServerAddress) -> Connecting + Send + Sync>;

/// How patient the mirror is; tests are less so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyncPatience {
    /// The first wait after a failure; each further one is twice as long.
    pub first_wait: std::time::Duration,
    /// How often something is tried that the server refused for good.
    pub refusals: u32,
    /// How often something is tried that failed for a reason that may pass, while the server is there.
    pub failures: u32,
    /// For how long somebody who waits for a drain waits for a server that went away in the middle of it.
    pub absence: std::time::Duration,
}

impl Default for SyncPatience {
    fn default() -> Self {
        Self {
            first_wait: std::time::Duration::from_secs(1),
            refusals: 3,
            failures: 20,
            absence: std::time::Duration::from_secs(12),
        }
    }
}

/// The verbs of the mirror.
#[derive(Clone)]
pub struct MlflowSync {
    pub(super) core: Core,
    /// The server that this process was told of.
    pub(super) tracking: Option<ServerAddress>,
    pub(super) connect: Connect,
    pub(super) patience: SyncPatience,
}

impl MlflowSync {
    /// Whether this store can be mirrored: one that is on a server is the remote end itself.
    pub fn is_possible(&self) -> bool {
        self.core.store.can_be_mirrored()
    }

    /// The server that this process was told of.
    pub fn tracking(&self) -> Option<&ServerAddress> {
        self.tracking.as_ref()
    }

    /// How the mirror is.
    pub async fn status(&self) -> Result<SyncStatus> {
        Ok(self.core.store.sync_status().await?)
    }

    /// Up to `limit` items that wait: DEAD ones first, then those that were refused, then the oldest.
    pub async fn items(&self, limit: usize) -> Result<Vec<SyncItem>> {
        Ok(self.core.store.sync_items(limit).await?)
    }

    /// Up to `limit` files, of one run or of all, that were left out because they were not there any more.
    pub async fn left_out(&self, run_id: Option<&RunId>, limit: usize) -> Result<Vec<LeftOutFile>> {
        Ok(self.core.store.files_left_out(run_id, limit).await?)
    }

    /// Tries an item anew. One whose copy was deleted on the server gets another.
    pub async fn retry(&self, id: i64) -> Result<SyncItem> {
        let ctx = self.core.write("sync_retry", None)?;
        self.core
            .store
            .judge_sync_item(id, SyncVerdict::Retry, &ctx)
            .await
            .map_err(no_such_item)
    }

    /// Gives the copy of an item up. A later change of its object queues it again.
    pub async fn give_up(&self, id: i64, reason: &str) -> Result<SyncItem> {
        required_text("reason", reason)?;
        let ctx = self.core.write("sync_drop", Some(reason))?;
        self.core
            .store
            .judge_sync_item(id, SyncVerdict::Drop, &ctx)
            .await
            .map_err(no_such_item)
    }

    /// Begins to mirror the store where this process was told of a server and the store has none yet. What is in it already is queued.
    pub(super) async fn begin(&self) -> Result<()> {
        let Some(address) = &self.tracking else {
            return Ok(());
        };
        let shown = address.to_string();
        let known = self.core.store.tracked_server().await?;
        let settled =
            known.is_some_and(|known| known.fingerprint.is_some() || known.address == shown);
        if !settled {
            let ctx = self.core.write("sync_begin", None)?;
            self.core.store.track_server(&shown, false, &ctx).await?;
        }
        Ok(())
    }

    /// What to say to somebody who names another address than the one that the store mirrors to; nothing goes there.
    pub async fn other_address(&self) -> Result<Option<String>> {
        let Some(given) = &self.tracking else {
            return Ok(None);
        };
        let tracked = self.core.store.tracked_server().await?;
        Ok(tracked
            .filter(|tracked| tracked.address != given.to_string())
            .map(|tracked| {
                format!(
                    "this store mirrors to {}; {}",
                    known_as(&tracked),
                    how_to_move(given)
                )
            }))
    }

    /// Mirrors the store to the server that this process was told of, whatever it was mirrored to before, and queues everything in it.
    pub async fn begin_anew(&self, reason: Option<&str>) -> Result<TrackedServer> {
        let address = self.tracking.as_ref().ok_or_else(no_server)?;
        let ctx = self.core.write("sync_new_server", reason)?;
        let shown = address.to_string();
        Ok(self.core.store.track_server(&shown, true, &ctx).await?)
    }

    /// Starts to carry changes over in the background, where this process was told of a server.
    pub fn start(&self) -> Option<SyncWorker> {
        let address = self.tracking.clone()?;
        let can =
            self.core.read_only.is_none() && self.core.store.capabilities().read_only.is_none();
        can.then(|| SyncWorker::start(self.clone(), address))
    }

    /// Carries over what waits, and returns when nothing is left that can be. Without a server of its own, this process uses the one that the store
    /// is mirrored to.
    pub async fn drain(&self, progress: &(dyn Fn(&SyncProgress) + Send + Sync)) -> Result<Drained> {
        self.core.write("sync_run", None)?;
        let address = match &self.tracking {
            Some(address) => address.clone(),
            None => match self.core.store.tracked_server().await? {
                Some(server) => ServerAddress::new(server.address),
                None => return Err(no_server()),
            },
        };
        drain::drain(self, &address, progress).await
    }
}

/// `'http://mlflow:5000' (set by alice@gpu-07)`
fn known_as(tracked: &TrackedServer) -> String {
    let address = visible(&tracked.address);
    match &tracked.set_by {
        Some(identity) => format!("'{address}' (set by {identity})"),
        None => format!("'{address}'"),
    }
}

fn how_to_move(to: &ServerAddress) -> String {
    format!("'modeldeck sync run --new-server --tracking-uri {to}' moves it to '{to}'")
}

fn no_server() -> ServiceError {
    ServiceError::invalid(
        "tracking_uri",
        "this store is not mirrored: name an MLflow server with --tracking-uri, the setting sync.tracking_uri, or MLFLOW_TRACKING_URI",
    )
}

/// An item that is not queued any more is told as any other thing that is not there.
fn no_such_item(error: StoreError) -> ServiceError {
    match error {
        StoreError::Invalid { message } => ServiceError::NoSuchItem {
            message,
            hint: "'modeldeck sync status' shows those that wait".to_owned(),
        },
        other => other.into(),
    }
}
