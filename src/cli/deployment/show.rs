//! `modeldeck deployment show`.

use super::{Listed, health_cell, status_cell};
use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, Sections, Table, precise};
use crate::domain::DeploymentId;
use crate::service::GONE;
use clap::Args;

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "ID")]
    deployment_id: DeploymentId,
}

pub(super) async fn run(ctx: &Context, args: &ShowArgs) -> Result<()> {
    let service = ctx.service().await?;
    let deployment_id = meant::deployment(&service, &args.deployment_id).await?;
    let deployment = service.get_deployment(&deployment_id).await?;
    let is_gone = service
        .registry()
        .find(&deployment.model_name, &deployment.version)
        .await?
        .is_none();
    if ctx.out.json {
        return ctx.out.object(&Listed::of(deployment, is_gone));
    }
    let mut sections = Sections::new(format!("deployment {}", deployment.deployment_id));
    sections
        .field(
            "version",
            Cell::shown(format!("{} {}", deployment.model_name, deployment.version)),
        )
        .optional("the version", is_gone.then(|| format!("is {GONE}")))
        .field("environment", Cell::shown(deployment.environment))
        .field("status", status_cell(deployment.status))
        .field("health", health_cell(deployment.health))
        .optional("replaces the bad", deployment.rollback_from.as_ref())
        .raw("deployed by", &deployment.deployed_by)
        .field("created", Cell::shown(precise(deployment.created_at)))
        .optional("active since", deployment.activated_at.map(precise))
        .optional("ended", deployment.ended_at.map(precise))
        .field("revision", Cell::shown(deployment.revision));
    if let Some(endpoint) = &deployment.endpoint {
        sections.begin("endpoint").raw("url", &endpoint.url);
        for (key, value) in &endpoint.options {
            sections.pair(key, value);
        }
    }
    if let Some(check) = &deployment.health_check {
        sections
            .begin("health check")
            .field("protocol", Cell::shown(check.protocol))
            .raw("path", check.path.as_deref().unwrap_or_default())
            .field("period", Cell::shown(format!("{} s", check.period_seconds)))
            .field(
                "time-out",
                Cell::shown(format!("{} s", check.timeout_seconds)),
            )
            .field(
                "thresholds",
                Cell::shown(format!(
                    "healthy after {}, unhealthy after {}",
                    check.success_threshold, check.failure_threshold
                )),
            );
    }
    let mut history = Table::new(&[
        Column::whole("AT"),
        Column::whole("HEALTH"),
        Column::text("DETAIL"),
    ]);
    for sample in &deployment.health_history {
        history.push(vec![
            Cell::shown(precise(sample.at)),
            health_cell(sample.health),
            Cell::raw(sample.detail.as_deref().unwrap_or_default()),
        ]);
    }
    sections.begin("health history").table(history);
    sections.text("reason", deployment.reason.as_deref().unwrap_or_default());
    ctx.out.sections(&sections)
}
