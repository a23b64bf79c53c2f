//! The command line's grammar: global flags and the nouns; each noun's verbs stand in its own file.

use super::{approval, audit, completions, config, demo, deployment, doctor, drift, exit};
use super::{experiment, ingest, keys, model, policy, run, store, sync};
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};
use std::path::PathBuf;

/// The life of a machine-learning model, from experiment to production and back, in one terminal.
///
/// Without a command it opens the screen. Data goes to stdout and talk to stderr; what makes a thing prints its identifier alone.
#[derive(Debug, Parser)]
#[command(
    name = "modeldeck",
    version,
    after_help = exit::help(),
    disable_help_subcommand = true,
    subcommand_value_name = "NOUN",
    subcommand_help_heading = "Nouns"
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The grammar as it is parsed and completed: a noun without a verb is a mistake like any other, not a page of help.
pub fn grammar() -> clap::Command {
    Cli::command().mut_subcommands(|noun| {
        if noun.has_subcommands() {
            noun.arg_required_else_help(false)
                .subcommand_value_name("VERB")
                .subcommand_help_heading("Verbs")
        } else {
            noun
        }
    })
}

/// Flags that every command takes, before it or after it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The store: a file, which is made by what begins something, or http(s):// for an MLflow server [env: MODELDECK_STORE].
    #[arg(long, global = true, value_name = "TARGET", display_order = 900)]
    pub store: Option<String>,

    /// The MLflow server that a local store is mirrored to; 'off' for none [env: MLFLOW_TRACKING_URI].
    #[arg(long, global = true, value_name = "URI", display_order = 901)]
    pub tracking_uri: Option<String>,

    /// The config file [env: MODELDECK_CONFIG].
    #[arg(long, global = true, value_name = "FILE", display_order = 902)]
    pub config: Option<PathBuf>,

    /// Print one JSON document instead of text for people; errors too.
    #[arg(long, global = true, display_order = 903)]
    pub json: bool,

    /// Refuse every change.
    #[arg(long, global = true, display_order = 904)]
    pub read_only: bool,

    /// A name to record beside the operating-system user; it makes nobody another person.
    #[arg(long = "as", global = true, value_name = "NAME", display_order = 905)]
    pub claim: Option<String>,

    /// Log more, to the log file; again for more still.
    #[arg(short, long, global = true, action = ArgAction::Count, display_order = 906)]
    pub verbose: u8,
}

/// The nouns.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Experiments: named lines of work that runs belong to.
    #[command(subcommand)]
    Experiment(experiment::Verb),

    /// Runs: what went in, what was measured, what came out.
    #[command(subcommand)]
    Run(run::Verb),

    /// Record events from JSON lines, one each; the same as 'run ingest'.
    Ingest(ingest::IngestArgs),

    /// Registered versions of models and their stages.
    #[command(subcommand)]
    Model(model::Verb),

    /// Checklists and decisions: what a version lacks for Production.
    #[command(subcommand)]
    Approval(approval::Verb),

    /// Drift: measures that moved away from their baselines.
    #[command(subcommand)]
    Drift(drift::Verb),

    /// Deployments: which version serves where.
    #[command(subcommand)]
    Deployment(deployment::Verb),

    /// The mirror of a local store on an MLflow server: what waits, and how it is.
    #[command(subcommand)]
    Sync(sync::Verb),

    /// The audit log: who changed what, when and why.
    #[command(subcommand)]
    Audit(audit::Verb),

    /// The rules that everybody on this store obeys.
    #[command(subcommand)]
    Policy(policy::Verb),

    /// The store itself.
    #[command(subcommand)]
    Store(store::Verb),

    /// Check that everything modeldeck needs is sound.
    Doctor(doctor::DoctorArgs),

    /// Look around in a made-up team's two months of work.
    Demo(demo::DemoArgs),

    /// Print the keys of the screen.
    Keys(keys::KeysArgs),

    /// Show the settings that hold, where each came from, and where files are.
    Config(config::ConfigArgs),

    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}
