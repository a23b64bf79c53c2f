//! What a change of versions has to hold against the head of the ledger, and the entries that it becomes.

use super::fields::{PREFIX, snapshot};
use super::ledger::{Draft, ObjectKey, State};
use super::store::{MlflowStore, changed, same_revision};
use super::versions::{KIND, OnServer, label};
use crate::domain::{ModelName, ModelVersion, ObjectKind, Stage, Version};
use crate::store::{GateProof, Result, StoreError};

pub(super) fn key(version: &ModelVersion) -> ObjectKey {
    ObjectKey::version(version.model_name.as_str(), version.version.as_str())
}

impl MlflowStore {
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

    /// *Conflict* when a model would have two versions in Production, as far as modeldeck let them there.
    pub(super) fn one_in_production(
        &self,
        version: &ModelVersion,
        together: &[ModelVersion],
        on_server: &OnServer,
        state: &State,
    ) -> Result<()> {
        if version.stage != Stage::Production {
            return Ok(());
        }
        let model = &version.model_name;
        let mut written = together.iter().filter(|other| other.model_name == *model);
        let is_written = |name: &Version| {
            let mut same = together.iter().filter(|other| other.model_name == *model);
            same.any(|other| other.version == *name)
        };
        // One that somebody took out of Production on the server is in nobody's way.
        let holder = state
            .in_production(model.as_str())
            .map(Version::trusted)
            .filter(|holder| *holder != version.version && !is_written(holder))
            .filter(|holder| {
                let there = self.built(model, holder, on_server, state);
                there.is_ok_and(|there| there.stage == Stage::Production)
            });
        let beside = written
            .find(|other| other.version != version.version && other.stage == Stage::Production)
            .map(|other| other.version.clone());
        match beside.or(holder) {
            Some(holder) => Err(StoreError::Conflict {
                kind: KIND,
                id: label(model, &version.version),
                detail: Some(format!("version '{holder}' is in Production")),
            }),
            None => Ok(()),
        }
    }

    /// Drafts of versions that change together.
    pub(super) fn drafts(
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
            self.one_in_production(version, versions, found, state)?;
            let mut was = before.clone();
            if is_put_right(&before, version) && before.stage == version.stage {
                // What is on the server around the gate is let in now: for the ledger it comes from where it was.
                let ours = state.object(&key(version));
                was.stage = ours
                    .and_then(|object| object.field("stage"))
                    .unwrap_or(Stage::None);
            }
            let next = version.revision.next();
            drafts.push(changed(key(version), next, shown(&was), shown(version)));
            stored.push(before);
        }
        if let Some(proof) = proof {
            self.check_proof(proof, of(&proof.model_name), state)?;
        }
        Ok((drafts, stored))
    }
}

/// Whether a write settles what was not in order about a version's stage.
pub(super) fn is_put_right(before: &ModelVersion, after: &ModelVersion) -> bool {
    before.stage_warning.is_some() && after.stage_warning.is_none()
}

/// A version as its entries show it: what is made when read is not of it.
fn shown(version: &ModelVersion) -> serde_json::Value {
    let mut version = version.clone();
    version
        .tags
        .retain(|key, _| !key.as_str().starts_with(PREFIX));
    snapshot(KIND, &version)
}

/// *Conflict* when another version of the model has one of the aliases and does not give it up in the same write.
pub(super) fn no_other_holder(
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
