//! What `model show` tells of a version's life beside the version itself: its history, where it serves and served, how it drifted.

use crate::cli::context::Context;
use crate::cli::deployment::{health_cell, status_cell};
use crate::cli::drift::severity_cell;
use crate::cli::error::Result;
use crate::cli::output::{Cell, Column, Sections, Table, moment};
use crate::domain::{AuditEntry, Deployment, DriftEvent, ModelVersion, ObjectKind, number};
use crate::service::ModelLifecycleService;
use crate::store::{DeploymentQuery, DriftQuery, PageRequest};

/// How many of each are told; the lists have all.
const NEWEST: usize = 10;

pub(super) async fn tell(
    ctx: &Context,
    service: &ModelLifecycleService,
    version: &ModelVersion,
    sections: &mut Sections,
) -> Result<()> {
    let page = PageRequest::first(NEWEST);
    let (model, name) = (&version.model_name, &version.version);
    let entries = service
        .audit()
        .history(ObjectKind::ModelVersion, &version.label(), NEWEST)
        .await?;
    let serving = DeploymentQuery {
        model: Some(model.clone()),
        version: Some(name.clone()),
        ..DeploymentQuery::default()
    };
    let drifting = DriftQuery {
        model: Some(model.clone()),
        version: Some(name.clone()),
        ..DriftQuery::default()
    };
    let deployments = service.deployments().list(&serving, &page).await?;
    let events = service.drift().list(&drifting, &page).await?;
    sections.begin("history").table(history(&entries));
    sections
        .begin("deployments")
        .table(served(&deployments.rows));
    sections.begin("drift").table(drifted(&events.rows));
    if deployments.more_after || events.more_after || entries.len() == NEWEST {
        ctx.out.talk(&format!(
            "only the newest {NEWEST} of a kind are shown; 'audit list', 'deployment list' and 'drift list' have all"
        ));
    }
    Ok(())
}

fn history(entries: &[AuditEntry]) -> Table {
    let mut table = Table::new(&[
        Column::whole("AT"),
        Column::text("WHO"),
        Column::whole("ACTION"),
        Column::text("CHANGES"),
        Column::text("REASON"),
    ]);
    for entry in entries {
        table.push(vec![
            Cell::shown(moment(entry.at)),
            Cell::shown(&entry.identity),
            Cell::raw(&entry.action),
            Cell::raw(&entry.changes().join(", ")),
            Cell::raw(entry.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

fn served(deployments: &[Deployment]) -> Table {
    let mut table = Table::new(&[
        Column::whole("DEPLOYMENT ID"),
        Column::whole("ENVIRONMENT"),
        Column::whole("STATUS"),
        Column::whole("HEALTH"),
        Column::whole("SINCE"),
        Column::text("REASON"),
    ]);
    for deployment in deployments {
        let since = deployment.activated_at.unwrap_or(deployment.created_at);
        table.push(vec![
            Cell::raw(deployment.deployment_id.as_str()),
            Cell::shown(deployment.environment),
            status_cell(deployment.status),
            health_cell(deployment.health),
            Cell::shown(moment(since)),
            Cell::raw(deployment.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

fn drifted(events: &[DriftEvent]) -> Table {
    let mut table = Table::new(&[
        Column::whole("EVENT ID"),
        Column::whole("SEVERITY"),
        Column::whole("STATE"),
        Column::text("METRIC"),
        Column::number("BASELINE"),
        Column::number("OBSERVED"),
        Column::whole("LAST SEEN"),
    ]);
    for event in events {
        table.push(vec![
            Cell::raw(event.event_id.as_str()),
            severity_cell(event.severity),
            Cell::shown(event.state),
            Cell::raw(event.metric.as_str()),
            Cell::shown(number::short(event.baseline)),
            Cell::shown(number::short(event.observed)),
            Cell::shown(moment(event.last_seen_at)),
        ]);
    }
    table
}
