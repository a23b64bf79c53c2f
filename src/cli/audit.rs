//! `modeldeck audit …`: the log, listed and verified.

use super::context::Context;
use super::error::{CliError, Result};
use super::list::{Fields, ListArgs, Printer};
use super::output::{Cell, Column, moment};
use super::parse::words;
use crate::domain::filter::{FieldValue, Filterable};
use crate::domain::{AuditEntry, Filter, ObjectKind, Sort, text};
use crate::service::{ErrorKind, ModelLifecycleService};
use crate::store::{AuditQuery, PageFrom, PageRequest};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use std::borrow::Cow;

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

const FIELDS: Fields = Fields {
    plain: &["seq", "action", "kind", "object", "user", "reason"],
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
    let filter = args.list.filter()?;
    let order = args.list.order(&FIELDS, &ctx.directions())?;
    let query = AuditQuery {
        kind: args.kind,
        object: args.object,
        action: args.action,
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
    // In the order of the log entries are printed as they are read; in any other all have to be read first.
    let by_time = order
        .as_ref()
        .is_none_or(|order| matches!(order.field.as_str(), "seq" | "at"));
    let oldest_first = by_time && order.as_ref().is_some_and(|order| !order.descending);
    let wanted = if by_time { args.list.limit } else { 0 };
    let (mut found, cut) = matching(&service, &query, &filter, oldest_first, wanted).await?;
    if let Some(order) = order.filter(|_| !by_time) {
        sort(&mut found, &order);
    }
    let shown = match args.list.limit {
        0 => found.len(),
        limit => limit.min(found.len()),
    };
    for entry in &found[..shown] {
        printer.push(entry, &row)?;
    }
    printer.end("audit entries")?;
    if cut || shown < found.len() {
        ctx.out.talk(&format!(
            "{shown} audit entries are shown, and there are more; --limit N shows more, --limit 0 all"
        ));
    }
    Ok(())
}

/// Reads entries that fit until there are enough (0 for all); also tells whether there are more.
async fn matching(
    service: &ModelLifecycleService,
    query: &AuditQuery,
    filter: &Filter,
    oldest_first: bool,
    wanted: usize,
) -> Result<(Vec<AuditEntry>, bool)> {
    let mut found = Vec::new();
    let mut from = if oldest_first {
        PageFrom::End
    } else {
        PageFrom::Start
    };
    loop {
        let request = PageRequest {
            from,
            limit: STRETCH,
        };
        let mut page = service.audit().list(query, &request).await?;
        let more = if oldest_first {
            page.rows.reverse();
            page.more_before
        } else {
            page.more_after
        };
        for entry in page.rows {
            if filter.matches(&Row(&entry)) {
                if wanted > 0 && found.len() == wanted {
                    return Ok((found, true));
                }
                found.push(entry);
            }
        }
        from = match page.edges.filter(|_| more) {
            Some((first, _)) if oldest_first => PageFrom::Before(first),
            Some((_, last)) => PageFrom::After(last),
            None => return Ok((found, false)),
        };
    }
}

fn sort(entries: &mut [AuditEntry], order: &Sort) {
    let value = |entry: &AuditEntry| match Row(entry).field(&order.field).pop() {
        Some(FieldValue::Text(text)) => text.to_lowercase(),
        _ => String::new(),
    };
    // Stable, so that equal ones stay newest first.
    entries.sort_by_cached_key(&value);
    if order.descending {
        entries.sort_by_cached_key(|entry| std::cmp::Reverse(value(entry)));
    }
}

/// An entry as filters see it.
struct Row<'a>(&'a AuditEntry);

impl Filterable for Row<'_> {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![
            self.0.object.as_str().into(),
            self.0.action.as_str().into(),
            self.0.identity.user.as_str().into(),
        ]
    }

    fn field(&self, field: &str) -> Vec<FieldValue<'_>> {
        let text = |text: &'_ str| vec![FieldValue::Text(Cow::Owned(text.to_owned()))];
        match field {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a log of 2^53 entries is not reached"
            )]
            "seq" => vec![FieldValue::Number(self.0.seq as f64)],
            "at" => vec![FieldValue::Time(self.0.at)],
            "action" => text(&self.0.action),
            "kind" => text(self.0.kind.as_str()),
            "object" => text(&self.0.object),
            "user" => text(&self.0.identity.user),
            "host" => text(&self.0.identity.host),
            "reason" => text(self.0.reason.as_deref().unwrap_or_default()),
            _ => Vec::new(),
        }
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
