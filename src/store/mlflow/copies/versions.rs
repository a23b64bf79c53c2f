//! The copies of model versions. The server numbers them; a version whose name is not its number there carries it in a tag.
//!
//! Stages are set one by one and read back. Production is held by alias `production` too, as the remote store holds it.

use super::super::dto::{self, KeyValue, value_of};
use super::super::fields::{ATTEMPT, cut, is_internal};
use super::super::register::{stand_in, takes_alias};
use super::super::versions::{NAME, PRODUCTION, carried};
use super::{Faulty as _, MlflowCopies, differing, fault};
use crate::domain::{ModelVersion, Stage};
use crate::store::sync::{RemoteCopy, Sent, SyncFault, VersionToCopy};

/// The stage that a version had where it was imported from.
const IMPORTED_STAGE: &str = "mlflow.stage";
/// All aliases, as a list: a server takes only some names for one.
const ALIASES: &str = "modeldeck.aliases";

impl MlflowCopies {
    pub(super) async fn bring_version(
        &self,
        to_copy: &VersionToCopy<'_>,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault> {
        let version = to_copy.version;
        let filter = format!("tags.`{ATTEMPT}` = '{}'", to_copy.key);
        let mut found = self.client.search_versions(&filter).await.faulty()?;
        found.retain(|found| found.name == version.model_name.as_str());
        found.sort_by_key(|found| found.version.parse::<u64>().unwrap_or(u64::MAX));
        let mut is_adopted = false;
        let there = match found.into_iter().next() {
            Some(there) => there,
            None => match (self.imported_version(to_copy).await?, copy) {
                (Some(there), _) => {
                    is_adopted = true;
                    there
                }
                (None, Some(copy)) if copy.sent.revision > 0 => {
                    return Err(SyncFault::Gone(format!(
                        "its copy, version {}, was deleted on the server",
                        copy.remote
                    )));
                }
                (None, _) => self.make_version(to_copy).await?,
            },
        };
        let labels = Labels::of(to_copy, &there, copy, is_adopted);
        self.bring_labels(version, &there, &labels).await?;
        let aliases = self.bring_aliases(version, &there, copy).await?;
        self.bring_stage(version, &there).await?;
        Ok(RemoteCopy {
            remote: there.version,
            sent: Sent {
                revision: version.revision.0,
                tags: labels.sent,
                aliases,
                ..Sent::default()
            },
        })
    }

    /// A version that was imported from this very server has its number there, and was made when that one was.
    async fn imported_version(
        &self,
        to_copy: &VersionToCopy<'_>,
    ) -> Result<Option<dto::ModelVersion>, SyncFault> {
        let version = to_copy.version;
        let number = version.version.as_str();
        if !to_copy.is_imported || number.parse::<u64>().is_err() {
            return Ok(None);
        }
        match self
            .client
            .get_version(version.model_name.as_str(), number)
            .await
        {
            Ok(there) if there.creation_timestamp == version.created_at.as_millisecond() => {
                Ok(Some(there))
            }
            Ok(_) => Ok(None),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn make_version(
        &self,
        to_copy: &VersionToCopy<'_>,
    ) -> Result<dto::ModelVersion, SyncFault> {
        let VersionToCopy {
            version,
            remote_run,
            key,
            ..
        } = *to_copy;
        let name = version.model_name.as_str();
        match self.client.create_model(name).await {
            Err(error) if !error.is_taken() => return Err(fault(error)),
            Ok(()) | Err(_) => {}
        }
        let tags = [KeyValue::new(ATTEMPT, key)];
        let description = cut(&version.description);
        let stand_in = stand_in(remote_run);
        let source = version.source.as_deref().unwrap_or(&stand_in);
        let made = self
            .client
            .create_version(name, source, remote_run, &description, &tags)
            .await;
        match made {
            // A server takes few kinds of sources; the real one is in the local store.
            Err(error) if error.is_invalid() && source != stand_in => self
                .client
                .create_version(name, &stand_in, remote_run, &description, &tags)
                .await
                .faulty(),
            settled => settled.faulty(),
        }
    }

    async fn bring_labels(
        &self,
        version: &ModelVersion,
        there: &dto::ModelVersion,
        labels: &Labels,
    ) -> Result<(), SyncFault> {
        let (name, number) = (there.name.as_str(), there.version.as_str());
        let description = cut(&version.description);
        if there.description != description {
            self.client
                .describe_version(name, number, &description)
                .await
                .faulty()?;
        }
        for tag in &labels.set {
            self.client
                .set_version_tag(name, number, &tag.key, &tag.value)
                .await
                .faulty()?;
        }
        for key in &labels.remove {
            self.client
                .delete_version_tag(name, number, key)
                .await
                .faulty()?;
        }
        Ok(())
    }

    /// Returns the aliases that the version has there.
    async fn bring_aliases(
        &self,
        version: &ModelVersion,
        there: &dto::ModelVersion,
        copy: Option<&RemoteCopy>,
    ) -> Result<Vec<String>, SyncFault> {
        let (name, number) = (there.name.as_str(), there.version.as_str());
        let mut wanted: Vec<String> = version
            .aliases
            .iter()
            .map(|alias| alias.as_str().to_owned())
            .filter(|alias| takes_alias(alias))
            .collect();
        if version.stage == Stage::Production {
            wanted.push(PRODUCTION.to_owned());
        }
        let model = self.client.get_model(name).await.faulty()?;
        let holder = |alias: &str| {
            let held = model.aliases.iter().find(|held| held.alias == alias);
            held.map(|held| held.version.as_str())
        };
        for alias in &wanted {
            if holder(alias) != Some(number) {
                self.client.set_alias(name, alias, number).await.faulty()?;
            }
        }
        let sent = copy
            .map(|copy| copy.sent.aliases.as_slice())
            .unwrap_or_default();
        for alias in sent {
            // Another version may have it by now.
            if !wanted.contains(alias) && holder(alias) == Some(number) {
                self.client.delete_alias(name, alias).await.faulty()?;
            }
        }
        Ok(wanted)
    }

    /// Sets the stage and reads it back, because a server takes a change of stage and may lose it.
    async fn bring_stage(
        &self,
        version: &ModelVersion,
        there: &dto::ModelVersion,
    ) -> Result<(), SyncFault> {
        if !self.server.stages
            || there.current_stage == version.stage.as_str()
            || stands_for_production(version, there)
        {
            return Ok(());
        }
        let (name, number) = (there.name.as_str(), there.version.as_str());
        self.client
            .transition_stage(name, number, version.stage.as_str())
            .await
            .faulty()?;
        let now = self.client.get_version(name, number).await.faulty()?;
        if now.current_stage == version.stage.as_str() {
            Ok(())
        } else {
            Err(SyncFault::passing(format!(
                "the stage was set to {} and is {} on the server; somebody changes it there",
                version.stage,
                crate::domain::text::visible(&now.current_stage)
            )))
        }
    }
}

/// The tags of a version that are to be set and removed there.
struct Labels {
    set: Vec<KeyValue>,
    remove: Vec<String>,
    /// The keys that are the copy's from now on.
    sent: Vec<String>,
}

impl Labels {
    fn of(
        to_copy: &VersionToCopy<'_>,
        there: &dto::ModelVersion,
        copy: Option<&RemoteCopy>,
        is_adopted: bool,
    ) -> Self {
        let version = to_copy.version;
        let before = copy
            .map(|copy| copy.sent.tags.as_slice())
            .unwrap_or_default();
        let mut wanted = shown(version, &there.version);
        if is_adopted {
            // Who registered it there, and what was decided there, stays; what was decided here is told where nobody did.
            wanted.retain(|tag| {
                is_decision(&tag.key)
                    && (before.contains(&tag.key) || value_of(&there.tags, &tag.key).is_none())
            });
        } else {
            wanted.push(KeyValue::new(ATTEMPT, to_copy.key));
        }
        let mut sent: Vec<String> = own_tags(version).map(|tag| tag.key).collect();
        if is_adopted {
            sent.extend(wanted.iter().map(|tag| tag.key.clone()));
        }
        wanted.extend(own_tags(version));
        // What modeldeck shows of an approval that is gone, and tags that were sent and are gone here.
        let remove = there.tags.iter().map(|tag| &tag.key).filter(|key| {
            let is_shown = is_decision(key) || key.as_str() == ALIASES;
            (is_shown && !is_adopted || before.contains(key))
                && wanted.iter().all(|tag| tag.key != **key)
        });
        Self {
            remove: remove.cloned().collect(),
            set: differing(wanted, &there.tags),
            sent,
        }
    }
}

/// A tag that tells of a checklist or an approval.
fn is_decision(key: &str) -> bool {
    key.starts_with("modeldeck.ap") || key.starts_with("modeldeck.check.")
}

/// The tags that tell what MLflow has no field for.
fn shown(version: &ModelVersion, number: &str) -> Vec<KeyValue> {
    let mut tags = carried(version);
    if version.version.as_str() != number {
        tags.push(KeyValue::new(NAME, version.version.as_str()));
    }
    if let Some(source) = &version.source {
        tags.push(KeyValue::new("modeldeck.source", cut(source)));
    }
    if !version.aliases.is_empty()
        && let Some(aliases) = super::super::fields::json_tag(&version.aliases)
    {
        tags.push(KeyValue::new(ALIASES, aliases));
    }
    tags
}

/// A version that was in Production where it was imported from is in Staging here, because nobody here approved it. That is no word about the server's stage.
fn stands_for_production(version: &ModelVersion, there: &dto::ModelVersion) -> bool {
    let came_from = version
        .tags
        .iter()
        .find(|(key, _)| key.as_str() == IMPORTED_STAGE);
    version.stage == Stage::Staging
        && there.current_stage == Stage::Production.as_str()
        && came_from.is_some_and(|(_, stage)| stage == Stage::Production.as_str())
}

fn own_tags(version: &ModelVersion) -> impl Iterator<Item = KeyValue> {
    version
        .tags
        .iter()
        .filter(|(key, _)| !is_internal(key.as_str()) && !is_of_import(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
}

/// Tags that an import made of what is no tag of a version there.
fn is_of_import(key: &str) -> bool {
    key == IMPORTED_STAGE
        || key == "mlflow.model.description"
        || key.starts_with("mlflow.model.tag.")
}
