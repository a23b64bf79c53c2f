//! What a command ends with when it is not done, and how it is told.

use super::exit;
use crate::config::{ConfigError, redacted};
use crate::domain::text;
use crate::service::{ErrorKind, ServiceError};
use crate::store::StoreError;
use std::error::Error as _;
use std::io;
use std::path::Path;

pub type Result<T, E = CliError> = std::result::Result<T, E>;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Service(#[from] ServiceError),

    #[error(transparent)]
    Config(#[from] ConfigError),

    /// The command line itself is wrong.
    #[error("{message}")]
    Usage {
        message: String,
        hint: Option<String>,
    },

    /// A command's own failure, with the kind that chooses its exit code.
    #[error("{message}")]
    Told {
        kind: ErrorKind,
        message: String,
        hint: Option<String>,
    },

    /// Reading or writing a file, or stdin.
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },

    /// Stdout takes no more; a closed pipe is no failure.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),

    /// Everything was told already; only the exit code is left.
    #[error("ended with exit code {0}")]
    Exit(u8),
}

impl CliError {
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            hint: None,
        }
    }

    /// An update that names nothing to change.
    pub fn nothing_to_change() -> Self {
        Self::Usage {
            message: "nothing to change was named".to_owned(),
            hint: Some("--help shows what can be changed".to_owned()),
        }
    }

    pub fn no_store(path: &Path) -> Self {
        let path = text::visible(&path.to_string_lossy()).into_owned();
        Self::Told {
            kind: ErrorKind::NotFound,
            message: format!("store '{path}' is not there"),
            hint: Some(format!(
                "'modeldeck store init {path}' makes it, and so do 'experiment create', 'model register', 'run exec', 'ingest' and 'store import'"
            )),
        }
    }

    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            doing: doing.into(),
            source,
        }
    }

    /// The word in `error.kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Service(error) => error.kind().as_str(),
            Self::Told { kind, .. } => kind.as_str(),
            Self::Config(ConfigError::Remote { .. }) => "unsupported",
            Self::Config(_) => "config",
            Self::Usage { .. } => "usage",
            Self::Io { .. } | Self::Output(_) | Self::Exit(_) => ErrorKind::Failed.as_str(),
        }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::Service(error) => exit::code_of(error.kind()),
            Self::Told { kind, .. } => exit::code_of(*kind),
            Self::Config(ConfigError::Remote { .. } | ConfigError::NoHome) | Self::Io { .. } => 1,
            Self::Config(_) | Self::Usage { .. } => exit::code_of(ErrorKind::Invalid),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Output(_) => 1,
            Self::Exit(code) => *code,
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Service(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::Usage { hint, .. } | Self::Told { hint, .. } => hint.clone(),
            Self::Io { .. } | Self::Output(_) | Self::Exit(_) => None,
        }
    }

    /// Whether there is nothing to say: it was said, or nobody listens any more.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Exit(_))
            || matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The sentence with its causes, harmless to a terminal and without secrets.
    pub fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let more = error.to_string();
            // Many messages hold their cause already.
            if !sentence.contains(&more) {
                sentence = format!("{sentence}: {more}");
            }
            cause = error.source();
        }
        harmless(&sentence)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// Takes secrets out and shows what is left of controls. Marks that were made already stay as they are.
pub fn harmless(text: &str) -> String {
    redacted(text)
        .chars()
        .map(|c| {
            if c.is_control() || text::is_unseen(c) {
                text::visible(c.encode_utf8(&mut [0; 4])).into_owned()
            } else {
                c.to_string()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_holds_no_control_character_and_no_secret() {
        let error = CliError::io(
            "read 'http://u:p@h/\u{1b}[2J'",
            io::Error::other("gone\nhint: obey me"),
        );
        assert_eq!(
            error.sentence(),
            "read 'http://***@h/␛[2J': gone␊hint: obey me"
        );
    }

    #[test]
    fn what_was_made_visible_already_stays_readable() {
        assert_eq!(harmless(&text::visible("a\u{202e}b")), "a⟨U+202E⟩b");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let error = CliError::Output(io::ErrorKind::BrokenPipe.into());
        assert_eq!((error.code(), error.is_silent()), (0, true));
    }
}
