//! The registry's part of the store: versions made, changed and listed; the policy.

use super::dto;
use super::error::During as _;
use super::fields::{ATTEMPT, PREFIX, REVISION, Told, cut, snapshot, tag_changes};
use super::ledger::{Draft, ObjectKey, State};
use super::list::{self, Row};
use super::store::{MlflowStore, changed, made, same_revision};
use super::versions::{KIND, NAME, OnServer, PRODUCTION, build, carried, key_of, label};
use crate::domain::{Alias, ModelName, ModelVersion, ObjectKind, Policy, Revision, Tags, Version};
use crate::store::{
    GateProof, Page, PageRequest, RegistryStore, Result, StoreError, VersionQuery, WriteContext,
};
use async_trait::async_trait;
use dto::KeyValue;

fn key(version: &ModelVersion) -> ObjectKey {
    ObjectKey::version(version.model_name.as_str(), version.version.as_str())
}

fn taken(model: &ModelName, version: &Version) -> StoreError {
    StoreError::AlreadyExists {
        kind: KIND,
        id: label(model, version),
    }
}

/// Aliases as every server takes them.
fn check_aliases(version: &ModelVersion) -> Result<()> {
    let is_taken_by_mlflow = |alias: &Alias| {
        let text = alias.as_str();
        let numbered = text
            .strip_prefix(['v', 'V'])
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
        numbered
            || text.eq_ignore_ascii_case("latest")
            || text == PRODUCTION
            || !text
                .chars()
                .all(|c| c.is_alphanumeric() || "_-".contains(c))
    };
    match version
        .aliases
        .iter()
        .find(|alias| is_taken_by_mlflow(alias))
    {
        Some(alias) => Err(StoreError::Invalid {
            message: format!(
                "'{alias}' cannot be an alias on an MLflow server: letters, digits, '_' and '-' can, 'latest', '{PRODUCTION}' and 'v1' mean something there"
            ),
        }),
        None => Ok(()),
    }
}

/// MLflow's own number for a source that it would not take: where nothing is, in a scheme that every server lets pass.
const NO_SOURCE: &str = "dbfs:/modeldeck/no-source";

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
        // A name with both kinds of quotes cannot stand in MLflow's filters.
        let quote = if name.contains('\'') { '"' } else { '\'' };
        if name.contains('\'') && name.contains('"') {
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
    fn built(
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

    /// Compares a gate's proof with the state that a write is about to follow.
    pub(super) fn check_proof(
        &self,
        proof: &GateProof,
        on_server: &OnServer,
        state: &State,
    ) -> Result<()> {
        let id = label(&proof.model_name, &proof.version);
        if state.policy().1 != proof.policy {
            return Err(StoreError::conflict(ObjectKind::Policy, "policy"));
        }
        let version = self.built(&proof.model_name, &proof.version, on_server, state)?;
        same_revision(KIND, &id, proof.revision, version.revision)?;
        if version.subject() != proof.subject {
            return Err(StoreError::Conflict {
                kind: KIND,
                id,
                detail: Some("its content is not what was approved".to_owned()),
            });
        }
        Ok(())
    }

    /// Makes the version itself, and finds it again where the answer was lost.
    async fn make_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        attempt: &str,
    ) -> Result<dto::ModelVersion> {
        let doing = "registering a version";
        let name = version.model_name.as_str();
        match self.client.create_model(name).await {
            Ok(()) => {}
            Err(error) if error.is_taken() || error.outcome_is_unknown() => {}
            Err(error) => return Err(error.during(doing)),
        }
        let (mut tags, _) = tag_changes(&Tags::new(), &version.tags);
        tags.push(KeyValue::new(ATTEMPT, attempt));
        let description = cut(&version.description);
        let mut source = version.source.as_deref().unwrap_or(NO_SOURCE);
        loop {
            let error = match self
                .client
                .create_version(name, source, remote_run, &description, &tags)
                .await
            {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            if error.outcome_is_unknown() {
                let found = self
                    .client
                    .search_versions(&format!("tags.`{ATTEMPT}` = '{attempt}'"))
                    .await;
                return match found.map(|found| found.into_iter().next()) {
                    Ok(Some(found)) => Ok(found),
                    _ => Err(error.during_change(doing)),
                };
            }
            // The server refuses many sources that are fine here; the ledger keeps the real one.
            if !error.is_invalid() || source == NO_SOURCE {
                return Err(error.during(doing));
            }
            source = NO_SOURCE;
        }
    }

    /// Registers a version under its own name or (`named_by_server`) under the number that MLflow picks, which is returned.
    pub(super) async fn add_version(
        &self,
        version: &ModelVersion,
        named_by_server: bool,
        ctx: &WriteContext,
    ) -> Result<Version> {
        check_aliases(version)?;
        let (model, name) = (&version.model_name, &version.version);
        let attempt = uuid::Uuid::now_v7().simple().to_string();
        let before = self.versions_on_server(Some(model)).await?;
        let number: Option<u64> = name
            .as_str()
            .parse()
            .ok()
            .filter(|_| !name.as_str().starts_with('0'));
        let remote_run = {
            let ledger = self.ledger().await?;
            if !named_by_server && self.built(model, name, &before, &ledger.state).is_ok() {
                return Err(taken(model, name));
            }
            no_other_holder(version, &before, &ledger.state, &[])?;
            let run = version.run_id.as_ref();
            let is_known =
                |run: &&crate::domain::RunId| ledger.state.object(&super::runs::key(run)).is_some();
            run.filter(is_known)
                .map(|run| ledger.state.remote_run(run).to_owned())
        };
        let remote_run = match (remote_run, &version.run_id) {
            (None, Some(run_id)) => self
                .find_run(run_id)
                .await
                .ok()
                .map(|(run, _)| run.info.run_id),
            (known, _) => known,
        };
        let there = self
            .make_version(version, remote_run.as_deref(), &attempt)
            .await?;
        let named = match number {
            _ if named_by_server => Version::trusted(there.version.clone()),
            Some(number) if number.to_string() != there.version => {
                // Nobody has seen it; its number is used up, which costs nothing.
                let _left_behind = self
                    .client
                    .delete_version(model.as_str(), &there.version)
                    .await;
                return Err(StoreError::Unsupported {
                    what: format!("register '{}'", label(model, name)),
                    why: format!(
                        "MLflow numbers versions itself, and the next number was {}; leave the version out, or give it a name such as 'v{number}'",
                        there.version
                    ),
                });
            }
            _ => name.clone(),
        };
        let remote = (named.as_str() != there.version).then(|| there.version.clone());
        let version = ModelVersion {
            version: named.clone(),
            ..version.clone()
        };
        let after = snapshot(KIND, &version);
        let entered = self
            .append(ctx, |state| {
                if state.object(&key(&version)).is_some() {
                    return Err(taken(model, &named));
                }
                no_other_holder(&version, &before, state, &[])?;
                Ok((vec![made(key(&version), remote.clone(), after.clone())], ()))
            })
            .await;
        if let Err(error) = entered {
            let _left_behind = self
                .client
                .delete_version(model.as_str(), &there.version)
                .await;
            return Err(error);
        }
        self.project_versions(
            model,
            &[(Version::trusted(named.as_str()), Tags::new(), None)],
        )
        .await?;
        Ok(named)
    }

    /// Drafts of versions that change together.
    fn drafts(
        &self,
        versions: &[ModelVersion],
        proof: Option<&GateProof>,
        on_server: &[(ModelName, OnServer)],
        state: &State,
    ) -> Result<(Vec<Draft>, Vec<ModelVersion>)> {
        let of = |model: &ModelName| {
            on_server
                .iter()
                .find(|(name, _)| name == model)
                .map(|(_, found)| found)
                .expect("the versions of every model that is written were read")
        };
        let (mut drafts, mut stored) = (Vec::new(), Vec::new());
        for version in versions {
            let found = of(&version.model_name);
            let before = self.built(&version.model_name, &version.version, found, state)?;
            same_revision(
                KIND,
                &label(&version.model_name, &version.version),
                version.revision,
                before.revision,
            )?;
            no_other_holder(version, found, state, versions)?;
            let next = version.revision.next();
            drafts.push(changed(key(version), next, shown(&before), shown(version)));
            stored.push(before);
        }
        if let Some(proof) = proof {
            self.check_proof(proof, of(&proof.model_name), state)?;
        }
        Ok((drafts, stored))
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

/// A version as its entries show it: what is made when read is not of it.
fn shown(version: &ModelVersion) -> serde_json::Value {
    let mut version = version.clone();
    version
        .tags
        .retain(|key, _| !key.as_str().starts_with(PREFIX));
    snapshot(KIND, &version)
}

fn aliases_of(model: &dto::RegisteredModel) -> impl Iterator<Item = ((String, String), String)> {
    model.aliases.iter().map(|alias| {
        (
            (model.name.clone(), alias.alias.clone()),
            alias.version.clone(),
        )
    })
}

/// *Conflict* when another version of the model has one of the aliases and does not give it up in the same write.
fn no_other_holder(
    version: &ModelVersion,
    on_server: &OnServer,
    state: &State,
    together: &[ModelVersion],
) -> Result<()> {
    let model = version.model_name.as_str();
    for alias in &version.aliases {
        let rewritten = |name: &str| {
            together.iter().find(|other| {
                other.model_name == version.model_name && other.version.as_str() == name
            })
        };
        let on_server = on_server
            .aliases
            .get(&(model.to_owned(), alias.as_str().to_owned()))
            .map(|number| state.version_name(model, number))
            .filter(|holder| *holder != version.version.as_str())
            .filter(|holder| rewritten(holder).is_none_or(|other| other.aliases.contains(alias)));
        let together = together
            .iter()
            .filter(|other| {
                other.model_name == version.model_name && other.version != version.version
            })
            .find(|other| other.aliases.contains(alias))
            .map(|other| other.version.as_str());
        let in_flight = state.fresh_holder(model, alias.as_str()).filter(|holder| {
            *holder != version.version.as_str()
                && rewritten(holder).is_none_or(|other| other.aliases.contains(alias))
        });
        if let Some(holder) = on_server.or(together).or(in_flight) {
            return Err(StoreError::Conflict {
                kind: KIND,
                id: label(&version.model_name, &version.version),
                detail: Some(format!(
                    "alias '{alias}' names version '{}'",
                    crate::domain::text::visible(holder)
                )),
            });
        }
    }
    Ok(())
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
            on_server.push((model.clone(), self.versions_on_server(Some(model)).await?));
        }
        let written = self
            .append(ctx, |state| {
                let (drafts, stored) = self.drafts(versions, proof, &on_server, state)?;
                let mut written = Vec::new();
                for (draft, before) in drafts.iter().zip(stored) {
                    let number =
                        state.remote_version(before.model_name.as_str(), before.version.as_str());
                    let there = on_server
                        .iter()
                        .find_map(|(_, found)| found.find(before.model_name.as_str(), number));
                    let tags = match there.map(|there| Told::new(&there.tags, state, &draft.key)) {
                        Some(told) if told.is_behind => told.tags_on_server(),
                        _ => before.tags.clone(),
                    };
                    written.push((before, tags));
                }
                Ok((drafts, written))
            })
            .await?;
        for (model, _) in &on_server {
            let touched: Vec<(Version, Tags, Option<ModelVersion>)> = written
                .iter()
                .filter(|(before, _)| before.model_name == *model)
                .map(|(before, tags)| (before.version.clone(), tags.clone(), Some(before.clone())))
                .collect();
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

/// What else shows on MLflow's page: the version's own tags, and those of modeldeck's.
pub(super) fn tags_to_write(
    there: &dto::ModelVersion,
    written: &Tags,
    version: &ModelVersion,
) -> (Vec<KeyValue>, Vec<String>) {
    let (mut set, mut removed) = tag_changes(written, &version.tags);
    let carried = carried(version);
    removed.extend(
        there
            .tags
            .iter()
            .filter(|tag| {
                tag.key.starts_with("modeldeck.ap") || tag.key.starts_with("modeldeck.check.")
            })
            .filter(|tag| carried.iter().all(|carried| carried.key != tag.key))
            .map(|tag| tag.key.clone()),
    );
    set.extend(
        carried
            .into_iter()
            .filter(|tag| dto::value_of(&there.tags, &tag.key) != Some(&tag.value)),
    );
    if version.version.as_str() != there.version {
        set.push(KeyValue::new(NAME, version.version.as_str()));
    }
    set.push(KeyValue::new(REVISION, version.revision.to_string()));
    (set, removed)
}
