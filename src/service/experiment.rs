//! Experiments: made, changed, listed.

use super::core::{Core, expect_revision, free_text, merge_tags, values};
use super::{Result, ServiceError};
use crate::domain::name;
use crate::domain::{
    ExperimentName, ExperimentStatus, Key, ModelExperiment, ObjectKind, Revision, Tags,
};
use crate::store::{ExperimentQuery, Page, PageRequest, StoreError};

/// What an experiment is made of.
#[derive(Debug, Clone)]
pub struct NewExperiment {
    pub name: ExperimentName,
    pub description: String,
    /// `None` for whoever makes it.
    pub owner: Option<String>,
    pub tags: Tags,
}

impl NewExperiment {
    pub fn new(name: ExperimentName) -> Self {
        Self {
            name,
            description: String::new(),
            owner: None,
            tags: Tags::new(),
        }
    }
}

/// What changes on an experiment; `None` and empty leave things as they are.
#[derive(Debug, Clone, Default)]
pub struct ExperimentUpdate {
    pub description: Option<String>,
    pub owner: Option<String>,
    pub status: Option<ExperimentStatus>,
    pub set_tags: Tags,
    pub remove_tags: Vec<Key>,
    pub reason: Option<String>,
    /// The revision that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}

/// The verbs of experiments.
#[derive(Clone)]
pub struct ExperimentManager {
    pub(super) core: Core,
}

impl ExperimentManager {
    /// Makes an experiment; its name must be free.
    pub async fn create(&self, new: NewExperiment) -> Result<ModelExperiment> {
        let ctx = self.core.write("create_experiment", None)?;
        free_text("description", &new.description)?;
        values("tags", &new.tags)?;
        let owner = match new.owner {
            Some(owner) => checked_owner(&owner)?,
            None => ctx.identity.person().to_owned(),
        };
        let experiment = ModelExperiment {
            name: new.name,
            description: new.description,
            owner,
            status: ExperimentStatus::Active,
            tags: new.tags,
            created_at: ctx.at,
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        self.core.store.insert_experiment(&experiment, &ctx).await?;
        Ok(experiment)
    }

    /// Makes an experiment unless it is there; tells whether it was missing.
    pub async fn ensure(&self, name: &ExperimentName) -> Result<bool> {
        match self.get(name).await {
            Err(ServiceError::Store(StoreError::NotFound { .. })) => {}
            found => return found.map(|_| false),
        }
        match self.create(NewExperiment::new(name.clone())).await {
            Ok(_) => Ok(true),
            // Another program made it in this moment, which is as good.
            Err(ServiceError::Store(StoreError::AlreadyExists { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Changes an experiment.
    pub async fn update(
        &self,
        name: &ExperimentName,
        update: &ExperimentUpdate,
    ) -> Result<ModelExperiment> {
        self.core
            .settle(update.expected, move || self.update_once(name, update))
            .await
    }

    async fn update_once(
        &self,
        name: &ExperimentName,
        update: &ExperimentUpdate,
    ) -> Result<ModelExperiment> {
        let ctx = self
            .core
            .write("update_experiment", update.reason.as_deref())?;
        let mut experiment = self.get(name).await?;
        expect_revision(update.expected, experiment.revision, || {
            StoreError::conflict(ObjectKind::Experiment, name)
        })?;
        let found = experiment.clone();
        if let Some(description) = &update.description {
            free_text("description", description)?;
            experiment.description.clone_from(description);
        }
        if let Some(owner) = &update.owner {
            experiment.owner = checked_owner(owner)?;
        }
        if let Some(status) = update.status.filter(|status| *status != experiment.status) {
            if !experiment.status.next().contains(&status) {
                let (object, from) = (format!("experiment '{name}'"), experiment.status);
                return Err(ServiceError::no_way(object, from, status, from.next()));
            }
            experiment.status = status;
        }
        values("tags", &update.set_tags)?;
        merge_tags(&mut experiment.tags, &update.set_tags, &update.remove_tags);
        if experiment == found {
            return Ok(experiment);
        }
        experiment.updated_at = ctx.at;
        experiment.revision = self
            .core
            .store
            .replace_experiment(&experiment, &ctx)
            .await?;
        Ok(experiment)
    }

    pub async fn get(&self, name: &ExperimentName) -> Result<ModelExperiment> {
        Ok(self.core.store.experiment(name).await?)
    }

    pub async fn list(
        &self,
        query: &ExperimentQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelExperiment>> {
        Ok(self.core.store.experiments(query, page).await?)
    }

    pub async fn count(&self, query: &ExperimentQuery) -> Result<u64> {
        Ok(self.core.store.count_experiments(query).await?)
    }
}

fn checked_owner(given: &str) -> Result<String> {
    name::owner(given).map_err(|error| ServiceError::invalid("owner", error.to_string()))
}
