//! Carries out the effects of the core against the service, in tasks, and sends answers back through the one channel.
//!
//! Reads have a lane for each place on the screen: a new question ends the task of the old one. Writes go through one ordered
//! lane that nothing on the screen can end; on quit they are waited for. It draws nothing.

mod around;
mod reads;
mod writes;

use super::message::{Failure, Lane, Msg, Question, Ticket, Write};
use crate::service::ModelLifecycleService;
use crate::store::ChangeToken;
use std::collections::HashMap;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};

/// A store that says nothing for so long is told as one that does not answer.
const SILENCE: Duration = Duration::from_secs(3);

/// Runs effects. Dropping it ends the reads.
pub struct Worker {
    service: ModelLifecycleService,
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
        // The first frame does not wait for a store that is slow.
        let token = tokio::time::timeout(SILENCE / 10, service.change_token());
        let seen = token.await.ok().and_then(Result::ok);
        let (writes, waiting) = mpsc::unbounded_channel();
        let (interval, interval_seen) = watch::channel(interval);
        let mut tasks = JoinSet::new();
        tasks.spawn(watch_store(
            service.clone(),
            messages.clone(),
            seen,
            interval_seen,
        ));
        let lane = tokio::spawn(write_in_order(service.clone(), messages.clone(), waiting));
        Self {
            service,
            messages,
            tasks,
            lanes: HashMap::new(),
            writes,
            interval,
            writer: Some(lane),
        }
    }

    /// Starts to answer a question; an unanswered one of the same lane ends.
    pub fn ask(&mut self, lane: Lane, ticket: Ticket, question: Question) {
        let (service, messages) = (self.service.clone(), self.messages.clone());
        let task = self.tasks.spawn(async move {
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
    service: ModelLifecycleService,
    messages: mpsc::Sender<Msg>,
    mut waiting: mpsc::UnboundedReceiver<(Ticket, Write)>,
) {
    while let Some((ticket, write)) = waiting.recv().await {
        let result = writes::carry_out(&service, write)
            .await
            .map_err(|error| Failure::from(&error));
        // A full channel nobody reads any more must not hold up the writes that still wait.
        let _ = messages
            .send_timeout(Msg::Written { ticket, result }, Duration::from_secs(1))
            .await;
    }
}

/// Tells when something was written: cheap questions at an interval, one message for each change seen.
async fn watch_store(
    service: ModelLifecycleService,
    messages: mpsc::Sender<Msg>,
    mut seen: Option<ChangeToken>,
    mut interval: watch::Receiver<Duration>,
) {
    let mut failing = false;
    loop {
        let mut answer = std::pin::pin!(service.change_token());
        let answer = match tokio::time::timeout(SILENCE, &mut answer).await {
            Ok(answer) => answer,
            // The question stays: asking again would only add to what the store has to do.
            Err(_still_silent) => {
                let told = std::mem::replace(&mut failing, true);
                let silence = Msg::Watch(Some(Failure::silence(SILENCE)));
                if !told && messages.send(silence).await.is_err() {
                    return;
                }
                answer.await
            }
        };
        let message = match answer {
            Ok(token) => {
                let changed = seen != Some(token);
                seen = Some(token);
                if std::mem::take(&mut failing) {
                    Some(Msg::Watch(None))
                } else {
                    changed.then_some(Msg::Changed)
                }
            }
            Err(error) => {
                failing = true;
                Some(Msg::Watch(Some(Failure::from(&error))))
            }
        };
        if let Some(message) = message
            && messages.send(message).await.is_err()
        {
            return;
        }
        let mut pause = *interval.borrow_and_update();
        if failing {
            pause = pause.max(Duration::from_secs(2));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = interval.changed() => if changed.is_err() { return },
        }
    }
}
