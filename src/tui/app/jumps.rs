//! From tab to tab: by number, by relation, and back the way one came.

use super::{App, Step};
use crate::tui::message::Effect;
use crate::tui::panes::{Jump, Place, Tab};

/// A longer way back is forgotten at its beginning.
const LONGEST_WAY: usize = 50;

impl App {
    /// Shows a tab; what it showed before is there at once, and asked for anew.
    pub(super) fn show(&mut self, tab: Tab, effects: &mut Vec<Effect>) {
        if tab != self.tab {
            self.tab = tab;
            // The pane must know where it is before it is asked how much it needs.
            self.arrange(effects);
            self.refresh(effects);
        }
    }

    pub(super) fn jump(&mut self, jump: Jump, effects: &mut Vec<Effect>) {
        let from = self.panes.get(self.tab).place();
        let before = self.panes.get(jump.tab).place();
        self.way_back.push(Step { from, before });
        if self.way_back.len() > LONGEST_WAY {
            self.way_back.remove(0);
        }
        let place = Place {
            tab: jump.tab,
            scope: jump.scope,
            filter: String::new(),
            sort: None,
            selected: jump.select,
        };
        self.go(place, effects);
    }

    /// Goes back to where one came from; false when one came from nowhere.
    pub(super) fn jump_back(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(Step { from, before }) = self.way_back.pop() else {
            return false;
        };
        // A tab that was only visited shows again what it showed.
        if before.tab == self.tab && before.tab != from.tab {
            self.go(before, effects);
        }
        self.go(from, effects);
        true
    }

    fn go(&mut self, place: Place, effects: &mut Vec<Effect>) {
        self.tab = place.tab;
        let requests = self.panes.get_mut(self.tab).go(place, &self.env);
        self.carry(requests, effects);
    }
}
