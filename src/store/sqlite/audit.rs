//! The audit log: every change of state adds an entry in its own transaction, chained to the one before it.

use super::column::{from_nanos, json, nanos, time, to_json, word};
use super::fault::{Fault, Result};
use super::filter::{Binder, Kind, ListTable, Source};
use super::{SqliteStore, list};
use crate::domain::audit::changed_fields;
use crate::domain::{AuditEntry, ObjectKind};
use crate::store::{AuditQuery, ListQuery, Page, PageRequest, StoreError, WriteContext};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde_json::Value;

/// What is data rather than state, derived, or told by the entry itself, and so stays out of entries.
const LEFT_OUT: &[&str] = &[
    "approval",
    "approved_by",
    "approved_at",
    "approval_notes",
    "stage_warning",
    "heartbeat_at",
    "health_history",
    "mlflow",
    "updated_at",
    "revision",
];

/// An object as its audit entries show it.
pub(super) fn snapshot(kind: ObjectKind, object: &impl Serialize) -> Result<Value> {
    let mut value = serde_json::to_value(object)?;
    if let Value::Object(fields) = &mut value {
        for field in LEFT_OUT {
            fields.remove(*field);
        }
        match kind {
            // Points are data; the histories stand elsewhere.
            ObjectKind::Run => fields.remove("metrics"),
            // The run's files, read with the version and not part of it.
            ObjectKind::ModelVersion => fields.remove("artifacts"),
            _ => None,
        };
    }
    Ok(value)
}

/// Adds the entry of one change; `before` is null for what is new.
pub(super) fn record(
    connection: &Connection,
    ctx: &WriteContext,
    kind: ObjectKind,
    object: String,
    before: Value,
    after: Value,
) -> Result<()> {
    let (before, after) = changed_fields(before, after);
    let (seq, hash) = head(connection)?;
    // Hashed as it will be read back, whatever the column can hold.
    let at = from_nanos(nanos(ctx.at)?);
    let entry = AuditEntry {
        seq: seq + 1,
        at,
        identity: ctx.identity.clone(),
        action: ctx.action.to_owned(),
        kind,
        object,
        before,
        after,
        reason: ctx.reason.clone(),
        prev_hash: String::new(),
        hash: String::new(),
    }
    .chained(&hash);
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, identity, action, kind, object, before, after, reason, prev_hash, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            entry.seq,
            nanos(entry.at)?,
            to_json(&entry.identity)?,
            entry.action,
            entry.kind.as_str(),
            entry.object,
            to_json(&entry.before)?,
            to_json(&entry.after)?,
            entry.reason,
            entry.prev_hash,
            entry.hash,
        ])?;
    connection
        .prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2 WHERE id = 1")?
        .execute(params![entry.seq, entry.hash])?;
    Ok(())
}

pub(super) fn head(connection: &Connection) -> Result<(i64, String)> {
    let head = connection
        .prepare_cached("SELECT seq, hash FROM audit_head WHERE id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(head.unwrap_or_else(|| (0, crate::domain::audit::GENESIS.to_owned())))
}

const COLUMNS: &str = "a.seq, a.at, a.identity, a.action, a.kind, a.object, a.before, a.after, a.reason, a.prev_hash, a.hash";

fn entry(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.get(0)?,
        at: time(row, 1)?,
        identity: json(row, 2)?,
        action: row.get(3)?,
        kind: word(row, 4)?,
        object: row.get(5)?,
        before: json(row, 6)?,
        after: json(row, 7)?,
        reason: row.get(8)?,
        prev_hash: row.get(9)?,
        hash: row.get(10)?,
    })
}

/// What imports did to an object, oldest first: their actions begin with `import_`.
pub(super) fn of_imports(
    connection: &Connection,
    kind: ObjectKind,
    object: &str,
) -> Result<Vec<AuditEntry>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM audit a WHERE a.kind = ?1 AND a.object = ?2 AND a.action GLOB 'import_*' ORDER BY a.seq"
    ))?;
    let rows = statement.query_map([kind.as_str(), object], entry)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A row whose columns do not read back: somebody else wrote them.
fn unreadable(row: &Row<'_>, problem: &rusqlite::Error) -> Fault {
    match row.get(0) {
        Ok(seq) => StoreError::UnreadableEntry {
            seq,
            problem: problem.to_string(),
        }
        .into(),
        Err(error) => error.into(),
    }
}

const USER: &str = "(a.identity ->> '$.user')";

static LIST: ListTable = ListTable {
    from: "audit a",
    id: "a.seq",
    newest: "a.seq",
    words: &[
        Source::text("a.object"),
        Source::text("a.action"),
        Source::text(USER),
    ],
    fields: &[
        ("seq", Source::new(Kind::Number, "a.seq")),
        ("at", Source::time("a.at")),
        ("action", Source::text("a.action")),
        (
            "kind",
            Source::new(
                Kind::Words(|| ObjectKind::ALL.iter().map(|word| word.as_str()).collect()),
                "a.kind",
            ),
        ),
        ("object", Source::text("a.object")),
        ("user", Source::text(USER)),
        ("host", Source::text("(a.identity ->> '$.host')")),
        ("reason", Source::text("a.reason")),
    ],
    keyed: &[],
};

fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<AuditEntry>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN audit a ON a.seq = j.value"
    ))?;
    let mut rows = statement.query([to_json(&ids)?])?;
    let mut entries = Vec::with_capacity(ids.len());
    while let Some(row) = rows.next()? {
        entries.push(entry(row).map_err(|problem| unreadable(row, &problem))?);
    }
    Ok(entries)
}

fn restrict(query: &AuditQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(kind) = query.kind {
        conditions.push(binder.any_of("a.kind", [kind.as_str()]));
    }
    for (column, value) in [("a.object", &query.object), ("a.action", &query.action)] {
        if let Some(value) = value {
            conditions.push(format!("{column} = {}", binder.bind(value.clone())));
        }
    }
    conditions
}

impl SqliteStore {
    pub(super) async fn read_audit_from(
        &self,
        seq: i64,
        limit: usize,
    ) -> crate::store::Result<Vec<AuditEntry>> {
        self.read("reading the audit log", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM audit a WHERE a.seq >= ?1 ORDER BY a.seq LIMIT ?2"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query([seq, limit])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                match entry(row) {
                    Ok(entry) => entries.push(entry),
                    Err(_) if !entries.is_empty() => break,
                    Err(problem) => return Err(unreadable(row, &problem)),
                }
            }
            Ok(entries)
        })
        .await
    }

    pub(super) async fn read_audit_page(
        &self,
        query: &AuditQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<AuditEntry>> {
        let (query, page) = (query.clone(), page.clone());
        self.read("listing audit entries", move |connection| {
            let list = ListQuery {
                filter: query.filter.clone(),
                sort: None,
            };
            list::page(
                connection,
                &LIST,
                &list,
                |binder| restrict(&query, binder),
                &page,
                load,
            )
        })
        .await
    }
}
