//! How far what is on the screen can be trusted: live, paused by somebody, or old because the store does not answer.

use super::App;
use crate::tui::message::{Effect, Failure};
use std::time::Duration;

/// How often the store is asked whether something was written.
pub(super) fn watch_interval(focused: bool) -> Duration {
    Duration::from_millis(if focused { 100 } else { 400 })
}

/// The longest pause between two attempts to reach a store that does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Live {
    paused: bool,
    /// Something was written while it was paused.
    behind: bool,
    trouble: Option<Trouble>,
}

#[derive(Debug, Clone)]
struct Trouble {
    since: Duration,
    retry_at: Duration,
    pause: Duration,
}

/// What the header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live,
    Paused { behind: bool },
    Stale { seconds: u64, retry_in: u64 },
}

impl Live {
    pub(super) fn state(&self, now: Duration) -> State {
        match &self.trouble {
            Some(trouble) => State::Stale {
                seconds: now.saturating_sub(trouble.since).as_secs(),
                retry_in: trouble.retry_at.saturating_sub(now).as_secs(),
            },
            None if self.paused => State::Paused {
                behind: self.behind,
            },
            None => State::Live,
        }
    }

    /// Something was written; tells whether the screen is to follow.
    pub(super) fn changed(&mut self) -> bool {
        self.behind |= self.paused;
        !self.paused
    }

    /// Pauses or resumes; tells whether something is to be caught up with.
    pub(super) fn toggle(&mut self) -> bool {
        self.paused = !self.paused;
        !self.paused && std::mem::take(&mut self.behind)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused
    }

    pub(super) fn caught_up(&mut self) {
        self.behind = false;
    }

    /// Takes note of whether the store answers. Only what passes by itself is tried again.
    pub(super) fn answered(&mut self, failure: Option<&Failure>, now: Duration, dirty: &mut bool) {
        match failure {
            None => *dirty |= self.trouble.take().is_some(),
            Some(failure) if failure.passes() => {
                *dirty = true;
                let pause = Duration::from_secs(1);
                self.trouble.get_or_insert(Trouble {
                    since: now,
                    retry_at: now + pause,
                    pause,
                });
            }
            Some(_) => {}
        }
    }

    /// Whether it is time to ask again; the pause until the next time is twice as long.
    pub(super) fn retries(&mut self, now: Duration) -> bool {
        let due = self
            .trouble
            .as_mut()
            .filter(|trouble| now >= trouble.retry_at);
        let Some(trouble) = due else { return false };
        trouble.pause = (trouble.pause * 2).min(LONGEST_PAUSE);
        trouble.retry_at = now + trouble.pause;
        true
    }

    /// While seconds are shown they count.
    pub(super) fn wakes_at(&self, now: Duration) -> Option<Duration> {
        self.trouble.as_ref().map(|_| now + Duration::from_secs(1))
    }
}

impl App {
    pub(super) fn watched(&mut self, failure: Option<&Failure>, effects: &mut Vec<Effect>) {
        let works_again = failure.is_none();
        let now = self.env.now.elapsed;
        self.live.answered(failure, now, &mut self.dirty);
        if works_again && !self.live.is_paused() {
            self.refresh(effects);
        }
    }
}
