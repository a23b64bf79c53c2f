//! The panel beside a list: titled sections of labelled values, lines, small tables and curves, scrolled as one.
//!
//! ```text
//! ── Metrics against 3 ──────────
//! Metric      this    3
//! auc       0.9312  ▲ 0.9120
//! ── Source ─────────────────────
//! Run       0199…
//! ```
//! What is shown is plain data ([`Detail`]), where one looks is another ([`DetailState`]), so drawing changes nothing. Rows
//! with a key can be chosen. It does not know what its lines are about.

mod rows;

use self::rows::{Row, RowKind};
use super::chart::{Chart, Series};
use super::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Everything that a panel shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detail {
    pub title: String,
    pub sections: Vec<Section>,
}

/// Lines under a title; without a title they just follow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    pub title: String,
    pub items: Vec<Item>,
}

/// Something in a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A value behind its label; it goes on in the next line, under itself.
    Pair {
        label: String,
        value: Line<'static>,
    },
    /// Broken into lines where it is too wide.
    Text(Line<'static>),
    /// Cut where it is too wide.
    Cut(Line<'static>),
    Table(Table),
    Chart {
        title: String,
        series: Vec<Series>,
        rows: u16,
    },
}

/// Cells under each other; each column is as wide as its widest cell, the last one is cut.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<TableRow>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableRow {
    pub cells: Vec<Span<'static>>,
    /// A row with a key can be chosen.
    pub key: Option<String>,
    /// What there is to say about the row, broken into lines under it.
    pub note: Option<Line<'static>>,
}

impl Section {
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            items: Vec::new(),
        }
    }

    #[must_use]
    pub fn pair(mut self, label: impl Into<String>, value: impl Into<Line<'static>>) -> Self {
        self.items.push(Item::Pair {
            label: label.into(),
            value: value.into(),
        });
        self
    }

    /// A pair, unless there is no value.
    #[must_use]
    pub fn pair_if(self, label: &str, value: Option<impl Into<Line<'static>>>) -> Self {
        match value {
            Some(value) => self.pair(label, value),
            None => self,
        }
    }

    #[must_use]
    pub fn text(mut self, line: impl Into<Line<'static>>) -> Self {
        self.items.push(Item::Text(line.into()));
        self
    }

    #[must_use]
    pub fn cut(mut self, line: impl Into<Line<'static>>) -> Self {
        self.items.push(Item::Cut(line.into()));
        self
    }

    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.items.push(Item::Table(table));
        self
    }

    #[must_use]
    pub fn chart(mut self, title: impl Into<String>, series: Vec<Series>, rows: u16) -> Self {
        self.items.push(Item::Chart {
            title: title.into(),
            series,
            rows,
        });
        self
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Table {
    pub fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            header: header.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: Vec<Span<'static>>) {
        self.rows.push(TableRow {
            cells,
            ..TableRow::default()
        });
    }

    /// A row that can be chosen.
    pub fn choice(&mut self, key: impl Into<String>, cells: Vec<Span<'static>>) {
        self.rows.push(TableRow {
            cells,
            key: Some(key.into()),
            note: None,
        });
    }

    /// Says something about the last row.
    pub fn note(&mut self, note: impl Into<Line<'static>>) {
        if let Some(row) = self.rows.last_mut() {
            row.note = Some(note.into());
        }
    }
}

/// From where a panel is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Row(usize),
    Section(usize),
    /// Wherever the chosen row is to be seen.
    Choice,
}

/// Where one looks and what is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetailState {
    anchor: Anchor,
    chosen: Option<String>,
}

impl Default for DetailState {
    fn default() -> Self {
        Self {
            anchor: Anchor::Row(0),
            chosen: None,
        }
    }
}

impl Detail {
    /// How many rows it can be scrolled down where it is drawn with this width and height.
    pub fn last_top(&self, width: u16, height: u16) -> usize {
        last_first_row(&rows::lay_out(self, width, &Theme::default()), height)
    }
}

impl DetailState {
    /// The key of the chosen row, if the panel still has it; else of the first one that can be chosen.
    pub fn chosen<'a>(&self, detail: &'a Detail) -> Option<&'a str> {
        let keys = detail.keys();
        keys.iter()
            .find(|key| Some(**key) == self.chosen.as_deref())
            .or_else(|| keys.first())
            .copied()
    }

    /// Moves the choice by so many rows that can be chosen; false where there are none.
    pub fn choose_by(&mut self, detail: &Detail, delta: isize) -> bool {
        let keys = detail.keys();
        let Some(chosen) = self.chosen(detail) else {
            return false;
        };
        let at = keys.iter().position(|key| *key == chosen).unwrap_or(0);
        // The first move only shows what is chosen already.
        let at = if self.chosen.is_none() && self.anchor == Anchor::Row(0) && delta > 0 {
            at
        } else {
            at.saturating_add_signed(delta).min(keys.len() - 1)
        };
        self.chosen = Some(keys[at].to_owned());
        self.anchor = Anchor::Choice;
        true
    }

    /// Moves by so many rows in a panel that is drawn with this width and height.
    pub fn scroll_by(&mut self, detail: &Detail, width: u16, height: u16, delta: isize) {
        let rows = rows::lay_out(detail, width, &Theme::default());
        let from = self.first_row(detail, &rows, height);
        let last = last_first_row(&rows, height);
        self.anchor = Anchor::Row(from.saturating_add_signed(delta).min(last));
    }

    /// Moves to another section's title.
    pub fn section_by(&mut self, detail: &Detail, width: u16, height: u16, delta: isize) {
        let rows = rows::lay_out(detail, width, &Theme::default());
        let from = self.first_row(detail, &rows, height);
        let here = match self.anchor {
            Anchor::Section(at) => at,
            Anchor::Row(_) | Anchor::Choice => rows
                .iter()
                .take(from + 1)
                .filter_map(|row| row.section)
                .next_back()
                .unwrap_or(0),
        };
        let last = detail.sections.len().saturating_sub(1);
        self.anchor = Anchor::Section(here.saturating_add_signed(delta).min(last));
    }

    pub fn to_start(&mut self) {
        self.anchor = Anchor::Row(0);
    }

    pub fn to_end(&mut self) {
        self.anchor = Anchor::Row(usize::MAX);
    }

    fn first_row(&self, detail: &Detail, rows: &[Row<'_>], height: u16) -> usize {
        let last = last_first_row(rows, height);
        let at = match self.anchor {
            Anchor::Row(at) => at,
            Anchor::Section(section) => rows
                .iter()
                .position(|row| row.section == Some(section))
                .unwrap_or(0),
            Anchor::Choice => {
                let chosen = self.chosen(detail);
                rows.iter()
                    .position(|row| row.key.is_some() && row.key == chosen)
                    .map_or(0, |at| at.saturating_sub(usize::from(height) / 2))
            }
        };
        at.min(last)
    }
}

fn last_first_row(rows: &[Row<'_>], height: u16) -> usize {
    rows.len().saturating_sub(usize::from(height))
}

impl Detail {
    /// The keys of all rows that can be chosen, from top to bottom.
    pub fn keys(&self) -> Vec<&str> {
        let items = self.sections.iter().flat_map(|section| &section.items);
        items
            .filter_map(|item| match item {
                Item::Table(table) => Some(&table.rows),
                _ => None,
            })
            .flatten()
            .filter_map(|row| row.key.as_deref())
            .collect()
    }

    /// How many rows the panel has at this width.
    pub fn height(&self, width: u16) -> usize {
        rows::lay_out(self, width, &Theme::default()).len()
    }

    /// Draws what there is room for; a mark at the right edge tells where one is when there is more. The chosen row is shown as
    /// chosen while the panel has the keys.
    pub fn draw(
        &self,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
        state: &DetailState,
        focused: bool,
    ) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let rows = rows::lay_out(self, area.width, theme);
        let first = state.first_row(self, &rows, area.height);
        let chosen = focused.then(|| state.chosen(self)).flatten();
        for (row, y) in rows.iter().skip(first).zip(area.top()..area.bottom()) {
            match &row.kind {
                RowKind::Line(line) => {
                    buf.set_line(area.x, y, line, area.width);
                }
                RowKind::Chart { chart, at } => {
                    draw_chart_row(
                        chart,
                        *at,
                        Rect {
                            y,
                            height: 1,
                            ..area
                        },
                        buf,
                        theme,
                    );
                }
            }
            if row.key.is_some() && row.key == chosen {
                buf.set_style(
                    Rect {
                        y,
                        height: 1,
                        ..area
                    },
                    theme.selection,
                );
            }
        }
        draw_position(area, buf, theme, first, rows.len());
    }
}

/// A chart that is half scrolled away is drawn aside and copied row by row.
fn draw_chart_row(chart: &Item, at: u16, row: Rect, buf: &mut Buffer, theme: &Theme) {
    let Item::Chart {
        title,
        series,
        rows,
    } = chart
    else {
        return;
    };
    let aside = Rect::new(0, 0, row.width, *rows);
    let mut picture = Buffer::empty(aside);
    Chart {
        title,
        x_title: "step",
        series,
        theme,
    }
    .render(aside, &mut picture);
    for x in 0..row.width {
        buf[(row.x + x, row.y)] = picture[(x, at)].clone();
    }
}

fn draw_position(area: Rect, buf: &mut Buffer, theme: &Theme, first: usize, rows: usize) {
    let height = usize::from(area.height);
    if rows <= height || area.width < 8 {
        return;
    }
    let x = area.right() - 1;
    if first > 0 {
        buf.set_string(x, area.top(), "↑", theme.hint);
    }
    if first + height < rows {
        buf.set_string(x, area.bottom() - 1, "↓", theme.hint);
    }
}

/// A title between lines: `── Metrics ─────`.
fn section_title(title: &str, width: usize, theme: &Theme) -> Line<'static> {
    let title = text::cut(title, width.saturating_sub(4));
    let rule = width.saturating_sub(text::width(&title) + 4);
    Line::from(vec![
        Span::styled("── ", theme.border),
        Span::styled(title, theme.title),
        Span::styled(format!(" {}", "─".repeat(rule)), theme.border),
    ])
}

#[cfg(test)]
mod tests;
