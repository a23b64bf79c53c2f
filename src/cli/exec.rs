//! `modeldeck run exec`: a command as a run.

use super::context::Context;
use super::error::{CliError, Result};
use super::output::duration;
use super::parse::{Pair, pair, pairs};
use crate::domain::{ExperimentName, text::counted};
use crate::exec::{ExecError, ExecReport, ExecRequest, exec};
use crate::service::StoreTarget;
use clap::Args;
use jiff::SignedDuration;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Run a command as a run: its output, its events and how it ended are recorded.
///
/// The command gets MODELDECK_RUN_ID and MODELDECK_STORE. Its stdout and stderr pass through as they come and are kept as the run's
/// output log. Lines that it prints on stdout as JSON events (see 'modeldeck ingest --help') are recorded live; they are kept from the terminal, but not
/// from a pipe. Signals are handed on to it. The run ends COMPLETED, FAILED (the exit code is not 0) or KILLED (a signal ended it), unless the command ended it
/// itself with an 'end' event. What modeldeck has to say stands on stderr.
///
/// The exit code is the command's, 128 and the number for a signal, 127 when the command is not found and 126 when it cannot be started; 1 where it would
/// be 0, but something could not be recorded. A store that fails in the middle does not stop the command.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The experiment of the run; made when it is missing.
    #[arg(long, value_name = "NAME")]
    experiment: ExperimentName,
    /// A name for people; made from the id unless given.
    #[arg(long)]
    name: Option<String>,
    /// What goes in, written once; again for more.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    params: Vec<Pair>,
    /// A label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
    /// Write the run id to a file before the command starts.
    #[arg(long, value_name = "PATH")]
    run_id_file: Option<PathBuf>,
    /// The command and its arguments, behind '--'. What looks like a secret among them is not recorded.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(super) async fn run(ctx: &Context, args: ExecArgs) -> Result<()> {
    let store = match ctx.loaded.target()? {
        StoreTarget::Local(path) => std::path::absolute(&path)
            .map_err(|error| CliError::io("find the working directory", error))?,
        remote @ StoreTarget::Remote(_) => remote.name(),
    };
    let service = ctx.service_on_first_use().await?;
    super::sync::other_address(ctx, service.sync()).await?;
    let out = ctx.out.clone();
    let request = ExecRequest {
        experiment: args.experiment,
        name: args.name,
        params: pairs("param", args.params)?,
        tags: pairs("tag", args.tags)?,
        command: args.command,
        store,
        run_id_file: args.run_id_file,
        heartbeat: ctx.loaded.settings.runs.heartbeat.unsigned_abs(),
        tell: Arc::new(move |sentence| {
            // Under --json the last thing on stderr is one document, and talk would only be in its way.
            if !out.json {
                out.talk(sentence);
            }
        }),
    };
    let worker = service.sync().start();
    let ended = exec(&service, request).await;
    if let Some(worker) = worker {
        worker.stop().await;
    }
    let report = ended.map_err(|error| match error {
        ExecError::Service(error) => CliError::Service(error),
        ExecError::Io { doing, source } => CliError::Io { doing, source },
    })?;
    tell_end(ctx, &report);
    match report.code() {
        0 => Ok(()),
        code => Err(CliError::Exit(code)),
    }
}

fn tell_end(ctx: &Context, report: &ExecReport) {
    if ctx.out.json {
        // Stdout belongs to the command.
        ctx.out.talk_object(report);
        return;
    }
    let how = match (report.exit_code, report.signal) {
        (_, Some(signal)) => format!("signal {signal}"),
        (Some(code), None) => format!("exit code {code}"),
        (None, None) => "its end was not seen".to_owned(),
    };
    let took = if report.wall_seconds < 60.0 {
        format!("{:.1} s", report.wall_seconds)
    } else {
        duration(SignedDuration::try_from_secs_f64(report.wall_seconds).unwrap_or_default())
    };
    let written = &report.written;
    let mut parts = vec![format!(
        "run {} {} after {} ({how}, {})",
        report.run_id,
        report.status,
        took,
        counted(written.points, "point")
    )];
    if written.bad_events > 0 {
        let verb = if written.bad_events == 1 {
            "was"
        } else {
            "were"
        };
        let events = counted(written.bad_events, "event");
        parts.push(format!("{events} {verb} not recorded"));
    }
    let lost: Vec<String> = [
        (written.lost_events, "event", ""),
        (written.lost_output_bytes, "byte", " of output"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, what, of)| format!("{}{of}", counted(count, what)))
    .collect();
    if !lost.is_empty() {
        parts.push(format!(
            "lost, because the store did not take it: {}",
            lost.join(", ")
        ));
    }
    ctx.out.talk(&parts.join("; "));
}
