//! `modeldeck approval list`: the queue of versions that wait.

use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::list::{self, ListArgs};
use crate::cli::model::{FIELDS, approval_cell, stage_cell};
use crate::cli::output::{Cell, Column, ago};
use crate::domain::{ChecklistStatus, ModelVersion, Verdict};
use crate::store::{PageRequest, VersionQuery};
use clap::Args;
use std::collections::HashSet;

#[derive(Debug, Args)]
pub struct QueueArgs {
    /// Every version that has a checklist or a decision, newest first.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    list: ListArgs,
}

pub(super) async fn run(ctx: &Context, args: &QueueArgs) -> Result<()> {
    let service = ctx.service().await?;
    let approvals = service.approvals();
    let query = VersionQuery {
        in_review: true,
        list: args
            .list
            .query::<crate::service::Review>(&FIELDS, &ctx.directions())?,
        ..VersionQuery::default()
    };
    let columns = [
        Column::text("MODEL"),
        Column::whole("VERSION"),
        Column::whole("APPROVAL"),
        Column::whole("STAGE"),
        Column::number("CHECKED"),
        Column::number("APPROVALS"),
        Column::text("REGISTERED BY"),
        Column::whole("UPDATED"),
    ];
    let row = |version: &ModelVersion| row(ctx, version);
    if args.all {
        return list::print(
            ctx,
            &args.list,
            "versions in review",
            &columns,
            row,
            async |page| approvals.list(&query, &page).await,
            async || approvals.count(&query).await,
        )
        .await;
    }
    let mut waiting = approvals.queue().await?;
    if args.list.filter.is_some() || args.list.sort.is_some() {
        // Which versions wait is the service's rule; which of them fit, and in what order, the store's answer.
        let labels: HashSet<String> = waiting.iter().map(ModelVersion::label).collect();
        waiting = approvals.list(&query, &PageRequest::all()).await?.rows;
        waiting.retain(|version| labels.contains(&version.label()));
    }
    list::print_rows(
        ctx,
        args.list.limit,
        "versions that wait for a decision",
        &columns,
        row,
        &waiting,
    )
}

fn row(ctx: &Context, version: &ModelVersion) -> Vec<Cell> {
    let checked = version
        .checklist
        .iter()
        .filter(|item| item.status == ChecklistStatus::Approved)
        .count();
    let subject = version.subject();
    let approvers: HashSet<&str> = version
        .decisions
        .iter()
        .filter(|decision| decision.verdict == Verdict::Approved && decision.subject == subject)
        .map(|decision| decision.approver.as_str())
        .collect();
    vec![
        Cell::raw(version.model_name.as_str()),
        Cell::raw(version.version.as_str()),
        approval_cell(version.approval),
        stage_cell(version),
        Cell::shown(format!("{checked}/{}", version.checklist.len())),
        Cell::shown(approvers.len()),
        Cell::raw(&version.registered_by),
        Cell::shown(ago(version.updated_at, ctx.out.now)),
    ]
}
