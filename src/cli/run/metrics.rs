//! `modeldeck run metrics`: one history, printed while it is read.

use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::list::Printer;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, precise};
use crate::domain::{Key, MetricPoint, ObjectKind, RunId};
use crate::store::StoreError;
use clap::Args;

/// How many points are read at once.
const STRETCH: usize = 10_000;

#[derive(Debug, Args)]
pub struct MetricsArgs {
    #[arg(value_name = "ID")]
    run_id: RunId,
    key: Key,
}

/// Prints all points in the order they arrived.
pub(super) async fn run(ctx: &Context, args: &MetricsArgs) -> Result<()> {
    let service = ctx.service().await?;
    let run_id = meant::run(&service, &args.run_id).await?;
    let run = service.get_run(&run_id).await?;
    if !run.metrics.contains_key(&args.key) {
        return Err(StoreError::NotFound {
            kind: ObjectKind::Run,
            id: format!("{} metric {}", run.run_id, args.key),
        }
        .into());
    }
    let columns = [
        Column::number("STEP"),
        Column::number("VALUE"),
        Column::whole("TIME"),
    ];
    let row = |point: &MetricPoint| {
        vec![
            Cell::shown(point.step),
            Cell::shown(point.value),
            Cell::shown(precise(point.timestamp)),
        ]
    };
    let mut printer = Printer::new(ctx, &columns);
    let mut read = 0;
    loop {
        let points = service
            .runs()
            .history(&run_id, &args.key, read, STRETCH)
            .await?;
        for point in &points {
            printer.push(point, &row)?;
        }
        read += points.len() as u64;
        if points.len() < STRETCH {
            return printer.end("points");
        }
    }
}
