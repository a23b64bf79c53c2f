//! Experiments in SQL.

use super::column::{json, nanos, revision, time, to_json, word};
use super::fault::{Result, taken};
use super::filter::{Binder, Keyed, Kind, ListTable, Source};
use super::list::Listed;
use super::{SqliteStore, audit, lost, sync};
use crate::domain::{
    ExperimentName, ExperimentStatus, ModelExperiment, ObjectKind, Revision, SyncKind,
};
use crate::store::{ExperimentQuery, ExperimentStore, Page, PageRequest, StoreError, WriteContext};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const COLUMNS: &str = "e.id, e.name, e.description, e.owner, e.status, e.tags, e.created_at, e.updated_at, e.revision";

static LIST: ListTable = ListTable {
    from: "experiments e",
    id: "e.id",
    newest: "e.created_at",
    words: &[Source::text("e.name")],
    fields: &[
        ("name", Source::text("e.name")),
        ("description", Source::text("e.description")),
        ("owner", Source::text("e.owner")),
        (
            "status",
            Source::new(
                Kind::Words(|| {
                    ExperimentStatus::ALL
                        .iter()
                        .map(|word| word.as_str())
                        .collect()
                }),
                "e.status",
            ),
        ),
        ("created", Source::time("e.created_at")),
        ("updated", Source::time("e.updated_at")),
    ],
    keyed: &[Keyed {
        prefix: "tags.",
        table: "json_each(e.tags) t",
        on: "t.key = {key}",
        value: "t.value",
        number: "text_number(t.value)",
        ordered_id: None,
        is_number: false,
    }],
};

static LISTED: Listed<ExperimentQuery, ModelExperiment> = Listed {
    table: &LIST,
    list: |query| &query.list,
    restrict,
    load,
};

fn experiment(row: &Row<'_>) -> rusqlite::Result<ModelExperiment> {
    Ok(ModelExperiment {
        name: ExperimentName::trusted(row.get::<_, String>(1)?),
        description: row.get(2)?,
        owner: row.get(3)?,
        status: word(row, 4)?,
        tags: json(row, 5)?,
        created_at: time(row, 6)?,
        updated_at: time(row, 7)?,
        revision: revision(row, 8)?,
    })
}

pub(super) fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<ModelExperiment>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN experiments e ON e.id = j.value"
    ))?;
    let rows = statement.query_map([to_json(&ids)?], experiment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn find(connection: &Connection, name: &ExperimentName) -> Result<ModelExperiment> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM experiments e WHERE e.name = ?1"
        ))?
        .query_row([name.as_str()], experiment)
        .optional()?;
    Ok(found.ok_or_else(|| StoreError::not_found(ObjectKind::Experiment, name))?)
}

/// The surrogate key of an experiment.
pub(super) fn id(connection: &Connection, name: &ExperimentName) -> Result<i64> {
    let found = connection
        .prepare_cached("SELECT id FROM experiments WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.ok_or_else(|| StoreError::not_found(ObjectKind::Experiment, name))?)
}

fn restrict(query: &ExperimentQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(owner) = &query.owner {
        conditions.push(format!("e.owner = {}", binder.bind(owner.clone())));
    }
    if let Some(status) = query.status {
        conditions.push(binder.any_of("e.status", [status.as_str()]));
    }
    conditions
}

#[async_trait]
impl ExperimentStore for SqliteStore {
    async fn insert_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let (new, ctx) = (experiment.clone(), ctx.clone());
        self.write("adding an experiment", move |tx| {
            let inserted = tx
                .prepare_cached(
                    "INSERT INTO experiments (name, description, owner, status, tags, created_at, updated_at, revision)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    new.name.as_str(),
                    new.description,
                    new.owner,
                    new.status.as_str(),
                    to_json(&new.tags)?,
                    nanos(new.created_at)?,
                    nanos(new.updated_at)?,
                    new.revision.0,
                ]);
            taken(inserted, ObjectKind::Experiment, &new.name)?;
            sync::queue(tx, SyncKind::Experiment, tx.last_insert_rowid(), ctx.at)?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::Experiment,
                new.name.as_str().to_owned(),
                serde_json::Value::Null,
                audit::snapshot(ObjectKind::Experiment, &new)?,
            )
        })
        .await
    }

    async fn replace_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> crate::store::Result<Revision> {
        let (new, ctx) = (experiment.clone(), ctx.clone());
        self.write("changing an experiment", move |tx| {
            let old = find(tx, &new.name)?;
            let next = new.revision.next();
            let changed = tx
                .prepare_cached(
                    "UPDATE experiments SET description = ?2, owner = ?3, status = ?4, tags = ?5, updated_at = ?6, revision = ?7
                     WHERE name = ?1 AND revision = ?8",
                )?
                .execute(params![
                    new.name.as_str(),
                    new.description,
                    new.owner,
                    new.status.as_str(),
                    to_json(&new.tags)?,
                    nanos(new.updated_at)?,
                    next.0,
                    new.revision.0,
                ])?;
            if changed == 0 {
                return Err(lost(ObjectKind::Experiment, &new.name, new.revision, old.revision));
            }
            sync::queue(tx, SyncKind::Experiment, id(tx, &new.name)?, ctx.at)?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::Experiment,
                new.name.as_str().to_owned(),
                audit::snapshot(ObjectKind::Experiment, &old)?,
                audit::snapshot(ObjectKind::Experiment, &new)?,
            )?;
            Ok(next)
        })
        .await
    }

    async fn experiment(&self, name: &ExperimentName) -> crate::store::Result<ModelExperiment> {
        let name = name.clone();
        self.read("reading an experiment", move |connection| {
            find(connection, &name)
        })
        .await
    }

    async fn experiments(
        &self,
        query: &ExperimentQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<ModelExperiment>> {
        self.page_of("listing experiments", &LISTED, query, page)
            .await
    }

    async fn count_experiments(&self, query: &ExperimentQuery) -> crate::store::Result<u64> {
        self.count_of("counting experiments", &LISTED, query).await
    }
}
