//! The Drift tab: measures that moved away from their baselines, and what is done about them.

mod verbs;

use super::registry::scope_of;
use super::resource::{Cell, Column, Resource, Selected};
use super::sections::DeploymentsBy;
use super::{Allowed, Badge, Jump, Request, Scope, Tab, columns, marks, sections};
use crate::domain::drift::is_improvement;
use crate::domain::text::visible;
use crate::domain::{DriftEvent, Filter, ModelName, Version, number};
use crate::store::{DriftQuery, ListQuery, Page};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, DriftMore, ListOf, Overview, Question, Rows};
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::{Detail, Section};
use ratatui::text::Line;
use std::borrow::Cow;

impl Resource for DriftEvent {
    const TAB: Tab = Tab::Drift;
    const CONTEXT: Context = Context::Drift;
    const NOUNS: (&'static str, &'static str) = ("drift event", "drift events");

    type More = DriftMore;
    type State = ();

    fn id(&self) -> Cow<'_, str> {
        self.event_id.as_str().into()
    }

    fn only(id: &str) -> Filter {
        Filter::default().and_equal("event_id", id)
    }

    fn columns(rows: &[Self], _: &[String], (): &(), _: &Env) -> Vec<Column<Self>> {
        let value = |title, field, rank, of: fn(&Self) -> f64| {
            Column::new(title, (8, 10), rank, move |row: &Self, _: &Env| {
                Cell::new(number::short(of(row)))
            })
            .sorts(field, true)
            .right()
        };
        let metric = columns::widest(rows, |row| row.metric.to_string()).clamp(8, 40);
        vec![
            Column::new("Severity", (10, 10), 0, |row: &Self, _| {
                let mark = marks::severity(row.severity);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(6)
            .sorts("severity", true),
            columns::model(rows, 14, 1, |row| &row.model_name),
            columns::version(rows, 4, |row| &row.version),
            Column::new("Where", (10, 10), 8, |row: &Self, _| {
                Cell::new(
                    row.environment
                        .map_or("", |environment| environment.as_str()),
                )
            })
            .sorts("environment", false),
            Column::new("Metric", (metric.min(10), metric), 2, |row: &Self, _| {
                Cell::new(row.metric.to_string())
            })
            .squeezes(8)
            .sorts("metric", false),
            value("Baseline", "baseline", 7, |row| row.baseline),
            value("Observed", "observed", 5, |row| row.observed),
            value("Score", "score", 9, |row| row.score),
            Column::new("Count", (5, 7), 10, |row: &Self, _| {
                Cell::new(crate::tui::env::count(row.count))
            })
            .sorts("count", true)
            .right(),
            Column::new("State", (10, 14), 3, |row: &Self, _| {
                let mark = marks::drift_state(row.state);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(6)
            .sorts("state", false),
            Column::new("Seen", (8, 10), 6, |row: &Self, env: &Env| {
                Cell::new(env.ago(row.last_seen_at))
            })
            .sorts("last_seen", true)
            .right(),
        ]
    }

    fn list(scope: &Scope, mut list: ListQuery) -> ListOf {
        if let Some(event_id) = scope.get("event_id") {
            list.filter = list.filter.and_equal("event_id", event_id);
        }
        ListOf::DriftEvents(DriftQuery {
            model: scope.get("model").map(ModelName::trusted),
            version: scope.get("version").map(Version::trusted),
            list,
            ..DriftQuery::default()
        })
    }

    fn order(_: &Scope) -> &'static str {
        "last seen first"
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::DriftEvents(page) => Some(page),
            _ => None,
        }
    }

    fn badge(overview: &Overview) -> Option<Badge> {
        let worst = overview.worst_drift?;
        Some(Badge {
            meaning: marks::severity(worst).meaning,
            sign: '▲',
            count: overview.drift,
        })
    }

    fn question(&self, (): &(), _: u16, _: &Env) -> Option<Question> {
        Some(Question::Drift(self.event_id.clone()))
    }

    fn more(answer: Answer) -> Option<DriftMore> {
        match answer {
            Answer::Drift(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&DriftMore>, (): &(), _: u16, env: &Env) -> Detail {
        let mut parts = vec![standing(self, env), measured(self, env)];
        if let Some(note) = &self.note {
            parts.push(sections::free_text("Note", note));
        }
        if let Some(more) = more {
            parts.push(sections::deployments(
                "Where this version serves",
                &more.deployments,
                DeploymentsBy::Environment,
                env,
            ));
            parts.push(sections::history(&more.history, env));
        }
        Detail {
            title: format!("{} {} · {}", self.model_name, self.version, self.metric),
            sections: parts,
        }
    }

    fn allows(action: Action, selected: &Selected<'_, Self>, _: &Env) -> Allowed {
        verbs::allows(action, selected)
    }

    fn on(action: Action, (): &mut (), selected: &Selected<'_, Self>, env: &Env) -> Vec<Request> {
        verbs::on(action, selected, env)
    }

    fn relatives(&self, more: Option<&DriftMore>) -> Vec<(Relative, String, Jump)> {
        let scope = scope_of(&self.model_name, &self.version);
        let to = |tab| Jump::to(tab, scope.clone());
        let mut ways = vec![(
            Relative::Version,
            "the version that drifted".to_owned(),
            to(Tab::Registry),
        )];
        if let Some(run) = more.and_then(|more| more.run_id.as_ref()) {
            let jump = Jump::to_run(run);
            ways.push((
                Relative::Run,
                "the run that the version comes from".to_owned(),
                jump,
            ));
        }
        if more.is_none_or(|more| !more.deployments.is_empty()) {
            let way = "where the version serves".to_owned();
            ways.push((Relative::Deployment, way, to(Tab::Deployments)));
        }
        ways
    }

    fn empty(_: &Env) -> Vec<String> {
        vec![
            "No drift was recorded.".to_owned(),
            String::new(),
            "modeldeck drift record  does it".to_owned(),
            "a  does it by hand".to_owned(),
        ]
    }

    fn changes(action: Action) -> bool {
        verbs::changes(action)
    }
}

fn standing(event: &DriftEvent, env: &Env) -> Section {
    let by = match &event.decided_by {
        Some(by) => format!("  by {}", visible(by)),
        None => String::new(),
    };
    let recorded = match event.count {
        1 => "once".to_owned(),
        count => format!("{} times", crate::tui::env::count(count)),
    };
    Section::new("")
        .pair(
            "severity",
            Line::from(marks::severity(event.severity).span(&env.theme)),
        )
        .pair(
            "state",
            Line::from(vec![
                marks::drift_state(event.state).span(&env.theme),
                sections::plain(by),
            ]),
        )
        .pair("model", format!("{} {}", event.model_name, event.version))
        .pair(
            "environment",
            event
                .environment
                .map_or("not told", |environment| environment.as_str()),
        )
        .pair("event", event.event_id.to_string())
        .pair("first seen", env.when(event.first_seen_at))
        .pair("last seen", env.when(event.last_seen_at))
        .pair("recorded", recorded)
}

/// Whether what was recorded is better than the baseline, in the direction that the settings give the metric.
fn is_improved(event: &DriftEvent, env: &Env) -> bool {
    is_improvement(
        &event.metric,
        event.baseline,
        event.observed,
        &env.directions,
    )
}

fn measured(event: &DriftEvent, env: &Env) -> Section {
    let sized = |value: f64, size: Option<u64>| match size {
        Some(size) => format!(
            "{} of {} samples",
            number::short(value),
            crate::tui::env::count(size)
        ),
        None => number::short(value),
    };
    Section::new("Measure")
        .pair("metric", event.metric.to_string())
        .pair("baseline", sized(event.baseline, event.baseline_size))
        .pair("observed", sized(event.observed, event.observed_size))
        .pair("score", number::short(event.score))
        .pair_if(
            "direction",
            is_improved(event, env).then(|| {
                let good = env.theme.meaning(Meaning::Good);
                Line::styled("improved: it is better than its baseline", good)
            }),
        )
        .pair_if("threshold", event.threshold.map(number::short))
}

#[cfg(test)]
mod tests;
