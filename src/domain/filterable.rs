//! The fields of each object that a filter may name; the same names as `store::query` documents and stores answer to.

use super::filter::{FieldValue, Filterable};
use super::{
    AuditEntry, Deployment, DriftEvent, Key, ModelExperiment, ModelRun, ModelVersion, Params, Tags,
    number,
};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeMap;

type Values<'a> = Vec<FieldValue<'a>>;

fn text(text: &str) -> Values<'_> {
    vec![FieldValue::Text(Cow::Borrowed(text))]
}

fn optional_text(found: Option<&str>) -> Values<'_> {
    found.map(text).unwrap_or_default()
}

fn time<'a>(time: impl Into<Option<Timestamp>>) -> Values<'a> {
    time.into().map(FieldValue::Time).into_iter().collect()
}

/// Keys that an object carries, by the kind that a field may name before the dot.
enum Keyed<'a> {
    Numbers(&'static str, BTreeMap<&'a str, f64>),
    Texts(&'static str, &'a BTreeMap<Key, String>),
}

/// A field with a kind before the dot is looked for there, any other among all kinds.
fn keyed<'a>(field: &str, kinds: &[Keyed<'a>]) -> Values<'a> {
    let named = kinds.iter().find_map(|kind| match kind {
        Keyed::Numbers(prefix, _) | Keyed::Texts(prefix, _) => {
            field.strip_prefix(prefix).map(|key| kind.values(key))
        }
    });
    named.unwrap_or_else(|| kinds.iter().flat_map(|kind| kind.values(field)).collect())
}

impl<'a> Keyed<'a> {
    fn values(&self, key: &str) -> Values<'a> {
        match self {
            Self::Numbers(_, map) => map
                .get(key)
                .map(|value| FieldValue::Number(*value))
                .into_iter()
                .collect(),
            Self::Texts(_, map) => optional_text(map.get(key).map(String::as_str)),
        }
    }

    fn tags(tags: &'a Tags) -> Self {
        Self::Texts("tags.", tags)
    }

    fn params(params: &'a Params) -> Self {
        Self::Texts("params.", params)
    }
}

impl Filterable for ModelExperiment {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![self.name.as_str().into()]
    }

    fn field(&self, field: &str) -> Values<'_> {
        match field {
            "name" => text(self.name.as_str()),
            "description" => text(&self.description),
            "owner" => text(&self.owner),
            "status" => text(self.status.as_str()),
            "created" => time(self.created_at),
            "updated" => time(self.updated_at),
            key => keyed(key, &[Keyed::tags(&self.tags)]),
        }
    }
}

impl Filterable for ModelRun {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![self.name.as_str().into(), self.run_id.as_str().into()]
    }

    fn field(&self, field: &str) -> Values<'_> {
        match field {
            "run_id" => text(self.run_id.as_str()),
            "name" => text(&self.name),
            "experiment" => text(self.experiment_name.as_str()),
            "status" => text(self.status.as_str()),
            "user" => optional_text(self.source.user.as_deref()),
            "host" => optional_text(self.source.host.as_deref()),
            "created" => time(self.created_at),
            "started" => time(self.started_at),
            "heartbeat" => time(
                self.heartbeat_at
                    .or(self.started_at)
                    .or(Some(self.created_at)),
            ),
            "ended" => time(self.ended_at),
            "updated" => time(self.updated_at),
            key => {
                let latest = self
                    .metrics
                    .iter()
                    .map(|(key, point)| (key.as_str(), point.value));
                keyed(
                    key,
                    &[
                        Keyed::Numbers("metrics.", latest.collect()),
                        Keyed::params(&self.params),
                        Keyed::tags(&self.tags),
                    ],
                )
            }
        }
    }
}

impl Filterable for ModelVersion {
    fn words(&self) -> Vec<Cow<'_, str>> {
        let mut words = vec![
            self.model_name.as_str().into(),
            self.version.as_str().into(),
        ];
        words.extend(self.aliases.iter().map(|alias| alias.as_str().into()));
        words
    }

    fn field(&self, field: &str) -> Values<'_> {
        match field {
            "model" => text(self.model_name.as_str()),
            "version" => text(self.version.as_str()),
            "stage" => text(self.stage.as_str()),
            "alias" => self
                .aliases
                .iter()
                .flat_map(|alias| text(alias.as_str()))
                .collect(),
            "run_id" => optional_text(self.run_id.as_ref().map(super::RunId::as_str)),
            "source" => optional_text(self.source.as_deref()),
            "registered_by" => text(&self.registered_by),
            "description" => text(&self.description),
            // Derived, so only as true as the service made it.
            "approval" => text(self.approval.as_str()),
            "created" => time(self.created_at),
            "updated" => time(self.updated_at),
            key => {
                let metrics = self
                    .metrics
                    .iter()
                    .map(|(key, value)| (key.as_str(), *value));
                keyed(
                    key,
                    &[
                        Keyed::Numbers("metrics.", metrics.collect()),
                        Keyed::params(&self.params),
                        Keyed::tags(&self.tags),
                    ],
                )
            }
        }
    }
}

impl Filterable for DriftEvent {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![
            self.model_name.as_str().into(),
            self.metric.as_str().into(),
            self.event_id.as_str().into(),
        ]
    }

    fn field(&self, field: &str) -> Values<'_> {
        let number = |number: f64| vec![FieldValue::Number(number)];
        match field {
            "event_id" => text(self.event_id.as_str()),
            "model" => text(self.model_name.as_str()),
            "version" => text(self.version.as_str()),
            "environment" => optional_text(self.environment.map(super::Environment::as_str)),
            "metric" => text(self.metric.as_str()),
            "severity" => text(self.severity.as_str()),
            "state" => text(self.state.as_str()),
            "baseline" => number(self.baseline),
            "observed" => number(self.observed),
            "score" => number(self.score),
            "count" => number(number::from_count(self.count)),
            "first_seen" => time(self.first_seen_at),
            "last_seen" => time(self.last_seen_at),
            "note" => optional_text(self.note.as_deref()),
            _ => Vec::new(),
        }
    }
}

impl Filterable for Deployment {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![
            self.model_name.as_str().into(),
            self.deployment_id.as_str().into(),
        ]
    }

    fn field(&self, field: &str) -> Values<'_> {
        match field {
            "deployment_id" => text(self.deployment_id.as_str()),
            "model" => text(self.model_name.as_str()),
            "version" => text(self.version.as_str()),
            "environment" => text(self.environment.as_str()),
            "status" => text(self.status.as_str()),
            "health" => text(self.health.as_str()),
            "endpoint" => {
                optional_text(self.endpoint.as_ref().map(|endpoint| endpoint.url.as_str()))
            }
            "deployed_by" => text(&self.deployed_by),
            "reason" => optional_text(self.reason.as_deref()),
            "rollback_from" => {
                optional_text(self.rollback_from.as_ref().map(super::DeploymentId::as_str))
            }
            "created" => time(self.created_at),
            "since" => time(self.activated_at.unwrap_or(self.created_at)),
            "activated" => time(self.activated_at),
            "ended" => time(self.ended_at),
            _ => Vec::new(),
        }
    }
}

impl Filterable for AuditEntry {
    fn words(&self) -> Vec<Cow<'_, str>> {
        vec![
            self.object.as_str().into(),
            self.action.as_str().into(),
            self.identity.user.as_str().into(),
        ]
    }

    fn field(&self, field: &str) -> Values<'_> {
        match field {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a log of 2^53 entries is not reached"
            )]
            "seq" => vec![FieldValue::Number(self.seq as f64)],
            "at" => time(self.at),
            "action" => text(&self.action),
            "kind" => text(self.kind.as_str()),
            "object" => text(&self.object),
            "user" => text(&self.identity.user),
            "host" => text(&self.identity.host),
            "reason" => optional_text(self.reason.as_deref()),
            _ => Vec::new(),
        }
    }
}
