//! The command line: reads arguments, calls one operation of the service, prints its answer.
//!
//! No rule of the lifecycle is judged here, and nothing here knows SQL or ratatui. Each noun has its file; `args` holds the grammar,
//! `output` how answers look, `error` and `exit` how it ends when something is refused.

pub mod approval;
pub mod args;
pub mod audit;
pub mod completions;
pub mod config;
pub mod context;
pub mod demo;
pub mod deployment;
pub mod doctor;
pub mod drift;
pub mod error;
pub mod exec;
pub mod exit;
pub mod experiment;
pub mod ingest;
pub mod keys;
pub mod known;
pub mod list;
pub mod meant;
pub mod model;
pub mod output;
pub mod parse;
pub mod policy;
pub mod run;
pub mod screen;
pub mod store;
pub mod sync;
pub mod usage;

pub use args::{Cli, Command, Globals};
pub use context::Context;
pub use error::{CliError, Result};
pub use output::Output;

use crate::logging;
use clap::FromArgMatches as _;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// How long tasks that nobody waits for may take to end.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Runs the program with its arguments and returns how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = args::grammar()
        .try_get_matches_from(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return refuse(error, &arguments),
    };
    let out = Output::of_this_process(cli.globals.json);
    match start(cli, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::from(error.code())
        }
    }
}

/// Prints help and version, which are no mistakes, or tells the mistake.
fn refuse(error: clap::Error, arguments: &[OsString]) -> ExitCode {
    let json = arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .any(|argument| argument == "--json");
    let out = Output::of_this_process(json);
    let rendered = error.render();
    let result = match usage::told(error) {
        Some(mistake) => Err(mistake),
        None if out.colour => out.print(&rendered.ansi().to_string()),
        None => out.print(&rendered.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::from(error.code())
        }
    }
}

/// Reads settings, starts the log and runs the command on a runtime of its own.
fn start(cli: Cli, out: &Output) -> Result<()> {
    // These work however broken the settings are.
    let command = match cli.command {
        Some(Command::Completions(args)) => return completions::run(out, &args),
        Some(Command::Keys(args)) => return keys::run(out, &args),
        Some(Command::Doctor(args)) => {
            return on_runtime(doctor::run(&cli.globals, out, &args));
        }
        command => command,
    };
    let ctx = Context::new(cli.globals, out.clone())?;
    start_log(&ctx);
    tracing::debug!(store = %error::harmless(&ctx.loaded.settings.store.path), "started");
    on_runtime(dispatch(&ctx, command)).inspect_err(|error| {
        if !error.is_silent() {
            tracing::info!(kind = error.kind(), "refused: {}", error.sentence());
        }
    })
}

fn start_log(ctx: &Context) {
    let level = logging::raised(ctx.loaded.settings.log.level, ctx.globals.verbose);
    let started = match &ctx.loaded.paths.log_file {
        Some(path) => logging::start(path, level).map_err(|error| {
            format!(
                "the log '{}' cannot be written: {error}",
                crate::domain::text::visible(&path.to_string_lossy())
            )
        }),
        None => Err("there is no home directory for the log".to_owned()),
    };
    // Whoever reads JSON from stderr reads one document of it, or none.
    if let Err(problem) = started
        && !ctx.out.json
    {
        ctx.out.talk(&format!("warning: {problem}"));
    }
}

fn on_runtime(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CliError::io("start the runtime", error))?;
    let result = runtime.block_on(work);
    // A blocking read of a stdin that says nothing more must not hold up the end.
    runtime.shutdown_timeout(LAST_TASKS);
    result
}

async fn dispatch(ctx: &Context, command: Option<Command>) -> Result<()> {
    match command {
        None => screen::open(ctx).await,
        Some(Command::Experiment(verb)) => experiment::run(ctx, verb).await,
        Some(Command::Run(verb)) => run::run(ctx, verb).await,
        Some(Command::Ingest(args)) => ingest::run(ctx, args).await,
        Some(Command::Model(verb)) => model::run(ctx, verb).await,
        Some(Command::Approval(verb)) => approval::run(ctx, verb).await,
        Some(Command::Drift(verb)) => drift::run(ctx, verb).await,
        Some(Command::Deployment(verb)) => deployment::run(ctx, verb).await,
        Some(Command::Sync(verb)) => sync::run(ctx, verb).await,
        Some(Command::Audit(verb)) => audit::run(ctx, verb).await,
        Some(Command::Policy(verb)) => policy::run(ctx, verb).await,
        Some(Command::Store(verb)) => store::run(ctx, verb).await,
        Some(Command::Demo(args)) => demo::run(ctx, args).await,
        Some(Command::Config(args)) => config::run(ctx, &args),
        Some(Command::Completions(_) | Command::Doctor(_) | Command::Keys(_)) => {
            unreachable!("these ran before the settings were read")
        }
    }
}
