//! What a new object on the server carries until its entry is in the ledger: that entry, in a tag.
//!
//! MLflow's object and the ledger's entry are two requests, and whoever makes them may die between. Objects come first, because the server names runs and
//! versions and lets nobody take an experiment's name twice. So each is made, in one request that is done whole or not at all, with everything that its entry will
//! say; whoever finds an object with this tag and without its entry writes the entry in its maker's name (see `mend`). The entry holds the attempt, so that of
//! several that finish the same object, its maker among them, one does. This file knows no request.

use super::dto::{KeyValue, value_of};
use super::ledger::Author;
use crate::store::WriteContext;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The tag; an object that is too long for it follows in `modeldeck.entry.1` and so on, and goes before it, so that what is there of it always tells whose it is.
const TAG: &str = "modeldeck.entry";
/// Finds the objects that carry one: the text is an object of JSON.
pub(super) const FILTER: &str = "tags.`modeldeck.entry` LIKE '{%'";
/// How much of the text one tag holds, in characters.
const PIECE: usize = 4_800;
/// For so long its maker is expected to write the entry.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("an entry is plain JSON")
}

/// An entry that is owed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// Names the attempt to make the object.
    pub(super) attempt: String,
    /// The object's name here; `None` where the server gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) author: Author,
    /// How many tags the object takes that has no room in this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pieces: usize,
    /// The object as its entry shows it; null where its tags are not all there any more, because the entry is.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    after: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_zero(pieces: &usize) -> bool {
    *pieces == 0
}

fn piece_of(piece: usize) -> String {
    format!("{TAG}.{piece}")
}

impl Intent {
    pub(super) fn new(name: Option<&str>, ctx: &WriteContext, after: Value) -> Self {
        Self {
            attempt: uuid::Uuid::now_v7().simple().to_string(),
            name: name.map(str::to_owned),
            author: Author::from(ctx),
            pieces: 0,
            after,
        }
    }

    pub(super) fn tags(&self) -> Vec<KeyValue> {
        let whole = text_of(self);
        if whole.chars().count() <= PIECE {
            return vec![KeyValue::new(TAG, whole)];
        }
        let characters: Vec<char> = text_of(&self.after).chars().collect();
        let mut tags: Vec<KeyValue> = characters
            .chunks(PIECE)
            .enumerate()
            .map(|(piece, text)| {
                KeyValue::new(piece_of(piece + 1), text.iter().collect::<String>())
            })
            .collect();
        let head = Self {
            pieces: tags.len(),
            after: Value::Null,
            ..self.clone()
        };
        tags.push(KeyValue::new(TAG, text_of(&head)));
        tags
    }

    /// The keys of the tags, in the order in which they go.
    pub(super) fn keys(&self) -> Vec<String> {
        let pieces = if self.pieces == 0 {
            self.tags().len() - 1
        } else {
            self.pieces
        };
        let mut keys: Vec<String> = (1..=pieces).map(piece_of).collect();
        keys.push(TAG.to_owned());
        keys
    }

    /// What an object owes, by its tags; `None` for one that owes nothing, or whose tag is not modeldeck's.
    pub(super) fn read(tags: &[KeyValue]) -> Option<Self> {
        let mut intent: Self = serde_json::from_str(value_of(tags, TAG)?).ok()?;
        if intent.pieces > 0 {
            let pieces = (1..=intent.pieces).map(|piece| value_of(tags, &piece_of(piece)));
            let text: Option<String> = pieces.collect();
            intent.after = text
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
        }
        Some(intent)
    }

    /// Whether its maker may still be about to write the entry. Clocks may differ; whoever is wrong about this only does what is done already.
    pub(super) fn is_fresh(&self) -> bool {
        Timestamp::now().duration_since(self.author.at).abs() < PATIENCE
    }

    /// The entry's content, with the name that the server gave; `None` where it is not all there.
    pub(super) fn named(&self, field: &str, given: &str) -> Option<Value> {
        let mut after = self.after.clone();
        let fields = after.as_object_mut()?;
        if self.name.is_none() {
            fields.insert(field.to_owned(), given.into());
        }
        Some(after)
    }

    /// A field of the object.
    pub(super) fn field(&self, name: &str) -> Value {
        self.after.get(name).cloned().unwrap_or_default()
    }

    /// A beginning that passes no gate: a tag can be written by anybody, so nothing is believed of it that an approval rests on.
    pub(super) fn is_plain(&self) -> bool {
        let decisions = self.after.get("decisions").and_then(Value::as_array);
        decisions.is_none_or(Vec::is_empty)
            && self
                .after
                .get("stage")
                .is_none_or(|stage| stage != "Production")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Identity;

    #[test]
    fn an_entry_reads_back_from_any_number_of_tags() {
        let ctx = WriteContext {
            identity: Identity::new("alice", "gpu-07"),
            at: "2026-11-05T10:00:00.123456789Z".parse().unwrap(),
            action: "log_run",
            reason: None,
        };
        for length in [0, 20_000] {
            let after = serde_json::json!({ "run_id": "x", "name": "ü".repeat(length) });
            let intent = Intent::new(None, &ctx, after);
            let tags = intent.tags();
            assert_eq!(tags.len() > 1, length > 0);
            let read = Intent::read(&tags).unwrap();
            assert_eq!((&read.after, read.keys()), (&intent.after, intent.keys()));
            assert_eq!(read.named("run_id", "given").unwrap()["run_id"], "given");
            assert_eq!(tags.last().unwrap().key, *read.keys().last().unwrap());
            if length > 0 {
                let rest = Intent::read(&tags[1..]).unwrap();
                assert_eq!(
                    (rest.named("run_id", "given"), rest.attempt),
                    (None, intent.attempt)
                );
            }
        }
        assert_eq!(Intent::read(&[KeyValue::new(TAG, "{theirs")]), None);
    }
}
