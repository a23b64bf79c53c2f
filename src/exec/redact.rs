//! The command as it is recorded: as a shell would read it, without what looks like a secret.
//!
//! A name that speaks of a secret hides its value, whichever way the two are joined. It is a safety net and not a promise: a secret
//! that looks like nothing in particular is not seen.

use crate::domain::secret::speaks_of_secret;
use std::ffi::OsString;

const HIDDEN: &str = "***";

/// The longest command line that is kept, in characters.
const LONGEST: usize = 4_000;

/// How tokens of known services begin.
const TOKEN_PREFIXES: [&str; 10] = [
    "hf_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "sk-",
    "xoxb-",
    "xoxp-",
    "eyJ",
];

/// The words after which a secret follows in an `Authorization` header.
const SCHEMES: [&str; 3] = ["bearer", "basic", "token"];

/// Joins a command to one line that a shell would understand, secrets hidden.
pub fn command_line(command: &[OsString]) -> String {
    let words: Vec<String> = command
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let line = hidden(&words)
        .iter()
        .map(|word| quoted(word))
        .collect::<Vec<_>>()
        .join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

fn hidden(words: &[String]) -> Vec<String> {
    let mut hide_next = false;
    let mut shown = Vec::with_capacity(words.len());
    for word in words {
        let follows = std::mem::take(&mut hide_next);
        if follows && !word.starts_with("--") {
            // 'Authorization: Bearer X' has a word between.
            hide_next = SCHEMES.contains(&word.to_ascii_lowercase().as_str());
            shown.push(if hide_next { word } else { HIDDEN }.to_owned());
        } else if word.contains(char::is_whitespace) {
            shown.push(inside(word));
        } else {
            hide_next = announces(word);
            shown.push(without_secret(word));
        }
    }
    shown
}

/// The words inside of one argument: a script for `sh -c`, a header for `curl -H`.
fn inside(argument: &str) -> String {
    let spaces: Vec<&str> = argument
        .split(|c: char| !c.is_whitespace())
        .filter(|s| !s.is_empty())
        .collect();
    let words: Vec<String> = argument.split_whitespace().map(str::to_owned).collect();
    let words = hidden(&words);
    let mut line = String::new();
    let mut spaces = spaces.into_iter();
    if argument.starts_with(char::is_whitespace) {
        line.push_str(spaces.next().unwrap_or_default());
    }
    for word in words {
        line.push_str(&word);
        line.push_str(spaces.next().unwrap_or_default());
    }
    line
}

/// Whether the next word is the value of this one: `--token X`, `Authorization: X`.
fn announces(word: &str) -> bool {
    let word = word.trim_start_matches(['"', '\'']);
    let is_flag = word.starts_with('-') && !word.contains('=');
    let is_header = word.ends_with(':');
    (is_flag || is_header) && speaks_of_secret(word.trim_end_matches(':'))
}

fn without_secret(word: &str) -> String {
    if TOKEN_PREFIXES
        .iter()
        .any(|prefix| word.starts_with(prefix) && word.len() >= prefix.len() + 12)
    {
        return HIDDEN.to_owned();
    }
    if let Some(at) = word.find("://") {
        return address(word, at);
    }
    match word.split_once(['=', ':']) {
        Some((name, value)) if !value.is_empty() && speaks_of_secret(name) => {
            format!("{}{HIDDEN}", &word[..=name.len()])
        }
        _ => word.to_owned(),
    }
}

/// An address without user, password and secret parameters; what stands before it (`--uri=`) stays.
fn address(word: &str, scheme_end: usize) -> String {
    let (scheme, rest) = word.split_at(scheme_end + "://".len());
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or_else(
        || authority.to_owned(),
        |(_, host)| format!("{HIDDEN}@{host}"),
    );
    let Some((path, query)) = path.split_once('?') else {
        return format!("{scheme}{host}{path}");
    };
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if speaks_of_secret(name) => format!("{name}={HIDDEN}"),
            _ => pair.to_owned(),
        })
        .collect();
    format!("{scheme}{host}{path}?{}", query.join("&"))
}

fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_alphanumeric() || "-_./=:,+@%*".contains(c));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &[&str], expected: &str) {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        assert_eq!(command_line(&command), expected);
    }

    #[test]
    fn secrets_do_not_come_into_the_record() {
        check(&["t", "--token", "abc", "-v"], "t --token *** -v");
        check(&["t", "--password=abc"], "t --password=***");
        check(
            &["env", "WANDB_API_KEY=abc", "t"],
            "env WANDB_API_KEY=*** t",
        );
        check(&["env", "FOO_KEY=abc"], "env FOO_KEY=***");
        check(&["t", "--api-key", "abc"], "t --api-key ***");
        check(&["t", "hf_abcdefghijklmnop"], "t ***");
        check(
            &["t", "https://u:p@h/x?token=abc&n=1"],
            "t 'https://***@h/x?token=***&n=1'",
        );
        check(
            &["t", "--db=postgres://u:p@h/x"],
            "t --db=postgres://***@h/x",
        );
        check(
            &["curl", "-H", "Authorization: Bearer abc"],
            "curl -H 'Authorization: Bearer ***'",
        );
        check(
            &["sh", "-c", "python  t.py --token abc --lr 1"],
            "sh -c 'python  t.py --token *** --lr 1'",
        );
    }

    #[test]
    fn what_is_no_secret_stays_readable() {
        check(
            &[
                "t",
                "--lr",
                "0.1",
                "--max-tokens",
                "5",
                "--pad-token",
                "x",
                "--sort-key=a",
                "a b",
                "it's",
            ],
            r"t --lr 0.1 --max-tokens 5 --pad-token x --sort-key=a 'a b' 'it'\''s'",
        );
        check(&["t", "--token", "--lr", "1"], "t --token --lr 1");
    }

    #[test]
    fn a_very_long_command_is_cut() {
        let command = [OsString::from("ä".repeat(9_000))];
        assert_eq!(command_line(&command).chars().count(), LONGEST + 1);
    }
}
