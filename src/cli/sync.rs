//! `modeldeck sync …`: the mirror of a local store on an MLflow server.

use super::context::Context;
use super::error::{CliError, Result};
use super::output::{Cell, Column, Sections, Style, Table, ago};
use crate::domain::text::visible;
use crate::domain::{LeftOutFile, MirrorState, SyncItem, SyncItemState, SyncStatus};
use crate::service::{Drained, ErrorKind, MlflowSync, StoreTarget, SyncProgress};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::time::Duration;

/// So many items are shown.
const SHOWN: usize = 20;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show how the mirror is and what waits.
    Status(StatusArgs),
    /// Carry over what waits, now; the exit code is 9 when something stays.
    Run(RunArgs),
    /// Try an item anew; one whose copy was deleted on the server gets another.
    Retry(RetryArgs),
    /// Give the copy of an item up; a later change of its object queues it again.
    Drop(DropArgs),
}

#[derive(Debug, Args)]
pub struct StatusArgs {}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Mirror everything to this server, whatever the store was mirrored to before.
    #[arg(long)]
    new_server: bool,
    /// Why, for the audit log.
    #[arg(long, requires = "new_server")]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The item, as 'sync status' shows it.
    id: i64,
}

#[derive(Debug, Args)]
pub struct DropArgs {
    /// The item, as 'sync status' shows it.
    id: i64,
    /// Why, for the audit log.
    #[arg(long)]
    reason: String,
}

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    if matches!(ctx.loaded.target()?, StoreTarget::Remote(_)) {
        return Err(CliError::Told {
            kind: ErrorKind::NotPossible,
            message: "this store is an MLflow server; nothing to mirror".to_owned(),
            hint: Some("a local store is mirrored: name one with --store FILE".to_owned()),
        });
    }
    let service = ctx.service().await?;
    let sync = service.sync();
    match verb {
        Verb::Status(_) => {
            other_address(ctx, sync).await?;
            status(ctx, &Picture::of(sync).await?)
        }
        Verb::Run(args) => {
            if args.new_server {
                sync.begin_anew(args.reason.as_deref()).await?;
            }
            let bar = Bar::new();
            let drained = sync.drain(&|progress| bar.show(progress)).await;
            bar.end();
            ended(ctx, &drained?, &Picture::of(sync).await?)
        }
        Verb::Retry(args) => {
            let item = sync.retry(args.id).await?;
            ctx.out
                .changed(&item, &format!("{} is queued again", item.label()))
        }
        Verb::Drop(args) => {
            let item = sync.give_up(args.id, &args.reason).await?;
            ctx.out
                .changed(&item, &format!("the copy of {} is given up", item.label()))
        }
    }
}

/// The mirror in a few words each: where, how, how much waits and since when; `None` for a store without one.
pub(super) fn brief(status: &SyncStatus, now: Timestamp) -> Option<Vec<(&'static str, String)>> {
    let target = status.target.as_ref()?;
    let mut lines = vec![
        ("address", visible(target).into_owned()),
        ("state", status.state.to_string()),
        ("queued", status.depth.to_string()),
    ];
    if status.dead > 0 {
        lines.push(("dead", status.dead.to_string()));
    }
    lines.extend(status.oldest_at.map(|at| ("oldest", ago(at, now))));
    let success = status.last_success_at;
    lines.push((
        "last success",
        success.map_or_else(|| "never".to_owned(), |at| ago(at, now)),
    ));
    Some(lines)
}

/// Tells somebody who named another address that nothing goes there.
pub(super) async fn other_address(ctx: &Context, sync: &MlflowSync) -> Result<()> {
    if !ctx.out.json
        && let Some(told) = sync.other_address().await?
    {
        ctx.out.talk(&told);
    }
    Ok(())
}

/// What there is to say of the mirror.
struct Picture {
    status: SyncStatus,
    items: Vec<SyncItem>,
    left_out: Vec<LeftOutFile>,
}

impl Picture {
    async fn of(sync: &MlflowSync) -> Result<Self> {
        Ok(Self {
            status: sync.status().await?,
            items: sync.items(SHOWN).await?,
            left_out: sync.left_out(None, SHOWN).await?,
        })
    }

    /// The status as one JSON document, with the items that are DEAD, those that wait, and the files that were left out.
    fn document(&self) -> serde_json::Value {
        let (dead, waiting): (Vec<_>, Vec<_>) = self
            .items
            .iter()
            .partition(|item| item.state == SyncItemState::Dead);
        let mut document = serde_json::json!(self.status);
        document["dead_items"] = serde_json::json!(dead);
        document["waiting_items"] = serde_json::json!(waiting);
        document["left_out"] = serde_json::json!(self.left_out);
        document
    }
}

fn status(ctx: &Context, picture: &Picture) -> Result<()> {
    if ctx.out.json {
        return ctx.out.object(&picture.document());
    }
    let status = &picture.status;
    let Some(target) = &status.target else {
        ctx.out.talk(
            "this store is not mirrored; --tracking-uri, the setting sync.tracking_uri or MLFLOW_TRACKING_URI names a server",
        );
        return Ok(());
    };
    let now = ctx.out.now;
    let mut sections = Sections::new(format!(
        "mirror on {}",
        crate::domain::text::visible(target)
    ));
    let style = match status.state {
        MirrorState::Offline | MirrorState::Refused => Style::Bad,
        _ => Style::Plain,
    };
    sections.field("state", Cell::shown(status.state).styled(style));
    sections.field("queued", Cell::shown(status.depth));
    sections.field("dead", Cell::shown(status.dead));
    sections.optional("oldest", status.oldest_at.map(|at| ago(at, now)));
    sections.optional(
        "last success",
        status.last_success_at.map(|at| ago(at, now)),
    );
    sections.optional("next try", status.next_try_at.map(|at| ago(at, now)));
    sections.raw("problem", status.problem.as_deref().unwrap_or_default());
    sections.raw("carried by", status.worker.as_deref().unwrap_or_default());
    ctx.out.sections(&sections)?;
    table(ctx, status, &picture.items)?;
    files(ctx, &picture.left_out)
}

/// Files that were left out; nothing waits for them.
fn files(ctx: &Context, left_out: &[LeftOutFile]) -> Result<()> {
    if left_out.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        Column::whole("NOT UPLOADED"),
        Column::text("FILE"),
        Column::text("OF RUN"),
    ]);
    for file in left_out {
        table.push(vec![
            Cell::raw(&file.reason),
            Cell::raw(&file.path),
            Cell::raw(file.run_id.as_str()),
        ]);
    }
    ctx.out.print("\n")?;
    ctx.out.table(&table)
}

fn table(ctx: &Context, status: &SyncStatus, items: &[SyncItem]) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&[
        Column::whole("ITEM"),
        Column::whole("STATE"),
        Column::whole("TRIES"),
        Column::whole("WAITS"),
        Column::text("WHAT"),
        Column::text("WHY"),
    ]);
    for item in items {
        let style = match item.state {
            SyncItemState::Dead => Style::Bad,
            _ => Style::Plain,
        };
        table.push(vec![
            Cell::shown(item.id),
            Cell::shown(item.state).styled(style),
            Cell::shown(item.attempts),
            Cell::shown(ago(item.queued_at, ctx.out.now)),
            Cell::raw(&item.label()),
            Cell::raw(item.reason.as_deref().unwrap_or_default()),
        ]);
    }
    ctx.out.print("\n")?;
    ctx.out.table(&table)?;
    let all = status.depth + status.dead;
    if all > items.len() as u64 {
        ctx.out.talk(&format!("{} of {all} items", items.len()));
    }
    Ok(())
}

/// Tells how a drain ended, and ends with 9 where something stays.
fn ended(ctx: &Context, drained: &Drained, picture: &Picture) -> Result<()> {
    let (progress, status, items) = (&drained.progress, &drained.status, &picture.items);
    if ctx.out.json {
        ctx.out.object(&picture.document())?;
    } else {
        ctx.out.talk(&format!(
            "{} items and {} points carried over to {}",
            progress.items, progress.points, drained.address
        ));
        if drained.waited_for_another {
            ctx.out
                .talk("another modeldeck was at it, and what it carried over is not counted");
        }
        if progress.left_out > 0 {
            let (files, are) = if progress.left_out == 1 {
                ("file", "is")
            } else {
                ("files", "are")
            };
            ctx.out.talk(&format!(
                "{} {files} that {are} gone or changed could not be uploaded; 'modeldeck sync status' lists them",
                progress.left_out
            ));
        }
    }
    if drained.is_complete() {
        return Ok(());
    }
    let summary = status.summary().unwrap_or_default();
    let why = status
        .problem
        .clone()
        .or_else(|| {
            items.iter().find_map(|item| {
                let reason = item.reason.as_deref()?;
                Some(format!("item {} ({}): {reason}", item.id, item.label()))
            })
        })
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    let message = format!("not everything is on the server ({summary}){why}");
    let hint = if status.dead > 0 {
        "'modeldeck sync status' lists what stays; 'sync retry' and 'sync drop' settle items that are DEAD"
    } else {
        "what is queued waits and is carried over when it can be; 'modeldeck sync status' lists it"
    };
    Err(CliError::Told {
        kind: ErrorKind::Unavailable,
        message,
        hint: Some(hint.to_owned()),
    })
}

/// Progress on stderr, where that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new_spinner().with_style(
            ProgressStyle::with_template("{spinner} {msg}").expect("the template is fixed"),
        );
        bar.enable_steady_tick(Duration::from_millis(120));
        Self(bar)
    }

    fn show(&self, progress: &SyncProgress) {
        let mut message = format!(
            "{} left, {} items and {} points carried over",
            progress.left, progress.items, progress.points
        );
        if let Some((path, done, of)) = &progress.file {
            let share = done.saturating_mul(100).checked_div(*of).unwrap_or(100);
            message = format!(
                "{message}; {} {share} %",
                crate::domain::text::visible(path)
            );
        }
        self.0.set_message(message);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
