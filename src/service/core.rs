//! What the six managers share: the store, who acts, the clock and the settings.

use super::{Clock, MlflowSettings, Result, ServiceError, ServiceSettings};
use crate::domain::secret::names_a_secret;
use crate::domain::{Identity, Missing, ModelVersion, Policy, Revision, Tags, text, uri};
use crate::store::{GateProof, Store, StoreError, WriteContext};
use serde::Serialize;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How often a change that another program outran is judged anew before the lost race is told.
const ATTEMPTS: u32 = 60;

/// The longest value of a param and of a tag: what MLflow's servers keep whole.
pub(super) const LONGEST_VALUE: usize = 5_000;
/// The longest free text: a description, a note, a reason.
pub(super) const LONGEST_TEXT: usize = 64 * 1024;

/// Shared by the managers and cheap to clone.
#[derive(Clone)]
pub(super) struct Core {
    pub(super) store: Arc<dyn Store>,
    pub(super) identity: Arc<Identity>,
    pub(super) clock: Clock,
    pub(super) settings: Arc<ServiceSettings>,
    pub(super) mlflow: Arc<MlflowSettings>,
    /// Set by `--read-only`: the reason with which every write is refused.
    pub(super) read_only: Option<&'static str>,
}

impl Core {
    /// Opens a write: refuses it under `--read-only`, and says who, when and why.
    pub(super) fn write(&self, action: &'static str, reason: Option<&str>) -> Result<WriteContext> {
        if let Some(why) = self.read_only {
            return Err(ServiceError::Refused {
                message: format!("nothing is changed here: {why}"),
                hint: "start modeldeck without --read-only".to_owned(),
            });
        }
        if let Some(reason) = reason {
            free_text("reason", reason)?;
        }
        Ok(WriteContext {
            identity: (*self.identity).clone(),
            at: self.clock.now(),
            action,
            reason: reason.map(str::to_owned),
        })
    }

    /// Runs a read-judge-write attempt, again when another program was faster. Whoever named the revision that they read wants
    /// to be told instead, so then there is one attempt.
    pub(super) async fn settle<T, F, Fut>(
        &self,
        expected: Option<Revision>,
        attempt: F,
    ) -> Result<T>
    where
        F: Fn() -> Fut + Send,
        Fut: Future<Output = Result<T>> + Send,
    {
        for attempts in 1..ATTEMPTS {
            match attempt().await {
                Err(error) if error.is_lost_race() && expected.is_none() => {}
                settled => return settled,
            }
            // Longer each time, and never two programs in step.
            let wait = u64::from(attempts.min(10)) * u64::from(1 + std::process::id() % 7);
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        attempt().await
    }

    /// Judges the gate before Production and returns what the judgement rests on.
    pub(super) async fn gate(&self, version: &ModelVersion, target: &str) -> Result<GateProof> {
        let (policy, revision) = self.store.policy().await?;
        let missing = version.missing_for_production(&policy);
        if missing.is_empty() {
            Ok(GateProof {
                policy: revision,
                model_name: version.model_name.clone(),
                version: version.version.clone(),
                revision: version.revision,
                subject: version.subject(),
            })
        } else {
            Err(not_approved(version, target, missing))
        }
    }

    /// The policy that versions are judged by.
    pub(super) async fn policy(&self) -> Result<Policy> {
        Ok(self.store.policy().await?.0)
    }
}

fn not_approved(version: &ModelVersion, target: &str, missing: Vec<Missing>) -> ServiceError {
    ServiceError::NotApproved {
        version: version.label(),
        target: target.to_owned(),
        missing,
    }
}

/// Compares the revision that a caller read with the one that is there.
pub(super) fn expect_revision(
    expected: Option<Revision>,
    found: Revision,
    conflict: impl FnOnce() -> StoreError,
) -> Result<()> {
    match expected {
        Some(expected) if expected != found => Err(conflict().into()),
        _ => Ok(()),
    }
}

/// Whether an update left everything as it was; then it is not written, and no audit entry says that something happened. NaN is as it was
/// where it was NaN.
pub(super) fn is_same(before: &impl Serialize, after: &impl Serialize) -> bool {
    matches!(
        (serde_json::to_value(before), serde_json::to_value(after)),
        (Ok(before), Ok(after)) if before == after
    )
}

/// Free text may hold line breaks and tabs, but no NUL, and has an end.
pub(super) fn free_text(field: &'static str, given: &str) -> Result<()> {
    if given.contains('\0') {
        return Err(ServiceError::invalid(
            field,
            format!("the {field} has a NUL character"),
        ));
    }
    if given.len() > LONGEST_TEXT {
        return Err(ServiceError::invalid(
            field,
            format!("the {field} is longer than 64 KiB"),
        ));
    }
    Ok(())
}

/// A text that must say something.
pub(super) fn required_text(field: &'static str, given: &str) -> Result<()> {
    free_text(field, given)?;
    if given.trim().is_empty() {
        return Err(ServiceError::invalid(
            field,
            format!("the {field} is empty; say why in a few words"),
        ));
    }
    Ok(())
}

/// Values of params and tags.
pub(super) fn values(field: &'static str, given: &Tags) -> Result<()> {
    for (key, value) in given {
        if names_a_secret(key.as_str()) {
            return Err(ServiceError::invalid(
                field,
                format!(
                    "'{key}' is the name of a secret, and secrets are not stored; leave it out"
                ),
            ));
        }
        if value.contains('\0') {
            return Err(ServiceError::invalid(
                field,
                format!("the value of '{key}' has a NUL character"),
            ));
        }
        if value.chars().count() > LONGEST_VALUE {
            return Err(ServiceError::invalid(
                field,
                format!("the value of '{key}' is longer than {LONGEST_VALUE} characters"),
            ));
        }
    }
    Ok(())
}

/// An address without credentials in it: no secret comes into a store.
pub(super) fn address(field: &'static str, given: &str) -> Result<()> {
    if given.chars().count() > LONGEST_VALUE
        || given.chars().any(|c| c.is_control() || text::is_unseen(c))
        || given.trim() != given
        || given.is_empty()
    {
        return Err(ServiceError::invalid(
            field,
            format!(
                "the {field} is not an address: it is empty, too long, or has spaces or unseen characters"
            ),
        ));
    }
    if uri::has_credentials(given) {
        return Err(ServiceError::invalid(
            field,
            format!(
                "the {field} holds a user or password; give it without, secrets are not stored"
            ),
        ));
    }
    if let Some(name) = uri::secret_parameter(given) {
        return Err(ServiceError::invalid(
            field,
            format!(
                "the {field} holds a secret in its parameter '{}'; give it without, secrets are not stored",
                text::visible(name)
            ),
        ));
    }
    Ok(())
}

/// Merges tags: sets first, then removes.
pub(super) fn merge_tags(tags: &mut Tags, set: &Tags, remove: &[crate::domain::Key]) {
    tags.extend(set.iter().map(|(key, value)| (key.clone(), value.clone())));
    for key in remove {
        tags.remove(key);
    }
}
