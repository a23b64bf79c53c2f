//! Parts of details that several tabs show: what a version measures, lacks and went through, where it serves, how it drifted.
//!
//! Every text that came from outside goes through [`visible`]; names do so by themselves.

mod version;

pub use version::{
    artifacts, checklist, checklist_to_choose, comparison, decisions, metrics, missing,
};

use super::marks;
use crate::domain::text::{visible, visible_lines};
use crate::domain::{AuditEntry, Deployment, DriftEvent, Health, Tags, number};
use crate::tui::env::{Env, span};
use crate::tui::widgets::detail::{Section, Table};
use ratatui::text::{Line, Span};

/// A piece of text in the plain style.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers have names by reference and numbers by value"
)]
pub(super) fn plain(text: impl ToString) -> Span<'static> {
    Span::raw(text.to_string())
}

/// A piece of text that matters less.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers have names by reference and numbers by value"
)]
pub(super) fn muted(text: impl ToString, env: &Env) -> Span<'static> {
    Span::styled(text.to_string(), env.theme.muted)
}

/// Free text, line by line.
pub(super) fn free_text(title: &str, text: &str) -> Section {
    visible_lines(text).fold(Section::new(title), Section::text)
}

/// Params or tags.
pub fn keyed(title: &str, values: &Tags) -> Section {
    values
        .iter()
        .fold(Section::new(title), |section, (key, value)| {
            section.pair(key.to_string(), visible(value).into_owned())
        })
}

/// What tells the deployments of a section apart; what they have in common is known from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentsBy {
    /// All are of one version.
    Environment,
    /// All are of one model in one environment.
    Version,
}

/// What serves and served.
pub fn deployments(
    title: &str,
    deployments: &[Deployment],
    by: DeploymentsBy,
    env: &Env,
) -> Section {
    let apart = match by {
        DeploymentsBy::Environment => "Environment",
        DeploymentsBy::Version => "Version",
    };
    let mut table = Table::new(["Status", apart, "Health", "Since"]);
    for deployment in deployments {
        let since = deployment.activated_at.unwrap_or(deployment.created_at);
        let until = deployment.ended_at.map_or_else(
            || env.ago(since),
            |end| format!("{} for {}", env.ago(since), span(end.duration_since(since))),
        );
        table.row(vec![
            marks::deployment(deployment.status).span(&env.theme),
            match by {
                DeploymentsBy::Environment => plain(deployment.environment),
                DeploymentsBy::Version => plain(&deployment.version),
            },
            health(deployment.health, env),
            plain(until),
        ]);
    }
    table_or_none(title, table, env)
}

/// Health as a table has it, where that nobody asked yet is not worth a word.
fn health(health: Health, env: &Env) -> Span<'static> {
    let mark = marks::health(health);
    if health == Health::Unknown {
        mark.sign(&env.theme)
    } else {
        mark.span(&env.theme)
    }
}

/// How a version drifted.
pub fn drift(events: &[DriftEvent], env: &Env) -> Section {
    let mut table = Table::new(["Severity", "Metric", "Now", "Was", "State"]);
    for event in events {
        table.row(vec![
            marks::severity(event.severity).span(&env.theme),
            plain(&event.metric),
            plain(number::short(event.observed)),
            plain(number::short(event.baseline)),
            marks::drift_state(event.state).span(&env.theme),
        ]);
    }
    table_or_none("Drift", table, env)
}

pub(super) fn table_or_none(title: &str, table: Table, env: &Env) -> Section {
    let section = Section::new(title);
    if table.rows.is_empty() {
        section.text(Line::from(muted("none", env)))
    } else {
        section.table(table)
    }
}

/// Who did what to an object, when and why, newest first.
pub fn history(entries: &[AuditEntry], env: &Env) -> Section {
    entries
        .iter()
        .fold(Section::new("History"), |section, entry| {
            let mut head = vec![
                muted(env.local(entry.at), env),
                plain("  "),
                plain(entry.action.replace('_', " ")),
                muted(format!("  {}", entry.identity), env),
            ];
            let changes = changes(entry);
            if !changes.is_empty() {
                head.push(plain(format!("  {changes}")));
            }
            let section = section.text(Line::from(head));
            match &entry.reason {
                Some(reason) => section.text(Line::from(vec![
                    muted("  because: ", env),
                    plain(visible(reason)),
                ])),
                None => section,
            }
        })
}

/// Who did what to an object and what that changed, in one line.
pub fn told(entry: &AuditEntry, env: &Env) -> String {
    let by = format!(
        "{}, {}: {}",
        entry.identity,
        env.local(entry.at),
        entry.action.replace('_', " ")
    );
    match changes(entry) {
        changes if changes.is_empty() => by,
        changes => format!("{by}: {changes}"),
    }
}

/// What changed in a few words: `stage None → Staging`. New objects change too much to list.
fn changes(entry: &AuditEntry) -> String {
    visible(&entry.changes().join(", ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Identity, ObjectKind};

    #[test]
    fn history_tells_what_changed_and_why() {
        let entry = AuditEntry {
            seq: 1,
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            identity: Identity::new("alice", "gpu-07"),
            action: "set_stage".to_owned(),
            kind: ObjectKind::ModelVersion,
            object: "fraud 7".to_owned(),
            before: serde_json::json!({"stage": "None", "revision": 1, "checklist": []}),
            after: serde_json::json!({"stage": "Staging", "revision": 2, "checklist": [1]}),
            reason: Some("looks \u{1b}[31mgood".to_owned()),
            prev_hash: String::new(),
            hash: String::new(),
        };
        assert_eq!(changes(&entry), "checklist +1, stage None → Staging");
        let shown = format!("{:?}", history(&[entry], &Env::default()));
        assert!(
            shown.contains("2026-11-23 10:00:00") && shown.contains("␛[31m"),
            "{shown}"
        );
    }
}
