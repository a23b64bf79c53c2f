//! `modeldeck approval …`: what a version lacks for Production, and the decisions about it.

pub mod decide;
pub mod queue;

use super::context::Context;
use super::error::Result;
use super::known;
use super::meant;
use super::model::{approval_cell, show::review, stage_cell};
use super::output::{Cell, Sections};
use super::parse::words;
use crate::domain::{ChecklistStatus, ItemName, ModelName, ModelVersion, Revision, text};
use crate::service::{ChecklistMark, ModelLifecycleService, NewChecklistItem, VersionName};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the versions that wait for a decision, oldest first.
    List(queue::QueueArgs),
    /// Show where a version stands and exactly what is missing.
    Show(ShowArgs),
    /// Put items on a version's checklist.
    Add(AddArgs),
    /// Mark an item of a version's checklist.
    Mark(MarkArgs),
    /// Approve exactly the content that a version has.
    Approve(decide::ApproveArgs),
    /// Reject exactly the content that a version has.
    Reject(decide::RejectArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name or alias; left out where NAME is NAME@ALIAS.
    version: Option<VersionName>,
}

#[derive(Debug, Args)]
pub struct AddArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name, or an alias that it has: '3', 'champion', '@champion'.
    version: VersionName,
    #[arg(value_name = "ITEM", required = true)]
    items: Vec<ItemName>,
    /// They do not have to be approved.
    #[arg(long)]
    optional: bool,
}

#[derive(Debug, Args)]
pub struct MarkArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name, or an alias that it has: '3', 'champion', '@champion'.
    version: VersionName,
    item: ItemName,
    #[arg(value_parser = words!(ChecklistStatus), ignore_case = true)]
    status: ChecklistStatus,
    /// What was found.
    #[arg(long)]
    note: Option<String>,
    /// The revision that you read; a change by somebody else since is then a conflict.
    #[arg(long, value_name = "N")]
    revision: Option<i64>,
}

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::List(args) => queue::run(ctx, &args).await,
        Verb::Show(args) => show(ctx, &args).await,
        Verb::Add(args) => add(ctx, args).await,
        Verb::Mark(args) => mark(ctx, args).await,
        Verb::Approve(args) => decide::approve(ctx, args).await,
        Verb::Reject(args) => decide::reject(ctx, args).await,
    }
}

async fn show(ctx: &Context, args: &ShowArgs) -> Result<()> {
    let service = ctx.service().await?;
    let (model, version) =
        meant::model_version(ctx, &service, &args.name, args.version.as_ref()).await?;
    let version = service.get_model_version(&model, &version).await?;
    let missing = service.approvals().missing(&version).await?;
    let subject = version.subject();
    if ctx.out.json {
        return ctx.out.object(&json!({
            "model_name": version.model_name,
            "version": version.version,
            "stage": version.stage,
            "stage_warning": version.stage_warning,
            "approval": version.approval,
            "subject": subject,
            "registered_by": version.registered_by,
            "checklist": version.checklist,
            "decisions": version.decisions,
            "approved_by": version.approved_by,
            "approved_at": version.approved_at,
            "approval_notes": version.approval_notes,
            "missing": missing,
            "revision": version.revision,
        }));
    }
    let mut sections = Sections::new(format!("approval of version {}", version.label()));
    sections
        .field("state", approval_cell(version.approval))
        .field("stage", stage_cell(&version))
        .field("subject", Cell::raw(subject.as_str()))
        .raw("registered by", &version.registered_by)
        .raw(
            "approved by",
            version.approved_by.as_deref().unwrap_or_default(),
        );
    review(&mut sections, &version, &missing);
    if missing.is_empty() {
        sections.line(Cell::shown("nothing"));
    }
    ctx.out.sections(&sections)
}

async fn add(ctx: &Context, args: AddArgs) -> Result<()> {
    let service = ctx.service().await?;
    let version = meant::version(ctx, &service, &args.name, &args.version).await?;
    let items: Vec<NewChecklistItem> = args
        .items
        .into_iter()
        .map(|name| NewChecklistItem {
            name,
            required: !args.optional,
        })
        .collect();
    let version = service
        .approvals()
        .append_items(&args.name, &version, &items)
        .await?;
    let sentence = format!(
        "the checklist of version '{}' has {}",
        version.label(),
        text::counted(version.checklist.len() as u64, "item")
    );
    ctx.out.changed(&version, &sentence)
}

async fn mark(ctx: &Context, args: MarkArgs) -> Result<()> {
    let service = ctx.service().await?;
    let mark = ChecklistMark {
        item: args.item,
        status: args.status,
        note: args.note,
    };
    let version = meant::version(ctx, &service, &args.name, &args.version).await?;
    let found = service.get_model_version(&args.name, &version).await?;
    let version = service
        .approvals()
        .mark(
            &args.name,
            &version,
            std::slice::from_ref(&mark),
            mark.note.as_deref(),
            args.revision.map(Revision),
        )
        .await?;
    let sentence = format!(
        "checklist item '{}' of version '{}' is {}",
        mark.item,
        version.label(),
        mark.status
    );
    ctx.out
        .changed_since(found.revision, version.revision, &version, &sentence)
}

/// What stands between a version and Production, as a sentence; nothing where nothing does.
async fn still_missing(service: &ModelLifecycleService, version: &ModelVersion) -> Result<String> {
    let missing = service.approvals().missing(version).await?;
    if missing.is_empty() {
        return Ok(String::new());
    }
    let listed: Vec<String> = missing.iter().map(ToString::to_string).collect();
    Ok(format!(
        "; still missing for Production: {}",
        listed.join("; ")
    ))
}
