//! The runs' part of the store, as the trait has it.

use super::store::MlflowStore;
use crate::domain::chart::{ChartBucket, MetricChart};
use crate::domain::{Artifact, Key, MetricPoint, MlflowLink, ModelRun, Revision, RunId, SyncState};
use crate::store::{
    OutputTail, Page, PageRequest, Result, RunQuery, RunStore, SeriesBatch, WriteContext,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::fs::File;

#[async_trait]
impl RunStore for MlflowStore {
    async fn insert_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<()> {
        self.add_run(run, points, false, ctx).await.map(drop)
    }

    async fn insert_unnamed_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<RunId> {
        self.add_run(run, points, true, ctx).await
    }

    async fn replace_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<Revision> {
        self.change_run(run, points, ctx).await
    }

    async fn run(&self, run_id: &RunId) -> Result<ModelRun> {
        self.read_run(run_id).await
    }

    async fn runs(&self, query: &RunQuery, page: &PageRequest) -> Result<Page<ModelRun>> {
        self.list_runs(query, page).await
    }

    async fn count_runs(&self, query: &RunQuery) -> Result<u64> {
        self.number_of_runs(query).await
    }

    async fn append_metrics(&self, batches: &[SeriesBatch], at: Timestamp) -> Result<()> {
        self.add_points(batches, at).await
    }

    async fn heartbeat(&self, run_id: &RunId, at: Timestamp) -> Result<()> {
        self.beat(run_id, at).await
    }

    async fn metric_keys(&self, run_id: &RunId) -> Result<Vec<Key>> {
        Ok(self.read_run(run_id).await?.metrics.into_keys().collect())
    }

    async fn metric_history(
        &self,
        run_id: &RunId,
        key: &Key,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<MetricPoint>> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let points = self.history(run_id, key).await?;
        Ok(points.iter().skip(skip).take(limit).copied().collect())
    }

    async fn metric_chart(&self, run_id: &RunId, key: &Key, columns: usize) -> Result<MetricChart> {
        let points = self.history(run_id, key).await?;
        Ok(MetricChart::reduce(
            key.clone(),
            points.iter().map(ChartBucket::of),
            columns,
        ))
    }

    async fn metric_charts(
        &self,
        run_ids: &[RunId],
        key: &Key,
        columns: usize,
    ) -> Result<Vec<MetricChart>> {
        self.charts(run_ids, key, columns).await
    }

    async fn listed_files(&self, run_id: &RunId) -> Result<Vec<Artifact>> {
        self.files_there(run_id).await
    }

    async fn mlflow_link(&self, run_id: &RunId) -> Result<Option<MlflowLink>> {
        Ok(Some(MlflowLink {
            run_id: Some(self.remote_run_id(run_id).await?),
            state: SyncState::Synced,
        }))
    }

    fn keeps_files(&self) -> bool {
        true
    }

    async fn keep_file(&self, run_id: &RunId, artifact: &Artifact, file: File) -> Result<()> {
        self.take_file(run_id, artifact, file).await
    }

    async fn append_output(&self, run_id: &RunId, bytes: &[u8]) -> Result<()> {
        self.add_output(run_id, bytes).await
    }

    async fn output_tail(&self, run_id: &RunId, limit: usize) -> Result<OutputTail> {
        self.tail_of_output(run_id, limit).await
    }

    async fn finish_output(&self, run_id: &RunId) -> Result<Option<Artifact>> {
        self.close_output(run_id).await
    }
}
