//! Registered versions in SQL: rows and aliases. The trait and the gate are in `registry`.

use super::column::{json, nanos, revision, time, to_json, word};
use super::fault::{Broken, Result, broken, taken};
use super::filter::{Binder, Keyed, Kind, ListTable, Source};
use super::list::Listed;
use crate::domain::run::OUTPUT_LOG;
use crate::domain::{
    Alias, ApprovalState, Artifact, ModelName, ModelVersion, ObjectKind, RunId, Stage, Version,
};
use crate::store::{StoreError, VersionQuery};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::{BTreeSet, HashMap};

const fn keyed(
    prefix: &'static str,
    table: &'static str,
    number: &'static str,
    is_number: bool,
) -> Keyed {
    Keyed {
        prefix,
        table,
        on: "j.key = {key}",
        value: "j.value",
        number,
        ordered_id: None,
        is_number,
    }
}

const ALIASES: (&str, &str) = ("aliases a", "a.version_id = v.id");

static LIST: ListTable = ListTable {
    from: "versions v",
    id: "v.id",
    newest: "v.created_at",
    words: &[
        Source::text("v.model_name"),
        Source::text("v.version"),
        Source {
            kind: Kind::Text,
            expr: "a.alias",
            rows: Some(ALIASES),
        },
    ],
    fields: &[
        ("model", Source::text("v.model_name")),
        ("version", Source::new(Kind::Natural, "v.version")),
        (
            "stage",
            Source::new(
                Kind::Words(|| Stage::ALL.iter().map(|word| word.as_str()).collect()),
                "v.stage",
            ),
        ),
        (
            "alias",
            Source {
                kind: Kind::Text,
                expr: "a.alias",
                rows: Some(ALIASES),
            },
        ),
        ("run_id", Source::text("v.run_id")),
        ("source", Source::text("v.source")),
        ("registered_by", Source::text("v.registered_by")),
        ("description", Source::text("v.description")),
        ("created", Source::time("v.created_at")),
        ("updated", Source::time("v.updated_at")),
    ],
    keyed: &[
        keyed(
            "metrics.",
            "json_each(v.metrics) j",
            "json_number(j.value)",
            true,
        ),
        keyed(
            "params.",
            "json_each(v.params) j",
            "text_number(j.value)",
            false,
        ),
        keyed(
            "tags.",
            "json_each(v.tags) j",
            "text_number(j.value)",
            false,
        ),
    ],
};

pub(super) static LISTED: Listed<VersionQuery, ModelVersion> = Listed {
    table: &LIST,
    list: |query| &query.list,
    restrict,
    load,
};

fn restrict(query: &VersionQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(model) = &query.model {
        let name = binder.bind(model.as_str().to_owned());
        conditions.push(format!("v.model_name = {name}"));
    }
    if let Some(stage) = query.stage {
        conditions.push(binder.any_of("v.stage", [stage.as_str()]));
    }
    if let Some(run_id) = &query.run_id {
        let run_id = binder.bind(run_id.as_str().to_owned());
        conditions.push(format!("v.run_id = {run_id}"));
    }
    if query.in_review {
        conditions.push("(v.checklist <> '[]' OR v.decisions <> '[]')".to_owned());
    }
    conditions
}

/// The versions of surrogate keys, in their order, with their aliases and the files of their runs.
pub(super) fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<ModelVersion>> {
    let list = to_json(&ids)?;
    let mut versions: Vec<ModelVersion> = connection
        .prepare_cached(
            "SELECT v.model_name, v.version, v.stage, v.run_id, v.source, v.metrics, v.params, v.tags, v.description,
                    v.registered_by, v.checklist, v.decisions, v.created_at, v.updated_at, v.revision, r.artifacts
             FROM json_each(?1) j CROSS JOIN versions v ON v.id = j.value LEFT JOIN runs r ON r.run_id = v.run_id",
        )?
        .query_map([&list], version)?
        .collect::<rusqlite::Result<_>>()?;
    let place: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut statement = connection.prepare_cached(
        "SELECT a.version_id, a.alias FROM json_each(?1) j CROSS JOIN aliases a ON a.version_id = j.value",
    )?;
    let mut rows = statement.query([&list])?;
    while let Some(row) = rows.next()? {
        if let Some(version) = place.get(&row.get(0)?).and_then(|at| versions.get_mut(*at)) {
            version
                .aliases
                .insert(Alias::trusted(row.get::<_, String>(1)?));
        }
    }
    Ok(versions)
}

fn version(row: &Row<'_>) -> rusqlite::Result<ModelVersion> {
    let mut artifacts: Vec<Artifact> = super::column::optional_json(row, 15)?.unwrap_or_default();
    // What the run printed is no part of the model.
    artifacts.retain(|artifact| artifact.path != OUTPUT_LOG);
    Ok(ModelVersion {
        model_name: ModelName::trusted(row.get::<_, String>(0)?),
        version: Version::trusted(row.get::<_, String>(1)?),
        stage: word(row, 2)?,
        // Nothing comes into this store but through the gate.
        stage_warning: None,
        aliases: BTreeSet::new(),
        run_id: row.get::<_, Option<String>>(3)?.map(RunId::trusted),
        source: row.get(4)?,
        metrics: super::column::numbers(row, 5)?,
        params: json(row, 6)?,
        tags: json(row, 7)?,
        description: row.get(8)?,
        registered_by: row.get(9)?,
        artifacts,
        checklist: json(row, 10)?,
        decisions: json(row, 11)?,
        approval: ApprovalState::None,
        approved_by: None,
        approved_at: None,
        approval_notes: None,
        created_at: time(row, 12)?,
        updated_at: time(row, 13)?,
        revision: revision(row, 14)?,
    })
}

/// `fraud 7`, as the audit log names a version.
pub(super) fn label(model_name: &ModelName, version: &Version) -> String {
    format!("{} {}", model_name.as_str(), version.as_str())
}

pub(super) fn find(
    connection: &Connection,
    model_name: &ModelName,
    version: &Version,
) -> Result<(i64, ModelVersion)> {
    let id = connection
        .prepare_cached("SELECT id FROM versions WHERE model_name = ?1 AND version = ?2")?
        .query_row([model_name.as_str(), version.as_str()], |row| row.get(0))
        .optional()?;
    let missing = || StoreError::not_found(ObjectKind::ModelVersion, &label(model_name, version));
    let id: i64 = id.ok_or_else(missing)?;
    let found = load(connection, &[id])?.pop().ok_or_else(missing)?;
    Ok((id, found))
}

/// Adds a version and returns its row.
pub(super) fn insert(connection: &Connection, new: &ModelVersion) -> Result<i64> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO models (name) VALUES (?1)")?
        .execute([new.model_name.as_str()])?;
    let inserted = connection
        .prepare_cached(
            "INSERT INTO versions (model_name, version, stage, run_id, source, metrics, params, tags, description,
                 registered_by, checklist, decisions, created_at, updated_at, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            new.model_name.as_str(),
            new.version.as_str(),
            new.stage.as_str(),
            new.run_id.as_ref().map(RunId::as_str),
            new.source,
            super::column::to_numbers(&new.metrics)?,
            to_json(&new.params)?,
            to_json(&new.tags)?,
            new.description,
            new.registered_by,
            to_json(&new.checklist)?,
            to_json(&new.decisions)?,
            nanos(new.created_at)?,
            nanos(new.updated_at)?,
            new.revision.0,
        ]);
    taken(
        inserted,
        ObjectKind::ModelVersion,
        &label(&new.model_name, &new.version),
    )?;
    let id = connection.last_insert_rowid();
    insert_aliases(connection, id, new)?;
    Ok(id)
}

/// Replaces a version's row where the revision is the one read; tells whether it was. Aliases are written by the caller, who may
/// move one from a version to another.
pub(super) fn update(connection: &Connection, id: i64, new: &ModelVersion) -> Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE versions SET stage = ?2, run_id = ?3, source = ?4, metrics = ?5, params = ?6, tags = ?7, description = ?8,
                 registered_by = ?9, checklist = ?10, decisions = ?11, updated_at = ?12, revision = ?13
             WHERE id = ?1 AND revision = ?14",
        )?
        .execute(params![
            id,
            new.stage.as_str(),
            new.run_id.as_ref().map(RunId::as_str),
            new.source,
            super::column::to_numbers(&new.metrics)?,
            to_json(&new.params)?,
            to_json(&new.tags)?,
            new.description,
            new.registered_by,
            to_json(&new.checklist)?,
            to_json(&new.decisions)?,
            nanos(new.updated_at)?,
            new.revision.next().0,
            new.revision.0,
        ])?;
    Ok(changed == 1)
}

pub(super) fn delete_aliases(connection: &Connection, id: i64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM aliases WHERE version_id = ?1")?
        .execute([id])?;
    Ok(())
}

/// An alias that another version holds is a conflict: moving one replaces both versions.
pub(super) fn insert_aliases(connection: &Connection, id: i64, new: &ModelVersion) -> Result<()> {
    for alias in &new.aliases {
        let inserted = connection
            .prepare_cached(
                "INSERT INTO aliases (model_name, alias, version_id) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![new.model_name.as_str(), alias.as_str(), id]);
        match inserted {
            Err(error) if broken(&error) == Some(Broken::Unique) => {
                return Err(StoreError::Conflict {
                    kind: ObjectKind::ModelVersion,
                    id: label(&new.model_name, &new.version),
                    detail: Some(format!("another version holds the alias '{alias}'")),
                }
                .into());
            }
            other => other?,
        };
    }
    Ok(())
}
