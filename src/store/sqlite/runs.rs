//! Runs in SQL: rows, params and tags. The histories are in `metrics`, the trait in `run_store`.

use super::column::{
    json, nanos, optional_json, optional_nanos, optional_time, revision, time, to_json,
    to_optional_json, word,
};
use super::fault::{Result, taken};
use super::filter::{Binder, Keyed, Kind, ListTable, Source};
use super::keys::key_id;
use super::list::Listed;
use super::{experiments, metrics};
use crate::domain::{ExperimentName, Key, ModelRun, ObjectKind, RunId, RunStatus, filter};
use crate::store::{RunQuery, StoreError};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::{BTreeMap, HashMap};

const ATTRIBUTES: &str = "run_attributes a";

const fn attribute(prefix: &'static str, on: &'static str) -> Keyed {
    Keyed {
        prefix,
        table: ATTRIBUTES,
        on,
        value: "a.value",
        number: "a.number",
        ordered_id: Some("a.run"),
        is_number: false,
    }
}

static LIST: ListTable = ListTable {
    from: "runs r",
    id: "r.id",
    newest: "r.created_at",
    words: &[Source::text("r.name"), Source::text("r.run_id")],
    fields: &[
        ("run_id", Source::text("r.run_id")),
        ("name", Source::text("r.name")),
        (
            "experiment",
            Source::text("(SELECT e.name FROM experiments e WHERE e.id = r.experiment_id)"),
        ),
        (
            "status",
            Source::new(
                Kind::Words(|| RunStatus::ALL.iter().map(|word| word.as_str()).collect()),
                "r.status",
            ),
        ),
        ("user", Source::text("(r.source ->> '$.user')")),
        ("host", Source::text("(r.source ->> '$.host')")),
        ("created", Source::time("r.created_at")),
        ("started", Source::time("r.started_at")),
        (
            "heartbeat",
            Source::time("coalesce(r.heartbeat_at, r.started_at, r.created_at)"),
        ),
        ("ended", Source::time("r.ended_at")),
        ("updated", Source::time("r.updated_at")),
    ],
    keyed: &[
        Keyed {
            prefix: "metrics.",
            table: "series s",
            on: "s.key_id = (SELECT key_id FROM keys WHERE key = {key})",
            value: "s.latest_value",
            number: "s.latest_value",
            ordered_id: Some("s.run"),
            is_number: true,
        },
        attribute(
            "params.",
            "a.kind = 'P' AND a.key_id = (SELECT key_id FROM keys WHERE key = {key})",
        ),
        attribute(
            "tags.",
            "a.kind = 'T' AND a.key_id = (SELECT key_id FROM keys WHERE key = {key})",
        ),
    ],
};

pub(super) static LISTED: Listed<RunQuery, ModelRun> = Listed {
    table: &LIST,
    list: |query| &query.list,
    restrict,
    load,
};

fn restrict(query: &RunQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(experiment) = &query.experiment {
        let name = binder.bind(experiment.as_str().to_owned());
        conditions.push(format!(
            "r.experiment_id = (SELECT id FROM experiments WHERE name = {name})"
        ));
    }
    if !query.statuses.is_empty() {
        let words = query.statuses.iter().map(|status| status.as_str());
        conditions.push(binder.any_of("r.status", words));
    }
    conditions
}

/// The runs of surrogate keys, in their order: one query each for rows, latest metrics and attributes.
pub(super) fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<ModelRun>> {
    let list = to_json(&ids)?;
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut runs: Vec<ModelRun> = connection
        .prepare_cached(
            "SELECT r.run_id, e.name, r.name, r.status, r.artifacts, r.source, r.mlflow,
                    r.created_at, r.started_at, r.ended_at, r.heartbeat_at, r.updated_at, r.revision
             FROM json_each(?1) j CROSS JOIN runs r ON r.id = j.value CROSS JOIN experiments e ON e.id = r.experiment_id",
        )?
        .query_map([&list], run)?
        .collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT s.run, k.key, s.latest_step, s.latest_ts, s.latest_value
         FROM json_each(?1) j CROSS JOIN series s ON s.run = j.value CROSS JOIN keys k ON k.key_id = s.key_id",
    )?;
    let mut rows = statement.query([&list])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = place.get(&row.get(0)?).and_then(|at| runs.get_mut(*at)) {
            let key = Key::trusted(row.get::<_, String>(1)?);
            run.metrics.insert(key, metrics::point(row, 2)?);
        }
    }
    let mut statement = connection.prepare_cached(
        "SELECT a.run, k.key, a.kind, a.value
         FROM json_each(?1) j CROSS JOIN run_attributes a ON a.run = j.value CROSS JOIN keys k ON k.key_id = a.key_id",
    )?;
    let mut rows = statement.query([&list])?;
    while let Some(row) = rows.next()? {
        if let Some(run) = place.get(&row.get(0)?).and_then(|at| runs.get_mut(*at)) {
            let key = Key::trusted(row.get::<_, String>(1)?);
            let map = match row.get::<_, String>(2)?.as_str() {
                "P" => &mut run.params,
                _ => &mut run.tags,
            };
            map.insert(key, row.get(3)?);
        }
    }
    drop(rows);
    for (id, link) in super::sync::links(connection, &list)? {
        if let Some(run) = place.get(&id).and_then(|at| runs.get_mut(*at)) {
            run.mlflow = Some(link);
        }
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> rusqlite::Result<ModelRun> {
    Ok(ModelRun {
        run_id: RunId::trusted(row.get::<_, String>(0)?),
        experiment_name: ExperimentName::trusted(row.get::<_, String>(1)?),
        name: row.get(2)?,
        status: word(row, 3)?,
        params: BTreeMap::new(),
        metrics: BTreeMap::new(),
        tags: BTreeMap::new(),
        artifacts: json(row, 4)?,
        source: json(row, 5)?,
        mlflow: optional_json(row, 6)?,
        created_at: time(row, 7)?,
        started_at: optional_time(row, 8)?,
        ended_at: optional_time(row, 9)?,
        heartbeat_at: optional_time(row, 10)?,
        updated_at: time(row, 11)?,
        revision: revision(row, 12)?,
    })
}

pub(super) fn find(connection: &Connection, run_id: &RunId) -> Result<(i64, ModelRun)> {
    let id = metrics::run_row(connection, run_id)?;
    let run = load(connection, &[id])?.pop();
    Ok((
        id,
        run.ok_or_else(|| StoreError::not_found(ObjectKind::Run, run_id))?,
    ))
}

/// Adds a run's row, params and tags, and returns its surrogate key.
pub(super) fn insert(connection: &Connection, new: &ModelRun) -> Result<i64> {
    let experiment = experiments::id(connection, &new.experiment_name)?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO runs (run_id, experiment_id, name, status, artifacts, source, mlflow,
                 created_at, started_at, ended_at, heartbeat_at, updated_at, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            new.run_id.as_str(),
            experiment,
            new.name,
            new.status.as_str(),
            to_json(&new.artifacts)?,
            to_json(&new.source)?,
            to_optional_json(new.mlflow.as_ref())?,
            nanos(new.created_at)?,
            optional_nanos(new.started_at)?,
            optional_nanos(new.ended_at)?,
            optional_nanos(new.heartbeat_at)?,
            nanos(new.updated_at)?,
            new.revision.0,
        ]);
    taken(inserted, ObjectKind::Run, &new.run_id)?;
    let id = connection.last_insert_rowid();
    let none = BTreeMap::new();
    write_attributes(connection, id, "P", &none, &new.params)?;
    write_attributes(connection, id, "T", &none, &new.tags)?;
    Ok(id)
}

/// Replaces a run's row where the revision is the one read; tells whether it was. How far its copy on a server is is known elsewhere
/// and changes without it.
pub(super) fn update(
    connection: &Connection,
    id: i64,
    old: &ModelRun,
    new: &ModelRun,
) -> Result<bool> {
    let experiment = experiments::id(connection, &new.experiment_name)?;
    let changed = connection
        .prepare_cached(
            "UPDATE runs SET experiment_id = ?2, name = ?3, status = ?4, artifacts = ?5, source = ?6,
                 created_at = ?7, started_at = ?8, ended_at = ?9, updated_at = ?10, revision = ?11
             WHERE id = ?1 AND revision = ?12",
        )?
        .execute(params![
            id,
            experiment,
            new.name,
            new.status.as_str(),
            to_json(&new.artifacts)?,
            to_json(&new.source)?,
            nanos(new.created_at)?,
            optional_nanos(new.started_at)?,
            optional_nanos(new.ended_at)?,
            nanos(new.updated_at)?,
            new.revision.next().0,
            new.revision.0,
        ])?;
    if changed == 0 {
        return Ok(false);
    }
    write_attributes(connection, id, "P", &old.params, &new.params)?;
    write_attributes(connection, id, "T", &old.tags, &new.tags)?;
    if let Some(at) = new.heartbeat_at {
        beat(connection, id, at)?;
    }
    Ok(true)
}

/// Moves the heartbeat forward, never back.
pub(super) fn beat(connection: &Connection, id: i64, at: Timestamp) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE runs SET heartbeat_at = ?2 WHERE id = ?1 AND ifnull(heartbeat_at < ?2, 1)",
        )?
        .execute([id, nanos(at)?])?;
    Ok(())
}

/// Writes what differs between two maps of params or tags.
fn write_attributes(
    connection: &Connection,
    run: i64,
    kind: &str,
    old: &BTreeMap<Key, String>,
    new: &BTreeMap<Key, String>,
) -> Result<()> {
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        connection
            .prepare_cached(
                "DELETE FROM run_attributes WHERE run = ?1 AND kind = ?2 AND key_id = ?3",
            )?
            .execute(params![run, kind, key_id(connection, key)?])?;
    }
    for (key, value) in new
        .iter()
        .filter(|(key, value)| old.get(*key) != Some(value))
    {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO run_attributes (run, kind, key_id, value, number) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                run,
                kind,
                key_id(connection, key)?,
                value,
                filter::number(value),
            ])?;
    }
    Ok(())
}

/// Whether a run is there at all.
pub(super) fn exists(connection: &Connection, run_id: &RunId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM runs WHERE run_id = ?1")?
        .query_row([run_id.as_str()], |_| Ok(()))
        .optional()?
        .is_some())
}
