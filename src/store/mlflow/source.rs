//! A server as the source of an import: read as MLflow's own client reads it, without the ledger and whatever store is behind it.
//!
//! A run with its histories and files takes a question for each metric and each folder, so several are under way at once. Answers are read to their end: a
//! history that cannot be read is told with its run, but a server that does not answer ends the import, which can be repeated.

use super::address::Address;
use super::auth::Auth;
use super::capabilities::not_connected;
use super::client::{Call, Client};
use super::dto::{self, Entry, EntryPage, KeyValue, WholeModel, WholeModelPage};
use super::error::{ApiError, ApiResult, During as _};
use super::store::MlflowOptions;
use crate::domain::{Artifact, MetricPoint};
use crate::store::import::{
    ImportSource, Pair, RawExperiment, RawFiles, RawModel, RawRun, RawVersion, Rest, SeenRun,
    SeenRuns, Stretch, Unread, raw_point,
};
use crate::store::{Result, StoreError};
use async_trait::async_trait;
use serde_json::json;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many questions are under way at once.
const AT_ONCE: usize = 8;
/// How many runs are listed at once, and how many of them are read whole at once: servers of 2.x give every history in one piece.
const LISTED: usize = 100;
const WHOLE: usize = 10;
/// How many points are asked for at once.
const POINTS: usize = 25_000;
/// More folders or files than this are not listed for one run.
const MOST_FOLDERS: usize = 200;
const MOST_FILES: usize = 10_000;

/// A server to import from.
pub struct MlflowSource {
    client: Arc<Client>,
    /// The experiments whose runs are still to be listed, last first.
    chosen: Vec<String>,
    token: Option<String>,
    listed: VecDeque<dto::Run>,
    /// What is left of histories that came in pages, by their runs: keys and page tokens.
    long: HashMap<String, VecDeque<(String, String)>>,
    beyond: Vec<(&'static str, u64)>,
}

impl MlflowSource {
    /// Connects, and says what is wrong where no MLflow server answers.
    pub async fn open(uri: &str, options: MlflowOptions) -> Result<Self> {
        let (address, user_info) = Address::parse(uri)?;
        let auth = Auth::choose(
            &address,
            user_info,
            &options.environment,
            options.token_command.as_deref(),
            options.allow_http,
        )?;
        let client = Client::new(address, auth, &options.environment, options.deadlines)?;
        client
            .any_experiment()
            .await
            .map_err(|error| not_connected(&client, error))?;
        Ok(Self {
            client: Arc::new(client),
            chosen: Vec::new(),
            token: None,
            listed: VecDeque::new(),
            long: HashMap::new(),
            beyond: Vec::new(),
        })
    }

    /// Lists the next runs, by when they were started, so that one which begins meanwhile comes last and moves none.
    async fn list(&mut self) -> Result<()> {
        while self.listed.is_empty()
            && let Some(experiment_id) = self.chosen.last()
        {
            let body = json!({
                "experiment_ids": [experiment_id],
                "run_view_type": "ALL",
                "order_by": ["attributes.start_time ASC"],
                "max_results": LISTED,
                "page_token": self.token,
            });
            let page: dto::RunPage = self
                .client
                .call(&Call::search("2.0/mlflow/runs/search", body))
                .await
                .during("listing runs")?;
            let next = page.next_page_token.filter(|token| !token.is_empty());
            let is_stuck = next.is_some() && next == self.token;
            if is_stuck && !page.runs.is_empty() {
                return Err(stuck());
            }
            if next.is_none() || page.runs.is_empty() {
                self.chosen.pop();
                self.token = None;
            } else {
                self.token = next;
            }
            self.listed.extend(page.runs);
        }
        Ok(())
    }
}

fn stuck() -> StoreError {
    ApiError::Garbled {
        problem: "the server hands out the same page again and again".to_owned(),
    }
    .during("reading from the server")
}

fn pairs(given: Vec<KeyValue>) -> Vec<Pair> {
    given
        .into_iter()
        .map(|pair| (pair.key, pair.value))
        .collect()
}

/// A time that a server does not know it tells as 0.
fn known(millis: i64) -> Option<i64> {
    (millis != 0).then_some(millis)
}

/// A page of a history, and the token of the next.
async fn history(
    client: &Client,
    run_id: &str,
    key: &str,
    token: Option<&str>,
) -> ApiResult<(Vec<MetricPoint>, Option<String>)> {
    let mut call = Call::get("2.0/mlflow/metrics/get-history")
        .with("run_id", run_id)
        .with("metric_key", key)
        .with("max_results", POINTS.to_string());
    if let Some(token) = token {
        call = call.with("page_token", token);
    }
    let page: dto::MetricPage = client.call(&call).await?;
    let points: Vec<MetricPoint> = page
        .metrics
        .iter()
        .map(|metric| raw_point(metric.value, metric.timestamp, metric.step))
        .collect();
    let next = page.next_page_token.filter(|next| !next.is_empty());
    // A run tells of a metric only when it has a point of it, so nothing at all is no answer; and an empty page or the same one again is no way on.
    let is_stuck = next.is_some() && (points.is_empty() || next.as_deref() == token);
    if is_stuck || (points.is_empty() && token.is_none()) {
        return Err(ApiError::Garbled {
            problem: "the server does not give its points".to_owned(),
        });
    }
    Ok((points, next))
}

/// The server told that this one thing cannot be had, rather than that it cannot answer.
fn is_of_this_alone(error: &ApiError) -> bool {
    matches!(error, ApiError::Garbled { .. })
        || matches!(error, ApiError::Refused { status, .. } | ApiError::Status { status, .. }
            if matches!(status, 400 | 404 | 405 | 500 | 501))
}

/// The files of a run, folder by folder.
async fn files(client: &Client, run_id: &str) -> ApiResult<RawFiles> {
    let (mut found, mut waiting, mut folders) = (Vec::new(), vec![String::new()], 0);
    while let Some(folder) = waiting.pop() {
        folders += 1;
        let mut call = Call::get("2.0/mlflow/artifacts/list").with("run_id", run_id);
        if !folder.is_empty() {
            call = call.with("path", folder.as_str());
        }
        let page: EntryPage = client.call(&call).await?;
        let is_below = |entry: &Entry| {
            folder.is_empty()
                || entry
                    .path
                    .strip_prefix(&folder)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        for entry in page.files.into_iter().filter(is_below) {
            if entry.is_dir {
                waiting.push(entry.path);
            } else {
                found.push(Artifact {
                    path: entry.path,
                    size: u64::try_from(entry.file_size).unwrap_or(0),
                    digest: String::new(),
                });
            }
        }
        if folders > MOST_FOLDERS || found.len() > MOST_FILES {
            return Ok(RawFiles::Elsewhere);
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(RawFiles::Listed(found))
}

/// What one question about a run brought.
enum Part {
    Files(ApiResult<RawFiles>),
    History(String, ApiResult<(Vec<MetricPoint>, Option<String>)>),
}

/// Whether the histories of a run came in whole before: it ended when it ended then, and the latest point of each metric is the one that is here. MLflow
/// tells no more of a run; points that somebody puts before the last one of a run that ended are met by an import of everything. A history
/// that takes several pages may have come in only partly.
fn has_all(seen: &SeenRun, run: &dto::Run) -> bool {
    let bits = |point: &MetricPoint| {
        let value = if point.value.is_nan() {
            f64::NAN
        } else {
            point.value
        };
        (point.step, point.timestamp, value.to_bits())
    };
    let is_latest = |metric: &dto::Metric| {
        let there = raw_point(metric.value, metric.timestamp, metric.step);
        let here = seen.latest.get(&metric.key);
        here.is_some_and(|here| bits(here) == bits(&there))
    };
    run.info.end_time == Some(seen.ended_at)
        && seen.longest < POINTS as u64
        && seen.latest.len() == run.data.metrics.len()
        && run.data.metrics.iter().all(is_latest)
}

fn head(run: &dto::Run) -> RawRun {
    let info = &run.info;
    RawRun {
        id: info.run_id.clone(),
        experiment_id: info.experiment_id.clone(),
        is_deleted: info.lifecycle_stage == "deleted",
        name: info.run_name.clone(),
        user: info.user_id.clone(),
        status: info.status.clone(),
        started_at: known(info.start_time),
        ended_at: info.end_time,
        params: pairs(run.data.params.clone()),
        tags: pairs(run.data.tags.clone()),
        ..RawRun::default()
    }
}

#[async_trait]
impl ImportSource for MlflowSource {
    fn name(&self) -> String {
        format!("MLflow server '{}'", self.client.address())
    }

    async fn experiments(&mut self) -> Result<Vec<RawExperiment>> {
        let (mut all, mut token): (Vec<RawExperiment>, Option<String>) = (Vec::new(), None);
        loop {
            let body = json!({ "max_results": 1000, "view_type": "ALL", "page_token": token });
            let page: dto::ExperimentPage = self
                .client
                .call(&Call::search("2.0/mlflow/experiments/search", body))
                .await
                .during("listing experiments")?;
            let is_empty = page.experiments.is_empty();
            all.extend(page.experiments.into_iter().map(|given| RawExperiment {
                is_deleted: given.lifecycle_stage == "deleted",
                id: given.experiment_id,
                name: given.name,
                workspace: String::new(),
                created_at: known(given.creation_time),
                tags: pairs(given.tags),
            }));
            let next = page.next_page_token.filter(|token| !token.is_empty());
            if next.is_none() || is_empty {
                return Ok(all);
            }
            if next == token {
                return Err(stuck());
            }
            token = next;
        }
    }

    async fn choose(&mut self, experiment_ids: &[String]) -> Result<Option<u64>> {
        self.chosen = experiment_ids.to_vec();
        self.token = None;
        self.listed.clear();
        // Servers do not count.
        Ok(None)
    }

    async fn next_runs(&mut self, seen: &dyn SeenRuns) -> Result<Vec<RawRun>> {
        self.list().await?;
        let count = self.listed.len().min(WHOLE);
        let mut listed: Vec<dto::Run> = self.listed.drain(..count).collect();
        let ids: Vec<String> = listed.iter().map(|run| run.info.run_id.clone()).collect();
        let seen = seen.seen(&ids).await?;
        for run in &mut listed {
            let known = seen.get(&run.info.run_id);
            if known.is_some_and(|seen| has_all(seen, run)) {
                run.data.metrics.clear();
            }
        }
        let mut runs: Vec<RawRun> = listed.iter().map(head).collect();
        let (turns, mut asked) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        for (at, run) in listed.into_iter().enumerate() {
            if runs[at].is_deleted {
                continue;
            }
            let is_noted = dto::value_of(&run.data.tags, "modeldeck.artifacts").is_some();
            let keys = run.data.metrics.into_iter().map(|metric| Some(metric.key));
            // The files are one more question; a run of modeldeck's has them in a tag.
            for key in keys.chain((!is_noted).then_some(None)) {
                let (client, turns) = (Arc::clone(&self.client), Arc::clone(&turns));
                let run_id = run.info.run_id.clone();
                asked.spawn(async move {
                    let _turn = turns.acquire().await.expect("nobody closes it");
                    let part = match key {
                        None => Part::Files(files(&client, &run_id).await),
                        Some(key) => {
                            let page = history(&client, &run_id, &key, None).await;
                            Part::History(key, page)
                        }
                    };
                    (at, part)
                });
            }
        }
        // Dropping the set ends the questions that are left.
        while let Some(answered) = asked.join_next().await {
            let (at, part) = answered.unwrap_or_else(|error| {
                // Nobody aborts one of them, so it can only have panicked.
                std::panic::resume_unwind(error.into_panic())
            });
            let run = &mut runs[at];
            match part {
                Part::Files(Ok(files)) => run.files = files,
                Part::Files(Err(error)) if is_of_this_alone(&error) => {}
                Part::Files(Err(error)) => return Err(error.during("listing a run's files")),
                Part::History(key, Ok((points, next))) => {
                    if let Some(token) = next {
                        let rest = Rest {
                            key: key.clone(),
                            at: token.clone(),
                        };
                        run.rest.get_or_insert(rest);
                        let long = self.long.entry(run.id.clone()).or_default();
                        long.push_back((key.clone(), token));
                    }
                    run.histories.push((key, points));
                }
                Part::History(key, Err(error)) if is_of_this_alone(&error) => {
                    run.unread.push(Unread {
                        what: format!("metric '{key}'"),
                        why: error.to_string(),
                    });
                }
                Part::History(_, Err(error)) => return Err(error.during("reading a history")),
            }
        }
        for run in &mut runs {
            run.histories.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Ok(runs)
    }

    async fn more_points(&mut self, run_id: &str, rest: &Rest) -> Result<Stretch> {
        let mut stretch = Stretch::default();
        let Some(long) = self.long.get_mut(run_id) else {
            return Ok(stretch);
        };
        let Some((key, token)) = long.pop_front() else {
            return Ok(stretch);
        };
        match history(&self.client, run_id, &key, Some(&token)).await {
            Ok((points, next)) => {
                if let Some(next) = next {
                    long.push_front((key.clone(), next));
                }
                stretch.histories.push((key, points));
            }
            Err(error) if is_of_this_alone(&error) => stretch.unread.push(Unread {
                what: format!("metric '{}'", rest.key),
                why: error.to_string(),
            }),
            Err(error) => return Err(error.during("reading a history")),
        }
        stretch.rest = long.front().map(|(key, token)| Rest {
            key: key.clone(),
            at: token.clone(),
        });
        if stretch.rest.is_none() {
            self.long.remove(run_id);
        }
        Ok(stretch)
    }

    async fn models(&mut self) -> Result<Vec<RawModel>> {
        let (mut models, mut token): (Vec<WholeModel>, Option<String>) = (Vec::new(), None);
        loop {
            let mut call =
                Call::get("2.0/mlflow/registered-models/search").with("max_results", "1000");
            if let Some(token) = &token {
                call = call.with("page_token", token.as_str());
            }
            let page: WholeModelPage = self.client.call(&call).await.during("listing models")?;
            let is_empty = page.registered_models.is_empty();
            models.extend(page.registered_models);
            let next = page.next_page_token.filter(|token| !token.is_empty());
            if next.is_none() || is_empty {
                break;
            }
            if next == token {
                return Err(stuck());
            }
            token = next;
        }
        let versions = self
            .client
            .search_versions("")
            .await
            .during("listing model versions")?;
        let mut by_name: BTreeMap<String, Vec<RawVersion>> = BTreeMap::new();
        for version in versions {
            by_name.entry(version.name).or_default().push(RawVersion {
                version: version.version,
                created_at: known(version.creation_timestamp),
                description: version.description,
                user: version.user_id,
                stage: version.current_stage,
                source: version.source,
                run_id: version.run_id,
                tags: pairs(version.tags),
            });
        }
        let models = models
            .into_iter()
            .map(|model| {
                let mut versions = by_name.remove(&model.name).unwrap_or_default();
                versions
                    .sort_by(|a, b| crate::domain::registry::natural_order(&a.version, &b.version));
                RawModel {
                    versions,
                    name: model.name,
                    workspace: String::new(),
                    description: model.description,
                    tags: pairs(model.tags),
                    aliases: model
                        .aliases
                        .into_iter()
                        .map(|alias| (alias.alias, alias.version))
                        .collect(),
                    unread: Vec::new(),
                }
            })
            .collect();
        // Only prompts are not listed among the models that have versions.
        self.beyond = vec![("prompts", by_name.len() as u64)];
        Ok(models)
    }

    async fn beyond(&mut self) -> Result<Vec<(&'static str, u64)>> {
        Ok(self.beyond.clone())
    }
}
