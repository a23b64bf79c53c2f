//! The tabs: what every pane can do, and which tabs there are.
//!
//! A pane is an ordinary struct that keeps the state of one tab. It answers actions with requests and draws itself; it knows neither the
//! service nor the other panes.

pub mod approvals;
mod columns;
pub mod deployments;
pub mod drift;
pub mod experiments;
mod guard;
pub mod inquiry;
pub mod list;
pub mod marks;
pub mod pairs;
pub mod registry;
pub mod resource;
pub mod runs;
pub mod sections;
#[cfg(test)]
pub(in crate::tui) mod testing;

use self::list::ListPane;
use super::env::Env;
use super::keymap::{Action, Context};
use super::message::{Answer, Effect, Failure, Lane, Overview, Review, Ticket};
use super::overlay::Overlay;
use super::theme::Meaning;
use crate::domain::{Deployment, DriftEvent, ModelExperiment, ModelRun, ModelVersion, RunId, Sort};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::time::Duration;

/// Declares the tabs: one line makes a tab part of the screen.
macro_rules! tabs {
    ($( $(#[$meta:meta])* $tab:ident => $field:ident: $row:ty, $title:literal; )+) => {
        /// The tabs, in the order of their keys.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Tab { $( $(#[$meta])* $tab ),+ }

        impl Tab {
            pub const ALL: &'static [Self] = &[ $( Self::$tab ),+ ];

            pub const fn title(self) -> &'static str {
                match self { $( Self::$tab => $title ),+ }
            }
        }

        /// One pane for each tab.
        #[derive(Default)]
        pub struct Panes { $( pub $field: ListPane<$row> ),+ }

        impl Panes {
            pub fn get(&self, tab: Tab) -> &dyn Pane {
                match tab { $( Tab::$tab => &self.$field ),+ }
            }

            pub fn get_mut(&mut self, tab: Tab) -> &mut dyn Pane {
                match tab { $( Tab::$tab => &mut self.$field ),+ }
            }
        }
    };
}

tabs! {
    Experiments => experiments: ModelExperiment, "Experiments";
    Runs => runs: ModelRun, "Runs";
    Registry => registry: ModelVersion, "Registry";
    Approvals => approvals: Review, "Approvals";
    Drift => drift: DriftEvent, "Drift";
    Deployments => deployments: Deployment, "Deployments";
}

impl Tab {
    /// The tab that a digit opens.
    pub fn number(number: u8) -> Option<Self> {
        let at = usize::from(number).checked_sub(1)?;
        Self::ALL.get(at).copied()
    }

    /// The tab so many places further, round the end.
    #[must_use]
    pub fn neighbour(self, step: isize) -> Self {
        let count = Self::ALL.len();
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        Self::ALL[(at + count).saturating_add_signed(step) % count]
    }

    /// The tab that a word names: its title, in any case, or the beginning of it.
    pub fn named(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let title = |tab: &&Self| tab.title().to_lowercase();
        let exactly = Self::ALL.iter().find(|tab| title(tab) == word);
        exactly
            .or_else(|| {
                Self::ALL
                    .iter()
                    .find(|tab| !word.is_empty() && title(tab).starts_with(&word))
            })
            .copied()
    }
}

/// Whether an action can be done now; if not, why not, in a sentence for the person who pressed the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    Yes,
    No(String),
}

impl Allowed {
    pub fn no(why: impl Into<String>) -> Self {
        Self::No(why.into())
    }

    pub fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    Info,
    Done,
    Warning,
    Error,
}

/// What a pane or an overlay asks of the app.
#[derive(Debug)]
pub enum Request {
    Effect(Effect),
    Open(Box<Overlay>),
    Jump(Jump),
    Tell(Gravity, String),
    /// Orders the list of the present tab.
    Sort(Option<Sort>),
    /// Does an action, as if its key were pressed.
    Act(Action),
}

/// A part of a list that one went to: shown in the title, and joined with whatever is typed as a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub label: String,
    /// Fields and the values they have exactly.
    pub fields: Vec<(&'static str, String)>,
}

impl Scope {
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            fields: Vec::new(),
        }
    }

    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((field, value.into()));
        self
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn get(&self, field: &str) -> Option<&str> {
        let found = self.fields.iter().find(|(known, _)| *known == field);
        found.map(|(_, value)| value.as_str())
    }
}

/// Going from an object to its relatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jump {
    pub tab: Tab,
    pub scope: Scope,
    /// The id of the row to select there.
    pub select: Option<String>,
}

impl Jump {
    /// To a part of a tab's list.
    pub fn to(tab: Tab, scope: Scope) -> Self {
        Self {
            tab,
            scope,
            select: None,
        }
    }

    /// To one run.
    pub fn to_run(run_id: &RunId) -> Self {
        let scope = Scope::new(format!("run {run_id}")).with("run_id", run_id.as_str());
        Self::to(Tab::Runs, scope)
    }
}

/// Where somebody was, for the way back.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    pub tab: Tab,
    pub scope: Scope,
    pub filter: String,
    pub sort: Option<Sort>,
    pub selected: Option<String>,
}

/// A count on a tab: `●4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    pub meaning: Meaning,
    pub sign: char,
    pub count: u64,
}

/// What came of an answer.
#[derive(Debug, Default)]
pub struct Received {
    /// Whether anything is to be seen.
    pub changed: bool,
    pub requests: Vec<Request>,
}

/// What every tab can do.
pub trait Pane {
    /// The contexts of its keys, topmost first.
    fn contexts(&self) -> Vec<Context>;

    /// Whether characters are text now.
    fn is_typing(&self) -> bool;

    fn allows(&self, action: Action, env: &Env) -> Allowed;

    fn on(&mut self, action: Action, env: &Env) -> Vec<Request>;

    /// Takes a key as text; false when it is none.
    fn typed(&mut self, key: KeyEvent, env: &Env) -> bool;

    fn pasted(&mut self, text: &str, env: &Env);

    fn clicked(&mut self, event: MouseEvent, env: &Env) -> Vec<Request>;

    /// Asks the store anew for everything that is shown; what is there stays until the answers come.
    fn refresh(&mut self, env: &Env) -> Vec<Request>;

    fn received(
        &mut self,
        lane: Lane,
        ticket: Ticket,
        answer: Result<Answer, Failure>,
        env: &Env,
    ) -> Received;

    /// Takes note of where it will be drawn and asks for what is missing there. The app calls it after every message.
    fn settle(&mut self, list: Option<Rect>, detail: Option<Rect>, env: &Env) -> Vec<Request>;

    /// When it wants to be woken, since the start.
    fn wakes_at(&self) -> Option<Duration>;

    fn place(&self) -> Place;

    /// Goes to a part of its list, or back to a place.
    fn go(&mut self, place: Place, env: &Env) -> Vec<Request>;

    /// Shows only what a filter lets through, as if it had been typed.
    fn set_filter(&mut self, text: &str, env: &Env) -> Result<Vec<Request>, String>;

    fn set_sort(&mut self, sort: Option<Sort>) -> Vec<Request>;

    /// Reads an order as it is typed: `loss`, `started:asc`. One that its list cannot have is refused in words.
    fn order(&self, text: &str, env: &Env) -> Result<Sort, String>;

    /// Selects the row with this id once it is there.
    fn select(&mut self, id: &str);

    /// Whether the detail has the keys, and whether it fills the screen.
    fn focus(&self) -> Focus;

    /// Whether there is anything that a detail could be about.
    fn wants_detail(&self) -> bool;

    /// Whether there is a layer to come out of before quitting.
    fn has_layers(&self) -> bool;

    fn badge(&self, overview: &Overview) -> Option<Badge>;

    /// The problem of the last question, where its answer was one.
    fn failure(&self) -> Option<&Failure>;

    /// Draws list and detail; returns where the cursor belongs.
    fn draw(&self, buf: &mut Buffer, env: &Env) -> Option<Position>;
}

/// What has the keys in a tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    #[default]
    List,
    Detail,
    /// The detail fills the screen.
    Zoom,
}
