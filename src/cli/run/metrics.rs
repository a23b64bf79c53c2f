//! `modeldeck run metrics`: one history, printed while it is read.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Result};
use crate::cli::list::Printer;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, precise};
use crate::domain::text::visible;
use crate::domain::{Key, MetricPoint, ModelRun, RunId, fields};
use crate::service::ErrorKind;
use clap::Args;

/// How many points are read at once.
const STRETCH: usize = 10_000;

#[derive(Debug, Args)]
pub struct MetricsArgs {
    #[arg(value_name = "ID")]
    run_id: RunId,
    key: Key,
}

/// How many keys are told where none is near.
const TOLD: usize = 12;

fn no_such_key(run: &ModelRun, key: &Key) -> CliError {
    let keys: Vec<&str> = run.metrics.keys().map(Key::as_str).collect();
    let near = fields::nearest(key.as_str(), keys.iter().copied());
    // The nearest first, then the others as the run has them.
    let mut told: Vec<&str> = near.into_iter().collect();
    told.extend(keys.iter().filter(|key| near != Some(**key)));
    let more = if told.len() > TOLD { ", …" } else { "" };
    told.truncate(TOLD);
    let hint = if told.is_empty() {
        "it has no metrics".to_owned()
    } else {
        format!("it has {}{more}", visible(&told.join(", ")))
    };
    CliError::Told {
        kind: ErrorKind::NotFound,
        message: format!("run '{}' has no metric '{key}'", run.run_id),
        hint: Some(hint),
    }
}

/// Prints all points in the order they arrived.
pub(super) async fn run(ctx: &Context, args: &MetricsArgs) -> Result<()> {
    let service = ctx.service().await?;
    let run_id = meant::run(&service, &args.run_id).await?;
    let run = service.get_run(&run_id).await?;
    if !run.metrics.contains_key(&args.key) {
        return Err(no_such_key(&run, &args.key));
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
