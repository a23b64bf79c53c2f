//! Dots: two across and four down in each cell of the screen, as braille has them.

use super::{ChartColumn, Extent, mark};
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const ACROSS: usize = 2;
const DOWN: usize = 4;
/// The bit of each dot in a braille character, by column and row.
const BITS: [[u8; DOWN]; ACROSS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
const BRAILLE: u32 = 0x2800;
/// How many cells lie between two marks of one curve.
const MARK_EVERY: usize = 16;

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    dots: u8,
    /// The curve that was drawn here last.
    series: u8,
    /// A mark is shown in place of the dots.
    marked: bool,
}

/// A grid of dots that curves are drawn on.
pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    extent: Extent,
    cells: Vec<Cell>,
    not_finite: Vec<bool>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize, extent: Extent) -> Self {
        Self {
            columns,
            rows,
            extent,
            cells: vec![Cell::default(); columns * rows],
            not_finite: vec![false; columns],
        }
    }

    /// For each column of cells, whether something in it is not finite.
    pub(super) fn not_finite(&self) -> &[bool] {
        &self.not_finite
    }

    /// Draws each column from its least to its greatest value and lines between columns that follow each other; where
    /// a column has no finite value, the line is interrupted.
    pub(super) fn curve(&mut self, series: usize, columns: &[ChartColumn]) {
        if self.cells.is_empty() {
            return;
        }
        let mut before: Option<(usize, usize)> = None;
        // Curves have their marks at different places, so that none hides another's.
        let mut next_mark = (series * 5 + 3) % MARK_EVERY;
        for column in columns {
            let x = place(column.from, self.extent.x, self.columns * ACROSS);
            if column.not_finite {
                self.not_finite[x / ACROSS] = true;
            }
            let Some((low, high)) = column.range else {
                before = None;
                continue;
            };
            let (low, high) = (self.row(low), self.row(high));
            if let Some((from_x, from_y)) = before {
                self.line((from_x, from_y), (x, from_y.clamp(high, low)), series);
            }
            self.upright(x, high, low, series);
            let last = column.last.map_or(low, |last| self.row(last));
            if x / ACROSS >= next_mark {
                next_mark = x / ACROSS + MARK_EVERY;
                self.mark(x, last, series);
            }
            before = Some((x, last));
        }
        if let Some((x, y)) = before {
            self.mark(x, y, series);
        }
    }

    /// The row of dots of a value; 0 is on top.
    fn row(&self, value: f64) -> usize {
        let dots = self.rows * DOWN;
        dots - 1 - place(value, self.extent.y, dots)
    }

    fn line(
        &mut self,
        (from_x, from_y): (usize, usize),
        (to_x, to_y): (usize, usize),
        series: usize,
    ) {
        if to_x <= from_x {
            // A resumed run that went back in steps: nothing leads back.
            return;
        }
        let span = to_x - from_x;
        let at = |step: usize| (from_y * (span - step) + to_y * step + span / 2) / span;
        for step in 0..=span {
            let (y, next) = (at(step), at((step + 1).min(span)));
            // Half of the way to the neighbour is drawn in each column, so that steep lines have no holes.
            let meet = y.midpoint(next);
            self.upright(from_x + step, y.min(meet), y.max(meet), series);
            if step < span {
                self.upright(from_x + step + 1, next.min(meet), next.max(meet), series);
            }
        }
    }

    fn upright(&mut self, x: usize, top: usize, bottom: usize, series: usize) {
        for y in top..=bottom {
            let cell = &mut self.cells[y / DOWN * self.columns + x / ACROSS];
            cell.dots |= BITS[x % ACROSS][y % DOWN];
            cell.series = u8::try_from(series % 256).unwrap_or(0);
        }
    }

    fn mark(&mut self, x: usize, y: usize, series: usize) {
        let cell = &mut self.cells[y / DOWN * self.columns + x / ACROSS];
        cell.marked = true;
        cell.series = u8::try_from(series % 256).unwrap_or(0);
    }

    /// Puts what was drawn on the screen; `marked` shows the marks of the curves.
    pub(super) fn paint(&self, area: Rect, buf: &mut Buffer, theme: &Theme, marked: bool) {
        for (at, cell) in self.cells.iter().enumerate() {
            if cell.dots == 0 {
                continue;
            }
            let (Ok(x), Ok(y)) = (
                u16::try_from(at % self.columns),
                u16::try_from(at / self.columns),
            ) else {
                continue;
            };
            let Some(shown) = buf.cell_mut((area.x + x, area.y + y)) else {
                continue;
            };
            if shown.symbol() == super::NOT_FINITE {
                // Where there is no axis the mark stands among the dots, and it says more than they do.
                continue;
            }
            shown.set_style(theme.curve(usize::from(cell.series)));
            if marked && cell.marked {
                shown.set_symbol(mark(usize::from(cell.series)));
            } else {
                shown.set_char(char::from_u32(BRAILLE + u32::from(cell.dots)).unwrap_or(' '));
            }
        }
    }
}

/// The place of a value among `places` from the least to the greatest; in the middle where both are the same.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the share is between 0 and 1, and a screen has few places"
)]
fn place(value: f64, (low, high): (f64, f64), places: usize) -> usize {
    let span = high - low;
    let share = if span.is_finite() {
        (value - low) / span
    } else {
        // Halves, so that the span of the two greatest opposite numbers is finite.
        (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
    };
    if share.is_nan() {
        return places / 2;
    }
    let last = places.saturating_sub(1);
    ((share.clamp(0.0, 1.0) * last as f64).round() as usize).min(last)
}
