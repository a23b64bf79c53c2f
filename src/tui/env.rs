//! What every pane and overlay may look at: the present, the zone, the theme, who sits here and what is allowed.
//!
//! Nothing here asks a clock or the system; the shell brings it in with each message.

use super::connecting::Connecting;
use super::message::{Moment, Overview};
use super::theme::Theme;
use crate::domain::MetricDirections;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The surroundings of the screen.
#[derive(Debug, Clone)]
pub struct Env {
    pub now: Moment,
    pub zone: TimeZone,
    pub theme: Theme,
    /// The name of who sits here, as the store records it.
    pub person: String,
    pub stale_after: SignedDuration,
    pub directions: MetricDirections,
    /// Why nothing can be changed, where nothing can.
    pub read_only: Option<String>,
    /// Whether the demo is offered where the store is empty.
    pub offer_demo: bool,
    /// The last glance over the whole store.
    pub overview: Overview,
    /// Whether a question to the store costs next to nothing, so that none needs to be spared.
    pub is_near: bool,
    /// The store is still to be connected to.
    pub connecting: Option<Connecting>,
}

impl Default for Env {
    /// An environment for the first moment of all, in UTC.
    fn default() -> Self {
        Self {
            now: Moment {
                at: Timestamp::UNIX_EPOCH,
                elapsed: Duration::ZERO,
            },
            zone: TimeZone::UTC,
            theme: Theme::default(),
            person: "nobody".to_owned(),
            stale_after: SignedDuration::from_mins(10),
            directions: MetricDirections::default(),
            read_only: None,
            offer_demo: false,
            overview: Overview::default(),
            is_near: true,
            connecting: None,
        }
    }
}

impl Env {
    /// How long ago something was: `4 min`. Whole minutes, so that it changes once a minute at the most.
    pub fn ago(&self, then: Timestamp) -> String {
        span(self.now.at.duration_since(then))
    }

    /// A point in time as people here read it: `2026-11-23 16:47:05`.
    pub fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    }

    /// A point in time and how long ago it was.
    pub fn when(&self, at: Timestamp) -> String {
        format!("{} ({} ago)", self.local(at), self.ago(at))
    }
}

/// A span of time in its one or two largest units, not finer than a minute.
pub fn span(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    match minutes {
        ..1 => "<1 min".to_owned(),
        1..60 => format!("{minutes} min"),
        60..1_440 => format!("{} h {:02}", minutes / 60, minutes % 60),
        1_440..14_400 => format!("{} d {} h", minutes / 1_440, minutes / 60 % 24),
        _ => format!("{} d", minutes / 1_440),
    }
}

/// How long something that is over took: with seconds where they matter.
pub fn took(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..0 => "0 s".to_owned(),
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02}", seconds / 60, seconds % 60),
        _ => span(duration),
    }
}

/// A count with its thousands set apart: `10,412`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short_and_change_once_a_minute() {
        for (seconds, shown) in [
            (-5, "<1 min"),
            (59, "<1 min"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h 00"),
            (90_000, "1 d 1 h"),
            (9_000_000, "104 d"),
        ] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), shown);
        }
        assert_eq!(took(SignedDuration::from_secs(61)), "1 min 01");
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (10_412, "10,412"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(count(number), shown);
        }
    }
}
