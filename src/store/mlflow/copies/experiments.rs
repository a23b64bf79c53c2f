//! The copies of experiments. One that is on the server under the name already is used: the name is what people know it by.

use super::super::dto::{self, KeyValue, value_of};
use super::super::experiments::carried;
use super::super::fields::{NOTE, REMOVED, is_internal};
use super::{Faulty as _, MlflowCopies, differing, fault};
use crate::domain::ModelExperiment;
use crate::store::sync::{RemoteCopy, Sent, SyncFault};

impl MlflowCopies {
    pub(super) async fn bring_experiment(
        &self,
        experiment: &ModelExperiment,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault> {
        let there = if let Some(there) = self.experiment_there(experiment).await? {
            there
        } else {
            let wanted = wanted(experiment, &[]);
            let name = experiment.name.as_str();
            match self.client.create_experiment(name, &wanted).await {
                Ok(_) => {}
                Err(error) if error.is_taken() => {}
                Err(error) => return Err(fault(error)),
            }
            let made = self.experiment_there(experiment).await?;
            made.ok_or_else(|| {
                SyncFault::Passing("the experiment was made and is not there yet".to_owned())
            })?
        };
        let id = there.experiment_id.clone();
        let mut set = differing(wanted(experiment, &there.tags), &there.tags);
        set.extend(removals(experiment, copy, &there.tags));
        for tag in &set {
            self.client
                .set_experiment_tag(&id, &tag.key, &tag.value)
                .await
                .faulty()?;
        }
        Ok(RemoteCopy {
            remote: id,
            sent: Sent {
                revision: experiment.revision.0,
                tags: own_tags(experiment).map(|tag| tag.key).collect(),
                ..Sent::default()
            },
        })
    }

    async fn experiment_there(
        &self,
        experiment: &ModelExperiment,
    ) -> Result<Option<dto::Experiment>, SyncFault> {
        match self
            .client
            .experiment_by_name(experiment.name.as_str())
            .await
        {
            Ok(there) if there.lifecycle_stage == "deleted" => Err(SyncFault::Refused(format!(
                "the server keeps a deleted experiment of this name; 'mlflow experiments restore --experiment-id {}' brings it back",
                there.experiment_id
            ))),
            Ok(there) => Ok(Some(there)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }
}

fn own_tags(experiment: &ModelExperiment) -> impl Iterator<Item = KeyValue> {
    experiment
        .tags
        .iter()
        .filter(|(key, _)| !is_internal(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
}

/// What the copy is to carry. A description that somebody wrote there is not emptied by one that has none.
fn wanted(experiment: &ModelExperiment, there: &[KeyValue]) -> Vec<KeyValue> {
    let mut wanted = carried(experiment);
    wanted
        .retain(|tag| tag.key != NOTE || !tag.value.is_empty() || value_of(there, NOTE).is_none());
    wanted.extend(own_tags(experiment));
    wanted
}

/// Tags that were sent and are gone here: emptied and listed, because no 2.x server deletes one.
fn removals(
    experiment: &ModelExperiment,
    copy: Option<&RemoteCopy>,
    there: &[KeyValue],
) -> Vec<KeyValue> {
    let gone: Vec<&String> = copy
        .iter()
        .flat_map(|copy| &copy.sent.tags)
        .filter(|key| {
            experiment
                .tags
                .keys()
                .all(|there| there.as_str() != key.as_str())
        })
        .collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut listed: Vec<String> = value_of(there, REMOVED)
        .and_then(|list| serde_json::from_str(list).ok())
        .unwrap_or_default();
    listed.extend(gone.iter().map(|key| (*key).clone()));
    listed.sort();
    listed.dedup();
    let mut tags: Vec<KeyValue> = gone
        .into_iter()
        .map(|key| KeyValue::new(key.as_str(), ""))
        .collect();
    tags.push(KeyValue::new(
        REMOVED,
        serde_json::to_string(&listed).expect("texts are JSON"),
    ));
    tags
}
