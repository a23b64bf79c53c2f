//! Everything carried over now, for somebody who waits and is told how it goes.

use super::MlflowSync;
use super::carry::Step;
use super::session::{Elsewhere, End, Sessions};
use crate::domain::SyncStatus;
use crate::service::{Result, ServerAddress, ServiceError};
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::sync::Arc;
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
    /// The server, as this program was told of it.
    pub address: String,
    /// Another modeldeck carried things over meanwhile, which are not counted here.
    pub waited_for_another: bool,
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
    let (steps, mut stepped) = tokio::sync::mpsc::unbounded_channel();
    let mut sessions = Sessions {
        sync,
        address,
        server: None,
        names_it: true,
        elsewhere: None,
        on_step: Arc::new(move |step| {
            // Whoever listened has ended.
            let _ = steps.send(step);
        }),
        held: Arc::default(),
    };
    let mut count = Count {
        so_far: SyncProgress::default(),
        items: BTreeSet::new(),
        progress,
    };
    let mut waited_for_another = false;
    count.left(&sync.status().await?);
    let mut waited_until: Option<Instant> = None;
    let mut last_depth = u64::MAX;
    let mut tries_of_server = 0;
    let mut is_first = true;
    loop {
        let end = {
            let session = sessions.one(is_first || tries_of_server > 0);
            tokio::pin!(session);
            let mut beat = tokio::time::interval(Duration::from_millis(300));
            loop {
                tokio::select! {
                    end = &mut session => break end?,
                    Some(step) = stepped.recv() => count.step(step),
                    _ = beat.tick() => count.left(&sync.status().await?),
                }
            }
        };
        while let Ok(step) = stepped.try_recv() {
            count.step(step);
        }
        is_first = false;
        if let End::Elsewhere(elsewhere) = &end {
            return Err(other_server(address, elsewhere));
        }
        waited_for_another |= end == End::Held;
        let status = sync.status().await?;
        count.left(&status);
        if status.depth == 0 {
            break;
        }
        match &end {
            // Once more, a moment later: a server that restarts is there again.
            End::NoServer if tries_of_server < 1 => tries_of_server += 1,
            End::NoServer => break,
            End::Idle | End::Held | End::Elsewhere(_) => tries_of_server = 0,
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
    Ok(Drained {
        progress: count.so_far,
        status,
        waited_for_another,
        address: address.to_string(),
    })
}

/// Counts what was carried over here, and tells it.
struct Count<'a> {
    so_far: SyncProgress,
    items: BTreeSet<i64>,
    progress: &'a (dyn Fn(&SyncProgress) + Send + Sync),
}

impl Count<'_> {
    fn step(&mut self, step: Step) {
        let so_far = &mut self.so_far;
        match step {
            Step::Points(points) => so_far.points += points,
            Step::Bytes { path, done, of } => so_far.file = Some((path, done, of)),
            Step::LeftOut => so_far.left_out += 1,
            Step::Item(id) => {
                // One that changed while it was carried over comes again.
                self.items.insert(id);
                so_far.items = self.items.len() as u64;
            }
            Step::Acknowledged => so_far.file = None,
        }
        (self.progress)(so_far);
    }

    fn left(&mut self, status: &SyncStatus) {
        self.so_far.left = status.depth;
        (self.progress)(&self.so_far);
    }
}

/// The store mirrors to one server at a time, and this program was told of another.
fn other_server(address: &ServerAddress, elsewhere: &Elsewhere) -> ServiceError {
    let known = super::known_as(&elsewhere.tracked);
    match &elsewhere.unreachable {
        None => ServiceError::NotPossible {
            message: format!("this store mirrors to {known}, and '{address}' is another server"),
            hint: super::how_to_move(address),
        },
        Some(problem) => ServiceError::Store(StoreError::Unreachable {
            target: address.to_string(),
            problem: problem.clone(),
            hint: format!(
                "this store mirrors to {known}; without another address 'modeldeck sync run' goes on there"
            ),
        }),
    }
}
