//! `modeldeck deployment …`: made, changed, listed, shown, rolled back.

pub mod health;
pub mod show;

use super::context::Context;
use super::error::{CliError, Result};
use super::known;
use super::list::{self, Fields, ListArgs};
use super::meant;
use super::output::{Cell, Column, Style, ago};
use super::parse::words;
use crate::domain::{
    Deployment, DeploymentId, DeploymentStatus, Environment, Health, ModelName, Revision, Stage,
    Version,
};
use crate::service::{
    DeploymentUpdate, ModelLifecycleService, NewDeployment, Rollback, VersionName,
};
use crate::store::DeploymentQuery;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a PENDING deployment of a version; prints its id.
    Create(CreateArgs),
    /// List deployments, newest first.
    List(ListVerb),
    /// Show a deployment.
    Show(show::ShowArgs),
    /// Change a deployment; making one ACTIVE ends the one before it.
    Update(UpdateArgs),
    /// Go back from a bad deployment to a good one; prints the id of the new deployment.
    Rollback(RollbackArgs),
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    #[arg(long, value_name = "NAME")]
    model: ModelName,
    #[arg(long)]
    version: VersionName,
    #[arg(long, value_parser = words!(Environment), ignore_case = true)]
    environment: Environment,
    #[command(flatten)]
    health: health::HealthArgs,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct UpdateArgs {
    #[arg(value_name = "ID")]
    deployment_id: DeploymentId,
    #[arg(long, value_parser = words!(DeploymentStatus), ignore_case = true)]
    status: Option<DeploymentStatus>,
    #[command(flatten)]
    health: health::HealthArgs,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

#[derive(Debug, Args)]
pub struct ListVerb {
    #[arg(long, value_name = "NAME", value_parser = known::model)]
    model: Option<ModelName>,
    #[arg(long)]
    version: Option<Version>,
    #[arg(long, value_parser = words!(Environment), ignore_case = true)]
    environment: Option<Environment>,
    /// Any of these; again or with commas for more.
    #[arg(long = "status", value_parser = words!(DeploymentStatus), ignore_case = true, value_delimiter = ',')]
    statuses: Vec<DeploymentStatus>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The bad deployment.
    #[arg(value_name = "ID")]
    deployment_id: DeploymentId,
    /// The good one; the last good one of the model and environment unless given.
    #[arg(long, value_name = "ID")]
    to: Option<DeploymentId>,
    /// What is wrong.
    #[arg(long)]
    reason: String,
    /// The revision of the bad deployment that was read; a change since then is a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

const FIELDS: Fields = Fields {
    plain: &[
        "deployment_id",
        "model",
        "version",
        "environment",
        "status",
        "health",
        "endpoint",
        "deployed_by",
        "reason",
        "rollback_from",
    ],
    times: &["created", "since", "activated", "ended"],
    keyed: &[],
};

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Create(args) => create(ctx, args).await,
        Verb::List(args) => list(ctx, args).await,
        Verb::Show(args) => show::run(ctx, &args).await,
        Verb::Update(args) => update(ctx, args).await,
        Verb::Rollback(args) => roll_back(ctx, args).await,
    }
}

async fn create(ctx: &Context, args: CreateArgs) -> Result<()> {
    let (endpoint, health_check) = (args.health.endpoint(None)?, args.health.check(None)?);
    let service = ctx.service().await?;
    let version = meant::version(ctx, &service, &args.model, &args.version).await?;
    let new = NewDeployment {
        endpoint,
        health_check,
        reason: args.reason,
        ..NewDeployment::new(args.model, version, args.environment)
    };
    let deployment = service.create_deployment(new).await?;
    ctx.out.made(deployment.deployment_id.as_str(), &deployment)
}

async fn update(ctx: &Context, args: UpdateArgs) -> Result<()> {
    let service = ctx.service().await?;
    let deployment_id = meant::deployment(&service, &args.deployment_id).await?;
    let found = service.get_deployment(&deployment_id).await?;
    let update = DeploymentUpdate {
        status: args.status,
        endpoint: args.health.endpoint(found.endpoint.as_ref())?,
        health_check: args.health.check(found.health_check.as_ref())?,
        reason: args.reason,
        expected: args.revision.map(Revision),
    };
    // What is merged with what was read must not meet something newer.
    let merges = update.endpoint.is_some() || update.health_check.is_some();
    let update = DeploymentUpdate {
        expected: update.expected.or(merges.then_some(found.revision)),
        ..update
    };
    if update.status.is_none()
        && update.endpoint.is_none()
        && update.health_check.is_none()
        && update.reason.is_none()
    {
        return Err(CliError::nothing_to_change());
    }
    let before = match args.status {
        Some(DeploymentStatus::Active) => {
            service
                .deployments()
                .active(&found.model_name, found.environment)
                .await?
        }
        _ => None,
    };
    let deployment = service.update_deployment(&deployment_id, &update).await?;
    let mut sentence = format!(
        "deployment '{}' of version '{} {}' is {} in {}",
        deployment.deployment_id,
        deployment.model_name,
        deployment.version,
        deployment.status,
        deployment.environment
    );
    if let Some(before) = before.filter(|before| before.deployment_id != deployment.deployment_id) {
        let after = service.get_deployment(&before.deployment_id).await?;
        sentence = format!(
            "{sentence}; the one before it, '{}' of version {}, is {} now",
            after.deployment_id, after.version, after.status
        );
    }
    ctx.out.changed(&deployment, &sentence)
}

async fn roll_back(ctx: &Context, args: RollbackArgs) -> Result<()> {
    let service = ctx.service().await?;
    let bad = meant::deployment(&service, &args.deployment_id).await?;
    let to = match &args.to {
        Some(to) => Some(meant::deployment(&service, to).await?),
        None => None,
    };
    let rollback = Rollback {
        to,
        reason: args.reason,
        deployment_id: None,
        expected: args.revision.map(Revision),
    };
    let deployment = service.deployments().roll_back(&bad, &rollback).await?;
    ctx.out.talk(&format!(
        "version '{} {}' serves in {} again{}",
        deployment.model_name,
        deployment.version,
        deployment.environment,
        left_in_production(&service, &bad, &deployment).await?
    ));
    ctx.out.made(deployment.deployment_id.as_str(), &deployment)
}

/// A rollback changes what serves and not the registry, so the bad version may hold the stage still.
async fn left_in_production(
    service: &ModelLifecycleService,
    bad: &DeploymentId,
    good: &Deployment,
) -> Result<String> {
    let bad = service.get_deployment(bad).await?;
    let version = service
        .get_model_version(&bad.model_name, &bad.version)
        .await?;
    if version.stage != Stage::Production || bad.version == good.version {
        return Ok(String::new());
    }
    Ok(format!(
        "; version '{}' is still in stage Production: 'modeldeck model stage {} {} Production --reason …' moves the stage back",
        version.label(),
        good.model_name,
        good.version
    ))
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let query = DeploymentQuery {
        model: args.model,
        version: args.version,
        environment: args.environment,
        statuses: args.statuses,
        list: args.list.query::<Deployment>(&FIELDS, &ctx.directions())?,
    };
    let columns = [
        Column::whole("DEPLOYMENT ID"),
        Column::text("MODEL"),
        Column::whole("VERSION"),
        Column::whole("ENVIRONMENT"),
        Column::whole("STATUS"),
        Column::whole("HEALTH"),
        Column::text("ENDPOINT"),
        Column::text("BY"),
        Column::whole("CREATED"),
        Column::text("REASON"),
    ];
    let gone = service.deployments().gone(&query).await?;
    let row = |listed: &Listed| {
        let deployment = &listed.deployment;
        vec![
            Cell::raw(deployment.deployment_id.as_str()),
            Cell::raw(deployment.model_name.as_str()),
            if listed.version_is_gone {
                Cell::shown(format!("{} (gone)", deployment.version)).styled(Style::Bad)
            } else {
                Cell::raw(deployment.version.as_str())
            },
            Cell::shown(deployment.environment),
            status_cell(deployment.status),
            health_cell(deployment.health),
            match &deployment.endpoint {
                Some(endpoint) => Cell::raw(&endpoint.url),
                None => Cell::empty(),
            },
            Cell::raw(&deployment.deployed_by),
            Cell::shown(ago(deployment.created_at, ctx.out.now)),
            Cell::raw(deployment.reason.as_deref().unwrap_or_default()),
        ]
    };
    list::print(
        ctx,
        &args.list,
        "deployments",
        &columns,
        row,
        async |page| {
            let page = service.deployments().list(&query, &page).await?;
            Ok(page.map(|deployment| {
                let is_gone = gone.is_of(&deployment);
                Listed::of(deployment, is_gone)
            }))
        },
        async || service.deployments().count(&query).await,
    )
    .await?;
    for sentence in gone.sentences() {
        ctx.out.talk(&sentence);
    }
    Ok(())
}

/// A deployment, and whether its version is still there.
#[derive(serde::Serialize)]
struct Listed {
    #[serde(flatten)]
    deployment: Deployment,
    /// Only said where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    version_is_gone: bool,
}

impl Listed {
    fn of(deployment: Deployment, version_is_gone: bool) -> Self {
        Self {
            deployment,
            version_is_gone,
        }
    }
}

pub(super) fn status_cell(status: DeploymentStatus) -> Cell {
    Cell::shown(status).styled(match status {
        DeploymentStatus::Pending => Style::Plain,
        DeploymentStatus::Active => Style::Good,
        DeploymentStatus::Failed => Style::Bad,
        DeploymentStatus::Terminated => Style::Dim,
    })
}

pub(super) fn health_cell(health: Health) -> Cell {
    Cell::shown(health).styled(match health {
        Health::Healthy => Style::Good,
        Health::Unhealthy => Style::Bad,
        Health::Unknown => Style::Dim,
    })
}
