//! A panel's items as rows of the screen, for one width.

use super::{Detail, Item, Table, section_title};
use crate::tui::theme::Theme;
use crate::tui::widgets::text;
use ratatui::text::{Line, Span};

/// The widest label that values are lined up behind.
const WIDEST_LABEL: usize = 18;

/// How far a note stands behind the row that it is about.
const NOTE_INDENT: usize = 2;

/// One row of the screen.
pub(super) struct Row<'a> {
    pub(super) kind: RowKind<'a>,
    /// The row is the title of this section.
    pub(super) section: Option<usize>,
    /// The row can be chosen by this key.
    pub(super) key: Option<&'a str>,
}

pub(super) enum RowKind<'a> {
    Line(Line<'static>),
    /// The n-th row of a chart.
    Chart {
        chart: &'a Item,
        at: u16,
    },
}

impl Row<'_> {
    fn line(line: Line<'static>) -> Self {
        Self {
            kind: RowKind::Line(line),
            section: None,
            key: None,
        }
    }
}

pub(super) fn lay_out<'a>(detail: &'a Detail, width: u16, theme: &Theme) -> Vec<Row<'a>> {
    let columns = usize::from(width);
    let mut rows = Vec::new();
    for (at, section) in detail.sections.iter().enumerate() {
        if !section.title.is_empty() {
            if !rows.is_empty() {
                rows.push(Row::line(Line::default()));
            }
            let mut row = Row::line(section_title(&section.title, columns, theme));
            row.section = Some(at);
            rows.push(row);
        }
        let labels = label_width(&section.items, columns);
        for item in &section.items {
            match item {
                Item::Pair { label, value } => {
                    pair(&mut rows, label, value, labels, columns, theme);
                }
                Item::Text(line) => {
                    rows.extend(text::wrap(line, columns).into_iter().map(Row::line));
                }
                Item::Cut(line) => rows.push(Row::line(text::cut_line(line, columns))),
                Item::Table(table) => table_rows(&mut rows, table, columns, theme),
                chart @ Item::Chart { rows: height, .. } => {
                    rows.extend((0..*height).map(|at| Row {
                        kind: RowKind::Chart { chart, at },
                        section: None,
                        key: None,
                    }));
                }
            }
        }
    }
    rows
}

/// The labels of a section are as wide as the widest, but leave their values more than half of the room.
fn label_width(items: &[Item], columns: usize) -> usize {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Pair { label, .. } => Some(text::width(label)),
            _ => None,
        })
        .max()
        .unwrap_or(0)
        .min(WIDEST_LABEL)
        .min(columns * 2 / 5)
}

fn pair(
    rows: &mut Vec<Row<'_>>,
    label: &str,
    value: &Line<'static>,
    labels: usize,
    columns: usize,
    theme: &Theme,
) {
    let indent = labels + 1;
    let lines = text::wrap(value, columns.saturating_sub(indent));
    for (nth, line) in lines.into_iter().enumerate() {
        let label = if nth == 0 { label } else { "" };
        let mut spans = vec![Span::styled(
            format!("{} ", text::fit(label, labels)),
            theme.label,
        )];
        spans.extend(line.spans);
        rows.push(Row::line(Line::from(spans).style(line.style)));
    }
}

fn table_rows<'a>(rows: &mut Vec<Row<'a>>, table: &'a Table, columns: usize, theme: &Theme) {
    let count = table
        .rows
        .iter()
        .map(|row| row.cells.len())
        .max()
        .unwrap_or(0)
        .max(table.header.len());
    let wide = |column: usize| {
        table
            .rows
            .iter()
            .filter_map(|row| row.cells.get(column).map(Span::width))
            .chain(table.header.get(column).map(|title| text::width(title)))
            .max()
            .unwrap_or(0)
    };
    // One long cell must not push the columns behind it off the screen.
    let most = if count > 1 { columns / 2 } else { columns };
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            if column + 1 == count {
                columns
            } else {
                wide(column).min(most)
            }
        })
        .collect();
    if !table.header.is_empty() {
        let cells = table
            .header
            .iter()
            .map(|title| (title.as_str(), theme.column));
        rows.push(Row::line(table_line(cells, &widths, columns)));
    }
    for row in &table.rows {
        let cells = row
            .cells
            .iter()
            .map(|cell| (cell.content.as_ref(), cell.style));
        let mut shown = Row::line(table_line(cells, &widths, columns));
        shown.key = row.key.as_deref();
        rows.push(shown);
        for line in row
            .note
            .iter()
            .flat_map(|note| text::wrap(note, columns.saturating_sub(NOTE_INDENT)))
        {
            let mut spans = vec![Span::raw(" ".repeat(NOTE_INDENT))];
            spans.extend(line.spans);
            rows.push(Row::line(Line::from(spans).style(line.style)));
        }
    }
}

fn table_line<'a>(
    cells: impl Iterator<Item = (&'a str, ratatui::style::Style)>,
    widths: &[usize],
    columns: usize,
) -> Line<'static> {
    let mut spans = Vec::new();
    let mut room = columns;
    for (nth, ((cell, style), width)) in cells.zip(widths).enumerate() {
        let gap = usize::from(nth > 0) * 2;
        if room <= gap {
            break;
        }
        room -= gap;
        let text = if nth + 1 == widths.len() {
            text::cut(cell, room)
        } else {
            text::fit(cell, (*width).min(room))
        };
        room -= text::width(&text);
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(text, style));
    }
    Line::from(spans)
}
