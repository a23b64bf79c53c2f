//! Threads that own a connection each: one writes, two read, one watches for changes.
//!
//! A thread of its own keeps the statement cache warm and costs a few microseconds a job, where a blocking pool costs several times as
//! much. Jobs of one lane wait in one queue. A job's future that is dropped takes the job with it: one that has not begun is
//! skipped and one that runs is interrupted, unless it writes; a write that was accepted is carried through.
//! Knows nothing of what the jobs do.

use super::fault::{Fault, Result};
use super::watch::FileWatch;
use crate::store::StoreError;
use rusqlite::{Connection, InterruptHandle};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce(std::result::Result<&mut Connection, StoreError>) + Send>;
type Connect = Box<dyn Fn() -> std::result::Result<Connection, StoreError> + Send + Sync>;

/// Where a job is. The lock around it is held while a job is interrupted, so that the interruption cannot hit the next one.
enum Stage {
    Waiting,
    Running(Arc<InterruptHandle>),
    Ended,
    Cancelled,
}

struct Job {
    stage: Arc<Mutex<Stage>>,
    work: Work,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    idle: usize,
    started: usize,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    connect: Connect,
    path: PathBuf,
    watch: Option<FileWatch>,
}

/// A queue of jobs and up to `most` threads that work on it, each started when it is first needed.
pub(super) struct Lane {
    shared: Arc<Shared>,
    name: &'static str,
    most: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked left plain data behind, which is as good as before.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a job whose future was dropped.
struct CancelOnDrop(Arc<Mutex<Stage>>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let mut stage = lock(&self.0);
        match &*stage {
            Stage::Waiting => *stage = Stage::Cancelled,
            Stage::Running(interrupt) => interrupt.interrupt(),
            Stage::Ended | Stage::Cancelled => {}
        }
    }
}

impl Lane {
    /// Makes a lane whose threads connect for themselves, and look now and then whether the file is still the one that was opened.
    pub(super) fn new(
        name: &'static str,
        most: usize,
        path: PathBuf,
        watch: Option<FileWatch>,
        connect: impl Fn() -> std::result::Result<Connection, StoreError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                wake: Condvar::new(),
                connect: Box::new(connect),
                path,
                watch,
            }),
            name,
            most,
            threads: Mutex::default(),
        }
    }

    /// Starts a thread on a connection that is open already.
    pub(super) fn start_with(&self, connection: Connection) {
        lock(&self.shared.queue).started += 1;
        self.start(Some(connection));
    }

    fn start(&self, connection: Option<Connection>) {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || work_off(&shared, connection));
        match thread {
            Ok(thread) => lock(&self.threads).push(thread),
            // Jobs that nobody takes are dropped with the lane; their callers are told then.
            Err(error) => {
                tracing::error!(%error, lane = self.name, "a thread of the store could not be started");
                let mut queue = lock(&self.shared.queue);
                queue.started -= 1;
                if queue.started == 0 {
                    queue.jobs.clear();
                }
            }
        }
    }

    fn push(&self, job: Job) {
        let mut queue = lock(&self.shared.queue);
        queue.jobs.push_back(job);
        let more = queue.idle < queue.jobs.len() && queue.started < self.most;
        if more {
            queue.started += 1;
        }
        drop(queue);
        self.shared.wake.notify_one();
        if more {
            self.start(None);
        }
    }

    /// Does a job that ends with its future.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (stage, answer) = self.submit(doing, job);
        let _cancel = CancelOnDrop(stage);
        receive(answer, doing).await
    }

    /// Does a job that is carried through even when nobody waits for it any more.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (_, answer) = self.submit(doing, job);
        receive(answer, doing).await
    }

    fn submit<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> (
        Arc<Mutex<Stage>>,
        oneshot::Receiver<std::result::Result<T, StoreError>>,
    ) {
        let (sender, answer) = oneshot::channel();
        let stage = Arc::new(Mutex::new(Stage::Waiting));
        let path = self.shared.path.clone();
        let work: Work = Box::new(move |connection| {
            let result = connection.map_err(Fault::Told).and_then(job);
            // Nobody may wait any more; that is no fault.
            let _ = sender.send(result.map_err(|fault| fault.told(&path, doing)));
        });
        self.push(Job {
            stage: Arc::clone(&stage),
            work,
        });
        (stage, answer)
    }
}

async fn receive<T>(
    answer: oneshot::Receiver<std::result::Result<T, StoreError>>,
    doing: &'static str,
) -> std::result::Result<T, StoreError> {
    answer.await.unwrap_or_else(|gone| {
        Err(StoreError::Unavailable {
            retry_after: None,
            doing: doing.to_owned(),
            source: gone.into(),
        })
    })
}

/// The life of a thread: one job after the other until the lane closes and the queue is empty.
fn work_off(shared: &Shared, mut connection: Option<Connection>) {
    loop {
        let job = {
            let mut queue = lock(&shared.queue);
            loop {
                if let Some(job) = queue.jobs.pop_front() {
                    break job;
                }
                if queue.closed {
                    return;
                }
                queue.idle += 1;
                queue = shared
                    .wake
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
                queue.idle -= 1;
            }
        };
        let ready = match &shared.watch {
            Some(watch) => watch.look(),
            None => Ok(()),
        };
        let ready = ready.and_then(|()| {
            if connection.is_none() {
                connection = Some((shared.connect)()?);
            }
            Ok(connection.as_mut().expect("it was just connected"))
        });
        match ready {
            Err(error) => (job.work)(Err(error)),
            Ok(connection) => {
                {
                    let mut stage = lock(&job.stage);
                    if matches!(*stage, Stage::Cancelled) {
                        continue;
                    }
                    *stage = Stage::Running(Arc::new(connection.get_interrupt_handle()));
                }
                // A panic is told by its hook, and to the caller by an answer that never comes; its transaction was rolled back on the way
                // out, so the connection is good for the next job.
                let _ = catch_unwind(AssertUnwindSafe(|| (job.work)(Ok(connection))));
                *lock(&job.stage) = Stage::Ended;
            }
        }
    }
}

impl Drop for Lane {
    /// Lets accepted jobs end, then waits for the threads, so that the last connection can tidy up the write-ahead log.
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.wake.notify_all();
        for thread in lock(&self.threads).drain(..) {
            // A panic was told by the hook already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
