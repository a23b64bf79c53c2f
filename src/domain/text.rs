//! The one place that makes text from outside safe to show.
//!
//! Names come from training scripts, other users and servers, so any of them may hold escape codes, controls that
//! overwrite what stands before them, or characters that nobody sees. Dropping those would make two different names look equal,
//! which an approver must never see; so each becomes a visible mark. The result holds no character that moves a cursor,
//! hides or reorders text.

mod lookalike;

use std::borrow::Cow;
use unicode_normalization::char::is_combining_mark;

/// More combining marks than this on one letter draw over the lines around it.
const MARKS_A_LETTER: usize = 8;

/// Renders text so that every character takes part in what is seen: controls as their Unicode pictures
/// (`ESC` is `␛`), invisible and reordering characters as `⟨U+202E⟩`, and so letters that pass for Latin ones.
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, lookalike::marked)
}

/// As [`visible`], for a program that takes it as it stands: letters stay the letters they are.
pub fn visible_to_programs(text: &str) -> Cow<'_, str> {
    shown(text, |_| None)
}

fn shown(text: &str, lookalikes: impl Fn(&str) -> Option<Vec<bool>>) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut marks = 0;
    let lookalikes = lookalikes(text);
    for (at, c) in text.chars().enumerate() {
        if is_combining_mark(c) {
            marks += 1;
        } else {
            marks = 0;
        }
        match c {
            '\u{00}'..='\u{1f}' => {
                shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{2426}'));
            }
            '\u{7f}' => shown.push('\u{2421}'),
            // The pictures and brackets that stand for something else must not be forged by a name that holds them.
            '\u{2400}'..='\u{2426}' | '\u{27e8}' | '\u{27e9}' => mark(&mut shown, c),
            _ if marks > MARKS_A_LETTER || is_unseen(c) => mark(&mut shown, c),
            _ if lookalikes.as_ref().is_some_and(|marked| marked[at]) => mark(&mut shown, c),
            _ => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

fn mark(shown: &mut String, c: char) {
    use std::fmt::Write as _;
    write!(shown, "\u{27e8}U+{:04X}\u{27e9}", c as u32).expect("writing to a String cannot fail");
}

/// What is hidden in a text that [`visible`] made, `None` where nothing is: where the text is none that it makes of a hidden character.
pub fn hidden(shown: &str) -> Option<String> {
    if !shown.contains(is_mark) {
        return None;
    }
    let mut text = String::with_capacity(shown.len());
    let mut rest = shown;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let (stands_for, after) = match c {
            '\u{2400}'..='\u{241f}' => (char::from_u32(c as u32 - 0x2400)?, after),
            '\u{2421}' => ('\u{7f}', after),
            '\u{27e8}' => {
                let (number, after) = after.strip_prefix("U+")?.split_once('\u{27e9}')?;
                (
                    char::from_u32(u32::from_str_radix(number, 16).ok()?)?,
                    after,
                )
            }
            c => (c, after),
        };
        text.push(stands_for);
        rest = after;
    }
    (visible(&text) == shown).then_some(text)
}

/// Renders a sentence whose names may have been made visible already: their marks stay readable, everything else is as in [`visible`].
pub fn visible_once(sentence: &str) -> String {
    sentence
        .split_inclusive(is_mark)
        .map(|part| match part.char_indices().next_back() {
            Some((at, last)) if is_mark(last) => format!("{}{last}", visible(&part[..at])),
            _ => visible(part).into_owned(),
        })
        .collect()
}

/// Tells whether a character stands for another one in what [`visible`] makes.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{2400}'..='\u{2426}' | '\u{27e8}' | '\u{27e9}')
}

/// Renders text of several lines, keeping its line breaks and turning tabs into four spaces.
pub fn visible_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.lines()
        .map(|line| visible(&line.replace('\t', "    ")).into_owned())
}

/// Tells whether a character is drawn as nothing, reorders its neighbours, or breaks a line in disguise.
pub fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'           // C1 controls
        | '\u{a0}'                    // a space that is another space
        | '\u{ad}'                    // soft hyphen
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2000}'..='\u{200f}'     // spaces, zero-width characters, direction marks
        | '\u{2028}'..='\u{202f}'     // separators, bidi embeddings and overrides
        | '\u{205f}'..='\u{206f}'     // invisible operators, bidi isolates
        | '\u{2800}'                  // empty braille
        | '\u{3000}'
        | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}'     // private use
        | '\u{fe00}'..='\u{fe0f}'     // variation selectors
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}'  // tags, more selectors, private planes
    )
}

/// A count with its noun: `1 item`, `2 items`, `3 entries`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(visible("lgbm-42 val/auc"), "lgbm-42 val/auc");
        assert_eq!(visible("Größe 価格"), "Größe 価格");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(visible("x\u{1b}[2J\r\n\t\u{7}"), "x␛[2J␍␊␉␇");
        assert_eq!(visible("a\u{9b}2Jb"), "a⟨U+009B⟩2Jb");
        assert_eq!(
            visible("ad\u{200b}min \u{202e}x"),
            "ad⟨U+200B⟩min ⟨U+202E⟩x"
        );
    }

    #[test]
    fn a_sentence_is_made_visible_once() {
        let raw = "x\u{1b}[2J \u{202e}y";
        let once = "x␛[2J ⟨U+202E⟩y";
        assert_eq!(visible_once(raw), once);
        assert_eq!(visible_once(once), once);
    }

    #[test]
    fn two_names_that_differ_never_look_the_same() {
        let names = [
            "admin",
            "ad\u{200b}min",
            "ad\u{ad}min",
            "ad⟨U+200B⟩min",
            "admin\u{fe0f}",
            "ad\u{a0}min",
            "ad␛min",
            "ad\u{1b}min",
        ];
        for (i, a) in names.iter().enumerate() {
            for b in &names[i + 1..] {
                assert_ne!(visible(a), visible(b));
            }
        }
    }

    #[test]
    fn a_tower_of_combining_marks_is_cut_off_visibly() {
        let tower = format!("e{}", "\u{301}".repeat(30));
        assert!(visible(&tower).contains("⟨U+0301⟩"));
        assert_eq!(visible("e\u{301}"), "e\u{301}");
    }

    #[test]
    fn one_thing_is_not_told_as_several() {
        for (count, noun, told) in [
            (0, "item", "0 items"),
            (1, "item", "1 item"),
            (2, "entry", "2 entries"),
            (1, "entry", "1 entry"),
            (3, "day", "3 days"),
        ] {
            assert_eq!(counted(count, noun), told);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_string_shows_without_controls(text in "\\PC*|.*") {
            let shown = visible(&text);
            proptest::prop_assert!(!shown.chars().any(|c| c.is_control() || is_unseen(c)));
        }
    }
}
