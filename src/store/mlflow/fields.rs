//! How objects become entries of the ledger, and how tags carry what MLflow has no field for.

use super::dto::{KeyValue, value_of};
use super::ledger::{Object, ObjectKey, State};
use crate::domain::{Key, ObjectKind, Revision, Tags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the tags of modeldeck start with; they are never shown as tags, nor taken from people.
pub(super) const PREFIX: &str = "modeldeck.";
/// The revision that an object's fields on the server are at.
pub(super) const REVISION: &str = "modeldeck.revision";
/// Names one attempt to make an object, so that it is found again when the answer was lost.
pub(super) const ATTEMPT: &str = "modeldeck.attempt";
/// MLflow's own tag for a description.
pub(super) const NOTE: &str = "mlflow.note.content";

/// The longest value of a tag that every server takes whole.
const LONGEST_TAG: usize = 5_000;

/// What is data rather than state, derived, or told by the entry itself, and so stays out of entries.
const LEFT_OUT: &[&str] = &[
    "approval",
    "approved_by",
    "approved_at",
    "approval_notes",
    "stage_warning",
    "heartbeat_at",
    "updated_at",
    "revision",
];

/// An object as its entries show it.
pub(super) fn snapshot(kind: ObjectKind, object: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(object).expect("domain objects are plain JSON");
    if let Value::Object(fields) = &mut value {
        for field in LEFT_OUT {
            fields.remove(*field);
        }
        match kind {
            ObjectKind::Run => fields.remove("metrics"),
            ObjectKind::ModelVersion => fields.remove("artifacts"),
            _ => None,
        };
    }
    value
}

/// A value as a tag can hold it: cut, visibly, where it is longer.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_TAG {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(LONGEST_TAG - 1).collect();
    cut.push('…');
    cut
}

/// A value of JSON as a tag; `None` where a tag cannot hold it whole, so that the ledger alone has it.
pub(super) fn json_tag(value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(value).ok()?;
    (text.chars().count() <= LONGEST_TAG).then_some(text)
}

/// What the server and the ledger tell about one object, and which of them is right.
pub(super) struct Told<'a> {
    pub(super) tags: &'a [KeyValue],
    pub(super) object: Option<&'a Object>,
    /// The fields on the server are older than the ledger's: whoever changed them last did not get to writing them.
    pub(super) is_behind: bool,
}

impl<'a> Told<'a> {
    pub(super) fn new(tags: &'a [KeyValue], state: &'a State, key: &ObjectKey) -> Self {
        let object = state.object(key);
        let written = value_of(tags, REVISION)
            .and_then(|text| text.parse().ok())
            .map(Revision);
        Self {
            tags,
            object,
            is_behind: object
                .is_some_and(|object| written.is_none_or(|written| written < object.revision)),
        }
    }

    pub(super) fn tag(&self, key: &str) -> Option<&'a str> {
        value_of(self.tags, key)
    }

    /// A field that only the ledger has, or only it is believed about.
    pub(super) fn ledger<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        self.object?.field(field)
    }

    /// A text that is on the server too, where people may change it: theirs, unless it is what modeldeck wrote there or older.
    pub(super) fn text(&self, field: &str, on_server: Option<&str>) -> Option<String> {
        let ours: Option<String> = self.ledger(field);
        match (on_server, ours) {
            (Some(theirs), Some(ours)) if !self.is_behind && cut(&ours) != theirs => {
                Some(theirs.to_owned())
            }
            (_, Some(ours)) => Some(ours),
            (theirs, None) => theirs.map(str::to_owned),
        }
    }

    /// A value that stands as JSON in a tag of modeldeck's.
    pub(super) fn json<T: DeserializeOwned>(&self, field: &str, tag: &str) -> Option<T> {
        self.ledger(field)
            .or_else(|| serde_json::from_str(self.tag(tag)?).ok())
    }

    /// The tags that people know of.
    pub(super) fn own_tags(&self) -> Tags {
        self.is_behind
            .then(|| self.ledger("tags"))
            .flatten()
            .unwrap_or_else(|| self.tags_on_server())
    }

    /// The tags that people know of, as they stand on the server.
    pub(super) fn tags_on_server(&self) -> Tags {
        let removed: Vec<String> = self
            .tag(REMOVED)
            .and_then(|list| serde_json::from_str(list).ok())
            .unwrap_or_default();
        self.tags
            .iter()
            .filter(|tag| {
                !is_internal(&tag.key) && (!tag.value.is_empty() || !removed.contains(&tag.key))
            })
            .map(|tag| (Key::trusted(tag.key.clone()), tag.value.clone()))
            .collect()
    }
}

/// The keys that were removed where a server cannot delete a tag.
pub(super) const REMOVED: &str = "modeldeck.removed";

/// Tags that are fields here, or notes of MLflow to itself.
pub(super) fn is_internal(key: &str) -> bool {
    const OF_MLFLOW: &[&str] = &[
        NOTE,
        "mlflow.runName",
        "mlflow.user",
        "mlflow.source.name",
        "mlflow.source.type",
        "mlflow.source.git.commit",
        "mlflow.log-model.history",
        "mlflow.experimentKind",
        "mlflow.experiment.sourceName",
        "mlflow.experiment.sourceType",
    ];
    key.starts_with(PREFIX) || OF_MLFLOW.contains(&key)
}

/// Tags that changed: those to set, and the keys to remove.
pub(super) fn tag_changes(before: &Tags, after: &Tags) -> (Vec<KeyValue>, Vec<String>) {
    let set = after
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value) && !is_internal(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.as_str(), value.as_str()))
        .collect();
    let removed = before
        .keys()
        .filter(|key| !after.contains_key(*key) && !is_internal(key.as_str()))
        .map(|key| key.as_str().to_owned())
        .collect();
    (set, removed)
}

pub(super) fn from_millis(millis: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
