//! A table of which only the rows that are seen are given: header, cells cut to their columns, the selected and the marked rows.
//!
//! ```text
//!   Run        Status      lr  val/auc ▼
//! ▸ lgbm-42    RUNNING   0.05     0.9312
//!  ✓xgb-7      FAILED     0.1     0.9120
//! ```
//! Which columns have room is decided in [`super::layout::fit_columns`]; a column of width 0 is not drawn. It does not know what its
//! cells are about.

use super::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Room before the first column for the signs of selection and mark.
pub const GUTTER: u16 = 2;

/// The head of a column.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    pub title: &'a str,
    pub width: u16,
    pub right: bool,
    /// Whether the list is sorted by it, the largest first or last.
    pub descending: Option<bool>,
}

/// How a row stands out.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowSigns {
    pub selected: bool,
    pub marked: bool,
    /// Whether the list has the keys.
    pub focused: bool,
}

/// The column under a place in the row, counted from the left edge of the table.
pub fn column_at(widths: &[u16], x: u16) -> Option<usize> {
    let mut left = GUTTER;
    for (at, width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
        if (left..left + width).contains(&x) {
            return Some(at);
        }
        left += width + 1;
    }
    None
}

/// Draws the line of heads.
pub fn draw_heads(area: Rect, buf: &mut Buffer, theme: &Theme, heads: &[Head<'_>]) {
    let mut x = area.x + GUTTER.min(area.width);
    for head in heads.iter().filter(|head| head.width > 0) {
        let sign = match head.descending {
            Some(true) => " ▼",
            Some(false) => " ▲",
            None => "",
        };
        let width = usize::from(head.width);
        // The sign of the order is worth more than the end of a long title.
        let title = text::cut(head.title, width.saturating_sub(text::width(sign)));
        let shown = format!("{title}{sign}");
        let style = if head.descending.is_some() {
            theme.column_sorted
        } else {
            theme.column
        };
        draw_cell(buf, area, x, head.width, &shown, head.right, style);
        x += head.width + 1;
    }
}

/// Draws one row; cells come in the order of the widths, those of given-up columns left out.
pub fn draw_row<'a>(
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
    signs: RowSigns,
    cells: impl Iterator<Item = (u16, bool, &'a str, Style)>,
) {
    if area.is_empty() {
        return;
    }
    if signs.selected {
        let style = if signs.focused {
            theme.selection
        } else {
            theme.selection_inactive
        };
        buf.set_style(area, style);
        buf.set_stringn(area.x, area.y, "▸", usize::from(area.width), theme.text);
    }
    if signs.marked && area.width > 1 {
        buf.set_stringn(area.x + 1, area.y, "✓", 1, theme.marked);
    }
    let mut x = area.x + GUTTER.min(area.width);
    for (width, right, cell, style) in cells {
        draw_cell(buf, area, x, width, cell, right, style);
        x += width + 1;
    }
}

fn draw_cell(
    buf: &mut Buffer,
    area: Rect,
    x: u16,
    width: u16,
    cell: &str,
    right: bool,
    style: Style,
) {
    let width = width.min(area.right().saturating_sub(x));
    if width == 0 || area.height == 0 {
        return;
    }
    let room = usize::from(width);
    let cell = text::cut(cell, room);
    let indent = if right {
        u16::try_from(room.saturating_sub(text::width(&cell))).unwrap_or(0)
    } else {
        0
    };
    buf.set_stringn(x + indent, area.y, cell, room, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_the_header_names_its_column() {
        let widths = [5, 0, 3];
        for (x, column) in [
            (0, None),
            (2, Some(0)),
            (6, Some(0)),
            (7, None),
            (8, Some(2)),
            (11, None),
        ] {
            assert_eq!(column_at(&widths, x), column, "{x}");
        }
    }

    #[test]
    fn wide_glyphs_do_not_move_the_columns_behind_them() {
        let area = Rect::new(0, 0, 16, 1);
        let mut buf = Buffer::empty(area);
        let theme = Theme::default();
        let cells = [
            (5, false, "価格価格", theme.text),
            (4, true, "0.5", theme.text),
        ];
        draw_row(
            area,
            &mut buf,
            &theme,
            RowSigns::default(),
            cells.into_iter(),
        );
        assert_eq!(buf[(2, 0)].symbol(), "価");
        assert_eq!(buf[(6, 0)].symbol(), "…");
        assert_eq!(buf[(11, 0)].symbol(), "5");
    }

    #[test]
    fn no_size_is_too_small() {
        let theme = Theme::default();
        for width in 0..6 {
            let area = Rect::new(0, 0, width, 1);
            let mut buf = Buffer::empty(area);
            let heads = [Head {
                title: "Name",
                width: 4,
                right: true,
                descending: Some(true),
            }];
            draw_heads(area, &mut buf, &theme, &heads);
            let signs = RowSigns {
                selected: true,
                marked: true,
                focused: true,
            };
            draw_row(
                area,
                &mut buf,
                &theme,
                signs,
                [(4, true, "x", theme.text)].into_iter(),
            );
        }
    }
}
