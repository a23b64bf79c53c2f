//! Times for people: local, and no longer than needed.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `2026-11-05 10:32`, in local time.
pub fn moment(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// `2026-11-05 10:32:07 CET`, in local time.
pub fn precise(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

/// `4 min`, `2 h 5 min`, `3 d 4 h`: the two largest units.
pub fn duration(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let two = |large: i64, unit: &str, small: i64, smaller: &str| {
        if small == 0 {
            format!("{large} {unit}")
        } else {
            format!("{large} {unit} {small} {smaller}")
        }
    };
    if days > 0 {
        two(days, "d", hours, "h")
    } else if hours > 0 {
        two(hours, "h", minutes, "min")
    } else if minutes >= 10 {
        format!("{minutes} min")
    } else if minutes > 0 {
        two(minutes, "min", rest, "s")
    } else {
        format!("{rest} s")
    }
}

/// `4 min ago`, or `in 4 min` for what lies ahead of this machine's clock.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let since = now.duration_since(at);
    if since.as_secs() < 0 {
        format!("in {}", duration(since.abs()))
    } else {
        format!("{} ago", duration(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (3_599, "59 min"),
            (7_500, "2 h 5 min"),
            (86_400, "1 d"),
            (100_000, "1 d 3 h"),
        ] {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_future_is_told_as_such() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(ago(now + SignedDuration::from_secs(60), now), "in 1 min");
        assert_eq!(ago(now - SignedDuration::from_secs(60), now), "1 min ago");
    }
}
