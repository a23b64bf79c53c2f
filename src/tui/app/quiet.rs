//! Keys that were meant for a form which closed before they came: they must not act on the list that stands there now.
//!
//! A form closes when its change was carried out, at a moment that nobody at the keys chooses. Keys that come before the screen without
//! the form was drawn are swallowed, and so is what follows them without a pause.

use std::time::Duration;

/// Keys that follow each other faster than this go on with what was typed before.
const PAUSE: Duration = Duration::from_millis(40);

/// Whether keys are swallowed now.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiet {
    #[default]
    Off,
    /// Until the screen was drawn; when the last key was swallowed.
    UntilDrawn { swallowed: Option<Duration> },
    /// Until keys stop coming.
    While { swallowed: Duration },
}

impl Quiet {
    pub(super) fn drawn(&mut self) {
        if let Self::UntilDrawn { swallowed } = *self {
            *self = swallowed.map_or(Self::Off, |swallowed| Self::While { swallowed });
        }
    }

    /// Takes note of a key; tells whether it is to be swallowed.
    pub(super) fn swallows(&mut self, now: Duration) -> bool {
        match self {
            Self::Off => false,
            Self::UntilDrawn { swallowed } => {
                *swallowed = Some(now);
                true
            }
            Self::While { swallowed } if now < *swallowed + PAUSE => {
                *swallowed = now;
                true
            }
            Self::While { .. } => {
                *self = Self::Off;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_into_a_closed_form_is_swallowed_and_nothing_else() {
        let at = Duration::from_millis;
        let mut quiet = Quiet::UntilDrawn { swallowed: None };
        quiet.drawn();
        assert!(!quiet.swallows(at(1)), "a key after the frame is meant");
        quiet = Quiet::UntilDrawn { swallowed: None };
        assert!(quiet.swallows(at(10)) && quiet.swallows(at(12)));
        quiet.drawn();
        assert!(quiet.swallows(at(20)), "the rest of it");
        assert!(!quiet.swallows(at(90)));
        assert!(!quiet.swallows(at(91)));
    }
}
