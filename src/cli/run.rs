//! `modeldeck run …`: logged, updated, listed, shown; comparing, histories and artifacts have their own files.

pub mod artifact;
pub mod compare;
pub mod metrics;
pub mod output;
pub mod show;

use super::context::Context;
use super::error::{CliError, Result};
use super::known;
use super::list::{self, Fields, ListArgs};
use super::meant;
use super::output::{Cell, Column, Style, ago};
use super::parse::{Pair, metric, pair, pairs, words};
use super::{exec, ingest};
use crate::domain::filter::{Op, Term, Test};
use crate::domain::{
    ExperimentName, Key, ModelRun, Revision, RunId, RunSource, RunStatus, number, text,
};
use crate::service::{ModelLifecycleService, NewMetric, NewRun, RunUpdate, not_uploaded};
use crate::store::{PageRequest, RunQuery};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record a run; prints its id.
    Log(LogArgs),
    /// Change a run, or add to its metrics.
    Update(UpdateArgs),
    /// List runs, newest first.
    List(ListVerb),
    /// Show a run.
    Show(ShowArgs),
    /// Print the history of one metric.
    Metrics(metrics::MetricsArgs),
    /// Compare runs: metrics with the best marked, and the params that differ.
    Compare(compare::CompareArgs),
    /// Print what the command of a run printed.
    Output(output::OutputArgs),
    /// Run a command as a run: its output, its events and how it ended are recorded.
    Exec(exec::ExecArgs),
    /// Record events from JSON lines, one each.
    Ingest(ingest::IngestArgs),
}

#[derive(Debug, Args)]
pub struct LogArgs {
    #[arg(long, value_name = "NAME")]
    experiment: ExperimentName,
    /// A name for people; made from the id unless given.
    #[arg(long)]
    name: Option<String>,
    /// An id of your own; a fresh one unless given.
    #[arg(long, value_name = "ID")]
    run_id: Option<RunId>,
    /// What went in, written once; again for more.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    params: Vec<Pair>,
    /// What was measured; again for more.
    #[arg(long = "metric", value_name = "K=V[@STEP]", value_parser = metric, allow_hyphen_values = true)]
    metrics: Vec<NewMetric>,
    /// A label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
    #[arg(long, value_parser = words!(RunStatus), ignore_case = true, default_value = "RUNNING")]
    status: RunStatus,
    /// A file that the run left, recorded with its size and digest; again for more.
    #[arg(long = "artifact", value_name = "PATH")]
    artifacts: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[arg(value_name = "ID")]
    run_id: RunId,
    #[arg(long)]
    name: Option<String>,
    #[arg(long, value_parser = words!(RunStatus), ignore_case = true)]
    status: Option<RunStatus>,
    /// Add what went in; a param that is there keeps its value.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    params: Vec<Pair>,
    /// Add a point to a metric; again for more.
    #[arg(long = "metric", value_name = "K=V[@STEP]", value_parser = metric, allow_hyphen_values = true)]
    metrics: Vec<NewMetric>,
    /// Set a label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
    /// Remove a label; again for more.
    #[arg(long = "untag", value_name = "K")]
    untags: Vec<Key>,
    /// A file that the run left, recorded with its size and digest; again for more.
    #[arg(long = "artifact", value_name = "PATH")]
    artifacts: Vec<PathBuf>,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub struct ListVerb {
    #[arg(long, value_name = "NAME", value_parser = known::experiment)]
    experiment: Option<ExperimentName>,
    /// Any of these; again or with commas for more.
    #[arg(long = "status", value_parser = words!(RunStatus), ignore_case = true, value_delimiter = ',')]
    statuses: Vec<RunStatus>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "ID")]
    run_id: RunId,
}

const FIELDS: Fields = Fields {
    plain: &["run_id", "name", "experiment", "status", "user", "host"],
    times: &["created", "started", "ended", "updated"],
    keyed: &["metrics.", "params.", "tags."],
};

/// How many metrics a row of the list shows.
const METRICS_A_ROW: usize = 4;

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Log(args) => log(ctx, args).await,
        Verb::Update(args) => update(ctx, args).await,
        Verb::List(args) => list(ctx, args).await,
        Verb::Show(args) => show::run(ctx, &args.run_id).await,
        Verb::Metrics(args) => metrics::run(ctx, &args).await,
        Verb::Compare(args) => compare::run(ctx, &args).await,
        Verb::Output(args) => output::run(ctx, &args).await,
        Verb::Exec(args) => exec::run(ctx, args).await,
        Verb::Ingest(args) => ingest::run(ctx, args).await,
    }
}

async fn log(ctx: &Context, args: LogArgs) -> Result<()> {
    // Mistakes come before the store, which is made on first use.
    let (params, tags) = (pairs("param", args.params)?, pairs("tag", args.tags)?);
    let artifacts = artifact::describe(&args.artifacts)?;
    let service = ctx.service().await?;
    let new = NewRun {
        run_id: args.run_id,
        experiment_name: args.experiment,
        name: args.name,
        status: args.status,
        params,
        metrics: args.metrics,
        tags,
        artifacts,
        source: RunSource {
            host: Some(service.identity().host.clone()),
            user: Some(service.identity().person().to_owned()),
            directory: std::env::current_dir()
                .ok()
                .map(|directory| directory.to_string_lossy().into_owned()),
            ..RunSource::default()
        },
        happened_at: None,
    };
    let run = service.log_run(new).await?;
    upload(ctx, &service, &run, &args.artifacts).await;
    ctx.out.made(run.run_id.as_str(), &run)
}

/// Gives the files of artifacts to a store that keeps files; what is not taken is recorded all the same, and said.
async fn upload(ctx: &Context, service: &ModelLifecycleService, run: &ModelRun, paths: &[PathBuf]) {
    for path in paths {
        let recorded = artifact::recorded_path(path);
        let Some(artifact) = run.artifacts.iter().find(|known| known.path == recorded) else {
            continue;
        };
        if let Err(error) = service.runs().keep_file(run, artifact, path).await {
            ctx.out.talk(&not_uploaded(artifact, &error));
        }
    }
}

async fn update(ctx: &Context, args: UpdateArgs) -> Result<()> {
    if args.name.is_none()
        && args.status.is_none()
        && args.params.is_empty()
        && args.metrics.is_empty()
        && args.tags.is_empty()
        && args.untags.is_empty()
        && args.artifacts.is_empty()
    {
        return Err(CliError::nothing_to_change());
    }
    let update = RunUpdate {
        name: args.name,
        status: args.status,
        params: pairs("param", args.params)?,
        metrics: args.metrics,
        set_tags: pairs("tag", args.tags)?,
        remove_tags: args.untags,
        artifacts: artifact::describe(&args.artifacts)?,
        source: None,
        happened_at: None,
        reason: args.reason,
        expected: args.revision.map(Revision),
    };
    let service = ctx.service().await?;
    let run_id = meant::run(&service, &args.run_id).await?;
    let found = service.get_run(&run_id).await?.revision;
    let run = service.update_run(&run_id, &update).await?;
    upload(ctx, &service, &run, &args.artifacts).await;
    let sentence = format!(
        "run '{}' is {} at revision {}",
        run.run_id, run.status, run.revision
    );
    if !update.metrics.is_empty() {
        // Points are data, which no revision counts.
        return ctx.out.changed(&run, &sentence);
    }
    ctx.out.changed_since(found, run.revision, &run, &sentence)
}

/// A key that no run has would leave the list in its own order, and a script would take the wrong run for the best.
async fn refuse_unknown_metric(service: &ModelLifecycleService, query: &RunQuery) -> Result<()> {
    let Some(sort) = query.list.sort.as_ref() else {
        return Ok(());
    };
    let Some(key) = sort.field.strip_prefix("metrics.") else {
        return Ok(());
    };
    let mut having = RunQuery::default();
    having.list.filter.terms.push(Term {
        negated: true,
        test: Test::Field {
            field: sort.field.clone(),
            op: Op::Equal,
            value: String::new(),
        },
    });
    let anything = service
        .runs()
        .list(&RunQuery::default(), &PageRequest::first(1))
        .await?;
    let found = service.runs().list(&having, &PageRequest::first(1)).await?;
    if found.rows.is_empty() && !anything.rows.is_empty() {
        return Err(CliError::Usage {
            message: format!("no run has a metric '{}' to sort by", text::visible(key)),
            hint: Some("a key may be followed by ':asc' or ':desc'; params and tags are 'params.K' and 'tags.K'".to_owned()),
        });
    }
    Ok(())
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let query = RunQuery {
        experiment: args.experiment,
        statuses: args.statuses,
        list: args.list.query::<ModelRun>(&FIELDS, &ctx.directions())?,
    };
    let columns = [
        Column::whole("RUN ID"),
        Column::text("NAME"),
        Column::whole("STATUS"),
        Column::text("METRICS"),
        Column::whole("STARTED"),
        Column::text("EXPERIMENT"),
    ];
    refuse_unknown_metric(&service, &query).await?;
    // The metric that the list is sorted by stands first.
    let first = query
        .list
        .sort
        .as_ref()
        .and_then(|sort| sort.field.strip_prefix("metrics."));
    let row = |run: &ModelRun| {
        vec![
            Cell::raw(run.run_id.as_str()),
            Cell::raw(&run.name),
            status_cell(&service, run),
            Cell::shown(some_metrics(run, first)),
            match run.started_at {
                Some(at) => Cell::shown(ago(at, ctx.out.now)),
                None => Cell::empty(),
            },
            Cell::raw(run.experiment_name.as_str()),
        ]
    };
    list::print(
        ctx,
        &args.list,
        "runs",
        &columns,
        row,
        async |page| service.runs().list(&query, &page).await,
        async || service.runs().count(&query).await,
    )
    .await
}

fn some_metrics(run: &ModelRun, first: Option<&str>) -> String {
    let mut metrics: Vec<_> = run.metrics.iter().collect();
    metrics.sort_by_key(|(key, _)| Some(key.as_str()) != first);
    let mut shown: Vec<String> = metrics
        .iter()
        .take(METRICS_A_ROW)
        .map(|(key, point)| format!("{key}={}", number::short(point.value)))
        .collect();
    if metrics.len() > METRICS_A_ROW {
        shown.push(format!("+{}", metrics.len() - METRICS_A_ROW));
    }
    shown.join(" ")
}

/// The status, with a word about silence.
pub(super) fn status_cell(service: &ModelLifecycleService, run: &ModelRun) -> Cell {
    if service.runs().stale_for(run).is_some() {
        return Cell::shown(format!("{} stale", run.status)).styled(Style::Warn);
    }
    Cell::shown(run.status).styled(match run.status {
        RunStatus::Running | RunStatus::Completed => Style::Good,
        RunStatus::Pending => Style::Plain,
        RunStatus::Failed => Style::Bad,
        RunStatus::Killed => Style::Warn,
    })
}
