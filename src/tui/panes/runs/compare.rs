//! Marked runs side by side: metrics with the best of each line marked, and the params that differ.

use crate::domain::text::visible;
use crate::domain::{ModelRun, RunComparison, number};
use crate::tui::env::Env;
use crate::tui::message::{Answer, Question};
use crate::tui::overlay::reader::Reader;
use crate::tui::panes::marks;
use crate::tui::widgets::detail::{Detail, Section, Table};
use crate::tui::widgets::text;
use ratatui::text::Span;

/// Names of runs are cut so that several stand side by side.
const NAME: usize = 16;

pub(super) fn reader(runs: &[ModelRun]) -> Reader {
    let ids = runs.iter().map(|run| run.run_id.clone()).collect();
    Reader::new(
        format!("Compare {} runs", runs.len()),
        Question::Runs(ids),
        runs.len(),
        |answer, skipped, env| match answer {
            Answer::Runs(runs) => Some(lay_out(runs, skipped, env)),
            _ => None,
        },
    )
}

fn lay_out(runs: &[ModelRun], skipped: usize, env: &Env) -> Detail {
    let theme = &env.theme;
    let comparison = RunComparison::of(runs, &env.directions);
    let names: Vec<String> = runs
        .iter()
        .skip(skipped)
        .map(|run| text::cut(&visible(&run.name), NAME))
        .collect();
    let header = std::iter::once("").chain(names.iter().map(String::as_str));
    // One table for all, so that a run's column is the same from top to bottom.
    let mut table = Table::new(header);
    let mut row = |label: Span<'static>, cells: Vec<Span<'static>>| {
        let cells = cells.into_iter().skip(skipped);
        table.row(std::iter::once(label).chain(cells).collect());
    };
    row(
        Span::styled("status", theme.label),
        runs.iter()
            .map(|run| {
                let stale = run.stale_for(env.now.at, env.stale_after).is_some();
                marks::run(run.status, stale).span(theme)
            })
            .collect(),
    );
    row(
        Span::styled("experiment", theme.label),
        runs.iter()
            .map(|run| Span::raw(text::cut(&visible(run.experiment_name.as_str()), NAME)))
            .collect(),
    );
    row(Span::styled("── metrics", theme.title), Vec::new());
    for metric in &comparison.metrics {
        let direction = if metric.lower_is_better { "↓" } else { "↑" };
        let values = runs.iter().zip(&metric.values);
        row(
            Span::raw(format!("{} {direction}", metric.metric)),
            values
                .map(|(run, value)| match value {
                    Some(value) if metric.best.contains(&run.run_id) => {
                        Span::styled(format!("{} ★", number::short(value.0)), theme.best)
                    }
                    Some(value) => Span::raw(number::short(value.0)),
                    None => Span::styled("·", theme.muted),
                })
                .collect(),
        );
    }
    for (title, differs) in [("── params that differ", true), ("── equal params", false)] {
        let params = || {
            comparison
                .params
                .iter()
                .filter(|param| param.differs == differs)
        };
        if params().next().is_some() {
            row(Span::styled(title, theme.title), Vec::new());
        }
        for param in params() {
            let values = param.values.iter();
            row(
                Span::raw(param.param.to_string()),
                values
                    .map(|value| match value {
                        Some(value) => Span::raw(text::cut(&visible(value), NAME)),
                        None => Span::styled("·", theme.muted),
                    })
                    .collect(),
            );
        }
    }
    let about = Section::new("★ the best of a line, ↑ higher is better, ↓ lower is better");
    Detail {
        title: String::new(),
        sections: vec![about.table(table)],
    }
}
