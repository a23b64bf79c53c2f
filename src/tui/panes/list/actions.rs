//! What the keys of a list do.

use super::window::Fetch;
use super::{Goal, ListPane};
use crate::domain::Sort;
use crate::tui::env::Env;
use crate::tui::keymap::{Action, BINDINGS};
use crate::tui::message::Effect;
use crate::tui::overlay::Overlay;
use crate::tui::overlay::menu::{Menu, MenuItem};
use crate::tui::panes::resource::Resource;
use crate::tui::panes::{Allowed, Focus, Gravity, Request};
use ratatui::layout::Rect;

impl<T: Resource> ListPane<T> {
    pub(super) fn allows_action(&self, action: Action, env: &Env) -> Allowed {
        let (one, several) = T::NOUNS;
        match action {
            Action::Open | Action::Mark | Action::Copy if self.current().is_none() => {
                Allowed::no(format!("there is no {one} here"))
            }
            Action::Open if self.focus == Focus::Zoom => {
                Allowed::no("the detail fills the screen already")
            }
            Action::Relatives if self.current().is_none() => {
                Allowed::no(format!("there is no {one} to go from"))
            }
            Action::ClearMarks if self.marks.is_empty() => {
                Allowed::no(format!("no {several} are marked"))
            }
            Action::ReverseSort if self.sort.is_none() => Allowed::no(format!(
                "the list is in its own order, {}; 's' sorts by a column",
                T::order(&self.scope)
            )),
            Action::Go(relative) => {
                let current = self.current();
                let known = current.is_some_and(|row| {
                    row.relatives(self.more())
                        .iter()
                        .any(|(kind, ..)| *kind == relative)
                });
                if known {
                    Allowed::Yes
                } else {
                    Allowed::no(format!("this {one} has none; 'o' lists where it leads"))
                }
            }
            action if T::changes(action) && env.read_only.is_some() => {
                let why = env.read_only.as_deref().unwrap_or_default();
                Allowed::no(format!("nothing is changed here: {why}"))
            }
            // What every list can do, such as finding and going back, is no matter of what is selected.
            action if !is_own::<T>(action) => Allowed::Yes,
            action => T::allows(action, &self.selection(self.chosen(env)), env),
        }
    }

    pub(super) fn act(&mut self, action: Action, env: &Env) -> Vec<Request> {
        let page = self.height().saturating_sub(1).max(1);
        match action {
            Action::PageDown | Action::PageUp | Action::First | Action::Last
                if self.focus != Focus::List =>
            {
                self.scroll_detail(action, env);
            }
            Action::ScrollDown | Action::ScrollUp => self.scroll_detail(action, env),
            Action::Next => self.move_by(1),
            Action::Previous => self.move_by(-1),
            Action::PageDown => self.move_by(page.cast_signed()),
            Action::PageUp => self.move_by(-page.cast_signed()),
            Action::First if self.window.more_before() => return self.start_over(Goal::First),
            Action::First => self.select_at(0),
            Action::Last if self.window.more_after() => return self.start_over(Goal::Last),
            Action::Last => self.select_at(self.len().saturating_sub(1)),
            Action::Open => self.open(),
            Action::Back => return self.back(),
            Action::Filter => {
                self.filtering.begin();
                self.home.clone_from(&self.selected);
            }
            Action::Accept => {
                let changed = self.filtering.accept();
                let requests = self.refiltered(changed);
                if self.filtering.input().is_none() {
                    self.home = None;
                    self.lay_out_columns(env);
                }
                return requests;
            }
            Action::Cancel => {
                let changed = self.filtering.cancel();
                if let Some(home) = self.home.take() {
                    self.selected = Some(home);
                }
                return self.widened(changed);
            }
            Action::SortBy => return vec![self.sort_menu()],
            Action::ReverseSort => {
                if let Some(sort) = &mut self.sort {
                    sort.descending = !sort.descending;
                    return self.start_over(Goal::First);
                }
            }
            Action::Mark => self.toggle_mark(),
            Action::ClearMarks => self.marks.clear(),
            Action::Copy => return self.copy(),
            Action::Relatives => return self.relatives_menu(),
            Action::Go(relative) => {
                let ways = self.current().map(|row| row.relatives(self.more()));
                let way = ways
                    .into_iter()
                    .flatten()
                    .find(|(kind, ..)| *kind == relative);
                return way
                    .map(|(_, _, jump)| Request::Jump(jump))
                    .into_iter()
                    .collect();
            }
            verb => return self.verb(verb, env),
        }
        Vec::new()
    }

    fn verb(&mut self, verb: Action, env: &Env) -> Vec<Request> {
        let chosen = self.chosen(env);
        let mut state = std::mem::take(&mut self.state);
        let requests = T::on(verb, &mut state, &self.selection(chosen), env);
        self.state = state;
        self.lay_out_columns(env);
        requests
    }

    pub(super) fn move_by(&mut self, delta: isize) {
        if self.len() > 0 {
            self.home = None;
            // Who moves on in the same list does not wait for a row any more.
            if matches!(self.goal, Some(Goal::Id(_) | Goal::Around(_))) && !self.outdated {
                self.goal = None;
            }
            self.select_at(self.at.saturating_add_signed(delta));
        }
    }

    fn open(&mut self) {
        self.focus = match (self.focus, self.detail_area) {
            (Focus::List, Some(_)) => Focus::Detail,
            _ => Focus::Zoom,
        };
    }

    /// Out by one layer: zoom, detail, marks, filter, scope.
    fn back(&mut self) -> Vec<Request> {
        match self.focus {
            // Where list and detail have no room together, there is nothing between zoom and list.
            Focus::Zoom if self.has_both => self.focus = Focus::Detail,
            Focus::Zoom | Focus::Detail => self.focus = Focus::List,
            Focus::List if !self.marks.is_empty() => self.marks.clear(),
            Focus::List if !self.filtering.text().is_empty() => {
                let changed = self.filtering.set("").unwrap_or(false);
                return self.widened(changed);
            }
            Focus::List if !self.scope.is_empty() => {
                self.scope = super::Scope::default();
                let goal = self.selected.clone().map_or(Goal::First, Goal::Around);
                return self.start_over(goal);
            }
            Focus::List => {}
        }
        Vec::new()
    }

    /// Whether there is a layer to come out of.
    pub(super) fn has_layers(&self) -> bool {
        self.focus != Focus::List
            || !self.marks.is_empty()
            || !self.filtering.text().is_empty()
            || !self.scope.is_empty()
    }

    /// Shows what the present filter lets through, and asks the store when it is another filter.
    pub(super) fn refiltered(&mut self, changed: bool) -> Vec<Request> {
        self.let_through_and_select();
        if !changed {
            return Vec::new();
        }
        let wanted = self.home.clone().or(self.selected.clone());
        self.start_over(wanted.map_or(Goal::First, Goal::Id))
    }

    /// The same where more is let through than before: the selected row stays, however deep in the list it lies.
    fn widened(&mut self, changed: bool) -> Vec<Request> {
        let selected = self.selected.clone();
        self.let_through_and_select();
        if !changed {
            return Vec::new();
        }
        self.start_over(selected.map_or(Goal::First, Goal::Around))
    }

    fn toggle_mark(&mut self) {
        let Some(row) = self.current() else { return };
        let row = row.clone();
        if self.is_marked(&row) {
            self.marks.retain(|mark| mark.id() != row.id());
        } else {
            self.marks.push(row);
        }
        self.move_by(1);
    }

    fn copy(&self) -> Vec<Request> {
        let Some(row) = self.current() else {
            return Vec::new();
        };
        let id = row.id().into_owned();
        let shown = crate::domain::text::visible(&id).into_owned();
        vec![
            Request::Effect(Effect::Copy(id)),
            Request::Tell(Gravity::Done, format!("copied {shown}")),
        ]
    }

    fn sort_menu(&self) -> Request {
        let mut items = vec![MenuItem::new(
            T::order(&self.scope),
            if self.sort.is_none() { "now" } else { "" },
            Request::Sort(None),
        )];
        let mut at = 0;
        for column in &self.columns {
            let Some(field) = &column.field else { continue };
            let sort = self.sort_by(field, column.descending_first);
            let now = self.sort.as_ref().filter(|now| now.field == *field);
            let note = match now {
                Some(now) if now.descending => "▼ now",
                Some(_) => "▲ now",
                None => "",
            };
            if now.is_some() {
                at = items.len();
            }
            items.push(MenuItem::new(
                column.title.as_ref(),
                note,
                Request::Sort(Some(sort)),
            ));
        }
        let menu = Menu::new("Sort by", items).at(at);
        Request::Open(Box::new(Overlay::Menu(menu)))
    }

    /// The order that choosing a column leads to: its own direction first, the other one when it is chosen again.
    pub(super) fn sort_by(&self, field: &str, descending_first: bool) -> Sort {
        let descending = match &self.sort {
            Some(now) if now.field == field => !now.descending,
            _ => descending_first,
        };
        Sort {
            field: field.to_owned(),
            descending,
        }
    }

    fn relatives_menu(&self) -> Vec<Request> {
        let Some(row) = self.current() else {
            return Vec::new();
        };
        let items: Vec<MenuItem> = row
            .relatives(self.more())
            .into_iter()
            .map(|(kind, label, jump)| {
                MenuItem::new(label, "", Request::Jump(jump)).with_key(kind.letter())
            })
            .collect();
        if items.is_empty() {
            let (one, _) = T::NOUNS;
            let text = format!("this {one} is related to nothing yet");
            return vec![Request::Tell(Gravity::Info, text)];
        }
        let menu = Menu::new("Go to", items);
        vec![Request::Open(Box::new(Overlay::Menu(menu)))]
    }

    /// Scrolls the detail, or moves the choice in it where it has rows to choose and the keys.
    fn scroll_detail(&mut self, action: Action, env: &Env) {
        self.built(env);
        let Some(Some(detail)) = self.built.get() else {
            return;
        };
        let Rect { width, height, .. } = self.detail_inside();
        let page = isize::try_from(height.saturating_sub(1)).unwrap_or(1);
        let focused = self.focus != Focus::List;
        match action {
            Action::ScrollDown if focused && self.detail.choose_by(detail, 1) => {}
            Action::ScrollUp if focused && self.detail.choose_by(detail, -1) => {}
            Action::ScrollDown => self.detail.scroll_by(detail, width, height, 1),
            Action::ScrollUp => self.detail.scroll_by(detail, width, height, -1),
            Action::PageDown => self.detail.scroll_by(detail, width, height, page),
            Action::PageUp => self.detail.scroll_by(detail, width, height, -page),
            Action::First => self.detail.to_start(),
            Action::Last => self.detail.to_end(),
            _ => {}
        }
    }

    pub(super) fn more_rows(&mut self) -> Option<Request> {
        // What failed is asked again by a refresh, or it would be asked without end.
        if self.rows_inquiry.is_open() || !self.loaded || self.outdated || self.failure.is_some() {
            return None;
        }
        let ahead = self.height() * 2;
        // A filter being typed hides rows, but the window is what grows.
        if self.shown.is_some() {
            return None;
        }
        if self.at + ahead >= self.len() && self.window.more_after() {
            return self.fetch(Fetch::After);
        }
        if self.at < ahead && self.window.more_before() {
            return self.fetch(Fetch::Before);
        }
        None
    }
}

/// Whether an action is a verb of the tab.
fn is_own<T: Resource>(action: Action) -> bool {
    let mut bindings = BINDINGS.iter();
    bindings.any(|binding| binding.context == T::CONTEXT && binding.action == action)
}
