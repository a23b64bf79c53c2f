//! The audit log: one entry for every change of state, chained by hash.
//!
//! The chain makes a change of the past *evident*, not impossible: whoever owns the file may write all of it anew.

mod changes;

use super::{Identity, approval, vocabulary::vocabulary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

vocabulary! {
    /// What kind of object an entry is about.
    pub enum ObjectKind ("object kind") {
        Experiment = "EXPERIMENT",
        Run = "RUN",
        ModelVersion = "MODEL_VERSION",
        DriftEvent = "DRIFT_EVENT",
        Deployment = "DEPLOYMENT",
        Policy = "POLICY",
        Store = "STORE",
    }
}

/// Who changed what, from where, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// 1, 2, 3, … without gaps.
    pub seq: i64,
    pub at: Timestamp,
    pub identity: Identity,
    /// A verb of the product: `create_experiment`, `set_stage`, `decide`, …
    pub action: String,
    pub kind: ObjectKind,
    /// The object's name or id; for a version `NAME VERSION`.
    pub object: String,
    /// The fields that changed, as they were; `null` for what is new.
    pub before: Value,
    /// The fields that changed, as they are now.
    pub after: Value,
    pub reason: Option<String>,
    /// The hash of the entry before it; [`GENESIS`] for the first.
    pub prev_hash: String,
    pub hash: String,
}

/// What the first entry names as the one before it.
pub const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

impl AuditEntry {
    /// The hash over everything in the entry but the hash itself: SHA-256 of a JSON array of its fields, with object keys sorted
    /// and no white space.
    pub fn expected_hash(&self) -> String {
        let content = serde_json::json!([
            self.seq,
            self.at.to_string(),
            self.identity,
            self.action,
            self.kind,
            self.object,
            self.before,
            self.after,
            self.reason,
            self.prev_hash,
        ]);
        approval::digest(content.to_string().as_bytes())
    }

    /// Puts the entry behind another and computes its hash.
    #[must_use]
    pub fn chained(mut self, prev_hash: &str) -> Self {
        prev_hash.clone_into(&mut self.prev_hash);
        self.hash = self.expected_hash();
        self
    }
}

/// The first thing that is wrong with an audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum AuditFault {
    #[error("entry {seq} was edited: its hash does not match its content")]
    Edited { seq: i64 },
    #[error(
        "entry {seq} does not follow the one before it: something was removed, inserted or reordered here"
    )]
    Broken { seq: i64 },
    #[error("entry {seq} is missing")]
    Gap { seq: i64 },
    #[error("the log ends at entry {seq}, but the store remembers {head}: the end was removed")]
    Truncated { seq: i64, head: i64 },
    #[error("the log ends at entry {seq}, and the store remembers another one there")]
    Forked { seq: i64 },
}

impl AuditFault {
    /// The first bad entry.
    pub const fn seq(&self) -> i64 {
        match self {
            Self::Edited { seq }
            | Self::Broken { seq }
            | Self::Gap { seq }
            | Self::Forked { seq } => *seq,
            Self::Truncated { seq, .. } => *seq + 1,
        }
    }
}

/// Walks a log entry by entry and stops at the first fault.
#[derive(Debug)]
pub struct ChainCheck {
    pub seq: i64,
    pub hash: String,
}

impl Default for ChainCheck {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }
}

impl ChainCheck {
    /// Takes the next entry.
    pub fn follow(&mut self, entry: &AuditEntry) -> Result<(), AuditFault> {
        let seq = self.seq + 1;
        if entry.seq > seq {
            return Err(AuditFault::Gap { seq });
        }
        if entry.seq < seq || entry.prev_hash != self.hash {
            return Err(AuditFault::Broken { seq: entry.seq });
        }
        if entry.hash != entry.expected_hash() {
            return Err(AuditFault::Edited { seq });
        }
        self.seq = seq;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    /// Compares the end of the log with the head that the store remembers.
    pub fn finish(&self, head_seq: i64, head_hash: &str) -> Result<(), AuditFault> {
        if self.seq < head_seq {
            return Err(AuditFault::Truncated {
                seq: self.seq,
                head: head_seq,
            });
        }
        if self.seq != head_seq || self.hash != head_hash {
            return Err(AuditFault::Forked { seq: self.seq });
        }
        Ok(())
    }
}

/// Reduces two snapshots of an object to the fields that differ, so that an entry tells what changed.
pub fn changed_fields(before: Value, after: Value) -> (Value, Value) {
    match (before, after) {
        (Value::Object(mut before), Value::Object(mut after)) => {
            let same: Vec<String> = after
                .iter()
                .filter(|(key, value)| before.get(*key) == Some(value))
                .map(|(key, _)| key.clone())
                .collect();
            for key in same {
                before.remove(&key);
                after.remove(&key);
            }
            (Value::Object(before), Value::Object(after))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(length: i64) -> Vec<AuditEntry> {
        let mut log: Vec<AuditEntry> = Vec::new();
        for seq in 1..=length {
            let prev = log
                .last()
                .map_or(GENESIS.to_owned(), |entry: &AuditEntry| entry.hash.clone());
            let entry = AuditEntry {
                seq,
                at: Timestamp::from_second(seq).unwrap(),
                identity: Identity::new("alice", "gpu-07"),
                action: "set_stage".to_owned(),
                kind: ObjectKind::ModelVersion,
                object: format!("fraud {seq}"),
                before: Value::Null,
                after: serde_json::json!({"stage": "Staging"}),
                reason: None,
                prev_hash: String::new(),
                hash: String::new(),
            };
            log.push(entry.chained(&prev));
        }
        log
    }

    fn verify(log: &[AuditEntry], head: &AuditEntry) -> Result<(), AuditFault> {
        let mut check = ChainCheck::default();
        for entry in log {
            check.follow(entry)?;
        }
        check.finish(head.seq, &head.hash)
    }

    #[test]
    fn an_untouched_log_verifies() {
        let log = log(20);
        assert_eq!(verify(&log, log.last().unwrap()), Ok(()));
    }

    #[test]
    fn every_kind_of_tampering_is_found_at_every_place() {
        let good = log(20);
        let head = good.last().unwrap();
        for at in 0..20 {
            let seq = i64::try_from(at).unwrap() + 1;
            let mut edited = good.clone();
            edited[at].reason = Some("I never said this".to_owned());
            assert_eq!(verify(&edited, head).unwrap_err().seq(), seq, "edited {at}");

            let mut removed = good.clone();
            removed.remove(at);
            assert_eq!(
                verify(&removed, head).unwrap_err().seq(),
                seq,
                "removed {at}"
            );

            let mut inserted = good.clone();
            inserted.insert(at, good[at].clone());
            assert!(verify(&inserted, head).is_err(), "inserted {at}");

            if at > 0 {
                let mut reordered = good.clone();
                reordered.swap(at - 1, at);
                assert_eq!(
                    verify(&reordered, head).unwrap_err().seq(),
                    seq - 1,
                    "reordered {at}"
                );
            }
        }
    }

    #[test]
    fn an_entry_tells_only_what_changed() {
        let before = serde_json::json!({"stage": "None", "version": "1", "gone": 1});
        let after = serde_json::json!({"stage": "Staging", "version": "1"});
        let (before, after) = changed_fields(before, after);
        assert_eq!(before, serde_json::json!({"stage": "None", "gone": 1}));
        assert_eq!(after, serde_json::json!({"stage": "Staging"}));
    }
}
