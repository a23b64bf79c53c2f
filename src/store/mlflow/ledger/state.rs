//! What the ledger says now: the fold of its records.

use super::record::{Entry, ObjectKey, Record};
use crate::domain::{
    AuditEntry, Deployment, DeploymentId, DriftEvent, DriftEventId, ObjectKind, Policy, Revision,
    RunId, audit::GENESIS,
};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// An object as the ledger knows it.
#[derive(Debug, Clone)]
pub(in crate::store::mlflow) struct Object {
    pub(in crate::store::mlflow) revision: Revision,
    /// The newest value of every field that an entry told.
    pub(in crate::store::mlflow) fields: Map<String, Value>,
    /// The number of the audit entry that told of it first, which orders what was made at the same moment.
    pub(in crate::store::mlflow) first_seq: i64,
    pub(in crate::store::mlflow) updated_at: Timestamp,
    /// MLflow's own id.
    pub(in crate::store::mlflow) remote: Option<String>,
    /// The attempt that made it.
    attempt: Option<String>,
    /// When this process learned of the last change.
    pub(in crate::store::mlflow) seen: Instant,
}

impl Object {
    /// A field, where an entry told it.
    pub(in crate::store::mlflow) fn field<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Option<T> {
        self.fields
            .get(name)
            .and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// The whole object, with what is never written into entries.
    fn whole<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        let mut fields = self.fields.clone();
        fields.insert("revision".to_owned(), self.revision.0.into());
        fields.insert("updated_at".to_owned(), self.updated_at.to_string().into());
        serde_json::from_value(Value::Object(fields)).ok()
    }
}

/// The fold of the ledger up to its head.
#[derive(Debug)]
pub(in crate::store::mlflow) struct State {
    /// The number that the next record gets.
    pub(in crate::store::mlflow) next: i64,
    pub(in crate::store::mlflow) audit: Vec<Arc<AuditEntry>>,
    pub(in crate::store::mlflow) head: String,
    objects: HashMap<ObjectKey, Object>,
    pub(in crate::store::mlflow) deployments: BTreeMap<DeploymentId, Deployment>,
    pub(in crate::store::mlflow) drift: BTreeMap<DriftEventId, DriftEvent>,
    /// MLflow's id of a run to the one it was given here.
    given_runs: HashMap<String, RunId>,
    /// MLflow's number of a version, with its model, to the name it was given here.
    given_versions: HashMap<(String, String), String>,
    /// The versions of each model that entries told of.
    versions: HashMap<String, Vec<ObjectKey>>,
    /// The version of each model that modeldeck let into Production last and did not take out since.
    production: HashMap<String, String>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            next: 0,
            audit: Vec::new(),
            head: GENESIS.to_owned(),
            objects: HashMap::new(),
            deployments: BTreeMap::new(),
            drift: BTreeMap::new(),
            given_runs: HashMap::new(),
            given_versions: HashMap::new(),
            versions: HashMap::new(),
            production: HashMap::new(),
        }
    }
}

impl State {
    /// Takes the next record.
    pub(in crate::store::mlflow) fn follow(&mut self, record: &Record) {
        for entry in &record.entries {
            self.take(entry);
        }
        self.next += 1;
    }

    fn take(&mut self, entry: &Entry) {
        let audit = entry.audit();
        if entry.key.kind == ObjectKind::ModelVersion && !self.objects.contains_key(&entry.key) {
            self.versions
                .entry(entry.key.name.clone())
                .or_default()
                .push(entry.key.clone());
        }
        let object = self
            .objects
            .entry(entry.key.clone())
            .or_insert_with(|| Object {
                revision: Revision::FIRST,
                fields: Map::new(),
                first_seq: audit.seq,
                updated_at: audit.at,
                remote: None,
                attempt: None,
                seen: Instant::now(),
            });
        object.revision = Revision(entry.revision);
        object.updated_at = audit.at;
        object.seen = Instant::now();
        // Made anew under the name of one that is gone: nothing of that one is left.
        if audit.before.is_null() {
            object.fields.clear();
            object.remote = None;
            object.attempt.clone_from(&entry.attempt);
        }
        if let (Some(version), Some(stage)) = (&entry.key.version, audit.after.get("stage")) {
            let model = &entry.key.name;
            if stage == "Production" {
                self.production.insert(model.clone(), version.clone());
            } else if self.production.get(model) == Some(version) {
                self.production.remove(model);
            }
        }
        if let Value::Object(after) = &audit.after {
            object.fields.extend(
                after
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        if let Some(remote) = &entry.remote {
            object.remote = Some(remote.clone());
            match (entry.key.kind, &entry.key.version) {
                (ObjectKind::Run, _) => {
                    self.given_runs
                        .insert(remote.clone(), RunId::trusted(entry.key.name.clone()));
                }
                (ObjectKind::ModelVersion, Some(version)) => {
                    self.given_versions
                        .insert((entry.key.name.clone(), remote.clone()), version.clone());
                }
                _ => {}
            }
        }
        match entry.key.kind {
            ObjectKind::Deployment => {
                if let Some(deployment) = object.whole::<Deployment>() {
                    self.deployments
                        .insert(deployment.deployment_id.clone(), deployment);
                }
            }
            ObjectKind::DriftEvent => {
                if let Some(event) = object.whole::<DriftEvent>() {
                    self.drift.insert(event.event_id.clone(), event);
                }
            }
            _ => {}
        }
        self.head.clone_from(&audit.hash);
        self.audit.push(Arc::new(audit));
    }

    pub(in crate::store::mlflow) fn object(&self, key: &ObjectKey) -> Option<&Object> {
        self.objects.get(key)
    }

    /// Whether the entry of this attempt to make an object is there, whoever wrote it.
    pub(in crate::store::mlflow) fn is_entered(&self, key: &ObjectKey, attempt: &str) -> bool {
        self.object(key)
            .is_some_and(|object| object.attempt.as_deref() == Some(attempt))
    }

    /// The revision of an object; one that the ledger never heard of was made around modeldeck and never changed by it.
    pub(in crate::store::mlflow) fn revision(&self, key: &ObjectKey) -> Revision {
        self.object(key)
            .map_or(Revision::FIRST, |object| object.revision)
    }

    /// The number of the last audit entry.
    pub(in crate::store::mlflow) fn seq(&self) -> i64 {
        self.audit.last().map_or(0, |entry| entry.seq)
    }

    /// The policy and its revision; revision 0 where none was ever set.
    pub(in crate::store::mlflow) fn policy(&self) -> (Policy, Revision) {
        let found = self
            .object(&policy_key())
            .and_then(|object| Some((object.whole_policy()?, object.revision)));
        found.unwrap_or((Policy::default(), Revision(0)))
    }

    /// MLflow's id of a run.
    pub(in crate::store::mlflow) fn remote_run<'a>(&'a self, run_id: &'a RunId) -> &'a str {
        self.object(&ObjectKey::new(ObjectKind::Run, run_id.as_str()))
            .and_then(|object| object.remote.as_deref())
            .unwrap_or(run_id.as_str())
    }

    /// The id that a run of MLflow has here.
    pub(in crate::store::mlflow) fn run_id(&self, remote: &str) -> RunId {
        self.given_runs
            .get(remote)
            .cloned()
            .unwrap_or_else(|| RunId::trusted(remote))
    }

    /// MLflow's number of a version.
    pub(in crate::store::mlflow) fn remote_version<'a>(
        &'a self,
        model: &str,
        version: &'a str,
    ) -> &'a str {
        self.object(&ObjectKey::version(model, version))
            .and_then(|object| object.remote.as_deref())
            .unwrap_or(version)
    }

    /// The version that an entry gave an alias to a moment ago, which the server may not show yet.
    pub(in crate::store::mlflow) fn fresh_holder<'a>(
        &'a self,
        model: &str,
        alias: &str,
    ) -> Option<&'a str> {
        self.versions_of(model)
            .filter(|(_, object)| object.seen.elapsed() < crate::store::mlflow::versions::GRACE)
            .find(|(_, object)| {
                let aliases = object.fields.get("aliases").and_then(Value::as_array);
                aliases.is_some_and(|aliases| aliases.iter().any(|held| held == alias))
            })
            .map(|(name, _)| name)
    }

    /// The version of a model that is in Production as far as modeldeck knows.
    pub(in crate::store::mlflow) fn in_production(&self, model: &str) -> Option<&str> {
        self.production.get(model).map(String::as_str)
    }

    fn versions_of<'a>(&'a self, model: &str) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let names = self
            .versions
            .get(model)
            .map(Vec::as_slice)
            .unwrap_or_default();
        names.iter().filter_map(move |key| {
            let name = key.version.as_deref()?;
            Some((name, self.objects.get(key)?))
        })
    }

    /// The name that a version of MLflow has here.
    pub(in crate::store::mlflow) fn version_name<'a>(
        &'a self,
        model: &str,
        number: &'a str,
    ) -> &'a str {
        self.given_versions
            .get(&(model.to_owned(), number.to_owned()))
            .map_or(number, String::as_str)
    }
}

impl Object {
    fn whole_policy(&self) -> Option<Policy> {
        // Entries tell what changed; what none ever told is as it is by default.
        let Ok(Value::Object(mut fields)) = serde_json::to_value(Policy::default()) else {
            return None;
        };
        fields.extend(self.fields.clone());
        serde_json::from_value(Value::Object(fields)).ok()
    }
}

/// The one policy of a store.
pub(in crate::store::mlflow) fn policy_key() -> ObjectKey {
    ObjectKey::new(ObjectKind::Policy, "policy")
}
