//! A session with the server: takes the lease, makes sure that it is the right server, and carries over what is due, a few items at a time.
//!
//! Here it is decided what a failure means. A server that cannot be used makes the whole mirror OFFLINE or REFUSED and costs no item an attempt; while
//! the server is there, a failure is the item's own, which is tried again after growing waits and is DEAD in the end, and holds up nothing else.

use super::carry::{Carrier, OnStep, Outcome, Step};
use super::trouble::{LONGEST_ASKED, LONGEST_WAIT, Trouble, asked, backoff, sentence};
use super::{MlflowSync, SyncPatience, lease};
use crate::domain::SyncItemState;
use crate::service::{Result, ServerAddress};
use crate::store::StoreError;
use crate::store::sync::{MirrorServer, SyncFault, SyncRecord, SyncTask, SyncWork, TrackedServer};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many items are carried over at once.
const AT_ONCE: usize = 4;
/// The longest wait for a server.
const LONGEST_OFFLINE: Duration = Duration::from_secs(30);
/// Nobody waits for longer, so what seems to was written by a clock that has been set back since.
const BEYOND: Duration = Duration::from_secs(900);

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing is due.
    Idle,
    /// The server cannot be used.
    NoServer,
    /// Somebody else carries things over.
    Held,
    /// The store is mirrored to another server than this program was told of.
    Elsewhere(Elsewhere),
}

/// Why the server that this program was told of gets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elsewhere {
    pub(super) tracked: TrackedServer,
    /// Why it cannot be the same server; `None` where it is another one.
    pub(super) unreachable: Option<String>,
}

/// What lasts from session to session.
pub(super) struct Sessions<'a> {
    pub(super) sync: &'a MlflowSync,
    pub(super) address: &'a ServerAddress,
    pub(super) server: Option<Arc<dyn MirrorServer>>,
    pub(super) on_step: OnStep,
    /// Whether the store's server is known by this program's address for it from now on, where that is another.
    pub(super) names_it: bool,
    /// What was found when this program's server was not the store's, and until when that holds.
    pub(super) elsewhere: Option<(Elsewhere, Instant)>,
    /// The lease that is held now, for whoever ends the session from outside.
    pub(super) held: Arc<Mutex<Option<i64>>>,
    /// Whether the server was there and was the right one, in any session so far.
    pub(super) has_met: bool,
}

impl Sessions<'_> {
    /// Carries over what is due; with `all`, everything that waits gets a try.
    pub(super) async fn one(&mut self, all: bool) -> Result<End> {
        let core = &self.sync.core;
        let Some(tracked) = core.store.tracked_server().await? else {
            return Ok(End::Idle);
        };
        let now = core.clock.now();
        let offline = tracked
            .next_try_at
            .is_some_and(|next| next > now && next < now + BEYOND);
        if offline && !all {
            return Ok(End::NoServer);
        }
        if self.names_it
            && let Some(elsewhere) = self.elsewhere(&tracked).await
        {
            return Ok(End::Elsewhere(elsewhere));
        }
        if core
            .store
            .due_sync_tasks(now, all, &[], 1)
            .await?
            .is_empty()
        {
            return Ok(End::Idle);
        }
        // In the background the server is asked only when there is something for it.
        if !self.names_it
            && let Some(elsewhere) = self.elsewhere(&tracked).await
        {
            return Ok(End::Elsewhere(elsewhere));
        }
        let token = match lease::take(core).await? {
            Ok(token) => token,
            Err(holder) => {
                tracing::debug!(holder, "another modeldeck carries things to MLflow");
                return Ok(End::Held);
            }
        };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        let end = self.under_lease(token, &tracked, all).await;
        // A lease that cannot be given back expires.
        if let Err(error) = core.store.release_sync_lease(token).await {
            tracing::warn!(%error, "the mirror's lease was not given back");
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        end
    }

    /// Whether this program was told of another server than the store's. The same one may have two addresses, so it is asked, once in a while, who it is;
    /// one that nobody met yet is met by whoever was told of its address. Nothing of this is recorded: it is no trouble of the mirror's.
    async fn elsewhere(&mut self, tracked: &TrackedServer) -> Option<Elsewhere> {
        let own = self.address.to_string();
        if tracked.address == own {
            return None;
        }
        if let Some((known, until)) = &self.elsewhere
            && Instant::now() < *until
            && (&known.tracked.address, &known.tracked.fingerprint)
                == (&tracked.address, &tracked.fingerprint)
        {
            return Some(known.clone());
        }
        let unreachable = if tracked.fingerprint.is_none() {
            None
        } else {
            match self.contact(tracked).await {
                Ok(_) => return None,
                Err(trouble) if trouble.is_other => None,
                Err(trouble) => Some(trouble.problem),
            }
        };
        self.server = None;
        tracing::warn!(
            given = own,
            tracked = tracked.address,
            "the store is mirrored to another server than this program was told of"
        );
        let elsewhere = Elsewhere {
            tracked: tracked.clone(),
            unreachable,
        };
        self.elsewhere = Some((elsewhere.clone(), Instant::now() + LONGEST_OFFLINE));
        Some(elsewhere)
    }

    async fn under_lease(&mut self, token: i64, tracked: &TrackedServer, all: bool) -> Result<End> {
        let core = self.sync.core.clone();
        let (server, fingerprint) = match self.contact(tracked).await {
            Ok(contact) => contact,
            Err(trouble) => {
                self.offline(token, tracked, trouble).await?;
                return Ok(End::NoServer);
            }
        };
        self.has_met = true;
        let own = self.address.to_string();
        let shown = if self.names_it || tracked.failures > 0 {
            own
        } else {
            tracked.address.clone()
        };
        let is_news = tracked.failures > 0
            || tracked.next_try_at.is_some()
            || tracked.fingerprint.as_ref() != Some(&fingerprint)
            || tracked.address != shown;
        if is_news {
            let online = SyncRecord::Online {
                fingerprint: fingerprint.clone(),
                address: shown,
            };
            core.store
                .record_sync(token, core.clock.now(), &[online])
                .await?;
        }
        let carrier = Carrier {
            store_id: core.store.store_id().await?,
            core,
            server,
            token,
            on_step: Arc::clone(&self.on_step),
            progressed: Arc::default(),
        };
        match self.carry_all(&carrier, &fingerprint, all).await? {
            None => Ok(End::Idle),
            Some(trouble) => {
                let tracked = TrackedServer {
                    failures: 0,
                    ..tracked.clone()
                };
                self.offline(token, &tracked, trouble).await?;
                Ok(End::NoServer)
            }
        }
    }

    /// Connects, and makes sure that the server is the one that the store is mirrored to.
    async fn contact(
        &mut self,
        tracked: &TrackedServer,
    ) -> Result<(Arc<dyn MirrorServer>, String), Trouble> {
        let server = if let Some(server) = &self.server {
            Arc::clone(server)
        } else {
            let connected = (self.sync.connect)(self.address).await;
            let connected = connected.map_err(|error| Trouble::of(&error))?;
            Arc::clone(self.server.insert(connected))
        };
        let found = server
            .fingerprint(tracked.fingerprint.is_none())
            .await
            .map_err(Trouble::from)?;
        match (found, &tracked.fingerprint) {
            (Some(found), Some(known)) if found == *known => Ok((server, found)),
            (Some(found), None) => Ok((server, found)),
            _ => Err(Trouble {
                refused: true,
                is_other: true,
                problem: format!(
                    "the server at '{}' is not the one that this store is mirrored to (it was at '{}'), so nothing is sent to it; 'modeldeck sync run --new-server' mirrors everything to it",
                    self.address, tracked.address
                ),
                wait: None,
            }),
        }
    }

    async fn offline(
        &mut self,
        token: i64,
        tracked: &TrackedServer,
        trouble: Trouble,
    ) -> Result<()> {
        let core = &self.sync.core;
        tracing::info!(problem = %trouble.problem, "MLflow cannot be used; the queue waits");
        // Whoever stands there the next time is asked anew who it is and what it can do.
        self.server = None;
        let failures = tracked.failures.saturating_add(1);
        let wait = backoff(self.sync.patience.first_wait, failures, LONGEST_OFFLINE);
        let wait = wait.max(asked(trouble.wait));
        let now = core.clock.now();
        let record = SyncRecord::Offline {
            refused: trouble.refused,
            problem: trouble.problem,
            failures,
            next_try_at: now + wait,
        };
        core.store.record_sync(token, now, &[record]).await?;
        Ok(())
    }

    /// Carries items over until none is due; `Some` where the server is gone.
    async fn carry_all(
        &self,
        carrier: &Carrier,
        fingerprint: &str,
        all: bool,
    ) -> Result<Option<Trouble>> {
        let core = &carrier.core;
        let mut under_way: BTreeMap<i64, SyncTask> = BTreeMap::new();
        let mut tried: Vec<i64> = Vec::new();
        let mut carrying: JoinSet<(i64, Outcome, bool)> = JoinSet::new();
        let mut sign = tokio::time::interval_at(Instant::now() + lease::SIGN, lease::SIGN);
        let mut is_dry = false;
        loop {
            if !is_dry && carrying.len() < AT_ONCE {
                let mut not: Vec<i64> = under_way.keys().copied().collect();
                if all {
                    not.extend(&tried);
                }
                let free = AT_ONCE - carrying.len();
                let due = core
                    .store
                    .due_sync_tasks(core.clock.now(), all, &not, free)
                    .await?;
                is_dry = true;
                for task in due {
                    if under_way.values().any(|other| share_a_model(other, &task)) {
                        continue;
                    }
                    is_dry = false;
                    tried.push(task.item.id);
                    let carrier = Carrier {
                        progressed: Arc::new(AtomicBool::new(false)),
                        ..carrier.clone()
                    };
                    under_way.insert(task.item.id, task.clone());
                    carrying.spawn(async move {
                        let outcome = carrier.carry(&task).await;
                        let progressed = carrier.progressed.load(Ordering::Relaxed);
                        (task.item.id, outcome, progressed)
                    });
                }
            }
            if carrying.is_empty() {
                return Ok(None);
            }
            tokio::select! {
                Some(ended) = carrying.join_next() => {
                    let (id, outcome, progressed) = ended.unwrap_or_else(|error| {
                        // Nobody aborts it, so it can only have panicked, which is a bug and not to be swallowed.
                        std::panic::resume_unwind(error.into_panic())
                    });
                    let task = under_way.remove(&id).expect("what is carried is under way");
                    is_dry = false;
                    match outcome {
                        Outcome::Done => (self.on_step)(Step::Item(id)),
                        Outcome::Lost => return Ok(None),
                        Outcome::Failed(fault) => {
                            if let Some(trouble) = self.judge(carrier, fingerprint, &task, fault, progressed).await? {
                                return Ok(Some(trouble));
                            }
                        }
                    }
                }
                _ = sign.tick() => if !lease::keep(core, carrier.token).await? {
                    return Ok(None);
                },
            }
        }
    }

    /// Decides what a failure means; `Some` where it is the server's and not the item's.
    async fn judge(
        &self,
        carrier: &Carrier,
        fingerprint: &str,
        task: &SyncTask,
        fault: SyncFault,
        progressed: bool,
    ) -> Result<Option<Trouble>> {
        if let SyncFault::Local(StoreError::Busy { .. }) = &fault {
            // Nobody's fault; its turn comes again.
            return Ok(None);
        }
        if let SyncFault::Throttled { wait, .. } = &fault {
            // Should it be this item alone that the server has too much of, others go first the next time.
            let wait = asked(*wait).max(self.sync.patience.first_wait);
            let after_others = (wait * 2).min(LONGEST_ASKED);
            let failure = Failure {
                state: SyncItemState::Retry,
                attempts: task.item.attempts,
                wait: after_others,
                reason: sentence(&fault),
            };
            record(carrier, task, failure).await?;
            return Ok(Some(Trouble::from(fault)));
        }
        let asks_server = matches!(
            fault,
            SyncFault::Passing { .. } | SyncFault::Server(_) | SyncFault::Gone(_)
        );
        if asks_server {
            match carrier.server.fingerprint(false).await {
                Ok(Some(found)) if found == fingerprint => {}
                Ok(_) => {
                    return Ok(Some(Trouble {
                        refused: true,
                        is_other: true,
                        problem: format!("another server stands at '{}' now", self.address),
                        wait: None,
                    }));
                }
                Err(fault) => return Ok(Some(Trouble::from(fault))),
            }
        }
        let SyncPatience {
            first_wait,
            refusals,
            failures,
            ..
        } = self.sync.patience;
        let wait = match &fault {
            SyncFault::Passing { wait, .. } => *wait,
            _ => None,
        };
        let attempts = match (progressed, wait) {
            // It is told to come back, which is no failure.
            (_, Some(_)) => task.item.attempts,
            (true, None) => 1,
            (false, None) => task.item.attempts + 1,
        };
        let (reason, limit) = match &fault {
            SyncFault::Gone(reason) => (
                format!("{reason}; a retry makes it anew, a drop leaves it"),
                0,
            ),
            SyncFault::Refused(reason) => (reason.clone(), refusals),
            other => (sentence(other), failures),
        };
        let state = if attempts >= limit {
            SyncItemState::Dead
        } else {
            SyncItemState::Retry
        };
        let wait = backoff(first_wait, attempts, LONGEST_WAIT).max(asked(wait));
        let failure = Failure {
            state,
            attempts,
            wait,
            reason,
        };
        record(carrier, task, failure).await?;
        Ok(None)
    }
}

/// The versions of a model have its aliases between them: two at once would take away from each other what they were just given.
fn share_a_model(one: &SyncTask, other: &SyncTask) -> bool {
    match (&one.work, &other.work) {
        (
            SyncWork::ModelVersion { version: one, .. },
            SyncWork::ModelVersion { version: other, .. },
        ) => one.model_name == other.model_name,
        _ => false,
    }
}

/// What becomes of an item that failed.
struct Failure {
    state: SyncItemState,
    attempts: u32,
    wait: Duration,
    reason: String,
}

async fn record(carrier: &Carrier, task: &SyncTask, failure: Failure) -> Result<()> {
    let now = carrier.core.clock.now();
    let record = SyncRecord::Failed {
        item: task.item.id,
        state: failure.state,
        attempts: failure.attempts,
        next_try_at: now + failure.wait,
        reason: failure.reason,
    };
    carrier
        .core
        .store
        .record_sync(carrier.token, now, &[record])
        .await?;
    Ok(())
}
