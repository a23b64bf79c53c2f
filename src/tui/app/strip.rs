//! The live strip: what runs, what drifts and what serves now, whatever tab is shown.
//!
//! ```text
//! ┌ live · runs 4, 1 stale ─────┬ drift 1 ─────────────────┬ deployments 3, 1 pending ──────────────┐
//! │ ● lgbm-42  loss 0.211       │ █ fraud 7 accuracy 0.72  │ ● fraud 6 PRODUCTION ✓ HEALTHY         │
//! └─────────────────────────────┴──────────────────────────┴────────────────────────────────────────┘
//! ```

use crate::domain::text::visible;
use crate::domain::{Deployment, DriftEvent, Health, ModelRun, number};
use crate::tui::env::Env;
use crate::tui::message::Overview;
use crate::tui::panes::marks;
use crate::tui::widgets::{layout, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What is not known yet is not told as nothing.
pub(super) fn draw_strip(
    area: Rect,
    buf: &mut Buffer,
    overview: &Overview,
    is_known: bool,
    env: &Env,
) {
    let area = area.intersection(buf.area);
    if area.height < 3 || area.width < 12 {
        return;
    }
    let parts = layout::thirds(area);
    let titles = [
        runs_title(overview),
        drift_title(overview),
        deployments_title(overview),
    ];
    let lines: [Vec<Line<'static>>; 3] = [
        overview
            .running_runs
            .iter()
            .map(|run| run_line(run, env))
            .collect(),
        overview
            .drift_events
            .iter()
            .map(|event| drift_line(event, env))
            .collect(),
        overview
            .deployments
            .iter()
            .map(|deployment| deployment_line(deployment, env))
            .collect(),
    ];
    let quiet = [
        "nothing is running",
        "no drift is open",
        "nothing is deployed",
    ];
    for (nth, part) in parts.into_iter().enumerate() {
        frame(part, buf, env, nth, &titles[nth]);
        let inner = Rect {
            x: part.x + 2,
            y: part.y + 1,
            width: part.width.saturating_sub(if nth == 2 { 4 } else { 3 }),
            height: part.height - 2,
        };
        if lines[nth].is_empty() {
            let room = usize::from(inner.width);
            let said = if is_known { quiet[nth] } else { "…" };
            buf.set_stringn(inner.x, inner.y, said, room, env.theme.muted);
        }
        for (line, y) in lines[nth].iter().zip(inner.top()..inner.bottom()) {
            let line = text::cut_line(line, usize::from(inner.width));
            buf.set_line(inner.x, y, &line, inner.width);
        }
    }
}

/// The upper, left and lower border, with corners that join the neighbours'; the last part has a right border too.
fn frame(part: Rect, buf: &mut Buffer, env: &Env, nth: usize, title: &str) {
    let style = env.theme.border;
    let (top, bottom) = (part.top(), part.bottom() - 1);
    for x in part.left()..part.right() {
        buf.set_string(x, top, "─", style);
        buf.set_string(x, bottom, "─", style);
    }
    for y in top + 1..bottom {
        buf.set_string(part.x, y, "│", style);
    }
    let (upper, lower) = if nth == 0 {
        ("┌", "└")
    } else {
        ("┬", "┴")
    };
    buf.set_string(part.x, top, upper, style);
    buf.set_string(part.x, bottom, lower, style);
    if nth == 2 {
        let right = part.right() - 1;
        for y in top + 1..bottom {
            buf.set_string(right, y, "│", style);
        }
        buf.set_string(right, top, "┐", style);
        buf.set_string(right, bottom, "┘", style);
    }
    let room = usize::from(part.width.saturating_sub(4));
    let title = format!(" {} ", text::cut(title, room.saturating_sub(2)));
    buf.set_stringn(part.x + 1, top, title, room, env.theme.title);
}

fn runs_title(overview: &Overview) -> String {
    match (overview.running, overview.stale) {
        (0, _) => "live · runs".to_owned(),
        (running, 0) => format!("live · runs {running}"),
        (running, stale) => format!("live · runs {running}, {stale} stale"),
    }
}

fn drift_title(overview: &Overview) -> String {
    match overview.drift {
        0 => "drift".to_owned(),
        drift => format!("drift {drift}"),
    }
}

fn deployments_title(overview: &Overview) -> String {
    match (overview.active_deployments, overview.pending_deployments) {
        (0, 0) => "deployments".to_owned(),
        (active, 0) => format!("deployments {active}"),
        (active, pending) => format!("deployments {active}, {pending} pending"),
    }
}

/// The name of a run and the metric that was measured last, or for how long it has been silent.
fn run_line(run: &ModelRun, env: &Env) -> Line<'static> {
    let silence = run.stale_for(env.now.at, env.stale_after);
    let mut spans = vec![
        marks::run(run.status, silence.is_some()).sign(&env.theme),
        Span::raw(format!(" {} ", visible(&run.name))),
    ];
    if let Some(silence) = silence {
        let said = format!("silent for {}", crate::tui::env::span(silence));
        spans.push(Span::styled(said, env.theme.warn));
    } else if let Some((key, point)) = run.metrics.iter().max_by_key(|(_, point)| point.timestamp) {
        let sound = point.value.is_finite();
        let style = if sound { env.theme.text } else { env.theme.bad };
        spans.push(Span::styled(format!("{key} "), env.theme.label));
        spans.push(Span::styled(number::short(point.value), style));
        spans.push(Span::styled(format!(" @{}", point.step), env.theme.muted));
    }
    Line::from(spans)
}

fn drift_line(event: &DriftEvent, env: &Env) -> Line<'static> {
    Line::from(vec![
        marks::severity(event.severity).sign(&env.theme),
        Span::raw(format!(" {} {} ", event.model_name, event.version)),
        Span::styled(format!("{} ", event.metric), env.theme.label),
        Span::raw(number::short(event.observed)),
        Span::styled(
            format!(" was {}", number::short(event.baseline)),
            env.theme.muted,
        ),
    ])
}

fn deployment_line(deployment: &Deployment, env: &Env) -> Line<'static> {
    let mut spans = vec![
        marks::deployment(deployment.status).sign(&env.theme),
        Span::raw(format!(
            " {} {} ",
            deployment.model_name, deployment.version
        )),
        Span::styled(format!("{} ", deployment.environment), env.theme.label),
    ];
    // That nobody asked yet is not worth the room.
    if deployment.health != Health::Unknown {
        spans.push(marks::health(deployment.health).span(&env.theme));
    }
    Line::from(spans)
}
