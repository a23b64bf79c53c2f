//! The line behind `:`: names of tabs with a filter, and a few words, completed and corrected.

use super::Outcome;
use crate::domain::fields;
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::panes::Tab;
use crate::tui::widgets::text;
use crate::tui::widgets::text_input::{TextInput, Typed};
use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A tab, and the filter it is to have, if one was given.
    Show(Tab, Option<String>),
    Filter(String),
    /// The order as it was typed, for the list to read; empty for the list's own.
    Sort(String),
    Act(Action),
}

/// Words that are an action.
const WORDS: &[(&str, Action)] = &[
    ("help", Action::Help),
    ("keys", Action::Help),
    ("notices", Action::Notices),
    ("sync", Action::Sync),
    ("pause", Action::Pause),
    ("refresh", Action::Refresh),
    ("strip", Action::Strip),
    ("quit", Action::QuitNow),
    ("q", Action::QuitNow),
];

/// Reads a line.
pub fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    if word.eq_ignore_ascii_case("filter") {
        return Ok(Command::Filter(rest.to_owned()));
    }
    if word.eq_ignore_ascii_case("sort") {
        return Ok(Command::Sort(rest.to_owned()));
    }
    let known = WORDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(word));
    if let Some((_, action)) = known {
        return Ok(Command::Act(*action));
    }
    if let Some(tab) = Tab::named(word) {
        let filter = (!rest.is_empty()).then(|| rest.to_owned());
        return Ok(Command::Show(tab, filter));
    }
    let word_shown = crate::domain::text::visible(word);
    let words = vocabulary();
    let nearest = fields::nearest(word, words.iter().map(String::as_str));
    Err(match nearest {
        Some(nearest) => format!("there is no command '{word_shown}'; '{nearest}' is near"),
        None => format!("there is no command '{word_shown}'; '?' tells the keys"),
    })
}

fn vocabulary() -> Vec<String> {
    let tabs = Tab::ALL.iter().map(|tab| tab.title().to_lowercase());
    let words = WORDS.iter().map(|(word, _)| (*word).to_owned());
    tabs.chain(words)
        .chain(["filter".to_owned(), "sort".to_owned()])
        .collect()
}

/// A command line on the screen.
#[derive(Debug)]
pub struct CommandLine {
    input: TextInput,
    /// The lines before, oldest first.
    before: Vec<String>,
    /// How far back one went in them.
    back: usize,
    problem: Option<String>,
}

impl CommandLine {
    pub fn new(before: Vec<String>) -> Self {
        Self {
            input: TextInput::default(),
            before,
            back: 0,
            problem: None,
        }
    }

    /// The same line again, with what is wrong with it.
    pub fn wrong(line: &str, before: Vec<String>, problem: String) -> Self {
        Self {
            input: TextInput::new(line),
            problem: Some(problem),
            ..Self::new(before)
        }
    }

    /// The words that what is typed may become.
    fn candidates(&self) -> Vec<String> {
        let typed = self.input.value().to_lowercase();
        if typed.contains(' ') {
            return Vec::new();
        }
        let mut words = vocabulary();
        words.retain(|word| word.starts_with(&typed) && word.len() > 1);
        words
    }

    pub(super) fn typed(&mut self, key: KeyEvent) -> Option<Outcome> {
        match self.input.on_key(key) {
            Typed::Ignored => return None,
            Typed::Changed => self.problem = None,
            Typed::Taken => {}
        }
        Some(Outcome::Stay)
    }

    pub(super) fn pasted(&mut self, text: &str) {
        self.input.paste(text);
        self.problem = None;
    }

    pub(super) fn on(&mut self, action: Action) -> Outcome {
        match action {
            Action::Cancel => return Outcome::Close,
            Action::Accept if self.input.value().trim().is_empty() => return Outcome::Close,
            Action::Accept => return Outcome::Run(self.input.value().to_owned()),
            Action::Complete => {
                if let Some(word) = self.candidates().first() {
                    self.input.set(&format!("{word} "));
                }
            }
            Action::Previous if self.back < self.before.len() => self.walk(self.back + 1),
            Action::Next if self.back > 0 => self.walk(self.back - 1),
            _ => {}
        }
        Outcome::Stay
    }

    fn walk(&mut self, back: usize) {
        self.back = back;
        let line = self
            .before
            .len()
            .checked_sub(back)
            .and_then(|at| self.before.get(at));
        self.input.set(line.map_or("", String::as_str));
    }

    /// Draws the line at the foot of the screen, and what it may become or what is wrong above it.
    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        if screen.is_empty() {
            return None;
        }
        let theme = &env.theme;
        let room = usize::from(screen.width);
        let line = Rect {
            y: screen.bottom() - 1,
            height: 1,
            ..screen
        };
        let above = match &self.problem {
            Some(problem) => Some((problem.clone(), theme.error)),
            None => Some((self.candidates().join("  "), theme.hint)),
        };
        if let (Some((said, style)), true) = (above, screen.height > 1 && !self.above_is_empty()) {
            let place = Rect {
                y: line.y - 1,
                ..line
            };
            Clear.render(place, buf);
            let said = text::cut(&format!(" {said}"), room);
            buf.set_stringn(place.x, place.y, said, room, style);
        }
        Clear.render(line, buf);
        buf.set_stringn(line.x, line.y, ":", room, theme.key);
        let input = Rect {
            x: line.x + 1,
            width: line.width - 1,
            ..line
        };
        self.input.draw(input, buf, theme, true)
    }

    fn above_is_empty(&self) -> bool {
        self.problem.is_none() && self.candidates().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_tab_and_a_filter() {
        assert_eq!(
            parse("runs status:running lr>=0.01"),
            Ok(Command::Show(
                Tab::Runs,
                Some("status:running lr>=0.01".to_owned())
            ))
        );
        assert_eq!(parse("exp"), Ok(Command::Show(Tab::Experiments, None)));
        assert_eq!(parse(" quit "), Ok(Command::Act(Action::QuitNow)));
        assert_eq!(
            parse("sort loss:desc"),
            Ok(Command::Sort("loss:desc".to_owned()))
        );
        assert_eq!(parse("sort"), Ok(Command::Sort(String::new())));
    }

    #[test]
    fn an_unknown_word_names_the_nearest() {
        let problem = parse("experimnts").unwrap_err();
        assert!(problem.contains("'experiments' is near"), "{problem}");
    }

    #[test]
    fn a_beginning_is_completed() {
        let mut line = CommandLine::new(vec!["runs".to_owned()]);
        line.pasted("exp");
        line.on(Action::Complete);
        assert_eq!(line.input.value(), "experiments ");
        line.on(Action::Previous);
        assert_eq!(line.input.value(), "runs");
    }
}
