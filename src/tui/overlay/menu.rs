//! A short list to choose from: by its keys where the lines have some, else by typing a part of a line.

use super::{Outcome, framed};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::panes::Request;
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// A line of a menu, and what choosing it leads to.
#[derive(Debug)]
pub struct MenuItem {
    label: String,
    note: String,
    key: Option<char>,
    request: Request,
}

impl MenuItem {
    pub fn new(label: impl Into<String>, note: impl Into<String>, request: Request) -> Self {
        Self {
            label: label.into(),
            note: note.into(),
            key: None,
            request,
        }
    }

    /// This key chooses it at once.
    #[must_use]
    pub fn with_key(mut self, key: char) -> Self {
        self.key = Some(key);
        self
    }
}

/// A menu on the screen.
#[derive(Debug)]
pub struct Menu {
    title: String,
    items: Vec<MenuItem>,
    /// The part of a line that was typed.
    part: String,
    at: usize,
}

impl Menu {
    pub fn new(title: impl Into<String>, items: Vec<MenuItem>) -> Self {
        Self {
            title: title.into(),
            items,
            part: String::new(),
            at: 0,
        }
    }

    /// Starts at a line.
    #[must_use]
    pub fn at(mut self, at: usize) -> Self {
        self.at = at;
        self
    }

    fn shown(&self) -> Vec<usize> {
        let part = self.part.to_lowercase();
        let items = self.items.iter().enumerate();
        items
            .filter(|(_, item)| item.label.to_lowercase().contains(&part))
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn typed(&mut self, key: KeyEvent) -> Option<Outcome> {
        if key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
        {
            return None;
        }
        match key.code {
            KeyCode::Char(c) => {
                // The same letter may lead to several: then they are walked through.
                let keyed: Vec<usize> = (0..self.items.len())
                    .filter(|at| self.items[*at].key == Some(c))
                    .collect();
                match keyed[..] {
                    [] if self.items.iter().all(|item| item.key.is_none()) => {
                        self.part.push(c);
                        self.at = 0;
                        if self.shown().is_empty() {
                            self.part.pop();
                        }
                    }
                    [] => {}
                    [only] => return Some(self.choose(only)),
                    [first, ..] => {
                        let next = keyed.iter().find(|at| **at > self.at);
                        self.at = *next.unwrap_or(&first);
                    }
                }
                Some(Outcome::Stay)
            }
            KeyCode::Backspace => {
                self.part.pop();
                self.at = 0;
                Some(Outcome::Stay)
            }
            _ => None,
        }
    }

    pub(super) fn on(&mut self, action: Action) -> Outcome {
        let shown = self.shown();
        match action {
            Action::Cancel => return Outcome::Close,
            Action::Next if self.at + 1 < shown.len() => self.at += 1,
            Action::Previous => self.at = self.at.saturating_sub(1),
            Action::Accept => {
                if let Some(at) = shown.get(self.at) {
                    return self.choose(*at);
                }
            }
            _ => {}
        }
        Outcome::Stay
    }

    fn choose(&mut self, at: usize) -> Outcome {
        Outcome::Then(vec![self.items.swap_remove(at).request])
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let widest = self
            .items
            .iter()
            .map(|item| text::width(&item.label) + text::width(&item.note) + 5)
            .chain([text::width(&self.title) + 2])
            .max()
            .unwrap_or(0);
        let size = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let width = size(widest).saturating_add(4).clamp(24, 80);
        let height = size(self.items.len()).saturating_add(2);
        let area = centred(screen, width.min(screen.width), height.min(screen.height));
        let title = if self.part.is_empty() {
            self.title.clone()
        } else {
            format!(
                "{}: {}",
                self.title,
                crate::domain::text::visible(&self.part)
            )
        };
        let inner = framed(area, &title, buf, env);
        let shown = self.shown();
        let first = (self.at + 1).saturating_sub(usize::from(inner.height));
        for ((nth, at), y) in shown
            .iter()
            .enumerate()
            .skip(first)
            .zip(inner.top()..inner.bottom())
        {
            let item = &self.items[*at];
            let line = Rect {
                y,
                height: 1,
                ..inner
            };
            if nth == self.at {
                buf.set_style(line, theme.selection);
            }
            let room = usize::from(inner.width);
            let sign = match item.key {
                Some(key) => key.to_string(),
                None if nth == self.at => "▸".to_owned(),
                None => " ".to_owned(),
            };
            buf.set_stringn(line.x, y, sign, room, theme.key);
            let label = text::cut(&item.label, room.saturating_sub(2));
            buf.set_stringn(
                line.x + 2.min(line.width),
                y,
                &label,
                room.saturating_sub(2),
                theme.text,
            );
            let used = text::width(&label) + 3;
            let note = text::cut(&item.note, room.saturating_sub(used));
            let x = line.right().saturating_sub(size(text::width(&note)));
            buf.set_stringn(x, y, &note, text::width(&note), theme.muted);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::Action as A;

    fn key(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    fn chosen(outcome: Outcome) -> Option<A> {
        match outcome {
            Outcome::Then(requests) => match requests[..] {
                [Request::Act(action)] => Some(action),
                _ => None,
            },
            _ => None,
        }
    }

    #[test]
    fn typing_a_part_leaves_the_lines_that_have_it() {
        let items = vec![
            MenuItem::new("val/auc", "", Request::Act(A::First)),
            MenuItem::new("val/loss", "", Request::Act(A::Last)),
        ];
        let mut menu = Menu::new("Sort by", items);
        for c in "LOSSx".chars() {
            menu.typed(key(c));
        }
        assert_eq!(menu.part, "LOSS", "what leads nowhere is not taken");
        assert_eq!(chosen(menu.on(A::Accept)), Some(A::Last));
    }

    #[test]
    fn a_key_chooses_at_once() {
        let items = vec![
            MenuItem::new("experiment", "", Request::Act(A::First)).with_key('e'),
            MenuItem::new("version", "", Request::Act(A::Last)).with_key('v'),
        ];
        let mut menu = Menu::new("Go to", items);
        assert_eq!(chosen(menu.typed(key('v')).unwrap()), Some(A::Last));
    }
}
