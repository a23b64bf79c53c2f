//! How the mirror is, in the header: as much of it as there is room for.
//!
//! ```text
//! ⟲ MLflow: offline, 12 queued, oldest 4 min, last success 6 min ago, next try in 8 s
//! ```

use super::App;
use crate::domain::{MirrorState, SyncStatus};
use crate::tui::env::{span, took};
use ratatui::style::Style;
use std::time::Duration;

/// From so many columns on it is told since when, and when it goes on; and when it worked last.
const WIDE: u16 = 100;
const WIDEST: u16 = 150;

impl App {
    /// The words of the header; none for a store that is not mirrored.
    pub(super) fn mirror_words(&self, width: u16) -> Option<(String, Style)> {
        let sync = &self.env.overview.sync;
        let mut words = vec![sync.summary()?];
        let now = self.env.now.at;
        if let Some(oldest) = sync.oldest_at.filter(|_| is_away(sync) && width >= WIDE) {
            words.push(format!("oldest {}", span(now.duration_since(oldest))));
        }
        if let Some(last) = sync
            .last_success_at
            .filter(|_| is_away(sync) && width >= WIDEST)
        {
            words.push(format!(
                "last success {} ago",
                span(now.duration_since(last))
            ));
        }
        if let Some(next) = self.next_try().filter(|_| width >= WIDE) {
            words.push(format!("next try in {}", took(next)));
        }
        let theme = &self.env.theme;
        let style = match sync.state {
            _ if sync.dead > 0 => theme.bad,
            MirrorState::Offline | MirrorState::Refused => theme.warn,
            _ => theme.muted,
        };
        Some((format!("⟲ MLflow: {}", words.join(", ")), style))
    }

    /// How long it is until the server is asked again.
    fn next_try(&self) -> Option<jiff::SignedDuration> {
        let sync = &self.env.overview.sync;
        let next = sync.next_try_at.filter(|_| is_away(sync))?;
        Some(next.duration_since(self.env.now.at)).filter(jiff::SignedDuration::is_positive)
    }

    /// While seconds are shown they count.
    pub(super) fn mirror_wakes_at(&self) -> Option<Duration> {
        self.next_try()
            .map(|_| self.env.now.elapsed + Duration::from_secs(1))
    }
}

fn is_away(sync: &SyncStatus) -> bool {
    matches!(sync.state, MirrorState::Offline | MirrorState::Refused)
}
