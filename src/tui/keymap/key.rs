//! Keys as the table of bindings spells them: `j`, `G`, `ctrl-c`, `pagedown`, and two in a row as `g g`.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;
use std::str::FromStr;

/// One key, without what terminals tell differently about the same press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
}

/// Names of keys that are no character.
const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("space", KeyCode::Char(' ')),
];

/// How the footer and the help show them.
const SYMBOLS: &[(KeyCode, &str)] = &[
    (KeyCode::Enter, "↵"),
    (KeyCode::Up, "↑"),
    (KeyCode::Down, "↓"),
    (KeyCode::Left, "←"),
    (KeyCode::Right, "→"),
];

impl Key {
    pub fn of(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        let code = match event.code {
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            // Terminals differ in whether a capital comes with its modifier.
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            code => code,
        };
        Self { code, ctrl, alt }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(spelled: &str) -> Result<Self, String> {
        let mut rest = spelled;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-") {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (alt, rest) = (true, after);
            } else {
                break;
            }
        }
        let named = NAMES.iter().find(|(name, _)| *name == rest);
        let mut chars = rest.chars();
        let code = match (named, chars.next(), chars.next()) {
            (Some((_, code)), ..) => *code,
            (None, Some(c), None) => KeyCode::Char(c),
            (None, Some('f'), Some(_)) => KeyCode::F(
                rest[1..]
                    .parse()
                    .map_err(|_error| format!("there is no key '{spelled}'"))?,
            ),
            _ => return Err(format!("there is no key '{spelled}'")),
        };
        Ok(Self { code, ctrl, alt })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        let symbol = SYMBOLS.iter().find(|(code, _)| *code == self.code);
        let name = NAMES.iter().find(|(_, code)| *code == self.code);
        match (symbol, name, self.code) {
            (Some((_, symbol)), ..) => f.write_str(symbol),
            (None, Some((name, _)), _) => f.write_str(name),
            (None, None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, None, code) => write!(f, "{code:?}"),
        }
    }
}

/// Reads one spelling of the table: one key, or two in a row.
pub fn sequence(spelled: &str) -> Result<Vec<Key>, String> {
    spelled.split(' ').map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_is_the_key_that_the_table_spells() {
        let press = |code, modifiers| Key::of(KeyEvent::new(code, modifiers));
        let cases = [
            ("j", press(KeyCode::Char('j'), KeyModifiers::NONE)),
            ("G", press(KeyCode::Char('G'), KeyModifiers::SHIFT)),
            ("G", press(KeyCode::Char('G'), KeyModifiers::NONE)),
            ("ctrl-c", press(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            ("shift-tab", press(KeyCode::BackTab, KeyModifiers::SHIFT)),
            ("shift-tab", press(KeyCode::Tab, KeyModifiers::SHIFT)),
            ("space", press(KeyCode::Char(' '), KeyModifiers::NONE)),
            ("f5", press(KeyCode::F(5), KeyModifiers::NONE)),
            ("f", press(KeyCode::Char('f'), KeyModifiers::NONE)),
        ];
        for (spelled, key) in cases {
            assert_eq!(spelled.parse(), Ok(key), "{spelled}");
        }
        assert!("ctrl-".parse::<Key>().is_err());
        assert!("pgup".parse::<Key>().is_err());
        assert_eq!(sequence("g g").unwrap().len(), 2);
    }
}
