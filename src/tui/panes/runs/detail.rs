//! What stands beside a run: its curve, latest metrics, params, tags, artifacts, source, versions and the end of its output.

use super::silence;
use crate::domain::text::{visible, visible_lines};
use crate::domain::{Key, MetricChart, MlflowLink, ModelRun, number};
use crate::tui::env::{Env, count, span, took};
use crate::tui::message::RunMore;
use crate::tui::panes::marks;
use crate::tui::widgets::chart::{ChartColumn, Series};
use crate::tui::widgets::detail::{Detail, Section, Table};
use ratatui::text::{Line, Span};

/// How many lines of output are shown among the rest; all of the tail stands at the end.
const NEWEST: usize = 12;
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
    // Read once: it is the longest text of a detail, and made anew with every key.
    let said = more.map(|more| (more, said(more)));
    if let Some((more, said)) = &said {
        sections.push(output(more, said, NEWEST, env));
        sections.push(versions(more, env));
    }
    sections.extend([
        pairs("Tags", &run.tags),
        artifacts(run, more),
        times(run, env),
        source(run),
    ]);
    if let Some((more, said)) = said.filter(|(_, said)| said.lines.len() > NEWEST) {
        // At the end, where one goes with a single key and reads upwards.
        sections.push(output(more, &said, usize::MAX, env));
    }
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
        .pair_if("on MLflow", run.mlflow.as_ref().map(on_mlflow))
}

/// How far its copy is, and its id there.
fn on_mlflow(link: &MlflowLink) -> String {
    match &link.run_id {
        Some(run_id) => format!("{} as {}", link.state, visible(run_id)),
        None => link.state.to_string(),
    }
}

fn chart(run: &ModelRun, metric: &Key, more: Option<&RunMore>, rows: u16) -> Section {
    let of_metric = more
        .and_then(|more| more.chart.as_ref())
        .filter(|chart| chart.metric == *metric);
    let title = match of_metric {
        Some(chart) if chart.points == 1 => format!("{metric} · 1 point"),
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

/// The lines of a tail of output, without the events in it.
struct Said {
    lines: Vec<String>,
    events: usize,
}

fn said(more: &RunMore) -> Said {
    let tail = &more.output;
    let cut = tail.total > tail.bytes.len() as u64;
    let text = String::from_utf8_lossy(&tail.bytes);
    // The first line of a tail is the end of one.
    let lines = text.lines().skip(usize::from(cut));
    // What was recorded as events stands above as metrics and params, and would drown what was said.
    let (events, lines): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with("{\"event\""));
    let lines = lines.into_iter().flat_map(|line| {
        // A program that draws a progress bar ends its lines with a return; what it drew last is what counts.
        let line = line.trim_end_matches('\r').rsplit('\r').next();
        let line = line.filter(|line| !line.is_empty()).unwrap_or(" ");
        visible_lines(line)
    });
    Said {
        lines: lines.collect(),
        events: events.len(),
    }
}

/// The newest lines of output, the last one last.
fn output(more: &RunMore, said: &Said, most: usize, env: &Env) -> Section {
    if more.output.bytes.is_empty() {
        return Section::default();
    }
    let older = said.lines.len().saturating_sub(most);
    let cut = more.output.total > more.output.bytes.len() as u64;
    let mut section = Section::new(format!("Output · {} bytes", count(more.output.total)));
    if cut || older > 0 {
        section = section.cut(Line::styled("… its end:", env.theme.muted));
    }
    if said.events > 0 {
        let told = format!("… without {} lines of events", count(said.events as u64));
        section = section.cut(Line::styled(told, env.theme.muted));
    }
    let newest = said.lines.iter().skip(older);
    newest.fold(section, |section, line| section.cut(line.clone()))
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
            marks::stage(version).span(theme),
            marks::approval(version.approval).span(theme),
        ]);
    }
    Section::new("Registered as").table(table)
}

fn artifacts(run: &ModelRun, more: Option<&RunMore>) -> Section {
    let listed = more.map(|more| more.files.as_slice()).unwrap_or_default();
    if run.artifacts.is_empty() && listed.is_empty() {
        return Section::default();
    }
    let mut table = Table::new(["path", "bytes", "digest"]);
    for artifact in run.artifacts.iter().chain(listed) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::OutputTail;
    use crate::tui::widgets::detail::Item;

    #[test]
    fn the_newest_lines_of_output_are_shown() {
        let bytes: Vec<u8> = (1..=30)
            .flat_map(|line| format!("10%\r20%\rline {line}\n").into_bytes())
            .collect();
        let more = RunMore {
            output: OutputTail {
                total: bytes.len() as u64,
                bytes,
            },
            ..RunMore::default()
        };
        let shown: Vec<String> = output(&more, &said(&more), NEWEST, &Env::default())
            .items
            .iter()
            .map(|item| match item {
                Item::Cut(line) => line.to_string(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(shown.len(), NEWEST + 1, "{shown:?}");
        assert_eq!(
            (shown[1].as_str(), shown[12].as_str()),
            ("line 19", "line 30")
        );
    }
}
