//! `modeldeck model …`: registered versions, changed, listed, staged, named; showing and comparing have their own files.

pub mod compare;
pub mod relatives;
pub mod show;

use super::context::Context;
use super::error::{CliError, Result};
use super::known;
use super::list::{self, Fields, ListArgs};
use super::meant;
use super::output::{Cell, Column, Style, ago};
use super::parse::{Pair, measure, measures, pair, pairs, words};
use crate::domain::{
    Alias, ApprovalState, ChecklistStatus, ItemName, Key, ModelName, ModelVersion, Revision, RunId,
    Stage, Version, build_checklist, number,
};
use crate::service::{ModelVersionUpdate, NewModelVersion, StageChange, VersionName};
use crate::store::VersionQuery;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Register a version of a model; prints its name and version.
    Register(RegisterArgs),
    /// Change a version.
    Update(UpdateArgs),
    /// List versions, newest first.
    List(ListVerb),
    /// Show a version.
    Show(show::ShowArgs),
    /// Compare versions by their metrics, the best marked.
    Compare(compare::CompareArgs),
    /// Move a version to a stage.
    Stage(StageArgs),
    /// Give a version a movable name.
    Alias(AliasArgs),
}

#[derive(Debug, Args)]
pub struct RegisterArgs {
    name: ModelName,
    /// The next number unless given.
    #[arg(long)]
    version: Option<Version>,
    /// The run it comes from; its metrics, params and artifacts come along.
    #[arg(long, value_name = "ID")]
    run: Option<RunId>,
    /// Where the model's files are.
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// A metric beside the run's; again for more.
    #[arg(long = "metric", value_name = "K=V", value_parser = measure, allow_hyphen_values = true)]
    metrics: Vec<(Key, f64)>,
    /// A param beside the run's; again for more.
    #[arg(long = "param", value_name = "K=V", value_parser = pair)]
    params: Vec<Pair>,
    /// A label; again for more.
    #[arg(long = "tag", value_name = "K=V", value_parser = pair)]
    tags: Vec<Pair>,
    #[arg(long, default_value_t)]
    description: String,
    /// A required item of its checklist, beside those of the policy; again for more.
    #[arg(long = "item", value_name = "NAME")]
    items: Vec<ItemName>,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name or alias; left out where NAME is NAME@ALIAS.
    version: Option<VersionName>,
    #[arg(long)]
    description: Option<String>,
    /// Where the model's files are. A new place makes approvals stale.
    #[arg(long, value_name = "URI")]
    source: Option<String>,
    /// Set a metric; makes approvals stale. Again for more.
    #[arg(long = "metric", value_name = "K=V", value_parser = measure, allow_hyphen_values = true)]
    metrics: Vec<(Key, f64)>,
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
    #[arg(value_parser = known::model)]
    name: Option<ModelName>,
    #[arg(long, value_parser = words!(Stage), ignore_case = true)]
    stage: Option<Stage>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct StageArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name, or an alias that it has: '3', 'champion', '@champion'.
    version: VersionName,
    #[arg(value_parser = words!(Stage), ignore_case = true)]
    stage: Stage,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub struct AliasArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name, or an alias that it has: '3', 'champion', '@champion'.
    version: VersionName,
    alias: Alias,
    /// Take the alias away from the version instead.
    #[arg(long)]
    remove: bool,
}

/// The fields that lists of versions can be sorted by.
pub(super) const FIELDS: Fields = Fields {
    plain: &[
        "model",
        "version",
        "stage",
        "run_id",
        "source",
        "registered_by",
        "description",
        "approval",
        "items",
        "approvals",
        "waiting",
    ],
    times: &["created", "updated"],
    keyed: &["metrics.", "params.", "tags."],
};

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Register(args) => register(ctx, args).await,
        Verb::Update(args) => update(ctx, args).await,
        Verb::List(args) => list(ctx, args).await,
        Verb::Show(args) => show::run(ctx, &args).await,
        Verb::Compare(args) => compare::run(ctx, &args).await,
        Verb::Stage(args) => stage(ctx, args).await,
        Verb::Alias(args) => alias(ctx, &args).await,
    }
}

async fn register(ctx: &Context, args: RegisterArgs) -> Result<()> {
    let mut new = NewModelVersion {
        model_name: args.name,
        version: args.version,
        run_id: args.run,
        source: args.source,
        metrics: measures(args.metrics)?,
        params: pairs("param", args.params)?,
        tags: pairs("tag", args.tags)?,
        description: args.description,
        checklist: build_checklist(args.items, ChecklistStatus::Pending),
    };
    let service = ctx.service_on_first_use().await?;
    if let Some(run_id) = new.run_id.take() {
        new.run_id = Some(meant::run(&service, &run_id).await?);
    }
    let version = service.register_model_version(new).await?;
    let id = format!(
        "{} {}",
        version.model_name.as_str(),
        version.version.as_str()
    );
    ctx.out.made(&id, &version)
}

async fn update(ctx: &Context, args: UpdateArgs) -> Result<()> {
    let texts = [&args.description, &args.source];
    if texts.iter().all(|text| text.is_none())
        && args.metrics.is_empty()
        && args.tags.is_empty()
        && args.untags.is_empty()
    {
        return Err(CliError::nothing_to_change());
    }
    let update = ModelVersionUpdate {
        description: args.description,
        source: args.source,
        metrics: measures(args.metrics)?,
        set_tags: pairs("tag", args.tags)?,
        remove_tags: args.untags,
        reason: args.reason,
        expected: args.revision.map(Revision),
    };
    let service = ctx.service().await?;
    let (model, version) =
        meant::model_version(ctx, &service, &args.name, args.version.as_ref()).await?;
    let found = service.get_model_version(&model, &version).await?;
    let version = service
        .update_model_version(&model, &version, &update)
        .await?;
    let stale = match version.approval {
        ApprovalState::Stale => "; it changed since it was approved",
        _ => "",
    };
    let sentence = format!(
        "version '{}' is at revision {}{stale}",
        version.label(),
        version.revision
    );
    ctx.out
        .changed_since(found.revision, version.revision, &version, &sentence)
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let query = VersionQuery {
        model: args.name,
        stage: args.stage,
        list: args
            .list
            .query::<crate::service::Review>(&FIELDS, &ctx.directions())?,
        ..VersionQuery::default()
    };
    let columns = [
        Column::text("MODEL"),
        Column::whole("VERSION"),
        Column::whole("STAGE"),
        Column::whole("APPROVAL"),
        Column::text("ALIASES"),
        Column::text("METRICS"),
        Column::text("REGISTERED BY"),
        Column::whole("CREATED"),
    ];
    let row = |version: &ModelVersion| {
        let aliases: Vec<&str> = version.aliases.iter().map(Alias::as_str).collect();
        let metrics: Vec<String> = version
            .metrics
            .iter()
            .take(3)
            .map(|(key, value)| format!("{key}={}", number::short(*value)))
            .collect();
        vec![
            Cell::raw(version.model_name.as_str()),
            Cell::raw(version.version.as_str()),
            stage_cell(version),
            approval_cell(version.approval),
            Cell::raw(&aliases.join(" ")),
            Cell::shown(metrics.join(" ")),
            Cell::raw(&version.registered_by),
            Cell::shown(ago(version.created_at, ctx.out.now)),
        ]
    };
    list::print(
        ctx,
        &args.list,
        "versions",
        &columns,
        row,
        async |page| service.registry().list(&query, &page).await,
        async || service.registry().count(&query).await,
    )
    .await
}

async fn stage(ctx: &Context, args: StageArgs) -> Result<()> {
    let service = ctx.service().await?;
    let before = match args.stage {
        Stage::Production => service.registry().production(&args.name).await?,
        _ => None,
    };
    let change = StageChange {
        reason: args.reason,
        expected: args.revision.map(Revision),
    };
    let version = meant::version(ctx, &service, &args.name, &args.version).await?;
    let found = service.get_model_version(&args.name, &version).await?;
    let version = service
        .set_stage(&args.name, &version, args.stage, &change)
        .await?;
    let mut sentence = format!(
        "version '{}' is in stage {}",
        version.label(),
        version.stage
    );
    if let Some(before) = before.filter(|before| before.version != version.version) {
        let after = service
            .get_model_version(&before.model_name, &before.version)
            .await?;
        sentence = format!(
            "{sentence}; it displaced version '{}', which is {} now",
            after.label(),
            after.stage
        );
    }
    ctx.out
        .changed_since(found.revision, version.revision, &version, &sentence)
}

async fn alias(ctx: &Context, args: &AliasArgs) -> Result<()> {
    let service = ctx.service().await?;
    let version = meant::version(ctx, &service, &args.name, &args.version).await?;
    if !args.remove {
        let version = service.set_alias(&args.name, &version, &args.alias).await?;
        let sentence = format!("alias '{}' means version '{}'", args.alias, version.label());
        return ctx.out.changed(&version, &sentence);
    }
    let version = service
        .registry()
        .remove_alias(&args.name, &version, &args.alias)
        .await?;
    let sentence = format!("alias '{}' means no version now", args.alias);
    ctx.out.changed(&version, &sentence)
}

pub(super) fn stage_cell(version: &ModelVersion) -> Cell {
    if let Some(warning) = version.stage_warning {
        return Cell::shown(format!("{} {warning}", version.stage)).styled(Style::Bad);
    }
    Cell::shown(version.stage).styled(match version.stage {
        Stage::None => Style::Plain,
        Stage::Staging => Style::Warn,
        Stage::Production => Style::Good,
        Stage::Archived => Style::Dim,
    })
}

pub(super) fn approval_cell(approval: ApprovalState) -> Cell {
    Cell::shown(approval).styled(match approval {
        ApprovalState::None => Style::Dim,
        ApprovalState::Pending => Style::Plain,
        ApprovalState::Approved => Style::Good,
        ApprovalState::Rejected => Style::Bad,
        ApprovalState::Stale => Style::Warn,
    })
}
