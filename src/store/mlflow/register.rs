//! A version made: MLflow's own object first, its entry in the ledger after it.

use super::dto::{self, KeyValue};
use super::fields::{ATTEMPT, REVISION, cut, snapshot, tag_changes};
use super::intent::Intent;
use super::projection::Touched;
use super::store::{MlflowStore, made};
use super::version_drafts::{key, no_other_holder};
use super::versions::{KIND, NAME, PRODUCTION, carried, label};
use crate::domain::{ModelName, ModelVersion, Policy, Revision, Stage, Tags, Version};
use crate::store::{Result, StoreError, WriteContext};

/// Where nothing is, in a scheme that every server lets pass and nobody takes for a place: MLflow wants a source of every version.
const NO_SOURCE: &str = "modeldeck:/no-source";

/// The source of a version that was given none, or one that the server does not take: its run, where all that came of it is.
pub(super) fn stand_in(remote_run: Option<&str>) -> String {
    remote_run.map_or_else(|| NO_SOURCE.to_owned(), |run| format!("runs:/{run}/"))
}

/// A source as it is on a server, `None` where it only says that there is none.
pub(super) fn told_source(source: &str) -> Option<&str> {
    Some(source).filter(|source| !source.is_empty() && *source != NO_SOURCE)
}

fn taken(model: &ModelName, version: &Version) -> StoreError {
    StoreError::AlreadyExists {
        kind: KIND,
        id: label(model, version),
    }
}

/// Whether every server takes this name for an alias, and it means nothing else there.
pub(super) fn takes_alias(alias: &str) -> bool {
    let numbered = alias
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    !numbered
        && !alias.eq_ignore_ascii_case("latest")
        && alias != PRODUCTION
        && alias
            .chars()
            .all(|c| c.is_alphanumeric() || "_-".contains(c))
}

/// Aliases as every server takes them.
pub(super) fn check_aliases(version: &ModelVersion) -> Result<()> {
    match version
        .aliases
        .iter()
        .find(|alias| !takes_alias(alias.as_str()))
    {
        Some(alias) => Err(StoreError::Invalid {
            message: format!(
                "'{alias}' cannot be an alias on an MLflow server: letters, digits, '_' and '-' can, 'latest', '{PRODUCTION}' and 'v1' mean something there"
            ),
        }),
        None => Ok(()),
    }
}

impl MlflowStore {
    /// Makes the version itself, and finds it again where the answer was lost.
    async fn make_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        attempt: &str,
        tags: &[KeyValue],
    ) -> Result<dto::ModelVersion> {
        let doing = "registering a version";
        let name = version.model_name.as_str();
        match self.client.create_model(name).await {
            Ok(()) => {}
            Err(error) if error.is_taken() || error.outcome_is_unknown() => {}
            Err(error) => return Err(error.during(doing)),
        }
        let description = cut(&version.description);
        let stand_in = stand_in(remote_run);
        let mut source = version.source.as_deref().unwrap_or(&stand_in);
        loop {
            let error = match self
                .client
                .create_version(name, source, remote_run, &description, tags)
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
            if !error.is_invalid() || source == stand_in {
                return Err(error.during(doing));
            }
            source = &stand_in;
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
        let before = self.versions_on_server(Some(model)).await?;
        let number = number(name);
        let (remote_run, policy) = {
            let ledger = self.ledger().await?;
            if !named_by_server && self.built(model, name, &before, &ledger.state).is_ok() {
                return Err(taken(model, name));
            }
            no_other_holder(version, &before, &ledger.state, &[])?;
            let run = version.run_id.as_ref();
            let is_known =
                |run: &&crate::domain::RunId| ledger.state.object(&super::runs::key(run)).is_some();
            let remote_run = run
                .filter(is_known)
                .map(|run| ledger.state.remote_run(run).to_owned());
            (remote_run, ledger.state.policy().0)
        };
        let remote_run = match (remote_run, &version.run_id) {
            (None, Some(run_id)) => self
                .find_run(run_id)
                .await
                .ok()
                .map(|(run, _)| run.info.run_id),
            (known, _) => known,
        };
        let own_name = (!named_by_server).then(|| name.as_str());
        let intent = Intent::new(own_name, ctx, snapshot(KIND, version));
        let attempt = intent.attempt.as_str();
        let tags = first_tags(version, &policy, &intent);
        let there = self
            .make_version(version, remote_run.as_deref(), attempt, &tags)
            .await;
        if there.is_err() {
            self.mend_next();
        }
        let there = there?;
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
        let after = intent
            .named("version", &there.version)
            .expect("it was just made whole");
        let entered = self
            .append(ctx, |state| {
                if state.is_entered(&key(&version), attempt) {
                    return Ok((Vec::new(), ()));
                }
                if state.object(&key(&version)).is_some() {
                    return Err(taken(model, &named));
                }
                no_other_holder(&version, &before, state, &[])?;
                self.one_in_production(&version, &[], &before, state)?;
                let entry = made(key(&version), remote.clone(), after.clone());
                Ok((vec![entry.of_attempt(attempt)], ()))
            })
            .await;
        if let Err(error) = entered {
            let left = self
                .client
                .delete_version(model.as_str(), &there.version)
                .await;
            if left.is_err() {
                self.mend_next();
            }
            return Err(error);
        }
        // Everything else came with the version itself.
        if needs_more(&version) {
            let touched = Touched {
                tags: version.tags.clone(),
                before: None,
                sets_stage: version.stage != Stage::None,
                version,
            };
            self.project_versions(model, &[touched]).await?;
        }
        self.clear_version(model, &there.version, &intent).await;
        Ok(named)
    }
}

/// The number that a version's name is.
pub(super) fn number(name: &Version) -> Option<u64> {
    let number = name.as_str().parse().ok()?;
    (!name.as_str().starts_with('0')).then_some(number)
}

/// Whether a new version needs more than the one request that makes it.
fn needs_more(version: &ModelVersion) -> bool {
    version.stage != Stage::None || !version.aliases.is_empty()
}

/// The tags that a version is made with.
fn first_tags(version: &ModelVersion, policy: &Policy, intent: &Intent) -> Vec<KeyValue> {
    let mut version = version.clone();
    version.derive_approval(policy);
    let (mut tags, _) = tag_changes(&Tags::new(), &version.tags);
    tags.extend(carried(&version));
    if intent.name.is_some() && number(&version.version).is_none() {
        tags.push(KeyValue::new(NAME, version.version.as_str()));
    }
    tags.push(KeyValue::new(ATTEMPT, intent.attempt.as_str()));
    // Without a revision a version is as its entry says, until all of that is there.
    if !needs_more(&version) {
        tags.push(KeyValue::new(REVISION, Revision::FIRST.to_string()));
    }
    tags.extend(intent.tags());
    tags
}
