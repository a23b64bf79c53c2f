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

    /// A value beside others, aligned to the right: cut when it has to be.
    pub const fn value(title: &'static str) -> Self {
        Self {
            title,
            cut: true,
            right: true,
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

/// Columns and rows. Rows that were rendered are forgotten, so that a long list is printed in stretches.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Titled>,
    rows: Vec<Vec<Cell>>,
    indent: usize,
    /// The columns under the titles that were rendered already.
    begun: Option<Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Titled {
    title: String,
    column: Column,
    /// Stays however narrow the terminal is.
    keep: bool,
    /// As wide as the widest content so far.
    natural: usize,
}

impl Table {
    /// When a terminal is too narrow even for cut texts, columns are left out from the last one on; the first one stays.
    pub fn new(columns: &[Column]) -> Self {
        let mut table = Self {
            columns: Vec::new(),
            rows: Vec::new(),
            indent: 0,
            begun: None,
        };
        for column in columns {
            let keep = table.columns.is_empty();
            table.add(column.title.to_owned(), *column, keep);
        }
        table
    }

    /// Adds a column whose title comes from data, and which is never left out.
    pub fn add_column(&mut self, title: &Cell, column: Column) {
        self.add(title.text.clone(), column, true);
    }

    fn add(&mut self, title: String, column: Column, keep: bool) {
        self.columns.push(Titled {
            natural: title.width(),
            title,
            column,
            keep,
        });
    }

    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len(), "a cell for every column");
        for (column, cell) in self.columns.iter_mut().zip(&row) {
            column.natural = column.natural.max(cell.text.width());
        }
        self.rows.push(row);
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    #[must_use]
    pub(super) fn indented(mut self, by: usize) -> Self {
        self.indent = by;
        self
    }

    /// The titles of the columns that have no room in a width.
    pub fn left_out(&self, width: Option<usize>) -> Vec<&str> {
        let shown = self.layout(width);
        (0..self.columns.len())
            .filter(|at| !shown.iter().any(|(column, _)| column == at))
            .map(|at| self.columns[at].title.as_str())
            .collect()
    }

    /// Renders the rows that were not rendered yet; the titles come before the first.
    pub fn take_lines(&mut self, width: Option<usize>, colour: bool) -> String {
        let text = self.render(width, colour);
        let shown = self.layout(width).into_iter().map(|(column, _)| column);
        self.begun = Some(shown.collect());
        self.rows.clear();
        text
    }

    pub fn render(&self, width: Option<usize>, colour: bool) -> String {
        let layout = self.layout(width);
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell {
                text: column.title.clone(),
                style: Style::Strong,
            })
            .collect();
        let titles = self.begun.is_none().then_some(&titles);
        let mut text = String::new();
        for row in titles.into_iter().chain(&self.rows) {
            text.push_str(&" ".repeat(self.indent));
            text.push_str(self.line(row, &layout, colour).trim_end());
            text.push('\n');
        }
        text
    }

    fn line(&self, row: &[Cell], layout: &[(usize, usize)], colour: bool) -> String {
        let mut line = String::new();
        for (at, (column, width)) in layout.iter().enumerate() {
            let cell = &row[*column];
            let shown = shortened(&cell.text, *width);
            let fill = " ".repeat(width.saturating_sub(shown.width()));
            let painted = cell.style.paint(&shown, colour);
            if at > 0 {
                line.push_str(GAP);
            }
            if self.columns[*column].column.right {
                line.push_str(&fill);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                if at + 1 < layout.len() {
                    line.push_str(&fill);
                }
            }
        }
        line
    }

    /// Which columns are shown and how wide: as wide as their content, then the widest texts give way, then columns from the last on.
    fn layout(&self, limit: Option<usize>) -> Vec<(usize, usize)> {
        let mut shown = match &self.begun {
            Some(shown) => shown.clone(),
            None => (0..self.columns.len()).collect(),
        };
        let Some(limit) = limit else {
            return shown
                .into_iter()
                .map(|at| (at, self.columns[at].natural))
                .collect();
        };
        loop {
            let widths = self.fitted(&shown, limit);
            let total: usize = widths.iter().sum::<usize>() + self.gaps(shown.len());
            let last = shown.iter().rposition(|at| !self.columns[*at].keep);
            match last {
                Some(last) if total > limit && self.begun.is_none() => {
                    shown.remove(last);
                }
                _ => return shown.into_iter().zip(widths).collect(),
            }
        }
    }

    fn gaps(&self, columns: usize) -> usize {
        self.indent + GAP.len() * columns.saturating_sub(1)
    }

    /// Widths with the widest texts cut until they fit, or cannot be cut more.
    fn fitted(&self, shown: &[usize], limit: usize) -> Vec<usize> {
        let column = |at: usize| &self.columns[shown[at]];
        let narrowest = |at: usize| column(at).title.width().max(NARROWEST);
        let mut widths: Vec<usize> = shown.iter().map(|at| self.columns[*at].natural).collect();
        loop {
            let total = self.gaps(shown.len()) + widths.iter().sum::<usize>();
            let Some(over) = total.checked_sub(limit).filter(|over| *over > 0) else {
                return widths;
            };
            let mut texts: Vec<usize> = (0..widths.len())
                .filter(|at| column(*at).column.cut && widths[*at] > narrowest(*at))
                .collect();
            texts.sort_by_key(|at| std::cmp::Reverse(widths[*at]));
            let Some(widest) = texts.first().copied() else {
                return widths;
            };
            // Down to the next widest, so that several long texts share what there is.
            let next = texts
                .get(1)
                .map_or(0, |at| widths[*at])
                .max(narrowest(widest));
            widths[widest] -= (widths[widest] - next).clamp(1, over);
        }
    }
}

/// The text cut to a width, with `…` where something is missing. Never cuts through a letter.
pub(in crate::cli) fn shortened(text: &str, width: usize) -> String {
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
mod tests;
