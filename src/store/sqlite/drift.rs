//! Drift events in SQL.

use super::column::{
    count, nanos, number, optional_count, optional_word, revision, signed, time, to_json, word,
};
use super::fault::{Broken, Fault, Result, broken};
use super::filter::{Binder, Kind, ListTable, Source};
use super::list::Listed;
use super::versions;
use super::{SqliteStore, audit, lost};
use crate::domain::{
    DriftEvent, DriftEventId, DriftState, Environment, Key, ModelName, ObjectKind, Revision,
    Severity, Version,
};
use crate::store::{DriftKey, DriftQuery, DriftStore, Page, PageRequest, StoreError, WriteContext};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

const COLUMNS: &str = "d.event_id, d.model_name, d.version, d.environment, d.metric, d.baseline, d.observed, d.score, d.threshold,
    d.baseline_size, d.observed_size, d.severity, d.state, d.count, d.first_seen_at, d.last_seen_at, d.note, d.decided_by, d.updated_at, d.revision";

static LIST: ListTable = ListTable {
    from: "drift_events d",
    id: "d.id",
    newest: "d.last_seen_at",
    words: &[
        Source::text("d.model_name"),
        Source::text("d.metric"),
        Source::text("d.event_id"),
    ],
    fields: &[
        ("event_id", Source::text("d.event_id")),
        ("model", Source::text("d.model_name")),
        ("version", Source::new(Kind::Natural, "d.version")),
        (
            "environment",
            Source::new(
                Kind::Words(|| Environment::ALL.iter().map(|word| word.as_str()).collect()),
                "d.environment",
            ),
        ),
        ("metric", Source::text("d.metric")),
        (
            "severity",
            Source::new(
                Kind::Words(|| Severity::ALL.iter().map(|word| word.as_str()).collect()),
                "d.severity",
            ),
        ),
        (
            "state",
            Source::new(
                Kind::Words(|| DriftState::ALL.iter().map(|word| word.as_str()).collect()),
                "d.state",
            ),
        ),
        ("baseline", Source::new(Kind::Number, "d.baseline")),
        ("observed", Source::new(Kind::Number, "d.observed")),
        ("score", Source::new(Kind::Number, "d.score")),
        ("count", Source::new(Kind::Number, "d.count")),
        ("first_seen", Source::time("d.first_seen_at")),
        ("last_seen", Source::time("d.last_seen_at")),
        ("note", Source::text("d.note")),
    ],
    keyed: &[],
};

static LISTED: Listed<DriftQuery, DriftEvent> = Listed {
    table: &LIST,
    list: |query| &query.list,
    restrict,
    load,
};

fn event(row: &Row<'_>) -> rusqlite::Result<DriftEvent> {
    Ok(DriftEvent {
        event_id: DriftEventId::trusted(row.get::<_, String>(0)?),
        model_name: ModelName::trusted(row.get::<_, String>(1)?),
        version: Version::trusted(row.get::<_, String>(2)?),
        environment: optional_word(row, 3)?,
        metric: Key::trusted(row.get::<_, String>(4)?),
        baseline: number(row, 5)?,
        observed: number(row, 6)?,
        score: number(row, 7)?,
        threshold: row.get(8)?,
        baseline_size: optional_count(row, 9)?,
        observed_size: optional_count(row, 10)?,
        severity: word(row, 11)?,
        state: word(row, 12)?,
        count: count(row, 13)?,
        first_seen_at: time(row, 14)?,
        last_seen_at: time(row, 15)?,
        note: row.get(16)?,
        decided_by: row.get(17)?,
        updated_at: time(row, 18)?,
        revision: revision(row, 19)?,
    })
}

fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<DriftEvent>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN drift_events d ON d.id = j.value"
    ))?;
    let rows = statement.query_map([to_json(&ids)?], event)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn find(connection: &Connection, event_id: &DriftEventId) -> Result<DriftEvent> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM drift_events d WHERE d.event_id = ?1"
        ))?
        .query_row([event_id.as_str()], event)
        .optional()?;
    Ok(found.ok_or_else(|| StoreError::not_found(ObjectKind::DriftEvent, event_id))?)
}

fn unresolved(connection: &Connection, key: &DriftKey) -> Result<Option<DriftEvent>> {
    Ok(connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM drift_events d
             WHERE d.model_name = ?1 AND d.version = ?2 AND ifnull(d.environment, '') = ?3 AND d.metric = ?4 AND d.state <> 'RESOLVED'"
        ))?
        .query_row(
            [
                key.model_name.as_str(),
                key.version.as_str(),
                key.environment.map_or("", Environment::as_str),
                key.metric.as_str(),
            ],
            event,
        )
        .optional()?)
}

fn restrict(query: &DriftQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(model) = &query.model {
        let name = binder.bind(model.as_str().to_owned());
        conditions.push(format!("d.model_name = {name}"));
    }
    if let Some(version) = &query.version {
        let version = binder.bind(version.as_str().to_owned());
        conditions.push(format!("d.version = {version}"));
    }
    if let Some(severity) = query.severity {
        conditions.push(binder.any_of("d.severity", [severity.as_str()]));
    }
    if !query.states.is_empty() {
        let words = query.states.iter().map(|state| state.as_str());
        conditions.push(binder.any_of("d.state", words));
    }
    conditions
}

/// Sets every column by its place, for an insert as for an update.
fn write(
    connection: &Connection,
    sql: &str,
    event: &DriftEvent,
    next: Revision,
) -> Result<rusqlite::Result<usize>> {
    let columns = params![
        event.event_id.as_str(),
        event.model_name.as_str(),
        event.version.as_str(),
        event.environment.map(Environment::as_str),
        event.metric.as_str(),
        event.baseline,
        event.observed,
        event.score,
        event.threshold,
        event.baseline_size.map(signed),
        event.observed_size.map(signed),
        event.severity.as_str(),
        event.state.as_str(),
        signed(event.count),
        nanos(event.first_seen_at)?,
        nanos(event.last_seen_at)?,
        event.note,
        event.decided_by,
        nanos(event.updated_at)?,
        event.revision.0,
        next.0,
    ];
    Ok(connection.prepare_cached(sql)?.execute(columns))
}

/// Another unresolved event with the key, or the id, is there.
fn already(error: rusqlite::Error, id: &DriftEventId) -> Fault {
    if broken(&error) == Some(Broken::Unique) {
        StoreError::AlreadyExists {
            kind: ObjectKind::DriftEvent,
            id: id.to_string(),
        }
        .into()
    } else {
        error.into()
    }
}

#[async_trait]
impl DriftStore for SqliteStore {
    async fn insert_drift_event(
        &self,
        event: &DriftEvent,
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let (new, ctx) = (event.clone(), ctx.clone());
        self.write("recording a drift event", move |tx| {
            versions::find(tx, &new.model_name, &new.version)?;
            let key = DriftKey {
                model_name: new.model_name.clone(),
                version: new.version.clone(),
                environment: new.environment,
                metric: new.metric.clone(),
            };
            if new.state != DriftState::Resolved
                && let Some(same) = unresolved(tx, &key)?
            {
                return Err(StoreError::AlreadyExists {
                    kind: ObjectKind::DriftEvent,
                    id: same.event_id.as_str().to_owned(),
                }
                .into());
            }
            // ?21 is the next revision of an update, which an insert has not.
            let inserted = write(
                tx,
                "INSERT INTO drift_events (event_id, model_name, version, environment, metric, baseline, observed, score, threshold,
                     baseline_size, observed_size, severity, state, count, first_seen_at, last_seen_at, note, decided_by, updated_at, revision)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20 WHERE ?21 = ?20",
                &new,
                new.revision,
            )?;
            inserted.map_err(|error| already(error, &new.event_id))?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::DriftEvent,
                new.event_id.as_str().to_owned(),
                Value::Null,
                audit::snapshot(ObjectKind::DriftEvent, &new)?,
            )
        })
        .await
    }

    async fn replace_drift_event(
        &self,
        event: &DriftEvent,
        ctx: &WriteContext,
    ) -> crate::store::Result<Revision> {
        let (new, ctx) = (event.clone(), ctx.clone());
        self.write("changing a drift event", move |tx| {
            let old = find(tx, &new.event_id)?;
            let next = new.revision.next();
            let changed = write(
                tx,
                "UPDATE drift_events SET model_name = ?2, version = ?3, environment = ?4, metric = ?5, baseline = ?6, observed = ?7,
                     score = ?8, threshold = ?9, baseline_size = ?10, observed_size = ?11, severity = ?12, state = ?13, count = ?14,
                     first_seen_at = ?15, last_seen_at = ?16, note = ?17, decided_by = ?18, updated_at = ?19, revision = ?21
                 WHERE event_id = ?1 AND revision = ?20",
                &new,
                next,
            )?
            .map_err(|error| already(error, &new.event_id))?;
            if changed == 0 {
                return Err(lost(
                    ObjectKind::DriftEvent,
                    &new.event_id,
                    new.revision,
                    old.revision,
                ));
            }
            audit::record(
                tx,
                &ctx,
                ObjectKind::DriftEvent,
                new.event_id.as_str().to_owned(),
                audit::snapshot(ObjectKind::DriftEvent, &old)?,
                audit::snapshot(ObjectKind::DriftEvent, &new)?,
            )?;
            Ok(next)
        })
        .await
    }

    async fn drift_event(&self, event_id: &DriftEventId) -> crate::store::Result<DriftEvent> {
        let event_id = event_id.clone();
        self.read("reading a drift event", move |connection| {
            find(connection, &event_id)
        })
        .await
    }

    async fn unresolved_drift_event(
        &self,
        key: &DriftKey,
    ) -> crate::store::Result<Option<DriftEvent>> {
        let key = key.clone();
        self.read("reading a drift event", move |connection| {
            unresolved(connection, &key)
        })
        .await
    }

    async fn drift_events(
        &self,
        query: &DriftQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<DriftEvent>> {
        self.page_of("listing drift events", &LISTED, query, page)
            .await
    }

    async fn count_drift_events(&self, query: &DriftQuery) -> crate::store::Result<u64> {
        self.count_of("counting drift events", &LISTED, query).await
    }
}
