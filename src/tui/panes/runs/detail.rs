//! What stands beside a run: its curve, latest metrics, params, tags, artifacts, source, versions and the end of its output.

use super::silence;
use crate::domain::text::{visible, visible_lines};
use crate::domain::{Key, MetricChart, ModelRun, number};
use crate::tui::env::{Env, count, span, took};
use crate::tui::message::RunMore;
use crate::tui::panes::marks;
use crate::tui::widgets::chart::{ChartColumn, Series};
use crate::tui::widgets::detail::{Detail, Section, Table};
use ratatui::text::{Line, Span};

/// Rows of a chart, its axis and title included, where there is little room and where there is much.
const LEAST: u16 = 7;
const MOST: u16 = 20;

pub(super) fn detail(
    run: &ModelRun,
    more: Option<&RunMore>,
    metric: Option<&Key>,
    rows: u16,
    env: &Env,
) -> Detail {
    let mut sections = vec![head(run, env)];
    if let Some(metric) = metric {
        sections.push(chart(run, metric, more, rows));
    }
    sections.extend([metrics(run, metric, env), pairs("Params", &run.params)]);
    if let Some(more) = more {
        sections.push(output(more, env));
        sections.push(versions(more, env));
    }
    sections.extend([
        pairs("Tags", &run.tags),
        artifacts(run),
        times(run, env),
        source(run),
    ]);
    sections.retain(|section| !section.is_empty());
    Detail {
        title: visible(&run.name).into_owned(),
        sections,
    }
}

/// One line about how it stands, so that the curve is seen even where there is little room.
fn head(run: &ModelRun, env: &Env) -> Section {
    let theme = &env.theme;
    let silence = silence(run, env);
    let mut line = vec![marks::run(run.status, silence.is_some()).span(theme)];
    if let Some(silence) = silence {
        let said = format!(" · silent for {}; 'x' ends it", span(silence));
        line.push(Span::styled(said, theme.warn));
    }
    if let Some(duration) = run.duration(env.now.at) {
        let duration = match run.ended_at {
            Some(_) => took(duration),
            None => span(duration),
        };
        line.push(Span::styled(format!(" · {duration}"), theme.muted));
    }
    line.push(Span::raw(format!(" · {}", run.experiment_name)));
    Section::new("").cut(Line::from(line))
}

fn times(run: &ModelRun, env: &Env) -> Section {
    Section::new("Run")
        .pair("run id", run.run_id.to_string())
        .pair("created", env.when(run.created_at))
        .pair_if("started", run.started_at.map(|at| env.when(at)))
        .pair_if("ended", run.ended_at.map(|at| env.when(at)))
        .pair_if("last sign", run.heartbeat_at.map(|at| env.when(at)))
}

fn chart(run: &ModelRun, metric: &Key, more: Option<&RunMore>, rows: u16) -> Section {
    let of_metric = more
        .and_then(|more| more.chart.as_ref())
        .filter(|chart| chart.metric == *metric);
    let title = match of_metric {
        Some(chart) => format!("{metric} · {} points", count(chart.points)),
        None => metric.to_string(),
    };
    let turning = if run.metrics.len() > 1 {
        format!("{title} · m next metric")
    } else {
        title
    };
    let series = of_metric.map(series);
    Section::new(turning).chart(
        metric.to_string(),
        series.into_iter().collect(),
        (rows / 3).clamp(LEAST, MOST),
    )
}

/// A reduced history as a curve.
#[expect(
    clippy::cast_precision_loss,
    reason = "steps beyond 2^53 differ by less than a column"
)]
fn series(chart: &MetricChart) -> Series {
    let columns = chart.buckets.iter().map(|bucket| ChartColumn {
        from: bucket.first_step as f64,
        to: bucket.last_step as f64,
        range: bucket.range,
        last: bucket.last,
        not_finite: bucket.non_finite > 0,
    });
    Series {
        name: chart.metric.to_string(),
        columns: columns.collect(),
    }
}

fn metrics(run: &ModelRun, shown: Option<&Key>, env: &Env) -> Section {
    if run.metrics.is_empty() {
        return Section::new("Metrics").text("none yet");
    }
    let theme = &env.theme;
    let mut table = Table::new(["", "metric", "latest", "step"]);
    for (key, point) in &run.metrics {
        let sign = if Some(key) == shown { "▸" } else { " " };
        let value = number::short(point.value);
        let style = if point.value.is_finite() {
            theme.text
        } else {
            theme.bad
        };
        table.row(vec![
            Span::styled(sign, theme.key),
            Span::raw(key.to_string()),
            Span::styled(value, style),
            Span::styled(point.step.to_string(), theme.muted),
        ]);
    }
    Section::new("Metrics").table(table)
}

fn pairs(title: &str, values: &crate::domain::Tags) -> Section {
    values
        .iter()
        .fold(Section::new(title), |section, (key, value)| {
            section.pair(key.to_string(), visible(value).into_owned())
        })
}

fn output(more: &RunMore, env: &Env) -> Section {
    let tail = &more.output;
    if tail.bytes.is_empty() {
        return Section::default();
    }
    let cut = tail.total > tail.bytes.len() as u64;
    let text = String::from_utf8_lossy(&tail.bytes);
    // A program that draws a progress bar ends its lines with a return; what it drew last is what counts.
    let lines = text.split('\n').map(|line| {
        line.trim_end_matches('\r')
            .rsplit('\r')
            .next()
            .unwrap_or("")
    });
    let lines: Vec<&str> = lines.collect();
    // The first line of a tail is the end of one.
    let lines = lines.iter().skip(usize::from(cut));
    let mut section = Section::new(format!("Output · {} bytes", count(tail.total)));
    if cut {
        section = section.cut(Line::styled("… its end:", env.theme.muted));
    }
    // What was recorded as events stands above as metrics and params, and would drown what was said.
    let (events, lines): (Vec<&&str>, Vec<&&str>) =
        lines.partition(|line| line.starts_with("{\"event\""));
    if !events.is_empty() {
        let told = format!("… without {} lines of events", count(events.len() as u64));
        section = section.cut(Line::styled(told, env.theme.muted));
    }
    let ended = lines.len() - usize::from(lines.last().is_some_and(|line| line.is_empty()));
    for line in lines.iter().take(ended) {
        for shown in visible_lines(if line.is_empty() { " " } else { line }) {
            section = section.cut(shown);
        }
    }
    section
}

fn versions(more: &RunMore, env: &Env) -> Section {
    if more.versions.is_empty() {
        return Section::default();
    }
    let theme = &env.theme;
    let mut table = Table::default();
    for version in &more.versions {
        table.row(vec![
            Span::raw(version.label()),
            marks::stage(version.stage).span(theme),
            marks::approval(version.approval).span(theme),
        ]);
    }
    Section::new("Registered as").table(table)
}

fn artifacts(run: &ModelRun) -> Section {
    if run.artifacts.is_empty() {
        return Section::default();
    }
    let mut table = Table::new(["path", "bytes", "digest"]);
    for artifact in &run.artifacts {
        table.row(vec![
            Span::raw(visible(&artifact.path).into_owned()),
            Span::raw(count(artifact.size)),
            Span::raw(visible(&artifact.digest).into_owned()),
        ]);
    }
    Section::new("Artifacts").table(table)
}

fn source(run: &ModelRun) -> Section {
    let source = &run.source;
    let text = |text: &Option<String>| text.as_deref().map(|text| visible(text).into_owned());
    Section::new("Source")
        .pair_if("command", text(&source.command))
        .pair_if("commit", text(&source.git_commit))
        .pair_if("directory", text(&source.directory))
        .pair_if("host", text(&source.host))
        .pair_if("user", text(&source.user))
        .pair_if("process", source.pid.map(|pid| pid.to_string()))
        .pair_if("exit code", source.exit_code.map(|code| code.to_string()))
        .pair_if("signal", source.signal.map(|signal| signal.to_string()))
        .pair_if(
            "wall time",
            source.wall_seconds.map(|seconds| format!("{seconds:.1} s")),
        )
}
