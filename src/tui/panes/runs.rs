//! The Runs tab: columns for the params and metrics that the rows have, curves and output in the detail, and the verbs of runs.

mod compare;
mod curves;
mod detail;
mod forms;

use self::curves::Curves;
use super::resource::{Cell, Column, Resource, Selected};
use super::{Allowed, Badge, Jump, Request, Scope, Tab, columns, marks};
use crate::domain::{ExperimentName, Filter, Key, ModelRun, RunStatus, number, text::visible};
use crate::store::{ListQuery, Page, RunQuery};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, ListOf, Overview, Question, Rows, RunMore, RunQuestion};
use crate::tui::overlay::Overlay;
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::Detail;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How many bytes of the end of its output are shown.
const OUTPUT: usize = 16 * 1024;
/// How many rows are looked at for the keys that they have in common.
const SAMPLE: usize = 400;
/// How many columns of each kind there may be, whatever has room.
const KEYED: usize = 12;

/// What the tab remembers of its own.
#[derive(Debug, Default)]
pub struct RunsState {
    /// The metric in the chart, once one was chosen.
    metric: Option<Key>,
    /// The curves in the list.
    curves: Curves,
}

impl RunsState {
    /// The metric to show of a run: the chosen one where it has it, else the one that says most.
    fn metric_of(&self, run: &ModelRun) -> Option<Key> {
        let chosen = self.metric.as_ref();
        let chosen = chosen.filter(|metric| run.metrics.contains_key(*metric));
        chosen.or_else(|| headline(run)).cloned()
    }

    fn turn(&mut self, run: &ModelRun, step: isize) {
        let keys: Vec<&Key> = run.metrics.keys().collect();
        let Some(now) = self.metric_of(run) else {
            return;
        };
        let at = keys.iter().position(|key| **key == now).unwrap_or(0);
        let next = (at + keys.len()).saturating_add_signed(step) % keys.len();
        self.curves.choose(keys[next]);
        self.metric = Some(keys[next].clone());
    }
}

impl Resource for ModelRun {
    const TAB: Tab = Tab::Runs;
    const CONTEXT: Context = Context::Runs;
    const NOUNS: (&'static str, &'static str) = ("run", "runs");

    type More = RunMore;
    type State = RunsState;

    fn id(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.run_id.as_str())
    }

    fn only(id: &str) -> Filter {
        Filter::default().and_equal("run_id", id)
    }

    fn columns(rows: &[Self], kept: &[String], state: &RunsState, env: &Env) -> Vec<Column<Self>> {
        let keys_of = |kind: &str, of: fn(&Self) -> Vec<&Key>| {
            let kept = columns::kept(kept, kind);
            kept.unwrap_or_else(|| common_keys(rows, of))
        };
        let mut list = vec![
            Column::new("Run", (12, 28), 0, |row: &Self, _| {
                Cell::new(visible(&row.name))
            })
            .sorts("name", false),
            Column::new("Status", (11, 11), 1, |row: &Self, env: &Env| {
                let silent = silence(row, env).is_some();
                let mark = marks::run(row.status, silent);
                // What is silent for too long says RUNNING only as far as it knows; the detail has both words.
                let text = if silent {
                    format!("{} stale", mark.sign)
                } else {
                    mark.text()
                };
                Cell::meaning(text, mark.meaning)
            })
            .sorts("status", false),
            Column::new("Started", (8, 9), 2, |row: &Self, env: &Env| {
                Cell::new(row.started_at.map_or(String::new(), |at| env.ago(at)))
            })
            .sorts("started", true)
            .right(),
        ];
        let metrics = keys_of("metrics.", |row| row.metrics.keys().collect());
        for (nth, key) in metrics.into_iter().enumerate() {
            let is_curve = state.curves.metric() == Some(&key);
            list.push(metric_column(key, nth, env));
            if is_curve {
                list.push(curves::column(&state.curves, rank(3, nth)));
            }
        }
        let params = keys_of("params.", |row| row.params.keys().collect());
        for (nth, key) in params.into_iter().enumerate() {
            list.push(param_column(key, nth));
        }
        list.push(
            Column::new("Experiment", (10, 20), 7, |row: &Self, _| {
                Cell::new(row.experiment_name.to_string())
            })
            .sorts("experiment", false),
        );
        list.push(
            Column::new("Ended", (8, 9), 30, |row: &Self, env: &Env| {
                Cell::new(row.ended_at.map_or(String::new(), |at| env.ago(at)))
            })
            .sorts("ended", true)
            .right(),
        );
        list
    }

    fn keys(&self) -> Vec<&str> {
        let keys = self.metrics.keys().chain(self.params.keys());
        keys.chain(self.tags.keys()).map(Key::as_str).collect()
    }

    fn list(scope: &Scope, mut list: ListQuery) -> ListOf {
        for field in ["run_id", "user", "host"] {
            if let Some(value) = scope.get(field) {
                list.filter = list.filter.and_equal(field, value);
            }
        }
        ListOf::Runs(RunQuery {
            experiment: scope.get("experiment").map(ExperimentName::trusted),
            statuses: Vec::new(),
            list,
        })
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::Runs(page) => Some(page),
            _ => None,
        }
    }

    fn badge(overview: &Overview) -> Option<Badge> {
        (overview.running > 0).then_some(Badge {
            meaning: Meaning::Live,
            sign: '●',
            count: overview.running,
        })
    }

    fn question(&self, state: &RunsState, columns: u16, _env: &Env) -> Option<Question> {
        Some(Question::Run(RunQuestion {
            run_id: self.run_id.clone(),
            metric: state.metric_of(self),
            columns: usize::from(columns),
            output: OUTPUT,
        }))
    }

    fn beside(seen: &[&Self], state: &RunsState) -> Option<Question> {
        state.curves.question(seen)
    }

    fn take_beside(state: &mut RunsState, rows: &[Self], answer: Answer) -> bool {
        state.curves.take(rows, answer)
    }

    fn more(answer: Answer) -> Option<RunMore> {
        match answer {
            Answer::Run(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&RunMore>, state: &RunsState, rows: u16, env: &Env) -> Detail {
        detail::detail(self, more, state.metric_of(self).as_ref(), rows, env)
    }

    fn allows(action: Action, selected: &Selected<'_, Self>, _env: &Env) -> Allowed {
        if action == Action::Compare && selected.marked.len() < 2 {
            return Allowed::no("mark two runs or more with space, then compare them");
        }
        let Some(run) = selected.current else {
            return match action {
                Action::Edit | Action::EndRun | Action::Register => {
                    Allowed::no("there is no run here")
                }
                _ => Allowed::Yes,
            };
        };
        match action {
            Action::EndRun if run.status.is_final() => {
                Allowed::no(format!("this run is {} already, and stays so", run.status))
            }
            Action::NextMetric | Action::PreviousMetric if run.metrics.len() < 2 => {
                Allowed::no("this run has no other metric")
            }
            _ => Allowed::Yes,
        }
    }

    fn on(
        action: Action,
        state: &mut RunsState,
        selected: &Selected<'_, Self>,
        env: &Env,
    ) -> Vec<Request> {
        let form = match (action, selected.current) {
            (Action::Create, current) => {
                let known = selected.scope.get("experiment");
                let known = known.or(current.map(|run| run.experiment_name.as_str()));
                forms::log(known.unwrap_or_default())
            }
            (Action::Edit, Some(run)) => forms::edit(run),
            (Action::EndRun, Some(run)) => forms::end(run, env),
            (Action::Register, Some(run)) => forms::register(run, env),
            (Action::Compare, _) => {
                let reader = compare::reader(selected.marked);
                return vec![Request::Open(Box::new(Overlay::Reader(reader)))];
            }
            (Action::NextMetric, Some(run)) => {
                state.turn(run, 1);
                return Vec::new();
            }
            (Action::PreviousMetric, Some(run)) => {
                state.turn(run, -1);
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        vec![Request::Open(Box::new(Overlay::Form(form)))]
    }

    fn relatives(&self, more: Option<&RunMore>) -> Vec<(Relative, String, Jump)> {
        let name = self.experiment_name.as_str();
        let experiment = Scope::new(self.experiment_name.to_string()).with("name", name);
        let mut ways = vec![(
            Relative::Experiment,
            format!("experiment '{}'", self.experiment_name),
            Jump {
                tab: Tab::Experiments,
                scope: experiment,
                select: Some(name.to_owned()),
            },
        )];
        let versions = more.map_or(0, |more| more.versions.len());
        if versions > 0 {
            let scope = Scope::new(format!("run {}", visible(&self.name)))
                .with("run_id", self.run_id.as_str());
            let jump = Jump::to(Tab::Registry, scope);
            let label = format!("the versions registered from it ({versions})");
            ways.push((Relative::Version, label, jump));
        }
        ways
    }

    fn empty(_env: &Env) -> Vec<String> {
        vec![
            "There are no runs yet.".to_owned(),
            String::new(),
            "modeldeck run exec --experiment NAME -- COMMAND  starts one".to_owned(),
            "a  logs one by hand".to_owned(),
        ]
    }

    fn changes(action: Action) -> bool {
        matches!(
            action,
            Action::Create | Action::Edit | Action::EndRun | Action::Register
        )
    }
}

/// The metric that says most about a run: a loss where there is one, on held-out data where there is some.
pub(super) fn headline(run: &ModelRun) -> Option<&Key> {
    let likely = |key: &&Key| (key.as_str().contains("loss"), is_held_out(key));
    // The last of equals is taken, so the first in the order of names has to come last.
    run.metrics.keys().rev().max_by_key(likely)
}

/// The keys that most rows have, most common first.
fn common_keys(rows: &[ModelRun], keys: fn(&ModelRun) -> Vec<&Key>) -> Vec<Key> {
    let mut counts: BTreeMap<&Key, usize> = BTreeMap::new();
    for row in rows.iter().take(SAMPLE) {
        for key in keys(row) {
            *counts.entry(key).or_default() += 1;
        }
    }
    let mut common: Vec<(&Key, usize)> = counts.into_iter().collect();
    // Stable, so that equally common ones stay in the order of their names.
    common.sort_by_key(|(key, count)| (std::cmp::Reverse(*count), !is_held_out(key)));
    let common = common.into_iter().take(KEYED);
    common.map(|(key, _)| key.clone()).collect()
}

/// Whether a metric was measured on data that was held out, which says more than one on what was trained with.
fn is_held_out(key: &Key) -> bool {
    let first = key.as_str().split(['/', '_', '.', '-']).next();
    matches!(
        first,
        Some("val" | "valid" | "validation" | "test" | "eval")
    )
}

/// As wide as its title needs, within limits.
fn keyed_width(title: &str) -> u16 {
    u16::try_from(crate::tui::widgets::text::width(title))
        .unwrap_or(u16::MAX)
        .clamp(8, 10)
}

fn rank(base: u8, nth: usize) -> u8 {
    base + u8::try_from(nth.min(KEYED)).unwrap_or(0)
}

fn metric_column(key: Key, nth: usize, env: &Env) -> Column<ModelRun> {
    let title = key.to_string();
    let field = format!("metrics.{}", key.as_str());
    let largest_first = !env.directions.lower_is_better(key.as_str());
    let width = keyed_width(&title);
    Column::new(
        title,
        (width, width),
        rank(3, nth),
        move |row: &ModelRun, _| {
            let Some(point) = row.metrics.get(&key) else {
                return Cell::default();
            };
            let text = number::short(point.value);
            if point.value.is_finite() {
                Cell::new(text)
            } else {
                Cell::meaning(text, Meaning::Bad)
            }
        },
    )
    .sorts(field, largest_first)
    .right()
}

fn param_column(key: Key, nth: usize) -> Column<ModelRun> {
    let title = key.to_string();
    let field = format!("params.{}", key.as_str());
    let width = keyed_width(&title);
    Column::new(
        title,
        (width, width),
        rank(5, nth),
        move |row: &ModelRun, _| {
            let value = row.params.get(&key);
            Cell::new(value.map_or(String::new(), |value| visible(value).into_owned()))
        },
    )
    .sorts(field, true)
    .right()
}

/// Whether a run is RUNNING, and for how long it has been silent if that is too long.
fn silence(run: &ModelRun, env: &Env) -> Option<jiff::SignedDuration> {
    run.stale_for(env.now.at, env.stale_after)
        .filter(|_| run.status == RunStatus::Running)
}
