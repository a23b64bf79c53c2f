//! The Approvals tab: versions that wait for a decision, with everything that one must see to decide.
//!
//! It shows those that wait unless somebody asks for all or comes for one version.

pub(super) mod verbs;

use super::registry::{facts, relatives, version_query};
use super::resource::{Cell, Column, Resource, Selected};
use super::{Allowed, Badge, Jump, Request, Scope, Tab, columns, marks, sections};
use crate::domain::text::visible;
use crate::domain::{ApprovalState, Filter};
use crate::store::{ListQuery, Page};
use crate::tui::env::{Env, count};
use crate::tui::keymap::{Action, Context, Relative};
use crate::tui::message::{Answer, ListOf, Overview, Question, Review, Rows, VersionMore};
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::Detail;
use std::borrow::Cow;

/// The field of a scope that asks for decided versions too.
const ALL: &str = "review";

impl Resource for Review {
    const TAB: Tab = Tab::Approvals;
    const CONTEXT: Context = Context::Approvals;
    const NOUNS: (&'static str, &'static str) = ("version", "versions");

    type More = VersionMore;
    type State = ();

    fn id(&self) -> Cow<'_, str> {
        Resource::id(&self.version).into_owned().into()
    }

    fn only(id: &str) -> Filter {
        <crate::domain::ModelVersion as Resource>::only(id)
    }

    fn columns(rows: &[Self], _: &[String], (): &(), _: &Env) -> Vec<Column<Self>> {
        vec![
            Column::new("Approval", (10, 10), 1, |row: &Self, _| {
                let mark = marks::approval(row.version.approval);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .squeezes(8)
            .sorts("approval", false),
            columns::model(rows, 17, 0, |row| &row.version.model_name),
            columns::version(rows, 0, |row| &row.version.version),
            Column::new("Items", (5, 7), 2, |row: &Self, _| {
                count_cell(row.items.0, row.items.1)
            })
            .squeezes(5)
            .sorts("items", false)
            .right(),
            Column::new("Approvals", (9, 9), 3, |row: &Self, _| {
                count_cell(row.approvals.0, row.approvals.1)
            })
            .sorts("approvals", false)
            .right(),
            Column::new("Stage", (12, 12), 6, |row: &Self, _| {
                let mark = marks::stage(&row.version);
                Cell::meaning(mark.text(), mark.meaning)
            })
            .sorts("stage", false),
            Column::new("By", (6, 16), 5, |row: &Self, _| {
                Cell::new(visible(&row.version.registered_by))
            })
            .sorts("registered_by", false),
            Column::new("Waiting", (8, 10), 4, |row: &Self, env: &Env| {
                Cell::new(
                    row.waiting_since()
                        .map_or(String::new(), |since| env.ago(since)),
                )
            })
            .sorts("waiting", false)
            .right(),
        ]
    }

    fn keys(&self) -> Vec<&str> {
        self.version.keys()
    }

    fn list(scope: &Scope, list: ListQuery) -> ListOf {
        ListOf::Reviews {
            waiting: scope.is_empty(),
            query: version_query(scope, list),
        }
    }

    fn order(scope: &Scope) -> &'static str {
        if scope.is_empty() {
            "longest waiting first"
        } else {
            "newest first"
        }
    }

    fn rows(rows: Rows) -> Option<Page<Self>> {
        match rows {
            Rows::Reviews(page) => Some(page),
            _ => None,
        }
    }

    fn badge(overview: &Overview) -> Option<Badge> {
        (overview.in_review > 0).then_some(Badge {
            meaning: Meaning::Warn,
            sign: marks::approval(ApprovalState::Pending).sign,
            count: overview.in_review,
        })
    }

    fn question(&self, (): &(), _: u16, _: &Env) -> Option<Question> {
        let version = &self.version;
        Some(Question::Version(
            version.model_name.clone(),
            version.version.clone(),
        ))
    }

    fn more(answer: Answer) -> Option<VersionMore> {
        match answer {
            Answer::Version(more) => Some(*more),
            _ => None,
        }
    }

    fn detail(&self, more: Option<&VersionMore>, (): &(), _: u16, env: &Env) -> Detail {
        let version = &self.version;
        let production = more.and_then(|more| more.production.as_ref());
        let mut parts = vec![
            facts(version, env),
            sections::missing(more.map(|more| more.missing.as_slice()), env),
            sections::checklist_to_choose(&version.checklist, env),
            sections::metrics(version, production, env),
            sections::decisions(version, env),
        ];
        if !version.params.is_empty() {
            parts.push(sections::keyed("Params", &version.params));
        }
        parts.push(sections::artifacts(version, env));
        if let Some(more) = more {
            parts.push(sections::drift(&more.drift, env));
            parts.push(sections::history(&more.history, env));
        }
        Detail {
            title: version.label(),
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
        relatives(&self.version, more, Relative::Approval)
    }

    fn empty(env: &Env) -> Vec<String> {
        let overview = &env.overview;
        let decided = overview.asked_about.saturating_sub(overview.in_review);
        let unasked = overview.versions.saturating_sub(overview.asked_about);
        let versions = |number: u64| match number {
            1 => "1 version that was".to_owned(),
            number => format!("{} versions that were", count(number)),
        };
        let mut lines = vec!["Nothing waits for a decision.".to_owned(), String::new()];
        if decided > 0 {
            lines.push(format!(
                "w    shows {} decided on, or archived",
                versions(decided)
            ));
        }
        if unasked > 0 {
            lines.push(format!(
                "3    has {} never asked about: '/approval:none' there",
                versions(unasked)
            ));
        }
        lines.push(if overview.versions == 0 {
            "3 r  registers a version; a checklist item asks for a decision".to_owned()
        } else {
            "3 i  asks for a decision: a checklist item".to_owned()
        });
        lines
    }

    fn changes(action: Action) -> bool {
        verbs::changes(action)
    }
}

fn count_cell(have: usize, need: usize) -> Cell {
    let meaning = if have >= need {
        Meaning::Good
    } else {
        Meaning::Warn
    };
    Cell::meaning(format!("{have}/{need}"), meaning)
}

#[cfg(test)]
mod tests;
