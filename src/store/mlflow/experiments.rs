//! Experiments: MLflow's own, with owner, status and description in tags.

use super::dto::{self, KeyValue};
use super::error::{ApiError, During as _};
use super::fields::{
    ATTEMPT, NOTE, REMOVED, REVISION, Told, cut, from_millis, snapshot, tag_changes,
};
use super::intent::Intent;
use super::ledger::{ObjectKey, RESERVED, State};
use super::list::{self, Row};
use super::store::{MlflowStore, changed, made, same_revision};
use crate::domain::{ExperimentName, ExperimentStatus, ModelExperiment, ObjectKind, Revision};
use crate::store::{
    ExperimentQuery, ExperimentStore, Page, PageRequest, Result, StoreError, WriteContext,
};
use async_trait::async_trait;

const KIND: ObjectKind = ObjectKind::Experiment;
const OWNER: &str = "modeldeck.owner";
const STATUS: &str = "modeldeck.status";

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(KIND, name)
}

/// An experiment as the server and the ledger tell it.
fn build(experiment: &dto::Experiment, state: &State) -> ModelExperiment {
    let key = key(&experiment.name);
    let told = Told::new(&experiment.tags, state, &key);
    let made = from_millis(experiment.creation_time);
    let status = told.text("status", told.tag(STATUS));
    ModelExperiment {
        name: ExperimentName::trusted(experiment.name.clone()),
        description: told.text("description", told.tag(NOTE)).unwrap_or_default(),
        owner: told.text("owner", told.tag(OWNER)).unwrap_or_default(),
        status: status
            .and_then(|word| word.parse().ok())
            .unwrap_or(ExperimentStatus::Active),
        tags: told.own_tags(),
        created_at: told.ledger("created_at").unwrap_or(made),
        updated_at: told.object.map_or(made, |object| object.updated_at),
        revision: state.revision(&key),
    }
}

/// The tags that carry what MLflow has no field for.
pub(super) fn carried(experiment: &ModelExperiment) -> Vec<KeyValue> {
    vec![
        KeyValue::new(NOTE, cut(&experiment.description)),
        KeyValue::new(OWNER, cut(&experiment.owner)),
        KeyValue::new(STATUS, experiment.status.as_str()),
    ]
}

fn check_name(name: &ExperimentName) -> Result<()> {
    if name.as_str().starts_with(RESERVED) {
        return Err(StoreError::Invalid {
            message: format!("experiment names that start with '{RESERVED}' are modeldeck's own"),
        });
    }
    Ok(())
}

impl MlflowStore {
    /// An experiment that is there and not deleted.
    pub(super) async fn find_experiment(&self, name: &ExperimentName) -> Result<dto::Experiment> {
        let missing = || StoreError::not_found(KIND, name.as_str());
        if name.as_str().starts_with(RESERVED) {
            return Err(missing());
        }
        let found = self.client.experiment_by_name(name.as_str()).await.about(
            KIND,
            name.as_str(),
            "reading an experiment",
        )?;
        if found.lifecycle_stage == "deleted" {
            return Err(missing());
        }
        self.seen()
            .experiments
            .insert(found.experiment_id.clone(), found.name.clone());
        Ok(found)
    }

    /// Makes an experiment, and finds out whether it was made where the answer was lost.
    async fn make_experiment(
        &self,
        name: &str,
        tags: &[KeyValue],
        attempt: &str,
    ) -> Result<String> {
        let doing = "making an experiment";
        let error = match self.client.create_experiment(name, tags).await {
            Ok(id) => return Ok(id),
            Err(error) => error,
        };
        let was_taken = error.is_taken();
        if !was_taken && !error.outcome_is_unknown() {
            return Err(error.during(doing));
        }
        match self.client.experiment_by_name(name).await {
            Ok(there) if dto::value_of(&there.tags, ATTEMPT) == Some(attempt) => {
                Ok(there.experiment_id)
            }
            Ok(there) if there.lifecycle_stage == "deleted" => Err(StoreError::Invalid {
                message: format!(
                    "the server keeps a deleted experiment '{}', whose name cannot be given again; 'mlflow experiments restore --experiment-id {}' brings it back",
                    crate::domain::text::visible(name),
                    there.experiment_id
                ),
            }),
            Ok(_) => Err(StoreError::AlreadyExists {
                kind: KIND,
                id: name.to_owned(),
            }),
            Err(ApiError::Refused { status: 404, .. }) if !was_taken => Err(StoreError::Busy {
                doing: doing.to_owned(),
            }),
            Err(_) => Err(error.during_change(doing)),
        }
    }

    /// Takes an experiment away that must not be there, and lets its name be given again: a deleted experiment keeps its own.
    async fn take_back(&self, id: &str, attempt: &str) {
        let name = format!("{RESERVED}refused {attempt}");
        let gone = async {
            self.client.rename_experiment(id, &name).await?;
            self.client.delete_experiment(id).await
        };
        if let Err(error) = gone.await {
            tracing::warn!(%error, "an experiment without an entry in the ledger is left on the server");
        }
    }

    /// Writes what changed to the experiment itself, its revision last.
    async fn project_experiment(
        &self,
        on_server: &dto::Experiment,
        before: &crate::domain::Tags,
        after: &ModelExperiment,
        revision: Revision,
    ) -> Result<(), ApiError> {
        let id = &on_server.experiment_id;
        let (mut set, removed) = tag_changes(before, &after.tags);
        set.extend(
            carried(after)
                .into_iter()
                .filter(|tag| dto::value_of(&on_server.tags, &tag.key) != Some(&tag.value)),
        );
        if !removed.is_empty() {
            // An empty tag is no tag where its key is in this list; no server has to delete any.
            let mut keys: Vec<String> = dto::value_of(&on_server.tags, REMOVED)
                .and_then(|list| serde_json::from_str(list).ok())
                .unwrap_or_default();
            for key in removed {
                set.push(KeyValue::new(key.clone(), ""));
                keys.push(key);
            }
            keys.sort();
            keys.dedup();
            set.push(KeyValue::new(
                REMOVED,
                serde_json::to_string(&keys).expect("texts are JSON"),
            ));
        }
        set.push(KeyValue::new(REVISION, revision.to_string()));
        for tag in &set {
            super::repeated(|| self.client.set_experiment_tag(id, &tag.key, &tag.value)).await?;
        }
        Ok(())
    }

    /// The experiments that a query's own words let through.
    async fn listed_experiments(
        &self,
        query: &ExperimentQuery,
    ) -> Result<Vec<Row<ModelExperiment>>> {
        let on_server = self.known_experiments().await?;
        let ledger = self.ledger().await?;
        Ok(on_server
            .iter()
            .map(|experiment| Row {
                number: number(experiment, &ledger.state),
                object: build(experiment, &ledger.state),
            })
            .filter(|row| {
                query
                    .owner
                    .as_ref()
                    .is_none_or(|owner| *owner == row.object.owner)
            })
            .filter(|row| {
                query
                    .status
                    .is_none_or(|status| status == row.object.status)
            })
            .collect())
    }
}

/// Orders what was made at the same moment: by the ledger, and what it does not know before it.
fn number(experiment: &dto::Experiment, state: &State) -> i64 {
    state.object(&key(&experiment.name)).map_or_else(
        || {
            experiment
                .experiment_id
                .parse::<i64>()
                .unwrap_or(0)
                .saturating_sub(i64::MAX / 2)
        },
        |object| object.first_seq,
    )
}

#[async_trait]
impl ExperimentStore for MlflowStore {
    async fn insert_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> Result<()> {
        check_name(&experiment.name)?;
        let name = experiment.name.as_str();
        let after = snapshot(KIND, experiment);
        let intent = Intent::new(Some(name), ctx, after.clone());
        let attempt = intent.attempt.as_str();
        let (mut tags, _) = tag_changes(&crate::domain::Tags::new(), &experiment.tags);
        tags.extend(carried(experiment));
        tags.push(KeyValue::new(ATTEMPT, attempt));
        tags.push(KeyValue::new(REVISION, Revision::FIRST.to_string()));
        tags.extend(intent.tags());
        let id = self.make_experiment(name, &tags, attempt).await?;
        self.seen().experiments.insert(id.clone(), name.to_owned());
        let entered = self
            .append(ctx, |state| {
                if state.is_entered(&key(name), attempt) {
                    return Ok((Vec::new(), ()));
                }
                let entry = made(key(name), None, after.clone());
                Ok((vec![entry.of_attempt(attempt)], ()))
            })
            .await;
        if let Err(error) = entered {
            if matches!(error, StoreError::Unauthorized { .. }) {
                self.take_back(&id, attempt).await;
            } else {
                self.mend_next();
            }
            return Err(error);
        }
        self.clear_experiment(&id, &intent).await;
        Ok(())
    }

    async fn replace_experiment(
        &self,
        experiment: &ModelExperiment,
        ctx: &WriteContext,
    ) -> Result<Revision> {
        let on_server = self.find_experiment(&experiment.name).await?;
        if self.settle_experiment(&on_server).await? {
            return Err(StoreError::conflict(KIND, experiment.name.as_str()));
        }
        let name = experiment.name.as_str();
        let next = experiment.revision.next();
        let before = self
            .append(ctx, |state| {
                let stored = build(&on_server, state);
                same_revision(KIND, name, experiment.revision, stored.revision)?;
                let draft = changed(
                    key(name),
                    next,
                    snapshot(KIND, &stored),
                    snapshot(KIND, experiment),
                );
                let told = Told::new(&on_server.tags, state, &key(name));
                let written = if told.is_behind {
                    told.tags_on_server()
                } else {
                    stored.tags
                };
                Ok((vec![draft], written))
            })
            .await?;
        if let Err(error) = self
            .project_experiment(&on_server, &before, experiment, next)
            .await
        {
            tracing::warn!(%error, experiment = name, "the change is done, and the server's own fields follow with the next one");
        }
        Ok(next)
    }

    async fn experiment(&self, name: &ExperimentName) -> Result<ModelExperiment> {
        let on_server = self.find_experiment(name).await?;
        let ledger = self.ledger().await?;
        Ok(build(&on_server, &ledger.state))
    }

    async fn experiments(
        &self,
        query: &ExperimentQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelExperiment>> {
        list::page(self.listed_experiments(query).await?, &query.list, page)
    }

    async fn count_experiments(&self, query: &ExperimentQuery) -> Result<u64> {
        Ok(list::count(
            &self.listed_experiments(query).await?,
            &query.list,
        ))
    }
}
