//! Writes that wait for one another are made durable together.
//!
//! Making a transaction durable costs far more than most writes do. So what has gathered while the last transaction ended is carried out in the next one,
//! each write in a savepoint of its own: one that fails takes back what it did and nothing else. Nobody is answered before the
//! commit, so what was acknowledged is kept. Knows nothing of what the writes do.

use super::fault::{Fault, Result};
use super::lane::Lane;
use crate::store::StoreError;
use rusqlite::{Connection, TransactionBehavior, ffi};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// So many writes share a transaction at the most, and none is begun after so long: other programs wait for their turn.
pub(super) const MOST: usize = 256;
const LONGEST: Duration = Duration::from_millis(25);

/// What a write left for the moment when it is known whether the transaction is durable.
struct Done {
    /// SQLite's own fault with the write, if that was why it failed; it may have cost the whole transaction.
    fault: Option<rusqlite::Error>,
    kept: bool,
    /// Answers the caller; a fault is that of the whole transaction.
    answer: Box<dyn FnOnce(Option<rusqlite::Error>)>,
}

/// Takes the fault where its transaction could not begin.
type Write = Box<dyn FnOnce(rusqlite::Result<&Connection>) -> Done + Send>;

struct Waiting {
    ticket: u64,
    write: Write,
}

#[derive(Default)]
struct Queue {
    writes: VecDeque<Waiting>,
    last_ticket: u64,
}

/// The writes of one store that wait for their transaction.
pub(super) struct Group {
    path: PathBuf,
    queue: Mutex<Queue>,
}

impl Group {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            queue: Mutex::default(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing can panic while the lock is held.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a write out on the lane, in a transaction that may hold other writes too. It is carried through even when nobody waits for it any more.
    pub(super) async fn write<T: Send + 'static>(
        self: &Arc<Self>,
        lane: &Lane,
        doing: &'static str,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (ticket, answer) = self.add(doing, job);
        let group = Arc::clone(self);
        let carried_out = lane
            .write(doing, move |connection| {
                group.carry_out(ticket, connection);
                Ok(())
            })
            .await;
        match carried_out {
            // The lane could not work, and no other write took this one along.
            Err(error) if self.withdraw(ticket) => Err(error),
            _ => answer.await.unwrap_or_else(|gone| {
                Err(StoreError::Unavailable {
                    retry_after: None,
                    doing: doing.to_owned(),
                    source: gone.into(),
                })
            }),
        }
    }

    fn add<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> (u64, oneshot::Receiver<std::result::Result<T, StoreError>>) {
        let (sender, answer) = oneshot::channel();
        let path = self.path.clone();
        let write = Box::new(move |connection: rusqlite::Result<&Connection>| {
            let result = connection.map_err(Fault::from).and_then(job);
            let fault = match &result {
                Err(Fault::Sqlite(error)) => Some(again(error)),
                _ => None,
            };
            let kept = result.is_ok();
            let answer = Box::new(move |whole: Option<rusqlite::Error>| {
                let result = match (result, whole) {
                    (Ok(_), Some(error)) => Err(Fault::Sqlite(error)),
                    (result, _) => result,
                };
                // Nobody may wait any more; that is no fault.
                let _ = sender.send(result.map_err(|fault| fault.told(&path, doing)));
            });
            Done {
                fault,
                kept,
                answer,
            }
        });
        let mut queue = self.queue();
        queue.last_ticket += 1;
        let ticket = queue.last_ticket;
        queue.writes.push_back(Waiting { ticket, write });
        (ticket, answer)
    }

    /// Takes a write back; tells whether it was still waiting.
    fn withdraw(&self, ticket: u64) -> bool {
        let mut queue = self.queue();
        let before = queue.writes.len();
        queue.writes.retain(|waiting| waiting.ticket != ticket);
        queue.writes.len() < before
    }

    /// Carries out what waits, until the write of the ticket is among it.
    fn carry_out(&self, ticket: u64, connection: &mut Connection) {
        let due = |queue: &Queue| {
            let first = queue.writes.front();
            first.is_some_and(|waiting| waiting.ticket <= ticket)
        };
        while due(&self.queue()) {
            self.one_transaction(connection);
        }
    }

    fn next(&self) -> Option<Waiting> {
        self.queue().writes.pop_front()
    }

    fn one_transaction(&self, connection: &mut Connection) {
        let began = Instant::now();
        let Some(first) = self.next() else {
            return;
        };
        let mut tx = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(tx) => tx,
            Err(error) => return answer_all(attempt(first, Err(error)), None),
        };
        // The first one needs no savepoint: where it fails the transaction is empty again.
        let mut done = match attempt(first, Ok(&tx)) {
            Some(first) if first.kept => vec![first],
            failed => {
                drop(tx);
                return answer_all(failed, None);
            }
        };
        while done.len() < MOST
            && began.elapsed() < LONGEST
            && let Some(next) = self.next()
        {
            let (outcome, ended) = match tx.savepoint() {
                Err(error) => (attempt(next, Err(again(&error))), Err(error)),
                Ok(savepoint) => {
                    let outcome = attempt(next, Ok(&savepoint));
                    let kept = outcome.as_ref().is_some_and(|outcome| outcome.kept);
                    // Finished without a commit, a savepoint takes back what was done in it.
                    let ended = if kept {
                        savepoint.commit()
                    } else {
                        savepoint.finish()
                    };
                    (outcome, ended)
                }
            };
            let own_fault = outcome
                .as_ref()
                .and_then(|outcome| outcome.fault.as_ref().map(again));
            done.extend(outcome);
            if let Err(error) = ended {
                // Over some failures, a full disk for one, SQLite ends the whole transaction; then that is what concerns all.
                let whole = own_fault.filter(|_| tx.is_autocommit()).unwrap_or(error);
                drop(tx);
                return answer_all(done, Some(&whole));
            }
        }
        match tx.commit() {
            Ok(()) => answer_all(done, None),
            Err(error) => answer_all(done, Some(&error)),
        }
    }
}

/// Does one write. `None` for one that panicked: its hook has told it, and its caller hears of it by an answer that never comes.
fn attempt(waiting: Waiting, connection: rusqlite::Result<&Connection>) -> Option<Done> {
    catch_unwind(AssertUnwindSafe(|| (waiting.write)(connection))).ok()
}

fn answer_all(done: impl IntoIterator<Item = Done>, whole: Option<&rusqlite::Error>) {
    for write in done {
        (write.answer)(whole.map(again));
    }
}

/// The same error once more, for the next of those whom it concerns.
fn again(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            rusqlite::Error::SqliteFailure(*code, message.clone())
        }
        error => {
            let code = error
                .sqlite_error()
                .copied()
                .unwrap_or_else(|| ffi::Error::new(ffi::SQLITE_ERROR));
            rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
        }
    }
}

#[cfg(test)]
mod tests;
