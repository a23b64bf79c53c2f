//! Creations that somebody began and did not end: their objects are on the server, and their entries are not in the ledger.
//!
//! A program that writes looks for them before its first entry and now and then after it. Whoever changes such an object ends its creation first and is told that
//! it is not as it was read, so that no change stands before its beginning or undoes what was not there to be read. To end one is to write the entry that its tag holds (`intent`), in its maker's name, unless it is there; the ledger lets one of several do it. Where the maker
//! would have been refused, the object goes, as the maker would have taken it back. The look costs two rounds of questions and never stops a write.

use super::dto;
use super::error::{ApiResult, During as _};
use super::intent::{FILTER, Intent};
use super::ledger::{ObjectKey, State};
use super::runs;
use super::store::{MlflowStore, made};
use super::version_drafts::no_other_holder;
use super::versions::{KIND, OnServer, build};
use crate::domain::{ModelName, ModelVersion, ObjectKind, RunId, Stage, Version};
use crate::store::{Result, StoreError};
use std::time::{Duration, Instant};

/// How long a program that goes on does not look again: when nothing was open, when a maker may be at it, and after a look that failed.
const AGAIN: Duration = Duration::from_secs(600);
const SOON: Duration = Duration::from_secs(15);
const AFTER_TROUBLE: Duration = Duration::from_secs(60);
/// How many runs are ended at once.
const RUNS: usize = 100;

/// What became of a creation.
#[derive(PartialEq, Eq)]
enum Settled {
    /// Its entry is there, by this look or before it.
    Ended,
    Entered,
    /// Its name was taken meanwhile.
    Refused,
}

impl MlflowStore {
    /// Looks for open creations, unless that was done a while ago.
    pub(super) async fn mend_when_due(&self) {
        let now = Instant::now();
        {
            let mut seen = self.seen();
            if seen.mend_at.is_some_and(|at| at > now) {
                return;
            }
            seen.mend_at = Some(now + AGAIN);
        }
        let wait = match self.mend().await {
            Ok(false) => return,
            Ok(true) => SOON,
            Err(error) => {
                tracing::debug!(%error, "creations that others did not end are looked for later");
                AFTER_TROUBLE
            }
        };
        self.seen().mend_at = Some(now + wait);
    }

    /// After a creation that failed half-way: the next write looks at once.
    pub(super) fn mend_next(&self) {
        self.seen().mend_at = None;
    }

    /// Ends what is open; tells whether some of it was left to its maker.
    async fn mend(&self) -> Result<bool> {
        let doing = "looking for creations that did not end";
        let (experiments, versions) = tokio::join!(
            self.known_experiments(),
            self.client.search_versions(FILTER)
        );
        let (experiments, versions) = (experiments?, versions.during(doing)?);
        let search = super::api::RunSearch {
            experiment_ids: experiments
                .iter()
                .map(|experiment| experiment.experiment_id.clone())
                .collect(),
            filter: FILTER.to_owned(),
            order_by: Vec::new(),
        };
        let (runs, more) = self
            .client
            .search_runs(&search, RUNS, None)
            .await
            .during(doing)?;
        let mut is_left = more.is_some();
        let mut is_open = |tags: &[dto::KeyValue]| match Intent::read(tags) {
            Some(intent) if intent.is_fresh() => {
                is_left = true;
                false
            }
            found => found.is_some(),
        };
        let experiments: Vec<_> = experiments
            .into_iter()
            .filter(|there| is_open(&there.tags))
            .collect();
        let runs: Vec<_> = runs
            .into_iter()
            .filter(|there| is_open(&there.data.tags))
            .collect();
        let versions: Vec<_> = versions
            .into_iter()
            .filter(|there| is_open(&there.tags))
            .collect();
        for there in &experiments {
            self.settle_experiment(there).await?;
        }
        for there in &runs {
            self.settle_run(there).await?;
        }
        for there in &versions {
            self.settle_version(there).await?;
        }
        Ok(is_left)
    }

    /// Ends the creation of an experiment, where that is open, and tells whether it was.
    pub(super) async fn settle_experiment(&self, there: &dto::Experiment) -> Result<bool> {
        let Some(intent) = Intent::read(&there.tags) else {
            return Ok(false);
        };
        let key = ObjectKey::new(ObjectKind::Experiment, &there.name);
        let was_open = self
            .append_as(&intent.author, |state| {
                // Another entry under this name is of one that is gone: names are unique on the server.
                let owed = intent
                    .named("name", &there.name)
                    .filter(|_| !state.is_entered(&key, &intent.attempt));
                let entry =
                    owed.map(|after| made(key.clone(), None, after).of_attempt(&intent.attempt));
                let is_open = entry.is_some();
                Ok((entry.into_iter().collect(), is_open))
            })
            .await?;
        self.clear_experiment(&there.experiment_id, &intent).await;
        Ok(was_open)
    }

    /// Takes the tag off whose entry is there.
    pub(super) async fn clear_experiment(&self, id: &str, intent: &Intent) {
        for key in intent.keys() {
            // Not every server can delete one.
            told(self.client.set_experiment_tag(id, &key, "").await);
        }
    }

    /// Ends the creation of a run, where that is open, and tells whether it was.
    pub(super) async fn settle_run(&self, there: &dto::Run) -> Result<bool> {
        let Some(intent) = Intent::read(&there.data.tags) else {
            return Ok(false);
        };
        let remote = there.info.run_id.as_str();
        let named = RunId::trusted(intent.name.as_deref().unwrap_or(remote));
        let key = runs::key(&named);
        let elsewhere = (named.as_str() != remote).then(|| remote.to_owned());
        let settled = self
            .append_as(&intent.author, |state| {
                if state.is_entered(&key, &intent.attempt)
                    || (state.object(&key).is_some() && state.remote_run(&named) == remote)
                {
                    return Ok((Vec::new(), Settled::Ended));
                }
                if state.object(&key).is_some() {
                    return Ok((Vec::new(), Settled::Refused));
                }
                let entry = intent
                    .named("run_id", remote)
                    .map(|after| made(key.clone(), elsewhere.clone(), after))
                    .map(|entry| entry.of_attempt(&intent.attempt));
                Ok((entry.into_iter().collect(), Settled::Entered))
            })
            .await?;
        if settled == Settled::Refused {
            told(self.client.delete_run(remote).await);
        } else {
            self.clear_run(remote, &intent).await;
        }
        Ok(settled != Settled::Ended)
    }

    pub(super) async fn clear_run(&self, remote: &str, intent: &Intent) {
        for key in intent.keys() {
            told(self.client.delete_run_tag(remote, &key).await);
        }
    }

    /// Ends the creation of a version, where that is open, and tells whether it was.
    pub(super) async fn settle_version(&self, there: &dto::ModelVersion) -> Result<bool> {
        let Some(intent) = Intent::read(&there.tags).filter(Intent::is_plain) else {
            return Ok(false);
        };
        let (model, number) = (ModelName::trusted(there.name.clone()), &there.version);
        let named = Version::trusted(intent.name.as_deref().unwrap_or(number));
        // A number is the server's own, or it was refused.
        let is_another = number != named.as_str() && super::register::number(&named).is_some();
        let key = ObjectKey::version(model.as_str(), named.as_str());
        let elsewhere = (named.as_str() != number).then(|| number.clone());
        let on_server = self.versions_on_server(Some(&model)).await?;
        let settled = self
            .append_as(&intent.author, |state| {
                if state.is_entered(&key, &intent.attempt)
                    || (state.object(&key).is_some()
                        && state.remote_version(model.as_str(), named.as_str()) == number)
                {
                    return Ok((Vec::new(), Settled::Ended));
                }
                let version = self.begun(there, &intent, &named, &on_server, state);
                let is_free = no_other_holder(&version, &on_server, state, &[]);
                match is_free {
                    Err(StoreError::Conflict { .. }) => return Ok((Vec::new(), Settled::Refused)),
                    checked => checked?,
                }
                if is_another || state.object(&key).is_some() {
                    return Ok((Vec::new(), Settled::Refused));
                }
                let entry = intent
                    .named("version", number)
                    .map(|after| made(key.clone(), elsewhere.clone(), after))
                    .map(|entry| entry.of_attempt(&intent.attempt));
                Ok((entry.into_iter().collect(), Settled::Entered))
            })
            .await?;
        if settled == Settled::Refused {
            told(self.client.delete_version(model.as_str(), number).await);
        } else {
            self.show_beginning(&model, &named).await?;
            self.clear_version(&model, number, &intent).await;
        }
        Ok(settled != Settled::Ended)
    }

    /// A version as its maker meant it, as far as others can be in its way.
    fn begun(
        &self,
        there: &dto::ModelVersion,
        intent: &Intent,
        named: &Version,
        on_server: &OnServer,
        state: &State,
    ) -> ModelVersion {
        ModelVersion {
            version: named.clone(),
            aliases: serde_json::from_value(intent.field("aliases")).unwrap_or_default(),
            stage: serde_json::from_value(intent.field("stage")).unwrap_or(Stage::None),
            ..build(there, on_server, state, self.server.stages)
        }
    }

    /// Brings the stage and aliases that a version began with to the server.
    async fn show_beginning(&self, model: &ModelName, named: &Version) -> Result<()> {
        let on_server = self.versions_on_server(Some(model)).await?;
        let touched = {
            let ledger = self.ledger().await?;
            match self.built(model, named, &on_server, &ledger.state) {
                Ok(version) => super::registry::behind(&on_server, &version, &ledger.state),
                Err(StoreError::NotFound { .. }) => None,
                Err(error) => return Err(error),
            }
        };
        match touched {
            Some(touched) => self.project_versions(model, &[touched]).await,
            None => Ok(()),
        }
    }

    pub(super) async fn clear_version(&self, model: &ModelName, number: &str, intent: &Intent) {
        for key in intent.keys() {
            let name = model.as_str();
            told(self.client.delete_version_tag(name, number, &key).await);
        }
    }
}

/// What did not come off is found again, so it only has to be told.
fn told(done: ApiResult<()>) {
    if let Err(error) = done {
        tracing::debug!(%error, kind = ?KIND, "a creation that ended still looks open");
    }
}
