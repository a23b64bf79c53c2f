//! `modeldeck run compare`.

use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, Style, Table, table::shortened};
use crate::domain::comparison::ComparedRun;
use crate::domain::{RunComparison, RunId, name::short_id, number, text::counted};
use clap::Args;

/// A longer name is cut, so that more runs have room beside each other.
const LONGEST_NAME: usize = 24;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Two runs or more.
    #[arg(value_name = "ID", required = true, num_args = 2..)]
    run_ids: Vec<RunId>,
}

pub(super) async fn run(ctx: &Context, args: &CompareArgs) -> Result<()> {
    let service = ctx.service().await?;
    let mut runs = Vec::with_capacity(args.run_ids.len());
    for run_id in &args.run_ids {
        let run_id = meant::run(&service, run_id).await?;
        runs.push(service.get_run(&run_id).await?);
    }
    let comparison = RunComparison::of(&runs, &service.settings().directions);
    if ctx.out.json {
        return ctx.out.object(&comparison);
    }
    ctx.out.table(&table(&comparison))?;
    let same = comparison
        .params
        .iter()
        .filter(|param| !param.differs)
        .count();
    if same > 0 {
        let verb = if same == 1 { "is" } else { "are" };
        let params = counted(same as u64, "param");
        ctx.out.talk(&format!("{params} {verb} the same in all"));
    }
    Ok(())
}

/// A row for each thing, a column for each run; the best value of a metric is marked with `*`.
fn table(comparison: &RunComparison) -> Table {
    let mut table = Table::new(&[Column::text("")]);
    for title in titles(comparison) {
        table.add_column(&Cell::raw(&title), Column::value(""));
    }
    let rows = |title: &str, cells: Vec<Cell>| {
        let mut row = vec![Cell::raw(title)];
        row.extend(cells);
        row
    };
    table.push(rows(
        "status",
        comparison
            .runs
            .iter()
            .map(|run| Cell::shown(run.status))
            .collect(),
    ));
    for metric in &comparison.metrics {
        let cells = metric.values.iter().enumerate().map(|(at, value)| {
            let Some(value) = value else {
                return Cell::shown("–");
            };
            let text = number::short(value.0);
            if metric.best.contains(&comparison.runs[at].run_id) {
                Cell::shown(format!("* {text}")).styled(Style::Good)
            } else {
                Cell::shown(text)
            }
        });
        table.push(rows(metric.metric.as_str(), cells.collect()));
    }
    for param in comparison.params.iter().filter(|param| param.differs) {
        let cells = param.values.iter().map(|value| match value {
            Some(value) => Cell::raw(value),
            None => Cell::shown("–"),
        });
        table.push(rows(
            &format!("param {}", param.param.as_str()),
            cells.collect(),
        ));
    }
    table
}

/// Each run by its name and the end of its id, or by the id where the end does not tell it from the others.
fn titles(comparison: &RunComparison) -> Vec<String> {
    let short: Vec<&str> = comparison
        .runs
        .iter()
        .map(|run| short_id(run.run_id.as_str()))
        .collect();
    let title = |run: &ComparedRun| {
        let id = short_id(run.run_id.as_str());
        let is_alone = short.iter().filter(|other| **other == id).count() == 1;
        let id = if is_alone { id } else { run.run_id.as_str() };
        let name = shortened(&run.name, LONGEST_NAME);
        // A name made from the id says it already.
        if name.ends_with(id) {
            name
        } else {
            format!("{name} {id}")
        }
    };
    comparison.runs.iter().map(title).collect()
}
