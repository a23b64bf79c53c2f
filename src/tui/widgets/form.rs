//! Fields to fill in: lines of text and choices between words, each with what is wrong with it.
//!
//! ```text
//!   Name         fraud
//!              ! the name is taken
//!   Status       ‹ ACTIVE ›
//! ▸ Tags         team=risk
//!                key=value, several with spaces between them
//! ```
//! It keeps and draws what was typed; what the fields mean and whether they are right is somebody else's.

mod renewal;

pub use self::renewal::Merge;

use super::text;
use super::text_input::{TextInput, Typed};
use crate::domain::text::visible;
use crate::tui::theme::Theme;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// The longest text of a field; the service has the last word on shorter limits.
const LONGEST: usize = 5_000;
const LABELS: u16 = 14;

/// What a field takes.
#[derive(Debug, Clone)]
enum Kind {
    Text(TextInput),
    Choice { words: Vec<String>, at: usize },
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: &'static str,
    label: &'static str,
    help: &'static str,
    kind: Kind,
    first: String,
    /// It tells what is to be done and not how the object is, so it stays when the object changes.
    is_intent: bool,
    merge: Option<Merge>,
    /// What is to be known about its value beside what is wrong with it.
    note: Option<String>,
    pub error: Option<String>,
    /// Whether somebody changed it, so that what is wrong with it may be told.
    pub touched: bool,
}

impl Field {
    pub fn text(name: &'static str, label: &'static str, help: &'static str, first: &str) -> Self {
        let kind = Kind::Text(TextInput::new(first).at_most(LONGEST));
        Self::new(name, label, help, kind, first)
    }

    /// A choice between words; `first` is the one chosen already.
    pub fn choice(
        name: &'static str,
        label: &'static str,
        help: &'static str,
        words: Vec<String>,
        first: &str,
    ) -> Self {
        let at = words.iter().position(|word| word == first).unwrap_or(0);
        let first = words.get(at).cloned().unwrap_or_default();
        Self::new(name, label, help, Kind::Choice { words, at }, &first)
    }

    fn new(
        name: &'static str,
        label: &'static str,
        help: &'static str,
        kind: Kind,
        first: &str,
    ) -> Self {
        Self {
            name,
            label,
            help,
            kind,
            first: first.to_owned(),
            is_intent: false,
            merge: None,
            note: None,
            error: None,
            touched: false,
        }
    }

    /// It tells what is to be done, and not how the object is.
    #[must_use]
    pub fn intends(mut self) -> Self {
        self.is_intent = true;
        self
    }

    /// What was typed can be put on top of what somebody else wrote meanwhile.
    #[must_use]
    pub fn merging(mut self, merge: Merge) -> Self {
        self.merge = Some(merge);
        self
    }

    pub fn value(&self) -> &str {
        match &self.kind {
            Kind::Text(input) => input.value(),
            Kind::Choice { words, at } => words.get(*at).map_or("", String::as_str),
        }
    }

    pub fn is_changed(&self) -> bool {
        self.value() != self.first
    }

    /// What stands below it when there are `columns` for it, and what that is: told whole.
    fn below(&self, focused: Option<Nudge>, columns: u16) -> (Vec<String>, Below) {
        let columns = usize::from(columns);
        let whole = |said: String| -> Vec<String> {
            let lines = text::wrap(&said.into(), columns);
            lines.iter().map(ToString::to_string).collect()
        };
        match (&self.error, &self.note, focused) {
            (Some(error), ..) => (whole(format!("! {error}")), Below::Error),
            (None, _, Some(Nudge::Letter)) => {
                let said = "← and → choose, or space; a letter changes nothing";
                (whole(said.to_owned()), Below::Note)
            }
            (None, Some(note), _) => (whole(note.clone()), Below::Note),
            (None, None, Some(Nudge::None)) if !self.help.is_empty() => {
                (whole(self.help.to_owned()), Below::Help)
            }
            (None, None, _) => (Vec::new(), Below::Help),
        }
    }

    fn rows(&self, focused: Option<Nudge>, columns: u16) -> u16 {
        let (below, _) = self.below(focused, columns);
        u16::try_from(below.len() + 1).unwrap_or(u16::MAX)
    }
}

/// What stands below a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    Help,
    Note,
    Error,
}

/// What the focused field is told about the last key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Nudge {
    #[default]
    None,
    /// A letter was typed where words are chosen.
    Letter,
}

/// Fields, one of which has the keys.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "they are what it is")]
pub struct Fields {
    fields: Vec<Field>,
    at: usize,
    nudge: Nudge,
}

impl Fields {
    pub fn push(&mut self, field: Field) {
        self.fields.push(field);
    }

    pub fn all(&self) -> &[Field] {
        &self.fields
    }

    pub fn all_mut(&mut self) -> &mut [Field] {
        &mut self.fields
    }

    pub fn is_changed(&self) -> bool {
        self.fields.iter().any(Field::is_changed)
    }

    /// What the field at a place is told, where it has the keys.
    fn nudge(&self, at: usize) -> Option<Nudge> {
        (at == self.at).then_some(self.nudge)
    }

    pub fn move_by(&mut self, step: isize) {
        self.nudge = Nudge::None;
        let count = self.fields.len().max(1);
        self.at = (self.at + count).saturating_add_signed(step) % count;
    }

    /// Gives the keys to a field.
    pub fn focus(&mut self, name: &str) {
        self.nudge = Nudge::None;
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.at = at;
        }
    }

    /// Chooses the next word, or another one back; tells whether the focused field is a choice.
    pub fn turn(&mut self, step: isize) -> bool {
        self.nudge = Nudge::None;
        let Some(field) = self.fields.get_mut(self.at) else {
            return false;
        };
        let Kind::Choice { words, at } = &mut field.kind else {
            return false;
        };
        let count = words.len().max(1);
        *at = (*at + count).saturating_add_signed(step) % count;
        field.touched = true;
        true
    }

    /// Takes a key as text. Letters never turn a choice: what was meant for a text beside it must not become an answer.
    pub fn typed(&mut self, key: KeyEvent) -> Typed {
        let Some(field) = self.fields.get_mut(self.at) else {
            return Typed::Ignored;
        };
        let typed = match &mut field.kind {
            Kind::Text(input) => input.on_key(key),
            Kind::Choice { .. } => match of_a_choice(key) {
                Some(' ') => {
                    self.turn(1);
                    return Typed::Changed;
                }
                Some(_) => {
                    self.nudge = Nudge::Letter;
                    return Typed::Taken;
                }
                None => return Typed::Ignored,
            },
        };
        if typed == Typed::Changed {
            field.touched = true;
        }
        typed
    }

    pub fn pasted(&mut self, text: &str) -> bool {
        match self.fields.get_mut(self.at) {
            Some(Field {
                kind: Kind::Text(input),
                touched,
                ..
            }) => {
                *touched = true;
                input.paste(text) == Typed::Changed
            }
            _ => false,
        }
    }

    /// How many rows all fields take at this width.
    pub fn rows(&self, width: u16) -> u16 {
        let columns = width - self.labels(width);
        let rows = self.fields.iter().enumerate();
        rows.map(|(at, field)| field.rows(self.nudge(at), columns))
            .sum()
    }

    /// The columns before what is typed: enough for the widest label, but at most half.
    fn labels(&self, width: u16) -> u16 {
        let widest = self.fields.iter().map(|field| text::width(field.label));
        let widest = u16::try_from(widest.max().unwrap_or(0)).unwrap_or(width);
        let usual = LABELS.min(width / 3);
        widest.saturating_add(3).max(usual).min(width / 2)
    }

    /// Draws the fields, scrolled so that the focused one is seen; returns where the cursor belongs.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Option<Position> {
        if area.is_empty() {
            return None;
        }
        let labels = self.labels(area.width);
        let rows = |at: usize| self.fields[at].rows(self.nudge(at), area.width - labels);
        // As many fields above the focused one as have room with it.
        let mut first = self.at.min(self.fields.len().saturating_sub(1));
        let mut taken = self.fields.get(first).map_or(0, |_| rows(first));
        while first > 0 && taken + rows(first - 1) <= area.height {
            first -= 1;
            taken += rows(first);
        }
        let mut y = area.y;
        let mut cursor = None;
        for (at, field) in self.fields.iter().enumerate().skip(first) {
            let rows = rows(at);
            let left = area.bottom().saturating_sub(y);
            if left == 0 {
                break;
            }
            let place = Rect {
                y,
                height: rows.min(left),
                ..area
            };
            let found = field.draw(place, labels, buf, theme, self.nudge(at));
            cursor = cursor.or(found);
            y += place.height;
        }
        cursor
    }
}

/// The character that a key types, where it types one.
fn of_a_choice(key: KeyEvent) -> Option<char> {
    let is_command = key
        .modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(c) if !is_command => Some(c),
        _ => None,
    }
}

impl Field {
    fn draw(
        &self,
        area: Rect,
        labels: u16,
        buf: &mut Buffer,
        theme: &Theme,
        nudge: Option<Nudge>,
    ) -> Option<Position> {
        let focused = nudge.is_some();
        let room = usize::from(labels.saturating_sub(3));
        if focused {
            buf.set_stringn(area.x, area.y, "▸", usize::from(area.width), theme.key);
        }
        let label = text::cut(self.label, room);
        let style = if focused { theme.title } else { theme.label };
        buf.set_stringn(area.x + 2.min(area.width), area.y, label, room, style);
        let input = Rect {
            x: area.x + labels,
            width: area.width - labels,
            height: 1,
            ..area
        };
        let cursor = match &self.kind {
            Kind::Text(text) => text.draw(input, buf, theme, focused),
            Kind::Choice { words, at } => {
                let word = words.get(*at).map_or("", String::as_str);
                let shown = format!("‹ {} ›", visible(word));
                let style = if focused {
                    theme.input_focus
                } else {
                    theme.input
                };
                let width = usize::from(input.width);
                buf.set_stringn(input.x, input.y, text::cut(&shown, width), width, style);
                None
            }
        };
        let (below, what) = self.below(nudge, input.width);
        let style = match what {
            Below::Error => theme.error,
            Below::Note => theme.warn,
            Below::Help => theme.hint,
        };
        for (line, y) in below.iter().zip(area.y + 1..area.bottom()) {
            buf.set_stringn(input.x, y, line, usize::from(input.width), style);
        }
        cursor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn fields() -> Fields {
        let mut fields = Fields::default();
        fields.push(Field::text("name", "Name", "of the experiment", ""));
        let words = ["ACTIVE", "ARCHIVED", "COMPLETED"]
            .map(str::to_owned)
            .to_vec();
        fields.push(Field::choice("status", "Status", "", words, "ARCHIVED"));
        fields
    }

    fn press(fields: &mut Fields, c: char) -> Typed {
        fields.typed(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
    }

    #[test]
    fn text_is_typed_and_choices_are_turned() {
        let mut fields = fields();
        assert!(!fields.is_changed());
        assert_eq!(press(&mut fields, 'x'), Typed::Changed);
        assert_eq!(fields.all()[0].value(), "x");
        assert!(!fields.turn(1), "a text is not turned");
        fields.move_by(1);
        assert_eq!(fields.all()[1].value(), "ARCHIVED");
        fields.turn(1);
        assert_eq!(fields.all()[1].value(), "COMPLETED");
        assert_eq!(press(&mut fields, ' '), Typed::Changed);
        assert_eq!(fields.all()[1].value(), "ACTIVE");
        fields.move_by(1);
        press(&mut fields, 'y');
        assert_eq!(fields.all()[0].value(), "xy");
    }

    #[test]
    fn letters_never_turn_a_choice_and_say_what_does() {
        let mut fields = fields();
        fields.move_by(1);
        let drawn = |fields: &Fields| -> String {
            let area = Rect::new(0, 0, 80, 4);
            let mut buf = Buffer::empty(area);
            fields.draw(area, &mut buf, &Theme::default());
            buf.content
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect()
        };
        for c in "accepted".chars() {
            assert_eq!(press(&mut fields, c), Typed::Taken);
        }
        assert_eq!(fields.all()[1].value(), "ARCHIVED");
        assert!(drawn(&fields).contains("← and → choose, or space"));
        fields.turn(1);
        assert!(!drawn(&fields).contains("a letter changes nothing"));
    }

    #[test]
    fn the_focused_field_is_seen_at_any_height() {
        let mut fields = fields();
        fields.all_mut()[1].error = Some("no".to_owned());
        fields.move_by(1);
        let theme = Theme::default();
        for height in 1..4 {
            let area = Rect::new(0, 0, 40, height);
            let mut buf = Buffer::empty(area);
            fields.draw(area, &mut buf, &theme);
            let seen: String = buf
                .content
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect();
            assert!(seen.contains("Status"), "{height}: {seen}");
        }
        let area = Rect::new(0, 0, 20, 5);
        let mut buf = Buffer::empty(area);
        fields.all_mut()[1].error = Some("may not be that".to_owned());
        fields.draw(area, &mut buf, &theme);
        let line = |y| (0..20).map(|x| buf[(x, y)].symbol()).collect::<String>();
        assert!(line(2).contains("! may not") && line(3).contains("be that"));
        for width in 0..6 {
            let area = Rect::new(0, 0, width, 2);
            fields.draw(area, &mut Buffer::empty(area), &theme);
        }
    }
}
