//! What is new at the source, what was changed here, and which of the two holds: a comparison of three states.
//!
//! The third state is what imports wrote before. It is read from the audit log, which tells of every import exactly what it changed, so nothing has to be
//! kept beside it and nobody can edit it.

use crate::domain::AuditEntry;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What imports wrote of an object, field by field.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    fields: Map<String, Value>,
    /// Whether an import made the object.
    pub(super) made_it: bool,
}

impl Base {
    /// Folds the entries of imports, oldest first. What was there before an import and left alone by it is not the import's.
    pub(super) fn of(entries: &[AuditEntry]) -> Self {
        let mut base = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            base.made_it |= at == 0 && entry.before.is_null();
            let Value::Object(after) = &entry.after else {
                continue;
            };
            for (field, after) in after {
                let before = entry.before.get(field).unwrap_or(&Value::Null);
                let known = base.fields.entry(field.clone()).or_insert(Value::Null);
                fold(known, &by_key(before), by_key(after));
            }
        }
        base
    }

    pub(super) fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.fields.get(name)?.clone()).ok()
    }

    /// A field that is a map, or a list as [`by_key`] makes a map of it.
    pub(super) fn map<K, V>(&self, name: &str) -> BTreeMap<K, V>
    where
        K: DeserializeOwned + Ord,
        V: DeserializeOwned,
    {
        self.field(name).unwrap_or_default()
    }
}

/// Lists of words or of files as maps, so that each of their parts is compared by itself.
fn by_key(value: &Value) -> Value {
    let Value::Array(items) = value else {
        return value.clone();
    };
    let keyed = items.iter().map(|item| match item {
        Value::String(word) => (word.clone(), Value::Bool(true)),
        item => (
            item["path"].as_str().unwrap_or_default().to_owned(),
            item.clone(),
        ),
    });
    Value::Object(keyed.collect())
}

fn fold(known: &mut Value, before: &Value, after: Value) {
    let Value::Object(after) = after else {
        *known = after;
        return;
    };
    if !known.is_object() {
        *known = Value::Object(Map::new());
    }
    let Value::Object(known) = known else {
        return;
    };
    if let Value::Object(before) = before {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            known.remove(key);
        }
    }
    for (key, value) in after {
        if before.get(&key) != Some(&value) {
            known.insert(key, value);
        }
    }
}

/// What holds of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// Both say the same.
    Same,
    /// The source's, because nobody changed it here.
    Theirs,
    /// Ours, because it was changed here.
    Ours,
}

pub(super) fn field<T: PartialEq>(ours: &T, base: Option<&T>, theirs: &T) -> Held {
    if ours == theirs {
        Held::Same
    } else if base == Some(ours) {
        Held::Theirs
    } else {
        Held::Ours
    }
}

/// Brings a map up to the source's state where it was not changed here; returns the keys of which ours was kept against the source.
pub(super) fn map<K, V>(
    ours: &mut BTreeMap<K, V>,
    base: &BTreeMap<K, V>,
    theirs: &BTreeMap<K, V>,
) -> Vec<K>
where
    K: Ord + Clone,
    V: PartialEq + Clone,
{
    let mut kept = Vec::new();
    for (key, value) in theirs {
        match (ours.get(key), base.get(key)) {
            (Some(mine), _) if mine == value => {}
            (None, None) => {
                ours.insert(key.clone(), value.clone());
            }
            (Some(mine), Some(was)) if mine == was => {
                ours.insert(key.clone(), value.clone());
            }
            (Some(_), _) | (None, Some(_)) => kept.push(key.clone()),
        }
    }
    for (key, was) in base {
        if theirs.contains_key(key) {
            continue;
        }
        match ours.get(key) {
            Some(mine) if mine == was => {
                ours.remove(key);
            }
            Some(_) => kept.push(key.clone()),
            None => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Identity, ObjectKind};
    use jiff::Timestamp;
    use serde_json::json;

    fn entry(before: Value, after: Value) -> AuditEntry {
        AuditEntry {
            seq: 1,
            at: Timestamp::UNIX_EPOCH,
            identity: Identity::new("alice", "gpu-07"),
            action: "import_run".to_owned(),
            kind: ObjectKind::Run,
            object: "r1".to_owned(),
            before,
            after,
            reason: None,
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_base_is_what_imports_wrote_and_not_what_they_found() {
        let base = Base::of(&[
            entry(
                Value::Null,
                json!({"name": "a", "tags": {"x": "1", "y": "1"}, "aliases": ["p"]}),
            ),
            // Somebody set x to 2 in between; this import added z and removed y.
            entry(
                json!({"tags": {"x": "2", "y": "1"}, "aliases": ["p"]}),
                json!({"tags": {"x": "2", "z": "1"}, "aliases": ["q"]}),
            ),
        ]);
        assert!(base.made_it);
        assert_eq!(base.map("tags"), tags(&[("x", "1"), ("z", "1")]));
        assert_eq!(
            base.map("aliases"),
            BTreeMap::from([("q".to_owned(), true)])
        );
        assert_eq!(base.field::<String>("name").as_deref(), Some("a"));
        assert!(!Base::of(&[entry(json!({"name": "b"}), json!({"name": "a"}))]).made_it);
    }

    #[test]
    fn a_field_changes_only_where_nobody_changed_it_here() {
        let base = Some(&1);
        assert_eq!(field(&1, base, &1), Held::Same);
        assert_eq!(field(&1, base, &2), Held::Theirs);
        assert_eq!(field(&3, base, &2), Held::Ours);
        assert_eq!(field(&3, None, &2), Held::Ours);
        assert_eq!(field(&2, base, &2), Held::Same);
    }

    #[test]
    fn every_case_of_a_key_is_decided() {
        let base = tags(&[
            ("same", "1"),
            ("theirs", "1"),
            ("ours", "1"),
            ("removed there", "1"),
            ("removed here", "1"),
            ("removed there, changed here", "1"),
            ("removed by both", "1"),
        ]);
        let mut ours = tags(&[
            ("same", "1"),
            ("theirs", "1"),
            ("ours", "2"),
            ("removed there", "1"),
            ("removed there, changed here", "2"),
            ("made here", "1"),
            ("made by both", "1"),
        ]);
        let theirs = tags(&[
            ("same", "1"),
            ("theirs", "2"),
            ("ours", "1"),
            ("removed here", "1"),
            ("new there", "1"),
            ("made by both", "2"),
        ]);
        let kept = map(&mut ours, &base, &theirs);
        assert_eq!(
            kept,
            [
                "made by both",
                "ours",
                "removed here",
                "removed there, changed here"
            ]
        );
        assert_eq!(
            ours,
            tags(&[
                ("same", "1"),
                ("theirs", "2"),
                ("ours", "2"),
                ("removed there, changed here", "2"),
                ("made here", "1"),
                ("made by both", "1"),
                ("new there", "1"),
            ])
        );
        // The second time nothing changes any more.
        let before = ours.clone();
        let base = theirs.clone();
        map(&mut ours, &base, &theirs);
        assert_eq!(ours, before);
    }
}
