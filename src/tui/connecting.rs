//! The way to a store that is on a server, for as long as it is not there: since when it is tried, what stood in the way, and when it is tried again.
//!
//! The screen is up all the while. Who tries is not known here.

use super::message::Failure;
use std::time::Duration;

/// An attempt that takes so long may be in vain; then it is told what can be done.
const LONG: Duration = Duration::from_secs(4);

/// How a connection comes along.
#[derive(Debug, Clone, PartialEq)]
pub struct Connecting {
    /// The address.
    target: String,
    step: Step,
    /// What stood in the way the last time.
    failure: Option<Failure>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Trying {
        since: Duration,
    },
    Waiting {
        retry_at: Duration,
    },
    /// Waiting mends nothing.
    Refused,
}

/// One line of what is told in place of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Problem,
    Hint,
}

impl Connecting {
    pub fn new(target: impl Into<String>, now: Duration) -> Self {
        Self {
            target: target.into(),
            step: Step::Trying { since: now },
            failure: None,
        }
    }

    pub(super) fn begun(&mut self, now: Duration) {
        self.step = Step::Trying { since: now };
    }

    pub(super) fn failed(&mut self, failure: Failure, retry_at: Duration) {
        self.step = Step::Waiting { retry_at };
        self.failure = Some(failure);
    }

    pub(super) fn refused(&mut self, failure: Failure) {
        self.step = Step::Refused;
        self.failure = Some(failure);
    }

    /// Whether any attempt failed before.
    pub(super) fn was_waited_for(&self) -> bool {
        self.failure.is_some()
    }

    pub(super) fn is_trying(&self) -> bool {
        matches!(self.step, Step::Trying { .. })
    }

    /// For the header.
    pub(super) fn summary(&self, now: Duration) -> String {
        match self.step {
            Step::Trying { since } => format!("◌ connecting, {} s", seconds_since(since, now)),
            Step::Waiting { retry_at } => {
                let seconds = seconds_until(retry_at, now);
                format!("✗ not connected, retrying in {seconds} s")
            }
            Step::Refused => "✗ not connected, R tries again".to_owned(),
        }
    }

    /// What stands where rows will be.
    pub(super) fn lines(&self, now: Duration) -> Vec<(Tone, String)> {
        let mut lines = Vec::new();
        if let Some(failure) = &self.failure {
            lines.push((Tone::Problem, failure.message.clone()));
            let because = failure
                .because()
                .into_iter()
                .map(|line| (Tone::Problem, line));
            lines.extend(because);
            lines.extend(failure.hint.clone().map(|hint| (Tone::Hint, hint)));
        }
        match self.step {
            Step::Trying { since } => {
                let seconds = seconds_since(since, now);
                let again = if self.failure.is_some() { " again" } else { "" };
                let said = format!("connecting{again} to {}, {seconds} s", self.target);
                lines.push((Tone::Plain, said));
                if now.saturating_sub(since) >= LONG {
                    let said = "it takes its time: it may be busy, down or cut off; R tries anew, q leaves";
                    lines.push((Tone::Hint, said.to_owned()));
                }
            }
            Step::Waiting { retry_at } => {
                let seconds = seconds_until(retry_at, now);
                let said = format!("retrying in {seconds} s; R tries at once");
                lines.push((Tone::Plain, said));
            }
            Step::Refused => lines.push((Tone::Plain, "R tries again, q leaves".to_owned())),
        }
        lines
    }

    /// When another second is to be told.
    pub(super) fn wakes_at(&self, now: Duration) -> Option<Duration> {
        let second = Duration::from_secs(1);
        match self.step {
            Step::Trying { since } => {
                Some(since + second * u32::try_from(seconds_since(since, now) + 1).ok()?)
            }
            Step::Waiting { retry_at } => {
                let left = u32::try_from(seconds_until(retry_at, now)).ok()?;
                // With none left the next message comes from whoever tries.
                Some(
                    retry_at
                        .saturating_sub(second * left.saturating_sub(1))
                        .max(now + second / 4),
                )
            }
            Step::Refused => None,
        }
    }
}

fn seconds_since(since: Duration, now: Duration) -> u64 {
    now.saturating_sub(since).as_secs()
}

/// Whole seconds, of which the last one counts until it is over.
pub(super) fn seconds_until(at: Duration, now: Duration) -> u64 {
    at.saturating_sub(now)
        .as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ErrorKind;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn nobody() -> Failure {
        Failure {
            kind: ErrorKind::Unreachable,
            message: "nobody listens there".to_owned(),
            hint: Some("look at the port".to_owned()),
            field: None,
            causes: Vec::new(),
            meanwhile: None,
        }
    }

    #[test]
    fn it_counts_up_while_it_tries_and_down_while_it_waits() {
        let mut connecting = Connecting::new("http://h:5000", at(10.0));
        assert_eq!(connecting.summary(at(13.2)), "◌ connecting, 3 s");
        assert_eq!(connecting.wakes_at(at(13.2)), Some(at(14.0)));
        assert_eq!(connecting.lines(at(13.2)).len(), 1);
        assert_eq!(connecting.lines(at(14.2)).len(), 2, "and what to do");

        connecting.failed(nobody(), at(22.0));
        assert_eq!(
            connecting.summary(at(14.5)),
            "✗ not connected, retrying in 8 s"
        );
        assert_eq!(connecting.wakes_at(at(14.5)), Some(at(15.0)));
        assert_eq!(
            connecting.summary(at(21.9)),
            "✗ not connected, retrying in 1 s"
        );
        let told: Vec<String> = connecting
            .lines(at(14.5))
            .into_iter()
            .map(|(_, line)| line)
            .collect();
        assert_eq!(
            told,
            [
                "nobody listens there",
                "look at the port",
                "retrying in 8 s; R tries at once"
            ]
        );

        connecting.begun(at(22.0));
        assert!(connecting.was_waited_for() && connecting.is_trying());
        assert!(
            connecting
                .lines(at(23.0))
                .iter()
                .any(|(_, line)| line == "connecting again to http://h:5000, 1 s")
        );
    }
}
