//! What happened: notices with their time and gravity, each with everything that is known about it.

use super::{Outcome, framed, wrapped};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::Effect;
use crate::tui::panes::{Gravity, Request};
use crate::tui::theme::Theme;
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub at: Timestamp,
    pub gravity: Gravity,
    pub said: String,
    /// Hint and causes, one a line.
    pub more: Vec<String>,
}

impl Gravity {
    /// Told by a sign too, not by colour alone.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Info => "i",
            Self::Done => "✓",
            Self::Warning => "!",
            Self::Error => "✗",
        }
    }

    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Info => theme.muted,
            Self::Done => theme.good,
            Self::Warning => theme.warn,
            Self::Error => theme.bad,
        }
    }
}

/// The notices on the screen, newest first.
#[derive(Debug)]
pub struct Notices {
    notices: Vec<Notice>,
    at: usize,
}

impl Notices {
    pub fn new(notices: Vec<Notice>) -> Self {
        Self { notices, at: 0 }
    }

    pub(super) fn on(&mut self, action: Action) -> Outcome {
        let last = self.notices.len().saturating_sub(1);
        match action {
            Action::Cancel => return Outcome::Close,
            Action::Next => self.at = (self.at + 1).min(last),
            Action::Previous => self.at = self.at.saturating_sub(1),
            Action::PageDown => self.at = (self.at + 10).min(last),
            Action::PageUp => self.at = self.at.saturating_sub(10),
            Action::Copy => {
                if let Some(notice) = self.notices.get(self.at) {
                    let mut lines = vec![notice.said.clone()];
                    lines.extend(notice.more.iter().cloned());
                    return Outcome::Then(vec![
                        Request::Effect(Effect::Copy(lines.join("\n"))),
                        Request::Tell(Gravity::Done, "copied the notice".to_owned()),
                    ]);
                }
            }
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let height = screen.height.saturating_sub(2).clamp(5, 30);
        let area = centred(
            screen,
            screen.width.saturating_sub(4).clamp(20, 100),
            height,
        );
        let inner = framed(area, "Notices", buf, env);
        let room = usize::from(inner.width);
        if self.notices.is_empty() && inner.height > 0 {
            buf.set_stringn(inner.x, inner.y, "nothing happened yet", room, theme.muted);
            return None;
        }
        let mut lines: Vec<(String, Style, bool)> = Vec::new();
        let mut from = 0;
        for (nth, notice) in self.notices.iter().enumerate() {
            let selected = nth == self.at;
            if selected {
                from = lines.len();
            }
            let time = env.local(notice.at);
            // The day matters less than the time, and stands in the opened one.
            let time = time.split_once(' ').map_or("", |(_, time)| time);
            let line = format!("{} {time} {}", notice.gravity.sign(), notice.said);
            let style = notice.gravity.style(theme);
            if selected {
                lines.extend(
                    wrapped(&line, room)
                        .into_iter()
                        .map(|line| (line, style, true)),
                );
                for more in &notice.more {
                    let more = wrapped(&format!("    {more}"), room);
                    lines.extend(more.into_iter().map(|line| (line, theme.hint, false)));
                }
            } else {
                lines.push((text::cut(&line, room), style, false));
            }
        }
        let rows = usize::from(inner.height);
        let top = from
            .saturating_sub(rows / 2)
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
}
