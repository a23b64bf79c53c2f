//! Copying through the terminal (OSC 52), which works over SSH too, and through tmux.
//!
//! Terminals do not answer whether they took it, so whoever copies shows the value as well: a person can then select it by hand.

use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use std::io::{self, Write};

/// The longest text that terminals are known to take: xterm and tmux stop near 75,000 bytes of base64.
const LONGEST: usize = 50_000;

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// The terminal was told.
    Sent,
    /// The text is too long for a terminal's clipboard and has to be shown or written elsewhere.
    TooLong,
}

/// Copies a text to the clipboard of the terminal behind `writer`; `inside_tmux` wraps it so that tmux lets it through.
pub fn copy(writer: &mut impl Write, text: &str, inside_tmux: bool) -> io::Result<Copied> {
    let Some(sequence) = sequence(text, inside_tmux) else {
        return Ok(Copied::TooLong);
    };
    writer.write_all(sequence.as_bytes())?;
    writer.flush()?;
    Ok(Copied::Sent)
}

/// The escape sequence that copies a text, if it is not too long.
pub fn sequence(text: &str, inside_tmux: bool) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let mut plain = String::new();
    CopyToClipboard::to_clipboard_from(text)
        .write_ansi(&mut plain)
        .expect("writing to a String cannot fail");
    if !inside_tmux {
        return Some(plain);
    }
    // tmux obeys the plain one with `set-clipboard on`, and hands the wrapped one on with `allow-passthrough on`: both are
    // sent, since nobody can tell from inside which of the two is set. Copying twice does no harm.
    let wrapped = plain.replace('\u{1b}', "\u{1b}\u{1b}");
    Some(format!("{plain}\u{1b}Ptmux;{wrapped}\u{1b}\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_osc_52() {
        let mut written = Vec::new();
        assert_eq!(copy(&mut written, "fraud 7", false).unwrap(), Copied::Sent);
        let written = String::from_utf8(written).unwrap();
        assert!(
            written.starts_with("\u{1b}]52;c;ZnJhdWQgNw=="),
            "{written:?}"
        );
    }

    #[test]
    fn tmux_gets_it_wrapped_with_doubled_escapes() {
        let sequence = sequence("x", true).unwrap();
        assert!(
            sequence.contains("\u{1b}Ptmux;\u{1b}\u{1b}]52;c;eA=="),
            "{sequence:?}"
        );
        assert!(sequence.ends_with("\u{1b}\\"));
    }

    #[test]
    fn what_hides_in_a_name_is_only_data() {
        // The text is base64 on its way, so an escape code in it reaches no terminal.
        let sequence = sequence("\u{1b}[2J\u{7}", false).unwrap();
        assert_eq!(sequence.matches('\u{1b}').count(), sequence_frame());
        assert_eq!(sequence_of_length(LONGEST + 1), None);
    }

    fn sequence_frame() -> usize {
        sequence("x", false).unwrap().matches('\u{1b}').count()
    }

    fn sequence_of_length(length: usize) -> Option<String> {
        sequence(&"x".repeat(length), false)
    }
}
