//! A question before something grave, which carries the very change that it will release.
//!
//! For what changes production the model's name is typed: what is pasted does not count, and neither does a key that was pressed before the
//! question was on the screen or in the first moment after, since it was meant for what stood there before.
//!
//! A terminal marks what is pasted as such, and then nothing of it is taken. One that does not sends the whole name as keys in one moment, which a
//! slow line can do with typed letters too: so letters count however fast they come, but a name of which *every* letter came at once waits until its
//! last letter is typed again.

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
/// Letters that follow each other faster than this come from no hand: a terminal without bracketed paste sends what is pasted as keys.
const FASTEST_HAND: Duration = Duration::from_millis(5);
/// Enter this soon after a letter belongs to the letter, as the end of a pasted line does.
const BEFORE_ENTER: Duration = Duration::from_millis(100);

/// Why Enter did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missed {
    /// What is typed is not the name.
    Wrong,
    /// It came too soon behind a letter.
    Hasty,
    /// All letters came at once.
    AtOnce,
}

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
    /// Why Enter did nothing.
    missed: Option<Missed>,
    /// When the last letter came, and how many came in a row faster than a hand types.
    letter_at: Option<Duration>,
    burst: usize,
    /// The name stands there, and all of it came in one moment.
    is_at_once: bool,
    waiting: Option<Ticket>,
    /// Esc was pressed while it waits.
    leaving: bool,
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
            missed: None,
            letter_at: None,
            burst: 0,
            is_at_once: false,
            waiting: None,
            leaving: false,
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
        let was_settled = self.is_settled(env);
        if matches!(key.code, KeyCode::Char(_)) {
            self.note_letter(env);
        }
        if self.name.is_none() {
            return match key.code {
                KeyCode::Char('y') if was_settled => Some(self.release()),
                KeyCode::Char('n') => Some(Outcome::Close),
                _ => None,
            };
        }
        if self.typed.on_key(key) == Typed::Ignored {
            return None;
        }
        self.missed = None;
        self.pasted = false;
        // A name of one letter has no second one to tell a paste by.
        let letters = self.typed.value().chars().count();
        self.is_at_once = letters > 1 && self.burst >= letters;
        Some(Outcome::Stay)
    }

    /// Notes when a letter came, and how many came with it so fast that no hand typed them.
    fn note_letter(&mut self, env: &Env) {
        let now = env.now.elapsed;
        let follows = self.letter_at.is_some_and(|at| now < at + FASTEST_HAND);
        self.letter_at = Some(now);
        self.burst = if follows { self.burst + 1 } else { 1 };
    }

    /// Whether Enter can mean the change: not the end of what came a moment ago.
    fn is_settled(&self, env: &Env) -> bool {
        self.letter_at
            .is_none_or(|at| env.now.elapsed >= at + BEFORE_ENTER)
    }

    pub(super) fn pasted(&mut self) {
        self.pasted = true;
    }

    pub(super) fn on(&mut self, action: Action, env: &Env) -> Outcome {
        match action {
            // What was sent cannot be called back, and its answer belongs here.
            Action::Cancel if self.waiting.is_some() => {
                self.leaving = true;
                Outcome::Stay
            }
            Action::Cancel => Outcome::Close,
            Action::Accept
                if self.is_awake(env)
                    && self.is_settled(env)
                    && self.waiting.is_none()
                    && self.is_typed()
                    && !self.is_at_once =>
            {
                self.release()
            }
            Action::Accept => {
                let is_asked = self.is_awake(env) && self.waiting.is_none();
                self.missed = is_asked.then_some(match (self.is_typed(), self.is_at_once) {
                    (false, _) => Missed::Wrong,
                    (true, true) => Missed::AtOnce,
                    (true, false) => Missed::Hasty,
                });
                Outcome::Stay
            }
            _ => Outcome::Stay,
        }
    }

    fn release(&mut self) -> Outcome {
        self.failure = None;
        Outcome::Write(Box::new(self.write.clone()))
    }

    fn is_typed(&self) -> bool {
        self.name
            .as_deref()
            .is_none_or(|name| name == self.typed.value())
    }

    pub(super) fn awaits(&mut self, ticket: Ticket) {
        self.waiting = Some(ticket);
        self.leaving = false;
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
            (_, Some(_), _) => (super::sending(self.leaving).to_owned(), theme.live),
            (Some(_), _, true) => (
                "type it: what is pasted does not count".to_owned(),
                theme.warn,
            ),
            (..) if self.missed == Some(Missed::Hasty) => (
                "! Enter came too close behind the letters; press it again".to_owned(),
                theme.warn,
            ),
            (Some(_), ..) if self.is_typed() && self.is_at_once => (
                "its letters came at once, as if pasted: take the last one back and type it"
                    .to_owned(),
                if self.missed.is_some() {
                    theme.error
                } else {
                    theme.warn
                },
            ),
            (Some(name), ..) if self.is_typed() => {
                (format!("Enter does it to '{}'", visible(name)), theme.good)
            }
            (Some(name), ..) if self.missed.is_some() && self.typed.is_empty() => (
                format!("! nothing is typed; type '{}' to go on", visible(name)),
                theme.error,
            ),
            (Some(name), ..) if self.missed.is_some() => (
                format!(
                    "! '{}' is not '{}'",
                    visible(self.typed.value()),
                    visible(name)
                ),
                theme.error,
            ),
            (Some(name), ..) => (format!("type '{}' to go on", visible(name)), theme.warn),
            (None, ..) => (
                "Enter or y does it, Esc or n leaves it".to_owned(),
                theme.warn,
            ),
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

    fn letter(confirm: &mut Confirm, c: char, milliseconds: u64) {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        confirm.typed(key, &at(milliseconds));
    }

    /// Types the name from this moment on, a letter each so many milliseconds.
    fn type_name(confirm: &mut Confirm, from: u64, apart: u64) {
        for (nth, c) in (0..).zip("fraud".chars()) {
            letter(confirm, c, from + nth * apart);
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
        type_name(&mut confirm, 1_000, 30);
        assert!(!releases(&mut confirm, &at(1_219)), "too close to a letter");
        assert!(releases(&mut confirm, &at(1_220)));
    }

    /// What is drawn of it.
    fn told(confirm: &Confirm) -> String {
        let screen = Rect::new(0, 0, 80, 24);
        let mut buf = Buffer::empty(screen);
        confirm.draw(screen, &mut buf, &at(9_000));
        let cells = buf.content.iter();
        cells.map(ratatui::buffer::Cell::symbol).collect()
    }

    fn press(confirm: &mut Confirm, code: KeyCode, milliseconds: u64) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        confirm.typed(key, &at(milliseconds));
    }

    #[test]
    fn a_paste_that_arrives_as_keys_confirms_nothing_until_a_hand_types_its_end() {
        let mut confirm = confirm();
        confirm.drawn(&at(0));
        type_name(&mut confirm, 1_000, 0);
        assert!(!releases(&mut confirm, &at(1_000)), "in the same burst");
        assert!(!releases(&mut confirm, &at(9_000)), "nor by Enter alone");
        assert!(told(&confirm).contains("came at once, as if pasted"));
        press(&mut confirm, KeyCode::Backspace, 10_000);
        letter(&mut confirm, 'd', 10_100);
        assert!(told(&confirm).contains("Enter does it to 'fraud'"));
        assert!(releases(&mut confirm, &at(11_000)));
    }

    #[test]
    fn letters_that_a_slow_line_brings_together_count() {
        let mut confirm = confirm();
        confirm.drawn(&at(0));
        letter(&mut confirm, 'f', 1_000);
        for c in "raud".chars() {
            letter(&mut confirm, c, 1_900);
        }
        assert!(told(&confirm).contains("Enter does it to 'fraud'"));
        assert!(
            !releases(&mut confirm, &at(1_900)),
            "Enter in the same burst"
        );
        assert!(releases(&mut confirm, &at(2_100)));
    }

    #[test]
    fn the_end_of_a_pasted_line_answers_no_plain_question() {
        let mut confirm = confirm();
        confirm.name = None;
        confirm.drawn(&at(0));
        letter(&mut confirm, 'x', 1_000);
        assert!(!releases(&mut confirm, &at(1_001)));
        assert!(releases(&mut confirm, &at(2_000)));
    }

    #[test]
    fn what_was_sent_is_waited_for() {
        let mut confirm = confirm();
        confirm.awaits(Ticket(1));
        assert!(matches!(confirm.on(Action::Cancel, &at(0)), Outcome::Stay));
        assert_eq!(confirm.waiting(), Some(Ticket(1)));
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
        type_name(&mut confirm, 500, 30);
        assert!(!releases(&mut confirm, &at(1_000)), "never drawn");
        confirm.drawn(&at(1_000));
        type_name(&mut confirm, 1_001, 30);
        assert!(!releases(&mut confirm, &at(1_149)), "in the first moment");
        assert!(
            !releases(&mut confirm, &at(2_000)),
            "nothing of it was kept"
        );
    }

    #[test]
    fn a_wrong_name_is_told_beside_the_field() {
        let mut confirm = confirm();
        confirm.drawn(&at(0));
        assert!(!releases(&mut confirm, &at(1_000)));
        assert!(told(&confirm).contains("nothing is typed; type 'fraud'"));
        letter(&mut confirm, 'f', 2_000);
        assert!(told(&confirm).contains("type 'fraud' to go on"));
        assert!(!releases(&mut confirm, &at(3_000)));
        assert!(told(&confirm).contains("'f' is not 'fraud'"));
        confirm.typed.set("");
        type_name(&mut confirm, 4_000, 30);
        assert!(!releases(&mut confirm, &at(4_121)));
        assert!(told(&confirm).contains("press it again"));
    }

    #[test]
    fn a_plain_question_takes_y_and_n() {
        let mut confirm = confirm();
        confirm.name = None;
        let key = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
        let stays = confirm.typed(key('y'), &at(0));
        assert!(matches!(stays, Some(Outcome::Stay)), "not drawn yet");
        confirm.drawn(&at(0));
        let no = confirm.typed(key('n'), &at(1_000));
        assert!(matches!(no, Some(Outcome::Close)));
        let hasty = confirm.typed(key('y'), &at(1_001));
        assert!(!matches!(hasty, Some(Outcome::Write(_))));
        let yes = confirm.typed(key('y'), &at(2_000));
        assert!(matches!(yes, Some(Outcome::Write(_))));
    }

    #[test]
    fn esc_works_at_once() {
        let mut confirm = confirm();
        let esc = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);
        assert!(confirm.typed(esc, &at(0)).is_none());
        assert!(matches!(confirm.on(Action::Cancel, &at(0)), Outcome::Close));
    }
}
