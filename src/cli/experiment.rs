//! `modeldeck experiment …`.

use super::context::Context;
use super::error::{CliError, Result};
use super::known;
use super::list::{self, Fields, ListArgs};
use super::output::{Cell, Column, Sections, Style, ago, moment, precise};
use super::parse::{Pair, pair, pairs, words};
use crate::domain::{ExperimentName, ExperimentStatus, Key, ModelExperiment, Revision};
use crate::service::{ExperimentUpdate, NewExperiment};
use crate::store::ExperimentQuery;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make an experiment; prints its name.
    Create(CreateArgs),
    /// Change an experiment.
    Update(UpdateArgs),
    /// List experiments, newest first.
    List(ListVerb),
    /// Show an experiment.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    name: ExperimentName,
    /// Who answers for it; you, unless said otherwise.
    #[arg(long)]
    owner: Option<String>,
    #[arg(long, default_value_t)]
    description: String,
    /// A label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[arg(value_parser = known::experiment)]
    name: ExperimentName,
    #[arg(long)]
    description: Option<String>,
    #[arg(long)]
    owner: Option<String>,
    #[arg(long, value_parser = words!(ExperimentStatus), ignore_case = true)]
    status: Option<ExperimentStatus>,
    /// Set a label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
    /// Remove a label; again for more.
    #[arg(long = "untag", value_name = "K")]
    untags: Vec<Key>,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub struct ListVerb {
    #[arg(long)]
    owner: Option<String>,
    #[arg(long, value_parser = words!(ExperimentStatus), ignore_case = true)]
    status: Option<ExperimentStatus>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_parser = known::experiment)]
    name: ExperimentName,
}

const FIELDS: Fields = Fields {
    plain: &["name", "description", "owner", "status"],
    times: &["created", "updated"],
    keyed: &["tags."],
};

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Create(args) => create(ctx, args).await,
        Verb::Update(args) => update(ctx, args).await,
        Verb::List(args) => list(ctx, args).await,
        Verb::Show(args) => show(ctx, &args).await,
    }
}

async fn create(ctx: &Context, args: CreateArgs) -> Result<()> {
    let new = NewExperiment {
        name: args.name,
        description: args.description,
        owner: args.owner,
        tags: pairs("tag", args.tags)?,
    };
    let experiment = ctx
        .service_on_first_use()
        .await?
        .create_experiment(new)
        .await?;
    ctx.out.made(experiment.name.as_str(), &experiment)
}

async fn update(ctx: &Context, args: UpdateArgs) -> Result<()> {
    let texts = [&args.description, &args.owner];
    if texts.iter().all(|text| text.is_none())
        && args.status.is_none()
        && args.tags.is_empty()
        && args.untags.is_empty()
    {
        return Err(CliError::nothing_to_change());
    }
    let update = ExperimentUpdate {
        description: args.description,
        owner: args.owner,
        status: args.status,
        set_tags: pairs("tag", args.tags)?,
        remove_tags: args.untags,
        reason: args.reason,
        expected: args.revision.map(Revision),
    };
    let service = ctx.service().await?;
    let found = service.get_experiment(&args.name).await?.revision;
    let experiment = service.update_experiment(&args.name, &update).await?;
    let sentence = format!(
        "experiment '{}' is {} at revision {}",
        experiment.name, experiment.status, experiment.revision
    );
    ctx.out
        .changed_since(found, experiment.revision, &experiment, &sentence)
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let query = ExperimentQuery {
        owner: args.owner,
        status: args.status,
        list: args
            .list
            .query::<ModelExperiment>(&FIELDS, &ctx.directions())?,
    };
    let columns = [
        Column::text("NAME"),
        Column::whole("STATUS"),
        Column::text("OWNER"),
        Column::whole("UPDATED"),
        Column::text("DESCRIPTION"),
    ];
    let row = |experiment: &ModelExperiment| {
        vec![
            Cell::raw(experiment.name.as_str()),
            status_cell(experiment.status),
            Cell::raw(&experiment.owner),
            Cell::shown(moment(experiment.updated_at)),
            Cell::raw(experiment.description.lines().next().unwrap_or_default()),
        ]
    };
    list::print(
        ctx,
        &args.list,
        "experiments",
        &columns,
        row,
        async |page| service.experiments().list(&query, &page).await,
        async || service.experiments().count(&query).await,
    )
    .await
}

async fn show(ctx: &Context, args: &ShowArgs) -> Result<()> {
    let experiment = ctx.service().await?.get_experiment(&args.name).await?;
    if ctx.out.json {
        return ctx.out.object(&experiment);
    }
    let mut sections = Sections::new(format!("experiment {}", experiment.name));
    sections
        .field("status", status_cell(experiment.status))
        .raw("owner", &experiment.owner)
        .field("created", Cell::shown(precise(experiment.created_at)))
        .field(
            "updated",
            Cell::shown(ago(experiment.updated_at, ctx.out.now)),
        )
        .field("revision", Cell::shown(experiment.revision));
    sections.map("tags", &experiment.tags);
    sections.text("description", &experiment.description);
    ctx.out.sections(&sections)
}

fn status_cell(status: ExperimentStatus) -> Cell {
    Cell::shown(status).styled(match status {
        ExperimentStatus::Active => Style::Good,
        ExperimentStatus::Completed => Style::Plain,
        ExperimentStatus::Archived => Style::Dim,
    })
}
