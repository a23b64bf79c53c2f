//! Carries changes over behind a screen or a running command, and is never waited for: what it has not done the next one does.

use super::MlflowSync;
use super::carry::Step;
use super::session::Sessions;
use crate::service::ServerAddress;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the store is asked whether something was written.
const LOOK: Duration = Duration::from_millis(250);
/// Without a change it is looked at all the same: an item's time may have come, or somebody else may have given up the lease.
const LOOK_ANYWAY: Duration = Duration::from_secs(1);
/// At the end, a server that has answered lately gets a moment for what was written last, and no longer than it goes on answering.
const LATELY: Duration = Duration::from_secs(5);
const LAST_WORDS: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_millis(700);

/// A background task; dropping it leaves the task to end with the program.
#[derive(Debug)]
pub struct SyncWorker {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    sync: MlflowSync,
    /// The lease that is held now.
    held: Arc<Mutex<Option<i64>>>,
    acknowledged: Mutex<Option<Instant>>,
    /// It is about to end: nothing waits for its pace any more.
    hurries: AtomicBool,
    wake: Notify,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl SyncWorker {
    pub(super) fn start(sync: MlflowSync, address: ServerAddress) -> Self {
        let shared = Arc::new(Shared {
            sync,
            held: Arc::default(),
            acknowledged: Mutex::default(),
            hurries: AtomicBool::new(false),
            wake: Notify::new(),
        });
        let task = tokio::spawn(work(Arc::clone(&shared), address));
        Self { shared, task }
    }

    /// Ends it. A server that is answering gets a moment for what was written last; one that is not holds up nobody.
    pub async fn stop(self) {
        if self
            .shared
            .acknowledged()
            .is_some_and(|at| at.elapsed() < LATELY)
        {
            self.last_words().await;
        }
        self.task.abort();
        // It was aborted, so how it ended says nothing.
        let _aborted = self.task.await;
        let held = self
            .shared
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(token) = held
            && let Err(error) = self.shared.sync.core.store.release_sync_lease(token).await
        {
            tracing::warn!(%error, "the mirror's lease was not given back");
        }
    }

    /// Waits for the rest of the queue while the server goes on answering.
    async fn last_words(&self) {
        let began = Instant::now();
        self.shared.hurries.store(true, Ordering::Relaxed);
        self.shared.wake.notify_one();
        while began.elapsed() < LAST_WORDS {
            let heard = self.shared.acknowledged().map_or(began, |at| at.max(began));
            if heard.elapsed() > SILENCE {
                return;
            }
            match self.shared.sync.status().await {
                Ok(status) if status.depth > 0 => {}
                _ => return,
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

impl Shared {
    fn acknowledged(&self) -> Option<Instant> {
        *self
            .acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn work(shared: Arc<Shared>, address: ServerAddress) {
    let steps = Arc::clone(&shared);
    let mut sessions = Sessions {
        sync: &shared.sync,
        address: &address,
        server: None,
        names_it: false,
        elsewhere: None,
        on_step: Arc::new(move |step| {
            if !matches!(step, Step::Bytes { .. }) {
                *steps
                    .acknowledged
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
        }),
        held: Arc::clone(&shared.held),
    };
    loop {
        let before = shared.sync.core.store.change_token().await.ok();
        let hurries = shared.hurries.load(Ordering::Relaxed);
        if let Err(error) = sessions.one(hurries).await {
            tracing::warn!(%error, "nothing was carried to MLflow this time");
        }
        let looked = Instant::now();
        let look = if hurries { LOOK / 5 } else { LOOK };
        loop {
            tokio::select! {
                () = tokio::time::sleep(look) => {}
                () = shared.wake.notified() => break,
            }
            let now = shared.sync.core.store.change_token().await.ok();
            if now != before || looked.elapsed() >= LOOK_ANYWAY {
                break;
            }
        }
    }
}
