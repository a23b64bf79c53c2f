//! Runs somebody's command as a run: captures what it says, records the events it prints, and ends the run as the command ended.
//!
//! The command comes first: its bytes pass through unchanged, its signals reach it once, and a store that fails in the middle never
//! stops it. Knows neither a command line nor SQL; what is to be said to people goes through [`ExecRequest::tell`].
//!
//! ```text
//! child stdout -> pump thread -> our stdout            child stderr -> pump thread -> our stderr
//!                     |-> event lines -> recorder                         |
//!                     '-> bytes ------------> output log <----------------'
//! ```

mod backlog;
mod child;
mod origin;
mod pump;
mod recording;
pub mod redact;
mod scanner;
mod signals;
mod terminal;

use crate::domain::{ExperimentName, ModelRun, Params, RunId, RunSource, RunStatus, Tags};
use crate::ingest::Patience;
use crate::service::{ModelLifecycleService, NewRun, RunUpdate, ServiceError};
use child::{Child, Ended};
use recording::{Recording, Written};
use serde::Serialize;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// For how long a failing store is waited for after the command has ended.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(15);

/// Says a sentence to whoever watches.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What is to be run, and as what.
#[derive(Clone)]
pub struct ExecRequest {
    pub experiment: ExperimentName,
    pub name: Option<String>,
    pub params: Params,
    pub tags: Tags,
    /// The program and its arguments; never empty.
    pub command: Vec<OsString>,
    /// What the command gets as `MODELDECK_STORE`, absolute.
    pub store: PathBuf,
    /// Gets the run id and a line break before the command starts.
    pub run_id_file: Option<PathBuf>,
    pub heartbeat: Duration,
    pub tell: Tell,
}

/// How it went.
#[derive(Debug, Clone, Serialize)]
pub struct ExecReport {
    pub run_id: RunId,
    pub experiment_name: ExperimentName,
    pub status: RunStatus,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    pub wall_seconds: f64,
    #[serde(flatten)]
    pub written: Written,
    /// Whether the end of the run is in the store too.
    pub end_recorded: bool,
}

impl ExecReport {
    /// Whether everything that the command said is in the store.
    pub fn is_complete(&self) -> bool {
        self.end_recorded && self.written.lost_events == 0 && self.written.lost_output_bytes == 0
    }

    /// What a shell would say of the command, unless that would hide that something was lost.
    pub fn code(&self) -> u8 {
        let code = match (self.exit_code, self.signal) {
            (_, Some(signal)) => 128 + signal,
            (Some(code), None) => code,
            (None, None) => 1,
        };
        match u8::try_from(code & 0xff).unwrap_or(1) {
            0 if !self.is_complete() => 1,
            code => code,
        }
    }
}

/// Why the command was not run.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
}

/// Runs a command as a run and returns when both have ended. A command that cannot be started is a FAILED run with the exit code that a shell gives it
/// (127 not found, 126 not executable).
pub async fn exec(
    service: &ModelLifecycleService,
    request: ExecRequest,
) -> Result<ExecReport, ExecError> {
    // Before the run is made, so that no signal finds it without somebody to end it.
    let mut signals = signals::Signals::listen()?;
    let run = begin(service, &request).await?;
    (request.tell)(&format!(
        "run {} of experiment '{}' started",
        run.run_id, run.experiment_name
    ));
    let began = Instant::now();
    let (deadline, patience) = watch::channel(None);
    let patience = Patience::UntilDeadline(patience);
    let recording = Recording::start(service, &run, &request, patience.clone());
    let (ended, seen) = match child::start(&request, &run.run_id) {
        Ok(child) => attend(child, &recording, &mut signals, &request.tell).await,
        Err(error) => {
            (request.tell)(&format!(
                "error: '{}' cannot be started: {error}",
                shown(Path::new(&request.command[0]))
            ));
            let not_found = error.kind() == std::io::ErrorKind::NotFound;
            let ended = Ended::exited(if not_found { 127 } else { 126 });
            (ended, Instant::now())
        }
    };
    // The command's own end: output that trickles in and a store that hangs come after it.
    let wall_seconds = (seen - began).as_secs_f64();
    let happened_at = service.clock().now() - seen.elapsed();
    // Nobody holds the sender of a deadline that is not there any more.
    let _all_gone = deadline.send(Some(Instant::now() + PATIENCE_AT_THE_END));
    let written = recording.finish().await;
    let status = ended.status();
    let update = RunUpdate {
        source: Some(RunSource {
            exit_code: ended.code,
            signal: ended.signal,
            wall_seconds: Some((wall_seconds * 1000.0).round() / 1000.0),
            ..run.source.clone()
        }),
        happened_at: Some(happened_at),
        ..RunUpdate::default()
    };
    let finished = finish(service, &run.run_id, status, update, &patience).await;
    if let Err(error) = &finished {
        (request.tell)(&format!(
            "warning: the end of run {} was not recorded: {error}",
            run.run_id
        ));
    }
    Ok(ExecReport {
        run_id: run.run_id,
        experiment_name: run.experiment_name,
        status: finished.as_ref().map_or(status, |run| run.status),
        exit_code: ended.code,
        signal: ended.signal,
        wall_seconds,
        written,
        end_recorded: finished.is_ok(),
    })
}

async fn begin(
    service: &ModelLifecycleService,
    request: &ExecRequest,
) -> Result<ModelRun, ExecError> {
    let run_id = RunId::fresh();
    let origin = origin::of(&request.command, service.identity()).await;
    if service.experiments().ensure(&request.experiment).await? {
        (request.tell)(&format!("experiment '{}' created", request.experiment));
    }
    let mut tags = request.tags.clone();
    tags.extend(origin.tags);
    let new = NewRun {
        run_id: Some(run_id.clone()),
        name: request.name.clone(),
        params: request.params.clone(),
        tags,
        source: origin.source,
        ..NewRun::new(request.experiment.clone())
    };
    let id_file = match &request.run_id_file {
        None => None,
        // Before the run is made, which is not to be left behind because of a path that was mistyped.
        Some(path) => Some(File::create(path).map_err(|source| ExecError::Io {
            doing: format!("write the run id to '{}'", shown(path)),
            source,
        })?),
    };
    let run = service.log_run(new).await?;
    if let Some(mut file) = id_file
        && let Err(error) = writeln!(file, "{}", run_id.as_str())
    {
        (request.tell)(&format!("warning: the run id was not written: {error}"));
    }
    Ok(run)
}

fn shown(path: &Path) -> String {
    crate::domain::text::visible(&path.to_string_lossy()).into_owned()
}

/// Stands between the command and the world until it has ended and its output is drained; tells how and when it ended.
async fn attend(
    mut child: Child,
    recording: &Recording,
    signals: &mut signals::Signals,
    tell: &Tell,
) -> (Ended, Instant) {
    let mut pumps = pump::start(&mut child, recording, tell);
    let ended = loop {
        tokio::select! {
            ended = child.next_change() => if let Some(ended) = ended {
                break ended;
            },
            signal = signals.next() => child.forward(signal),
        }
    };
    let seen = Instant::now();
    child.take_terminal_back();
    // Whatever the command started may hold its output open for ever.
    let drained = async {
        loop {
            tokio::select! {
                all = pumps.drained() => break all,
                signal = signals.next() => child.forward(signal),
            }
        }
    };
    if !drained.await {
        tell("a process that the command started still holds its output open; not waiting for it");
    }
    (ended, seen)
}

/// Ends the run, unless the command ended it itself, and keeps the captured output as an artifact.
async fn finish(
    service: &ModelLifecycleService,
    run_id: &RunId,
    status: RunStatus,
    update: RunUpdate,
    patience: &Patience,
) -> Result<ModelRun, ServiceError> {
    let runs = service.runs();
    patience.persist(|| runs.finish_output(run_id)).await?;
    patience
        .persist(|| async {
            let run = runs.get(run_id).await?;
            let update = RunUpdate {
                status: (!run.status.is_final()).then_some(status),
                ..update.clone()
            };
            match runs.update(run_id, &update).await {
                // Somebody ended it in this very moment: it stays as it ended.
                Err(ServiceError::TransitionNotAllowed { .. }) => {
                    let update = RunUpdate {
                        status: None,
                        ..update
                    };
                    runs.update(run_id, &update).await
                }
                settled => settled,
            }
        })
        .await
}
