//! Runs: logged, updated, listed, and their histories.

use super::core::{Core, expect_revision, is_same, merge_tags, values};
use super::{Result, ServiceError};
use crate::domain::{
    Artifact, ExperimentName, Key, MetricChart, MetricPoint, ModelRun, NewMetric, ObjectKind,
    Params, Revision, RunId, RunSource, RunStatus, Tags, name, run::OUTPUT_LOG,
};
use crate::store::{OutputTail, Page, PageRequest, RunQuery, SeriesBatch, StoreError};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// `None` for a fresh one.
    pub run_id: Option<RunId>,
    pub experiment_name: ExperimentName,
    /// `None` for a name made from the id.
    pub name: Option<String>,
    pub status: RunStatus,
    pub params: Params,
    pub metrics: Vec<NewMetric>,
    pub tags: Tags,
    pub artifacts: Vec<Artifact>,
    pub source: RunSource,
    /// When it began, where that was seen before it is written; never later than the writing.
    pub happened_at: Option<Timestamp>,
}

impl NewRun {
    /// A RUNNING run with nothing in it.
    pub fn new(experiment_name: ExperimentName) -> Self {
        Self {
            run_id: None,
            experiment_name,
            name: None,
            status: RunStatus::Running,
            params: Params::new(),
            metrics: Vec::new(),
            tags: Tags::new(),
            artifacts: Vec::new(),
            source: RunSource::default(),
            happened_at: None,
        }
    }
}

/// What changes on a run; `None` and empty leave things as they are.
#[derive(Debug, Clone, Default)]
pub struct RunUpdate {
    pub name: Option<String>,
    pub status: Option<RunStatus>,
    /// Params to add; one that is there already keeps its value, and giving it another is refused.
    pub params: Params,
    pub metrics: Vec<NewMetric>,
    pub set_tags: Tags,
    pub remove_tags: Vec<Key>,
    /// Artifacts to add; one with the same path is replaced.
    pub artifacts: Vec<Artifact>,
    pub source: Option<RunSource>,
    /// When its status changed, where that was seen before it is written; never later than the writing.
    pub happened_at: Option<Timestamp>,
    pub reason: Option<String>,
    /// The revision that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}

impl RunUpdate {
    /// Only data to add, no change of state: needs no revision and writes no audit entry.
    fn is_only_metrics(&self) -> bool {
        let Self {
            name,
            status,
            params,
            metrics: _,
            set_tags,
            remove_tags,
            artifacts,
            source,
            happened_at: _,
            reason: _,
            expected,
        } = self;
        name.is_none()
            && status.is_none()
            && params.is_empty()
            && set_tags.is_empty()
            && remove_tags.is_empty()
            && artifacts.is_empty()
            && source.is_none()
            && expected.is_none()
    }
}

/// The verbs of runs.
#[derive(Clone)]
pub struct RunTracker {
    pub(super) core: Core,
}

impl RunTracker {
    /// Records a run; its experiment must be there and not be archived.
    pub async fn log(&self, new: NewRun) -> Result<ModelRun> {
        let ctx = self.core.write("log_run", None)?;
        values("params", &new.params)?;
        values("tags", &new.tags)?;
        let experiment = self.core.store.experiment(&new.experiment_name).await?;
        if !experiment.status.takes_runs() {
            return Err(ServiceError::NotPossible {
                message: format!(
                    "experiment '{}' is {}, so it takes no new runs",
                    experiment.name, experiment.status
                ),
                hint: format!(
                    "'modeldeck experiment update {} --status ACTIVE' takes it up again",
                    experiment.name
                ),
            });
        }
        let is_named = new.run_id.is_some();
        let run_id = new.run_id.unwrap_or_else(RunId::fresh);
        let name = match new.name {
            Some(name) => checked_name(&name)?,
            None => format!("run-{}", name::short_id(run_id.as_str())),
        };
        let points = SeriesBatch::placed(&run_id, &new.metrics, &BTreeMap::new(), ctx.at);
        let started = new.status != RunStatus::Pending;
        let began = new.happened_at.map_or(ctx.at, |at| at.min(ctx.at));
        let mut run = ModelRun {
            run_id,
            experiment_name: new.experiment_name,
            name,
            status: new.status,
            params: new.params,
            metrics: BTreeMap::new(),
            tags: new.tags,
            artifacts: Vec::new(),
            source: new.source,
            // One that is recorded late is as old as it is: servers tell both by one time.
            created_at: began,
            started_at: started.then_some(began),
            ended_at: new.status.is_final().then_some(began),
            heartbeat_at: started.then_some(began),
            mlflow: None,
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        add_artifacts(&mut run.artifacts, &new.artifacts)?;
        if is_named {
            self.core.store.insert_run(&run, &points, &ctx).await?;
        } else {
            run.run_id = self
                .core
                .store
                .insert_unnamed_run(&run, &points, &ctx)
                .await?;
        }
        show_latest(&mut run.metrics, &points);
        Ok(run)
    }

    /// Changes a run, or adds to its histories.
    pub async fn update(&self, run_id: &RunId, update: &RunUpdate) -> Result<ModelRun> {
        if update.is_only_metrics() {
            let ctx = self.core.write("update_run", None)?;
            let store = &self.core.store;
            store.append_values(run_id, &update.metrics, ctx.at).await?;
            return self.get(run_id).await;
        }
        self.core
            .settle(update.expected, move || self.update_once(run_id, update))
            .await
    }

    async fn update_once(&self, run_id: &RunId, update: &RunUpdate) -> Result<ModelRun> {
        let ctx = self.core.write("update_run", update.reason.as_deref())?;
        let mut run = self.get(run_id).await?;
        expect_revision(update.expected, run.revision, || {
            StoreError::conflict(ObjectKind::Run, run_id)
        })?;
        let found = run.clone();
        if let Some(name) = &update.name {
            run.name = checked_name(name)?;
        }
        let mut became_running = false;
        if let Some(status) = update.status.filter(|status| *status != run.status) {
            became_running = status == RunStatus::Running;
            if !run.status.next().contains(&status) {
                let (object, from) = (format!("run '{run_id}'"), run.status);
                return Err(ServiceError::no_way(object, from, status, from.next()));
            }
            run.status = status;
            let seen = update.happened_at.map_or(ctx.at, |at| at.min(ctx.at));
            let started = *run.started_at.get_or_insert(seen);
            run.ended_at = status.is_final().then_some(seen.max(started));
        }
        values("params", &update.params)?;
        for (key, value) in &update.params {
            match run.params.get(key) {
                Some(written) if written != value => {
                    return Err(ServiceError::NotPossible {
                        message: format!(
                            "param '{key}' of run '{run_id}' was written already, with another value"
                        ),
                        hint: "params are written once; log another run, or use a tag".to_owned(),
                    });
                }
                _ => run.params.insert(key.clone(), value.clone()),
            };
        }
        values("tags", &update.set_tags)?;
        merge_tags(&mut run.tags, &update.set_tags, &update.remove_tags);
        add_artifacts(&mut run.artifacts, &update.artifacts)?;
        if let Some(source) = &update.source {
            run.source = source.clone();
        }
        let points = SeriesBatch::placed(run_id, &update.metrics, &run.metrics, ctx.at);
        // What changes nothing leaves no entry in the audit log.
        if points.is_empty() && is_same(&found, &run) {
            return Ok(run);
        }
        // A label is no sign of life: only what the run itself does is.
        if !points.is_empty() || became_running {
            run.heartbeat_at = run.heartbeat_at.max(Some(ctx.at));
        }
        run.updated_at = ctx.at;
        run.revision = self.core.store.replace_run(&run, &points, &ctx).await?;
        show_latest(&mut run.metrics, &points);
        Ok(run)
    }

    pub async fn get(&self, run_id: &RunId) -> Result<ModelRun> {
        Ok(self.core.store.run(run_id).await?)
    }

    pub async fn list(&self, query: &RunQuery, page: &PageRequest) -> Result<Page<ModelRun>> {
        Ok(self.core.store.runs(query, page).await?)
    }

    pub async fn count(&self, query: &RunQuery) -> Result<u64> {
        Ok(self.core.store.count_runs(query).await?)
    }

    /// Appends whole stretches of histories, for the fast doors (`ingest`, `exec`).
    pub async fn append(&self, batches: &[SeriesBatch]) -> Result<()> {
        let ctx = self.core.write("append_metrics", None)?;
        Ok(self.core.store.append_metrics(batches, ctx.at).await?)
    }

    /// How many writes are worth giving at once, because the store makes them durable together.
    pub fn writes_at_once(&self) -> usize {
        self.core.store.writes_at_once()
    }

    /// Records that a run is alive.
    pub async fn heartbeat(&self, run_id: &RunId) -> Result<()> {
        let ctx = self.core.write("heartbeat", None)?;
        Ok(self.core.store.heartbeat(run_id, ctx.at).await?)
    }

    pub async fn metric_keys(&self, run_id: &RunId) -> Result<Vec<Key>> {
        Ok(self.core.store.metric_keys(run_id).await?)
    }

    /// Up to `limit` points in the order they arrived, from the `skip`-th.
    pub async fn history(
        &self,
        run_id: &RunId,
        key: &Key,
        skip: u64,
        limit: usize,
    ) -> Result<Vec<MetricPoint>> {
        Ok(self
            .core
            .store
            .metric_history(run_id, key, skip, limit)
            .await?)
    }

    pub async fn chart(&self, run_id: &RunId, key: &Key, columns: usize) -> Result<MetricChart> {
        Ok(self.core.store.metric_chart(run_id, key, columns).await?)
    }

    /// The same metric of several runs, in their order.
    pub async fn charts(
        &self,
        run_ids: &[RunId],
        key: &Key,
        columns: usize,
    ) -> Result<Vec<MetricChart>> {
        Ok(self.core.store.metric_charts(run_ids, key, columns).await?)
    }

    pub async fn append_output(&self, run_id: &RunId, bytes: &[u8]) -> Result<()> {
        self.core.write("append_output", None)?;
        Ok(self.core.store.append_output(run_id, bytes).await?)
    }

    pub async fn output_tail(&self, run_id: &RunId, limit: usize) -> Result<OutputTail> {
        Ok(self.core.store.output_tail(run_id, limit).await?)
    }

    /// Ends the captured output: makes it durable and records it as an artifact of the run. `None` when nothing was captured.
    pub async fn finish_output(&self, run_id: &RunId) -> Result<Option<Artifact>> {
        self.core.write("finish_output", None)?;
        let Some(output) = self.core.store.finish_output(run_id).await? else {
            return Ok(None);
        };
        let artifact = &output;
        self.core
            .settle(None, move || async move {
                let ctx = self.core.write("finish_output", None)?;
                let mut run = self.get(run_id).await?;
                run.artifacts.retain(|known| known.path != artifact.path);
                run.artifacts.push(artifact.clone());
                run.updated_at = ctx.at;
                self.core.store.replace_run(&run, &[], &ctx).await?;
                Ok(())
            })
            .await?;
        Ok(Some(output))
    }

    /// How long a RUNNING run has been silent for longer than the configured time.
    pub fn stale_for(&self, run: &ModelRun) -> Option<SignedDuration> {
        run.stale_for(self.core.clock.now(), self.core.settings.stale_after)
    }
}

fn show_latest(latest: &mut BTreeMap<Key, MetricPoint>, batches: &[SeriesBatch]) {
    for batch in batches {
        for point in &batch.points {
            match latest.get_mut(&batch.key) {
                Some(shown) if !point.supersedes(shown) => {}
                Some(shown) => *shown = *point,
                None => {
                    latest.insert(batch.key.clone(), *point);
                }
            }
        }
    }
}

/// A run's name is for people: it need not be unique, but it obeys the rules of names.
fn checked_name(given: &str) -> Result<String> {
    Ok(name::run_name(given)?)
}

/// Whether the path of an artifact is relative and says nothing but where it is.
pub(super) fn is_clean_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 1024
        && !path.chars().any(char::is_control)
        && !path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn add_artifacts(artifacts: &mut Vec<Artifact>, added: &[Artifact]) -> Result<()> {
    for artifact in added {
        if !is_clean_path(&artifact.path) {
            let path = crate::domain::text::visible(&artifact.path);
            return Err(ServiceError::invalid(
                "artifacts",
                format!("artifact path '{path}' is not a clean relative path"),
            ));
        }
        if artifact.path == OUTPUT_LOG {
            return Err(ServiceError::invalid(
                "artifacts",
                format!(
                    "'{OUTPUT_LOG}' is the run's captured output; give the artifact another path"
                ),
            ));
        }
        artifacts.retain(|known| known.path != artifact.path);
        artifacts.push(artifact.clone());
    }
    Ok(())
}
