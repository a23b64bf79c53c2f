//! Records of the ledger: what one change wrote, as it stands in a param.

use crate::domain::{AuditEntry, Identity, ObjectKind, approval::digest};
use crate::store::WriteContext;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest value that every server keeps whole, in characters.
const LONGEST: usize = 4_900;

/// Which object an entry is about, without the ambiguity of a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::store::mlflow) struct ObjectKey {
    pub(in crate::store::mlflow) kind: ObjectKind,
    pub(in crate::store::mlflow) name: String,
    /// The version, for a model version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store::mlflow) version: Option<String>,
}

impl ObjectKey {
    pub(in crate::store::mlflow) fn new(kind: ObjectKind, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            version: None,
        }
    }

    pub(in crate::store::mlflow) fn version(model: &str, version: &str) -> Self {
        Self {
            kind: ObjectKind::ModelVersion,
            name: model.to_owned(),
            version: Some(version.to_owned()),
        }
    }

    /// As the audit log shows it.
    pub(in crate::store::mlflow) fn shown(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// One change of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store::mlflow) struct Entry {
    pub(in crate::store::mlflow) key: ObjectKey,
    pub(in crate::store::mlflow) revision: i64,
    /// MLflow's own id of the object, where it differs from the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store::mlflow) remote: Option<String>,
    /// Names the one attempt to make an object that this entry is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store::mlflow) attempt: Option<String>,
    pub(in crate::store::mlflow) audit: Audit,
}

/// Who makes an entry, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store::mlflow) struct Author {
    pub(in crate::store::mlflow) identity: Identity,
    pub(in crate::store::mlflow) at: Timestamp,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&WriteContext> for Author {
    fn from(ctx: &WriteContext) -> Self {
        Self {
            identity: ctx.identity.clone(),
            at: ctx.at,
            action: ctx.action.to_owned(),
            reason: ctx.reason.clone(),
        }
    }
}

/// An audit entry without what the key tells already.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store::mlflow) struct Audit {
    seq: i64,
    at: Timestamp,
    identity: Identity,
    action: String,
    before: Value,
    after: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    prev_hash: String,
    hash: String,
}

impl Entry {
    pub(in crate::store::mlflow) fn audit(&self) -> AuditEntry {
        let audit = self.audit.clone();
        AuditEntry {
            seq: audit.seq,
            at: audit.at,
            identity: audit.identity,
            action: audit.action,
            kind: self.key.kind,
            object: self.key.shown(),
            before: audit.before,
            after: audit.after,
            reason: audit.reason,
            prev_hash: audit.prev_hash,
            hash: audit.hash,
        }
    }
}

/// A change that is not written yet, so that it has no place in the chain.
#[derive(Debug, Clone)]
pub(in crate::store::mlflow) struct Draft {
    pub(in crate::store::mlflow) key: ObjectKey,
    pub(in crate::store::mlflow) revision: i64,
    pub(in crate::store::mlflow) remote: Option<String>,
    pub(in crate::store::mlflow) attempt: Option<String>,
    /// The fields that change, as they are; null for a new object.
    pub(in crate::store::mlflow) before: Value,
    pub(in crate::store::mlflow) after: Value,
}

impl Draft {
    /// Names the attempt to make the object that this is about.
    #[must_use]
    pub(in crate::store::mlflow) fn of_attempt(self, attempt: &str) -> Self {
        Self {
            attempt: Some(attempt.to_owned()),
            ..self
        }
    }
}

/// What one change wrote, all or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::store::mlflow) struct Record {
    pub(in crate::store::mlflow) id: String,
    pub(in crate::store::mlflow) entries: Vec<Entry>,
}

/// What stands in the param of a record that was too long for it.
#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    id: String,
    #[serde(rename = "parts")]
    number: usize,
    digest: String,
}

/// A record as params: its own value, and the parts that have to be there before it.
pub(in crate::store::mlflow) struct Written {
    pub(in crate::store::mlflow) value: String,
    pub(in crate::store::mlflow) parts: Vec<(String, String)>,
}

fn part_key(id: &str, part: usize) -> String {
    format!("p.{id}.{part}")
}

impl Record {
    /// Puts drafts behind the head of a chain.
    pub(in crate::store::mlflow) fn chained(
        drafts: Vec<Draft>,
        author: &Author,
        mut seq: i64,
        hash: &str,
    ) -> Self {
        let mut prev = hash.to_owned();
        let entries = drafts
            .into_iter()
            .map(|draft| {
                seq += 1;
                let entry = AuditEntry {
                    seq,
                    at: author.at,
                    identity: author.identity.clone(),
                    action: author.action.clone(),
                    kind: draft.key.kind,
                    object: draft.key.shown(),
                    before: draft.before,
                    after: draft.after,
                    reason: author.reason.clone(),
                    prev_hash: String::new(),
                    hash: String::new(),
                }
                .chained(&prev);
                prev.clone_from(&entry.hash);
                Entry {
                    key: draft.key,
                    revision: draft.revision,
                    remote: draft.remote,
                    attempt: draft.attempt,
                    audit: Audit {
                        seq: entry.seq,
                        at: entry.at,
                        identity: entry.identity,
                        action: entry.action,
                        before: entry.before,
                        after: entry.after,
                        reason: entry.reason,
                        prev_hash: entry.prev_hash,
                        hash: entry.hash,
                    },
                }
            })
            .collect();
        Self {
            id: uuid::Uuid::now_v7().simple().to_string(),
            entries,
        }
    }

    pub(in crate::store::mlflow) fn written(&self) -> Written {
        let text = serde_json::to_string(self).expect("a record holds nothing that JSON cannot");
        if text.chars().count() <= LONGEST {
            return Written {
                value: text,
                parts: Vec::new(),
            };
        }
        let characters: Vec<char> = text.chars().collect();
        let parts: Vec<(String, String)> = characters
            .chunks(LONGEST)
            .enumerate()
            .map(|(at, part)| (part_key(&self.id, at), part.iter().collect()))
            .collect();
        let head = Parts {
            id: self.id.clone(),
            number: parts.len(),
            digest: digest(text.as_bytes()),
        };
        Written {
            value: serde_json::to_string(&head).expect("three plain fields are JSON"),
            parts,
        }
    }

    /// Reads a record; `param` gives the other params of its run.
    pub(in crate::store::mlflow) fn read<'a>(
        value: &str,
        param: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, String> {
        if let Ok(record) = serde_json::from_str::<Self>(value) {
            return Ok(record);
        }
        let head: Parts = serde_json::from_str(value).map_err(|error| error.to_string())?;
        let mut text = String::new();
        for part in 0..head.number {
            text.push_str(param(&part_key(&head.id, part)).ok_or("a part of it is missing")?);
        }
        if digest(text.as_bytes()) != head.digest {
            return Err("its parts do not have its digest".to_owned());
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{ChainCheck, GENESIS};
    use std::collections::BTreeMap;

    fn record(filler: usize) -> Record {
        let author = Author {
            identity: Identity::new("alice", "gpu-07"),
            at: "2026-11-05T10:00:00.123456789Z".parse().unwrap(),
            action: "set_stage".to_owned(),
            reason: Some("größer".to_owned()),
        };
        let draft = |version: &str| Draft {
            key: ObjectKey::version("fraud", version),
            revision: 2,
            remote: None,
            attempt: None,
            before: serde_json::json!({ "stage": "None" }),
            after: serde_json::json!({ "stage": "Staging", "description": "ü".repeat(filler), "number": 0.1 }),
        };
        Record::chained(vec![draft("1"), draft("2")], &author, 0, GENESIS)
    }

    #[test]
    fn records_read_back_whole_or_in_parts() {
        for filler in [0, 2_000, 50_000] {
            let record = record(filler);
            let written = record.written();
            assert_eq!(written.parts.is_empty(), filler == 0);
            let params: BTreeMap<&str, &str> = written
                .parts
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect();
            assert!(
                written.value.chars().count() <= LONGEST
                    && params.values().all(|part| part.chars().count() <= LONGEST)
            );
            let back = Record::read(&written.value, |key| params.get(key).copied()).unwrap();
            assert_eq!(back, record);
            let mut check = ChainCheck::default();
            for entry in &back.entries {
                check.follow(&entry.audit()).unwrap();
            }
        }
    }

    #[test]
    fn a_missing_or_changed_part_is_noticed() {
        let written = record(50_000).written();
        assert!(Record::read(&written.value, |_| None).is_err());
        assert!(Record::read(&written.value, |_| Some("x")).is_err());
    }
}
