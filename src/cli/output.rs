//! Where answers go: data to stdout, as JSON or for people, and talk to stderr. Knows no command.

pub mod json;
pub mod sections;
pub mod table;
pub mod time;

pub use json::JsonArray;
pub use sections::Sections;
pub use table::{Cell, Column, Style, Table};
pub use time::{ago, duration, moment, precise};

use super::error::{CliError, Result, harmless};
use crate::domain::{Revision, text};
use jiff::Timestamp;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// How this process answers.
#[derive(Debug, Clone)]
pub struct Output {
    /// One JSON document instead of text for people.
    pub json: bool,
    /// Columns of the terminal; `None` when stdout is none, and then nothing is cut.
    pub width: Option<usize>,
    pub colour: bool,
    /// The present, for ages in tables.
    pub now: Timestamp,
}

impl Output {
    /// Looks at stdout and the environment.
    pub fn of_this_process(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            json,
            width: terminal.then(terminal_width),
            colour: terminal && !dumb && !set("NO_COLOR"),
            now: Timestamp::now(),
        }
    }

    /// Prints data.
    pub fn print(&self, text: &str) -> Result<()> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(CliError::Output)
    }

    /// Prints one object as a JSON document.
    pub fn object(&self, object: &(impl Serialize + ?Sized)) -> Result<()> {
        self.print(&json::document(object))
    }

    /// Tells what was made: its identifier alone, or the whole object.
    pub fn made(&self, id: &str, object: &(impl Serialize + ?Sized)) -> Result<()> {
        if self.json {
            self.object(object)
        } else if self.width.is_some() {
            self.print(&format!("{}\n", text::visible(id)))
        } else {
            self.print(&format!("{}\n", text::visible_to_programs(id)))
        }
    }

    /// Tells what was changed: a sentence on stderr, or the whole object.
    pub fn changed(&self, object: &(impl Serialize + ?Sized), sentence: &str) -> Result<()> {
        if self.json {
            self.object(object)
        } else {
            self.talk(sentence);
            Ok(())
        }
    }

    /// As [`Output::changed`], of an object that had a revision before: what has it still was not changed.
    pub fn changed_since(
        &self,
        before: Revision,
        after: Revision,
        object: &(impl Serialize + ?Sized),
        sentence: &str,
    ) -> Result<()> {
        if before == after {
            self.changed(object, &format!("nothing changed: {sentence}"))
        } else {
            self.changed(object, sentence)
        }
    }

    pub fn table(&self, table: &Table) -> Result<()> {
        self.print(&table.render(self.width, self.colour))
    }

    pub fn sections(&self, sections: &Sections) -> Result<()> {
        self.print(&sections.render(self.width, self.colour))
    }

    /// Says something beside the data. That nobody may listen is no failure.
    pub fn talk(&self, sentence: &str) {
        let _nobody_listens = writeln!(io::stderr().lock(), "{}", harmless(sentence));
    }

    /// Says one JSON document beside the data, where stdout belongs to somebody else.
    pub fn talk_object(&self, object: &(impl Serialize + ?Sized)) {
        let _nobody_listens = write!(io::stderr().lock(), "{}", json::document(object));
    }

    /// Tells why a command was not done.
    pub fn error(&self, error: &CliError) {
        if error.is_silent() {
            return;
        }
        let hint = error.hint().map(|hint| harmless(&hint));
        if self.json {
            let document = serde_json::json!({
                "error": { "kind": error.kind(), "message": error.sentence(), "hint": hint }
            });
            let _nobody_listens = write!(io::stderr().lock(), "{}", json::document(&document));
            return;
        }
        let mut lines = format!("error: {}\n", error.sentence());
        if let Some(hint) = hint {
            lines.push_str("hint: ");
            lines.push_str(&hint);
            lines.push('\n');
        }
        let _nobody_listens = io::stderr().lock().write_all(lines.as_bytes());
    }
}

/// `COLUMNS` where it says something, else what the terminal says.
fn terminal_width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns > 0)
        .or_else(|| {
            crossterm::terminal::size()
                .ok()
                .map(|(columns, _)| usize::from(columns))
                .filter(|columns| *columns > 0)
        })
        .unwrap_or(80)
}
