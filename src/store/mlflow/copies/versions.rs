//! The copies of model versions. The server numbers them; a version whose name is not its number there carries it in a tag.
//!
//! Stages are set one by one and read back. Production is held by alias `production` too, as the remote store holds it.

use super::super::dto::{self, KeyValue, value_of};
use super::super::fields::{ATTEMPT, cut, is_internal};
use super::super::register::{NO_SOURCE, takes_alias};
use super::super::versions::{NAME, PRODUCTION, carried};
use super::{Faulty as _, MlflowCopies, differing, fault};
use crate::domain::{ModelVersion, Stage};
use crate::store::sync::{RemoteCopy, Sent, SyncFault};

/// All aliases, as a list: a server takes only some names for one.
const ALIASES: &str = "modeldeck.aliases";

impl MlflowCopies {
    pub(super) async fn bring_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        key: &str,
        copy: Option<&RemoteCopy>,
    ) -> Result<RemoteCopy, SyncFault> {
        let filter = format!("tags.`{ATTEMPT}` = '{key}'");
        let mut found = self.client.search_versions(&filter).await.faulty()?;
        found.retain(|found| found.name == version.model_name.as_str());
        found.sort_by_key(|found| found.version.parse::<u64>().unwrap_or(u64::MAX));
        let there = match (found.into_iter().next(), copy) {
            (Some(there), _) => there,
            (None, Some(copy)) if copy.sent.revision > 0 => {
                return Err(SyncFault::Gone(format!(
                    "its copy, version {}, was deleted on the server",
                    copy.remote
                )));
            }
            (None, _) => match self.imported_version(version, remote_run).await? {
                Some(there) => there,
                None => self.make_version(version, remote_run, key).await?,
            },
        };
        self.bring_labels(version, &there, key, copy).await?;
        let aliases = self.bring_aliases(version, &there, copy).await?;
        self.bring_stage(version, &there).await?;
        Ok(RemoteCopy {
            remote: there.version,
            sent: Sent {
                revision: version.revision.0,
                tags: own_tags(version).map(|tag| tag.key).collect(),
                aliases,
                ..Sent::default()
            },
        })
    }

    /// A version that was imported from this very server has its number and its run there, and is its own copy.
    async fn imported_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
    ) -> Result<Option<dto::ModelVersion>, SyncFault> {
        let number = version.version.as_str();
        let (Some(run), Ok(_)) = (remote_run, number.parse::<u64>()) else {
            return Ok(None);
        };
        match self
            .client
            .get_version(version.model_name.as_str(), number)
            .await
        {
            Ok(there) if there.run_id == run && value_of(&there.tags, ATTEMPT).is_none() => {
                Ok(Some(there))
            }
            Ok(_) => Ok(None),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    async fn make_version(
        &self,
        version: &ModelVersion,
        remote_run: Option<&str>,
        key: &str,
    ) -> Result<dto::ModelVersion, SyncFault> {
        let name = version.model_name.as_str();
        match self.client.create_model(name).await {
            Err(error) if !error.is_taken() => return Err(fault(error)),
            Ok(()) | Err(_) => {}
        }
        let tags = [KeyValue::new(ATTEMPT, key)];
        let description = cut(&version.description);
        let source = version.source.as_deref().unwrap_or(NO_SOURCE);
        let made = self
            .client
            .create_version(name, source, remote_run, &description, &tags)
            .await;
        match made {
            // A server takes few kinds of sources; the real one is in the local store.
            Err(error) if error.is_invalid() && source != NO_SOURCE => self
                .client
                .create_version(name, NO_SOURCE, remote_run, &description, &tags)
                .await
                .faulty(),
            settled => settled.faulty(),
        }
    }

    async fn bring_labels(
        &self,
        version: &ModelVersion,
        there: &dto::ModelVersion,
        key: &str,
        copy: Option<&RemoteCopy>,
    ) -> Result<(), SyncFault> {
        let (name, number) = (there.name.as_str(), there.version.as_str());
        let description = cut(&version.description);
        if there.description != description {
            self.client
                .describe_version(name, number, &description)
                .await
                .faulty()?;
        }
        let mut wanted = carried(version);
        wanted.extend(own_tags(version));
        wanted.push(KeyValue::new(ATTEMPT, key));
        if version.version.as_str() != number {
            wanted.push(KeyValue::new(NAME, version.version.as_str()));
        }
        if let Some(source) = &version.source {
            wanted.push(KeyValue::new("modeldeck.source", cut(source)));
        }
        if !version.aliases.is_empty()
            && let Some(aliases) = super::super::fields::json_tag(&version.aliases)
        {
            wanted.push(KeyValue::new(ALIASES, aliases));
        }
        let keys: Vec<String> = wanted.iter().map(|tag| tag.key.clone()).collect();
        for tag in differing(wanted, &there.tags) {
            self.client
                .set_version_tag(name, number, &tag.key, &tag.value)
                .await
                .faulty()?;
        }
        // What modeldeck shows of an approval that is gone, and tags that were sent and are gone here.
        let sent = copy
            .map(|copy| copy.sent.tags.as_slice())
            .unwrap_or_default();
        let stale = there.tags.iter().map(|tag| &tag.key).filter(|key| {
            let shown = key.starts_with("modeldeck.ap")
                || key.starts_with("modeldeck.check.")
                || key.as_str() == ALIASES;
            (shown || sent.contains(key)) && !keys.contains(key)
        });
        for key in stale {
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
        if !self.server.stages || there.current_stage == version.stage.as_str() {
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
            Err(SyncFault::Passing(format!(
                "the stage was set to {} and is {} on the server; somebody changes it there",
                version.stage,
                crate::domain::text::visible(&now.current_stage)
            )))
        }
    }
}

fn own_tags(version: &ModelVersion) -> impl Iterator<Item = KeyValue> {
    version
        .tags
        .iter()
        .filter(|(key, _)| !is_internal(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
}
