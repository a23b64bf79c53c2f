//! A tab made from the description of its rows: loading, paging, selection by id, marks, sorting, filtering, detail and the way back.
//!
//! ```text
//! ┌ Runs · fraud · 128 of 10,412 · status:running ┐┌ lgbm-42 ──────┐
//! │   Run        Status   lr     val/auc ▼        ││ chart, params │
//! │ ▸ lgbm-42    RUNNING  0.05   0.9312           ││               │
//! └───────────────────────────────────────────────┘└───────────────┘
//! ```
//! What its rows mean, which columns they have and which verbs is [`Resource`]'s.

mod actions;
mod draw;
mod filtering;
mod mouse;
mod pane;
mod rows;
#[cfg(test)]
mod tests;
mod window;
mod words;

use self::filtering::Filtering;
use self::window::{Fetch, Window};
use super::inquiry::Inquiry;
use super::resource::{Column, Resource, Selected};
use super::{Focus, Request, Scope};
use crate::domain::{Filter, Sort};
use crate::store::ListQuery;
use crate::tui::env::Env;
use crate::tui::message::{Failure, Lane, ListOf, Question};
use crate::tui::widgets::detail::{Detail, DetailState};
use crate::tui::widgets::layout::{ColumnWish, fit_columns};
use crate::tui::widgets::{table, text};
use ratatui::layout::Rect;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::time::Duration;

/// Which row is to be selected once it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Goal {
    First,
    Last,
    Id(String),
    /// The same, with the rows around it.
    Around(String),
}

/// What was made or changed in this list.
#[derive(Debug, Default, PartialEq, Eq)]
enum Made {
    #[default]
    Nothing,
    /// It is to be shown.
    Wanted(String),
    /// It is not in the list that came, which something narrows.
    Hidden,
}

/// What a question for rows was asked with, so that its answer is judged by that and not by what is so when it comes.
#[derive(Debug)]
struct Asked {
    fetch: Fetch,
    selected: Option<String>,
    goal: Option<Goal>,
    filter: Filter,
}

/// The question for what rows show beside themselves.
#[derive(Debug)]
struct Beside {
    inquiry: Inquiry,
    /// It could not be answered; it is asked again with the next refresh.
    failed: bool,
}

/// The state of one tab.
pub struct ListPane<T: Resource> {
    window: Window<T>,
    /// The rows that a filter being typed lets through; `None` for all.
    shown: Option<Vec<usize>>,
    columns: Vec<Column<T>>,
    /// Every free key that a row had since the start.
    known: BTreeSet<String>,
    /// Rows that match, and all of the list or scope.
    totals: Option<(u64, u64)>,
    loaded: bool,
    failure: Option<Failure>,
    detail_failure: Option<Failure>,
    /// When to ask again after what passes by itself, and how long the last pause was.
    retry_at: Option<Duration>,
    retry_pause: Duration,

    scope: Scope,
    filtering: Filtering,
    sort: Option<Sort>,

    selected: Option<String>,
    /// What was selected when a filter began to be typed: it is selected again whenever it is let through.
    home: Option<String>,
    /// Where the selected row is among those shown.
    at: usize,
    /// The first row that is seen, among those shown.
    top: usize,
    goal: Option<Goal>,
    made: Made,
    marks: Vec<T>,

    focus: Focus,
    detail: DetailState,
    /// What came for the detail, and for which row.
    more: Option<(String, T::More)>,
    asked: Option<Question>,
    /// The row that the question for the detail is about.
    asked_for: Option<String>,
    /// The detail as it is drawn: made when it is first looked at after a message, and not for each look.
    built: OnceCell<Option<Detail>>,
    state: T::State,

    fetching: Option<Asked>,
    /// The filter that the loaded rows came with.
    filtered_by: Filter,
    /// The rows are those of an earlier filter, order or scope, whose cursors mean nothing to the present one.
    outdated: bool,
    rows_inquiry: Inquiry,
    count_inquiry: Inquiry,
    detail_inquiry: Inquiry,
    beside: Beside,

    list_area: Option<Rect>,
    detail_area: Option<Rect>,
    /// Whether list and detail have room together while nothing is zoomed.
    has_both: bool,
}

impl<T: Resource> Default for ListPane<T> {
    fn default() -> Self {
        Self {
            window: Window::default(),
            shown: None,
            columns: Vec::new(),
            known: BTreeSet::new(),
            totals: None,
            loaded: false,
            failure: None,
            detail_failure: None,
            retry_at: None,
            retry_pause: Duration::ZERO,
            scope: Scope::default(),
            filtering: Filtering::default(),
            sort: None,
            selected: None,
            home: None,
            at: 0,
            top: 0,
            goal: None,
            made: Made::Nothing,
            marks: Vec::new(),
            focus: Focus::List,
            detail: DetailState::default(),
            more: None,
            asked: None,
            asked_for: None,
            built: OnceCell::new(),
            state: T::State::default(),
            fetching: None,
            filtered_by: Filter::default(),
            outdated: false,
            rows_inquiry: Inquiry::new(Lane::Rows(T::TAB)),
            count_inquiry: Inquiry::new(Lane::Count(T::TAB)),
            detail_inquiry: Inquiry::new(Lane::Detail(T::TAB)),
            beside: Beside {
                inquiry: Inquiry::new(Lane::Beside(T::TAB)),
                failed: false,
            },
            list_area: None,
            detail_area: None,
            has_both: false,
        }
    }
}

impl<T: Resource> ListPane<T> {
    /// How many rows are shown, of those loaded.
    fn len(&self) -> usize {
        match &self.shown {
            Some(shown) => shown.len(),
            None => self.window.rows().len(),
        }
    }

    /// A row by its place among those shown.
    fn row(&self, at: usize) -> Option<&T> {
        let at = match &self.shown {
            Some(shown) => *shown.get(at)?,
            None => at,
        };
        self.window.rows().get(at)
    }

    fn current(&self) -> Option<&T> {
        self.row(self.at).filter(|_| self.selected.is_some())
    }

    fn more(&self) -> Option<&T::More> {
        let (id, more) = self.more.as_ref()?;
        (self.selected.as_deref() == Some(id)).then_some(more)
    }

    /// The key of the chosen row of the detail, while that has the keys.
    fn chosen(&self, env: &Env) -> Option<String> {
        match self.focus {
            Focus::List => None,
            Focus::Detail | Focus::Zoom => {
                let chosen = self.detail.chosen(self.built(env)?);
                chosen.map(str::to_owned)
            }
        }
    }

    fn selection(&self, chosen: Option<String>) -> Selected<'_, T> {
        Selected {
            current: self.current(),
            marked: &self.marks,
            more: self.more(),
            chosen,
            scope: &self.scope,
            is_empty: self.loaded
                && self.failure.is_none()
                && self.len() == 0
                && self.shown.is_none()
                && !self.is_narrowed(),
        }
    }

    fn built(&self, env: &Env) -> Option<&Detail> {
        let build = || {
            let rows = self.detail_inside().height;
            let shown = self.detail_area.and(self.current());
            shown.map(|row| row.detail(self.more(), &self.state, rows, env))
        };
        self.built.get_or_init(build).as_ref()
    }

    /// How many rows of the list are seen at once.
    fn height(&self) -> usize {
        self.list_area
            .map_or(20, |area| usize::from(area.height.saturating_sub(3)).max(1))
    }

    /// The rows of the window that are seen, for reading them anew.
    fn seen(&self) -> std::ops::Range<usize> {
        let top = match &self.shown {
            Some(shown) => shown.get(self.top).copied().unwrap_or(0),
            None => self.top,
        };
        top..(top + self.height()).max(self.at)
    }

    fn query(&self) -> ListOf {
        let list = ListQuery {
            filter: self.filtering.filter().clone(),
            sort: self.sort.clone(),
        };
        T::list(&self.scope, list)
    }

    /// Whether a filter or a scope hides rows.
    fn is_narrowed(&self) -> bool {
        !self.scope.is_empty() || !self.filtering.filter().is_empty()
    }

    fn fetch(&mut self, fetch: Fetch) -> Option<Request> {
        let fetch = match (fetch, &self.goal) {
            (Fetch::Anew { .. }, Some(Goal::Last)) => Fetch::End,
            (Fetch::Anew { .. }, Some(Goal::First)) => Fetch::Start,
            (fetch, _) => fetch,
        };
        let question = match (fetch, &self.goal) {
            (Fetch::Around, Some(Goal::Around(id))) => self.around(id),
            (fetch, _) => {
                let request = self.window.request(fetch, self.seen())?;
                Question::Page(self.query(), request)
            }
        };
        self.fetching = Some(Asked {
            fetch,
            selected: self.selected.clone(),
            goal: self.goal.clone(),
            filter: self.filtering.filter().clone(),
        });
        Some(Request::Effect(self.rows_inquiry.ask(question)))
    }

    fn around(&self, id: &str) -> Question {
        let only = ListQuery {
            filter: T::only(id),
            sort: self.sort.clone(),
        };
        Question::Around {
            list: self.query(),
            only: T::list(&self.scope, only),
            limit: window::PAGE,
        }
    }

    /// What a list that is another one is asked for first.
    fn first_fetch(&self) -> Fetch {
        match self.goal {
            Some(Goal::Last) => Fetch::End,
            Some(Goal::Around(_)) => Fetch::Around,
            Some(Goal::First | Goal::Id(_)) | None => Fetch::Start,
        }
    }

    /// Asks anew for what is seen.
    fn fetch_anew(&mut self) -> Option<Request> {
        let fetch = if self.outdated {
            self.first_fetch()
        } else {
            self.window.anew(&self.seen())
        };
        self.fetch(fetch)
    }

    fn count(&mut self) -> Request {
        let list = ListQuery {
            filter: self.filtering.filter().clone(),
            sort: None,
        };
        let question = Question::Count {
            matching: T::list(&self.scope, list),
            all: T::list(&self.scope, ListQuery::default()),
        };
        Request::Effect(self.count_inquiry.ask(question))
    }

    /// The list is another one: asks for its beginning, and shows the old rows until it comes.
    fn start_over(&mut self, goal: Goal) -> Vec<Request> {
        self.goal = Some(goal);
        self.outdated = true;
        self.fetch(self.first_fetch())
            .into_iter()
            .chain([self.count()])
            .collect()
    }

    /// The widths of the columns in this area; 0 for those that are given up.
    fn widths(&self, width: u16) -> Vec<u16> {
        let sorted = self.sort.as_ref().map(|sort| sort.field.as_str());
        let wishes: Vec<ColumnWish> = self
            .columns
            .iter()
            .map(|column| {
                let is_sorted = sorted.is_some() && column.field.as_deref() == sorted;
                // What the list is sorted by is to be seen, with its title and the sign of the order.
                let titled = text::width(&column.title) + 2;
                let least = u16::try_from(titled)
                    .map_or(16, |titled| titled.min(16))
                    .max(column.least);
                ColumnWish {
                    least: if is_sorted { least } else { column.least },
                    squeezed: if is_sorted {
                        column.squeezed.map(|squeezed| squeezed.max(least.min(10)))
                    } else {
                        column.squeezed
                    },
                    most: if is_sorted {
                        least.max(column.most)
                    } else {
                        column.most
                    },
                    rank: if is_sorted {
                        column.rank.min(1)
                    } else {
                        column.rank
                    },
                }
            })
            .collect();
        fit_columns(&wishes, width.saturating_sub(table::GUTTER))
    }

    /// The part of the detail inside its border, with a column of space at either side.
    fn detail_inside(&self) -> Rect {
        let inner = draw::inside(self.detail_area.unwrap_or_default());
        Rect {
            x: inner.x + 1.min(inner.width),
            width: inner.width.saturating_sub(2),
            ..inner
        }
    }

    /// The columns that a chart has in the detail.
    fn chart_columns(&self) -> u16 {
        self.detail_inside().width.max(20)
    }
}
