//! The mirror on an MLflow server: how it is, and what waits for it, item by item.
//!
//! ```text
//! ┌ MLflow · offline, 12 queued ───────────────────────────────────┐
//! │ http://mlflow:5000 · last success 4 min ago · next try in 8 s  │
//! │ no connection: connection refused                              │
//! │                                                                │
//! │ ✗ DEAD   3 tries  2 h    artifact model.bin of run 0199…       │
//! │     the file is not what was recorded any more                 │
//! │ ⟲ QUEUED 0 tries  4 min  run 0199…                             │
//! └────────────────────────────────────────────────────────────────┘
//! ```

use super::form::{Form, Submission};
use super::{Outcome, Overlay, framed, wrapped};
use crate::domain::text::visible;
use crate::domain::{SyncItem, SyncItemState, SyncStatus};
use crate::tui::env::{Env, count, span, took};
use crate::tui::keymap::Action;
use crate::tui::message::{Answer, Effect, Failure, Lane, Question, Ticket, Write};
use crate::tui::panes::inquiry::Inquiry;
use crate::tui::panes::{Gravity, Request};
use crate::tui::theme::Theme;
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

/// The list on the screen.
#[derive(Debug)]
pub struct SyncList {
    inquiry: Inquiry,
    status: Option<SyncStatus>,
    items: Vec<SyncItem>,
    is_on_server: bool,
    failure: Option<Failure>,
    at: usize,
}

impl Default for SyncList {
    fn default() -> Self {
        Self {
            inquiry: Inquiry::new(Lane::Reader),
            status: None,
            items: Vec::new(),
            is_on_server: false,
            failure: None,
            at: 0,
        }
    }
}

impl SyncList {
    pub(super) fn ask(&mut self, after: Ticket) -> Option<Effect> {
        if self.inquiry.repeat_later() {
            return None;
        }
        self.inquiry.follow(after);
        Some(self.inquiry.ask(Question::Sync))
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
            Ok(Answer::Sync(more)) => {
                let selected = self.items.get(self.at).map(|item| item.id);
                self.status = Some(more.status.clone());
                self.items.clone_from(&more.items);
                self.is_on_server = more.is_on_server;
                // The selection stays on its item; where that is done, on the place.
                let kept = selected
                    .and_then(|id| self.items.iter().position(|item| item.id == id))
                    .unwrap_or(self.at);
                self.at = kept.min(self.items.len().saturating_sub(1));
                self.failure = None;
            }
            Ok(_) => {}
            Err(failure) => self.failure = Some(failure.clone()),
        }
        let again = self.inquiry.take_again();
        let effect = again.then(|| self.inquiry.ask(Question::Sync));
        Some(effect.map(Request::Effect).into_iter().collect())
    }

    /// Whether there is something that this can be done with.
    pub(super) fn allows(&self, action: Action, env: &Env) -> bool {
        match action {
            Action::RetrySync | Action::DropSync => {
                !self.items.is_empty() && env.read_only.is_none()
            }
            _ => true,
        }
    }

    pub(super) fn on(&mut self, action: Action, env: &Env) -> Outcome {
        let last = self.items.len().saturating_sub(1);
        let selected = self.items.get(self.at);
        let tell = |said: String| Outcome::Keep(vec![Request::Tell(Gravity::Info, said)]);
        match (action, selected) {
            (Action::Cancel, _) => return Outcome::Close,
            (Action::Next, _) => self.at = (self.at + 1).min(last),
            (Action::Previous, _) => self.at = self.at.saturating_sub(1),
            (Action::PageDown, _) => self.at = (self.at + 10).min(last),
            (Action::PageUp, _) => self.at = self.at.saturating_sub(10),
            (Action::RetrySync | Action::DropSync, None) => {
                return tell("nothing waits".to_owned());
            }
            (Action::RetrySync | Action::DropSync, Some(_)) if env.read_only.is_some() => {
                return tell(env.read_only.clone().unwrap_or_default());
            }
            (Action::RetrySync, Some(item)) => {
                return Outcome::Write(Box::new(Write::RetrySync(item.id)));
            }
            (Action::DropSync, Some(item)) => {
                return Outcome::Open(Box::new(Overlay::Form(drop_form(item))));
            }
            (Action::Copy, Some(item)) => {
                let mut lines = vec![item.label()];
                lines.extend(item.reason.clone());
                return Outcome::Keep(vec![
                    Request::Effect(Effect::Copy(lines.join("\n"))),
                    Request::Tell(Gravity::Done, "copied the item".to_owned()),
                ]);
            }
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let area = centred(
            screen,
            screen.width.saturating_sub(4).clamp(20, 110),
            screen.height.saturating_sub(2).clamp(5, 34),
        );
        let summary = self.status.as_ref().and_then(SyncStatus::summary);
        let title = match summary {
            Some(summary) => format!("MLflow · {summary}"),
            None => "MLflow".to_owned(),
        };
        let inner = framed(area, &title, buf, env);
        let room = usize::from(inner.width);
        let mut lines = self.head(env, room);
        let mut selected_at = 0;
        for (nth, item) in self.items.iter().enumerate() {
            let is_selected = nth == self.at;
            if is_selected {
                selected_at = lines.len();
            }
            lines.extend(item_lines(item, is_selected, env, room));
        }
        let rows = usize::from(inner.height);
        let top = (selected_at + 3)
            .saturating_sub(rows)
            .min(lines.len().saturating_sub(rows));
        for ((line, style, selected), y) in lines.iter().skip(top).zip(inner.top()..inner.bottom())
        {
            buf.set_stringn(inner.x, y, line, room, *style);
            if *selected {
                let line = Rect {
                    y,
                    height: 1,
                    ..inner
                };
                buf.set_style(line, theme.selection);
            }
        }
        None
    }

    /// What is known of the server.
    fn head(&self, env: &Env, room: usize) -> Vec<(String, Style, bool)> {
        let theme = &env.theme;
        let mut lines = Vec::new();
        let mut say = |sentence: &str, style: Style| {
            lines.extend(
                wrapped(sentence, room)
                    .into_iter()
                    .map(|line| (line, style, false)),
            );
        };
        if let Some(failure) = &self.failure {
            say(&failure.message, theme.error);
        }
        let Some(status) = &self.status else {
            say("loading …", theme.muted);
            return lines;
        };
        let Some(target) = &status.target else {
            if self.is_on_server {
                let said = "This store is an MLflow server; nothing to mirror.";
                say(said, theme.text);
                return lines;
            }
            say("This store is not mirrored.", theme.text);
            say(
                "--tracking-uri, the setting sync.tracking_uri or MLFLOW_TRACKING_URI names an MLflow server.",
                theme.hint,
            );
            return lines;
        };
        let now = env.now.at;
        let mut parts = vec![visible(target).into_owned()];
        if let Some(at) = status.last_success_at {
            parts.push(format!("last success {} ago", span(now.duration_since(at))));
        }
        if let Some(at) = status.next_try_at {
            parts.push(format!("next try in {}", took(at.duration_since(now))));
        }
        say(&parts.join(" · "), theme.text);
        if let Some(problem) = &status.problem {
            say(&visible(problem), theme.bad);
        }
        if let Some(worker) = &status.worker {
            say(&format!("carried over by {}", visible(worker)), theme.muted);
        }
        if self.items.is_empty() {
            say("Everything is there.", theme.good);
        }
        let waiting = status.depth + status.dead;
        if waiting > self.items.len() as u64 {
            let said = format!(
                "{} of {} items",
                count(self.items.len() as u64),
                count(waiting)
            );
            say(&said, theme.muted);
        }
        lines.push((String::new(), theme.text, false));
        lines
    }
}

/// Told by a sign and a word, not by colour alone.
fn mark(state: SyncItemState, theme: &Theme) -> (&'static str, Style) {
    match state {
        SyncItemState::Dead => ("✗", theme.bad),
        SyncItemState::Retry => ("!", theme.warn),
        SyncItemState::Queued => ("⟲", theme.text),
    }
}

fn item_lines(
    item: &SyncItem,
    is_selected: bool,
    env: &Env,
    room: usize,
) -> Vec<(String, Style, bool)> {
    let (sign, style) = mark(item.state, &env.theme);
    let tries = match item.attempts {
        1 => "1 try".to_owned(),
        tries => format!("{tries} tries"),
    };
    let age = span(env.now.at.duration_since(item.queued_at));
    let line = format!(
        "{sign} {:<6} {tries:<8} {age:<7} {}",
        item.state,
        visible(&item.label())
    );
    let mut lines = vec![(text::cut(&line, room), style, is_selected)];
    if is_selected && let Some(reason) = &item.reason {
        let reason = wrapped(&format!("    {}", visible(reason)), room);
        lines.extend(reason.into_iter().map(|line| (line, env.theme.hint, false)));
    }
    lines
}

fn drop_form(item: &SyncItem) -> Form {
    let id = item.id;
    Form::new("Give a copy up", move |values| {
        let reason = values.read("reason", |given| {
            if given.is_empty() {
                Err("say why in a few words")
            } else {
                Ok(given.to_owned())
            }
        })?;
        Some(Submission::from(Write::DropSync(id, reason)))
    })
    .about(format!(
        "The copy of {} is given up. The next change of it queues it again.",
        visible(&item.label())
    ))
    .text("reason", "Reason", "for the audit log", "")
}
