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
    let header = |first: &'static str| {
        Table::new(std::iter::once(first).chain(names.iter().map(String::as_str)))
    };

    let mut about = header("");
    about.row(
        std::iter::once(Span::styled("status", theme.label))
            .chain(runs.iter().skip(skipped).map(|run| {
                let stale = run.stale_for(env.now.at, env.stale_after).is_some();
                marks::run(run.status, stale).span(theme)
            }))
            .collect(),
    );
    about.row(
        std::iter::once(Span::styled("experiment", theme.label))
            .chain(
                runs.iter()
                    .skip(skipped)
                    .map(|run| Span::raw(text::cut(&visible(run.experiment_name.as_str()), NAME))),
            )
            .collect(),
    );

    let mut metrics = header("metric");
    for metric in &comparison.metrics {
        let direction = if metric.lower_is_better { "↓" } else { "↑" };
        let mut cells = vec![Span::raw(format!("{} {direction}", metric.metric))];
        for (run, value) in runs.iter().zip(&metric.values).skip(skipped) {
            cells.push(match value {
                Some(value) if metric.best.contains(&run.run_id) => {
                    Span::styled(format!("{} ★", number::short(value.0)), theme.best)
                }
                Some(value) => Span::raw(number::short(value.0)),
                None => Span::styled("·", theme.muted),
            });
        }
        metrics.row(cells);
    }

    let params = |differs: bool| {
        let mut table = header("param");
        for param in comparison
            .params
            .iter()
            .filter(|param| param.differs == differs)
        {
            let mut cells = vec![Span::raw(param.param.to_string())];
            for value in param.values.iter().skip(skipped) {
                cells.push(match value {
                    Some(value) => Span::raw(text::cut(&visible(value), NAME)),
                    None => Span::styled("·", theme.muted),
                });
            }
            table.row(cells);
        }
        table
    };
    let sections = [
        ("", about),
        ("Metrics, ★ the best of a line", metrics),
        ("Params that differ", params(true)),
        ("Params that are equal", params(false)),
    ];
    Detail {
        title: String::new(),
        sections: sections
            .into_iter()
            .filter(|(_, table)| !table.rows.is_empty())
            .map(|(title, table)| Section::new(title).table(table))
            .collect(),
    }
}
