//! Tables for people. On a terminal they are fitted to its width by cutting the widest texts, never an id; elsewhere nothing is cut.

use crate::domain::text;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands between two columns.
const GAP: &str = "  ";
/// No text is cut to less than this.
const NARROWEST: usize = 6;

/// The few colours of the command line. What a colour says stands in words too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    #[default]
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Style {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\u{1b}[1m",
            Self::Dim => "\u{1b}[2m",
            Self::Good => "\u{1b}[32m",
            Self::Warn => "\u{1b}[33m",
            Self::Bad => "\u{1b}[1;31m",
        }
    }

    /// The text in this style, where there is colour.
    pub(super) fn paint(self, text: &str, colour: bool) -> String {
        if colour && self != Self::Plain && !text.is_empty() {
            format!("{}{text}\u{1b}[0m", self.code())
        } else {
            text.to_owned()
        }
    }
}

/// A text in a table that is harmless already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    /// Takes text from outside and makes it visible.
    pub fn raw(text: &str) -> Self {
        Self::shown(text::visible(text))
    }

    /// Takes what can be shown as it is: numbers, words of ours, and names, whose `Display` makes them visible.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers and words are given by value everywhere"
    )]
    pub fn shown(text: impl ToString) -> Self {
        Self {
            text: text.to_string(),
            style: Style::Plain,
        }
    }

    pub fn empty() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl Cell {
    /// The text in its style, where there is colour.
    pub fn painted(&self, colour: bool) -> String {
        self.style.paint(&self.text, colour)
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// May be cut with `…` when the terminal is narrow.
    pub cut: bool,
    pub right: bool,
}

impl Column {
    /// An id, a time, a word: never cut.
    pub const fn whole(title: &'static str) -> Self {
        Self {
            title,
            cut: false,
            right: false,
        }
    }

    /// Free text: cut when it has to be.
    pub const fn text(title: &'static str) -> Self {
        Self {
            title,
            cut: true,
            right: false,
        }
    }

    /// A number: never cut, and aligned to the right.
    pub const fn number(title: &'static str) -> Self {
        Self {
            title,
            cut: false,
            right: true,
        }
    }
}

/// Columns and rows.
#[derive(Debug, Clone)]
pub struct Table {
    titles: Vec<(String, Column)>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
}

impl Table {
    pub fn new(columns: &[Column]) -> Self {
        Self {
            titles: columns
                .iter()
                .map(|column| (column.title.to_owned(), *column))
                .collect(),
            rows: Vec::new(),
            indent: 0,
        }
    }

    /// Adds a column whose title comes from data.
    pub fn add_column(&mut self, title: &Cell, column: Column) {
        self.titles.push((title.text.clone(), column));
    }

    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.titles.len(), "a cell for every column");
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    #[must_use]
    pub(super) fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    pub fn render(&self, width: Option<usize>, colour: bool) -> String {
        let widths = self.widths(width);
        let titles: Vec<Cell> = self
            .titles
            .iter()
            .map(|(title, _)| Cell {
                text: title.clone(),
                style: Style::Strong,
            })
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&titles).chain(&self.rows) {
            text.push_str(&" ".repeat(self.indent));
            text.push_str(self.line(row, &widths, colour).trim_end());
            text.push('\n');
        }
        text
    }

    fn line(&self, row: &[Cell], widths: &[usize], colour: bool) -> String {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let shown = shortened(&cell.text, widths[at]);
            let fill = " ".repeat(widths[at].saturating_sub(shown.width()));
            let painted = cell.style.paint(&shown, colour);
            if at > 0 {
                line.push_str(GAP);
            }
            if self.titles[at].1.right {
                line.push_str(&fill);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                if at + 1 < row.len() {
                    line.push_str(&fill);
                }
            }
        }
        line
    }

    /// As wide as the content, then the widest texts give way until the line fits.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = (0..self.titles.len())
            .map(|at| {
                self.rows
                    .iter()
                    .map(|row| row[at].text.width())
                    .chain([self.titles[at].0.width()])
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let Some(limit) = limit else { return widths };
        let gaps = self.indent + GAP.len() * widths.len().saturating_sub(1);
        loop {
            let total: usize = gaps + widths.iter().sum::<usize>();
            let Some(over) = total.checked_sub(limit).filter(|over| *over > 0) else {
                return widths;
            };
            let mut texts: Vec<usize> = (0..widths.len())
                .filter(|at| self.titles[*at].1.cut && widths[*at] > NARROWEST)
                .collect();
            texts.sort_by_key(|at| std::cmp::Reverse(widths[*at]));
            let Some(widest) = texts.first().copied() else {
                return widths;
            };
            // Down to the next widest, so that several long texts share what there is.
            let next = texts.get(1).map_or(NARROWEST, |at| widths[*at]);
            let step = (widths[widest] - next).clamp(1, over);
            widths[widest] -= step;
        }
    }
}

/// The text cut to a width, with `…` where something is missing. Never cuts through a letter.
pub(super) fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shown = String::new();
    for letter in text.graphemes(true) {
        if shown.width() + letter.width() + 1 > width {
            break;
        }
        shown.push_str(letter);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            Column::whole("RUN ID"),
            Column::text("NAME"),
            Column::text("NOTE"),
            Column::number("LOSS"),
        ]);
        table.push(vec![
            Cell::shown("0199abcdef"),
            Cell::raw("a long name of a run"),
            Cell::raw("short"),
            Cell::shown("0.31").styled(Style::Good),
        ]);
        table
    }

    #[test]
    fn without_a_terminal_nothing_is_cut_or_coloured() {
        assert_eq!(
            table().render(None, false),
            "RUN ID      NAME                  NOTE   LOSS\n0199abcdef  a long name of a run  short  0.31\n"
        );
    }

    #[test]
    fn on_a_narrow_terminal_the_widest_text_gives_way_and_ids_stay_whole() {
        assert_eq!(
            table().render(Some(38), false),
            "RUN ID      NAME           NOTE   LOSS\n0199abcdef  a long name …  short  0.31\n"
        );
        assert!(table().render(Some(10), false).contains("0199abcdef"));
    }

    #[test]
    fn colour_adds_nothing_to_the_width() {
        let plain: usize = table().render(None, false).lines().last().unwrap().width();
        let coloured = table().render(None, true);
        let last = coloured.lines().last().unwrap();
        assert_eq!(
            last.replace("\u{1b}[32m", "")
                .replace("\u{1b}[0m", "")
                .width(),
            plain
        );
    }

    #[test]
    fn wide_letters_are_cut_whole() {
        assert_eq!(shortened("価格価格", 5), "価格…");
        assert_eq!(shortened("価格価格", 4), "価…");
    }
}
