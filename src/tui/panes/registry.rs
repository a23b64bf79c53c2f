//! The Registry tab: every version of every model, with what it measures against Production and what can be done with it.

mod verbs;

use super::resource::{Cell, Column, Resource, Selected};
use super::sections::DeploymentsBy;
use super::{Allowed, Badge, Jump, Request, Scope, Tab, columns, marks, sections};
use crate::domain::fields;
use crate::domain::text::visible;
use crate::domain::{Filter, Key, ModelName, ModelVersion, RunId, StageWarning, Version, number};
use crate::store::{ListQuery, Page, VersionQuery};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, ListOf, Overview, Question, Rows, Serving, VersionMore};
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::{Detail, Section};
use crate::tui::widgets::text;
use ratatui::text::Line;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many metrics have a column.
const METRICS: usize = 3;

impl Resource for ModelVersion {
    const TAB: Tab = Tab::Registry;
    const CONTEXT: Context = Context::Registry;
    const NOUNS: (&'static str, &'static str) = ("version", "versions");

    type More = VersionMore;
    type State = ();

    fn id(&self) -> Cow<'_, str> {
        format!("{} {}", self.model_name.as_str(), self.version.as_str()).into()
    }

    fn only(id: &str) -> Filter {
        // A version has no spaces, a model's name may have some.
        let (model, version) = id.rsplit_once(' ').unwrap_or((id, ""));
        Filter::default()
            .and_equal("model", model)
            .and_equal("version", version)
    }

    fn columns(rows: &[Self], kept: &[String], (): &(), env: &Env) -> Vec<Column<Self>> {
        let mut columns = vec![
            columns::model(rows, 17, 0, |row| &row.model_name),
            columns::version(rows, 1, |row| &row.version),
            Column::new("Stage", (12, 12), 2, |row: &Self, _| {
                let mark = marks::stage(row);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(7)
            .sorts("stage", false),
            Column::new("Approval", (10, 10), 3, |row: &Self, _| {
                let mark = marks::approval(row.approval);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(6)
            .sorts("approval", false),
            Column::new("Serves", (8, 14), 5, |row: &Self, env: &Env| {
                serves(row, env)
            })
            .squeezes(6),
            Column::new("Aliases", (8, 20), 7, |row: &Self, _| {
                Cell::new(aliases(row))
            })
            .sorts("alias", false),
        ];
        let metrics = columns::kept(kept, "metrics.").unwrap_or_else(|| frequent_metrics(rows));
        for (key, rank) in metrics.into_iter().zip([6, 8, 9]) {
            let lower = env.directions.lower_is_better(key.as_str());
            let field = format!("metrics.{}", key.as_str());
            let wide = u16::try_from(text::width(key.as_str())).unwrap_or(u16::MAX);
            let column = Column::new(
                key.to_string(),
                (8, wide.clamp(8, 16)),
                rank,
                move |row: &Self, _| {
                    Cell::new(
                        row.metrics
                            .get(&key)
                            .map_or(String::new(), |value| number::short(*value)),
                    )
                },
            );
            columns.push(column.sorts(field, !lower).right());
        }
        columns.push(
            Column::new("By", (6, 12), 10, |row: &Self, _| {
                Cell::new(visible(&row.registered_by))
            })
            .sorts("registered_by", false),
        );
        columns.push(
            Column::new("Age", (8, 10), 4, |row: &Self, env: &Env| {
                Cell::new(env.ago(row.created_at))
            })
            .sorts("created", true)
            .right(),
        );
        columns
    }

    fn knows(field: &str) -> bool {
        !fields::OF_A_REVIEW.iter().any(|known| known.name == field)
    }

    fn keys(&self) -> Vec<&str> {
        let keys = self.metrics.keys().chain(self.params.keys());
        keys.chain(self.tags.keys()).map(Key::as_str).collect()
    }

    fn list(scope: &Scope, list: ListQuery) -> ListOf {
        ListOf::Versions(version_query(scope, list))
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::Versions(page) => Some(page),
            _ => None,
        }
    }

    fn badge(_: &Overview) -> Option<Badge> {
        None
    }

    fn question(&self, (): &(), _: u16, _: &Env) -> Option<Question> {
        Some(Question::Version(
            self.model_name.clone(),
            self.version.clone(),
        ))
    }

    fn more(answer: Answer) -> Option<VersionMore> {
        match answer {
            Answer::Version(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&VersionMore>, (): &(), _: u16, env: &Env) -> Detail {
        let production = more.and_then(|more| more.production.as_ref());
        let mut parts = vec![
            facts(self, env),
            sections::metrics(self, production, env),
            sections::missing(more.map(|more| more.missing.as_slice()), env),
            sections::checklist(&self.checklist, env),
            sections::decisions(self, env),
        ];
        if !self.params.is_empty() {
            parts.push(sections::keyed("Params", &self.params));
        }
        if !self.tags.is_empty() {
            parts.push(sections::keyed("Tags", &self.tags));
        }
        if !self.artifacts.is_empty() {
            parts.push(sections::artifacts(self, env));
        }
        if let Some(more) = more {
            parts.push(sections::deployments(
                "Deployments",
                &more.deployments,
                DeploymentsBy::Environment,
                env,
            ));
            parts.push(sections::drift(&more.drift, env));
            parts.push(sections::history(&more.history, env));
        }
        Detail {
            title: self.label(),
            sections: parts,
        }
    }

    fn allows(action: Action, selected: &Selected<'_, Self>, env: &Env) -> Allowed {
        verbs::allows(action, selected, env)
    }

    fn on(action: Action, (): &mut (), selected: &Selected<'_, Self>, env: &Env) -> Vec<Request> {
        verbs::on(action, selected, env)
    }

    fn relatives(&self, more: Option<&VersionMore>) -> Vec<(Relative, String, Jump)> {
        relatives(self, more, Relative::Version)
    }

    fn empty(_: &Env) -> Vec<String> {
        vec![
            "There are no versions yet.".to_owned(),
            String::new(),
            "r  registers one".to_owned(),
            "2 r  registers one from a run".to_owned(),
        ]
    }

    fn changes(action: Action) -> bool {
        verbs::changes(action)
    }
}

/// The versions of a scope: of a model, from a run, or one alone.
pub(super) fn version_query(scope: &Scope, mut list: ListQuery) -> VersionQuery {
    if let Some(version) = scope.get("version") {
        list.filter = list.filter.and_equal("version", version);
    }
    VersionQuery {
        model: scope.get("model").map(ModelName::trusted),
        run_id: scope.get("run_id").map(RunId::trusted),
        list,
        ..VersionQuery::default()
    }
}

/// The scope of one version, for the tabs of its relatives.
pub(super) fn scope_of(model: &ModelName, version: &Version) -> Scope {
    Scope::new(format!("{model} {version}"))
        .with("model", model.as_str())
        .with("version", version.as_str())
}

/// Where a version leads, except to itself.
pub(super) fn relatives(
    version: &ModelVersion,
    more: Option<&VersionMore>,
    here: Relative,
) -> Vec<(Relative, String, Jump)> {
    let scope = scope_of(&version.model_name, &version.version);
    let to = |tab| Jump::to(tab, scope.clone());
    let mut ways = Vec::new();
    if let Some(run_id) = &version.run_id {
        let jump = Jump::to_run(run_id);
        ways.push((
            Relative::Run,
            "the run it was registered from".to_owned(),
            jump,
        ));
    }
    if here != Relative::Version {
        ways.push((
            Relative::Version,
            "its place in the registry".to_owned(),
            to(Tab::Registry),
        ));
    }
    if here != Relative::Approval && !(version.checklist.is_empty() && version.decisions.is_empty())
    {
        ways.push((
            Relative::Approval,
            "its approval".to_owned(),
            to(Tab::Approvals),
        ));
    }
    let count = |count: Option<usize>, what: &str| match count {
        Some(count) => format!("its {what} ({count})"),
        None => format!("its {what}"),
    };
    let deployments = more.map(|more| more.deployments.len());
    if deployments != Some(0) {
        ways.push((
            Relative::Deployment,
            count(deployments, "deployments"),
            to(Tab::Deployments),
        ));
    }
    let drift = more.map(|more| more.drift.len());
    if drift != Some(0) {
        ways.push((
            Relative::Drift,
            count(drift, "drift events"),
            to(Tab::Drift),
        ));
    }
    ways
}

/// What a version is, in a few lines.
pub(super) fn facts(version: &ModelVersion, env: &Env) -> Section {
    let approval = match (&version.approved_by, version.approved_at) {
        (Some(by), Some(at)) => format!("  by {}, {}", visible(by), env.local(at)),
        _ => String::new(),
    };
    Section::new("")
        .pair("stage", Line::from(marks::stage(version).span(&env.theme)))
        .pair_if("warning", version.stage_warning.map(StageWarning::told))
        .pair(
            "approval",
            Line::from(vec![
                marks::approval(version.approval).span(&env.theme),
                sections::plain(approval),
            ]),
        )
        .pair("content", version.subject().short().to_owned())
        .pair_if(
            "aliases",
            (!version.aliases.is_empty()).then(|| aliases(version)),
        )
        .pair_if("run", version.run_id.as_ref().map(ToString::to_string))
        .pair_if(
            "source",
            version
                .source
                .as_deref()
                .map(|source| visible(source).into_owned()),
        )
        .pair(
            "registered",
            format!(
                "by {}, {}",
                visible(&version.registered_by),
                env.when(version.created_at)
            ),
        )
        .pair_if(
            "description",
            (!version.description.is_empty()).then(|| visible(&version.description).into_owned()),
        )
}

/// Where it serves, or where it served and was rolled back; Production before the others.
fn serves(version: &ModelVersion, env: &Env) -> Cell {
    let mut here: Vec<&Serving> = env
        .overview
        .serving
        .iter()
        .filter(|serving| {
            serving.version == version.version && serving.model_name == version.model_name
        })
        .collect();
    here.sort_by_key(|serving| (serving.rolled_back, Reverse(serving.environment)));
    let Some(first) = here.first() else {
        return Cell::default();
    };
    let (sign, meaning) = if first.rolled_back {
        ('↩', Meaning::Bad)
    } else {
        ('●', Meaning::Good)
    };
    let same = here.iter().filter(|it| it.rolled_back == first.rolled_back);
    let more = match same.count() {
        1 => String::new(),
        several => format!(" +{}", several - 1),
    };
    Cell::meaning(format!("{sign} {}{more}", first.environment), meaning)
}

fn aliases(version: &ModelVersion) -> String {
    let aliases: Vec<String> = version.aliases.iter().map(ToString::to_string).collect();
    aliases.join(", ")
}

/// The metrics that most of these versions have; by name among equally frequent ones.
fn frequent_metrics(rows: &[ModelVersion]) -> Vec<Key> {
    let mut counts: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in rows.iter().flat_map(|row| row.metrics.keys()) {
        *counts.entry(key).or_default() += 1;
    }
    let mut keys: Vec<(&Key, usize)> = counts.into_iter().collect();
    // What was seen in training says least of a version.
    keys.sort_by_key(|(key, count)| {
        let training = key.as_str().starts_with("train");
        (training, std::cmp::Reverse(*count))
    });
    keys.into_iter()
        .take(METRICS)
        .map(|(key, _)| key.clone())
        .collect()
}

#[cfg(test)]
mod tests;
