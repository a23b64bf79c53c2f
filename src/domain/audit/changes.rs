//! What an audit entry changed, in words: `stage None → Staging`, `'bias review' PENDING → APPROVED`, `tags.team risk → fraud`.
//!
//! It reads entries of any age and of other programs, so nothing in them is taken for granted. What it gives is raw text: whoever shows it
//! makes it visible.

use super::AuditEntry;
use crate::domain::number;
use serde_json::{Map, Value};

/// Fields that say nothing to a person who reads what happened; the entry has a time of its own.
const SILENT: [&str; 3] = ["revision", "health_history", "decided_by"];

/// The longest text told of a value.
const LONGEST: usize = 40;

impl AuditEntry {
    /// What it changed, each in a few words. What is new changed in everything, which tells nothing.
    pub fn changes(&self) -> Vec<String> {
        let (Value::Object(before), Value::Object(after)) = (&self.before, &self.after) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for (field, now) in after {
            // Why it was done stands beside what was done.
            let is_told = field == "reason" && now.as_str() == self.reason.as_deref();
            if !is_silent(field) && !is_told {
                tell(field, before.get(field), now, &mut changes);
            }
        }
        changes
    }
}

fn is_silent(field: &str) -> bool {
    SILENT.contains(&field) || field.ends_with("_at")
}

fn tell(field: &str, was: Option<&Value>, now: &Value, changes: &mut Vec<String>) {
    match (was.unwrap_or(&Value::Null), now) {
        (was, now) if was == now => {}
        (Value::Object(was), Value::Object(now)) => {
            for key in keys(was, now) {
                let (was, now) = (was.get(key), now.get(key).unwrap_or(&Value::Null));
                if !is_silent(key) {
                    tell(&format!("{field}.{key}"), was, now, changes);
                }
            }
        }
        (Value::Array(was), Value::Array(now)) => tell_list(field, was, now, changes),
        (was, now) => match (scalar(was), scalar(now)) {
            (Some(_), Some(now)) if was.is_null() => changes.push(format!("{field}: {now}")),
            (Some(was), Some(now)) => changes.push(format!("{field} {was} → {now}")),
            _ => changes.push(field.to_owned()),
        },
    }
}

/// Lists are of named things, such as checklist items, or of words, such as aliases; of anything else only that it changed is told.
fn tell_list(field: &str, was: &[Value], now: &[Value], changes: &mut Vec<String>) {
    let words = |list: &[Value]| list.iter().map(scalar).collect::<Option<Vec<String>>>();
    if let (Some(was), Some(now)) = (words(was), words(now)) {
        let gone = was.iter().filter(|word| !now.contains(*word));
        let new = now.iter().filter(|word| !was.contains(*word));
        changes.extend(gone.map(|word| format!("{field} -{word}")));
        changes.extend(new.map(|word| format!("{field} +{word}")));
        return;
    }
    let before = changes.len();
    for thing in now {
        let Some(name) = thing["name"].as_str() else {
            continue;
        };
        let known = was
            .iter()
            .find(|known| known["name"].as_str() == Some(name));
        match known {
            None => changes.push(format!("{field} +'{}'", cut(name))),
            Some(known) if known == thing => {}
            Some(known) => tell_named(name, known, thing, changes),
        }
    }
    if changes.len() == before {
        changes.push(field.to_owned());
    }
}

/// A checklist item's verdict stands behind its name alone.
fn tell_named(name: &str, was: &Value, now: &Value, changes: &mut Vec<String>) {
    let (Value::Object(was), Value::Object(now)) = (was, now) else {
        return;
    };
    let mut inner = Vec::new();
    for (field, now) in now {
        if !is_silent(field) {
            tell(field, was.get(field), now, &mut inner);
        }
    }
    let name = cut(name);
    // The verdict first: that is what an item is marked for.
    inner.sort_by_key(|change| !change.starts_with("status "));
    let told = inner.iter().map(|change| {
        let change = change.strip_prefix("status ").unwrap_or(change);
        format!("'{name}' {change}")
    });
    changes.extend(told);
}

fn keys<'a>(was: &'a Map<String, Value>, now: &'a Map<String, Value>) -> Vec<&'a String> {
    let gone = was.keys().filter(|key| !now.contains_key(*key));
    now.keys().chain(gone).collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::String(text) if text.is_empty() => Some("empty".to_owned()),
        Value::String(text) => Some(cut(text)),
        Value::Number(given) if given.is_f64() => given.as_f64().map(number::short),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(LONGEST - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Identity, ObjectKind};
    use serde_json::json;

    fn entry(before: Value, after: Value) -> AuditEntry {
        AuditEntry {
            seq: 1,
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            identity: Identity::new("alice", "gpu-07"),
            action: "update".to_owned(),
            kind: ObjectKind::ModelVersion,
            object: "fraud 7".to_owned(),
            before,
            after,
            reason: None,
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    fn changes(before: Value, after: Value) -> Vec<String> {
        entry(before, after).changes()
    }

    #[test]
    fn an_item_is_told_with_its_verdict() {
        let item = |status, note| json!({"name": "bias review", "required": true, "status": status, "note": note, "decided_at": 1});
        let told = changes(
            json!({"checklist": [item("PENDING", Value::Null)], "revision": 1}),
            json!({"checklist": [item("APPROVED", json!("seen")), {"name": "card"}], "revision": 2}),
        );
        assert_eq!(
            told,
            [
                "'bias review' PENDING → APPROVED",
                "'bias review' note: seen",
                "checklist +'card'"
            ]
        );
    }

    #[test]
    fn what_changed_inside_is_told_and_numbers_are_rounded() {
        let told = changes(
            json!({"score": 0.1, "tags": {"team": "risk", "old": "1"}, "aliases": ["champion"], "stage": "None"}),
            json!({"score": 0.301_234_567_89, "tags": {"team": "fraud"}, "aliases": ["best"], "stage": "Staging"}),
        );
        assert_eq!(
            told,
            [
                "aliases -champion",
                "aliases +best",
                "score 0.1 → 0.3012",
                "stage None → Staging",
                "tags.team risk → fraud",
                "tags.old 1 → none",
            ]
        );
        assert!(changes(Value::Null, json!({"stage": "None"})).is_empty());
    }

    #[test]
    fn a_reason_is_not_told_twice() {
        let mut entry = entry(
            json!({"status": "PENDING", "reason": null}),
            json!({"status": "FAILED", "reason": "too slow"}),
        );
        assert_eq!(
            entry.changes(),
            ["reason: too slow", "status PENDING → FAILED"]
        );
        entry.reason = Some("too slow".to_owned());
        assert_eq!(entry.changes(), ["status PENDING → FAILED"]);
    }

    #[test]
    fn what_nobody_expected_is_named_at_least() {
        let told = changes(
            json!({"decisions": [], "odd": 1, "list": [{"x": 1}]}),
            json!({"decisions": [{"verdict": "APPROVED"}], "odd": {"a": 1}, "list": [{"x": 2}]}),
        );
        assert_eq!(told, ["decisions", "list", "odd"]);
    }
}
