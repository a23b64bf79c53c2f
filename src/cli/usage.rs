//! Mistakes on the command line, told in our form instead of clap's.

use super::error::CliError;
use crate::domain::text;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Turns clap's error into ours; `None` where it is help or the version, which were asked for.
pub(super) fn told(mut error: clap::Error) -> Option<CliError> {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return None;
    }
    // What was typed is made visible before it is laid out, so that it cannot forge a line of the message.
    let typed: Vec<(ContextKind, ContextValue)> = error
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(given) => Some((
                kind,
                ContextValue::String(text::visible(given).into_owned()),
            )),
            ContextValue::Strings(given) => Some((
                kind,
                ContextValue::Strings(
                    given
                        .iter()
                        .map(|given| text::visible(given).into_owned())
                        .collect(),
                ),
            )),
            _ => None,
        })
        .collect();
    for (kind, value) in typed {
        error.insert(kind, value);
    }
    let rendered = error.render().to_string();
    let mut paragraphs = rendered
        .trim_end()
        .split("\n\n")
        .map(|paragraph| {
            let words: Vec<&str> = paragraph.split_whitespace().collect();
            words.join(" ")
        })
        .filter(|paragraph| !paragraph.starts_with("For more information"));
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let hints: Vec<String> = paragraphs
        .map(|paragraph| paragraph.replace("tip: ", ""))
        .collect();
    Some(CliError::Usage {
        message: message.to_owned(),
        hint: Some(if hints.is_empty() {
            "--help shows how it is used".to_owned()
        } else {
            hints.join(" · ")
        }),
    })
}
