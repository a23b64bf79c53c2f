//! A list as a pane: messages in, requests out.

use super::window::Fetch;
use super::{Goal, ListPane, Made};
use crate::domain::Sort;
use crate::store::Page;
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context};
use crate::tui::message::{Answer, Failure, Lane, Overview, Ticket};
use crate::tui::panes::resource::Resource;
use crate::tui::panes::{Allowed, Badge, Focus, Gravity, Pane, Place, Received, Request};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::cell::OnceCell;
use std::time::Duration;

/// How long it is waited before what failed is asked again; twice as long each time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl<T: Resource> Pane for ListPane<T> {
    fn contexts(&self) -> Vec<Context> {
        if self.is_typing() {
            return vec![Context::Input];
        }
        match self.focus {
            Focus::List => vec![T::CONTEXT, Context::List],
            Focus::Detail | Focus::Zoom => vec![Context::Detail, T::CONTEXT, Context::List],
        }
    }

    fn is_typing(&self) -> bool {
        self.filtering.input().is_some()
    }

    fn allows(&self, action: Action, env: &Env) -> Allowed {
        self.allows_action(action, env)
    }

    fn on(&mut self, action: Action, env: &Env) -> Vec<Request> {
        self.act(action, env)
    }

    fn typed(&mut self, key: KeyEvent, env: &Env) -> bool {
        let typed = self.filtering.typed(key, env.now.elapsed);
        self.judge_filter();
        self.let_through_and_select();
        typed
    }

    fn pasted(&mut self, text: &str, env: &Env) {
        self.filtering.pasted(text, env.now.elapsed);
        self.judge_filter();
        self.let_through_and_select();
    }

    fn clicked(&mut self, event: MouseEvent, env: &Env) -> Vec<Request> {
        self.on_mouse(event, env)
    }

    fn refresh(&mut self, env: &Env) -> Vec<Request> {
        let mut requests = Vec::new();
        self.beside.failed = false;
        if !self.rows_inquiry.repeat_later() {
            requests.extend(self.fetch_anew());
        }
        if !self.count_inquiry.repeat_later() {
            requests.push(self.count());
        }
        if !self.detail_inquiry.repeat_later() {
            self.asked = None;
            requests.extend(self.ask_detail(env));
        }
        requests
    }

    fn received(
        &mut self,
        lane: Lane,
        ticket: Ticket,
        answer: Result<Answer, Failure>,
        env: &Env,
    ) -> Received {
        if self.rows_inquiry.is_answered_by(lane, ticket) {
            return self.received_rows(answer, env);
        }
        if self.count_inquiry.is_answered_by(lane, ticket) {
            let mut received = Received::default();
            if let Ok(Answer::Count { matching, all }) = answer {
                received.changed = self.totals != Some((matching, all));
                self.totals = Some((matching, all));
            }
            if self.count_inquiry.take_again() {
                received.requests.push(self.count());
            }
            return received;
        }
        if self.beside.inquiry.is_answered_by(lane, ticket) {
            let mut received = Received::default();
            match answer {
                Ok(answer) => {
                    let rows = self.window.rows();
                    received.changed = T::take_beside(&mut self.state, rows, answer);
                    if received.changed {
                        self.lay_out_columns(env);
                    }
                }
                // A decoration is missing; nothing else is, so nothing is told.
                Err(_) => self.beside.failed = true,
            }
            return received;
        }
        if self.detail_inquiry.is_answered_by(lane, ticket) {
            let mut received = Received::default();
            match (answer.map(T::more), self.asked_for.clone()) {
                (Ok(Some(more)), Some(id)) => {
                    let more = Some((id, more));
                    received.changed = self.more != more || self.detail_failure.is_some();
                    self.more = more;
                    self.detail_failure = None;
                }
                (Err(failure), _) => {
                    received.changed = self.detail_failure.as_ref() != Some(&failure);
                    self.retry_later(&failure, env);
                    self.detail_failure = Some(failure);
                }
                _ => {}
            }
            if self.detail_inquiry.take_again() {
                self.asked = None;
                received.requests.extend(self.ask_detail(env));
            }
            return received;
        }
        Received::default()
    }

    fn settle(&mut self, list: Option<Rect>, detail: Option<Rect>, env: &Env) -> Vec<Request> {
        self.has_both = self.focus != Focus::Zoom && list.is_some() && detail.is_some()
            || self.focus == Focus::Zoom && self.has_both;
        (self.list_area, self.detail_area) = (list, detail);
        let mut requests = Vec::new();
        if self.filtering.apply_due(env.now.elapsed) {
            requests.extend(self.refiltered(true));
        }
        self.bring_into_view();
        requests.extend(self.retry(env));
        requests.extend(self.more_rows());
        requests.extend(self.ask_detail(env));
        requests.extend(self.ask_beside());
        self.built = OnceCell::new();
        requests
    }

    fn wakes_at(&self) -> Option<Duration> {
        [self.filtering.due(), self.retry_at]
            .into_iter()
            .flatten()
            .min()
    }

    fn place(&self) -> Place {
        Place {
            tab: T::TAB,
            scope: self.scope.clone(),
            filter: self.filtering.text().to_owned(),
            sort: self.sort.clone(),
            selected: self.selected.clone(),
        }
    }

    fn go(&mut self, place: Place, _env: &Env) -> Vec<Request> {
        self.scope = place.scope;
        // A filter that was in force once can be read again.
        let _ = self.filtering.set(&place.filter);
        self.sort = place.sort;
        self.home = None;
        self.focus = Focus::List;
        self.start_over(place.selected.map_or(Goal::First, Goal::Around))
    }

    fn set_filter(&mut self, text: &str, _env: &Env) -> Result<Vec<Request>, String> {
        let changed = self.filtering.set(text)?;
        Ok(self.refiltered(changed))
    }

    fn set_sort(&mut self, sort: Option<Sort>) -> Vec<Request> {
        self.sort = sort;
        self.start_over(Goal::First)
    }

    fn order(&self, text: &str, env: &Env) -> Result<Sort, String> {
        self.read_order(text, env)
    }

    fn select(&mut self, id: &str) {
        self.made = Made::Wanted(id.to_owned());
        match self.position(id) {
            Some(at) => self.select_at(at),
            // Where everything is let through it is there, however deep; a filter or a scope may hide it.
            None if self.loaded && !self.is_narrowed() && self.shown.is_none() => {
                self.goal = Some(Goal::Around(id.to_owned()));
                self.outdated = true;
            }
            None => self.goal = Some(Goal::Id(id.to_owned())),
        }
    }

    fn focus(&self) -> Focus {
        self.focus
    }

    fn wants_detail(&self) -> bool {
        !self.loaded || self.len() > 0 || self.is_narrowed() || self.shown.is_some()
    }

    fn has_layers(&self) -> bool {
        self.has_layers()
    }

    fn badge(&self, overview: &Overview) -> Option<Badge> {
        T::badge(overview)
    }

    fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref().or(self.detail_failure.as_ref())
    }

    fn draw(&self, buf: &mut Buffer, env: &Env) -> Option<Position> {
        self.draw_all(buf, env)
    }
}

impl<T: Resource> ListPane<T> {
    fn received_rows(&mut self, answer: Result<Answer, Failure>, env: &Env) -> Received {
        let asked = self.fetching.take();
        let mut received = Received {
            changed: true,
            requests: Vec::new(),
        };
        match (answer.map(page_of::<T>), asked) {
            (Ok(Some(page)), Some(asked)) if self.outran(&asked, &page) => {
                self.failure = None;
                received.requests.extend(self.fetch_anew());
                return received;
            }
            (Ok(Some(page)), Some(asked)) => {
                let same = self.failure.is_none()
                    && self.loaded
                    && matches!(asked.fetch, Fetch::Anew { first: 0 })
                    && self.goal.is_none()
                    && page.rows == self.window.rows();
                self.failure = None;
                self.loaded = true;
                let was_outdated = std::mem::take(&mut self.outdated);
                self.filtered_by.clone_from(&asked.filter);
                received.changed = !same;
                self.take_page(&asked, page, env);
                if self.made == Made::Hidden {
                    self.made = Made::Nothing;
                    let said = "it is there, but what narrows this list hides it; Esc shows all";
                    let told = Request::Tell(Gravity::Info, said.to_owned());
                    received.requests.push(told);
                }
                if was_outdated && let Some(said) = self.sorted_by_nothing() {
                    let told = Request::Tell(Gravity::Warning, said);
                    received.requests.push(told);
                }
            }
            (Err(failure), _) => {
                self.retry_later(&failure, env);
                self.failure = Some(failure);
            }
            _ => {}
        }
        if self.rows_inquiry.take_again() {
            received.requests.extend(self.fetch_anew());
        }
        received
    }

    /// Notes when to ask again: the store may answer others meanwhile, so nobody else does it for this list.
    fn retry_later(&mut self, failure: &Failure, env: &Env) {
        if failure.passes() {
            let pause = (self.retry_pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            self.retry_pause = pause;
            self.retry_at = Some(env.now.elapsed + pause);
        }
    }

    fn retry(&mut self, env: &Env) -> Vec<Request> {
        if self.failure.is_none() && self.detail_failure.is_none() {
            (self.retry_at, self.retry_pause) = (None, Duration::ZERO);
        }
        if self.retry_at.is_none_or(|at| at > env.now.elapsed) {
            return Vec::new();
        }
        self.retry_at = None;
        if self.rows_inquiry.is_open() {
            return Vec::new();
        }
        self.refresh(env)
    }

    /// Asks for the detail when it is another question than the last one; also where it has no room, since verbs and relatives need it.
    pub(super) fn ask_detail(&mut self, env: &Env) -> Option<Request> {
        let columns = self.chart_columns();
        let question = self
            .current()
            .and_then(|row| row.question(&self.state, columns, env));
        if question == self.asked {
            return None;
        }
        self.asked.clone_from(&question);
        self.asked_for.clone_from(&self.selected);
        question.map(|question| Request::Effect(self.detail_inquiry.ask(question)))
    }
}

impl<T: Resource> ListPane<T> {
    /// Asks for what the rows that are seen show beside themselves, one question at a time.
    fn ask_beside(&mut self) -> Option<Request> {
        if self.beside.inquiry.is_open() || self.beside.failed || self.list_area.is_none() {
            return None;
        }
        let last = (self.top + self.height()).min(self.len());
        let seen: Vec<&T> = (self.top..last).filter_map(|at| self.row(at)).collect();
        let question = T::beside(&seen, &self.state)?;
        Some(Request::Effect(self.beside.inquiry.ask(question)))
    }
}

fn page_of<T: Resource>(answer: Answer) -> Option<Page<T>> {
    match answer {
        Answer::Rows(rows) => T::rows(rows),
        _ => None,
    }
}
