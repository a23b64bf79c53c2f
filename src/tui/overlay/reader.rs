//! Something to be read on top of everything: an answer of the store, laid out as a detail. Several columns are walked through sideways.

use super::{Outcome, framed};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{Answer, Effect, Failure, Lane, Question, Ticket};
use crate::tui::panes::Request;
use crate::tui::panes::inquiry::Inquiry;
use crate::tui::widgets::detail::{Detail, DetailState};
use crate::tui::widgets::layout::centred;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::fmt;
use std::rc::Rc;

/// Lays an answer out, the first so many columns of its tables left out; `None` for an answer of another kind.
pub type LayOut = Rc<dyn Fn(&Answer, usize, &Env) -> Option<Detail>>;

/// A reader on the screen.
pub struct Reader {
    title: String,
    question: Question,
    inquiry: Inquiry,
    lay_out: LayOut,
    answer: Option<Answer>,
    failure: Option<Failure>,
    /// How many columns lie to the left.
    skipped: usize,
    columns: usize,
    top: usize,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("title", &self.title)
            .field("question", &self.question)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader of the answer to a question, whose tables have so many columns to walk through.
    pub fn new(
        title: impl Into<String>,
        question: Question,
        columns: usize,
        lay_out: impl Fn(&Answer, usize, &Env) -> Option<Detail> + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            question,
            inquiry: Inquiry::new(Lane::Reader),
            lay_out: Rc::new(lay_out),
            answer: None,
            failure: None,
            skipped: 0,
            columns,
            top: 0,
        }
    }

    /// Asks its question, or asks it anew. Tickets follow `after`, so that no answer to an earlier reader is taken for this one's.
    pub(in crate::tui) fn ask(&mut self, after: Ticket) -> Option<Effect> {
        if self.inquiry.repeat_later() {
            return None;
        }
        self.inquiry.follow(after);
        Some(self.inquiry.ask(self.question.clone()))
    }

    pub(super) fn on(&mut self, action: Action) -> Outcome {
        match action {
            Action::Cancel => return Outcome::Close,
            Action::Next => self.top = self.top.saturating_add(1),
            Action::Previous => self.top = self.top.saturating_sub(1),
            Action::PageDown => self.top = self.top.saturating_add(10),
            Action::PageUp => self.top = self.top.saturating_sub(10),
            Action::NextWord if self.skipped + 1 < self.columns => self.skipped += 1,
            Action::PreviousWord => self.skipped = self.skipped.saturating_sub(1),
            _ => {}
        }
        Outcome::Stay
    }

    /// The area of the frame.
    fn area(screen: Rect) -> Rect {
        let (width, height) = (
            screen.width.saturating_sub(4).max(20),
            screen.height.saturating_sub(2).max(6),
        );
        centred(screen, width, height)
    }

    pub(super) fn settle(&mut self, screen: Rect, env: &Env) {
        let area = Self::area(screen);
        let detail = self
            .answer
            .as_ref()
            .and_then(|answer| (self.lay_out)(answer, self.skipped, env));
        if let (Some(detail), 1..) = (detail, self.top) {
            let (width, height) = (area.width.saturating_sub(4), area.height.saturating_sub(2));
            self.top = self.top.min(detail.last_top(width, height));
        }
    }

    pub(super) fn received(
        &mut self,
        lane: Lane,
        ticket: Ticket,
        answer: &Result<Answer, Failure>,
    ) -> Option<Vec<Request>> {
        if !self.inquiry.is_answered_by(lane, ticket) {
            return None;
        }
        match answer {
            Ok(answer) => {
                self.answer = Some(answer.clone());
                self.failure = None;
            }
            Err(failure) => self.failure = Some(failure.clone()),
        }
        let again = self.inquiry.take_again();
        let effect = again.then(|| self.inquiry.ask(self.question.clone()));
        Some(effect.map(Request::Effect).into_iter().collect())
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let inner = framed(Self::area(screen), &self.title, buf, env);
        let room = usize::from(inner.width);
        let detail = self
            .answer
            .as_ref()
            .and_then(|answer| (self.lay_out)(answer, self.skipped, env));
        match (detail, &self.failure) {
            (Some(detail), _) => {
                let mut state = DetailState::default();
                let down = isize::try_from(self.top).unwrap_or(isize::MAX);
                state.scroll_by(&detail, inner.width, inner.height, down);
                detail.draw(inner, buf, theme, &state, false);
            }
            (None, Some(failure)) if inner.height > 0 => {
                buf.set_stringn(inner.x, inner.y, &failure.message, room, theme.error);
            }
            (None, _) if inner.height > 0 => {
                buf.set_stringn(inner.x, inner.y, "loading …", room, theme.muted);
            }
            (None, _) => {}
        }
        None
    }
}
