//! `NaN`, `Infinity` and `-Infinity` as bare words, which Python's `json` prints and JSON does not know.

/// Puts the bare words into quotes, outside of strings only; `None` when the line has none.
pub(super) fn quoted(line: &[u8]) -> Option<Vec<u8>> {
    let mut rewritten = Vec::new();
    let mut copied = 0;
    let (mut at, mut in_string) = (0, false);
    while at < line.len() {
        match line[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'N' | b'I' | b'-' if !in_string => {
                if let Some(word) = word_at(&line[at..]) {
                    rewritten.extend_from_slice(&line[copied..at]);
                    rewritten.push(b'"');
                    rewritten.extend_from_slice(word);
                    rewritten.push(b'"');
                    at += word.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return None;
    }
    rewritten.extend_from_slice(&line[copied..]);
    Some(rewritten)
}

fn word_at(rest: &[u8]) -> Option<&'static [u8]> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    WORDS
        .into_iter()
        .find(|word| rest.starts_with(word))
        .filter(|word| {
            rest.get(word.len())
                .is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_')
        })
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_bare_words_outside_of_strings_are_quoted() {
        for (given, expected) in [
            (r#"{"value": NaN}"#, Some(r#"{"value": "NaN"}"#)),
            (
                r#"{"value":-Infinity,"k":Infinity}"#,
                Some(r#"{"value":"-Infinity","k":"Infinity"}"#),
            ),
            (r#"{"key": "NaN \" NaN", "value": 1}"#, None),
            (r#"{"value": NaNo}"#, None),
            (r#"{"value": -1}"#, None),
        ] {
            let rewritten = quoted(given.as_bytes()).map(|line| String::from_utf8(line).unwrap());
            assert_eq!(rewritten.as_deref(), expected, "{given}");
        }
    }
}
