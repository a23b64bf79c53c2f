//! Names and values of another system under our rules: what is not allowed here is replaced so that it is seen, never dropped.
//!
//! A replacement depends on nothing but what was given, so that the same name becomes the same name again with the next import.

use crate::domain::approval::hex;
use crate::domain::name::LONGEST_NAME;
use crate::domain::{InvalidName, text};
use crate::service::core::{LONGEST_TEXT, LONGEST_VALUE};
use sha2::{Digest as _, Sha256};

/// What became of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Legible<T> {
    pub(super) value: T,
    /// Why it is not as it was, where it is not.
    pub(super) change: Option<String>,
}

/// Makes a name of what was given. Characters that are not allowed become `_u001b_`, and what is too long is cut and gets a part of its digest, so that two names that
/// begin alike stay two.
pub(super) fn name<T>(
    given: &str,
    check: impl Fn(&str) -> Result<T, InvalidName>,
) -> Result<Legible<T>, InvalidName> {
    let refused = match check(given) {
        Ok(value) => {
            return Ok(Legible {
                value,
                change: None,
            });
        }
        Err(refused) => refused,
    };
    // Each character is asked for by itself, between two letters, so that the rules stand in one place.
    let is_allowed = |c: char| check(&format!("a{c}a")).is_ok();
    let edge = given.len();
    let mut made: String = given
        .char_indices()
        .map(|(at, c)| {
            let is_edge = at == 0 || at + c.len_utf8() == edge;
            if !is_allowed(c) || (is_edge && (c.is_whitespace() || c == '/')) {
                format!("_u{:04x}_", u32::from(c))
            } else {
                c.to_string()
            }
        })
        .collect();
    if made.chars().count() > LONGEST_NAME {
        made = cut_name(&made, given);
    }
    // Parts of a path that are empty or dots, and a path that is nothing but dots.
    for (mark, replacement) in [('/', "_u002f_"), ('.', "_u002e_")] {
        if check(&made).is_err() {
            made = made.replace(mark, replacement);
            if made.chars().count() > LONGEST_NAME {
                made = cut_name(&made, given);
            }
        }
    }
    match check(&made) {
        Ok(value) => Ok(Legible {
            value,
            change: Some(format!(
                "'{}' {}",
                text::visible(&shortened(given)),
                refused.problem
            )),
        }),
        Err(_) => Err(refused),
    }
}

fn cut_name(made: &str, given: &str) -> String {
    let digest = hex(&Sha256::digest(given.as_bytes())[..6]);
    let kept: String = made.chars().take(LONGEST_NAME - digest.len() - 1).collect();
    format!("{}_{digest}", kept.trim_end())
}

/// The first characters of a text, for telling about it.
pub(super) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// The value of a param or a tag.
pub(super) fn value(given: String) -> Legible<String> {
    bounded(given, LONGEST_VALUE)
}

/// A description.
pub(super) fn free_text(given: String) -> Legible<String> {
    // Counted in bytes where it is checked; a character has four at the most.
    bounded(given, LONGEST_TEXT / 4)
}

fn bounded(given: String, longest: usize) -> Legible<String> {
    let mut change = None;
    let mut value = given;
    if value.contains('\0') {
        value = value.replace('\0', "\u{2400}");
        change = Some("it has a NUL character, which became ␀".to_owned());
    }
    // A text has at least as many bytes as characters.
    let length = if value.len() > longest {
        value.chars().count()
    } else {
        0
    };
    if length > longest {
        let digest = hex(&Sha256::digest(value.as_bytes())[..6]);
        let mark = format!("… (cut: {length} characters, sha256 {digest})");
        let kept: String = value.chars().take(longest - mark.chars().count()).collect();
        value = kept + &mark;
        change = Some(format!(
            "it has {length} characters and was cut to {longest}"
        ));
    }
    Legible { value, change }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExperimentName, Key};

    fn key(given: &str) -> String {
        name(given, Key::new).unwrap().value.as_str().to_owned()
    }

    #[test]
    fn keys_are_replaced_where_they_must_be_and_only_there() {
        for (given, made) in [
            ("val/auc", "val/auc"),
            ("loss\n", "loss_u000a_"),
            (" loss", "_u0020_loss"),
            ("a=b", "a_u003d_b"),
            ("\u{3164}", "_u3164_"),
            ("a//b", "a_u002f__u002f_b"),
            ("/a", "_u002f_a"),
        ] {
            assert_eq!(key(given), made, "{given:?}");
        }
        assert!(name("", Key::new).is_err());
    }

    #[test]
    fn every_replacement_obeys_the_rules_and_tells_itself() {
        for given in [
            "..",
            "a/../b",
            "\u{1b}[2J",
            "\u{202e}x",
            &"ü".repeat(300),
            &"a/".repeat(200),
            &"\u{7}".repeat(100),
        ] {
            let made = name(given, Key::new).unwrap();
            assert!(Key::new(made.value.as_str()).is_ok() && made.change.is_some());
            let made = name(given, ExperimentName::new).unwrap();
            assert!(ExperimentName::new(made.value.as_str()).is_ok());
        }
        let (a, b) = (
            format!("{}a", "x".repeat(300)),
            format!("{}b", "x".repeat(300)),
        );
        assert_ne!(key(&a), key(&b));
    }

    #[test]
    fn values_are_cut_visibly() {
        assert_eq!(value("a\nb".to_owned()).change, None);
        assert_eq!(value("a\0b".to_owned()).value, "a␀b");
        let long = value("é".repeat(8000));
        assert_eq!(long.value.chars().count(), LONGEST_VALUE);
        assert!(long.value.contains("8000 characters") && long.change.is_some());
        assert_eq!(value("é".repeat(5000)).change, None);
    }
}
