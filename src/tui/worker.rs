//! Carries out the effects of the core against the service, in tasks, and sends answers back through the one channel.
//!
//! Reads have a lane for each place on the screen: a new question ends the task of the old one. Writes go through one ordered
//! lane that nothing on the screen can end; on quit they are waited for. It draws nothing.

mod around;
mod follow;
mod link;
mod meanwhile;
mod reads;
mod writes;

use self::follow::follow;
use self::link::{Link, connect};
use super::message::{Failure, Lane, Msg, Question, Ticket, Write};
use crate::service::{ErrorKind, ModelLifecycleService, ServiceOptions};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};

/// Runs effects. Dropping it ends the reads.
pub struct Worker {
    link: Link,
    /// Makes an attempt to connect begin anew.
    again: Arc<Notify>,
    messages: mpsc::Sender<Msg>,
    tasks: JoinSet<()>,
    lanes: HashMap<Lane, AbortHandle>,
    writes: mpsc::UnboundedSender<(Ticket, Write)>,
    interval: watch::Sender<Duration>,
    writer: Option<tokio::task::JoinHandle<()>>,
}

impl Worker {
    /// Starts the lane of writes and the watch over the store, which asks it at this interval whether something was written.
    ///
    /// What is asked after this sees every write that the watch does not tell.
    pub async fn start(
        service: ModelLifecycleService,
        messages: mpsc::Sender<Msg>,
        interval: Duration,
    ) -> Self {
        let (gate, mut link) = Link::new();
        let following = messages.clone();
        let worker = Self::over(link.clone(), messages, interval, |worker, interval| {
            worker
                .tasks
                .spawn(follow(service, following, gate, interval));
        });
        // The first frame does not wait long for a store that is slow.
        link.service().await;
        worker
    }

    /// The same on a store that is still to be connected to: what is asked waits until it is.
    pub fn connect(
        options: ServiceOptions,
        messages: mpsc::Sender<Msg>,
        interval: Duration,
    ) -> Self {
        let (gate, link) = Link::new();
        let telling = messages.clone();
        Self::over(link, messages, interval, |worker, interval| {
            let again = Arc::clone(&worker.again);
            let connecting = connect(options, telling, gate, again, interval);
            worker.tasks.spawn(connecting);
        })
    }

    fn over(
        link: Link,
        messages: mpsc::Sender<Msg>,
        interval: Duration,
        begin: impl FnOnce(&mut Self, watch::Receiver<Duration>),
    ) -> Self {
        let (writes, waiting) = mpsc::unbounded_channel();
        let (interval, interval_seen) = watch::channel(interval);
        let lane = tokio::spawn(write_in_order(link.clone(), messages.clone(), waiting));
        let mut worker = Self {
            link,
            again: Arc::default(),
            messages,
            tasks: JoinSet::new(),
            lanes: HashMap::new(),
            writes,
            interval,
            writer: Some(lane),
        };
        begin(&mut worker, interval_seen);
        worker
    }

    /// Begins a new attempt to connect, now.
    pub fn connect_now(&self) {
        self.again.notify_one();
    }

    /// Starts to answer a question; an unanswered one of the same lane ends.
    pub fn ask(&mut self, lane: Lane, ticket: Ticket, question: Question) {
        let (mut link, messages) = (self.link.clone(), self.messages.clone());
        let task = self.tasks.spawn(async move {
            let Some(service) = link.service().await else {
                return;
            };
            let answer = reads::answer(&service, question)
                .await
                .map_err(|error| Failure::from(&error));
            let message = Msg::Answer {
                lane,
                ticket,
                answer,
            };
            // The loop is gone when nobody listens; there is nobody left to tell.
            let _ = messages.send(message).await;
        });
        if let Some(old) = self.lanes.insert(lane, task) {
            old.abort();
        }
    }

    /// Lets a change wait for its turn.
    pub fn write(&self, ticket: Ticket, write: Write) {
        // The lane ends only with the worker.
        let _ = self.writes.send((ticket, write));
    }

    /// Sets how often the store is asked whether something was written.
    pub fn watch_every(&self, interval: Duration) {
        self.interval.send_replace(interval);
    }

    /// Waits until a task ended, and tells when it ended by a panic. Never returns while no task runs.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        loop {
            tokio::select! {
                Some(ended) = self.tasks.join_next() => match ended {
                    Err(error) if error.is_panic() => return Err(error),
                    _ => {}
                },
                ended = joined(&mut self.writer) => {
                    self.writer = None;
                    ended?;
                }
            }
        }
    }

    /// Ends the reads, waits for the writes under way, and tells what came of those whose answer nobody saw.
    pub async fn finish(mut self, mut answers: mpsc::Receiver<Msg>, deadline: Duration) -> Last {
        self.tasks.abort_all();
        drop(self.writes);
        let mut refused = Vec::new();
        let mut note = |message| {
            if let Msg::Written {
                result: Err(failure),
                ..
            } = message
            {
                refused.push(failure);
            }
        };
        let mut finished = true;
        if let Some(writer) = self.writer.take() {
            let mut writing = std::pin::pin!(tokio::time::timeout(deadline, writer));
            finished = loop {
                tokio::select! {
                    ended = &mut writing => break matches!(ended, Ok(Ok(()))),
                    Some(message) = answers.recv() => note(message),
                }
            };
        }
        while let Ok(message) = answers.try_recv() {
            note(message);
        }
        Last { finished, refused }
    }
}

/// What came of the changes that were still under way at the end.
#[derive(Debug)]
pub struct Last {
    /// Whether all of them were answered.
    pub finished: bool,
    pub refused: Vec<Failure>,
}

async fn joined(writer: &mut Option<tokio::task::JoinHandle<()>>) -> Result<(), JoinError> {
    match writer {
        Some(writer) => writer.await,
        None => std::future::pending().await,
    }
}

async fn write_in_order(
    mut link: Link,
    messages: mpsc::Sender<Msg>,
    mut waiting: mpsc::UnboundedReceiver<(Ticket, Write)>,
) {
    while let Some((ticket, write)) = waiting.recv().await {
        let Some(service) = link.service().await else {
            return;
        };
        let target = meanwhile::Target::of(&write);
        let result = match writes::carry_out(&service, write).await {
            Ok(written) => Ok(written),
            Err(error) => {
                let mut failure = Failure::from(&error);
                if let (ErrorKind::Conflict, Some(target)) = (failure.kind, &target) {
                    // What cannot be read is not shown; that the race was lost is told all the same.
                    let meanwhile = meanwhile::meanwhile(&service, target).await;
                    failure.meanwhile = meanwhile.ok().flatten().map(Box::new);
                }
                Err(failure)
            }
        };
        // A full channel nobody reads any more must not hold up the writes that still wait.
        let _ = messages
            .send_timeout(Msg::Written { ticket, result }, Duration::from_secs(1))
            .await;
    }
}
