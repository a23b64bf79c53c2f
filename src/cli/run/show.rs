//! `modeldeck run show`, for people.

use super::status_cell;
use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, Sections, Table, ago, duration, precise};
use crate::domain::{LeftOutFile, ModelRun, RunId, RunSource, number, text};

pub(super) async fn run(ctx: &Context, run_id: &RunId) -> Result<()> {
    let service = ctx.service().await?;
    let run_id = meant::run(&service, run_id).await?;
    let run = service.get_run(&run_id).await?;
    if ctx.out.json {
        return ctx.out.object(&run);
    }
    let mut sections = Sections::new(format!("run {}", run.run_id));
    sections
        .raw("name", &run.name)
        .raw("experiment", run.experiment_name.as_str())
        .field("status", status_cell(&service, &run))
        .optional("started", run.started_at.map(precise))
        .optional("ended", run.ended_at.map(precise))
        .optional("took", run.duration(ctx.out.now).map(duration))
        .optional(
            "last sign",
            run.heartbeat_at
                .filter(|_| !run.status.is_final())
                .map(|at| ago(at, ctx.out.now)),
        )
        .optional(
            "on MLflow",
            run.mlflow.as_ref().map(|link| match &link.run_id {
                Some(run_id) => format!("{} as {}", link.state, text::visible(run_id)),
                None => link.state.to_string(),
            }),
        )
        .field("revision", Cell::shown(run.revision));
    if let Some(silence) = service.runs().stale_for(&run) {
        sections.line(Cell::shown(format!(
            "It has been silent for {}; 'modeldeck run update {} --status KILLED' ends it.",
            duration(silence),
            run.run_id
        )));
    }
    source(&mut sections, &run.source);
    sections.begin("metrics").table(metrics(&run));
    sections.map("params", &run.params);
    sections.map("tags", &run.tags);
    let left_out = service
        .sync()
        .left_out(Some(&run.run_id), run.artifacts.len())
        .await?;
    sections
        .begin("artifacts")
        .table(artifacts(&run, &left_out));
    ctx.out.sections(&sections)
}

fn source(sections: &mut Sections, source: &RunSource) {
    sections.begin("source");
    for (name, text) in [
        ("command", &source.command),
        ("git commit", &source.git_commit),
        ("host", &source.host),
        ("user", &source.user),
        ("directory", &source.directory),
    ] {
        sections.raw(name, text.as_deref().unwrap_or_default());
    }
    sections
        .optional("exit code", source.exit_code)
        .optional("signal", source.signal)
        .optional(
            "wall time",
            source.wall_seconds.map(|seconds| format!("{seconds:.3} s")),
        );
}

fn metrics(run: &ModelRun) -> Table {
    let mut table = Table::new(&[
        Column::text("KEY"),
        Column::number("VALUE"),
        Column::number("STEP"),
        Column::whole("TIME"),
    ]);
    for (key, point) in &run.metrics {
        table.push(vec![
            Cell::raw(key.as_str()),
            Cell::shown(number::short(point.value)),
            Cell::shown(point.step),
            Cell::shown(precise(point.timestamp)),
        ]);
    }
    table
}

fn artifacts(run: &ModelRun, left_out: &[LeftOutFile]) -> Table {
    let mut columns = vec![
        Column::text("PATH"),
        Column::number("BYTES"),
        Column::whole("DIGEST"),
    ];
    if !left_out.is_empty() {
        columns.push(Column::text("ON MLFLOW"));
    }
    let mut table = Table::new(&columns);
    for artifact in &run.artifacts {
        let mut row = vec![
            Cell::raw(&artifact.path),
            Cell::shown(artifact.size),
            Cell::raw(&artifact.digest),
        ];
        if !left_out.is_empty() {
            let file = left_out.iter().find(|file| file.path == artifact.path);
            row.push(Cell::raw(
                &file
                    .map(|file| format!("not uploaded: {}", file.reason))
                    .unwrap_or_default(),
            ));
        }
        table.push(row);
    }
    table
}
