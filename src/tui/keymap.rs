//! What keys mean: one table that dispatch, footer, help, `modeldeck keys` and the README are made from.
//!
//! It knows which context a binding belongs to, not what a context looks like or whether an action can be done now.

mod bindings;
pub mod key;

pub use bindings::BINDINGS;

use key::Key;
use std::collections::HashMap;

/// What the user means by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    // anywhere
    QuitNow,
    Suspend,
    Repaint,
    // tabs and screen
    TabNumber(u8),
    NextTab,
    PreviousTab,
    Command,
    Help,
    Notices,
    Refresh,
    Pause,
    Strip,
    Quit,
    JumpBack,
    // lists
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
    Open,
    Back,
    Filter,
    SortBy,
    ReverseSort,
    Mark,
    ClearMarks,
    Copy,
    ScrollDown,
    ScrollUp,
    Relatives,
    Go(Relative),
    // text inputs, forms, questions, menus
    Accept,
    Cancel,
    NextField,
    PreviousField,
    NextWord,
    PreviousWord,
    Complete,
    // verbs of the tabs
    Create,
    Edit,
    Demo,
    EndRun,
    Register,
    Compare,
    NextMetric,
    PreviousMetric,
    SetStage,
    SetAlias,
    RemoveAlias,
    AddItem,
    MarkItem,
    Approve,
    Reject,
    ShowAll,
    Acknowledge,
    Resolve,
    Activate,
    Fail,
    Terminate,
    RollBack,
    // the mirror
    Sync,
    RetrySync,
    DropSync,
}

/// What an object is related to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relative {
    Experiment,
    Run,
    Version,
    Approval,
    Drift,
    Deployment,
}

impl Relative {
    /// Its key in the menu of relatives, and behind `g`.
    pub const fn letter(self) -> char {
        match self {
            Self::Experiment => 'e',
            Self::Run => 'r',
            Self::Version => 'v',
            Self::Approval => 'a',
            Self::Drift => 'd',
            Self::Deployment => 'p',
        }
    }
}

/// Where a binding holds. What is open makes a stack of them; the topmost that knows a key has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// Under everything else.
    Always,
    Screen,
    List,
    Detail,
    Experiments,
    Runs,
    Registry,
    Approvals,
    Drift,
    Deployments,
    /// A line being typed: characters are text.
    Input,
    Form,
    Confirm,
    Menu,
    Help,
    Notices,
    Reader,
    Sync,
    CommandLine,
}

impl Context {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "anywhere",
            Self::Screen => "screen",
            Self::List => "list",
            Self::Detail => "detail",
            Self::Experiments => "experiments",
            Self::Runs => "runs",
            Self::Registry => "registry",
            Self::Approvals => "approvals",
            Self::Drift => "drift",
            Self::Deployments => "deployments",
            Self::Input => "filter",
            Self::Form => "form",
            Self::Confirm => "confirmation",
            Self::Menu => "menu",
            Self::Help => "help",
            Self::Notices => "notices",
            Self::Reader => "comparison",
            Self::Sync => "mlflow",
            Self::CommandLine => "command line",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    pub context: Context,
    pub keys: &'static [&'static str],
    pub action: Action,
    /// A short phrase in lower case.
    pub help: &'static str,
    /// The word in the footer, for those that stand there.
    pub hint: Option<&'static str>,
}

/// What a key, after those that wait for it, leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Action(Action),
    /// It begins a longer sequence.
    Begins,
    Nothing,
}

/// The table, made ready for looking up.
#[derive(Debug)]
pub struct Keymap {
    actions: HashMap<(Context, Vec<Key>), Action>,
}

impl Default for Keymap {
    fn default() -> Self {
        let mut actions = HashMap::new();
        for binding in BINDINGS {
            for spelled in binding.keys {
                let keys = key::sequence(spelled).expect("a test reads every key of the table");
                actions.insert((binding.context, keys), binding.action);
            }
        }
        Self { actions }
    }
}

impl Keymap {
    /// Looks keys up in contexts, top first.
    pub fn lookup(&self, contexts: &[Context], keys: &[Key]) -> Found {
        for context in contexts {
            if let Some(action) = self.actions.get(&(*context, keys.to_vec())) {
                return Found::Action(*action);
            }
            let begins = self.actions.keys().any(|(of, sequence)| {
                of == context && sequence.len() > keys.len() && sequence.starts_with(keys)
            });
            if begins {
                return Found::Begins;
            }
        }
        Found::Nothing
    }
}

/// A line for `modeldeck keys`, the help and the README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    pub context: &'static str,
    pub keys: String,
    pub help: &'static str,
}

/// How the keys of a binding are shown: `j ↓`.
pub fn shown(binding: &Binding) -> String {
    let spelled: Vec<String> = binding
        .keys
        .iter()
        .map(|keys| {
            let sequence = key::sequence(keys).expect("a test reads every key of the table");
            sequence
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    spelled.join(", ")
}

/// Every binding, in the order of the table.
pub fn table() -> Vec<KeyLine> {
    BINDINGS
        .iter()
        .map(|binding| KeyLine {
            context: binding.context.as_str(),
            keys: shown(binding),
            help: binding.help,
        })
        .collect()
}

#[cfg(test)]
mod tests;
