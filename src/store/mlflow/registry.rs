//! The registry's part of the store, as the trait has it: versions read, listed and changed; the policy.

use super::dto;
use super::error::During as _;
use super::fields::{Told, snapshot};
use super::ledger::{Draft, State};
use super::list::{self, Row};
use super::projection::Touched;
use super::register::check_aliases;
use super::store::{MlflowStore, changed, same_revision};
use super::version_drafts::is_put_right;
use super::versions::{KIND, OnServer, build, is_fresh, key_of, label};
use crate::domain::{ModelName, ModelVersion, ObjectKind, Policy, Revision, Version};
use crate::store::{
    GateProof, Page, PageRequest, RegistryStore, Result, StoreError, VersionQuery, WriteContext,
};
use async_trait::async_trait;

impl MlflowStore {
    /// All versions of a model, or of all models, with their aliases.
    pub(super) async fn versions_on_server(&self, model: Option<&ModelName>) -> Result<OnServer> {
        let doing = "reading model versions";
        let Some(model) = model else {
            let versions = self.client.search_versions("").await.during(doing)?;
            let models = self.client.search_models().await.during(doing)?;
            return Ok(OnServer {
                versions,
                aliases: models.iter().flat_map(aliases_of).collect(),
            });
        };
        let name = model.as_str();
        // A name with both kinds of quotes, or with control characters, cannot stand in MLflow's filters.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        if name.contains('\'') && name.contains('"') || name.contains(char::is_control) {
            let mut all = Box::pin(self.versions_on_server(None)).await?;
            all.versions.retain(|version| version.name == name);
            return Ok(all);
        }
        let found = match self.client.get_model(name).await {
            Ok(found) => found,
            Err(error) if error.is_missing() => return Ok(OnServer::default()),
            Err(error) => return Err(error.during(doing)),
        };
        let versions = self
            .client
            .search_versions(&format!("name = {quote}{name}{quote}"))
            .await
            .during(doing)?;
        Ok(OnServer {
            versions,
            aliases: aliases_of(&found).collect(),
        })
    }

    /// A version of those that were read.
    pub(super) fn built(
        &self,
        model: &ModelName,
        version: &Version,
        on_server: &OnServer,
        state: &State,
    ) -> Result<ModelVersion> {
        let number = state.remote_version(model.as_str(), version.as_str());
        let missing = || StoreError::not_found(KIND, &label(model, version));
        let found = on_server.find(model.as_str(), number).ok_or_else(missing)?;
        // The number of a version that has a name is not its name.
        if state.version_name(model.as_str(), number) != version.as_str() {
            return Err(missing());
        }
        Ok(build(found, on_server, state, self.server.stages))
    }

    /// Looks for a version that a write is about.
    pub(super) async fn version_on_server(
        &self,
        model: &ModelName,
        version: &Version,
    ) -> Result<OnServer> {
        let on_server = self.versions_on_server(Some(model)).await?;
        let ledger = self.ledger().await?;
        self.built(model, version, &on_server, &ledger.state)?;
        Ok(on_server)
    }

    async fn listed_versions(&self, query: &VersionQuery) -> Result<Vec<Row<ModelVersion>>> {
        let on_server = self.versions_on_server(query.model.as_ref()).await?;
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        Ok(on_server
            .versions
            .iter()
            .map(|version| Row {
                object: build(version, &on_server, state, self.server.stages),
                number: state.object(&key_of(version, state)).map_or_else(
                    || {
                        version
                            .version
                            .parse::<i64>()
                            .unwrap_or(0)
                            .saturating_sub(i64::MAX / 2)
                    },
                    |object| object.first_seq,
                ),
            })
            .filter(|row| query.stage.is_none_or(|stage| stage == row.object.stage))
            .filter(|row| query.run_id.is_none() || query.run_id == row.object.run_id)
            .filter(|row| {
                !query.in_review
                    || !row.object.checklist.is_empty()
                    || !row.object.decisions.is_empty()
            })
            .collect())
    }
}

fn aliases_of(model: &dto::RegisteredModel) -> impl Iterator<Item = ((String, String), String)> {
    model.aliases.iter().map(|alias| {
        (
            (model.name.clone(), alias.alias.clone()),
            alias.version.clone(),
        )
    })
}

/// A version whose writer died between the ledger and the server.
pub(super) fn behind(
    on_server: &OnServer,
    version: &ModelVersion,
    state: &State,
) -> Option<Touched> {
    let model = version.model_name.as_str();
    let number = state.remote_version(model, version.version.as_str());
    let there = on_server.find(model, number)?;
    let told = Told::new(&there.tags, state, &key_of(there, state));
    told.is_behind.then(|| Touched {
        tags: told.tags_on_server(),
        before: None,
        sets_stage: true,
        version: version.clone(),
    })
}

/// The other versions whose writer died between the ledger and the server: whoever writes next makes up for it.
fn left_behind(on_server: &OnServer, written: &[ModelVersion], state: &State) -> Vec<Touched> {
    let mut behind = Vec::new();
    for there in &on_server.versions {
        let told = Told::new(&there.tags, state, &key_of(there, state));
        let is_left = told.is_behind && told.object.is_some_and(|object| !is_fresh(object));
        if !is_left {
            continue;
        }
        let version = build(there, on_server, state, true);
        let is_written = written.iter().any(|written| {
            written.model_name == version.model_name && written.version == version.version
        });
        if !is_written {
            behind.push(Touched {
                tags: told.tags_on_server(),
                before: None,
                sets_stage: true,
                version,
            });
        }
    }
    behind
}

/// What has to be known of a version, as it was before a change, to write the change to the server.
fn touched(
    draft: &Draft,
    before: ModelVersion,
    after: &ModelVersion,
    on_server: &[(ModelName, OnServer)],
    state: &State,
) -> Touched {
    let model = before.model_name.as_str();
    let number = state.remote_version(model, before.version.as_str());
    let there = on_server
        .iter()
        .find_map(|(_, found)| found.find(model, number));
    let told = there.map(|there| Told::new(&there.tags, state, &draft.key));
    let is_behind = told.as_ref().is_some_and(|told| told.is_behind);
    Touched {
        tags: match told.filter(|_| is_behind) {
            Some(told) => told.tags_on_server(),
            None => before.tags.clone(),
        },
        // A stage that this change says nothing about is left alone: somebody may have set it there.
        sets_stage: is_behind || draft.after.get("stage").is_some() || is_put_right(&before, after),
        before: Some(before.aliases),
        version: after.clone(),
    }
}

#[async_trait]
impl RegistryStore for MlflowStore {
    async fn insert_version(&self, version: &ModelVersion, ctx: &WriteContext) -> Result<()> {
        self.add_version(version, false, ctx).await.map(drop)
    }

    async fn insert_unnamed_version(
        &self,
        version: &ModelVersion,
        ctx: &WriteContext,
    ) -> Result<Version> {
        self.add_version(version, true, ctx).await
    }

    async fn replace_versions(
        &self,
        versions: &[ModelVersion],
        proof: Option<&GateProof>,
        ctx: &WriteContext,
    ) -> Result<Vec<Revision>> {
        let mut models: Vec<&ModelName> =
            versions.iter().map(|version| &version.model_name).collect();
        models.extend(proof.map(|proof| &proof.model_name));
        models.sort();
        models.dedup();
        for version in versions {
            check_aliases(version)?;
        }
        let mut on_server = Vec::new();
        for model in models {
            let found = self.versions_on_server(Some(model)).await?;
            let mut was_open = false;
            for there in &found.versions {
                was_open |= self.settle_version(there).await?;
            }
            if was_open {
                return Err(StoreError::conflict(KIND, model.as_str()));
            }
            on_server.push((model.clone(), found));
        }
        let mut written = self
            .append(ctx, |state| {
                let (drafts, stored) = self.drafts(versions, proof, &on_server, state)?;
                let touched: Vec<Touched> = drafts
                    .iter()
                    .zip(stored)
                    .zip(versions)
                    .map(|((draft, before), after)| {
                        touched(draft, before, after, &on_server, state)
                    })
                    .collect();
                let mut all = touched;
                all.extend(
                    on_server
                        .iter()
                        .flat_map(|(_, found)| left_behind(found, versions, state)),
                );
                Ok((drafts, all))
            })
            .await?;
        for (model, _) in &on_server {
            let (touched, rest): (Vec<_>, Vec<_>) = written
                .into_iter()
                .partition(|touched| touched.version.model_name == *model);
            written = rest;
            if !touched.is_empty() {
                self.project_versions(model, &touched).await?;
            }
        }
        Ok(versions
            .iter()
            .map(|version| version.revision.next())
            .collect())
    }

    async fn version(&self, model_name: &ModelName, version: &Version) -> Result<ModelVersion> {
        let on_server = self.versions_on_server(Some(model_name)).await?;
        let ledger = self.ledger().await?;
        self.built(model_name, version, &on_server, &ledger.state)
    }

    async fn versions(
        &self,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelVersion>> {
        list::page(self.listed_versions(query).await?, &query.list, page)
    }

    async fn count_versions(&self, query: &VersionQuery) -> Result<u64> {
        Ok(list::count(
            &self.listed_versions(query).await?,
            &query.list,
        ))
    }

    async fn version_names(&self, model_name: &ModelName) -> Result<Vec<Version>> {
        let on_server = self.versions_on_server(Some(model_name)).await?;
        let ledger = self.ledger().await?;
        let mut numbered: Vec<(u64, &str)> = on_server
            .versions
            .iter()
            .map(|version| {
                let name = ledger.state.version_name(&version.name, &version.version);
                (version.version.parse().unwrap_or(u64::MAX), name)
            })
            .collect();
        numbered.sort_unstable();
        Ok(numbered
            .into_iter()
            .map(|(_, name)| Version::trusted(name))
            .collect())
    }

    async fn policy(&self) -> Result<(Policy, Revision)> {
        Ok(self.ledger().await?.state.policy())
    }

    async fn replace_policy(
        &self,
        policy: &Policy,
        read: Revision,
        ctx: &WriteContext,
    ) -> Result<Revision> {
        self.append(ctx, |state| {
            let (stored, revision) = state.policy();
            same_revision(ObjectKind::Policy, "policy", read, revision)?;
            let next = read.next();
            let draft = changed(
                super::ledger::policy_key(),
                next,
                snapshot(ObjectKind::Policy, &stored),
                snapshot(ObjectKind::Policy, policy),
            );
            Ok((vec![draft], next))
        })
        .await
    }
}
