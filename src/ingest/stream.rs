//! A whole stream of lines, from its first byte to its end or to a signal.
//!
//! A thread of its own reads, because reading a terminal or a pipe cannot be cancelled; it ends with the stream, or with the program.

use super::{
    BadLine, IngestReport, LONGEST_LINE, LineSplitter, Patience, Recorder, RecorderOptions, Refusal,
};
use crate::domain::{RunId, RunSource};
use crate::service::{Clock, ModelLifecycleService, ServiceError};
use crate::store::StoreError;
use jiff::Timestamp;
use std::future::Future;
use std::io::Read;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

/// How much is read at once, and how many such chunks may wait: enough that reading and writing overlap, and little memory.
const CHUNK: usize = 256 * 1024;
const CHUNKS_WAITING: usize = 4;
/// So many points make a write worth its transaction.
const ENOUGH: usize = 8_000;
/// So many events that begin and end runs, and of runs that begin, are worth theirs.
const ENOUGH_LIVES: usize = 1_000;
/// What waits is written after so long without anything new, and at this age at the latest.
const QUIET: Duration = Duration::from_millis(50);
const OLDEST: Duration = Duration::from_millis(200);

/// How a stream is read.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// The run of events that name none.
    pub default_run: Option<RunId>,
    pub source: RunSource,
    /// How often runs of an open stream are told to be alive.
    pub heartbeat: Duration,
    /// How long a busy store is waited for.
    pub patience: Duration,
}

/// Records every event of a stream. Bad lines are shown to `on_bad` as they come (the first ones, see [`super::LISTED`]) and counted; the others are kept.
///
/// Returns only when everything that was taken is written. `stop` gives the number of a signal: then what was read so far is written and
/// the rest of the stream is left alone. An error is the store's: what was written before it stays, the rest of the stream was not.
pub async fn ingest(
    service: &ModelLifecycleService,
    input: Box<dyn Read + Send>,
    options: IngestOptions,
    mut on_bad: impl FnMut(&BadLine),
    stop: impl Future<Output = i32>,
) -> Result<IngestReport, IngestFailure> {
    let mut chunks = read_in_background(input, service.clock().clone());
    let mut intake = Intake {
        recorder: Recorder::new(
            service.clone(),
            RecorderOptions {
                default_run: options.default_run,
                source: options.source,
                patience: Patience::Limited(options.patience),
            },
        ),
        lines: LineSplitter::default(),
        report: IngestReport::default(),
        bad_meanwhile: Vec::new(),
        on_bad: &mut on_bad,
    };
    let outcome = read_all(&mut intake, &mut chunks, options.heartbeat, stop).await;
    let finished = intake.finish().await;
    match outcome.and(finished) {
        Ok(()) => Ok(intake.report),
        Err(error) => Err(IngestFailure {
            report: Box::new(intake.report),
            error,
        }),
    }
}

/// Why a stream was left, with what was done until then.
#[derive(Debug, thiserror::Error)]
#[error("after line {}: {error}", report.lines)]
pub struct IngestFailure {
    pub report: Box<IngestReport>,
    pub error: ServiceError,
}

async fn read_all(
    intake: &mut Intake<'_>,
    chunks: &mut mpsc::Receiver<std::io::Result<Chunk>>,
    heartbeat: Duration,
    stop: impl Future<Output = i32>,
) -> Result<(), ServiceError> {
    tokio::pin!(stop);
    let mut beat = tokio::time::interval_at(Instant::now() + heartbeat, heartbeat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut waiting_since: Option<Instant> = None;
    loop {
        let flush_at = waiting_since.map_or_else(
            || Instant::now() + heartbeat,
            |since| (Instant::now() + QUIET).min(since + OLDEST),
        );
        tokio::select! {
            biased;
            signal = &mut stop => {
                intake.report.signal = Some(signal);
                // What the reader has handed over was read, so it is recorded.
                while let Ok(Ok(chunk)) = chunks.try_recv() {
                    intake.take(&chunk).await?;
                }
                return Ok(());
            }
            chunk = chunks.recv() => match chunk {
                None => return Ok(()),
                Some(chunk) => {
                    intake.take(&chunk.map_err(not_readable)?).await?;
                    // Others may wait to see a run; with nothing more to read, it has nothing to wait for.
                    if intake.recorder.waiting_lives() > 0 && chunks.is_empty() {
                        intake.flush().await?;
                    }
                }
            },
            () = tokio::time::sleep_until(flush_at), if waiting_since.is_some() => intake.flush().await?,
            _ = beat.tick() => if let Err(error) = intake.recorder.beat().await {
                tracing::warn!(%error, "a heartbeat was not recorded");
            },
        }
        waiting_since = match (intake.recorder.waiting(), waiting_since) {
            (0, _) => None,
            (_, since) => since.or_else(|| Some(Instant::now())),
        };
        if waiting_since.is_some_and(|since| since.elapsed() >= OLDEST) {
            intake.flush().await?;
            waiting_since = None;
        }
    }
}

fn not_readable(error: std::io::Error) -> ServiceError {
    let doing = "read the input".to_owned();
    StoreError::Io {
        doing,
        source: error.into(),
    }
    .into()
}

/// Some bytes of the stream and when they were read, which may be long before the store takes them.
struct Chunk {
    at: Timestamp,
    bytes: Vec<u8>,
}

fn read_in_background(
    mut input: Box<dyn Read + Send>,
    clock: Clock,
) -> mpsc::Receiver<std::io::Result<Chunk>> {
    let (sender, chunks) = mpsc::channel(CHUNKS_WAITING);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match input.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => Ok(Chunk {
                    at: clock.now(),
                    bytes: buffer[..count].to_vec(),
                }),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if sender.blocking_send(read).is_err() || failed {
                return;
            }
        }
    });
    chunks
}

struct Intake<'a> {
    recorder: Recorder,
    lines: LineSplitter,
    report: IngestReport,
    /// Bad lines that are told when those before them are written.
    bad_meanwhile: Vec<(u64, String)>,
    on_bad: &'a mut dyn FnMut(&BadLine),
}

impl Intake<'_> {
    async fn take(&mut self, chunk: &Chunk) -> Result<(), ServiceError> {
        self.recorder.read_at(chunk.at);
        let mut chunk = chunk.bytes.as_slice();
        // The splitter lends lines, so it steps out of `self` while they are recorded.
        let mut lines = std::mem::take(&mut self.lines);
        let mut outcome = Ok(());
        while let Some(line) = lines.next_line(&mut chunk) {
            outcome = self.take_line(line.number, line.bytes).await;
            if outcome.is_err() {
                break;
            }
        }
        self.lines = lines;
        outcome
    }

    async fn take_line(&mut self, number: u64, bytes: Option<&[u8]>) -> Result<(), ServiceError> {
        self.report.lines = number;
        let Some(bytes) = bytes else {
            self.bad(number, format!("longer than {} KiB", LONGEST_LINE / 1024));
            return Ok(());
        };
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(after_mark) if number == 1 => after_mark,
            _ => bytes,
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        match self.recorder.record(number, bytes).await {
            Ok(()) => {}
            Err(Refusal::Line(message)) => self.bad(number, message),
            Err(Refusal::NoEvent(error)) => self.bad(number, error.to_string()),
            Err(Refusal::Store(error)) => return Err(error),
        }
        if self.recorder.waiting() >= ENOUGH || self.recorder.waiting_lives() >= ENOUGH_LIVES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ServiceError> {
        let flushed = self.recorder.flush().await;
        self.collect();
        flushed
    }

    /// Writes the last, unfinished line's event too, and waits until all is written.
    async fn finish(&mut self) -> Result<(), ServiceError> {
        let mut lines = std::mem::take(&mut self.lines);
        let last = match lines.finish() {
            // A signal cut the stream, so a line without an end is not wrong, only half read.
            Some(line) if self.report.signal.is_none() => {
                self.take_line(line.number, line.bytes).await
            }
            _ => Ok(()),
        };
        let finished = self.recorder.finish().await;
        self.collect();
        self.report.written = self.recorder.tally();
        last.and(finished)
    }

    /// Tells the bad lines of what is written now, in their order.
    fn collect(&mut self) {
        let not_uploaded = self.recorder.take_not_uploaded();
        self.report.not_uploaded.extend(not_uploaded);
        let mut bad = std::mem::take(&mut self.bad_meanwhile);
        bad.extend(self.recorder.take_refused());
        bad.sort_by_key(|(line, _)| *line);
        for (line, message) in bad {
            if let Some(bad) = self.report.add_bad(line, message) {
                (self.on_bad)(bad);
            }
        }
    }

    fn bad(&mut self, line: u64, message: String) {
        self.bad_meanwhile.push((line, message));
        // A line before it may still turn out to be bad.
        if self.recorder.waiting() == 0 {
            self.collect();
        }
    }
}
