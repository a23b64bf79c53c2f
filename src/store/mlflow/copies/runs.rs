//! The copies of runs: made once, brought up to date, their points appended in order, and ended last.

use super::super::api::{MOST_PAIRS, NewRun, RunSearch};
use super::super::dto::{self, KeyValue, Metric, value_of};
use super::super::fields::{ATTEMPT, is_internal};
use super::super::runs::{GIVEN_ID, HEARTBEAT, carried, word};
use super::{Faulty as _, MlflowCopies, differing};
use crate::domain::{ModelRun, RunStatus, text::visible};
use crate::store::sync::{RemoteCopy, Sent, SyncFault, Unsent};
use jiff::Timestamp;

/// Where MLflow has no tag of its own for it.
const HOST: &str = "modeldeck.host";

impl MlflowCopies {
    /// Looks for the copy by its key, and makes it where it is not there. The earliest one counts, should there ever be two.
    pub(super) async fn bring_run(
        &self,
        run: &ModelRun,
        experiment_id: &str,
        key: &str,
        is_imported: bool,
    ) -> Result<String, SyncFault> {
        let search = RunSearch {
            experiment_ids: vec![experiment_id.to_owned()],
            filter: format!("tags.`{ATTEMPT}` = '{key}'"),
            order_by: vec!["attributes.start_time ASC".to_owned()],
        };
        let (found, _) = self.client.search_runs(&search, 1, None).await.faulty()?;
        if let Some(found) = found.into_iter().next() {
            return Ok(found.info.run_id);
        }
        if is_imported && let Some(there) = self.imported_run(run, experiment_id).await? {
            return Ok(there);
        }
        let mut tags = wanted(run);
        tags.push(KeyValue::new(ATTEMPT, key));
        let new = NewRun {
            experiment_id,
            name: &run.name,
            start_time: began(run),
            user_id: run.source.user.as_deref().unwrap_or_default(),
            tags: &tags,
        };
        let made = self.client.create_run(&new).await.faulty()?;
        Ok(made.info.run_id)
    }

    /// A run that was imported from this very server has its id there, or the one that modeldeck gave it, and began or ended when that one did.
    async fn imported_run(
        &self,
        run: &ModelRun,
        experiment_id: &str,
    ) -> Result<Option<String>, SyncFault> {
        let id = run.run_id.as_str();
        if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            match self.client.get_run(id).await {
                Ok(there) if there.info.lifecycle_stage != "deleted" => {
                    return Ok(Some(there.info.run_id));
                }
                Ok(_) => {}
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(super::fault(error)),
            }
        }
        let search = RunSearch {
            experiment_ids: vec![experiment_id.to_owned()],
            filter: format!("tags.`{GIVEN_ID}` = '{}'", id.replace('\'', "''")),
            order_by: vec!["attributes.start_time ASC".to_owned()],
        };
        let (found, _) = self.client.search_runs(&search, 100, None).await.faulty()?;
        let (began, ended) = (began(run), run.ended_at.map(Timestamp::as_millisecond));
        // An import mends a beginning that is behind the end.
        let same = found.into_iter().find(|there| {
            there.info.start_time == began || (ended.is_some() && there.info.end_time == ended)
        });
        Ok(same.map(|there| there.info.run_id))
    }

    async fn run_there(&self, remote: &str) -> Result<dto::Run, SyncFault> {
        let there = self.client.get_run(remote).await.faulty()?;
        if there.info.lifecycle_stage == "deleted" {
            return Err(deleted());
        }
        Ok(there)
    }

    /// Name, params, tags and a status that is not the last one.
    pub(super) async fn bring_fields(
        &self,
        run: &ModelRun,
        copy: &RemoteCopy,
    ) -> Result<Sent, SyncFault> {
        let remote = copy.remote.as_str();
        let there = self.run_there(remote).await?;
        let mut params = Vec::new();
        for (key, value) in &run.params {
            match value_of(&there.data.params, key.as_str()) {
                Some(known) if known == value => {}
                Some(known) => {
                    return Err(SyncFault::Refused(format!(
                        "param '{key}' is '{}' on the server and '{}' here, and MLflow lets nobody change one",
                        visible(known),
                        visible(value)
                    )));
                }
                None => params.push(KeyValue::new(key.as_str(), value.as_str())),
            }
        }
        let tags = differing(wanted(run), &there.data.tags);
        let rounds = params.len().max(tags.len()).div_ceil(MOST_PAIRS);
        for round in 0..rounds {
            let part = |pairs: &[KeyValue]| -> Vec<KeyValue> {
                pairs
                    .iter()
                    .skip(round * MOST_PAIRS)
                    .take(MOST_PAIRS)
                    .cloned()
                    .collect()
            };
            self.client
                .log_batch(remote, &[], &part(&params), &part(&tags))
                .await
                .faulty()?;
        }
        let own: Vec<String> = own_tags(run).map(|tag| tag.key).collect();
        for key in copy.sent.tags.iter().filter(|key| !own.contains(key)) {
            self.client.delete_run_tag(remote, key).await.faulty()?;
        }
        let name = (there.info.run_name != run.name).then_some(run.name.as_str());
        let has_ended = there.info.end_time.is_some()
            || matches!(there.info.status.as_str(), "FINISHED" | "FAILED" | "KILLED");
        // A run that ended there, by whoever's hand, is not begun again.
        let status =
            (!run.status.is_final() && !has_ended && there.info.status != word(run.status))
                .then_some(word(run.status));
        if name.is_some() || status.is_some() {
            self.client
                .update_run(remote, status, None, name)
                .await
                .faulty()?;
        }
        Ok(Sent {
            revision: run.revision.0,
            tags: own,
            ..Sent::default()
        })
    }

    pub(super) async fn bring_points(
        &self,
        remote: &str,
        points: &[Unsent],
        heartbeat: Option<Timestamp>,
    ) -> Result<(), SyncFault> {
        let metrics: Vec<Metric> = points
            .iter()
            .flat_map(|unsent| {
                unsent.batch.points.iter().map(|point| Metric {
                    key: unsent.batch.key.as_str().to_owned(),
                    // An infinity is kept as the largest number and not known again when it comes a second time: the whole batch would be refused.
                    value: point.value.clamp(-f64::MAX, f64::MAX),
                    timestamp: point.timestamp.as_millisecond(),
                    step: point.step,
                })
            })
            .collect();
        let tags: Vec<KeyValue> = heartbeat
            .map(|at| KeyValue::new(HEARTBEAT, at.to_string()))
            .into_iter()
            .collect();
        match self
            .client
            .log_points(&self.there, remote, &metrics, &[], &tags)
            .await
            .faulty()
        {
            // MLflow's refusal does not tell a deleted run from a bad point.
            Err(refused @ SyncFault::Refused(_)) => {
                self.run_there(remote).await?;
                Err(refused)
            }
            settled => settled,
        }
    }
}

fn deleted() -> SyncFault {
    SyncFault::Gone("its copy was deleted on the server".to_owned())
}

/// When the copy of a run begins, in milliseconds.
fn began(run: &ModelRun) -> i64 {
    run.started_at.unwrap_or(run.created_at).as_millisecond()
}

fn own_tags(run: &ModelRun) -> impl Iterator<Item = KeyValue> {
    run.tags
        .iter()
        .filter(|(key, _)| !is_internal(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
}

/// The tags that a copy carries: those of the remote store's runs, and what tells where it came from.
fn wanted(run: &ModelRun) -> Vec<KeyValue> {
    let mut tags = carried(run);
    tags.push(KeyValue::new(GIVEN_ID, run.run_id.as_str()));
    if run.source.command.is_some() {
        tags.push(KeyValue::new("mlflow.source.type", "LOCAL"));
    }
    if let Some(host) = &run.source.host {
        tags.push(KeyValue::new(HOST, host.as_str()));
    }
    if let Some(heartbeat) = run
        .heartbeat_at
        .filter(|_| run.status == RunStatus::Running)
    {
        tags.push(KeyValue::new(HEARTBEAT, heartbeat.to_string()));
    }
    tags.extend(own_tags(run));
    tags
}
