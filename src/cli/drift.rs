//! `modeldeck drift …`.

use super::context::Context;
use super::error::Result;
use super::known;
use super::list::{self, Fields, ListArgs};
use super::meant;
use super::output::{Cell, Column, Sections, Style, ago, precise};
use super::parse::{real, words};
use crate::domain::drift::is_improvement;
use crate::domain::text::counted;
use crate::domain::{
    DriftEvent, DriftEventId, DriftState, Environment, Key, ModelName, Revision, Severity, Version,
    number,
};
use crate::service::{NewDriftEvent, VersionName};
use crate::store::DriftQuery;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record a measure that moved; prints the event's id.
    Record(RecordArgs),
    /// List drift events, last seen first.
    List(ListVerb),
    /// Show a drift event.
    Show(ShowArgs),
    /// Say that you are looking at it; it goes on counting.
    Ack(AckArgs),
    /// Close it, with a note on how.
    Resolve(ResolveArgs),
}

#[derive(Debug, Args)]
pub struct RecordArgs {
    #[arg(long, value_name = "NAME")]
    model: ModelName,
    /// Its name, or an alias that it has: '3', 'champion', '@champion'.
    #[arg(long)]
    version: VersionName,
    /// A performance metric (accuracy), or a feature and a measure (age/psi).
    #[arg(long, value_name = "K")]
    metric: Key,
    #[arg(long, value_name = "X", value_parser = real, allow_hyphen_values = true)]
    baseline: f64,
    #[arg(long, value_name = "Y", value_parser = real, allow_hyphen_values = true)]
    observed: f64,
    /// Derived from how far it moved unless given.
    #[arg(long, value_parser = words!(Severity), ignore_case = true)]
    severity: Option<Severity>,
    #[arg(long, value_parser = words!(Environment), ignore_case = true)]
    environment: Option<Environment>,
    #[arg(long, value_name = "X", value_parser = real, allow_hyphen_values = true)]
    threshold: Option<f64>,
    /// How many samples the baseline was measured on.
    #[arg(long, value_name = "N")]
    baseline_size: Option<u64>,
    /// How many samples were observed.
    #[arg(long, value_name = "N")]
    observed_size: Option<u64>,
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListVerb {
    #[arg(long, value_name = "NAME", value_parser = known::model)]
    model: Option<ModelName>,
    #[arg(long)]
    version: Option<Version>,
    #[arg(long, value_parser = words!(Severity), ignore_case = true)]
    severity: Option<Severity>,
    /// Any of these; again or with commas for more.
    #[arg(long = "state", value_parser = words!(DriftState), ignore_case = true, value_delimiter = ',')]
    states: Vec<DriftState>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "ID")]
    event_id: DriftEventId,
}

#[derive(Debug, Args)]
pub struct AckArgs {
    #[arg(value_name = "ID")]
    event_id: DriftEventId,
    #[arg(long)]
    note: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub struct ResolveArgs {
    #[arg(value_name = "ID")]
    event_id: DriftEventId,
    /// How it was settled.
    #[arg(long)]
    note: String,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

const FIELDS: Fields = Fields {
    plain: &[
        "event_id",
        "model",
        "version",
        "environment",
        "metric",
        "severity",
        "state",
        "baseline",
        "observed",
        "score",
        "count",
        "note",
    ],
    times: &["first_seen", "last_seen"],
    keyed: &[],
};

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Record(args) => record(ctx, args).await,
        Verb::List(args) => list(ctx, args).await,
        Verb::Show(args) => show(ctx, &args).await,
        Verb::Ack(args) => {
            let service = ctx.service().await?;
            let event_id = meant::drift_event(&service, &args.event_id).await?;
            let read = args.revision.map(Revision);
            let event = service
                .drift()
                .acknowledge(&event_id, args.note.as_deref(), read)
                .await?;
            settled(ctx, &event)
        }
        Verb::Resolve(args) => {
            let service = ctx.service().await?;
            let event_id = meant::drift_event(&service, &args.event_id).await?;
            let event = service
                .drift()
                .resolve(&event_id, &args.note, args.revision.map(Revision))
                .await?;
            settled(ctx, &event)
        }
    }
}

async fn record(ctx: &Context, args: RecordArgs) -> Result<()> {
    let service = ctx.service().await?;
    let version = meant::version(ctx, &service, &args.model, &args.version).await?;
    let new = NewDriftEvent {
        event_id: None,
        model_name: args.model,
        version,
        environment: args.environment,
        metric: args.metric,
        baseline: args.baseline,
        observed: args.observed,
        severity: args.severity,
        threshold: args.threshold,
        baseline_size: args.baseline_size,
        observed_size: args.observed_size,
        note: args.note,
    };
    let event = service.record_drift_event(new).await?;
    let seen = if event.count > 1 {
        format!(", seen {}", counted(event.count, "time"))
    } else {
        String::new()
    };
    let (baseline, observed) = (event.baseline, event.observed);
    let improved = if is_improvement(&event.metric, baseline, observed, &ctx.directions()) {
        "; it improved: if lower is better here, 'metrics.lower_is_better' in the config says so"
    } else {
        ""
    };
    ctx.out.talk(&format!(
        "{} drift of {} on version '{} {}'{seen}{improved}",
        event.severity, event.metric, event.model_name, event.version
    ));
    ctx.out.made(event.event_id.as_str(), &event)
}

fn settled(ctx: &Context, event: &DriftEvent) -> Result<()> {
    let sentence = format!("drift event '{}' is {}", event.event_id, event.state);
    ctx.out.changed(event, &sentence)
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let query = DriftQuery {
        model: args.model,
        version: args.version,
        severity: args.severity,
        states: args.states,
        list: args.list.query::<DriftEvent>(&FIELDS, &ctx.directions())?,
    };
    let columns = [
        Column::whole("EVENT ID"),
        Column::whole("SEVERITY"),
        Column::whole("STATE"),
        Column::text("MODEL"),
        Column::whole("VERSION"),
        Column::whole("ENVIRONMENT"),
        Column::text("METRIC"),
        Column::number("BASELINE"),
        Column::number("OBSERVED"),
        Column::number("COUNT"),
        Column::whole("LAST SEEN"),
    ];
    let row = |event: &DriftEvent| {
        vec![
            Cell::raw(event.event_id.as_str()),
            severity_cell(event.severity),
            Cell::shown(event.state),
            Cell::raw(event.model_name.as_str()),
            Cell::raw(event.version.as_str()),
            event.environment.map(Cell::shown).unwrap_or_default(),
            Cell::raw(event.metric.as_str()),
            Cell::shown(number::short(event.baseline)),
            Cell::shown(number::short(event.observed)),
            Cell::shown(event.count),
            Cell::shown(ago(event.last_seen_at, ctx.out.now)),
        ]
    };
    list::print(
        ctx,
        &args.list,
        "drift events",
        &columns,
        row,
        async |page| service.drift().list(&query, &page).await,
        async || service.drift().count(&query).await,
    )
    .await
}

async fn show(ctx: &Context, args: &ShowArgs) -> Result<()> {
    let service = ctx.service().await?;
    let event_id = meant::drift_event(&service, &args.event_id).await?;
    let event = service.get_drift_event(&event_id).await?;
    if ctx.out.json {
        return ctx.out.object(&event);
    }
    let mut sections = Sections::new(format!("drift event {}", event.event_id));
    sections
        .field(
            "version",
            Cell::shown(format!("{} {}", event.model_name, event.version)),
        )
        .optional("environment", event.environment)
        .raw("metric", event.metric.as_str())
        .field("severity", severity_cell(event.severity))
        .field("state", Cell::shown(event.state))
        .field("baseline", measured(event.baseline, event.baseline_size))
        .field("observed", measured(event.observed, event.observed_size))
        .field("score", Cell::shown(number::short(event.score)))
        .optional("threshold", event.threshold.map(number::short))
        .field("count", Cell::shown(event.count))
        .field("first seen", Cell::shown(precise(event.first_seen_at)))
        .field("last seen", Cell::shown(precise(event.last_seen_at)))
        .raw(
            "decided by",
            event.decided_by.as_deref().unwrap_or_default(),
        )
        .field("revision", Cell::shown(event.revision));
    sections.text("note", event.note.as_deref().unwrap_or_default());
    ctx.out.sections(&sections)
}

fn measured(value: f64, samples: Option<u64>) -> Cell {
    let value = number::short(value);
    Cell::shown(match samples {
        Some(samples) => format!("{value} on {samples} samples"),
        None => value,
    })
}

pub(super) fn severity_cell(severity: Severity) -> Cell {
    Cell::shown(severity).styled(match severity {
        Severity::Low => Style::Plain,
        Severity::Medium | Severity::High => Style::Warn,
        Severity::Critical => Style::Bad,
    })
}
