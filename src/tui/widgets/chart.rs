//! Curves in braille, with every spike kept: each column shows its least and greatest value, and `×` on the axis where
//! something was not finite.
//!
//! ```text
//! loss ● train 0.211  ▲ val 0.31  × not finite
//! 2.302 ┤⠑⢄
//!       │  ⠑⠤⣀  ⡀
//! 0.211 ┤     ⠉⠉⠛⠒⠒⠒⠤
//!       └──────×───────
//!        0   step  12.5k
//! ```
//! Axes, labels and legend are given up one after the other when there is little room. It draws plain numbers and does
//! not know what they measure.

mod canvas;
mod numbers;

pub use numbers::compact;

use self::canvas::Canvas;
use super::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// What tells curves apart where colours do not.
const MARKS: [&str; 6] = ["●", "▲", "■", "◆", "✚", "★"];
const NOT_FINITE: &str = "×";

/// A stretch of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartColumn {
    pub from: f64,
    pub to: f64,
    /// Least and greatest finite value; `None` where there is none.
    pub range: Option<(f64, f64)>,
    /// The last finite value: from here the line goes on to the next column.
    pub last: Option<f64>,
    /// Something in it is NaN or infinite.
    pub not_finite: bool,
}

/// A curve: columns in the order of their places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    pub name: String,
    pub columns: Vec<ChartColumn>,
}

impl Series {
    fn last(&self) -> Option<f64> {
        self.columns.iter().rev().find_map(|column| column.last)
    }
}

/// The mark of the n-th curve.
pub fn mark(at: usize) -> &'static str {
    MARKS[at % MARKS.len()]
}

/// One or more curves over a common axis.
#[derive(Debug, Clone)]
pub struct Chart<'a> {
    pub title: &'a str,
    /// What the horizontal axis counts.
    pub x_title: &'a str,
    /// None at all while they are not here yet.
    pub series: &'a [Series],
    pub theme: &'a Theme,
}

/// The extent of everything that is drawn.
#[derive(Debug, Clone, Copy)]
struct Extent {
    x: (f64, f64),
    y: (f64, f64),
}

impl Chart<'_> {
    fn extent(&self) -> Option<Extent> {
        let (mut x, mut y) = (
            (f64::INFINITY, f64::NEG_INFINITY),
            (f64::INFINITY, f64::NEG_INFINITY),
        );
        for column in self.series.iter().flat_map(|series| &series.columns) {
            x = (x.0.min(column.from), x.1.max(column.to));
            if let Some((low, high)) = column.range {
                y = (y.0.min(low), y.1.max(high));
            }
        }
        (x.0 <= x.1).then_some(Extent { x, y })
    }

    fn legend(&self) -> Line<'static> {
        let mut spans = Vec::new();
        if !self.title.is_empty() {
            spans.push(Span::styled(format!("{} ", self.title), self.theme.title));
        }
        for (at, series) in self.series.iter().enumerate() {
            let last = series.last().map(|value| compact(value, 4));
            let name = if self.series.len() == 1 && series.name == self.title {
                ""
            } else {
                series.name.as_str()
            };
            let words: Vec<&str> = [mark(at), name, last.as_deref().unwrap_or_default()]
                .into_iter()
                .filter(|word| !word.is_empty())
                .collect();
            spans.push(Span::styled(
                format!("{} ", words.join(" ")),
                self.theme.curve(at),
            ));
        }
        let columns = || self.series.iter().flat_map(|series| &series.columns);
        if columns().any(|column| column.not_finite) {
            spans.push(Span::styled(
                format!("{NOT_FINITE} not finite"),
                self.theme.bad,
            ));
        }
        Line::from(spans)
    }
}

impl Widget for Chart<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let mut plot = area;
        if area.height >= 3 {
            let legend = text::cut_line(&self.legend(), usize::from(area.width));
            buf.set_line(area.x, area.y, &legend, area.width);
            plot.y += 1;
            plot.height -= 1;
        }
        let Some(extent) = self.extent() else {
            let nothing = if self.series.is_empty() {
                "loading …"
            } else {
                "no points yet"
            };
            buf.set_stringn(
                plot.x,
                plot.y,
                nothing,
                usize::from(plot.width),
                self.theme.muted,
            );
            return;
        };
        let axes = Axes::fitting(plot, area, &extent);
        let plot = axes.plot;
        let mut canvas = Canvas::new(usize::from(plot.width), usize::from(plot.height), extent);
        for (at, series) in self.series.iter().enumerate() {
            canvas.curve(at, &series.columns);
        }
        axes.draw(buf, &self, extent, &canvas);
        canvas.paint(plot, buf, self.theme, self.series.len() > 1);
    }
}

/// Which axes have room, and what is left for the curves.
struct Axes {
    plot: Rect,
    /// Labels of the greatest and the least value.
    y_labels: Option<(String, String)>,
    x_line: bool,
    x_labels: bool,
}

impl Axes {
    fn fitting(mut plot: Rect, area: Rect, extent: &Extent) -> Self {
        let x_line = area.height >= 5;
        let x_labels = area.height >= 6 && area.width >= 12;
        plot.height -= u16::from(x_line) + u16::from(x_labels);
        let mut y_labels = None;
        if plot.height >= 2 && extent.y.0.is_finite() {
            let labels = numbers::distinct(extent.y.1, extent.y.0);
            let wide = text::width(&labels.0).max(text::width(&labels.1));
            let gutter = u16::try_from(wide + 2).unwrap_or(u16::MAX);
            // The curve keeps at least twice the room of its labels.
            if plot.width >= gutter.saturating_mul(3) {
                plot.x += gutter;
                plot.width -= gutter;
                y_labels = Some(labels);
            }
        }
        Self {
            plot,
            y_labels,
            x_line,
            x_labels,
        }
    }

    fn draw(&self, buf: &mut Buffer, chart: &Chart<'_>, extent: Extent, canvas: &Canvas) {
        let (plot, theme) = (self.plot, chart.theme);
        if let Some((high, low)) = &self.y_labels {
            let wide = text::width(high).max(text::width(low));
            let x = plot.x - u16::try_from(wide + 2).unwrap_or(plot.x);
            for y in plot.top()..plot.bottom() {
                buf.set_string(plot.x - 1, y, "│", theme.border);
            }
            for (y, label) in [(plot.top(), high), (plot.bottom() - 1, low)] {
                buf.set_string(x, y, text::fit_right(label, wide), theme.label);
                buf.set_string(plot.x - 1, y, "┤", theme.border);
            }
        }
        let line = if self.x_line {
            plot.bottom()
        } else {
            plot.bottom() - 1
        };
        if self.x_line {
            if self.y_labels.is_some() {
                buf.set_string(plot.x - 1, line, "└", theme.border);
            }
            buf.set_string(
                plot.x,
                line,
                "─".repeat(usize::from(plot.width)),
                theme.border,
            );
        }
        for (x, broken) in (plot.left()..plot.right()).zip(canvas.not_finite()) {
            if *broken {
                buf.set_string(x, line, NOT_FINITE, theme.bad);
            }
        }
        if self.x_labels {
            self.draw_x_labels(buf, chart, extent, line + 1);
        }
    }

    fn draw_x_labels(&self, buf: &mut Buffer, chart: &Chart<'_>, extent: Extent, y: u16) {
        let (plot, style) = (self.plot, chart.theme.label);
        let columns = usize::from(plot.width);
        let (first, last) = if extent.x.0 < extent.x.1 {
            numbers::distinct(extent.x.0, extent.x.1)
        } else {
            (compact(extent.x.0, 6), String::new())
        };
        buf.set_stringn(plot.x, y, &first, columns, style);
        let used = text::width(&first) + text::width(&last);
        if used < columns {
            let at = u16::try_from(text::width(&last)).unwrap_or(0);
            buf.set_string(plot.right() - at, y, &last, style);
        }
        let title = text::width(chart.x_title);
        if used + title + 4 <= columns {
            // In the middle of what the two labels leave free.
            let from = text::width(&first) + (columns - used - title) / 2;
            let x = plot.x + u16::try_from(from).unwrap_or(0);
            buf.set_string(x, y, chart.x_title, style);
        }
    }
}

#[cfg(test)]
mod tests;
