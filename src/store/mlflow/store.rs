//! The store itself: a connection, the ledger, and what was seen of the server last.
//!
//! Reads ask the server first and the ledger after it, so that a change whose entry is there is never taken for somebody's change by hand.

use super::address::Address;
use super::auth::{Auth, MlflowEnvironment};
use super::capabilities::{ServerCapabilities, probe};
use super::client::{Client, Deadlines};
use super::dto;
use super::error::During as _;
use super::ledger::{Author, Draft, Ledger, ObjectKey, RESERVED, State};
use super::pulse::Pulse;
use crate::domain::{ObjectKind, Revision};
use crate::store::{Result, StoreError, WriteContext};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How a server is connected to.
#[derive(Debug, Clone, Default)]
pub struct MlflowOptions {
    pub environment: MlflowEnvironment,
    /// A command, without a shell, that prints a token.
    pub token_command: Option<Vec<String>>,
    /// Whether credentials may travel unencrypted to another host.
    pub allow_http: bool,
    pub deadlines: Deadlines,
}

/// A store on an MLflow server.
#[derive(Debug)]
pub struct MlflowStore {
    pub(super) client: Client,
    pub(super) server: ServerCapabilities,
    pub(super) ledger: tokio::sync::Mutex<Ledger>,
    pub(super) seen: Mutex<Seen>,
    pub(super) pulse: tokio::sync::Mutex<Pulse>,
}

/// What this process learned and need not ask again.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Experiments' names by id. Names may change, so an answer is only a hint for what to ask.
    pub(super) experiments: HashMap<String, String>,
    /// The last sign of life of runs that this process writes.
    pub(super) heartbeats: HashMap<String, Timestamp>,
    pub(super) histories: super::histories::Histories,
    /// The server's ids of runs that a local store mirrors there: the ledger does not know of them.
    pub(super) mirrored: HashMap<String, String>,
    /// Captured output that is not written whole yet: how many bytes each run has.
    pub(super) output: HashMap<String, u64>,
    /// How often this process wrote.
    pub(super) writes: u64,
    /// How often a change by others was noticed.
    pub(super) changes: u64,
    /// The rows of the list of runs that was ordered here last.
    pub(super) sorted: Option<super::run_list::LoadedRuns>,
    /// Before this moment nobody needs to look for what others left unfinished; `None` at the beginning.
    pub(super) mend_at: Option<Instant>,
}

impl Seen {
    /// Equal as long as nothing is known to have been written.
    pub(super) fn moment(&self) -> (u64, u64) {
        (self.writes, self.changes)
    }
}

impl MlflowStore {
    /// Connects, and says what is wrong where there is no server that can be used.
    pub async fn open(uri: &str, options: MlflowOptions) -> Result<Self> {
        let (address, user_info) = Address::parse(uri)?;
        let auth = Auth::choose(
            &address,
            user_info,
            &options.environment,
            options.token_command.as_deref(),
            options.allow_http,
        )?;
        let client = Client::new(address, auth, &options.environment, options.deadlines)?;
        let server = probe(&client).await?;
        Ok(Self {
            client,
            server,
            ledger: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
            pulse: tokio::sync::Mutex::default(),
        })
    }

    /// What the server is and can do.
    pub fn server(&self) -> &ServerCapabilities {
        &self.server
    }

    /// The ledger, read to its head.
    pub(super) async fn ledger(&self) -> Result<tokio::sync::MutexGuard<'_, Ledger>> {
        let asked = Instant::now();
        let mut ledger = self.ledger.lock().await;
        ledger.read(&self.client, asked).await?;
        Ok(ledger)
    }

    /// Appends to the ledger what `decide` makes of its state.
    pub(super) async fn append<T>(
        &self,
        ctx: &WriteContext,
        decide: impl FnMut(&State) -> Result<(Vec<Draft>, T)> + Send,
    ) -> Result<T> {
        self.mend_when_due().await;
        self.append_as(&Author::from(ctx), decide).await
    }

    /// The same in somebody's name, and without a look at what others left unfinished.
    pub(super) async fn append_as<T>(
        &self,
        author: &Author,
        decide: impl FnMut(&State) -> Result<(Vec<Draft>, T)> + Send,
    ) -> Result<T> {
        let mut ledger = self.ledger.lock().await;
        let done = ledger.append(&self.client, author, decide).await;
        drop(ledger);
        self.wrote();
        done
    }

    pub(super) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        // What is remembered is only hints, so a panic while it was held spoils nothing.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this process wrote, for the change token.
    pub(super) fn wrote(&self) {
        self.seen().writes += 1;
    }

    /// All experiments that are not deleted and not modeldeck's own.
    pub(super) async fn known_experiments(&self) -> Result<Vec<dto::Experiment>> {
        let mut all = self
            .client
            .all_experiments()
            .await
            .during("listing experiments")?;
        let mut seen = self.seen();
        for experiment in &all {
            seen.experiments
                .insert(experiment.experiment_id.clone(), experiment.name.clone());
        }
        drop(seen);
        all.retain(|experiment| !experiment.name.starts_with(RESERVED));
        Ok(all)
    }

    /// The name of an experiment by its id.
    pub(super) async fn experiment_name(&self, id: &str) -> Result<String> {
        let known = self.seen().experiments.get(id).cloned();
        if let Some(name) = known {
            return Ok(name);
        }
        self.known_experiments().await?;
        let known = self.seen().experiments.get(id).cloned();
        Ok(known.unwrap_or_else(|| format!("deleted experiment {id}")))
    }
}

/// It is the remote end itself, so there is nothing to mirror.
impl crate::store::SyncStore for MlflowStore {}

/// A draft of a new object.
pub(super) fn made(key: ObjectKey, remote: Option<String>, after: Value) -> Draft {
    Draft {
        key,
        revision: Revision::FIRST.0,
        remote,
        attempt: None,
        before: Value::Null,
        after,
    }
}

/// A draft of a changed object.
pub(super) fn changed(key: ObjectKey, revision: Revision, before: Value, after: Value) -> Draft {
    let (before, after) = crate::domain::audit::changed_fields(before, after);
    Draft {
        key,
        revision: revision.0,
        remote: None,
        attempt: None,
        before,
        after,
    }
}

/// *Conflict* unless the revisions are the same.
pub(super) fn same_revision(
    kind: ObjectKind,
    id: &(impl ToString + ?Sized),
    read: Revision,
    stored: Revision,
) -> Result<()> {
    if read == stored {
        Ok(())
    } else {
        Err(StoreError::conflict(kind, id))
    }
}

/// A server takes no import: its runs get their ids from MLflow, so a repetition would double them.
impl crate::store::import::ImportStore for MlflowStore {}
