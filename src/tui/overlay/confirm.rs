//! A question before something grave, which carries the very change that it will release.
//!
//! For what changes production the model's name is typed letter by letter: what is pasted does not count, and neither does a key that was
//! pressed before the question was on the screen or in the first moment after, since it was meant for what stood there before.

use super::{Outcome, framed, wrapped};
use crate::domain::text::visible;
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{Failure, Ticket, Write};
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text_input::{TextInput, Typed};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::time::Duration;

/// For how long after it appeared a question takes no key.
const FIRST_MOMENT: Duration = Duration::from_millis(150);

/// A question on the screen.
#[derive(Debug)]
pub struct Confirm {
    title: String,
    sentences: Vec<String>,
    /// What is to be typed, where Enter alone is not enough.
    name: Option<String>,
    typed: TextInput,
    write: Write,
    drawn_at: Option<Duration>,
    pasted: bool,
    waiting: Option<Ticket>,
    failure: Option<Failure>,
}

impl Confirm {
    /// A question that Enter answers.
    pub fn new(title: impl Into<String>, write: Write) -> Self {
        Self {
            title: title.into(),
            sentences: Vec::new(),
            name: None,
            typed: TextInput::default(),
            write,
            drawn_at: None,
            pasted: false,
            waiting: None,
            failure: None,
        }
    }

    #[must_use]
    pub fn about(mut self, sentence: impl Into<String>) -> Self {
        self.sentences.push(sentence.into());
        self
    }

    /// It is answered by typing this name.
    #[must_use]
    pub fn typing(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn drawn(&mut self, env: &Env) {
        self.drawn_at.get_or_insert(env.now.elapsed);
    }

    /// Whether it has been on the screen for long enough to be read.
    fn is_awake(&self, env: &Env) -> bool {
        self.drawn_at
            .is_some_and(|drawn| env.now.elapsed >= drawn + FIRST_MOMENT)
    }

    pub(super) fn typed(&mut self, key: KeyEvent, env: &Env) -> Option<Outcome> {
        if key.code == KeyCode::Esc || key.modifiers.contains(KeyModifiers::CONTROL) {
            return None;
        }
        if !self.is_awake(env) || self.waiting.is_some() {
            return Some(Outcome::Stay);
        }
        if self.name.is_none() || self.typed.on_key(key) == Typed::Ignored {
            return None;
        }
        self.pasted = false;
        Some(Outcome::Stay)
    }

    pub(super) fn pasted(&mut self) {
        self.pasted = true;
    }

    pub(super) fn on(&mut self, action: Action, env: &Env) -> Outcome {
        match action {
            Action::Cancel => Outcome::Close,
            Action::Accept if self.is_awake(env) && self.waiting.is_none() && self.is_typed() => {
                self.failure = None;
                Outcome::Write(Box::new(self.write.clone()))
            }
            _ => Outcome::Stay,
        }
    }

    fn is_typed(&self) -> bool {
        self.name
            .as_deref()
            .is_none_or(|name| name == self.typed.value())
    }

    pub(super) fn awaits(&mut self, ticket: Ticket) {
        self.waiting = Some(ticket);
    }

    pub(super) fn waiting(&self) -> Option<Ticket> {
        self.waiting
    }

    pub(super) fn refused(&mut self, failure: Failure) {
        self.waiting = None;
        self.failure = Some(failure);
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let width = screen.width.saturating_sub(4).clamp(20, 72);
        let room = usize::from(width.saturating_sub(4));
        let mut lines = Vec::new();
        for sentence in &self.sentences {
            lines.extend(
                wrapped(sentence, room)
                    .into_iter()
                    .map(|line| (line, theme.text)),
            );
        }
        if let Some(failure) = &self.failure {
            let said = wrapped(&failure.message, room);
            lines.extend(said.into_iter().map(|line| (line, theme.error)));
            let hint = failure.hint.as_deref().unwrap_or_default();
            lines.extend(
                wrapped(hint, room)
                    .into_iter()
                    .map(|line| (line, theme.hint)),
            );
        }
        lines.push((String::new(), theme.text));
        let foot = match (&self.name, self.waiting, self.pasted) {
            (_, Some(_), _) => ("sending …".to_owned(), theme.live),
            (Some(_), _, true) => (
                "type it: what is pasted does not count".to_owned(),
                theme.warn,
            ),
            (Some(name), ..) if self.is_typed() => {
                (format!("Enter does it to '{}'", visible(name)), theme.good)
            }
            (Some(name), ..) => (format!("type '{}' to go on", visible(name)), theme.warn),
            (None, ..) => ("Enter does it, Esc leaves it".to_owned(), theme.warn),
        };
        lines.push(foot);
        let input = u16::from(self.name.is_some());
        let height = u16::try_from(lines.len())
            .unwrap_or(u16::MAX)
            .saturating_add(2 + input);
        let inner = framed(centred(screen, width, height), &self.title, buf, env);
        // What is to be typed stays to be seen where there is no room for all.
        let rows = usize::from(inner.height.saturating_sub(input));
        let skip = lines.len().saturating_sub(rows);
        for ((line, style), y) in lines.iter().skip(skip).zip(inner.top()..inner.bottom()) {
            buf.set_stringn(inner.x, y, line, usize::from(inner.width), *style);
        }
        if self.name.is_none() || inner.height == 0 {
            return None;
        }
        let line = Rect {
            y: inner.bottom() - 1,
            height: 1,
            ..inner
        };
        self.typed.draw(line, buf, theme, self.waiting.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ExperimentName;
    use crate::tui::message::NewExperiment;

    fn confirm() -> Confirm {
        let write = Write::CreateExperiment(NewExperiment::new(ExperimentName::new("x").unwrap()));
        Confirm::new("Roll back", write).typing("fraud")
    }

    fn at(milliseconds: u64) -> Env {
        let mut env = Env::default();
        env.now.elapsed = Duration::from_millis(milliseconds);
        env
    }

    fn type_name(confirm: &mut Confirm, env: &Env) {
        for c in "fraud".chars() {
            confirm.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE), env);
        }
    }

    fn releases(confirm: &mut Confirm, env: &Env) -> bool {
        matches!(confirm.on(Action::Accept, env), Outcome::Write(_))
    }

    #[test]
    fn only_the_typed_name_releases_the_change() {
        let mut confirm = confirm();
        confirm.drawn(&at(0));
        assert!(!releases(&mut confirm, &at(1_000)));
        type_name(&mut confirm, &at(1_000));
        assert!(releases(&mut confirm, &at(1_001)));
    }

    #[test]
    fn what_is_pasted_never_confirms() {
        let mut confirm = confirm();
        confirm.drawn(&at(0));
        confirm.pasted();
        assert!(!releases(&mut confirm, &at(1_000)));
    }

    #[test]
    fn keys_from_before_it_was_seen_do_not_count() {
        let mut confirm = confirm();
        type_name(&mut confirm, &at(1_000));
        assert!(!releases(&mut confirm, &at(1_000)), "never drawn");
        confirm.drawn(&at(1_000));
        type_name(&mut confirm, &at(1_149));
        assert!(!releases(&mut confirm, &at(1_149)), "in the first moment");
        assert!(
            !releases(&mut confirm, &at(2_000)),
            "nothing of it was kept"
        );
    }

    #[test]
    fn esc_works_at_once() {
        let mut confirm = confirm();
        let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        assert!(confirm.typed(esc, &at(0)).is_none());
        assert!(matches!(confirm.on(Action::Cancel, &at(0)), Outcome::Close));
    }
}
