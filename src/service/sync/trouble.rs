//! Why a server cannot be used, in words for people, and how long it is left alone.
//!
//! Knows neither the queue nor the lease.

use crate::store::StoreError;
use crate::store::sync::SyncFault;
use std::time::Duration;

/// The longest wait for an item.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// A server that asks for more time than this gets this much.
pub(super) const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// How long a server wants to be left alone, within reason.
pub(super) fn asked(wait: Option<Duration>) -> Duration {
    wait.unwrap_or_default().min(LONGEST_ASKED)
}

/// An error with what caused it.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// Why the server cannot be used.
#[derive(Debug)]
pub(super) struct Trouble {
    /// It is there and would not.
    pub(super) refused: bool,
    /// It is another server.
    pub(super) is_other: bool,
    pub(super) problem: String,
    /// How long it asks to be left alone.
    pub(super) wait: Option<Duration>,
}

impl Trouble {
    pub(super) fn of(error: &StoreError) -> Self {
        let problem = sentence(error);
        Self {
            refused: !matches!(
                error,
                StoreError::Unreachable { .. }
                    | StoreError::NotMlflow { .. }
                    | StoreError::Unavailable { .. }
            ),
            is_other: false,
            problem: match error.hint() {
                Some(hint) => format!("{problem}; {hint}"),
                None => problem,
            },
            wait: match error {
                StoreError::Unavailable { retry_after, .. } => *retry_after,
                _ => None,
            },
        }
    }
}

impl From<SyncFault> for Trouble {
    fn from(fault: SyncFault) -> Self {
        match fault {
            SyncFault::Server(error) => Self::of(&error),
            SyncFault::Refused(problem) => Self {
                refused: true,
                is_other: false,
                problem,
                wait: None,
            },
            SyncFault::Passing { reason, wait } | SyncFault::Throttled { reason, wait } => Self {
                refused: false,
                is_other: false,
                problem: match wait {
                    Some(wait) => format!(
                        "{reason}; the server asks to be left alone for {} s",
                        asked(Some(wait)).as_secs()
                    ),
                    None => reason,
                },
                wait,
            },
            other => Self {
                refused: false,
                is_other: false,
                problem: sentence(&other),
                wait: None,
            },
        }
    }
}

/// Twice as long each time, and somewhere between half of that and all of it, so that many programs do not come back at once.
pub(super) fn backoff(first: Duration, attempts: u32, most: Duration) -> Duration {
    let factor = 2_u32.saturating_pow(attempts.saturating_sub(1).min(16));
    let whole = first.saturating_mul(factor).min(most);
    let chance = f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 255.0;
    whole.mul_f64(0.5 + chance / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit() {
        let first = Duration::from_secs(1);
        for (attempts, least, most) in [(1, 0.5, 1.0), (3, 2.0, 4.0), (40, 150.0, 300.0)] {
            let wait = backoff(first, attempts, LONGEST_WAIT).as_secs_f64();
            assert!((least..=most).contains(&wait), "{attempts}: {wait}");
        }
    }
}
