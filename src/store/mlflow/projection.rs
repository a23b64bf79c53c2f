//! Versions written to the server after the ledger: stage, aliases, description, tags.
//!
//! MLflow's change of stage races, so nothing is left to it: every stage is set by itself, then the server is read back against the ledger's head, and set again
//! until both agree. Whoever changes a stage does this after their own change, so the last of several racing writers leaves what the ledger says, whatever
//! order their requests arrived in. What does not come to agree is told.

use super::error::{ApiError, ApiResult, During as _};
use super::fields::cut;
use super::store::MlflowStore;
use super::versions::{KIND, OnServer, PRODUCTION, build, label, tags_to_write};
use crate::domain::{Alias, ModelName, ModelVersion, Stage, Tags};
use crate::store::{Result, StoreError};
use std::collections::BTreeSet;

/// How often the server is set and read back.
const ROUNDS: usize = 6;

/// A version that was changed.
pub(super) struct Touched {
    /// As it was written; what the ledger says when it is projected counts.
    pub(super) version: ModelVersion,
    /// The tags that were on the server before.
    pub(super) tags: Tags,
    /// The aliases that it had before.
    pub(super) before: Option<BTreeSet<Alias>>,
    /// Whether the change, or one before it that did not get so far, is about the stage.
    pub(super) sets_stage: bool,
}

/// A version as it shall be on the server: its number there, its stage unless that is left alone, and the rest of it.
type Wanted = (String, Option<Stage>, ModelVersion);

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
            let (wanted, holder) = self.wanted(model, touched, &on_server).await?;
            let stages = self
                .set_stages(model, &on_server, &wanted)
                .await
                .during_change("changing a stage")?;
            let holder = self
                .set_production(model, &on_server, holder.as_ref())
                .await?;
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

    /// The touched versions as the ledger has them now, and the number of the one that it has in Production.
    async fn wanted(
        &self,
        model: &ModelName,
        touched: &[Touched],
        on_server: &OnServer,
    ) -> Result<(Vec<Wanted>, Option<String>)> {
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        let policy = state.policy().0;
        let mut wanted = Vec::new();
        for touched in touched {
            let name = &touched.version.version;
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
            let wished = touched
                .sets_stage
                .then(|| object.field("stage").unwrap_or(version.stage));
            // As the ledger has them: what the server has is what is to be changed.
            version.tags = object.field("tags").unwrap_or(version.tags);
            version.aliases = object.field("aliases").unwrap_or(version.aliases);
            version.description = object.field("description").unwrap_or(version.description);
            version.derive_approval(&policy);
            wanted.push((number, wished, version));
        }
        let holder = state
            .in_production(model.as_str())
            .map(|name| state.remote_version(model.as_str(), name).to_owned());
        Ok((wanted, holder))
    }

    /// Sets the stages that are not as wanted; tells whether there were any.
    async fn set_stages(
        &self,
        model: &ModelName,
        on_server: &OnServer,
        wanted: &[Wanted],
    ) -> ApiResult<bool> {
        let mut any = false;
        if !self.server.stages {
            return Ok(false);
        }
        // Those that leave Production go first, so that there is rather none for a moment than two.
        let mut ordered: Vec<_> = wanted.iter().collect();
        ordered.sort_by_key(|(_, stage, _)| *stage == Some(Stage::Production));
        for (number, stage, _) in ordered {
            let Some(stage) = stage else { continue };
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
    async fn set_production(
        &self,
        model: &ModelName,
        on_server: &OnServer,
        holder: Option<&String>,
    ) -> Result<bool> {
        let name = model.as_str();
        let there = on_server
            .aliases
            .get(&(name.to_owned(), PRODUCTION.to_owned()));
        if there == holder {
            return Ok(false);
        }
        let doing = "moving alias 'production'";
        match holder {
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
        wanted: &[Wanted],
    ) -> Result<(), ApiError> {
        let name = model.as_str();
        let given: BTreeSet<&Alias> = wanted
            .iter()
            .flat_map(|(_, _, version)| &version.aliases)
            .collect();
        for (number, _, version) in wanted {
            let touched = touched
                .iter()
                .find(|touched| touched.version.version == version.version);
            let had = touched.and_then(|touched| touched.before.as_ref());
            for alias in had
                .into_iter()
                .flatten()
                .filter(|alias| !given.contains(alias))
            {
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
            let written = touched.map_or(&none, |touched| &touched.tags);
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
