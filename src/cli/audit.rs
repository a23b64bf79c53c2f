//! `modeldeck audit …`: the log, listed and verified.

use super::context::Context;
use super::error::{CliError, Result};
use super::list::{Fields, ListArgs, Printer};
use super::output::{Cell, Column, moment};
use super::parse::words;
use crate::domain::{AuditEntry, ObjectKind, text};
use crate::service::ErrorKind;
use crate::store::{AuditQuery, PageFrom, PageRequest};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;

/// How many entries are read at once.
const STRETCH: usize = 1_000;

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List entries, newest first.
    List(ListVerb),
    /// Follow the chain of hashes from the first entry to the last; tells the first bad one.
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
pub struct ListVerb {
    #[arg(long, value_parser = words!(ObjectKind), ignore_case = true)]
    kind: Option<ObjectKind>,
    /// A name or id; for a version 'NAME VERSION'.
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// A verb, as the list shows it.
    #[arg(long, value_name = "VERB")]
    action: Option<String>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {}

/// The log has one order; any other would have to be made of all of it.
const FIELDS: Fields = Fields {
    plain: &["seq"],
    times: &["at"],
    keyed: &[],
};

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::List(args) => list(ctx, args).await,
        Verb::Verify(_) => verify(ctx).await,
    }
}

async fn list(ctx: &Context, args: ListVerb) -> Result<()> {
    let service = ctx.service().await?;
    let order = args.list.order(&FIELDS, &ctx.directions())?;
    let query = AuditQuery {
        kind: args.kind,
        object: args.object,
        action: args.action,
        filter: args.list.filter()?,
    };
    let columns = [
        Column::number("SEQ"),
        Column::whole("AT"),
        Column::text("WHO"),
        Column::whole("ACTION"),
        Column::whole("KIND"),
        Column::text("OBJECT"),
        Column::text("REASON"),
    ];
    let mut printer = Printer::new(ctx, &columns);
    printer.narrowed = args.list.filter.is_some();
    // The store gives them newest first, so the oldest are read from the end.
    let oldest_first = order.is_some_and(|order| !order.descending);
    let limit = args.list.limit;
    let mut from = if oldest_first {
        PageFrom::End
    } else {
        PageFrom::Start
    };
    loop {
        let request = PageRequest {
            from,
            limit: match limit {
                0 => STRETCH,
                limit => (limit - printer.rows).min(STRETCH),
            },
        };
        let mut page = service.audit().list(&query, &request).await?;
        let more = if oldest_first {
            page.rows.reverse();
            page.more_before
        } else {
            page.more_after
        };
        for entry in &page.rows {
            printer.push(entry, &row)?;
        }
        let shown = printer.rows;
        if more && shown == limit {
            printer.end("audit entries")?;
            ctx.out.talk(&format!(
                "{shown} audit entries are shown, and there are more; --limit N shows more, --limit 0 all"
            ));
            return Ok(());
        }
        from = match page.edges.filter(|_| more) {
            Some((first, _)) if oldest_first => PageFrom::Before(first),
            Some((_, last)) => PageFrom::After(last),
            None => return printer.end("audit entries"),
        };
    }
}

fn row(entry: &AuditEntry) -> Vec<Cell> {
    vec![
        Cell::shown(entry.seq),
        Cell::shown(moment(entry.at)),
        Cell::shown(&entry.identity),
        Cell::raw(&entry.action),
        Cell::shown(entry.kind),
        Cell::raw(&entry.object),
        Cell::raw(entry.reason.as_deref().unwrap_or_default()),
    ]
}

/// How many entries are sound, as a sentence.
pub(super) fn sound(entries: i64) -> String {
    let verb = if entries == 1 { "is" } else { "are" };
    let entries = text::counted(entries.unsigned_abs(), "entry");
    format!("{entries} {verb} sound")
}

async fn verify(ctx: &Context) -> Result<()> {
    let service = ctx.service().await?;
    // Drawn on stderr, and only when that is a terminal.
    let spinner = ProgressBar::new_spinner();
    let found = service
        .audit()
        .verify(|seq| {
            spinner.set_message(format!("{seq} entries are sound"));
            spinner.tick();
        })
        .await?;
    spinner.finish_and_clear();
    if ctx.out.json {
        ctx.out.object(&found)?;
    }
    match &found.fault {
        Some(fault) => Err(CliError::Told {
            kind: ErrorKind::Unusable,
            message: format!("the audit log is not sound: {fault}"),
            hint: Some(format!(
                "before it {}; restore a backup, or keep this file as evidence",
                sound(found.entries)
            )),
        }),
        None if ctx.out.json => Ok(()),
        None => ctx
            .out
            .print(&format!("{}, up to {}\n", sound(found.entries), found.head)),
    }
}
