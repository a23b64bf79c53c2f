//! The screen's core on a stage: keys in, questions answered from lists in memory, and what stands on the screen as text.
//!
//! Clock, ids, zone and size are fixed, so that what is drawn is the same everywhere.

pub(crate) mod mirror;
mod objects;

pub(crate) use objects::{experiments, run, runs};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::{SignedDuration, Timestamp};
use modeldeck::domain::filter::{FieldValue, Filterable};
use modeldeck::domain::{Filter, ModelExperiment, ModelRun, RunStatus, Sort};
use modeldeck::service::Overview;
use modeldeck::store::{Cursor, OutputTail, Page, PageFrom, PageRequest};
use modeldeck::tui::app::{App, Labels};
use modeldeck::tui::env::Env;
use modeldeck::tui::message::{
    Answer, Effect, ExperimentMore, Failure, Lane, ListOf, Moment, Msg, Question, Rows, RunMore,
    SyncMore, Ticket, Write, Written,
};
use modeldeck::tui::panes::Tab;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::cmp::Ordering;
use std::collections::VecDeque;
use std::time::Duration;
use unicode_width::UnicodeWidthStr as _;

/// The present on the stage.
pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// The core and everything that it may ask for.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) experiments: Vec<ModelExperiment>,
    pub(crate) runs: Vec<ModelRun>,
    pub(crate) sync: SyncMore,
    /// Answers every reading question with this instead.
    pub(crate) failing: Option<Failure>,
    /// Questions that are not answered yet.
    pub(crate) asked: VecDeque<(Lane, Ticket, Question)>,
    /// Changes that are not answered yet.
    pub(crate) writes: VecDeque<(Ticket, Write)>,
    /// Everything else that was to be done.
    pub(crate) effects: Vec<Effect>,
    pub(crate) elapsed: Duration,
    size: (u16, u16),
}

impl Stage {
    /// An environment as the shell makes it.
    pub(crate) fn env() -> Env {
        Env {
            person: "alice".to_owned(),
            ..Env::default()
        }
    }

    /// A screen of this size that asked its first questions; nothing is answered yet.
    pub(crate) fn new(width: u16, height: u16, tab: Tab) -> Self {
        Self::with(Self::env(), width, height, tab)
    }

    pub(crate) fn with(env: Env, width: u16, height: u16, tab: Tab) -> Self {
        let labels = Labels {
            store: "fraud-prod · local store".to_owned(),
            person: "alice@gpu-07".to_owned(),
        };
        let mut stage = Self {
            app: App::new(env, labels, tab, true),
            experiments: experiments(),
            runs: Vec::new(),
            sync: SyncMore::default(),
            failing: None,
            asked: VecDeque::new(),
            writes: VecDeque::new(),
            effects: Vec::new(),
            elapsed: Duration::ZERO,
            size: (width, height),
        };
        let effects = stage.app.start(stage.moment(), width, height);
        stage.sort_out(effects);
        stage
    }

    /// The Runs tab with so many runs, everything answered.
    pub(crate) fn runs(width: u16, height: u16, runs: usize) -> Self {
        let mut stage = Self::new(width, height, Tab::Runs);
        stage.runs = self::runs(runs);
        stage.answer();
        stage
    }

    fn moment(&self) -> Moment {
        Moment {
            at: now() + SignedDuration::try_from(self.elapsed).unwrap(),
            elapsed: self.elapsed,
        }
    }

    pub(crate) fn send(&mut self, msg: Msg) {
        let effects = self.app.update(self.moment(), msg);
        self.sort_out(effects);
    }

    fn sort_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask {
                    lane,
                    ticket,
                    question,
                } => {
                    // As in the worker: a new question of a lane ends the old one.
                    self.asked.retain(|(asked, ..)| *asked != lane);
                    self.asked.push_back((lane, ticket, *question));
                }
                Effect::Write { ticket, write } => self.writes.push_back((ticket, *write)),
                effect => self.effects.push(effect),
            }
        }
    }

    /// Presses keys as the table spells them, each answered before the next: `j`, `ctrl-c`, `enter`, `g g`.
    pub(crate) fn press(&mut self, keys: &str) {
        for spelled in keys.split(' ') {
            let key: modeldeck::tui::keymap::key::Key = spelled.parse().unwrap();
            let mut modifiers = KeyModifiers::NONE;
            if key.ctrl {
                modifiers |= KeyModifiers::CONTROL;
            }
            if key.alt {
                modifiers |= KeyModifiers::ALT;
            }
            self.send(Msg::Key(KeyEvent::new(key.code, modifiers)));
            self.answer();
        }
    }

    /// Types a text, character by character.
    pub(crate) fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            self.send(Msg::Key(key));
        }
    }

    pub(crate) fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) {
        self.send(Msg::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }));
        self.answer();
    }

    pub(crate) fn click(&mut self, column: u16, row: u16) {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row);
    }

    /// Lets time go by, and the app wake when it wants to.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        let until = self.elapsed + Duration::from_millis(milliseconds);
        while self.app.wakes_at() <= until {
            self.elapsed = self.app.wakes_at().max(self.elapsed);
            self.send(Msg::Tick);
            self.elapsed += Duration::from_millis(1);
        }
        self.elapsed = until;
        self.answer();
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
        self.send(Msg::Resized { width, height });
        self.answer();
    }

    /// Answers questions until none is asked any more.
    pub(crate) fn answer(&mut self) {
        for _ in 0..100 {
            let Some((lane, ticket, question)) = self.asked.pop_front() else {
                return;
            };
            let answer = self.answer_to(&question);
            self.send(Msg::Answer {
                lane,
                ticket,
                answer,
            });
        }
        panic!("the app never stops asking: {:?}", self.asked);
    }

    /// Answers the oldest change.
    pub(crate) fn answer_write(&mut self, result: Result<Written, Failure>) {
        let (ticket, _) = self.writes.pop_front().expect("a change was sent");
        self.send(Msg::Written { ticket, result });
        self.answer();
    }

    fn answer_to(&self, question: &Question) -> Result<Answer, Failure> {
        if let Some(failure) = &self.failing {
            return Err(failure.clone());
        }
        Ok(match question {
            Question::Page(ListOf::Experiments(query), request) => {
                let rows = listed(
                    &self.experiments,
                    &query.list.filter,
                    query.list.sort.as_ref(),
                );
                Answer::Rows(Rows::Experiments(page(&rows, request)))
            }
            Question::Page(list @ ListOf::Runs(_), request) => {
                Answer::Rows(Rows::Runs(page(&self.listed_runs(list), request)))
            }
            Question::Around {
                list: list @ ListOf::Runs(_),
                only,
                limit,
            } => {
                let rows = self.listed_runs(list);
                let found = self.listed_runs(only).pop();
                let at = found.and_then(|found| rows.iter().position(|row| *row == found));
                let first = at.unwrap_or(0).saturating_sub(limit / 2);
                let from = rows.get(first).map_or(PageFrom::Start, |row| {
                    PageFrom::At(Cursor(row.run_id.as_str().to_owned()))
                });
                let request = PageRequest {
                    from,
                    limit: *limit,
                };
                Answer::Rows(Rows::Runs(page(&rows, &request)))
            }
            Question::Around { list, limit, .. } => {
                let start = PageRequest::first(*limit);
                return self.answer_to(&Question::Page(list.clone(), start));
            }
            // Nothing is registered, drifting or deployed on the stage.
            Question::Page(ListOf::Versions(_), _) => Answer::Rows(Rows::Versions(Page::empty())),
            Question::Page(ListOf::Reviews { .. }, _) => Answer::Rows(Rows::Reviews(Page::empty())),
            Question::Page(ListOf::DriftEvents(_), _) => {
                Answer::Rows(Rows::DriftEvents(Page::empty()))
            }
            Question::Page(ListOf::Deployments(_), _) => {
                Answer::Rows(Rows::Deployments(Page::empty()))
            }
            Question::Count { matching, all } => Answer::Count {
                matching: self.count(matching),
                all: self.count(all),
            },
            Question::Overview => {
                let running = self.runs.iter();
                let running: Vec<ModelRun> = running
                    .filter(|run| run.status == RunStatus::Running)
                    .cloned()
                    .collect();
                Answer::Overview(Box::new(Overview {
                    running: running.len() as u64,
                    sync: self.sync.status.clone(),
                    running_runs: running.into_iter().take(4).collect(),
                    ..Overview::default()
                }))
            }
            Question::Experiment(name) => {
                let of_it = self.runs.iter().filter(|run| run.experiment_name == *name);
                Answer::Experiment(Box::new(ExperimentMore {
                    runs: vec![(RunStatus::Completed, of_it.clone().count() as u64)],
                    newest: of_it.take(3).cloned().collect(),
                }))
            }
            Question::Run(question) => Answer::Run(Box::new(RunMore {
                chart: question.metric.clone().map(objects::chart),
                output: OutputTail {
                    bytes: b"epoch 1\r\nepoch 2 \x1b[31mred\n".to_vec(),
                    total: 24,
                },
                ..RunMore::default()
            })),
            Question::Curves(metric, ids, _) => {
                let curves = ids.iter().map(|id| (id.clone(), vec![3.0, 1.0, 2.0]));
                Answer::Curves(metric.clone(), curves.collect())
            }
            Question::Sync => Answer::Sync(Box::new(self.sync.clone())),
            Question::Runs(ids) => Answer::Runs(
                ids.iter()
                    .filter_map(|id| self.runs.iter().find(|run| run.run_id == *id).cloned())
                    .collect(),
            ),
            other => panic!("nothing on the stage answers {other:?}"),
        })
    }

    fn listed_runs(&self, list: &ListOf) -> Vec<ModelRun> {
        let ListOf::Runs(query) = list else {
            panic!("{list:?} is no list of runs");
        };
        let experiment = query.experiment.as_ref();
        let of_it: Vec<ModelRun> = self
            .runs
            .iter()
            .filter(|run| experiment.is_none_or(|name| run.experiment_name == *name))
            .cloned()
            .collect();
        listed(&of_it, &query.list.filter, query.list.sort.as_ref())
    }

    fn count(&self, list: &ListOf) -> u64 {
        let count = match list {
            ListOf::Experiments(query) => listed(&self.experiments, &query.list.filter, None).len(),
            list @ ListOf::Runs(_) => self.listed_runs(list).len(),
            _ => 0,
        };
        count as u64
    }

    /// Draws, and tells the app so.
    pub(crate) fn buffer(&mut self) -> (Buffer, Option<Position>) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        let cursor = self.app.draw(&mut buffer);
        self.send(Msg::Drawn);
        (buffer, cursor)
    }

    /// What stands on the screen.
    pub(crate) fn screen(&mut self) -> String {
        let (buffer, _) = self.buffer();
        text(&buffer)
    }

    /// The line with the selected row of the list.
    pub(crate) fn selected(&mut self) -> String {
        let screen = self.screen();
        let line = screen.lines().find(|line| line.contains("│▸"));
        line.unwrap_or_else(|| panic!("nothing is selected:\n{screen}"))
            .to_owned()
    }
}

/// A buffer as lines of text; what a wide glyph covers is left out.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut lines = Vec::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut covered = 0;
        for x in buffer.area.left()..buffer.area.right() {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            covered = symbol.width().saturating_sub(1);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

fn listed<T: Filterable + Clone>(rows: &[T], filter: &Filter, sort: Option<&Sort>) -> Vec<T> {
    let mut rows: Vec<T> = rows
        .iter()
        .filter(|row| filter.matches(*row))
        .cloned()
        .collect();
    if let Some(sort) = sort {
        rows.sort_by(|a, b| {
            let order = compare(a.field(&sort.field).first(), b.field(&sort.field).first());
            if sort.descending {
                order.reverse()
            } else {
                order
            }
        });
    }
    rows
}

fn compare(a: Option<&FieldValue<'_>>, b: Option<&FieldValue<'_>>) -> Ordering {
    match (a, b) {
        (Some(FieldValue::Number(a)), Some(FieldValue::Number(b))) => a.total_cmp(b),
        (Some(FieldValue::Text(a)), Some(FieldValue::Text(b))) => a.cmp(b),
        (Some(FieldValue::Time(a)), Some(FieldValue::Time(b))) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// A page as a store gives it, with the place of a row as its cursor.
fn page<T: Clone + Filterable>(rows: &[T], request: &PageRequest) -> Page<T> {
    let id = |row: &T| row.words().last().unwrap().to_string();
    let place = |cursor: &Cursor| {
        let found = rows.iter().position(|row| id(row) == cursor.0);
        found.unwrap_or(0)
    };
    let limit = if request.limit == 0 {
        rows.len()
    } else {
        request.limit
    };
    let (from, until) = match &request.from {
        PageFrom::Start => (0, limit),
        PageFrom::End => (rows.len().saturating_sub(limit), rows.len()),
        PageFrom::After(cursor) => (place(cursor) + 1, place(cursor) + 1 + limit),
        PageFrom::At(cursor) => (place(cursor), place(cursor) + limit),
        PageFrom::Before(cursor) => (place(cursor).saturating_sub(limit), place(cursor)),
    };
    let until = until.min(rows.len());
    let shown = rows.get(from..until).unwrap_or_default().to_vec();
    let edges = shown
        .first()
        .zip(shown.last())
        .map(|(first, last)| (Cursor(id(first)), Cursor(id(last))));
    Page {
        more_before: from > 0 && edges.is_some(),
        more_after: until < rows.len(),
        reach: None,
        edges,
        rows: shown,
    }
}
