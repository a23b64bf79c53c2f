//! The door for many runs at once: one transaction for all of them, one audit entry for each.

use super::fault::Result;
use super::{SqliteStore, audit, lost, metrics, runs, sync};
use crate::domain::{ModelRun, ObjectKind, RunId};
use crate::store::import::{ImportStore, KnownRun, RunImport, RunWrite};
use crate::store::{SeriesBatch, StoreError, WriteContext};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

fn known(connection: &Connection, run_id: &RunId, most: usize) -> Result<Option<KnownRun>> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM runs WHERE run_id = ?1")?
        .query_row([run_id.as_str()], |row| row.get(0))
        .optional()?;
    let Some(id) = id else {
        return Ok(None);
    };
    let Some(run) = runs::load(connection, &[id])?.pop() else {
        return Ok(None);
    };
    Ok(Some(KnownRun {
        imports: audit::of_imports(connection, ObjectKind::Run, run_id.as_str())?,
        histories: metrics::beginnings(connection, id, most)?,
        run,
    }))
}

fn write(connection: &Connection, import: RunImport, ctx: &WriteContext) -> Result<()> {
    let RunImport { run, write, tails } = import;
    let object = run.run_id.as_str().to_owned();
    let entry = |before: Value, after: &ModelRun| {
        let after = audit::snapshot(ObjectKind::Run, after)?;
        audit::record(connection, ctx, ObjectKind::Run, object, before, after)
    };
    let id = match write {
        RunWrite::Insert => {
            let id = runs::insert(connection, &run)?;
            sync::queue_run(connection, id, &[], &run.artifacts, ctx.at)?;
            entry(Value::Null, &run)?;
            id
        }
        RunWrite::Replace => {
            let (id, old) = runs::find(connection, &run.run_id)?;
            if !runs::update(connection, id, &old, &run)? {
                return Err(lost(
                    ObjectKind::Run,
                    &run.run_id,
                    run.revision,
                    old.revision,
                ));
            }
            sync::queue_run(connection, id, &old.artifacts, &run.artifacts, ctx.at)?;
            entry(audit::snapshot(ObjectKind::Run, &old)?, &run)?;
            id
        }
        RunWrite::Points => {
            let id = metrics::run_row(connection, &run.run_id)?;
            sync::queue_points(connection, id, ctx.at)?;
            id
        }
    };
    for tail in tails {
        let batch = SeriesBatch {
            run_id: run.run_id.clone(),
            key: tail.key,
            points: tail.points,
        };
        if metrics::count(connection, id, &batch.key)? != tail.after {
            return Err(StoreError::Conflict {
                kind: ObjectKind::Run,
                id: run.run_id.as_str().to_owned(),
                detail: Some(format!("more points of '{}' came", batch.key)),
            }
            .into());
        }
        metrics::append(connection, id, &batch)?;
    }
    if let Some(at) = run.heartbeat_at {
        runs::beat(connection, id, at)?;
    }
    Ok(())
}

#[async_trait]
impl ImportStore for SqliteStore {
    async fn known_runs(
        &self,
        run_ids: &[RunId],
        most: usize,
    ) -> crate::store::Result<Vec<KnownRun>> {
        let run_ids = run_ids.to_vec();
        self.read("looking for imported runs", move |connection| {
            let mut found = Vec::new();
            for run_id in &run_ids {
                found.extend(known(connection, run_id, most)?);
            }
            Ok(found)
        })
        .await
    }

    async fn import_runs(
        &self,
        runs: Vec<RunImport>,
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let ctx = ctx.clone();
        self.write("importing runs", move |tx| {
            runs.into_iter()
                .try_for_each(|import| write(tx, import, &ctx))
        })
        .await
    }
}
