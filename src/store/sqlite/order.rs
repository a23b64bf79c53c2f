//! Orders of lists as chains of *segments*: the rows that have the value, in its order, then those that have none.
//!
//! Within a segment a row's place is its value and its surrogate key, the newest first, so each segment is one range of one
//! index where there is one. Knows nothing of pages.

use super::fault::Result;
use super::filter::{Binder, Keyed, Kind, ListTable, prefixed};
use crate::domain::Sort;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// A stretch of an order.
pub(super) struct Segment {
    pub(super) from: String,
    pub(super) id: String,
    pub(super) conditions: Vec<String>,
    /// What its rows are ordered by before the surrogate key, and whether from the greatest down.
    pub(super) key: Option<(String, bool)>,
    pub(super) binder: Binder,
}

/// A row's place in an order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) key: Value,
    pub(super) id: i64,
}

/// The segments of an order; a field that the list does not have leaves the newest first.
pub(super) fn segments(
    connection: &Connection,
    table: &ListTable,
    sort: Option<&Sort>,
    all: &[String],
    binder: &Binder,
) -> Result<Vec<Segment>> {
    let segment = |extra: Option<String>, key: Option<(String, bool)>| Segment {
        from: table.from.to_owned(),
        id: table.id.to_owned(),
        conditions: all.iter().cloned().chain(extra).collect(),
        key,
        binder: binder.clone(),
    };
    let Some(sort) = sort else {
        return Ok(vec![segment(None, Some((table.newest.to_owned(), true)))]);
    };
    if let Some((_, source)) = table.fields.iter().find(|(name, _)| *name == sort.field) {
        let expr = match source.rows {
            // Of several values the least stands for all.
            Some((rows, on)) => format!("(SELECT min({}) FROM {rows} WHERE {on})", source.expr),
            None => source.expr.to_owned(),
        };
        let key = match source.kind {
            Kind::Text => format!("{expr} COLLATE NOCASE"),
            Kind::Natural => format!("{expr} COLLATE as_counted"),
            Kind::Words(words) => ranked(&expr, &words()),
            Kind::Number | Kind::Time => expr.clone(),
        };
        return Ok(vec![
            segment(
                Some(format!("{expr} IS NOT NULL")),
                Some((key, sort.descending)),
            ),
            segment(Some(format!("{expr} IS NULL")), None),
        ]);
    }
    let (kinds, key) = match prefixed(table, &sort.field) {
        Some((keyed, key)) => (vec![keyed], key),
        None => (
            with_key(connection, table, &sort.field)?,
            sort.field.as_str(),
        ),
    };
    Ok(match kinds.as_slice() {
        [] => vec![segment(None, None)],
        [keyed] => keyed_segments(table, keyed, key, sort.descending, all, binder),
        several => first_segments(table, several, key, sort.descending, all, binder),
    })
}

/// The kinds of keys under which any row has a key.
fn with_key(connection: &Connection, table: &ListTable, key: &str) -> Result<Vec<&'static Keyed>> {
    let mut found = Vec::new();
    for keyed in table.keyed {
        let mut binder = Binder::default();
        let (from, _) = joined(table, keyed);
        let on = keyed.within(table, key, &mut binder);
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {from} WHERE {on})");
        if connection
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&binder.values), |row| row.get(0))?
        {
            found.push(keyed);
        }
    }
    Ok(found)
}

/// As [`keyed_segments`] where several kinds have the key: a row counts by the first kind that it has it under. No index knows that.
fn first_segments(
    table: &ListTable,
    kinds: &[&'static Keyed],
    key: &str,
    descending: bool,
    all: &[String],
    binder: &Binder,
) -> Vec<Segment> {
    let first = |binder: &mut Binder, value: fn(&Keyed) -> &'static str| {
        let cases: Vec<String> = kinds
            .iter()
            .map(|keyed| {
                let has = keyed.exists(table, key, "1", binder);
                let on = keyed.within(table, key, binder);
                format!(
                    "WHEN {has} THEN (SELECT {} FROM {} WHERE {on})",
                    value(keyed),
                    keyed.table
                )
            })
            .collect();
        format!("CASE {} END", cases.join(" "))
    };
    let segment = |binder: &Binder, condition: String, order: Option<String>| Segment {
        from: table.from.to_owned(),
        id: table.id.to_owned(),
        conditions: all.iter().cloned().chain([condition]).collect(),
        key: order.map(|order| (order, descending)),
        binder: binder.clone(),
    };
    let mut own = binder.clone();
    let number = first(&mut own, |keyed| keyed.number);
    let numbers = segment(&own, format!("{number} IS NOT NULL"), Some(number.clone()));
    let text = first(
        &mut own,
        |keyed| {
            if keyed.is_number { "NULL" } else { keyed.value }
        },
    );
    let texts = segment(
        &own,
        format!("{number} IS NULL AND {text} IS NOT NULL"),
        Some(format!("{text} COLLATE NOCASE")),
    );
    let nothing = segment(&own, format!("coalesce({number}, {text}) IS NULL"), None);
    vec![numbers, texts, nothing]
}

/// The list's table with a keyed one: the one that gives the order drives.
fn joined(table: &ListTable, keyed: &Keyed) -> (String, String) {
    match keyed.ordered_id {
        Some(id) => (
            format!("{} CROSS JOIN {}", keyed.table, table.from),
            id.to_owned(),
        ),
        None => (
            format!("{} CROSS JOIN {}", table.from, keyed.table),
            table.id.to_owned(),
        ),
    }
}

/// Rows with a number there, then those with another text, then those with nothing (or NaN, which has no place among numbers).
fn keyed_segments(
    table: &ListTable,
    keyed: &Keyed,
    key: &str,
    descending: bool,
    all: &[String],
    binder: &Binder,
) -> Vec<Segment> {
    let (from, id) = joined(table, keyed);
    let with = |extra: String, order: String| {
        let mut binder = binder.clone();
        let on = keyed.within(table, key, &mut binder);
        Segment {
            from: from.clone(),
            id: id.clone(),
            conditions: std::iter::once(on)
                .chain([extra])
                .chain(all.iter().cloned())
                .collect(),
            key: Some((order, descending)),
            binder,
        }
    };
    let mut segments = vec![with(
        format!("{} IS NOT NULL", keyed.number),
        keyed.number.to_owned(),
    )];
    let mut there = format!("{} IS NOT NULL", keyed.number);
    if !keyed.is_number {
        segments.push(with(
            format!("{} IS NULL", keyed.number),
            format!("{} COLLATE NOCASE", keyed.value),
        ));
        "1".clone_into(&mut there);
    }
    let mut binder = binder.clone();
    let nothing = format!("NOT {}", keyed.exists(table, key, &there, &mut binder));
    segments.push(Segment {
        from: table.from.to_owned(),
        id: table.id.to_owned(),
        conditions: all.iter().cloned().chain([nothing]).collect(),
        key: None,
        binder,
    });
    segments
}

/// The place of a word in its vocabulary.
fn ranked(expr: &str, words: &[&str]) -> String {
    let ranks: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(rank, word)| format!("WHEN '{word}' THEN {rank}"))
        .collect();
    format!("CASE {expr} {} END", ranks.join(" "))
}

impl Segment {
    /// The condition for rows beyond a place. Written so that an index can start at the key.
    pub(super) fn beyond(
        &self,
        place: &Place,
        forward: bool,
        inclusive: bool,
        binder: &mut Binder,
    ) -> String {
        let id_at = binder.bind(place.id);
        let mut id_beyond = if forward { "<" } else { ">" }.to_owned();
        if inclusive {
            id_beyond.push('=');
        }
        let id = &self.id;
        match &self.key {
            None => format!("{id} {id_beyond} {id_at}"),
            Some((key, descending)) => {
                let at = binder.bind(place.key.clone());
                let beyond = if *descending == forward { "<" } else { ">" };
                format!(
                    "{key} {beyond}= {at} AND ({key} {beyond} {at} OR {id} {id_beyond} {id_at})"
                )
            }
        }
    }
}
