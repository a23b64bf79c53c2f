//! Versions written to the server after the ledger: stage, aliases, description, tags.
//!
//! MLflow's change of stage races, so nothing is left to it: every stage is set by itself, then the server is read back against the ledger's head, and set again
//! until both agree. Whoever changes a stage does this after their own change, so the last of several racing writers leaves what the ledger says, whatever
//! order their requests arrived in. What does not come to agree is told.

use super::error::{ApiError, ApiResult, During as _};
use super::fields::cut;
use super::registry::tags_to_write;
use super::store::MlflowStore;
use super::versions::{KIND, OnServer, PRODUCTION, build, label};
use crate::domain::{Alias, ModelName, ModelVersion, Stage, Tags, Version};
use crate::store::{Result, StoreError};
use std::collections::BTreeSet;

/// How often the server is set and read back.
const ROUNDS: usize = 6;

/// A version that was changed: its name, the tags that were on the server before, and the version as it was.
pub(super) type Touched = (Version, Tags, Option<ModelVersion>);

impl MlflowStore {
    /// Brings the server's versions of one model to what the ledger says about those that were touched.
    pub(super) async fn project_versions(
        &self,
        model: &ModelName,
        touched: &[Touched],
    ) -> Result<()> {
        let mut first = true;
        for _ in 0..ROUNDS {
            let on_server = self.versions_on_server(Some(model)).await?;
            let wanted = self.wanted(model, touched, &on_server).await?;
            let stages = self
                .set_stages(model, &on_server, &wanted)
                .await
                .during_change("changing a stage")?;
            let holder = self.set_production(model, &on_server).await?;
            if first {
                first = false;
                if let Err(error) = self.set_fields(model, touched, &on_server, &wanted).await {
                    tracing::warn!(%error, model = %model, "the change is done, and the server's own fields follow with the next one");
                }
            }
            if !stages && !holder {
                return Ok(());
            }
        }
        Err(StoreError::Conflict {
            kind: KIND,
            id: model.as_str().to_owned(),
            detail: Some("the server shows other stages than were set; somebody changes them there at the same time".to_owned()),
        })
    }

    /// The touched versions as the ledger has them now.
    async fn wanted(
        &self,
        model: &ModelName,
        touched: &[Touched],
        on_server: &OnServer,
    ) -> Result<Vec<(String, Stage, ModelVersion)>> {
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        let policy = state.policy().0;
        let mut wanted = Vec::new();
        for (name, _, _) in touched {
            let number = state
                .remote_version(model.as_str(), name.as_str())
                .to_owned();
            let Some(there) = on_server.find(model.as_str(), &number) else {
                continue;
            };
            let mut version = build(there, on_server, state, self.server.stages);
            let object = state.object(&super::ledger::ObjectKey::version(
                model.as_str(),
                name.as_str(),
            ));
            let object = object.ok_or_else(|| StoreError::not_found(KIND, &label(model, name)))?;
            let wished = object.field("stage").unwrap_or(version.stage);
            // As the ledger has them: what the server has is what is to be changed.
            version.tags = object.field("tags").unwrap_or(version.tags);
            version.aliases = object.field("aliases").unwrap_or(version.aliases);
            version.description = object.field("description").unwrap_or(version.description);
            version.derive_approval(&policy);
            wanted.push((number, wished, version));
        }
        Ok(wanted)
    }

    /// Sets the stages that are not as wanted; tells whether there were any.
    async fn set_stages(
        &self,
        model: &ModelName,
        on_server: &OnServer,
        wanted: &[(String, Stage, ModelVersion)],
    ) -> ApiResult<bool> {
        let mut any = false;
        if !self.server.stages {
            return Ok(false);
        }
        // Those that leave Production go first, so that there is rather none for a moment than two.
        let mut ordered: Vec<_> = wanted.iter().collect();
        ordered.sort_by_key(|(_, stage, _)| *stage == Stage::Production);
        for (number, stage, _) in ordered {
            let there = on_server.find(model.as_str(), number);
            if there.is_some_and(|there| there.current_stage.parse() != Ok(*stage)) {
                any = true;
                super::repeated(|| {
                    self.client
                        .transition_stage(model.as_str(), number, stage.as_str())
                })
                .await?;
            }
        }
        Ok(any)
    }

    /// Lets alias `production` name the version that the ledger has there; tells whether it did not.
    async fn set_production(&self, model: &ModelName, on_server: &OnServer) -> Result<bool> {
        let holder = {
            let ledger = self.ledger().await?;
            ledger
                .state
                .production_of(model.as_str())
                .map(|name| ledger.state.remote_version(model.as_str(), name).to_owned())
        };
        let name = model.as_str();
        let there = on_server
            .aliases
            .get(&(name.to_owned(), PRODUCTION.to_owned()));
        if there == holder.as_ref() {
            return Ok(false);
        }
        let doing = "moving alias 'production'";
        match &holder {
            Some(number) if on_server.find(name, number).is_some() => {
                super::repeated(|| self.client.set_alias(name, PRODUCTION, number))
                    .await
                    .during_change(doing)?;
            }
            Some(_) => return Ok(false),
            None => super::repeated(|| self.client.delete_alias(name, PRODUCTION))
                .await
                .during_change(doing)?,
        }
        Ok(true)
    }

    /// Aliases, description and tags, with the revision last.
    async fn set_fields(
        &self,
        model: &ModelName,
        touched: &[Touched],
        on_server: &OnServer,
        wanted: &[(String, Stage, ModelVersion)],
    ) -> Result<(), ApiError> {
        let name = model.as_str();
        let given: BTreeSet<&Alias> = wanted
            .iter()
            .flat_map(|(_, _, version)| &version.aliases)
            .collect();
        for (number, _, version) in wanted {
            let before = touched.iter().find(|(name, _, _)| *name == version.version);
            let had = before
                .and_then(|(_, _, before)| before.as_ref().map(|before| before.aliases.clone()));
            for alias in had.iter().flatten().filter(|alias| !given.contains(alias)) {
                super::repeated(|| self.client.delete_alias(name, alias.as_str())).await?;
            }
            for alias in &version.aliases {
                let there = on_server
                    .aliases
                    .get(&(name.to_owned(), alias.as_str().to_owned()));
                if there != Some(number) {
                    super::repeated(|| self.client.set_alias(name, alias.as_str(), number)).await?;
                }
            }
            let Some(there) = on_server.find(name, number) else {
                continue;
            };
            let description = cut(&version.description);
            if there.description != description {
                super::repeated(|| self.client.describe_version(name, number, &description))
                    .await?;
            }
            let none = Tags::new();
            let written = before.map_or(&none, |(_, tags, _)| tags);
            let (set, removed) = tags_to_write(there, written, version);
            for key in &removed {
                super::repeated(|| self.client.delete_version_tag(name, number, key)).await?;
            }
            for tag in &set {
                super::repeated(|| {
                    self.client
                        .set_version_tag(name, number, &tag.key, &tag.value)
                })
                .await?;
            }
        }
        Ok(())
    }
}
