//! Everything carried over now, for somebody who waits and is told how it goes.

use super::MlflowSync;
use super::carry::Step;
use super::session::{End, Sessions};
use crate::domain::SyncStatus;
use crate::service::{Result, ServerAddress};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Items that are due again within this are waited for.
const PATIENCE: Duration = Duration::from_secs(12);

/// How far a drain is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncProgress {
    /// Items that were carried over.
    pub items: u64,
    pub points: u64,
    /// Files among them that were not there any more.
    pub left_out: u64,
    /// Items that wait.
    pub left: u64,
    /// The file that is under way: its path, the bytes that are over, and all of them.
    pub file: Option<(String, u64, u64)>,
}

/// How a drain ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    pub progress: SyncProgress,
    pub status: SyncStatus,
}

impl Drained {
    /// Whether everything is on the server.
    pub fn is_complete(&self) -> bool {
        self.status.depth == 0 && self.status.dead == 0
    }
}

/// Carries over everything that can be, now.
pub(super) async fn drain(
    sync: &MlflowSync,
    address: &ServerAddress,
    progress: &(dyn Fn(&SyncProgress) + Send + Sync),
) -> Result<Drained> {
    let core = &sync.core;
    let so_far = Arc::new(Mutex::new(SyncProgress::default()));
    let (steps, mut stepped) = tokio::sync::mpsc::unbounded_channel();
    let mut sessions = Sessions {
        sync,
        address,
        server: None,
        on_step: Arc::new(move |step| {
            // Whoever listened has ended.
            let _ = steps.send(step);
        }),
        held: Arc::default(),
    };
    let counted = Arc::clone(&so_far);
    let first = sync.status().await?;
    let tell = |step: Option<Step>, status: Option<&SyncStatus>| {
        let mut so_far = counted.lock().unwrap_or_else(PoisonError::into_inner);
        match step {
            Some(Step::Points(points)) => so_far.points += points,
            Some(Step::Bytes { path, done, of }) => so_far.file = Some((path, done, of)),
            Some(Step::LeftOut) => so_far.left_out += 1,
            Some(Step::Acknowledged) => so_far.file = None,
            None => {}
        }
        if let Some(status) = status {
            // What became DEAD meanwhile left the queue, too.
            let gone = (first.depth + first.dead).saturating_sub(status.depth + status.dead);
            so_far.items = so_far.items.max(gone);
            so_far.left = status.depth;
        }
        progress(&so_far);
    };
    tell(None, Some(&first));
    let mut waited_until: Option<Instant> = None;
    let mut last_depth = u64::MAX;
    let mut tries_of_server = 0;
    let mut is_first = true;
    loop {
        let end = {
            let session = sessions.one(is_first || tries_of_server > 0);
            tokio::pin!(session);
            let mut count = tokio::time::interval(Duration::from_millis(300));
            loop {
                tokio::select! {
                    end = &mut session => break end?,
                    Some(step) = stepped.recv() => tell(Some(step), None),
                    _ = count.tick() => tell(None, Some(&sync.status().await?)),
                }
            }
        };
        while let Ok(step) = stepped.try_recv() {
            tell(Some(step), None);
        }
        is_first = false;
        let status = sync.status().await?;
        tell(None, Some(&status));
        if status.depth == 0 {
            break;
        }
        match end {
            // Once more, a moment later: a server that restarts is there again.
            End::NoServer if tries_of_server < 1 => tries_of_server += 1,
            End::NoServer => break,
            End::Idle | End::Held => tries_of_server = 0,
        }
        let now = Instant::now();
        if status.depth < last_depth {
            last_depth = status.depth;
            waited_until = Some(now + PATIENCE);
        } else if waited_until.is_some_and(|until| now >= until) {
            break;
        }
        let soon = core.clock.now() + PATIENCE;
        if end == End::Idle
            && core
                .store
                .due_sync_tasks(soon, false, &[], 1)
                .await?
                .is_empty()
        {
            // What is left hangs on what is DEAD, or has to wait for too long.
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let status = sync.status().await?;
    let progress = so_far
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    Ok(Drained { progress, status })
}
