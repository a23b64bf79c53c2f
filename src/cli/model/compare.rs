//! `modeldeck model compare`.

use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::known;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, Style, Table};
use crate::domain::{ModelName, number};
use crate::service::VersionName;
use clap::Args;

#[derive(Debug, Args)]
pub struct CompareArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Two versions or more, by name or alias.
    #[arg(value_name = "VERSION", required = true, num_args = 2..)]
    versions: Vec<VersionName>,
}

/// A row for each metric, a column for each version; the best value is marked with `*`.
pub(super) async fn run(ctx: &Context, args: &CompareArgs) -> Result<()> {
    let service = ctx.service().await?;
    let mut versions = Vec::with_capacity(args.versions.len());
    for given in &args.versions {
        versions.push(meant::version(ctx, &service, &args.name, given).await?);
    }
    let comparison = service
        .compare_model_versions(&args.name, &versions)
        .await?;
    if ctx.out.json {
        return ctx.out.object(&comparison);
    }
    let mut table = Table::new(&[Column::text("METRIC")]);
    for version in &comparison.versions {
        table.add_column(&Cell::raw(version.as_str()), Column::number(""));
    }
    table.add_column(&Cell::shown("BETTER"), Column::whole(""));
    for metric in &comparison.metrics {
        let mut row = vec![Cell::raw(metric.metric.as_str())];
        for (version, value) in comparison.versions.iter().zip(&metric.values) {
            row.push(match value {
                None => Cell::shown("–"),
                Some(value) if metric.best.contains(version) => {
                    Cell::shown(format!("* {}", number::short(value.0))).styled(Style::Good)
                }
                Some(value) => Cell::shown(number::short(value.0)),
            });
        }
        row.push(Cell::shown(if metric.lower_is_better {
            "lower"
        } else {
            "higher"
        }));
        table.push(row);
    }
    if table.is_empty() {
        ctx.out.talk("these versions have no metrics");
        return Ok(());
    }
    ctx.out.table(&table)
}
