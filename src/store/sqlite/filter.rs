//! Turns the filter language into SQL with bound values, so that the store answers as [`Filter::matches`] does on loaded rows.
//!
//! Knows no list: each list describes its fields in a [`ListTable`]. Every comparison of text goes through `filter_text`, which is the
//! domain's own code; words of a vocabulary, numbers and times become plain SQL that an index can serve.

use super::column::nearest_nanos;
use super::fault::Result;
use super::functions::op_number;
use crate::domain::Filter;
use crate::domain::filter::{self, FieldValue, Op, Test};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
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

/// Values under keys.
pub(super) struct Keyed {
    /// `metrics.`
    pub(super) prefix: &'static str,
    pub(super) table: &'static str,
    /// The condition on the key, which is bound at `{key}`.
    pub(super) on: &'static str,
    /// The value: a number for metrics, else a text.
    pub(super) value: &'static str,
    /// The value as a number; for metrics the same.
    pub(super) number: &'static str,
    /// The row's surrogate key as this table has it, where an index gives rows in the order of the number; `None` for JSON, which lies in the row itself.
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
pub(super) fn conditions(
    connection: &Connection,
    table: &ListTable,
    filter: &Filter,
    binder: &mut Binder,
) -> Result<Vec<String>> {
    let compiler = Compiler { connection, table };
    filter
        .terms
        .iter()
        .map(|term| {
            let holds = compiler.test(&term.test, binder)?;
            Ok(if term.negated { not(&holds) } else { holds })
        })
        .collect()
}

/// NULL is "does not hold" in a condition, so it must be so before it is turned around.
fn not(condition: &str) -> String {
    format!("NOT ifnull({condition}, 0)")
}

fn any(conditions: impl Iterator<Item = Result<String>>) -> Result<String> {
    let conditions: Vec<String> = conditions.collect::<Result<_>>()?;
    Ok(match conditions.len() {
        0 => "0".to_owned(),
        _ => format!("({})", conditions.join(" OR ")),
    })
}

/// Looks into the store to choose between two ways of saying the same.
struct Compiler<'a> {
    connection: &'a Connection,
    table: &'a ListTable,
}

/// Up to so many rows with a value are found by the value, more are looked at in the order of the list until a page is full.
const RARE: i64 = 2000;

impl Compiler<'_> {
    fn test(&self, test: &Test, binder: &mut Binder) -> Result<String> {
        match test {
            Test::Word(word) => any(self
                .table
                .words
                .iter()
                .map(|source| Ok(source.compares(Op::Contains, word, binder)))),
            Test::Field { field, op, value } => {
                let places = places(self.table, field);
                let mut each = |op: Op, value: &str| {
                    any(places
                        .iter()
                        .map(|place| self.compares(place, op, value, binder)))
                };
                match op {
                    Op::NotEqual => each(Op::Equal, value).map(|equal| not(&equal)),
                    Op::Equal if value.is_empty() => {
                        let empty = each(Op::Equal, "")?;
                        let there = any(places
                            .iter()
                            .map(|place| Ok(place.is_there(self.table, binder))))?;
                        Ok(format!("({} OR {empty})", not(&there)))
                    }
                    op => each(*op, value),
                }
            }
        }
    }

    fn compares(
        &self,
        place: &Place<'_>,
        op: Op,
        value: &str,
        binder: &mut Binder,
    ) -> Result<String> {
        let (keyed, key) = match place {
            Place::Field(source) => return Ok(source.compares(op, value, binder)),
            Place::Key(keyed, key) => (keyed, key),
        };
        let ordered = matches!(
            op,
            Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual
        );
        // Words and numbers are equal by the domain's rule; order is only ever that of numbers.
        let by_number = keyed.is_number || ordered;
        let test = |binder: &mut Binder| {
            if by_number {
                compare(Kind::Number, keyed.number, op, value, binder)
            } else {
                compare(Kind::Text, keyed.value, op, value, binder)
            }
        };
        if let Some(id) = keyed.ordered_id
            && by_number
            && self.is_rare(keyed, key, test)?
        {
            let (on, test) = (keyed.on(key, binder), test(binder));
            let (own, rows) = (self.table.id, keyed.table);
            return Ok(format!(
                "{own} IN (SELECT {id} FROM {rows} WHERE {on} AND {test})"
            ));
        }
        let test = test(binder);
        Ok(keyed.exists(self.table, key, &test, binder))
    }

    /// Whether few rows hold in a test that an index answers.
    fn is_rare(
        &self,
        keyed: &Keyed,
        key: &str,
        test: impl Fn(&mut Binder) -> String,
    ) -> Result<bool> {
        let mut binder = Binder::default();
        let (on, test) = (keyed.on(key, &mut binder), test(&mut binder));
        let (rows, most) = (keyed.table, binder.bind(RARE + 1));
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {rows} WHERE {on} AND {test} LIMIT {most})"
        );
        let found: i64 = self
            .connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&binder.values), |row| row.get(0))?;
        Ok(found <= RARE)
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
    fn is_there(&self, list: &ListTable, binder: &mut Binder) -> String {
        match self {
            Self::Field(source) => match source.rows {
                Some((table, on)) => format!("EXISTS (SELECT 1 FROM {table} WHERE {on})"),
                // No number of an object is optional; NULL is NaN there.
                None if matches!(source.kind, Kind::Number) => "1".to_owned(),
                None => format!("{} IS NOT NULL", source.expr),
            },
            Self::Key(keyed, key) => keyed.exists(list, key, "1", binder),
        }
    }
}

impl Keyed {
    /// The condition on the key.
    fn on(&self, key: &str, binder: &mut Binder) -> String {
        let place = binder.bind(key.to_owned());
        self.on.replace("{key}", &place)
    }

    /// The condition on the key in a row of a list.
    pub(super) fn within(&self, list: &ListTable, key: &str, binder: &mut Binder) -> String {
        let on = self.on(key, binder);
        match self.ordered_id {
            Some(id) => format!("{id} = {} AND {on}", list.id),
            None => on,
        }
    }

    pub(super) fn exists(
        &self,
        list: &ListTable,
        key: &str,
        test: &str,
        binder: &mut Binder,
    ) -> String {
        let on = self.within(list, key, binder);
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

#[cfg(test)]
mod tests;
