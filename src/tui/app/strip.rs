//! The live strip: what is going on in the whole store, whatever tab is shown.
//!
//! ```text
//! ┌ live · runs ────────────┬ drift ───────────────────┬ deployments ─────────────┐
//! │ ● lgbm-42  loss 0.211   │ █ fraud 7  auc  CRITICAL │ ● fraud 7 PRODUCTION     │
//! └─────────────────────────┴──────────────────────────┴──────────────────────────┘
//! ```

use crate::domain::{ModelRun, number, text::visible};
use crate::tui::env::{Env, count};
use crate::tui::message::Overview;
use crate::tui::panes::marks;
use crate::tui::widgets::layout::thirds;
use crate::tui::widgets::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

pub(super) fn draw_strip(area: Rect, buf: &mut Buffer, overview: &Overview, env: &Env) {
    let [runs, drift, deployments] = thirds(area);
    let title = |name: &str, number: u64| {
        if number == 0 {
            format!(" {name} ")
        } else {
            format!(" {name} {} ", count(number))
        }
    };
    let lines = overview
        .running_runs
        .iter()
        .map(|run| run_line(run, env))
        .collect();
    let none = "nothing is running";
    draw_box(
        runs,
        buf,
        env,
        &title("live · runs", overview.running),
        lines,
        none,
    );

    let lines = overview
        .drift_events
        .iter()
        .map(|event| {
            let mark = marks::severity(event.severity);
            Line::from(vec![
                mark.sign(&env.theme),
                Span::raw(format!(
                    " {} {} {} ",
                    event.model_name, event.version, event.metric
                )),
                Span::styled(mark.word, env.theme.meaning(mark.meaning)),
            ])
        })
        .collect();
    let none = "no drift is open";
    draw_box(
        drift,
        buf,
        env,
        &title("drift", overview.drift),
        lines,
        none,
    );

    let serving = overview.active_deployments + overview.pending_deployments;
    let lines = overview
        .deployments
        .iter()
        .map(|deployment| {
            let mark = marks::deployment(deployment.status);
            let health = marks::health(deployment.health);
            Line::from(vec![
                mark.sign(&env.theme),
                Span::raw(format!(
                    " {} {} {} ",
                    deployment.model_name, deployment.version, deployment.environment
                )),
                Span::styled(health.text(), env.theme.meaning(health.meaning)),
            ])
        })
        .collect();
    let none = "nothing is deployed";
    draw_box(
        deployments,
        buf,
        env,
        &title("deployments", serving),
        lines,
        none,
    );
}

/// The name of a run and the metric that was measured last.
fn run_line(run: &ModelRun, env: &Env) -> Line<'static> {
    let silence = run.stale_for(env.now.at, env.stale_after);
    let mark = marks::run(run.status, silence.is_some());
    let newest = run
        .metrics
        .iter()
        .max_by_key(|(_, point)| point.timestamp)
        .map(|(key, point)| format!("{key} {} @{}", number::short(point.value), point.step));
    let mut spans = vec![
        mark.sign(&env.theme),
        Span::raw(format!(" {} ", visible(&run.name))),
    ];
    match silence {
        Some(silence) => {
            let said = format!("silent for {}", crate::tui::env::span(silence));
            spans.push(Span::styled(said, env.theme.warn));
        }
        None => spans.push(Span::styled(newest.unwrap_or_default(), env.theme.muted)),
    }
    Line::from(spans)
}

fn draw_box(
    area: Rect,
    buf: &mut Buffer,
    env: &Env,
    title: &str,
    lines: Vec<Line<'static>>,
    none: &'static str,
) {
    let theme = &env.theme;
    Block::bordered()
        .border_style(theme.border)
        .render(area, buf);
    let room = area.width.saturating_sub(2);
    let title = text::cut(title, usize::from(room));
    buf.set_stringn(area.x + 1, area.y, title, usize::from(room), theme.title);
    let lines = if lines.is_empty() {
        vec![Line::styled(none, theme.muted)]
    } else {
        lines
    };
    for (line, y) in lines
        .iter()
        .zip(area.y + 1..area.bottom().saturating_sub(1))
    {
        let line = text::cut_line(line, usize::from(room.saturating_sub(1)));
        buf.set_line(area.x + 2, y, &line, room.saturating_sub(1));
    }
}
