//! What happens to selection, scroll and marks when rows come, go or are let through by a filter.

use super::window::Fetch;
use super::{Asked, Goal, ListPane, Made};
use crate::domain::fields;
use crate::domain::filter::Test;
use crate::store::Page;
use crate::tui::env::Env;
use crate::tui::panes::resource::Resource;
use std::borrow::Cow;
use std::collections::HashSet;

/// More free keys than this are not remembered.
const MOST_KEYS: usize = 5_000;
/// How far a neighbour of a row that vanished is looked for.
const NEIGHBOURS: usize = 100;

impl<T: Resource> ListPane<T> {
    /// Whether the selection moved on while the same rows were read anew, to where the answer does not reach.
    pub(super) fn outran(&self, asked: &Asked, page: &Page<T>) -> bool {
        let Some(selected) = &self.selected else {
            return false;
        };
        matches!(asked.fetch, Fetch::Anew { .. })
            && self.goal.is_none()
            && asked.selected.as_ref() != Some(selected)
            && !page.rows.iter().any(|row| row.id() == *selected)
    }

    pub(super) fn take_page(&mut self, asked: &Asked, page: Page<T>, env: &Env) {
        // A goal that came after the question waits for the next answer, unless it is in this one.
        let goal_was_asked_for = self.goal == asked.goal;
        let fetch = asked.fetch;
        let goal = self.goal.take();
        let anchor = self.row(self.top).map(|row| row.id().into_owned());
        let line = self.at.saturating_sub(self.top);
        let was_at_start = self.top == 0 && !self.window.more_before();
        let neighbours = self.neighbours();
        let total = self.totals.map(|(matching, _)| matching);

        let moved = self.window.take(fetch, page, total);
        self.learn_keys();
        self.lay_out_columns(env);
        self.let_through();
        if let (Some(moved), None) = (moved, &self.shown) {
            self.top = self.top.saturating_add_signed(moved);
            self.at = self.at.saturating_add_signed(moved);
        }
        if self.shown.is_some() || moved.is_none() {
            self.find_selected(&neighbours);
            self.top = match anchor.and_then(|id| self.position(&id)) {
                _ if was_at_start && self.at < self.height() => 0,
                Some(top) if goal.is_none() => top,
                _ => self.at.saturating_sub(line),
            };
        }
        match goal {
            Some(Goal::First) => self.select_at(0),
            Some(Goal::Last) => self.select_at(self.len().saturating_sub(1)),
            Some(Goal::Id(id) | Goal::Around(id)) => match self.position(&id) {
                Some(at) => self.select_at(at),
                None if !goal_was_asked_for => self.goal = Some(Goal::Id(id)),
                None => {
                    let is_hidden = self.made == Made::Wanted(id) && self.is_narrowed();
                    self.made = if is_hidden {
                        Made::Hidden
                    } else {
                        Made::Nothing
                    };
                }
            },
            None => {}
        }
        if self.selected.is_none() {
            self.select_at(0);
        }
        if fetch == Fetch::Around {
            // What lies around it is to be seen.
            let line = line.max(self.height() / 3);
            self.top = self.at.saturating_sub(line);
        }
        self.refresh_marks();
    }

    /// Chooses the columns. While a filter is typed, and as long as the rows that it lets through have them, those with free keys stay
    /// where they are.
    pub(super) fn lay_out_columns(&mut self, env: &Env) {
        let fields = self
            .columns
            .iter()
            .filter_map(|column| column.field.as_deref());
        let keyed = fields.filter(|field| fields::names_a_key::<T>(field));
        let mut kept: Vec<String> = keyed.map(str::to_owned).collect();
        let is_typing = self.filtering.input().is_some();
        let is_filtered = !self.filtering.wanted().is_empty();
        let have_all = || kept.iter().all(|field| self.rows_have(field));
        if !(is_typing || is_filtered && (self.window.rows().is_empty() || have_all())) {
            kept.clear();
        }
        self.columns = T::columns(self.window.rows(), &kept, &self.state, env);
    }

    /// Notes the free keys that the rows have: what is filtered away now is a field all the same.
    fn learn_keys(&mut self) {
        for row in self.window.rows() {
            for key in row.keys() {
                if self.known.len() >= MOST_KEYS {
                    return;
                }
                if !self.known.contains(key) {
                    self.known.insert(key.to_owned());
                }
            }
        }
    }

    /// Applies the filter to the loaded rows, until the store answered with it.
    pub(super) fn let_through(&mut self) {
        let wanted = self.filtering.wanted();
        let is_other = *wanted != self.filtered_by;
        // What no row knows of itself is left to the store.
        let mut wanted = wanted.clone();
        wanted.terms.retain(|term| match &term.test {
            Test::Field { field, .. } => T::knows(field),
            Test::Word(_) => true,
        });
        self.shown = is_other.then(|| {
            let rows = self.window.rows().iter().enumerate();
            rows.filter(|(_, row)| wanted.matches(*row))
                .map(|(at, _)| at)
                .collect()
        });
    }

    /// The same, and keeps the selection on its row or a neighbour.
    pub(super) fn let_through_and_select(&mut self) {
        let neighbours = self.neighbours();
        self.let_through();
        self.find_selected(&neighbours);
        self.top = self.top.min(self.at);
    }

    /// Ids of the rows around the selected one: those behind it first.
    fn neighbours(&self) -> Vec<String> {
        let behind = (self.at + 1..self.len()).take(NEIGHBOURS);
        let before = (0..self.at).rev().take(NEIGHBOURS);
        behind
            .chain(before)
            .filter_map(|at| self.row(at).map(|row| row.id().into_owned()))
            .collect()
    }

    pub(super) fn position(&self, id: &str) -> Option<usize> {
        (0..self.len()).find(|at| self.row(*at).is_some_and(|row| row.id() == id))
    }

    /// Finds the selected row again by its id; where it vanished, its nearest neighbour is selected.
    fn find_selected(&mut self, neighbours: &[String]) {
        let Some(selected) = &self.selected else {
            return;
        };
        if let Some(home) = self.home.clone()
            && home != *selected
            && let Some(at) = self.position(&home)
        {
            return self.select_at(at);
        }
        if let Some(at) = self.position(selected) {
            self.at = at;
            return;
        }
        let at = {
            let there: HashSet<Cow<'_, str>> = (0..self.len())
                .filter_map(|at| self.row(at).map(Resource::id))
                .collect();
            neighbours
                .iter()
                .find(|id| there.contains(id.as_str()))
                .and_then(|id| self.position(id))
        };
        let at = at.unwrap_or_else(|| self.at.min(self.len().saturating_sub(1)));
        self.selected = None;
        self.select_at(at);
    }

    pub(super) fn select_at(&mut self, at: usize) {
        let at = at.min(self.len().saturating_sub(1));
        let id = self.row(at).map(|row| row.id().into_owned());
        if id != self.selected {
            self.detail.to_start();
        }
        self.selected = id;
        self.at = at;
    }

    /// Scrolls so that the selected row is seen.
    pub(super) fn bring_into_view(&mut self) {
        let height = self.height();
        let last_top = self.len().saturating_sub(height);
        self.top = self
            .top
            .clamp((self.at + 1).saturating_sub(height), self.at)
            .min(last_top);
    }

    /// Marked rows that are loaded are shown as they are now.
    fn refresh_marks(&mut self) {
        for mark in &mut self.marks {
            let now = self.window.rows().iter().find(|row| row.id() == mark.id());
            if let Some(now) = now {
                mark.clone_from(now);
            }
        }
    }

    pub(super) fn is_marked(&self, row: &T) -> bool {
        self.marks.iter().any(|mark| mark.id() == row.id())
    }
}
