//! What a version's detail shows in the Registry and in Approvals.

use super::{muted, plain, table_or_none};
use crate::domain::text::visible;
use crate::domain::{
    DeploymentChecklistItem, Key, Missing, ModelVersion, VersionComparison, number,
};
use crate::tui::env::Env;
use crate::tui::panes::marks;
use crate::tui::theme::Meaning;
use crate::tui::widgets::detail::{Section, Table};
use ratatui::text::{Line, Span};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The metrics of a version, each beside the one of the version in Production and judged by its direction.
pub fn metrics(version: &ModelVersion, production: Option<&ModelVersion>, env: &Env) -> Section {
    let Some(production) = production.filter(|other| other.version != version.version) else {
        let mut table = Table::new(["Metric", "Value"]);
        for (key, value) in &version.metrics {
            table.row(vec![plain(key), plain(number::short(*value))]);
        }
        let is_it = production.is_some_and(|other| other.version == version.version);
        let title = if is_it {
            "Metrics (this is in Production)"
        } else {
            "Metrics (nothing is in Production)"
        };
        return table_or_none(title, table, env);
    };
    let keys: BTreeSet<&Key> = version
        .metrics
        .keys()
        .chain(production.metrics.keys())
        .collect();
    let name = production.version.to_string();
    let mut table = Table::new(["Metric", "This", name.as_str(), "Against it"]);
    for key in keys {
        let (this, other) = (version.metrics.get(key), production.metrics.get(key));
        let shown =
            |value: Option<&f64>| value.map_or("-".to_owned(), |value| number::short(*value));
        table.row(vec![
            plain(key),
            plain(shown(this)),
            plain(shown(other)),
            against(key, this.copied(), other.copied(), env),
        ]);
    }
    table_or_none(
        &format!("Metrics against Production {}", production.version),
        table,
        env,
    )
}

fn against(key: &Key, this: Option<f64>, other: Option<f64>, env: &Env) -> Span<'static> {
    let (Some(this), Some(other)) = (this, other) else {
        return muted(
            if this.is_some() {
                "· only here"
            } else {
                "· not here"
            },
            env,
        );
    };
    let by = number::short((this - other).abs());
    let (text, meaning) = match env.directions.compare(key, this, other) {
        Ordering::Greater => (format!("▲ {by} better"), Meaning::Good),
        Ordering::Less => (format!("▼ {by} worse"), Meaning::Bad),
        Ordering::Equal => ("= the same".to_owned(), Meaning::Muted),
    };
    Span::styled(text, env.theme.meaning(meaning))
}

/// What Production still asks for; `None` while nobody knows yet.
pub fn missing(missing: Option<&[Missing]>, env: &Env) -> Section {
    let section = Section::new("Missing for Production");
    match missing {
        None => section.text(Line::from(muted("…", env))),
        Some([]) => section.text(Line::from(Span::styled(
            "✓ nothing, the gate is open",
            env.theme.good,
        ))),
        Some(missing) => missing.iter().fold(section, |section, lack| {
            section.text(Line::from(vec![
                Span::styled("✗ ", env.theme.bad),
                plain(lack),
            ]))
        }),
    }
}

/// The checklist.
pub fn checklist(items: &[DeploymentChecklistItem], env: &Env) -> Section {
    table_or_none("Checklist", checklist_table(items, env), env)
}

/// The checklist; its items can be chosen, by their names.
pub fn checklist_to_choose(items: &[DeploymentChecklistItem], env: &Env) -> Section {
    let mut table = checklist_table(items, env);
    for (row, item) in table.rows.iter_mut().zip(items) {
        row.key = Some(item.name.as_str().to_owned());
    }
    table_or_none("Checklist", table, env)
}

fn checklist_table(items: &[DeploymentChecklistItem], env: &Env) -> Table {
    let mut table = Table::default();
    for item in items {
        let mut name = item.name.to_string();
        if !item.required {
            name.push_str(" (optional)");
        }
        table.row(vec![
            marks::checklist(item.status).span(&env.theme),
            plain(name),
        ]);
        let who = match (&item.decided_by, item.decided_at) {
            (Some(who), Some(at)) => Some(format!("by {}, {}", visible(who), env.local(at))),
            _ => None,
        };
        let note = item.note.as_deref().map(visible);
        if who.is_some() || note.is_some() {
            let who = who.map_or(String::new(), |who| format!("{who}  "));
            table.note(Line::from(vec![
                muted(who, env),
                plain(note.unwrap_or_default()),
            ]));
        }
    }
    table
}

/// Every decision, the newest first; one on another content than the present says so.
pub fn decisions(version: &ModelVersion, env: &Env) -> Section {
    let subject = version.subject();
    let mut section = Section::new("Decisions");
    if version.decisions.is_empty() {
        section = section.text(Line::from(muted("none", env)));
    }
    for decision in version.decisions.iter().rev() {
        let mut line = vec![
            marks::verdict(decision.verdict).span(&env.theme),
            plain(format!(" by {}", visible(&decision.approver))),
            muted(format!("  {}", env.local(decision.at)), env),
            muted(format!("  {}", decision.subject.short()), env),
        ];
        if decision.subject != subject {
            line.push(Span::styled("  ↺ of another content", env.theme.warn));
        }
        section = section.text(Line::from(line));
        if let Some(notes) = &decision.notes {
            section = section.text(format!("  {}", visible(notes)));
        }
    }
    section
}

/// The files of the run it was registered from.
pub fn artifacts(version: &ModelVersion, env: &Env) -> Section {
    let mut table = Table::new(["Bytes", "Digest", "Path"]);
    for artifact in &version.artifacts {
        let digest = artifact
            .digest
            .strip_prefix("sha256:")
            .unwrap_or(&artifact.digest);
        table.row(vec![
            plain(crate::tui::env::count(artifact.size)),
            muted(visible(&digest.chars().take(12).collect::<String>()), env),
            plain(visible(&artifact.path)),
        ]);
    }
    table_or_none("Artifacts", table, env)
}

/// Versions side by side, metric by metric, the best of each marked; the first `skipped` versions are left out.
pub fn comparison(comparison: &VersionComparison, skipped: usize, env: &Env) -> Table {
    let mut header = vec!["Metric".to_owned(), "Better".to_owned()];
    header.extend(
        comparison
            .versions
            .iter()
            .skip(skipped)
            .map(ToString::to_string),
    );
    let mut table = Table {
        header,
        rows: Vec::new(),
    };
    for metric in &comparison.metrics {
        let better = if metric.lower_is_better {
            "lower"
        } else {
            "higher"
        };
        let mut cells = vec![plain(&metric.metric), muted(better, env)];
        let columns = comparison.versions.iter().zip(&metric.values);
        for (version, value) in columns.skip(skipped) {
            let shown = value.map_or("-".to_owned(), |value| number::short(value.0));
            cells.push(if metric.best.contains(version) {
                Span::styled(format!("★ {shown}"), env.theme.best)
            } else {
                plain(format!("  {shown}"))
            });
        }
        table.row(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn better_and_worse_follow_the_direction() {
        let env = Env::default();
        let judged = |key: &str, this, other| {
            against(&Key::new(key).unwrap(), this, other, &env)
                .content
                .into_owned()
        };
        assert_eq!(judged("auc", Some(0.93), Some(0.9)), "▲ 0.03 better");
        assert_eq!(judged("val/loss", Some(0.3), Some(0.2)), "▼ 0.1 worse");
        assert_eq!(judged("auc", Some(0.9), Some(0.9)), "= the same");
        assert_eq!(judged("auc", Some(f64::NAN), Some(0.9)), "▼ NaN worse");
        assert_eq!(judged("auc", None, Some(0.9)), "· not here");
    }
}
