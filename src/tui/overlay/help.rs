//! The keys, searchable, made from the table that dispatches them.

use super::{Outcome, framed};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, BINDINGS, Binding, Context, shown};
use crate::tui::widgets::layout::centred;
use crate::tui::widgets::text;
use crate::tui::widgets::text_input::{TextInput, Typed};
use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The help on the screen.
#[derive(Debug)]
pub struct Help {
    search: TextInput,
    /// What was open when help was asked for comes first.
    contexts: Vec<Context>,
    top: usize,
}

enum HelpLine {
    Title(&'static str),
    Key(&'static Binding),
}

impl Help {
    pub fn new(contexts: Vec<Context>) -> Self {
        Self {
            search: TextInput::default(),
            contexts,
            top: 0,
        }
    }

    /// The contexts in which a binding may hold, those of the moment first.
    fn ordered(&self) -> Vec<Context> {
        let mut contexts = self.contexts.clone();
        for binding in BINDINGS {
            if !contexts.contains(&binding.context) {
                contexts.push(binding.context);
            }
        }
        contexts
    }

    fn lines(&self) -> Vec<HelpLine> {
        let words: Vec<String> = self
            .search
            .value()
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let mut lines = Vec::new();
        for context in self.ordered() {
            let mut found: Vec<HelpLine> = BINDINGS
                .iter()
                .filter(|binding| binding.context == context)
                .filter(|binding| {
                    let line = format!("{} {} {}", shown(binding), binding.help, context.as_str());
                    let spelled = binding.keys.join(" ");
                    let line = format!("{line} {spelled}").to_lowercase();
                    words.iter().all(|word| line.contains(word))
                })
                .map(HelpLine::Key)
                .collect();
            if !found.is_empty() {
                lines.push(HelpLine::Title(context.as_str()));
                lines.append(&mut found);
            }
        }
        lines
    }

    pub(super) fn typed(&mut self, key: KeyEvent) -> Option<Outcome> {
        match self.search.on_key(key) {
            Typed::Ignored => return None,
            Typed::Changed => self.top = 0,
            Typed::Taken => {}
        }
        Some(Outcome::Stay)
    }

    pub(super) fn pasted(&mut self, text: &str) {
        self.search.paste(text);
        self.top = 0;
    }

    pub(super) fn on(&mut self, action: Action) -> Outcome {
        let last = self.lines().len().saturating_sub(1);
        match action {
            Action::Cancel => return Outcome::Close,
            Action::Next => self.top = (self.top + 1).min(last),
            Action::Previous => self.top = self.top.saturating_sub(1),
            Action::PageDown => self.top = (self.top + 10).min(last),
            Action::PageUp => self.top = self.top.saturating_sub(10),
            _ => {}
        }
        Outcome::Stay
    }

    /// The area of the frame.
    fn area(screen: Rect) -> Rect {
        centred(screen, 78, screen.height.saturating_sub(2).max(6))
    }

    pub(super) fn settle(&mut self, screen: Rect) {
        // The frame and the line of the search have no room for lines.
        let rows = usize::from(Self::area(screen).height.saturating_sub(3));
        self.top = self.top.min(self.lines().len().saturating_sub(rows));
    }

    pub(super) fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let inner = framed(Self::area(screen), "Help", buf, env);
        if inner.is_empty() {
            return None;
        }
        let room = usize::from(inner.width);
        let prompt = "search: ";
        buf.set_stringn(inner.x, inner.y, prompt, room, theme.label);
        let indent = u16::try_from(text::width(prompt)).unwrap_or(0);
        let input = Rect {
            x: inner.x + indent.min(inner.width),
            width: inner.width.saturating_sub(indent),
            height: 1,
            ..inner
        };
        let cursor = self.search.draw(input, buf, theme, true);
        let lines = self.lines();
        let rows = usize::from(inner.height.saturating_sub(1));
        let top = self.top.min(lines.len().saturating_sub(rows));
        if lines.is_empty() && inner.height > 1 {
            buf.set_stringn(
                inner.x,
                inner.y + 1,
                "no key is about that",
                room,
                theme.muted,
            );
        }
        for (line, y) in lines.iter().skip(top).zip(inner.top() + 1..inner.bottom()) {
            match line {
                HelpLine::Title(title) => {
                    let title = format!("── {title} ");
                    buf.set_stringn(inner.x, y, title, room, theme.title);
                }
                HelpLine::Key(binding) => {
                    let keys = text::fit(&shown(binding), 18.min(room / 3));
                    buf.set_stringn(inner.x, y, &keys, room, theme.key);
                    let left = text::width(&keys) + 1;
                    let help = text::cut(binding.help, room.saturating_sub(left));
                    let x = inner.x + u16::try_from(left).unwrap_or(0).min(inner.width);
                    buf.set_stringn(x, y, help, room.saturating_sub(left), theme.text);
                }
            }
        }
        cursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    #[test]
    fn typing_finds_the_keys_that_are_about_it() {
        let mut help = Help::new(vec![Context::List]);
        let all = help.lines().len();
        assert!(all > BINDINGS.len());
        assert!(matches!(help.lines()[0], HelpLine::Title("list")));
        for c in "filter list".chars() {
            help.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
        let found: Vec<&str> = help
            .lines()
            .iter()
            .filter_map(|line| match line {
                HelpLine::Key(binding) => Some(binding.help),
                HelpLine::Title(_) => None,
            })
            .collect();
        assert!(found.contains(&"filter the list"), "{found:?}");
        assert!(found.len() < 6, "{found:?}");
    }
}
