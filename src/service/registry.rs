//! The model registry: versions registered, changed, compared, staged and named.

mod input;
mod named;

pub use input::{ModelVersionUpdate, NewModelVersion, StageChange};
pub use named::{Named, VersionName};

use super::core::{Core, address, expect_revision, free_text, is_same, merge_tags, values};
use super::{Result, ServiceError, review};
use crate::domain::{
    Alias, ApprovalState, ChecklistStatus, DeploymentChecklistItem, Environment, ModelName,
    ModelVersion, ObjectKind, Params, Policy, Revision, Stage, Version, VersionComparison,
    build_checklist, run::OUTPUT_LOG,
};
use crate::store::{GateProof, Page, PageRequest, StoreError, VersionQuery, WriteContext};
use std::collections::BTreeMap;

/// The verbs of the registry.
#[derive(Clone)]
pub struct ModelRegistry {
    pub(super) core: Core,
}

impl ModelRegistry {
    /// Registers a version. From a run it takes the latest metrics, the params and the manifest of artifacts.
    pub async fn register(&self, new: NewModelVersion) -> Result<ModelVersion> {
        values("params", &new.params)?;
        values("tags", &new.tags)?;
        free_text("description", &new.description)?;
        if let Some(source) = &new.source {
            address("source", source)?;
        }
        let new = &new;
        // Only a version chosen here is chosen again when somebody else took it meanwhile.
        for _ in 0..100 {
            match self.register_once(new).await {
                Err(ServiceError::Store(StoreError::AlreadyExists { .. }))
                    if new.version.is_none() => {}
                settled => return settled,
            }
        }
        self.register_once(new).await
    }

    async fn register_once(&self, new: &NewModelVersion) -> Result<ModelVersion> {
        let ctx = self.core.write("register_model_version", None)?;
        let policy = self.core.policy().await?;
        let taken = self.core.store.version_names(&new.model_name).await?;
        let (mut metrics, mut params, mut artifacts) = (BTreeMap::new(), Params::new(), Vec::new());
        if let Some(run_id) = &new.run_id {
            let run = self.core.store.run(run_id).await?;
            metrics.extend(
                run.metrics
                    .iter()
                    .map(|(key, point)| (key.clone(), point.value)),
            );
            params = run.params;
            artifacts = run.artifacts;
            artifacts.retain(|artifact| artifact.path != OUTPUT_LOG);
        }
        metrics.extend(new.metrics.iter().map(|(key, value)| (key.clone(), *value)));
        params.extend(
            new.params
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        let mut version = ModelVersion {
            model_name: new.model_name.clone(),
            version: match &new.version {
                Some(version) => version.clone(),
                None => next_version(&taken)?,
            },
            stage: Stage::None,
            stage_warning: None,
            aliases: std::collections::BTreeSet::new(),
            run_id: new.run_id.clone(),
            source: new.source.clone(),
            metrics,
            params,
            tags: new.tags.clone(),
            description: new.description.clone(),
            registered_by: ctx.identity.person().to_owned(),
            artifacts,
            checklist: first_checklist(&policy, &new.checklist, &ctx)?,
            decisions: Vec::new(),
            approval: ApprovalState::None,
            approved_by: None,
            approved_at: None,
            approval_notes: None,
            created_at: ctx.at,
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        if new.version.is_some() {
            self.core.store.insert_version(&version, &ctx).await?;
        } else {
            version.version = self
                .core
                .store
                .insert_unnamed_version(&version, &ctx)
                .await?;
        }
        version.derive_approval(&policy);
        Ok(version)
    }

    /// Changes a version. A new source or metric makes a given approval stale.
    pub async fn update(
        &self,
        model_name: &ModelName,
        version: &Version,
        update: &ModelVersionUpdate,
    ) -> Result<ModelVersion> {
        self.core
            .settle(update.expected, move || {
                self.update_once(model_name, version, update)
            })
            .await
    }

    async fn update_once(
        &self,
        model_name: &ModelName,
        name: &Version,
        update: &ModelVersionUpdate,
    ) -> Result<ModelVersion> {
        let ctx = self
            .core
            .write("update_model_version", update.reason.as_deref())?;
        let mut version = self.get(model_name, name).await?;
        expect_revision(update.expected, version.revision, || conflict(&version))?;
        let found = version.clone();
        if update.source.is_some() || !update.metrics.is_empty() {
            self.refuse_while_in_production(&version).await?;
        }
        if let Some(description) = &update.description {
            free_text("description", description)?;
            version.description.clone_from(description);
        }
        if let Some(source) = &update.source {
            address("source", source)?;
            version.source = Some(source.clone());
        }
        version.metrics.extend(
            update
                .metrics
                .iter()
                .map(|(key, value)| (key.clone(), *value)),
        );
        values("tags", &update.set_tags)?;
        merge_tags(&mut version.tags, &update.set_tags, &update.remove_tags);
        if is_same(&found, &version) {
            return Ok(version);
        }
        version.updated_at = ctx.at;
        self.replace(vec![version], None, &ctx).await
    }

    /// What serves is what was approved: the content of a version stays as it is while it is in Production.
    async fn refuse_while_in_production(&self, version: &ModelVersion) -> Result<()> {
        let active = self
            .core
            .store
            .active_deployment(&version.model_name, Environment::Production)
            .await?;
        let place = if version.stage == Stage::Production {
            "in stage Production"
        } else if active.is_some_and(|active| active.version == version.version) {
            "serving in environment PRODUCTION"
        } else {
            return Ok(());
        };
        Err(ServiceError::NotPossible {
            message: format!(
                "version '{}' is {place}, so its source and metrics stay as they were approved",
                version.label()
            ),
            hint: "register another version; tags and description may change".to_owned(),
        })
    }

    /// Writes versions in their order and returns the last as it is now.
    async fn replace(
        &self,
        mut versions: Vec<ModelVersion>,
        proof: Option<&GateProof>,
        ctx: &WriteContext,
    ) -> Result<ModelVersion> {
        let revisions = self
            .core
            .store
            .replace_versions(&versions, proof, ctx)
            .await?;
        let mut version = versions.pop().expect("there is something to write");
        version.revision = *revisions.last().expect("one revision for each version");
        version.derive_approval(&self.core.policy().await?);
        Ok(version)
    }

    /// Moves a version to a stage. Production asks for the gate to be open, and sends the version that was there to Archived in the same step.
    pub async fn set_stage(
        &self,
        model_name: &ModelName,
        version: &Version,
        stage: Stage,
        change: &StageChange,
    ) -> Result<ModelVersion> {
        self.core
            .settle(change.expected, move || {
                self.set_stage_once(model_name, version, stage, change)
            })
            .await
    }

    async fn set_stage_once(
        &self,
        model_name: &ModelName,
        name: &Version,
        stage: Stage,
        change: &StageChange,
    ) -> Result<ModelVersion> {
        let ctx = self.core.write("set_stage", change.reason.as_deref())?;
        let mut version = self.get(model_name, name).await?;
        expect_revision(change.expected, version.revision, || conflict(&version))?;
        // One that is there around the gate goes through it now, or leaves.
        if version.stage == stage && version.stage_warning.is_none() {
            return Ok(version);
        }
        let mut proof = None;
        let mut displaced = Vec::new();
        if stage == Stage::Production {
            proof = Some(self.core.gate(&version, "stage Production").await?);
            let holders = VersionQuery {
                model: Some(model_name.clone()),
                stage: Some(Stage::Production),
                ..VersionQuery::default()
            };
            displaced = self
                .core
                .store
                .versions(&holders, &PageRequest::all())
                .await?
                .rows;
            displaced.retain(|holder| holder.version != version.version);
        }
        version.stage = stage;
        version.stage_warning = None;
        version.updated_at = ctx.at;
        // Whoever leaves Production is written first: a model has one version there at every moment.
        let mut versions = displaced;
        for holder in &mut versions {
            holder.stage = Stage::Archived;
            holder.stage_warning = None;
            holder.updated_at = ctx.at;
        }
        versions.push(version);
        self.replace(versions, proof.as_ref(), &ctx).await
    }

    /// Gives a version an alias, taking it from the version of the model that had it.
    pub async fn set_alias(
        &self,
        model_name: &ModelName,
        version: &Version,
        alias: &Alias,
    ) -> Result<ModelVersion> {
        self.core
            .settle(None, move || {
                self.set_alias_once(model_name, version, alias)
            })
            .await
    }

    async fn set_alias_once(
        &self,
        model_name: &ModelName,
        name: &Version,
        alias: &Alias,
    ) -> Result<ModelVersion> {
        let ctx = self.core.write("set_alias", None)?;
        let mut version = self.get(model_name, name).await?;
        if !version.aliases.insert(alias.clone()) {
            return Ok(version);
        }
        version.updated_at = ctx.at;
        // The one that gives the alias up is written first: an alias has one holder at every moment.
        let mut versions: Vec<ModelVersion> = Vec::new();
        if let Some(mut holder) = self.holder(model_name, alias).await? {
            holder.aliases.remove(alias);
            holder.updated_at = ctx.at;
            versions.push(holder);
        }
        versions.push(version);
        self.replace(versions, None, &ctx).await
    }

    /// Takes an alias away from a version; one that has moved to another version meanwhile stays there.
    pub async fn remove_alias(
        &self,
        model_name: &ModelName,
        version: &Version,
        alias: &Alias,
    ) -> Result<ModelVersion> {
        self.core
            .settle(None, move || {
                self.remove_alias_once(model_name, version, alias)
            })
            .await
    }

    async fn remove_alias_once(
        &self,
        model_name: &ModelName,
        name: &Version,
        alias: &Alias,
    ) -> Result<ModelVersion> {
        let ctx = self.core.write("remove_alias", None)?;
        let mut version = self.get(model_name, name).await?;
        if !version.aliases.remove(alias) {
            let label = version.label();
            return Err(ServiceError::NoSuchItem {
                message: format!("version '{label}' has no alias '{alias}'"),
                hint: format!("'modeldeck model show {label}' shows its aliases"),
            });
        }
        version.updated_at = ctx.at;
        self.replace(vec![version], None, &ctx).await
    }

    async fn holder(&self, model_name: &ModelName, alias: &Alias) -> Result<Option<ModelVersion>> {
        let mut query = VersionQuery {
            model: Some(model_name.clone()),
            ..VersionQuery::default()
        };
        query.list.filter = query.list.filter.and_equal("alias", alias.as_str());
        let holders = self
            .core
            .store
            .versions(&query, &PageRequest::all())
            .await?
            .rows;
        Ok(holders
            .into_iter()
            .find(|holder| holder.aliases.contains(alias)))
    }

    pub async fn get(&self, model_name: &ModelName, version: &Version) -> Result<ModelVersion> {
        let mut version = self.core.store.version(model_name, version).await?;
        version.derive_approval(&self.core.policy().await?);
        Ok(version)
    }

    pub async fn list(
        &self,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelVersion>> {
        if review::is_derived(&query.list) {
            let page = self.reviews(false, query, page).await?;
            return Ok(page.map(|review| review.version));
        }
        let policy = self.core.policy().await?;
        let page = self.core.store.versions(query, page).await?;
        Ok(page.map(|mut version| {
            version.derive_approval(&policy);
            version
        }))
    }

    pub async fn count(&self, query: &VersionQuery) -> Result<u64> {
        self.count_reviews(false, query).await
    }

    /// The version of a model that is in stage Production.
    pub async fn production(&self, model_name: &ModelName) -> Result<Option<ModelVersion>> {
        let query = VersionQuery {
            model: Some(model_name.clone()),
            stage: Some(Stage::Production),
            ..VersionQuery::default()
        };
        Ok(self.list(&query, &PageRequest::first(1)).await?.rows.pop())
    }

    /// Compares versions metric by metric, the best marked.
    pub async fn compare(
        &self,
        model_name: &ModelName,
        versions: &[Version],
    ) -> Result<VersionComparison> {
        if versions.is_empty() {
            return Err(ServiceError::invalid(
                "versions",
                "no version was named; name two or more to compare",
            ));
        }
        let mut found = Vec::with_capacity(versions.len());
        for version in versions {
            found.push(self.core.store.version(model_name, version).await?);
        }
        Ok(VersionComparison::of(
            model_name.clone(),
            &found,
            &self.core.settings.directions,
        ))
    }
}

pub(super) fn conflict(version: &ModelVersion) -> StoreError {
    StoreError::conflict(ObjectKind::ModelVersion, &version.label())
}

/// The number after the greatest one among the versions that are numbers.
fn next_version(taken: &[Version]) -> Result<Version> {
    let greatest = taken
        .iter()
        .filter_map(|version| version.as_str().parse::<u64>().ok())
        .max()
        .unwrap_or(0);
    let next = greatest.checked_add(1).ok_or_else(|| {
        ServiceError::invalid(
            "version",
            "there is no number after the greatest version; name one",
        )
    })?;
    Ok(Version::trusted(next.to_string()))
}

/// The items that the policy requires, then those that were given.
pub(super) fn first_checklist(
    policy: &Policy,
    given: &[DeploymentChecklistItem],
    ctx: &WriteContext,
) -> Result<Vec<DeploymentChecklistItem>> {
    let mut checklist = build_checklist(
        policy.required_items.iter().cloned(),
        ChecklistStatus::Pending,
    );
    for (at, item) in given.iter().enumerate() {
        if given[..at].iter().any(|other| other.name == item.name) {
            return Err(ServiceError::invalid(
                "checklist",
                format!("checklist item '{}' is given twice", item.name),
            ));
        }
        // Whoever gives a decided item has decided it now, whatever it says.
        let decided = item.status != ChecklistStatus::Pending;
        let item = DeploymentChecklistItem {
            required: item.required || policy.required_items.contains(&item.name),
            decided_by: decided.then(|| ctx.identity.person().to_owned()),
            decided_at: decided.then_some(ctx.at),
            ..item.clone()
        };
        match checklist.iter_mut().find(|known| known.name == item.name) {
            Some(known) => *known = item,
            None => checklist.push(item),
        }
    }
    Ok(checklist)
}
