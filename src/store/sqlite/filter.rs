//! Turns the filter language into SQL with bound values, so that the store answers as [`Filter::matches`] does on loaded rows.
//!
//! Knows no list: each list describes its fields in a [`ListTable`]. Every comparison of text goes through `filter_text`, which is the
//! domain's own code; words of a vocabulary, numbers and times become plain SQL that an index can serve.

use super::column::nearest_nanos;
use super::functions::op_number;
use crate::domain::Filter;
use crate::domain::filter::{self, FieldValue, Op, Test};
use rusqlite::types::Value;
use std::borrow::Cow;

/// How a list's rows are found, filtered and sorted.
pub(super) struct ListTable {
    /// `runs r`
    pub(super) from: &'static str,
    /// The surrogate key; a later row has a larger one.
    pub(super) id: &'static str,
    /// What the list's own order follows, newest first.
    pub(super) newest: &'static str,
    /// Where a bare word is looked for.
    pub(super) words: &'static [Source],
    pub(super) fields: &'static [(&'static str, Source)],
    /// Metrics, params and tags; a row is sorted by a bare key as the first of them that it has.
    pub(super) keyed: &'static [Keyed],
}

/// Where the values of a field are.
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) expr: &'static str,
    /// For a field of several values, the table and condition that give them; `expr` is in there.
    pub(super) rows: Option<(&'static str, &'static str)>,
}

/// How a field is compared and ordered.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// A version: ordered as people count.
    Natural,
    /// Words of a vocabulary: ordered as it lists them.
    Words(fn() -> Vec<&'static str>),
    Number,
    Time,
}

/// Values under keys. `on` has `{key}` where the key is bound.
pub(super) struct Keyed {
    /// `metrics.`
    pub(super) prefix: &'static str,
    pub(super) table: &'static str,
    pub(super) on: &'static str,
    /// The value: a number for metrics, else a text.
    pub(super) value: &'static str,
    /// The value as a number; for metrics the same.
    pub(super) number: &'static str,
    /// The row's surrogate key as this table has it, where an index gives rows in the order of the value.
    pub(super) ordered_id: Option<&'static str>,
    pub(super) is_number: bool,
}

impl Source {
    pub(super) const fn new(kind: Kind, expr: &'static str) -> Self {
        Self {
            kind,
            expr,
            rows: None,
        }
    }

    pub(super) const fn text(expr: &'static str) -> Self {
        Self::new(Kind::Text, expr)
    }

    pub(super) const fn time(expr: &'static str) -> Self {
        Self::new(Kind::Time, expr)
    }
}

/// Values for a statement's numbered parameters.
#[derive(Clone, Default)]
pub(super) struct Binder {
    pub(super) values: Vec<Value>,
}

impl Binder {
    /// Takes a value and gives its place, `?3`.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// `column IN (?1, ?2)`.
    pub(super) fn any_of(
        &mut self,
        column: &str,
        words: impl IntoIterator<Item = &'static str>,
    ) -> String {
        let places: Vec<String> = words
            .into_iter()
            .map(|word| self.bind(word.to_owned()))
            .collect();
        format!("{column} IN ({})", places.join(", "))
    }
}

/// The conditions that a filter puts on the rows of a list.
pub(super) fn conditions(table: &ListTable, filter: &Filter, binder: &mut Binder) -> Vec<String> {
    filter
        .terms
        .iter()
        .map(|term| {
            let holds = test(table, &term.test, binder);
            if term.negated { not(&holds) } else { holds }
        })
        .collect()
}

/// NULL is "does not hold" in a condition, so it must be so before it is turned around.
fn not(condition: &str) -> String {
    format!("NOT ifnull({condition}, 0)")
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    let conditions: Vec<String> = conditions.collect();
    match conditions.len() {
        0 => "0".to_owned(),
        _ => format!("({})", conditions.join(" OR ")),
    }
}

fn test(table: &ListTable, test: &Test, binder: &mut Binder) -> String {
    match test {
        Test::Word(word) => any(table
            .words
            .iter()
            .map(|source| source.compares(Op::Contains, word, binder))),
        Test::Field { field, op, value } => {
            let places = places(table, field);
            let mut each = |op: Op, value: &str| {
                any(places.iter().map(|place| place.compares(op, value, binder)))
            };
            match op {
                Op::NotEqual => not(&each(Op::Equal, value)),
                Op::Equal if value.is_empty() => {
                    let empty = each(Op::Equal, "");
                    let there = any(places.iter().map(|place| place.is_there(binder)));
                    format!("({} OR {empty})", not(&there))
                }
                op => each(*op, value),
            }
        }
    }
}

/// A place where a field's values may be.
enum Place<'a> {
    Field(&'static Source),
    Key(&'static Keyed, &'a str),
}

fn places<'a>(table: &ListTable, field: &'a str) -> Vec<Place<'a>> {
    if let Some((_, source)) = table.fields.iter().find(|(name, _)| *name == field) {
        return vec![Place::Field(source)];
    }
    match prefixed(table, field) {
        Some((keyed, key)) => vec![Place::Key(keyed, key)],
        None => table
            .keyed
            .iter()
            .map(|keyed| Place::Key(keyed, field))
            .collect(),
    }
}

/// The kind of key that a field names before its dot.
pub(super) fn prefixed<'a>(table: &ListTable, field: &'a str) -> Option<(&'static Keyed, &'a str)> {
    table
        .keyed
        .iter()
        .find_map(|keyed| field.strip_prefix(keyed.prefix).map(|key| (keyed, key)))
}

impl Place<'_> {
    fn compares(&self, op: Op, value: &str, binder: &mut Binder) -> String {
        match self {
            Self::Field(source) => source.compares(op, value, binder),
            Self::Key(keyed, key) => {
                let ordered = matches!(
                    op,
                    Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual
                );
                // Words and numbers are equal by the domain's rule; order is only ever that of numbers.
                let test = if keyed.is_number || ordered {
                    compare(Kind::Number, keyed.number, op, value, binder)
                } else {
                    compare(Kind::Text, keyed.value, op, value, binder)
                };
                keyed.exists(key, &test, binder)
            }
        }
    }

    fn is_there(&self, binder: &mut Binder) -> String {
        match self {
            Self::Field(source) => match source.rows {
                Some((table, on)) => format!("EXISTS (SELECT 1 FROM {table} WHERE {on})"),
                // No number of an object is optional; NULL is NaN there.
                None if matches!(source.kind, Kind::Number) => "1".to_owned(),
                None => format!("{} IS NOT NULL", source.expr),
            },
            Self::Key(keyed, key) => keyed.exists(key, "1", binder),
        }
    }
}

impl Keyed {
    /// The condition that binds the key.
    pub(super) fn on(&self, key: &str, binder: &mut Binder) -> String {
        let place = binder.bind(key.to_owned());
        self.on.replace("{key}", &place)
    }

    pub(super) fn exists(&self, key: &str, test: &str, binder: &mut Binder) -> String {
        let on = self.on(key, binder);
        format!(
            "EXISTS (SELECT 1 FROM {} WHERE {on} AND {test})",
            self.table
        )
    }
}

impl Source {
    fn compares(&self, op: Op, value: &str, binder: &mut Binder) -> String {
        let test = compare(self.kind, self.expr, op, value, binder);
        match self.rows {
            Some((table, on)) => format!("EXISTS (SELECT 1 FROM {table} WHERE {on} AND {test})"),
            None => test,
        }
    }
}

fn compare(kind: Kind, expr: &str, op: Op, value: &str, binder: &mut Binder) -> String {
    let never = || "0".to_owned();
    match kind {
        Kind::Text | Kind::Natural => {
            let place = binder.bind(value.to_owned());
            format!("filter_text({expr}, {}, {place})", op_number(op))
        }
        Kind::Words(words) => {
            let found: Vec<&'static str> = words()
                .into_iter()
                .filter(|word| FieldValue::Text(Cow::Borrowed(word)).compares(op, value))
                .collect();
            if found.is_empty() {
                never()
            } else {
                binder.any_of(expr, found)
            }
        }
        Kind::Number => filter::number(value).map_or_else(never, |number| {
            let place = binder.bind(number);
            format!("{expr} {} {place}", symbol(op))
        }),
        Kind::Time => filter::time(value).map_or_else(never, |time| {
            let place = binder.bind(nearest_nanos(time));
            format!("{expr} {} {place}", symbol(op))
        }),
    }
}

/// Numbers and times contain what they are equal to.
fn symbol(op: Op) -> &'static str {
    match op {
        Op::Contains | Op::Equal => "=",
        Op::NotEqual => "<>",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
    }
}
