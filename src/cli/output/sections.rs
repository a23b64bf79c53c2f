//! What `show` prints for people: titled sections of fields, texts and tables.

use super::table::{Cell, Style, Table};
use crate::domain::{Key, text};
use std::collections::BTreeMap;
use unicode_width::UnicodeWidthStr as _;

enum Part {
    Field(Cell, Cell),
    Line(Cell),
    Table(Table),
}

/// Sections in the order they were begun; one without content is left out.
#[derive(Default)]
pub struct Sections {
    sections: Vec<(String, Vec<Part>)>,
}

impl Sections {
    /// Starts with a heading, which is harmless already.
    pub fn new(heading: impl Into<String>) -> Self {
        Self {
            sections: vec![(heading.into(), Vec::new())],
        }
    }

    pub fn begin(&mut self, title: &str) -> &mut Self {
        self.sections.push((title.to_owned(), Vec::new()));
        self
    }

    fn push(&mut self, part: Part) -> &mut Self {
        if let Some((_, parts)) = self.sections.last_mut() {
            parts.push(part);
        }
        self
    }

    /// A field; an empty one is left out.
    pub fn field(&mut self, name: &'static str, value: Cell) -> &mut Self {
        if value.text.is_empty() {
            return self;
        }
        self.push(Part::Field(Cell::shown(name), value))
    }

    /// A field from outside; an empty one is left out.
    pub fn raw(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.field(name, Cell::raw(value))
    }

    /// A field that may be missing.
    pub fn optional(&mut self, name: &'static str, value: Option<impl ToString>) -> &mut Self {
        match value {
            Some(value) => self.field(name, Cell::shown(value)),
            None => self,
        }
    }

    /// A field whose name comes from outside, too.
    pub fn pair(&mut self, key: &str, value: &str) -> &mut Self {
        self.push(Part::Field(Cell::raw(key), Cell::raw(value)))
    }

    /// A pair of which parts may have been made visible already.
    pub fn sentence(&mut self, key: &str, value: &str) -> &mut Self {
        self.push(Part::Field(
            Cell::shown(text::visible_once(key)),
            Cell::shown(text::visible_once(value)),
        ))
    }

    /// A section of keys and values from outside.
    pub fn map(&mut self, title: &str, map: &BTreeMap<Key, String>) -> &mut Self {
        self.begin(title);
        for (key, value) in map {
            self.pair(key.as_str(), value);
        }
        self
    }

    /// A line of its own.
    pub fn line(&mut self, line: Cell) -> &mut Self {
        self.push(Part::Line(line))
    }

    /// A section with free text of several lines.
    pub fn text(&mut self, title: &str, given: &str) -> &mut Self {
        self.begin(title);
        for line in text::visible_lines(given) {
            self.push(Part::Line(Cell::shown(line)));
        }
        self
    }

    pub fn table(&mut self, table: Table) -> &mut Self {
        if table.is_empty() {
            return self;
        }
        self.push(Part::Table(table.indented(2)))
    }

    pub(super) fn render(&self, width: Option<usize>, colour: bool) -> String {
        let mut text = String::new();
        for (at, (title, parts)) in self.sections.iter().enumerate() {
            if at > 0 && parts.is_empty() {
                continue;
            }
            if at > 0 {
                text.push('\n');
            }
            text.push_str(&Style::Strong.paint(title, colour));
            text.push('\n');
            let names = parts
                .iter()
                .filter_map(|part| match part {
                    Part::Field(name, _) => Some(name.text.width()),
                    _ => None,
                })
                .max()
                .unwrap_or_default();
            for part in parts {
                match part {
                    Part::Field(name, value) => {
                        let fill = " ".repeat(names - name.text.width());
                        let value = value.style.paint(&value.text, colour);
                        text.extend(["  ", &name.text, &fill, "  ", &value, "\n"]);
                    }
                    Part::Line(line) => {
                        text.extend(["  ", &line.style.paint(&line.text, colour), "\n"]);
                    }
                    Part::Table(table) => text.push_str(&table.render(width, colour)),
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Column;

    #[test]
    fn sections_are_lined_up_and_empty_ones_left_out() {
        let mut sections = Sections::new("run r1");
        sections
            .raw("name", "a\u{1b}b")
            .optional("ended", None::<&str>)
            .field("status", Cell::shown("RUNNING"));
        sections.begin("params");
        sections.begin("metrics");
        let mut table = Table::new(&[Column::whole("KEY"), Column::number("VALUE")]);
        table.push(vec![Cell::shown("loss"), Cell::shown(0.5)]);
        sections.table(table);
        sections.text("note", "one\ntwo");
        assert_eq!(
            sections.render(None, false),
            "run r1\n  name    a␛b\n  status  RUNNING\n\nmetrics\n  KEY   VALUE\n  loss    0.5\n\nnote\n  one\n  two\n"
        );
    }
}
