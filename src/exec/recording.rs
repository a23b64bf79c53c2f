//! What of a command goes into the store: its events, its output, and that it is alive.
//!
//! Three tasks, each of which keeps up with the command or lets it go, but never holds it up for longer than a moment.

use super::backlog::{Backlog, Said};
use super::{ExecRequest, Tell};
use crate::domain::{ModelRun, RunId};
use crate::ingest::event::NoEvent;
use crate::ingest::{LISTED, Patience, Recorder, RecorderOptions, Refusal};
use crate::service::{Clock, ModelLifecycleService, ServiceError};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

/// What waits is written at this age.
const OLDEST: Duration = Duration::from_millis(150);
/// So much makes a write worth its transaction.
const ENOUGH_POINTS: usize = 5_000;
const ENOUGH_OUTPUT: usize = 1 << 20;
/// What is kept of each while the store is stuck, in bytes.
const LIMIT: usize = 32 << 20;
const CHANNEL: usize = 64;

/// What of a command was recorded, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    pub events: u64,
    pub points: u64,
    /// Events that were refused; each was told.
    pub bad_events: u64,
    pub output_bytes: u64,
    /// What the store could not take, however long it was asked.
    pub lost_events: u64,
    pub lost_output_bytes: u64,
}

pub(super) struct Recording {
    events: mpsc::Sender<Said>,
    output: mpsc::Sender<Said>,
    /// Dropped to say that the command has ended; a left-over process may hold the channels open.
    ended: (oneshot::Sender<()>, oneshot::Sender<()>),
    event_task: JoinHandle<Written>,
    output_task: JoinHandle<(u64, u64)>,
    heartbeat: AbortHandle,
    /// What tells when the command said something.
    pub(super) clock: Clock,
}

impl Recording {
    pub(super) fn start(
        service: &ModelLifecycleService,
        run: &ModelRun,
        request: &ExecRequest,
        patience: Patience,
    ) -> Self {
        let recorder = Recorder::new(
            service.clone(),
            RecorderOptions {
                default_run: Some(run.run_id.clone()),
                source: run.source.clone(),
                patience: patience.clone(),
            },
        );
        let (events, incoming_events) = mpsc::channel(CHANNEL);
        let (output, incoming_output) = mpsc::channel(CHANNEL);
        let (events_ended, no_more_events) = oneshot::channel();
        let (output_ended, no_more_output) = oneshot::channel();
        let beating = tokio::spawn(beat(service.clone(), run.run_id.clone(), request.heartbeat));
        Self {
            events,
            output,
            ended: (events_ended, output_ended),
            event_task: tokio::spawn(record_events(
                recorder,
                Backlog::new(incoming_events, LIMIT),
                no_more_events,
                request.tell.clone(),
            )),
            output_task: tokio::spawn(record_output(
                service.clone(),
                run.run_id.clone(),
                Backlog::new(incoming_output, LIMIT),
                no_more_output,
                patience,
            )),
            heartbeat: beating.abort_handle(),
            clock: service.clock().clone(),
        }
    }

    pub(super) fn events(&self) -> mpsc::Sender<Said> {
        self.events.clone()
    }

    pub(super) fn output(&self) -> mpsc::Sender<Said> {
        self.output.clone()
    }

    /// Writes what is left and tells what was written.
    pub(super) async fn finish(self) -> Written {
        drop((self.events, self.output, self.ended));
        let written = self.event_task.await.unwrap_or_else(re_raise);
        let (output_bytes, lost_output_bytes) = self.output_task.await.unwrap_or_else(re_raise);
        self.heartbeat.abort();
        Written {
            output_bytes,
            lost_output_bytes,
            ..written
        }
    }
}

/// A task here is never aborted, so it can only have panicked, which is a bug and not to be swallowed.
fn re_raise<T>(error: tokio::task::JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}

async fn beat(service: ModelLifecycleService, run_id: RunId, every: Duration) {
    let mut beats = tokio::time::interval_at(Instant::now() + every, every);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        if let Err(error) = service.runs().heartbeat(&run_id).await {
            tracing::warn!(%error, "a heartbeat was not recorded");
        }
    }
}

async fn record_events(
    mut recorder: Recorder,
    mut lines: Backlog,
    mut no_more: oneshot::Receiver<()>,
    tell: Tell,
) -> Written {
    let mut told = Told {
        tell,
        count: 0,
        fault_seen: false,
    };
    let mut waiting_since: Option<Instant> = None;
    let mut refused_by_store = 0;
    let (mut number, mut ended) = (0, false);
    loop {
        let flush_at = waiting_since.map_or_else(Instant::now, |since| since + OLDEST);
        let line = tokio::select! {
            biased;
            // What was handed over before the end still comes after it.
            _ = &mut no_more, if !ended => {
                ended = true;
                lines.close();
                continue;
            }
            // A few points a second wait for their age, and many for their number.
            () = tokio::time::sleep_until(flush_at), if waiting_since.is_some() => None,
            line = lines.next() => match line {
                Some(line) => Some(line),
                None => break,
            },
        };
        match line {
            Some(line) => {
                number += 1;
                recorder.read_at(line.at);
                match lines.during(recorder.record(number, &line.bytes)).await {
                    Ok(()) | Err(Refusal::NoEvent(NoEvent::Unknown(_))) => {}
                    Err(Refusal::Line(message)) => told.bad(number, &message),
                    Err(Refusal::NoEvent(error)) => told.bad(number, &error.to_string()),
                    Err(Refusal::Store(error)) => {
                        refused_by_store += 1;
                        told.store(&error);
                    }
                }
                waiting_since = match recorder.waiting() {
                    0 => None,
                    _ => waiting_since.or_else(|| Some(Instant::now())),
                };
            }
            None => waiting_since = None,
        }
        if line_due(&recorder, waiting_since) {
            waiting_since = None;
            if let Err(error) = lines.during(recorder.flush()).await {
                told.store(&error);
            }
            told.refused(&mut recorder);
        }
    }
    if let Err(error) = recorder.finish().await {
        told.store(&error);
    }
    told.refused(&mut recorder);
    let tally = recorder.tally();
    Written {
        events: tally.events,
        points: tally.points,
        bad_events: told.count,
        lost_events: recorder.lost() + refused_by_store + lines.dropped().0,
        ..Written::default()
    }
}

/// Enough points, or points whose time has come (then nothing says since when they wait). A run begins and ends at once.
fn line_due(recorder: &Recorder, waiting_since: Option<Instant>) -> bool {
    recorder.waiting() >= ENOUGH_POINTS
        || recorder.waiting_lives() > 0
        || (recorder.waiting() > 0 && waiting_since.is_none())
}

/// What is told of events that are not recorded: the first ones, then only a count at the end.
struct Told {
    tell: Tell,
    count: u64,
    fault_seen: bool,
}

impl Told {
    fn bad(&mut self, number: u64, message: &str) {
        self.count += 1;
        match usize::try_from(self.count).unwrap_or(usize::MAX) {
            count if count <= LISTED => (self.tell)(&format!(
                "event {number} of the command was not recorded: {message}"
            )),
            count if count == LISTED + 1 => {
                (self.tell)("more events were not recorded; they are counted at the end");
            }
            _ => {}
        }
    }

    fn refused(&mut self, recorder: &mut Recorder) {
        for (number, message) in recorder.take_refused() {
            self.bad(number, &message);
        }
        for said in recorder.take_not_uploaded() {
            (self.tell)(&format!("warning: {said}"));
        }
    }

    /// A store that fails goes on failing: it is told once and counted at the end.
    fn store(&mut self, error: &ServiceError) {
        tracing::error!(%error, "events of the command were lost");
        if std::mem::replace(&mut self.fault_seen, true) {
            return;
        }
        (self.tell)(&format!("warning: events were not recorded: {error}"));
    }
}

async fn record_output(
    service: ModelLifecycleService,
    run_id: RunId,
    mut chunks: Backlog,
    mut no_more: oneshot::Receiver<()>,
    patience: Patience,
) -> (u64, u64) {
    let (mut written, mut lost) = (0, 0);
    let mut ended = false;
    loop {
        let mut buffer = tokio::select! {
            biased;
            _ = &mut no_more, if !ended => {
                ended = true;
                chunks.close();
                continue;
            }
            chunk = chunks.next() => match chunk {
                Some(chunk) => chunk.bytes,
                None => break,
            },
        };
        let write_at = Instant::now() + OLDEST;
        while buffer.len() < ENOUGH_OUTPUT {
            match tokio::time::timeout_at(write_at, chunks.next()).await {
                Ok(Some(chunk)) => buffer.extend(chunk.bytes),
                Ok(None) | Err(_) => break,
            }
        }
        let appended = patience.persist(|| service.runs().append_output(&run_id, &buffer));
        match chunks.during(appended).await {
            Ok(()) => written += buffer.len() as u64,
            Err(error) => {
                tracing::error!(%error, "output of the command was lost");
                lost += buffer.len() as u64;
            }
        }
    }
    (written, lost + chunks.dropped().1)
}
