//! Why the screen ended other than by being left.

use super::message::Failure;

#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("the screen needs a terminal, and this is none")]
    NotATerminal,
    #[error("the screen needs a terminal that can place a cursor, and TERM is 'dumb'")]
    DumbTerminal,
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
    /// The store would not have us, and waiting mends nothing.
    #[error("{}", .0.message)]
    NotConnected(Failure),
    #[error("not every change was carried out before the end; look which of them took effect")]
    Unfinished,
    /// In the order of the changes; never empty.
    #[error("{}", refused_late(.0))]
    Refused(Vec<Failure>),
}

/// How many late refusals are told; more are counted.
const LATE_TOLD: usize = 20;

/// All that was refused after the screen was left: nobody can look it up there any more.
fn refused_late(failures: &[Failure]) -> String {
    let told: Vec<&str> = failures
        .iter()
        .take(LATE_TOLD)
        .map(|failure| failure.message.as_str())
        .collect();
    let begin = match failures.len() {
        1 => "a change was".to_owned(),
        several => format!("{several} changes were"),
    };
    let more = match failures.len().saturating_sub(LATE_TOLD) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "{begin} refused after the screen was left: {}{more}",
        told.join("; ")
    )
}

impl TuiError {
    /// What to try next.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotATerminal | Self::DumbTerminal => Some(
                "everything is on the command line too: 'modeldeck run list', 'modeldeck --help'",
            ),
            Self::Terminal(_) => None,
            Self::NotConnected(failure) => failure.hint.as_deref(),
            Self::Unfinished => Some("'modeldeck audit list' shows what was changed"),
            Self::Refused(failures) => failures.first()?.hint.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ErrorKind;

    #[test]
    fn every_late_refusal_is_told_up_to_a_number() {
        let failures = |count: usize| -> Vec<Failure> {
            let failure = |number| Failure {
                kind: ErrorKind::Conflict,
                message: format!("no {number}"),
                hint: Some(format!("hint {number}")),
                field: None,
                causes: Vec::new(),
                meanwhile: None,
            };
            (1..=count).map(failure).collect()
        };
        let told = |count| TuiError::Refused(failures(count)).to_string();
        assert_eq!(
            told(1),
            "a change was refused after the screen was left: no 1"
        );
        assert_eq!(
            told(2),
            "2 changes were refused after the screen was left: no 1; no 2"
        );
        assert!(told(25).ends_with("; no 20; and 5 more"));
        assert_eq!(TuiError::Refused(failures(2)).hint(), Some("hint 1"));
    }
}
