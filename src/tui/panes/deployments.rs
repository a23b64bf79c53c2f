//! The Deployments tab: what serves where, how it is, and the way back from a bad one.

mod verbs;

use super::registry::scope_of;
use super::resource::{Cell, Column, Resource, Selected};
use super::sections::DeploymentsBy;
use super::{Allowed, Badge, Jump, Request, Scope, Tab, columns, marks, sections};
use crate::domain::text::visible;
use crate::domain::{
    Deployment, DeploymentStatus, Environment, Filter, HealthCheck, ModelName, ModelVersion, Stage,
    Version,
};
use crate::store::{DeploymentQuery, ListQuery, Page};
use crate::tui::env::Env;
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, DeploymentMore, ListOf, Overview, Question, Rows};
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::{Detail, Section, Table};
use ratatui::text::Line;
use std::borrow::Cow;

impl Resource for Deployment {
    const TAB: Tab = Tab::Deployments;
    const CONTEXT: Context = Context::Deployments;
    const NOUNS: (&'static str, &'static str) = ("deployment", "deployments");

    type More = DeploymentMore;
    type State = ();

    fn id(&self) -> Cow<'_, str> {
        self.deployment_id.as_str().into()
    }

    fn only(id: &str) -> Filter {
        Filter::default().and_equal("deployment_id", id)
    }

    fn columns(rows: &[Self], _: &[String], (): &(), _: &Env) -> Vec<Column<Self>> {
        vec![
            Column::new("Status", (12, 12), 0, |row: &Self, _| {
                let mark = marks::deployment(row.status);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(8)
            .sorts("status", false),
            columns::model(rows, 17, 1, |row| &row.model_name),
            columns::version(rows, 2, |row| &row.version),
            Column::new("Where", (10, 11), 3, |row: &Self, _| {
                Cell::new(row.environment.as_str())
            })
            .squeezes(6)
            .sorts("environment", true),
            Column::new("Health", (9, 11), 4, |row: &Self, _| {
                let mark = marks::health(row.health);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .sorts("health", false),
            Column::new("Endpoint", (12, 34), 7, |row: &Self, _| {
                Cell::new(visible(
                    row.endpoint.as_ref().map_or("", |endpoint| &endpoint.url),
                ))
            })
            .sorts("endpoint", false),
            Column::new("By", (6, 12), 6, |row: &Self, _| {
                Cell::new(visible(&row.deployed_by))
            })
            .sorts("deployed_by", false),
            Column::new("Since", (8, 10), 5, |row: &Self, env: &Env| {
                Cell::new(env.ago(row.activated_at.unwrap_or(row.created_at)))
            })
            .sorts("since", true)
            .right(),
            Column::new("Rolled back", (11, 11), 8, |row: &Self, _| {
                Cell::new(
                    row.rollback_from
                        .as_ref()
                        .map_or(String::new(), |bad| format!("↩ {}", short(bad.as_str()))),
                )
            })
            .sorts("rollback_from", false),
        ]
    }

    fn list(scope: &Scope, mut list: ListQuery) -> ListOf {
        if let Some(deployment_id) = scope.get("deployment_id") {
            list.filter = list.filter.and_equal("deployment_id", deployment_id);
        }
        ListOf::Deployments(DeploymentQuery {
            model: scope.get("model").map(ModelName::trusted),
            version: scope.get("version").map(Version::trusted),
            environment: scope.get("environment").and_then(|word| word.parse().ok()),
            list,
            ..DeploymentQuery::default()
        })
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::Deployments(page) => Some(page),
            _ => None,
        }
    }

    fn badge(overview: &Overview) -> Option<Badge> {
        (overview.pending_deployments > 0).then_some(Badge {
            meaning: Meaning::Warn,
            sign: '○',
            count: overview.pending_deployments,
        })
    }

    fn question(&self, (): &(), _: u16, _: &Env) -> Option<Question> {
        Some(Question::Deployment(self.deployment_id.clone()))
    }

    fn more(answer: Answer) -> Option<DeploymentMore> {
        match answer {
            Answer::Deployment(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&DeploymentMore>, (): &(), _: u16, env: &Env) -> Detail {
        let mut parts = vec![standing(self, env)];
        if let Some(version) = more.and_then(|more| more.version.as_ref()) {
            parts.push(registered(self, version, env));
        }
        if let Some(more) = more {
            if self.environment == Environment::Production {
                parts.push(sections::missing(Some(&more.missing), env));
            }
            parts.push(way_back(self, more, env));
        }
        parts.push(asked(self.health_check.as_ref()));
        if !self.health_history.is_empty() {
            parts.push(health_history(self, env));
        }
        if let Some(more) = more {
            let title = format!("{} in {}", self.model_name, self.environment);
            parts.push(sections::deployments(
                &title,
                &more.others,
                DeploymentsBy::Version,
                env,
            ));
            parts.push(sections::drift(&more.drift, env));
            parts.push(sections::history(&more.history, env));
        }
        Detail {
            title: format!(
                "{} {} in {}",
                self.model_name, self.version, self.environment
            ),
            sections: parts,
        }
    }

    fn allows(action: Action, selected: &Selected<'_, Self>, _: &Env) -> Allowed {
        verbs::allows(action, selected)
    }

    fn on(action: Action, (): &mut (), selected: &Selected<'_, Self>, _: &Env) -> Vec<Request> {
        verbs::on(action, selected)
    }

    fn relatives(&self, more: Option<&DeploymentMore>) -> Vec<(Relative, String, Jump)> {
        let scope = scope_of(&self.model_name, &self.version);
        let to = |tab| Jump::to(tab, scope.clone());
        let mut ways = vec![(
            Relative::Version,
            "the version that it serves".to_owned(),
            to(Tab::Registry),
        )];
        let run = more
            .and_then(|more| more.version.as_ref())
            .and_then(|version| version.run_id.as_ref());
        if let Some(run) = run {
            let jump = Jump::to_run(run);
            ways.push((
                Relative::Run,
                "the run that the version comes from".to_owned(),
                jump,
            ));
        }
        if more.is_none_or(|more| !more.drift.is_empty()) {
            ways.push((
                Relative::Drift,
                "drift of this version".to_owned(),
                to(Tab::Drift),
            ));
        }
        let same = Scope::new(format!("{} in {}", self.model_name, self.environment))
            .with("model", self.model_name.as_str())
            .with("environment", self.environment.as_str());
        let jump = Jump::to(Tab::Deployments, same);
        ways.push((
            Relative::Deployment,
            "all of this model and environment".to_owned(),
            jump,
        ));
        ways
    }

    fn empty(_: &Env) -> Vec<String> {
        vec![
            "Nothing is deployed.".to_owned(),
            String::new(),
            "a  deploys a version".to_owned(),
        ]
    }

    fn changes(action: Action) -> bool {
        verbs::changes(action)
    }
}

/// Enough of an id to know it by in a list.
fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

fn standing(deployment: &Deployment, env: &Env) -> Section {
    let options = deployment
        .endpoint
        .iter()
        .flat_map(|endpoint| &endpoint.options);
    let section = Section::new("")
        .pair(
            "status",
            Line::from(marks::deployment(deployment.status).span(&env.theme)),
        )
        .pair(
            "health",
            Line::from(marks::health(deployment.health).span(&env.theme)),
        )
        .pair(
            "model",
            format!("{} {}", deployment.model_name, deployment.version),
        )
        .pair("environment", deployment.environment.as_str())
        .pair("deployment", deployment.deployment_id.to_string())
        .pair(
            "endpoint",
            deployment
                .endpoint
                .as_ref()
                .map_or("none".to_owned(), |endpoint| {
                    visible(&endpoint.url).into_owned()
                }),
        );
    options
        .fold(section, |section, (name, value)| {
            section.pair("", format!("{} = {}", visible(name), visible(value)))
        })
        .pair(
            "created",
            format!(
                "by {}, {}",
                visible(&deployment.deployed_by),
                env.when(deployment.created_at)
            ),
        )
        .pair_if(
            "active since",
            deployment.activated_at.map(|at| env.when(at)),
        )
        .pair_if("ended", deployment.ended_at.map(|at| env.when(at)))
        .pair_if(
            "rolled back",
            deployment
                .rollback_from
                .as_ref()
                .map(|bad| format!("from {bad}")),
        )
        .pair_if(
            "reason",
            deployment
                .reason
                .as_deref()
                .map(|reason| visible(reason).into_owned()),
        )
}

/// What the registry says of the version, which is another matter than where it serves.
fn registered(deployment: &Deployment, version: &ModelVersion, env: &Env) -> Section {
    let stage = Line::from(marks::stage(version).span(&env.theme));
    let section = Section::new("In the registry").pair("stage", stage);
    let serves = deployment.status == DeploymentStatus::Active
        && deployment.environment == Environment::Production;
    if serves && version.stage != Stage::Production {
        let said = "It serves in PRODUCTION all the same: a rollback or deployment changes no stage. 'g v', then 't' sets it.";
        return section.text(Line::styled(said, env.theme.warn));
    }
    section
}

fn way_back(deployment: &Deployment, more: &DeploymentMore, env: &Env) -> Section {
    let section = Section::new("Rollback");
    match &more.target {
        Some(target) => section.text(format!(
            "would serve version {} again ({}, {} ago)",
            target.version,
            short(target.deployment_id.as_str()),
            env.ago(target.activated_at.unwrap_or(target.created_at)),
        )),
        None if deployment.activated_at.is_none() => {
            section.text(Line::from(sections::muted("it never served", env)))
        }
        None => section.text(Line::from(sections::muted(
            "there is no earlier good deployment",
            env,
        ))),
    }
}

fn asked(check: Option<&HealthCheck>) -> Section {
    let section = Section::new("Health check");
    match check {
        None => section.text("none"),
        Some(check) => section
            .pair("protocol", check.protocol.as_str())
            .pair_if(
                "path",
                check.path.as_deref().map(|path| visible(path).into_owned()),
            )
            .pair(
                "every",
                format!(
                    "{} s, waits {} s",
                    check.period_seconds, check.timeout_seconds
                ),
            )
            .pair(
                "healthy after",
                format!(
                    "{} good, unhealthy after {} bad answers",
                    check.success_threshold, check.failure_threshold
                ),
            ),
    }
}

fn health_history(deployment: &Deployment, env: &Env) -> Section {
    let mut table = Table::new(["Health", "When", "Detail"]);
    for sample in deployment.health_history.iter().rev() {
        table.row(vec![
            marks::health(sample.health).span(&env.theme),
            sections::plain(env.local(sample.at)),
            sections::plain(visible(sample.detail.as_deref().unwrap_or_default())),
        ]);
    }
    Section::new("Health history").table(table)
}

#[cfg(test)]
mod tests;
