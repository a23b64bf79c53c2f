//! JSON as it is printed: nothing in it that a terminal obeys or hides, and long lists written as they come.

use crate::cli::error::{CliError, Result};
use crate::domain::text;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Stdout, Write as _};

/// One object, indented, with a line end.
pub(super) fn document(object: &(impl Serialize + ?Sized)) -> String {
    let mut text = serde_json::to_string_pretty(object)
        .expect("our types have text keys and numbers that JSON can write");
    text.push('\n');
    escaped(&text)
}

/// Writes characters that are not seen as `\u` escapes. They stand in strings only, because all else in JSON is ASCII, and serde
/// wrote the C0 controls that way already.
fn escaped(json: &str) -> String {
    if json.is_ascii() && !json.contains('\u{7f}') {
        return json.to_owned();
    }
    let mut clean = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if c == '\u{7f}' || text::is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(clean, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        } else {
            clean.push(c);
        }
    }
    clean
}

/// A JSON array on stdout, one element a line, written while its elements come.
#[derive(Debug)]
pub struct JsonArray {
    stdout: BufWriter<Stdout>,
    empty: bool,
}

impl JsonArray {
    pub fn begin() -> Self {
        Self {
            stdout: BufWriter::new(io::stdout()),
            empty: true,
        }
    }

    pub fn push(&mut self, element: &impl Serialize) -> Result<()> {
        let line = serde_json::to_string(element)
            .expect("our types have text keys and numbers that JSON can write");
        let before = if self.empty { "[\n" } else { ",\n" };
        self.empty = false;
        self.stdout
            .write_all(before.as_bytes())
            .and_then(|()| self.stdout.write_all(escaped(&line).as_bytes()))
            .map_err(CliError::Output)
    }

    pub fn end(mut self) -> Result<()> {
        let last = if self.empty { "[]\n" } else { "\n]\n" };
        self.stdout
            .write_all(last.as_bytes())
            .and_then(|()| self.stdout.flush())
            .map_err(CliError::Output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unseen_characters_are_escaped_and_read_back() {
        let nasty = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{e0041}é価";
        let json = document(&nasty);
        assert!(
            !json
                .trim_end()
                .chars()
                .any(|c| c.is_control() || text::is_unseen(c)),
            "{json}"
        );
        assert!(json.contains("é価"));
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), nasty);
    }
}
