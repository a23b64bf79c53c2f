//! Runs: MLflow's own, with what they have beyond MLflow's fields in tags.
//!
//! A run that was made with an id of its own keeps it here: MLflow picks ids itself, so tag `modeldeck.run_id` and the ledger tell which is which. A run is
//! found by either id.

use super::api::{MOST_PAIRS, NewRun, RunSearch};
use super::dto::{self, KeyValue};
use super::error::{ApiError, ApiResult, During as _};
use super::fields::{ATTEMPT, REVISION, Told, snapshot, tag_changes};
use super::intent::Intent;
use super::ledger::ObjectKey;
use super::run_fields::status;
pub(super) use super::run_fields::{GIVEN_ID, HEARTBEAT, build, carried, point, word};
use super::store::{MlflowStore, changed, made, same_revision};
use crate::domain::{Key, ModelRun, ObjectKind, Revision, RunId, RunStatus};
use crate::store::{Result, SeriesBatch, StoreError, WriteContext};
use jiff::Timestamp;

const KIND: ObjectKind = ObjectKind::Run;

pub(super) fn key(run_id: &RunId) -> ObjectKey {
    ObjectKey::new(KIND, run_id.as_str())
}

/// Whether a new run needs more than the one request that makes it.
fn needs_filling(run: &ModelRun, points: &[SeriesBatch]) -> bool {
    run.status != RunStatus::Running
        || !run.params.is_empty()
        || points.iter().any(|batch| !batch.points.is_empty())
}

fn revision_tag() -> KeyValue {
    KeyValue::new(REVISION, Revision::FIRST.to_string())
}

pub(super) fn not_found(run_id: &RunId) -> StoreError {
    StoreError::not_found(KIND, run_id.as_str())
}

impl MlflowStore {
    /// MLflow's id of a run, as far as the ledger knows.
    pub(super) async fn remote_run_id(&self, run_id: &RunId) -> Result<String> {
        let known = {
            let ledger = self.ledger.lock().await;
            ledger.state.object(&key(run_id)).map(|object| {
                object
                    .remote
                    .clone()
                    .unwrap_or_else(|| run_id.as_str().to_owned())
            })
        };
        let mirrored = || self.seen().mirrored.get(run_id.as_str()).cloned();
        match known.or_else(mirrored) {
            Some(remote) => Ok(remote),
            // Somebody else may have made it meanwhile.
            None => Ok(self.ledger().await?.state.remote_run(run_id).to_owned()),
        }
    }

    /// A run by either of its ids; runs of the reserved experiments and deleted ones are not there.
    pub(super) async fn find_run(&self, run_id: &RunId) -> Result<(dto::Run, String)> {
        let remote = self.remote_run_id(run_id).await?;
        let run = match self.client.get_run(&remote).await {
            Err(error) if error.is_missing() => {
                let experiments = self.known_experiments().await?;
                let experiments = experiments
                    .into_iter()
                    .map(|experiment| experiment.experiment_id)
                    .collect();
                let mirrored = self.mirrored_run(run_id, experiments).await?;
                mirrored.ok_or_else(|| not_found(run_id))?
            }
            found => found.about(KIND, run_id.as_str(), "reading a run")?,
        };
        let experiment = self.experiment_name(&run.info.experiment_id).await?;
        if run.info.lifecycle_stage == "deleted" || experiment.starts_with(super::ledger::RESERVED)
        {
            return Err(not_found(run_id));
        }
        Ok((run, experiment))
    }

    /// A run that a local store mirrors here, by the id that it has there.
    async fn mirrored_run(
        &self,
        run_id: &RunId,
        experiment_ids: Vec<String>,
    ) -> Result<Option<dto::Run>> {
        let id = run_id.as_str();
        if id.contains('\'') {
            // It cannot stand in MLflow's filters.
            return Ok(None);
        }
        let search = RunSearch {
            experiment_ids,
            filter: format!("tags.`{GIVEN_ID}` = '{id}'"),
            order_by: Vec::new(),
        };
        let (found, _) = self
            .client
            .search_runs(&search, 1, None)
            .await
            .during("looking for a mirrored run")?;
        let found = found.into_iter().next();
        if let Some(run) = &found {
            self.note_mirrored(run_id, &run.info.run_id);
        }
        Ok(found)
    }

    /// Remembers that a run has another id on the server.
    pub(super) fn note_mirrored(&self, run_id: &RunId, remote: &str) {
        if run_id.as_str() != remote {
            self.seen()
                .mirrored
                .insert(run_id.as_str().to_owned(), remote.to_owned());
        }
    }

    pub(super) async fn read_run(&self, run_id: &RunId) -> Result<ModelRun> {
        let (run, experiment) = self.find_run(run_id).await?;
        let ledger = self.ledger().await?;
        Ok(build(&run, &experiment, &ledger.state))
    }

    /// Makes the run itself, and finds it again where the answer was lost.
    async fn make_run(&self, new: &NewRun<'_>, attempt: &str) -> Result<dto::Run> {
        let doing = "making a run";
        let error = match self.client.create_run(new).await {
            Ok(run) => return Ok(run),
            Err(error) if error.outcome_is_unknown() => error,
            Err(error) => return Err(error.during(doing)),
        };
        let search = RunSearch {
            experiment_ids: vec![new.experiment_id.to_owned()],
            filter: format!("tags.`{ATTEMPT}` = '{attempt}'"),
            order_by: Vec::new(),
        };
        match self.client.search_runs(&search, 1, None).await {
            Ok((found, _)) => match found.into_iter().next() {
                Some(run) => Ok(run),
                // Looked for and not there: it was not made.
                None => self.client.create_run(new).await.during_change(doing),
            },
            Err(_) => Err(error.during_change(doing)),
        }
    }

    /// Makes a run, under its own id or (`named_by_server`) under the one that MLflow picks, which is returned.
    pub(super) async fn add_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        named_by_server: bool,
        ctx: &WriteContext,
    ) -> Result<RunId> {
        if let Some(foreign) = points.iter().find(|batch| batch.run_id != run.run_id) {
            return Err(StoreError::Invalid {
                message: format!(
                    "points of run '{}' cannot come with run '{}'",
                    foreign.run_id, run.run_id
                ),
            });
        }
        let experiment = self.find_experiment(&run.experiment_name).await?;
        let taken = || StoreError::AlreadyExists {
            kind: KIND,
            id: run.run_id.as_str().to_owned(),
        };
        if !named_by_server {
            let remote = self.remote_run_id(&run.run_id).await?;
            let in_experiment = vec![experiment.experiment_id.clone()];
            let is_there = match self.client.get_run(&remote).await {
                Ok(there) => there.info.lifecycle_stage != "deleted",
                Err(error) if error.is_missing() => {
                    let mirrored = self.mirrored_run(&run.run_id, in_experiment).await?;
                    mirrored.is_some()
                }
                Err(error) => return Err(error.during("making a run")),
            };
            if is_there {
                return Err(taken());
            }
        }
        let own_name = (!named_by_server).then(|| run.run_id.as_str());
        let intent = Intent::new(own_name, ctx, snapshot(KIND, run));
        let attempt = intent.attempt.as_str();
        let (mut tags, _) = tag_changes(&crate::domain::Tags::new(), &run.tags);
        tags.extend(carried(run));
        tags.push(KeyValue::new(ATTEMPT, attempt));
        tags.extend(intent.tags());
        if !needs_filling(run, points) {
            tags.push(revision_tag());
        }
        if !named_by_server {
            tags.push(KeyValue::new(GIVEN_ID, run.run_id.as_str()));
        }
        if let Some(heartbeat) = run.heartbeat_at {
            tags.push(KeyValue::new(HEARTBEAT, heartbeat.to_string()));
        }
        let new = NewRun {
            experiment_id: &experiment.experiment_id,
            name: &run.name,
            // It never changes there, so it is when the run was made: lists are walked by it.
            start_time: run.created_at.as_millisecond(),
            user_id: run.source.user.as_deref().unwrap_or(ctx.identity.person()),
            tags: &tags,
        };
        let made_run = self.make_run(&new, attempt).await;
        let remote = match made_run {
            Ok(there) => there.info.run_id,
            Err(error) => {
                self.mend_next();
                return Err(error);
            }
        };
        let filled = self.fill_run(&remote, run, points).await;
        let named = if named_by_server {
            RunId::trusted(remote.clone())
        } else {
            run.run_id.clone()
        };
        let entered = match filled {
            Ok(()) => {
                let after = intent
                    .named("run_id", &remote)
                    .expect("it was just made whole");
                let elsewhere = (!named_by_server).then(|| remote.clone());
                self.append(ctx, |state| {
                    if state.is_entered(&key(&named), attempt) {
                        return Ok((Vec::new(), ()));
                    }
                    if state.object(&key(&named)).is_some() {
                        return Err(taken());
                    }
                    let entry = made(key(&named), elsewhere.clone(), after.clone());
                    Ok((vec![entry.of_attempt(attempt)], ()))
                })
                .await
            }
            Err(error) => Err(error.during_change("writing a new run")),
        };
        if let Err(error) = entered {
            // A run without its entry, or with half its points, is not what was asked for.
            if self.client.delete_run(&remote).await.is_err() {
                self.mend_next();
            }
            return Err(error);
        }
        self.clear_run(&remote, &intent).await;
        if let Some(heartbeat) = run.heartbeat_at {
            self.seen().heartbeats.insert(remote.clone(), heartbeat);
        }
        Ok(named)
    }

    /// Status, params and points of a new run, and with the last of them the tag that says that all are there: without it a run is as its entry says.
    async fn fill_run(
        &self,
        remote: &str,
        run: &ModelRun,
        points: &[SeriesBatch],
    ) -> ApiResult<()> {
        if !needs_filling(run, points) {
            return Ok(());
        }
        if run.status != RunStatus::Running {
            let end = run.ended_at.map(Timestamp::as_millisecond);
            super::repeated(|| {
                self.client
                    .update_run(remote, Some(word(run.status)), end, None)
            })
            .await?;
        }
        let mut params: Vec<(&Key, &String)> = run.params.iter().collect();
        let rest = params.split_off(params.len().min(MOST_PAIRS));
        self.write_params(remote, &rest).await?;
        let params: Vec<KeyValue> = params
            .iter()
            .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
            .collect();
        self.write_points(remote, points, &params, &[revision_tag()], None)
            .await
    }

    async fn write_params(&self, remote: &str, params: &[(&Key, &String)]) -> ApiResult<()> {
        for params in params.chunks(MOST_PAIRS) {
            let params: Vec<KeyValue> = params
                .iter()
                .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
                .collect();
            super::repeated(|| self.client.log_batch(remote, &[], &params, &[])).await?;
        }
        Ok(())
    }

    pub(super) async fn change_run(
        &self,
        run: &ModelRun,
        points: &[SeriesBatch],
        ctx: &WriteContext,
    ) -> Result<Revision> {
        let (on_server, experiment) = self.find_run(&run.run_id).await?;
        if self.settle_run(&on_server).await? {
            return Err(StoreError::conflict(KIND, run.run_id.as_str()));
        }
        let next = run.revision.next();
        let id = run.run_id.as_str();
        let (before, written) = self
            .append(ctx, |state| {
                let stored = build(&on_server, &experiment, state);
                same_revision(KIND, id, run.revision, stored.revision)?;
                let mut draft = changed(
                    key(&stored.run_id),
                    next,
                    snapshot(KIND, &stored),
                    snapshot(KIND, run),
                );
                // Of a mirrored run the ledger does not know yet which one it is.
                let remote = on_server.info.run_id.as_str();
                if state.remote_run(&stored.run_id) != remote {
                    draft.remote = Some(remote.to_owned());
                }
                let told = Told::new(&on_server.data.tags, state, &draft.key);
                let tags = if told.is_behind {
                    told.tags_on_server()
                } else {
                    stored.tags.clone()
                };
                Ok((vec![draft], (stored, tags)))
            })
            .await?;
        let remote = &on_server.info.run_id;
        if let Err(error) = self
            .project_run(&on_server, &before, &written, run, next)
            .await
        {
            tracing::warn!(%error, run = id, "the change is done, and the server's own fields follow with the next one");
        }
        let heartbeat = run.heartbeat_at.max(before.heartbeat_at);
        self.write_points(remote, points, &[], &[], heartbeat)
            .await
            .during_change("writing points")?;
        self.wrote();
        Ok(next)
    }

    /// Writes what changed to the run itself, its revision last.
    async fn project_run(
        &self,
        on_server: &dto::Run,
        before: &ModelRun,
        written_tags: &crate::domain::Tags,
        after: &ModelRun,
        revision: Revision,
    ) -> Result<(), ApiError> {
        let remote = on_server.info.run_id.as_str();
        let fresh: Vec<_> = after
            .params
            .iter()
            .filter(|(key, _)| dto::value_of(&on_server.data.params, key.as_str()).is_none())
            .collect();
        self.write_params(remote, &fresh).await?;
        let status = (status(&on_server.info) != after.status).then(|| word(after.status));
        let end = after
            .ended_at
            .map(Timestamp::as_millisecond)
            .filter(|end| on_server.info.end_time != Some(*end));
        let name = (on_server.info.run_name != after.name).then_some(after.name.as_str());
        if status.is_some() || end.is_some() || name.is_some() {
            super::repeated(|| self.client.update_run(remote, status, end, name)).await?;
        }
        let (mut set, removed) = tag_changes(written_tags, &after.tags);
        for key in &removed {
            super::repeated(|| self.client.delete_run_tag(remote, key)).await?;
        }
        let there = &on_server.data.tags;
        // What others wrote of their run stays theirs, as long as nobody changes it here.
        let kept = dto::value_of(there, ATTEMPT).map_or_else(|| carried(before), |_| Vec::new());
        set.extend(carried(after).into_iter().filter(|tag| {
            !kept.contains(tag) && dto::value_of(there, &tag.key) != Some(&tag.value)
        }));
        if let Some(heartbeat) = after
            .heartbeat_at
            .max(before.heartbeat_at)
            .filter(|at| Some(*at) != before.heartbeat_at)
        {
            set.push(KeyValue::new(HEARTBEAT, heartbeat.to_string()));
        }
        set.push(KeyValue::new(REVISION, revision.to_string()));
        for tags in set.chunks(MOST_PAIRS) {
            super::repeated(|| self.client.log_batch(remote, &[], &[], tags)).await?;
        }
        Ok(())
    }
}
