//! What is typed behind `/`: applied to the loaded rows at once, and to the store after a short pause.
//!
//! A text that is no filter shows why beside it, and leaves the terms before the wrong one in force. So does a word that may become a
//! field and names no row: `val/auc` on the way to `val/auc>0.9` must not empty the list.

use crate::domain::Filter;
use crate::domain::filter::Test;
use crate::tui::widgets::text_input::{TextInput, Typed};
use crossterm::event::KeyEvent;
use std::time::Duration;

/// For how long nothing is typed before the store is asked.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// A filter: the one the store was asked with, and the one being typed.
#[derive(Debug, Default)]
pub(super) struct Filtering {
    /// The text of the filter in force.
    text: String,
    filter: Filter,
    typing: Option<Typing>,
}

#[derive(Debug)]
struct Typing {
    input: TextInput,
    /// What holds on the loaded rows already, and how much of the text that is.
    filter: Filter,
    text: String,
    said: Option<Said>,
    /// What comes back with Esc.
    before: String,
    /// When to ask the store.
    due: Option<Duration>,
}

/// What is said beside a filter being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It cannot be read.
    Problem(String),
    /// It can be read, but hardly means what it says.
    Hint(String),
}

impl Filtering {
    /// The filter that the store is asked with.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn input(&self) -> Option<&TextInput> {
        self.typing.as_ref().map(|typing| &typing.input)
    }

    pub(super) fn typed_text(&self) -> &str {
        self.input().map_or("", TextInput::value)
    }

    pub(super) fn said(&self) -> Option<&Said> {
        self.typing.as_ref()?.said.as_ref()
    }

    fn is_wrong(&self) -> bool {
        matches!(self.said(), Some(Said::Problem(_)))
    }

    /// The word being typed, where it stands alone and the whole text can be read.
    pub(super) fn last_word(&self) -> Option<&str> {
        let typing = self.typing.as_ref()?;
        let is_open = !typing.input.value().ends_with(char::is_whitespace);
        match typing.filter.terms.last().map(|term| &term.test) {
            Some(Test::Word(word)) if is_open && !self.is_wrong() => Some(word),
            _ => None,
        }
    }

    /// Says something beside the filter; with `hold` the term being typed does not count until it is accepted or becomes another one.
    pub(super) fn say(&mut self, hint: String, hold: bool) {
        if let Some(typing) = &mut self.typing {
            typing.said = Some(Said::Hint(hint));
            if hold {
                typing.hold_back();
            }
        }
    }

    /// The filter that somebody wants to see: the last good one that was typed.
    pub(super) fn wanted(&self) -> &Filter {
        self.typing
            .as_ref()
            .map_or(&self.filter, |typing| &typing.filter)
    }

    pub(super) fn begin(&mut self) {
        // A space behind it, so that the next term can be typed at once.
        let mut text = self.text.clone();
        if !text.is_empty() {
            text.push(' ');
        }
        self.typing = Some(Typing {
            input: TextInput::new(&text),
            filter: self.filter.clone(),
            text: self.text.clone(),
            said: None,
            before: self.text.clone(),
            due: None,
        });
    }

    pub(super) fn typed(&mut self, key: KeyEvent, now: Duration) -> bool {
        let Some(typing) = &mut self.typing else {
            return false;
        };
        let typed = typing.input.on_key(key);
        if typed == Typed::Changed {
            typing.read(now);
        }
        typed != Typed::Ignored
    }

    pub(super) fn pasted(&mut self, text: &str, now: Duration) {
        if let Some(typing) = &mut self.typing
            && typing.input.paste(text) == Typed::Changed
        {
            typing.read(now);
        }
    }

    /// When the store is to be asked.
    pub(super) fn due(&self) -> Option<Duration> {
        self.typing.as_ref()?.due
    }

    /// Puts what was typed in force, if its time has come; tells whether the filter is another one now.
    pub(super) fn apply_due(&mut self, now: Duration) -> bool {
        let Some(typing) = &mut self.typing else {
            return false;
        };
        if typing.due.is_none_or(|due| due > now) {
            return false;
        }
        typing.due = None;
        let (text, filter) = (typing.text.clone(), typing.filter.clone());
        self.put(text, filter)
    }

    /// Ends typing and puts what was typed in force; a text that is no filter stays open. Tells whether the filter is another one.
    pub(super) fn accept(&mut self) -> bool {
        if self.is_wrong() {
            return false;
        }
        let Some(typing) = self.typing.take() else {
            return false;
        };
        let text = typing.input.value().trim().to_owned();
        let filter = Filter::parse(&text).unwrap_or(typing.filter);
        self.put(text, filter)
    }

    /// Ends typing and brings the filter back that was there before.
    pub(super) fn cancel(&mut self) -> bool {
        let Some(typing) = self.typing.take() else {
            return false;
        };
        let filter = Filter::parse(&typing.before).unwrap_or_default();
        self.put(typing.before, filter)
    }

    /// Sets a filter that was not typed here.
    pub(super) fn set(&mut self, text: &str) -> Result<bool, String> {
        let filter = Filter::parse(text).map_err(|error| error.to_string())?;
        self.typing = None;
        Ok(self.put(text.trim().to_owned(), filter))
    }

    fn put(&mut self, text: String, filter: Filter) -> bool {
        self.text = text;
        let changed = filter != self.filter;
        self.filter = filter;
        changed
    }
}

impl Typing {
    fn read(&mut self, now: Duration) {
        self.due = Some(now + PAUSE);
        self.said = None;
        match Filter::parse(self.input.value()) {
            Ok(filter) => {
                self.input.value().trim().clone_into(&mut self.text);
                self.filter = filter;
            }
            Err(error) => {
                self.said = Some(Said::Problem(error.problem));
                self.hold_back();
            }
        }
    }

    /// Lets only the terms before the one being typed count.
    fn hold_back(&mut self) {
        let before = without_last(self.input.value()).trim().to_owned();
        if let Ok(filter) = Filter::parse(&before) {
            (self.text, self.filter) = (before, filter);
        }
    }
}

/// A text without its last piece; spaces in double quotes do not end one.
fn without_last(text: &str) -> &str {
    let (mut quoted, mut start) = (false, 0);
    for (at, c) in text.trim_end().char_indices() {
        quoted ^= c == '"';
        if c.is_whitespace() && !quoted {
            start = at;
        }
    }
    &text[..start]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    fn type_text(filtering: &mut Filtering, text: &str, now: Duration) {
        for c in text.chars() {
            filtering.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), now);
        }
    }

    #[test]
    fn the_store_is_asked_after_a_pause_and_the_rows_at_once() {
        let mut filtering = Filtering::default();
        filtering.begin();
        type_text(&mut filtering, "lgbm", Duration::from_millis(10));
        assert_ne!(filtering.wanted(), filtering.filter());
        assert!(!filtering.apply_due(Duration::from_millis(200)));
        assert!(filtering.apply_due(Duration::from_millis(210)));
        assert_eq!(filtering.text(), "lgbm");
        assert_eq!(filtering.wanted(), filtering.filter());
        assert!(!filtering.apply_due(Duration::from_secs(9)), "only once");
    }

    #[test]
    fn what_is_no_filter_shows_why_and_keeps_the_last_good_one() {
        let mut filtering = Filtering::default();
        filtering.begin();
        type_text(&mut filtering, "lgbm lr>x", Duration::ZERO);
        assert!(matches!(filtering.said(), Some(Said::Problem(_))));
        assert_eq!(*filtering.wanted(), Filter::parse("lgbm").unwrap());
        assert!(!filtering.accept() && filtering.input().is_some());
        assert!(filtering.apply_due(Duration::from_secs(1)));
        assert_eq!(filtering.text(), "lgbm", "the title tells what holds");
        filtering.cancel();
        assert!(filtering.filter().is_empty() && filtering.input().is_none());
    }

    #[test]
    fn a_word_that_is_held_back_counts_once_it_is_accepted() {
        let mut filtering = Filtering::default();
        filtering.begin();
        type_text(&mut filtering, "lgbm \"a b\" stat", Duration::ZERO);
        assert_eq!(filtering.last_word(), Some("stat"));
        filtering.say("'status' is a field".to_owned(), true);
        assert_eq!(filtering.wanted().terms.len(), 2);
        assert!(filtering.accept());
        assert_eq!(filtering.text(), "lgbm \"a b\" stat");
        assert_eq!(filtering.filter().terms.len(), 3);
    }

    #[test]
    fn esc_brings_back_what_was_there() {
        let mut filtering = Filtering::default();
        filtering.set("status:running").unwrap();
        filtering.begin();
        type_text(&mut filtering, "x", Duration::ZERO);
        assert!(filtering.apply_due(Duration::from_secs(1)));
        assert_eq!(filtering.text(), "status:running x");
        assert!(filtering.cancel());
        assert_eq!(filtering.text(), "status:running");
    }
}
