//! The runs' part of the store: lists, and the trait.

use super::api::RunSearch;
use super::error::During as _;
use super::fields::from_millis;
use super::list::{self, Row};
use super::runs::{build, key};
use super::store::MlflowStore;
use crate::domain::chart::{ChartBucket, MetricChart};
use crate::domain::{Artifact, Key, MetricPoint, ModelRun, Revision, RunId, RunStatus};
use crate::store::{
    OutputTail, Page, PageRequest, Result, RunQuery, RunStore, SeriesBatch, StoreError,
    WriteContext,
};
use async_trait::async_trait;
use jiff::Timestamp;

/// The most runs that one list looks at: the newest ones. A list over more says so in the log.
const MOST_RUNS: usize = 20_000;

impl MlflowStore {
    /// The runs that a query's own words let through.
    async fn listed_runs(&self, query: &RunQuery) -> Result<Vec<Row<ModelRun>>> {
        let experiments = match &query.experiment {
            Some(name) => match self.find_experiment(name).await {
                Ok(experiment) => vec![experiment],
                Err(StoreError::NotFound { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
            None => self.known_experiments().await?,
        };
        let search = RunSearch {
            experiment_ids: experiments
                .iter()
                .map(|experiment| experiment.experiment_id.clone())
                .collect(),
            filter: pushed(query),
            order_by: Vec::new(),
        };
        let (runs, more) = self
            .client
            .runs_up_to(&search, MOST_RUNS)
            .await
            .during("listing runs")?;
        if more {
            tracing::warn!(
                most = MOST_RUNS,
                "only the newest runs are listed; name an experiment or a status to see others"
            );
        }
        let ledger = self.ledger().await?;
        let name = |id: &str| {
            experiments
                .iter()
                .find(|experiment| experiment.experiment_id == id)
                .map_or("", |experiment| experiment.name.as_str())
        };
        Ok(runs
            .iter()
            .map(|run| {
                let object = build(run, name(&run.info.experiment_id), &ledger.state);
                let number = ledger.state.object(&key(&object.run_id)).map_or_else(
                    || from_millis(run.info.start_time).as_second() - i64::MAX / 2,
                    |object| object.first_seq,
                );
                Row { object, number }
            })
            .filter(|row| query.statuses.is_empty() || query.statuses.contains(&row.object.status))
            .collect())
    }
}

/// What the server can leave out itself. It has no "or", so only a single status; everything is judged again here.
fn pushed(query: &RunQuery) -> String {
    match query.statuses.as_slice() {
        // A run that was scheduled by another word is PENDING nowhere else, so only these two words are sure.
        [status @ (RunStatus::Running | RunStatus::Pending)] => {
            format!("attributes.status = '{}'", super::runs::word(*status))
        }
        _ => String::new(),
    }
}

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
        list::page(self.listed_runs(query).await?, &query.list, page)
    }

    async fn count_runs(&self, query: &RunQuery) -> Result<u64> {
        Ok(list::count(&self.listed_runs(query).await?, &query.list))
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
        Ok(points.into_iter().skip(skip).take(limit).collect())
    }

    async fn metric_chart(&self, run_id: &RunId, key: &Key, columns: usize) -> Result<MetricChart> {
        let points = self.history(run_id, key).await?;
        Ok(MetricChart::reduce(
            key.clone(),
            points.iter().map(ChartBucket::of),
            columns,
        ))
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
