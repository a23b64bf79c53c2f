//! How far what is on the screen can be trusted: live, paused by somebody, or old because the store does not answer.

use super::App;
use crate::tui::connecting::seconds_until;
use crate::tui::message::{Effect, Failure, Lane};
use crate::tui::panes::Tab;
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
    /// What failed for good: it is asked again with the next change or by hand only.
    broken: Vec<Source>,
}

/// Where a failure came from that no list tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Watch,
    Overview,
    Count(Tab),
}

impl Source {
    /// The source of what a lane answers, where nothing else on the screen tells that it failed.
    pub(super) fn of(lane: Lane) -> Option<Self> {
        match lane {
            Lane::Overview => Some(Self::Overview),
            Lane::Count(tab) => Some(Self::Count(tab)),
            Lane::Rows(_) | Lane::Detail(_) | Lane::Beside(_) | Lane::Reader => None,
        }
    }
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
    Paused {
        behind: bool,
    },
    Stale {
        seconds: u64,
        retry_in: u64,
    },
    /// Something that the screen follows could not be asked, and will not be by itself.
    Broken,
}

impl Live {
    pub(super) fn state(&self, now: Duration, tab: Tab) -> State {
        let is_seen = |source: &Source| !matches!(source, Source::Count(of) if *of != tab);
        match &self.trouble {
            Some(trouble) => State::Stale {
                seconds: now.saturating_sub(trouble.since).as_secs(),
                retry_in: seconds_until(trouble.retry_at, now),
            },
            None if self.broken.iter().any(is_seen) => State::Broken,
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

    /// Takes note of whether something that no list tells of failed for good; tells whether that is new.
    pub(super) fn heard_of(&mut self, source: Source, failure: Option<&Failure>) -> bool {
        let was_broken = self.broken.contains(&source);
        let is_broken = failure.is_some_and(|failure| !failure.passes());
        self.broken.retain(|known| *known != source);
        if is_broken {
            self.broken.push(source);
        }
        is_broken && !was_broken
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
        let trouble = self.trouble.as_ref()?;
        let second = now + Duration::from_secs(1);
        Some(second.min(trouble.retry_at.max(now)))
    }
}

impl App {
    /// Notes a failure that the screen would not show otherwise, and tells of it once.
    pub(super) fn hear_of(&mut self, source: Source, failure: Option<&Failure>) {
        let before = self.live.state(self.env.now.elapsed, self.tab);
        let is_new = self.live.heard_of(source, failure);
        self.dirty |= before != self.live.state(self.env.now.elapsed, self.tab);
        // Where the list failed too it tells why itself.
        if let Some(failure) = failure
            && is_new
            && before != State::Broken
            && self.panes.get(self.tab).failure().is_none()
        {
            self.fail(failure);
        }
    }

    pub(super) fn watched(&mut self, failure: Option<&Failure>, effects: &mut Vec<Effect>) {
        let works_again = failure.is_none();
        let now = self.env.now.elapsed;
        self.live.answered(failure, now, &mut self.dirty);
        self.hear_of(Source::Watch, failure);
        if works_again && !self.live.is_paused() {
            self.refresh(effects);
        }
    }
}
