//! Letters of other alphabets that are drawn as Latin ones are, and where they are shown as what they are.
//!
//! `сore` with a Cyrillic first letter must not pass for `core` before an approver. People who write Cyrillic or Greek are let alone: only
//! words that mix alphabets are marked, and those that could be read as Latin from their first letter to their last.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Latin,
    Greek,
    /// Cyrillic, Armenian, Cherokee: nobody writes a word of theirs with Latin letters in it.
    Other,
    /// Drawn for formulas and numbers, as Latin letters and nothing else.
    Disguise,
    /// Any other letter, and what is no letter.
    None,
}

const fn alphabet(c: char) -> Alphabet {
    match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Alphabet::Latin,
        '\u{251}'
        | '\u{261}'
        | '\u{2160}'..='\u{217f}'
        | '\u{a4d0}'..='\u{a4fd}'
        | '\u{1d400}'..='\u{1d7ff}' => Alphabet::Disguise,
        '\u{370}'..='\u{3ff}' => Alphabet::Greek,
        '\u{400}'..='\u{52f}' | '\u{531}'..='\u{587}' | '\u{13a0}'..='\u{13ff}' => Alphabet::Other,
        _ => Alphabet::None,
    }
}

/// Whether a Greek, Cyrillic, Armenian or Cherokee letter is drawn as a Latin one in most fonts.
const fn looks_latin(c: char) -> bool {
    matches!(
        c,
        'Α' | 'Β'
            | 'Ε'
            | 'Ζ'
            | 'Η'
            | 'Ι'
            | 'Κ'
            | 'Μ'
            | 'Ν'
            | 'Ο'
            | 'Ρ'
            | 'Τ'
            | 'Υ'
            | 'Χ'
            | 'ο'
            | 'ν'
            | 'ϲ'
            | 'ϳ'
            | 'А'
            | 'В'
            | 'Е'
            | 'К'
            | 'М'
            | 'Н'
            | 'О'
            | 'Р'
            | 'С'
            | 'Т'
            | 'У'
            | 'Х'
            | 'Ѕ'
            | 'І'
            | 'Ј'
            | 'Ү'
            | 'Ӏ'
            | 'Ԛ'
            | 'Ԝ'
            | 'а'
            | 'е'
            | 'о'
            | 'р'
            | 'с'
            | 'у'
            | 'х'
            | 'ѕ'
            | 'і'
            | 'ј'
            | 'һ'
            | 'ү'
            | 'ӏ'
            | 'ԁ'
            | 'ԛ'
            | 'ԝ'
            | 'օ'
            | 'ո'
            | 'ս'
            | 'հ'
            | 'ց'
            | 'Օ'
            | 'Տ'
            | 'Լ'
            | '\u{13a0}'..='\u{13ff}'
    )
}

/// Tells for each character of a text, in its order, whether it is to be shown as what it is; `None` where none is.
pub(super) fn marked(text: &str) -> Option<Vec<bool>> {
    let is_suspect = |c: char| !matches!(alphabet(c), Alphabet::Latin | Alphabet::None);
    if !text.chars().any(is_suspect) {
        return None;
    }
    let letters: Vec<char> = text.chars().collect();
    let mut marks = vec![false; letters.len()];
    for word in words(&letters) {
        let has_latin = word
            .clone()
            .any(|at| alphabet(letters[at]) == Alphabet::Latin);
        let all_look_latin = word
            .clone()
            .filter(|at| letters[*at].is_alphabetic())
            .all(|at| looks_latin(letters[at]));
        for at in word {
            marks[at] = match alphabet(letters[at]) {
                Alphabet::Disguise => true,
                Alphabet::Other => has_latin || all_look_latin,
                Alphabet::Greek => (has_latin || all_look_latin) && looks_latin(letters[at]),
                Alphabet::Latin | Alphabet::None => false,
            };
        }
    }
    Some(marks)
}

/// Stretches of letters and digits.
fn words(letters: &[char]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while from < letters.len() && !letters[from].is_alphanumeric() {
            from += 1;
        }
        let start = from;
        while from < letters.len() && letters[from].is_alphanumeric() {
            from += 1;
        }
        (start < from).then_some(start..from)
    })
}

#[cfg(test)]
mod tests {
    use crate::domain::text::visible;

    #[test]
    fn a_letter_that_passes_for_a_latin_one_is_shown_as_what_it_is() {
        for (given, shown) in [
            ("сore", "⟨U+0441⟩ore"),
            ("frаud-2", "fr⟨U+0430⟩ud-2"),
            // From the first letter to the last it could be Latin.
            ("соре", "⟨U+0441⟩⟨U+043E⟩⟨U+0440⟩⟨U+0435⟩"),
            ("xж", "x⟨U+0436⟩"),
            ("val/аuc", "val/⟨U+0430⟩uc"),
            ("lοss", "l⟨U+03BF⟩ss"),
            ("𝖺uc", "⟨U+1D5BA⟩uc"),
            ("ɡpt", "⟨U+0261⟩pt"),
        ] {
            assert_eq!(visible(given), shown, "{given}");
        }
    }

    #[test]
    fn other_alphabets_are_let_alone() {
        for given in [
            "модель мошенничества",
            "β-vae",
            "Δloss α=0.1",
            "μ",
            "Größe",
            "naïve café",
            "価格モデル",
            "모델",
            "نموذج",
        ] {
            assert_eq!(visible(given), given);
        }
    }
}
