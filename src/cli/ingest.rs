//! `modeldeck ingest`: JSON lines from a file or stdin.

use super::context::Context;
use super::error::{CliError, Result};
use crate::domain::{RunId, RunSource, text::counted};
use crate::ingest::{BadLine, IngestFailure, IngestOptions, IngestReport, LISTED, ingest};
use crate::service::ErrorKind;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::future::Future;
use std::io::{IsTerminal as _, Read, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How long a busy store is waited for before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Record events from JSON lines, one each.
///
/// {"event":"run","run_id":"r1","experiment":"fraud","name":"lgbm","params":{"lr":"0.1"},"tags":{}} begins a run, its experiment too when that is
/// missing, or takes one up again
///
/// {"event":"metric","run_id":"r1","key":"loss","value":0.31,"step":10,"timestamp":1760000000000} adds a point; the value may be NaN, Infinity and -Infinity, step and timestamp (ms since 1970) may be left out
///
/// {"event":"param","run_id":"r1","key":"lr","value":"0.1"} and the same with "tag"
///
/// {"event":"artifact","run_id":"r1","path":"model.bin","size":1024,"digest":"sha256:…"} notes a file that the run left
///
/// {"event":"heartbeat","run_id":"r1"} says that the run is alive
///
/// {"event":"end","run_id":"r1","status":"COMPLETED"} ends it COMPLETED, FAILED or KILLED
///
/// Without a run_id an event is of the run in --run. A bad line is told with its number and the good ones are kept; then the exit code is 1. It is 0 only when everything was written.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// A file of events; '-' for stdin.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
    /// The run of events that name none [env: MODELDECK_RUN_ID].
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
}

pub(super) async fn run(ctx: &Context, args: IngestArgs) -> Result<()> {
    let default_run = match args.run {
        Some(run_id) => Some(run_id),
        None => run_of_this_process()?,
    };
    let stop = stop_signal()?;
    let input = open(ctx, &args.file)?;
    let service = ctx.service_on_first_use().await?;
    if let Some(why) = service.read_only() {
        return Err(CliError::Told {
            kind: ErrorKind::Refused,
            message: format!("nothing is changed here: {why}"),
            hint: None,
        });
    }
    let options = IngestOptions {
        default_run,
        source: RunSource {
            host: Some(service.identity().host.clone()),
            user: Some(service.identity().person().to_owned()),
            ..RunSource::default()
        },
        heartbeat: ctx.loaded.settings.runs.heartbeat.unsigned_abs(),
        patience: PATIENCE,
    };
    let out = &ctx.out;
    let progress = progress(&args.file);
    let input = Box::new(progress.wrap_read(input));
    let on_bad = |bad: &BadLine| {
        if !out.json {
            progress.suspend(|| out.talk(&format!("line {}: {}", bad.line, bad.message)));
        }
    };
    super::sync::other_address(ctx, service.sync()).await?;
    let worker = service.sync().start();
    let ended = ingest(&service, input, options, on_bad, stop).await;
    progress.finish_and_clear();
    if let Some(worker) = worker {
        worker.stop().await;
    }
    match ended {
        Ok(report) => {
            tell(ctx, &report)?;
            match report.signal {
                Some(signal) => Err(CliError::Exit(u8::try_from(128 + signal).unwrap_or(1))),
                None if report.bad_lines > 0 => Err(CliError::Exit(1)),
                None => Ok(()),
            }
        }
        Err(IngestFailure { report, error }) => {
            tell(ctx, &report)?;
            out.talk(&format!("stopped after line {}", report.lines));
            Err(error.into())
        }
    }
}

fn run_of_this_process() -> Result<Option<RunId>> {
    match std::env::var("MODELDECK_RUN_ID") {
        Ok(run_id) if !run_id.is_empty() => RunId::new(&run_id)
            .map(Some)
            .map_err(|error| CliError::usage(format!("MODELDECK_RUN_ID: {error}"))),
        _ => Ok(None),
    }
}

fn open(ctx: &Context, file: &PathBuf) -> Result<Box<dyn Read + Send>> {
    if file.as_os_str() == "-" {
        if stdin().is_terminal() {
            ctx.out
                .talk("reading events from the terminal, one a line; Ctrl-D ends it");
        }
        return Ok(Box::new(stdin()));
    }
    let shown = crate::domain::text::visible(&file.to_string_lossy()).into_owned();
    File::open(file)
        .map(|file| Box::new(file) as Box<dyn Read + Send>)
        .map_err(|error| CliError::io(format!("read '{shown}'"), error))
}

/// How much was read, drawn on stderr where that is a terminal: of a file's size, or of a stream while it lasts.
fn progress(file: &Path) -> ProgressBar {
    let size = match file.metadata() {
        Ok(found) if found.is_file() => found.len(),
        // What comes from a terminal is typed: nobody waits for it.
        _ if stdin().is_terminal() => return ProgressBar::hidden(),
        _ => 0,
    };
    let (progress, template) = if size > 0 {
        let template = "{bar:20} {bytes} of {total_bytes} read, {eta} left";
        (ProgressBar::new(size), template)
    } else {
        (ProgressBar::no_length(), "{spinner} {bytes} read")
    };
    let style = ProgressStyle::with_template(template).expect("a fixed template");
    progress.with_style(style)
}

/// The signal that says enough; from now on it does not end the program by itself.
pub(super) fn stop_signal() -> Result<impl Future<Output = i32>> {
    let listen =
        |kind: SignalKind| signal(kind).map_err(|error| CliError::io("listen for signals", error));
    let (mut interrupt, mut terminate) = (
        listen(SignalKind::interrupt())?,
        listen(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    })
}

fn tell(ctx: &Context, report: &IngestReport) -> Result<()> {
    if ctx.out.json {
        return ctx.out.object(report);
    }
    let listed = LISTED as u64;
    if report.bad_lines > listed {
        ctx.out.talk(&format!(
            "and {}",
            counted(report.bad_lines - listed, "more bad line")
        ));
    }
    let written = report.written;
    ctx.out.talk(&format!(
        "{} written: {}, {} begun, {} ended; {}",
        counted(written.events, "event"),
        counted(written.points, "point"),
        counted(written.runs_created, "run"),
        written.runs_ended,
        counted(report.bad_lines, "bad line")
    ));
    Ok(())
}
