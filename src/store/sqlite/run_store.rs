//! Runs as a store gives them: rows, histories and captured output under one trait.

use super::fault::Result;
use super::{SqliteStore, audit, lost, metrics, runs, sync};
use crate::domain::{
    Artifact, Key, MetricChart, MetricPoint, ModelRun, NewMetric, ObjectKind, Revision, RunId,
};
use crate::store::{
    OutputTail, Page, PageRequest, RunQuery, RunStore, SeriesBatch, StoreError, WriteContext,
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

/// Appends the points that come with a run's own write; they are a sign of life of it.
fn append_own(
    connection: &Connection,
    id: i64,
    run_id: &RunId,
    points: &[SeriesBatch],
    at: Timestamp,
) -> Result<()> {
    for batch in points {
        if batch.run_id != *run_id {
            return Err(StoreError::Invalid {
                message: format!("points of run '{}' came with run '{run_id}'", batch.run_id),
            }
            .into());
        }
        metrics::append(connection, id, batch)?;
    }
    if points.iter().any(|batch| !batch.points.is_empty()) {
        runs::beat(connection, id, at)?;
    }
    Ok(())
}

/// Appends points that come by themselves, of any number of runs.
fn append_all(connection: &Connection, batches: &[SeriesBatch], at: Timestamp) -> Result<()> {
    // Batches of one run mostly stand side by side.
    let mut last: Option<(&RunId, i64)> = None;
    for batch in batches {
        let id = match last {
            Some((run_id, id)) if *run_id == batch.run_id => id,
            _ => {
                let id = metrics::run_row(connection, &batch.run_id)?;
                runs::beat(connection, id, at)?;
                sync::queue_points(connection, id, at)?;
                last = Some((&batch.run_id, id));
                id
            }
        };
        metrics::append(connection, id, batch)?;
    }
    Ok(())
}

/// Refuses points on steps that somebody else took since the run was read: those of the caller were meant to follow what it read.
fn refuse_taken_steps(old: &ModelRun, new: &ModelRun, points: &[SeriesBatch]) -> Result<()> {
    let place = |run: &ModelRun, key: &Key| {
        let latest = run.metrics.get(key);
        latest.map(|point| (point.step, point.timestamp))
    };
    for batch in points {
        let there = place(old, &batch.key);
        let is_taken = batch.points.first().zip(there);
        if is_taken.is_some_and(|(first, (step, _))| first.step <= step)
            && place(new, &batch.key) != there
        {
            return Err(StoreError::Conflict {
                kind: ObjectKind::Run,
                id: new.run_id.to_string(),
                detail: Some(format!("points were added to its metric '{}'", batch.key)),
            }
            .into());
        }
    }
    Ok(())
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn insert_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let (new, points, ctx) = (run.clone(), points.to_vec(), ctx.clone());
        self.write("adding a run", move |tx| {
            let id = runs::insert(tx, &new)?;
            append_own(tx, id, &new.run_id, &points, ctx.at)?;
            sync::queue_run(tx, id, &[], &new.artifacts, ctx.at)?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::Run,
                new.run_id.as_str().to_owned(),
                Value::Null,
                audit::snapshot(ObjectKind::Run, &new)?,
            )
        })
        .await
    }

    async fn replace_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> crate::store::Result<Revision> {
        let (new, points, ctx) = (run.clone(), points.to_vec(), ctx.clone());
        self.write("changing a run", move |tx| {
            let (id, old) = runs::find(tx, &new.run_id)?;
            if !runs::update(tx, id, &old, &new)? {
                return Err(lost(
                    ObjectKind::Run,
                    &new.run_id,
                    new.revision,
                    old.revision,
                ));
            }
            refuse_taken_steps(&old, &new, &points)?;
            append_own(tx, id, &new.run_id, &points, ctx.at)?;
            sync::queue_run(tx, id, &old.artifacts, &new.artifacts, ctx.at)?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::Run,
                new.run_id.as_str().to_owned(),
                audit::snapshot(ObjectKind::Run, &old)?,
                audit::snapshot(ObjectKind::Run, &new)?,
            )?;
            Ok(new.revision.next())
        })
        .await
    }

    async fn run(&self, run_id: &RunId) -> crate::store::Result<ModelRun> {
        let run_id = run_id.clone();
        self.read("reading a run", move |connection| {
            runs::find(connection, &run_id).map(|(_, run)| run)
        })
        .await
    }

    async fn runs(
        &self,
        query: &RunQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<ModelRun>> {
        self.page_of("listing runs", &runs::LISTED, query, page)
            .await
    }

    async fn count_runs(&self, query: &RunQuery) -> crate::store::Result<u64> {
        self.count_of("counting runs", &runs::LISTED, query).await
    }

    async fn append_metrics(
        &self,
        batches: &[SeriesBatch],
        at: Timestamp,
    ) -> crate::store::Result<()> {
        let batches = batches.to_vec();
        self.write("writing metrics", move |tx| append_all(tx, &batches, at))
            .await
    }

    async fn append_values(
        &self,
        run_id: &RunId,
        values: &[NewMetric],
        at: Timestamp,
    ) -> crate::store::Result<()> {
        let (run_id, values) = (run_id.clone(), values.to_vec());
        self.write("writing metrics", move |tx| {
            let keys = values.iter().map(|value| &value.key);
            let latest = metrics::latest(tx, &run_id, keys)?;
            append_all(tx, &SeriesBatch::placed(&run_id, &values, &latest, at), at)
        })
        .await
    }

    async fn heartbeat(&self, run_id: &RunId, at: Timestamp) -> crate::store::Result<()> {
        let run_id = run_id.clone();
        self.write("writing a heartbeat", move |tx| {
            let id = metrics::run_row(tx, &run_id)?;
            runs::beat(tx, id, at)
        })
        .await
    }

    async fn metric_keys(&self, run_id: &RunId) -> crate::store::Result<Vec<Key>> {
        let run_id = run_id.clone();
        self.read("reading metrics", move |connection| {
            metrics::keys(connection, &run_id)
        })
        .await
    }

    async fn metric_history(
        &self,
        run_id: &RunId,
        key: &Key,
        skip: u64,
        limit: usize,
    ) -> crate::store::Result<Vec<MetricPoint>> {
        let (run_id, key) = (run_id.clone(), key.clone());
        self.read("reading a metric's history", move |connection| {
            metrics::history(connection, &run_id, &key, skip, limit)
        })
        .await
    }

    async fn metric_chart(
        &self,
        run_id: &RunId,
        key: &Key,
        columns: usize,
    ) -> crate::store::Result<MetricChart> {
        let (run_id, key) = (run_id.clone(), key.clone());
        self.read("reading a metric's chart", move |connection| {
            metrics::chart(connection, &run_id, &key, columns)
        })
        .await
    }

    async fn append_output(&self, run_id: &RunId, bytes: &[u8]) -> crate::store::Result<()> {
        self.output_of(run_id, true).await?;
        self.output.append(run_id, bytes).await
    }

    async fn output_tail(&self, run_id: &RunId, limit: usize) -> crate::store::Result<OutputTail> {
        self.output_of(run_id, false).await?;
        self.output.tail(run_id, limit).await
    }

    async fn finish_output(&self, run_id: &RunId) -> crate::store::Result<Option<Artifact>> {
        self.output_of(run_id, true).await?;
        self.output.finish(run_id).await
    }
}

impl SqliteStore {
    /// Makes sure that output belongs to a run that is there. Runs are never removed, so it is asked once a run.
    async fn output_of(&self, run_id: &RunId, writes: bool) -> crate::store::Result<()> {
        if writes {
            self.writable()?;
        }
        if self.output.knows(run_id) {
            return Ok(());
        }
        let asked = run_id.clone();
        let there = self
            .read("looking for a run", move |connection| {
                runs::exists(connection, &asked)
            })
            .await?;
        if !there {
            return Err(StoreError::not_found(ObjectKind::Run, run_id));
        }
        self.output.remember(run_id);
        Ok(())
    }
}
