//! What makes a list of a tab: the description of one kind of object, from which [`super::list::ListPane`] makes the tab.

use super::{Allowed, Badge, Jump, Request, Scope, Tab};
use crate::domain::Filter;
use crate::domain::fields::Fields;
use crate::domain::filter::Filterable;
use crate::store::{ListQuery, Page};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, ListOf, Overview, Question, Rows};
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::Detail;
use std::borrow::Cow;
use std::rc::Rc;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub text: String,
    pub meaning: Option<Meaning>,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            meaning: None,
        }
    }

    pub fn meaning(text: impl Into<String>, meaning: Meaning) -> Self {
        Self {
            text: text.into(),
            meaning: Some(meaning),
        }
    }
}

/// How a column gets its cell from a row.
pub type CellOf<T> = Rc<dyn Fn(&T, &Env) -> Cell>;

/// A column of a list.
#[derive(Clone)]
pub struct Column<T> {
    pub title: Cow<'static, str>,
    /// The field that it is sorted by, where it can be.
    pub field: Option<Cow<'static, str>>,
    /// Whether the first click on it sorts the largest first.
    pub descending_first: bool,
    /// Narrower than this it is not worth showing, wider it would be empty.
    pub least: u16,
    pub most: u16,
    /// As narrow as this it may become on a small screen, for columns without which a row says too little.
    pub squeezed: Option<u16>,
    /// Columns with the lowest rank stay longest when it gets narrow.
    pub rank: u8,
    pub right: bool,
    pub cell: CellOf<T>,
}

impl<T> Column<T> {
    pub fn new(
        title: impl Into<Cow<'static, str>>,
        widths: (u16, u16),
        rank: u8,
        cell: impl Fn(&T, &Env) -> Cell + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            field: None,
            descending_first: false,
            least: widths.0,
            most: widths.1,
            squeezed: None,
            rank,
            right: false,
            cell: Rc::new(cell),
        }
    }

    /// It can be sorted by this field.
    #[must_use]
    pub fn sorts(mut self, field: impl Into<Cow<'static, str>>, descending_first: bool) -> Self {
        self.field = Some(field.into());
        self.descending_first = descending_first;
        self
    }

    /// It becomes as narrow as this before it is given up.
    #[must_use]
    pub fn squeezes(mut self, columns: u16) -> Self {
        self.squeezed = Some(columns.min(self.least));
        self
    }

    /// Its cells stand at the right edge, as numbers do.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// What a verb is about.
pub struct Selected<'a, T: Resource> {
    pub current: Option<&'a T>,
    pub marked: &'a [T],
    /// What is known of the current one beside its row, once it came.
    pub more: Option<&'a T::More>,
    /// The key of the chosen row of the detail, while the detail has the keys.
    pub chosen: Option<String>,
    /// The part of the list that is shown.
    pub scope: &'a Scope,
    /// The list is loaded, nothing narrows it, and still nothing is in it.
    pub is_empty: bool,
}

/// One kind of object and everything that its tab keeps to itself: columns, detail, verbs, relatives.
pub trait Resource: Sized + Clone + PartialEq + Filterable + Fields + 'static {
    const TAB: Tab;
    /// The context of its own verbs.
    const CONTEXT: Context;
    /// What one and several of them are called.
    const NOUNS: (&'static str, &'static str);

    /// What the detail needs beside the row.
    type More: Clone + PartialEq + 'static;
    /// What the tab remembers of its own, such as the metric in the chart.
    type State: Default + 'static;

    /// What it is known by, as the store knows it.
    fn id(&self) -> Cow<'_, str>;

    /// The filter that lets only the row with this id through.
    fn only(id: &str) -> Filter;

    /// Columns for these rows; kinds with free keys choose the keys that the rows have, or take the fields that are to be `kept`.
    fn columns(rows: &[Self], kept: &[String], state: &Self::State, env: &Env)
    -> Vec<Column<Self>>;

    /// Whether a row knows the value of a field; what is judged by the service alone is filtered there.
    fn knows(_field: &str) -> bool {
        true
    }

    /// The free keys that it carries, without what a field has before them.
    fn keys(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The list with this query, restricted to the scope.
    fn list(scope: &Scope, list: ListQuery) -> ListOf;

    /// How the list is ordered while nobody sorts it.
    fn order(_scope: &Scope) -> &'static str {
        "newest first"
    }

    /// Takes the rows of this kind.
    fn rows(rows: Rows) -> Option<Page<Self>>;

    fn badge(_overview: &Overview) -> Option<Badge> {
        None
    }

    /// The question for the detail; `columns` is the width that a chart has there.
    fn question(&self, state: &Self::State, columns: u16, env: &Env) -> Option<Question>;

    /// What rows that are seen need beside what the store gave with them. It is asked apart, so that the rows never wait for it; what was
    /// asked is not to be asked again while it is the same.
    fn beside(_seen: &[&Self], _state: &Self::State) -> Option<Question> {
        None
    }

    /// Takes the answer to [`Resource::beside`]; tells whether anything is to be seen of it.
    fn take_beside(_state: &mut Self::State, _rows: &[Self], _answer: Answer) -> bool {
        false
    }

    /// Takes the answer to [`Resource::question`].
    fn more(answer: Answer) -> Option<Self::More>;

    /// What stands beside the list; `rows` is how many there is room for, for what can be higher or lower, such as a chart.
    fn detail(
        &self,
        more: Option<&Self::More>,
        state: &Self::State,
        rows: u16,
        env: &Env,
    ) -> Detail;

    /// Whether one of its own verbs can be done now; `--read-only` has been asked already.
    fn allows(action: Action, selected: &Selected<'_, Self>, env: &Env) -> Allowed;

    /// Does one of its own verbs.
    fn on(
        action: Action,
        state: &mut Self::State,
        selected: &Selected<'_, Self>,
        env: &Env,
    ) -> Vec<Request>;

    /// Where one can go from it: the kind, what the menu calls it, and the way.
    fn relatives(&self, more: Option<&Self::More>) -> Vec<(Relative, String, Jump)>;

    /// What stands where there is no row at all: why, and what to do.
    fn empty(env: &Env) -> Vec<String>;

    /// Whether an action changes something, and so needs a store that takes writes.
    fn changes(action: Action) -> bool;
}
