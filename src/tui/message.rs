//! The words of the screen's core: what happened ([`Msg`]), what must be done ([`Effect`]), and the tickets that keep them together.
//!
//! Everything here is data: it knows what may be asked of the service and what an answer looks like, not who carries it out.

mod meanwhile;

pub use self::meanwhile::{Meanwhile, Object};

use super::panes::Tab;
use crate::domain::text::visible_once;
use crate::domain::{
    Alias, AuditEntry, Deployment, DeploymentId, DriftEvent, DriftEventId, ExperimentName, Key,
    MetricChart, Missing, ModelExperiment, ModelName, ModelRun, ModelVersion, Revision, RunId,
    RunStatus, Stage, SyncItem, SyncStatus, Version, VersionComparison,
};
use crate::service::ServiceError;
use crate::store::{
    DeploymentQuery, DriftQuery, ExperimentQuery, OutputTail, Page, PageRequest, RunQuery,
    VersionQuery,
};
use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;
use std::time::Duration;

pub use crate::service::{
    ChecklistMark, DeploymentUpdate, ErrorKind, ExperimentUpdate, ModelVersionUpdate,
    NewChecklistItem, NewDecision, NewDeployment, NewDriftEvent, NewExperiment, NewMetric,
    NewModelVersion, NewRun, Overview, Review, Rollback, RunUpdate, Serving, StageChange,
};

/// When something happened: on the wall, for what people read, and since the start, for waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub at: Timestamp,
    pub elapsed: Duration,
}

/// The number of a question, so that an answer to an older one is known and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticket(pub u64);

/// A place on the screen that asks; a new question from it ends the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    Rows(Tab),
    Count(Tab),
    Detail(Tab),
    /// What rows that are seen show beside themselves.
    Beside(Tab),
    Overview,
    Reader,
}

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resized {
        width: u16,
        height: u16,
    },
    Focus(bool),
    /// A frame with the present state is on the screen.
    Drawn,
    /// The moment that [`super::app::App::wakes_at`] named is reached.
    Tick,
    /// The store is still to be connected to.
    Connection(Progress),
    /// Something was written to the store.
    Changed,
    /// Asking the store whether something was written failed, or works again.
    Watch(Option<Failure>),
    Answer {
        lane: Lane,
        ticket: Ticket,
        answer: Result<Answer, Failure>,
    },
    Written {
        ticket: Ticket,
        result: Result<Written, Failure>,
    },
    /// What could not be done to the terminal, or was done and is to be told.
    Told(String),
}

/// What comes of the attempts to connect to a store.
#[derive(Debug)]
pub enum Progress {
    /// Another attempt has begun.
    Begun,
    /// It failed, and is repeated after a pause.
    Failed { failure: Failure, pause: Duration },
    /// It failed, and is repeated only when somebody asks for it.
    Refused(Failure),
    Connected {
        /// Why nothing can be changed, where nothing can.
        read_only: Option<String>,
    },
}

/// Something must be done, outside of the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask {
        lane: Lane,
        ticket: Ticket,
        question: Box<Question>,
    },
    Write {
        ticket: Ticket,
        write: Box<Write>,
    },
    /// How often to ask whether something was written.
    Watch(Duration),
    /// Begins a new attempt to connect, now.
    Connect,
    /// Ends with this message: the store cannot be connected to.
    GiveUp(Failure),
    Copy(String),
    Suspend,
    /// Draws everything anew, whatever the terminal shows.
    Repaint,
    Quit {
        /// Somebody asked for the demo.
        demo: bool,
    },
}

/// Which list.
#[derive(Debug, Clone, PartialEq)]
pub enum ListOf {
    Experiments(ExperimentQuery),
    Runs(RunQuery),
    Versions(VersionQuery),
    /// Versions that were asked about: those that wait for something, or all.
    Reviews {
        waiting: bool,
        query: VersionQuery,
    },
    DriftEvents(DriftQuery),
    Deployments(DeploymentQuery),
}

/// A reading question.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    Page(ListOf, PageRequest),
    /// The page of a list that has a row in its middle; the beginning of the list where there is no such row.
    Around {
        list: ListOf,
        /// The same list with nothing but that row.
        only: ListOf,
        limit: usize,
    },
    Count {
        matching: ListOf,
        /// The same list without what was typed as a filter.
        all: ListOf,
    },
    Overview,
    Experiment(ExperimentName),
    Run(RunQuestion),
    Version(ModelName, Version),
    Drift(DriftEventId),
    Deployment(DeploymentId),
    /// These runs, to be compared.
    Runs(Vec<RunId>),
    /// The curves of a metric in these runs, each in so many columns.
    Curves(Key, Vec<RunId>, usize),
    Comparison(ModelName, Vec<Version>),
    /// How the mirror is, and what waits for it.
    Sync,
}

/// What the detail of a run needs beside its row.
#[derive(Debug, Clone, PartialEq)]
pub struct RunQuestion {
    pub run_id: RunId,
    pub metric: Option<Key>,
    /// How many columns a chart has.
    pub columns: usize,
    /// How many bytes of the end of its output.
    pub output: usize,
}

/// Rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    Experiments(Page<ModelExperiment>),
    Runs(Page<ModelRun>),
    Versions(Page<ModelVersion>),
    Reviews(Page<Review>),
    DriftEvents(Page<DriftEvent>),
    Deployments(Page<Deployment>),
}

#[derive(Debug, Clone)]
pub enum Answer {
    Rows(Rows),
    Count {
        matching: u64,
        all: u64,
    },
    Overview(Box<Overview>),
    Experiment(Box<ExperimentMore>),
    Run(Box<RunMore>),
    Version(Box<VersionMore>),
    Drift(Box<DriftMore>),
    Deployment(Box<DeploymentMore>),
    Runs(Vec<ModelRun>),
    /// The metric, and the values of each run's curve in order; none where there is none.
    Curves(Key, Vec<(RunId, Vec<f64>)>),
    Comparison(Box<VersionComparison>),
    Sync(Box<SyncMore>),
}

/// What the detail of an experiment shows beside its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExperimentMore {
    /// How many runs it has in each status, where there are any.
    pub runs: Vec<(RunStatus, u64)>,
    /// The newest runs.
    pub newest: Vec<ModelRun>,
}

/// What the detail of a run shows beside its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunMore {
    pub chart: Option<MetricChart>,
    pub output: OutputTail,
    /// The versions that were registered from it.
    pub versions: Vec<ModelVersion>,
}

/// What the detail of a version shows beside its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VersionMore {
    /// The version of the model that is in Production.
    pub production: Option<ModelVersion>,
    /// What Production still asks for.
    pub missing: Vec<Missing>,
    /// Its audit entries, newest first.
    pub history: Vec<AuditEntry>,
    pub deployments: Vec<Deployment>,
    pub drift: Vec<DriftEvent>,
}

/// What the detail of a drift event shows beside its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DriftMore {
    /// The run that the version comes from.
    pub run_id: Option<RunId>,
    pub history: Vec<AuditEntry>,
    /// Where the version serves.
    pub deployments: Vec<Deployment>,
}

/// What the detail of a deployment shows beside its row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentMore {
    pub version: Option<ModelVersion>,
    /// What the version lacks for Production.
    pub missing: Vec<Missing>,
    /// Everything of the same model and environment, newest first.
    pub others: Vec<Deployment>,
    /// What a rollback would go back to.
    pub target: Option<Deployment>,
    pub history: Vec<AuditEntry>,
    pub drift: Vec<DriftEvent>,
}

/// The mirror, and the items that wait for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncMore {
    pub status: SyncStatus,
    pub items: Vec<SyncItem>,
    /// The store is on a server itself.
    pub is_on_server: bool,
}

/// A change, as the service takes it.
#[derive(Debug, Clone)]
pub enum Write {
    CreateExperiment(NewExperiment),
    UpdateExperiment(ExperimentName, ExperimentUpdate),
    LogRun(NewRun),
    UpdateRun(RunId, RunUpdate),
    RegisterVersion(NewModelVersion),
    UpdateVersion(ModelName, Version, ModelVersionUpdate),
    SetStage(ModelName, Version, Stage, StageChange),
    SetAlias(ModelName, Version, Alias),
    RemoveAlias(ModelName, Version, Alias),
    AppendItem(ModelName, Version, NewChecklistItem),
    MarkItems {
        model_name: ModelName,
        version: Version,
        marks: Vec<ChecklistMark>,
        notes: Option<String>,
        expected: Option<Revision>,
    },
    Decide(ModelName, Version, NewDecision),
    RecordDrift(NewDriftEvent),
    AcknowledgeDrift(DriftEventId, Option<String>, Option<Revision>),
    ResolveDrift(DriftEventId, String, Option<Revision>),
    CreateDeployment(NewDeployment),
    UpdateDeployment(DeploymentId, DeploymentUpdate),
    RollBack(DeploymentId, Rollback),
    RetrySync(i64),
    DropSync(i64, String),
}

impl PartialEq for Write {
    /// Payloads are the service's and need no equality there; here it serves tests and comparisons of effects.
    fn eq(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
    }
}

/// What a change made.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// One sentence for the person who did it: `experiment 'fraud' created`.
    pub said: String,
    /// What it did not do, and what to do about that.
    pub hint: Option<String>,
    /// The id of what was made, for the list to go to.
    pub id: String,
}

/// Why something was not done, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub kind: ErrorKind,
    pub message: String,
    pub hint: Option<String>,
    /// The field of the payload that is wrong.
    pub field: Option<&'static str>,
    /// What lies beneath, outermost first.
    pub causes: Vec<String>,
    /// What a lost race was lost against.
    pub meanwhile: Option<Box<Meanwhile>>,
}

impl Failure {
    /// A store that has said nothing for so long, neither yes nor no.
    pub fn silence(so_far: Duration) -> Self {
        Self {
            kind: ErrorKind::Unavailable,
            message: format!("the store has not answered for {} s", so_far.as_secs()),
            hint: None,
            field: None,
            causes: Vec::new(),
            meanwhile: None,
        }
    }

    /// What lies beneath, as lines for people.
    pub fn because(&self) -> Vec<String> {
        let lines = self.causes.iter().map(|cause| format!("because: {cause}"));
        lines.collect()
    }

    /// Whether asking again later may succeed without anybody doing anything.
    pub fn passes(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::Unavailable
        )
    }
}

impl From<&ServiceError> for Failure {
    fn from(error: &ServiceError) -> Self {
        let message = visible_once(&error.to_string());
        let mut causes: Vec<String> = Vec::new();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let text = visible_once(&cause.to_string());
            // Transparent errors and messages that embed their source would be told twice.
            if !message.contains(&text) && !causes.contains(&text) {
                causes.push(text);
            }
            source = cause.source();
        }
        Self {
            kind: error.kind(),
            hint: error.hint().map(|hint| visible_once(&hint)),
            field: error.field(),
            message,
            causes,
            meanwhile: None,
        }
    }
}
