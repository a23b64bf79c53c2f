//! One line to type into: cursor, words, cut and yank from `tui-input`, drawing and limits of our own.
//!
//! What is pasted is data, whatever it holds; what cannot be seen is shown as a mark, and what is too long is not taken.
//! It does not know what its text is for.

use crate::domain::text::visible;
use crate::tui::theme::Theme;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_input::backend::crossterm::to_input_request;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Enough for a name or a filter; free texts set more.
const LONGEST: usize = 1_000;

/// A line of text with a cursor in it.
#[derive(Debug, Clone)]
pub struct TextInput {
    input: Input,
    longest: usize,
}

/// What a key did to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// Not a key for an input; somebody else may have it.
    Ignored,
    /// The cursor moved, or nothing happened that is to be seen.
    Taken,
    /// The text is another one now.
    Changed,
}

impl Default for TextInput {
    fn default() -> Self {
        Self::new("")
    }
}

impl TextInput {
    /// An input with the cursor behind a first text.
    pub fn new(text: &str) -> Self {
        Self {
            input: Input::new(text.to_owned()),
            longest: LONGEST,
        }
    }

    /// Takes at most so many characters.
    #[must_use]
    pub fn at_most(mut self, characters: usize) -> Self {
        self.longest = characters;
        self
    }

    pub fn value(&self) -> &str {
        self.input.value()
    }

    pub fn is_empty(&self) -> bool {
        self.value().is_empty()
    }

    pub fn set(&mut self, text: &str) {
        self.input = Input::new(text.to_owned());
    }

    /// Takes a key if it is one for a line of text: characters, and the usual ones for moving and deleting.
    pub fn on_key(&mut self, key: KeyEvent) -> Typed {
        if key.kind == KeyEventKind::Release {
            return Typed::Ignored;
        }
        if let KeyCode::Char(c) = key.code {
            // AltGr arrives as Ctrl and Alt together on some terminals, and with a character that is no command.
            let alt_gr = key
                .modifiers
                .contains(KeyModifiers::CONTROL | KeyModifiers::ALT)
                && !c.is_ascii_alphanumeric();
            if alt_gr
                || !key
                    .modifiers
                    .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
            {
                return self.insert(&[c]);
            }
        }
        let Some(request) = to_input_request(&Event::Key(key)) else {
            return Typed::Ignored;
        };
        if matches!(request, InputRequest::InsertChar(_) | InputRequest::Yank) && self.room() == 0 {
            return Typed::Taken;
        }
        match self.input.handle(request) {
            Some(changed) if changed.value => Typed::Changed,
            _ => Typed::Taken,
        }
    }

    /// Inserts a pasted text as it is, but for line breaks at its end, which come from how it was copied.
    pub fn paste(&mut self, text: &str) -> Typed {
        let text: Vec<char> = text.trim_end_matches(['\r', '\n']).chars().collect();
        self.insert(&text)
    }

    fn insert(&mut self, text: &[char]) -> Typed {
        let room = self.room();
        let mut changed = Typed::Taken;
        for c in text.iter().take(room) {
            self.input.handle(InputRequest::InsertChar(*c));
            changed = Typed::Changed;
        }
        changed
    }

    fn room(&self) -> usize {
        self.longest.saturating_sub(self.value().chars().count())
    }

    /// Draws the text in the first line of `area` and returns where the cursor belongs if the input is focused. A text
    /// that is too wide is shown around the cursor, with `‹` and `›` where it goes on.
    pub fn draw(
        &self,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
        focused: bool,
    ) -> Option<Position> {
        if area.is_empty() {
            return None;
        }
        let style = if focused {
            theme.input_focus
        } else {
            theme.input
        };
        let columns = usize::from(area.width);
        let before: String = self.value().chars().take(self.input.cursor()).collect();
        let (cells, total) = shown(self.value());
        let cursor = shown(&before).1;
        // A column stays free behind the text for the cursor.
        let hidden = (total + 1).saturating_sub(columns);
        let first = cursor.saturating_sub(columns * 3 / 4).min(hidden);
        buf.set_string(area.x, area.y, " ".repeat(columns), style);
        for (text, at, wide) in cells {
            if at >= first && at + wide <= first + columns {
                let x = u16::try_from(at - first).unwrap_or(u16::MAX);
                buf.set_string(area.x.saturating_add(x), area.y, &text, style);
            }
        }
        if first > 0 && cursor > first {
            buf.set_string(area.x, area.y, "‹", theme.muted);
        }
        if total > first + columns && cursor + 1 < first + columns {
            buf.set_string(area.right() - 1, area.y, "›", theme.muted);
        }
        let x = u16::try_from(cursor - first).unwrap_or(u16::MAX);
        focused.then(|| Position::new(area.x.saturating_add(x).min(area.right() - 1), area.y))
    }
}

/// The graphemes of a text as they are shown, each with its column and its width, and the width of all.
fn shown(text: &str) -> (Vec<(String, usize, usize)>, usize) {
    let mut at = 0;
    let cells = text
        .graphemes(true)
        .map(|grapheme| {
            let text = visible(grapheme).into_owned();
            let wide = text.width();
            at += wide;
            (text, at - wide, wide)
        })
        .collect();
    (cells, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    fn drawn(input: &TextInput, columns: u16) -> (String, Option<Position>) {
        let area = Rect::new(0, 0, columns, 1);
        let mut buf = Buffer::empty(area);
        let cursor = input.draw(area, &mut buf, &Theme::default(), true);
        let text = (0..columns).map(|x| buf[(x, 0)].symbol()).collect();
        (text, cursor)
    }

    #[test]
    fn keys_type_move_and_delete() {
        let mut input = TextInput::new("");
        for c in "fraud".chars() {
            assert_eq!(
                input.on_key(key(KeyCode::Char(c), KeyModifiers::NONE)),
                Typed::Changed
            );
        }
        input.on_key(key(KeyCode::Home, KeyModifiers::NONE));
        input.on_key(key(KeyCode::Char('X'), KeyModifiers::SHIFT));
        assert_eq!(input.value(), "Xfraud");
        assert_eq!(
            input.on_key(key(KeyCode::Char('u'), KeyModifiers::CONTROL)),
            Typed::Changed
        );
        assert_eq!(input.value(), "");
        for ignored in [KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::F(1)] {
            assert_eq!(
                input.on_key(key(ignored, KeyModifiers::NONE)),
                Typed::Ignored
            );
        }
        assert_eq!(
            input.on_key(key(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            Typed::Ignored
        );
    }

    #[test]
    fn a_german_keyboard_types_its_brackets() {
        let mut input = TextInput::new("");
        let alt_gr = KeyModifiers::CONTROL | KeyModifiers::ALT;
        input.on_key(key(KeyCode::Char('{'), alt_gr));
        input.on_key(key(KeyCode::Char('@'), KeyModifiers::NONE));
        assert_eq!(input.value(), "{@");
    }

    #[test]
    fn what_is_pasted_is_data_and_has_an_end() {
        let mut input = TextInput::new("").at_most(12);
        assert_eq!(input.paste("a\nb\u{1b}[2J\n"), Typed::Changed);
        assert_eq!(input.value(), "a\nb\u{1b}[2J");
        assert_eq!(drawn(&input, 12).0, "a␊b␛[2J     ");
        input.paste("0123456789");
        assert_eq!(input.value().chars().count(), 12);
        assert_eq!(
            input.on_key(key(KeyCode::Char('x'), KeyModifiers::NONE)),
            Typed::Taken
        );
    }

    #[test]
    fn a_long_text_is_shown_around_the_cursor() {
        let mut input = TextInput::new("0123456789abcdef");
        let (text, cursor) = drawn(&input, 8);
        assert_eq!(
            (text.as_str(), cursor),
            ("‹abcdef ", Some(Position::new(7, 0)))
        );
        input.on_key(key(KeyCode::Home, KeyModifiers::NONE));
        let (text, cursor) = drawn(&input, 8);
        assert_eq!(
            (text.as_str(), cursor),
            ("0123456›", Some(Position::new(0, 0)))
        );
    }

    #[test]
    fn wide_letters_count_two_columns() {
        let input = TextInput::new("価格");
        let (_, cursor) = drawn(&input, 10);
        assert_eq!(cursor, Some(Position::new(4, 0)));
        for columns in 0..6 {
            drawn(&TextInput::new("価格モデル"), columns);
        }
    }
}
