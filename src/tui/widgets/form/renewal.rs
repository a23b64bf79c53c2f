//! Filling a form in anew after somebody else changed what it is about: what was typed stays, what nobody typed follows the object, and
//! where both changed the same field it says so beside it.

use super::{Field, Fields, Kind, LONGEST};
use crate::domain::text::visible;
use crate::tui::widgets::text::cut;
use crate::tui::widgets::text_input::TextInput;

/// The longest value told beside a field.
const TOLD: usize = 48;

/// Puts what was typed on top of what stands there now: the first text, what was typed, what stands there.
pub type Merge = fn(&str, &str, &str) -> Option<String>;

impl Fields {
    /// Takes over what was typed into the form that this one replaces, and which field had the keys.
    pub fn take_over(&mut self, old: &Self) {
        for field in &mut self.fields {
            let typed = old.fields.iter().find(|known| known.name == field.name);
            if let Some(typed) = typed {
                field.take_over(typed);
            }
        }
        if let Some(focused) = old.fields.get(old.at) {
            self.focus(focused.name);
        }
    }
}

impl Field {
    fn take_over(&mut self, old: &Self) {
        self.touched = old.touched;
        if self.is_intent {
            self.put(old.value());
            return;
        }
        let theirs = self.first.clone();
        let was = old.first.clone();
        match (old.is_changed(), theirs != was) {
            (false, false) => {}
            (false, true) => {
                self.note = Some(format!("↺ was {}, until just now", told(&was)));
            }
            (true, false) => self.put(old.value()),
            (true, true) if old.value() == theirs => {
                self.note = Some("↺ says the same by now".to_owned());
            }
            (true, true) => {
                let merged = self
                    .merge
                    .and_then(|merge| merge(&was, old.value(), &theirs));
                let ends = if merged.is_some() {
                    "your change is put on top"
                } else {
                    "sending puts yours in its place"
                };
                self.put(merged.as_deref().unwrap_or(old.value()));
                let (theirs, was) = (told(&theirs), told(&was));
                self.note = Some(format!("↺ says {theirs} by now, was {was}; {ends}"));
            }
        }
    }

    /// Types or chooses a value; a word that cannot be chosen any more is told.
    fn put(&mut self, value: &str) {
        match &mut self.kind {
            Kind::Text(input) => *input = TextInput::new(value).at_most(LONGEST),
            Kind::Choice { words, at } => {
                if let Some(found) = words.iter().position(|word| word == value) {
                    *at = found;
                } else {
                    let gone = format!("↺ {} cannot be chosen any more", told(value));
                    self.note = Some(gone);
                }
            }
        }
    }
}

fn told(value: &str) -> String {
    if value.is_empty() {
        return "empty".to_owned();
    }
    format!("'{}'", cut(&visible(value), TOLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(first: &str, value: &str) -> Field {
        let mut field = Field::text("owner", "Owner", "", first);
        field.put(value);
        field
    }

    /// What the field says and is noted beside it, when it said `first`, `value` was typed and `now` stands there.
    fn merged(first: &str, value: &str, now: &str) -> (String, Option<String>) {
        let mut field = Field::text("owner", "Owner", "", now);
        field.take_over(&typed(first, value));
        (field.value().to_owned(), field.note)
    }

    #[test]
    fn what_was_typed_stays_and_what_was_not_follows() {
        assert_eq!(merged("ann", "ann", "ann"), ("ann".to_owned(), None));
        assert_eq!(merged("ann", "bob", "ann"), ("bob".to_owned(), None));
        let (value, note) = merged("ann", "ann", "cy");
        assert_eq!(value, "cy");
        assert!(note.unwrap().contains("was 'ann'"));
        let (value, note) = merged("ann", "bob", "");
        assert_eq!(value, "bob");
        let note = note.unwrap();
        assert!(
            note.contains("says empty by now, was 'ann'") && note.contains("in its place"),
            "{note}"
        );
        let (value, note) = merged("ann", "bob", "bob");
        assert!(value == "bob" && note.unwrap().contains("the same"));
    }

    #[test]
    fn an_intent_stays_whatever_the_object_says() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let all: Vec<String> = words(&["PENDING", "APPROVED", "REJECTED"]);
        let old = Field::choice("status", "Status", "", all.clone(), "APPROVED").intends();
        // Somebody approved it already, so a new form would offer to take that back.
        let mut new = Field::choice("status", "Status", "", all, "PENDING").intends();
        new.take_over(&old);
        assert_eq!(new.value(), "APPROVED");
        let mut fewer = Field::choice("status", "Status", "", words(&["REJECTED"]), "").intends();
        fewer.take_over(&old);
        assert_eq!(fewer.value(), "REJECTED");
        assert!(fewer.note.unwrap().contains("cannot be chosen"));
    }
}
