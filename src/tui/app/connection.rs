//! Before the store is there: what comes of the attempts to reach it.

use super::App;
use crate::tui::message::{Effect, Progress};

impl App {
    pub(super) fn connection(&mut self, progress: Progress, effects: &mut Vec<Effect>) {
        let now = self.env.now.elapsed;
        self.dirty = true;
        let Some(connecting) = &mut self.env.connecting else {
            return;
        };
        match progress {
            Progress::Begun => connecting.begun(now),
            Progress::Failed { failure, pause } => connecting.failed(failure, now + pause),
            // What is wrong with how it was started cannot be mended from within. After a wait it may be the server that comes up by and by.
            Progress::Refused(failure) if !connecting.was_waited_for() => {
                effects.push(Effect::GiveUp(failure));
            }
            Progress::Refused(failure) => connecting.refused(failure),
            Progress::Connected { read_only, is_near } => {
                self.env.is_near = is_near;
                self.env.connecting = None;
                self.env.read_only = read_only;
                self.held.clear();
            }
        }
    }

    /// Whether there is a store to be asked. What a tab asks before that waits for it, once.
    pub(super) fn is_held(&mut self) -> bool {
        if self.env.connecting.is_none() {
            return false;
        }
        let was_asked = self.held.contains(&self.tab);
        if !was_asked {
            self.held.push(self.tab);
        }
        was_asked
    }
}
