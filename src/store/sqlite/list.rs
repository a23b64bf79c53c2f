//! Pages of any list, by keys instead of offsets: a page costs the same wherever it lies and stays put while rows come and go.
//!
//! A walk through the segments of an [`order`](super::order), from a place or an end, until there are enough rows.

use super::SqliteStore;
use super::fault::Result;
use super::filter::{Binder, ListTable, conditions};
use super::order::{Place, Segment, segments};
use crate::store::{Cursor, ListQuery, Page, PageFrom, PageRequest, StoreError};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

/// A place as it is handed out. Numbers are kept bit by bit, because JSON has no infinities.
#[derive(Serialize, Deserialize)]
struct Written {
    order: String,
    segment: usize,
    key: Key,
    id: i64,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Null,
    Integer(i64),
    Bits(u64),
    Text(String),
}

/// One list under one query.
pub(super) struct List<'a> {
    connection: &'a Connection,
    order: String,
    segments: Vec<Segment>,
}

/// What the lists of one kind of object are made of.
pub(super) struct Listed<Q: 'static, T: 'static> {
    pub(super) table: &'static ListTable,
    /// The filter and the order of a query.
    pub(super) list: fn(&Q) -> &ListQuery,
    /// The conditions of the query's own words.
    pub(super) restrict: fn(&Q, &mut Binder) -> Vec<String>,
    /// The rows of surrogate keys, in their order.
    pub(super) load: fn(&Connection, &[i64]) -> Result<Vec<T>>,
}

impl SqliteStore {
    pub(super) async fn page_of<Q, T>(
        &self,
        doing: &'static str,
        listed: &'static Listed<Q, T>,
        query: &Q,
        request: &PageRequest,
    ) -> crate::store::Result<Page<T>>
    where
        Q: Clone + Send + 'static,
        T: Send + 'static,
    {
        let (query, request) = (query.clone(), request.clone());
        self.read(doing, move |connection| {
            let restrict = |binder: &mut Binder| (listed.restrict)(&query, binder);
            let list = (listed.list)(&query);
            page(
                connection,
                listed.table,
                list,
                restrict,
                &request,
                listed.load,
            )
        })
        .await
    }

    pub(super) async fn count_of<Q, T>(
        &self,
        doing: &'static str,
        listed: &'static Listed<Q, T>,
        query: &Q,
    ) -> crate::store::Result<u64>
    where
        Q: Clone + Send + 'static,
        T: Send + 'static,
    {
        let query = query.clone();
        self.read(doing, move |connection| {
            let restrict = |binder: &mut Binder| (listed.restrict)(&query, binder);
            count(connection, listed.table, (listed.list)(&query), restrict)
        })
        .await
    }
}

/// How many rows a query has.
pub(super) fn count(
    connection: &Connection,
    table: &ListTable,
    query: &ListQuery,
    restrict: impl Fn(&mut Binder) -> Vec<String>,
) -> Result<u64> {
    let mut binder = Binder::default();
    let mut all = restrict(&mut binder);
    all.extend(conditions(connection, table, &query.filter, &mut binder)?);
    let sql = format!("SELECT count(*) FROM {}{}", table.from, clause(&all));
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row(params_from_iter(&binder.values), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A page of rows. `restrict` gives the conditions of the query's own words, `load` the rows of surrogate keys in their order.
pub(super) fn page<T>(
    connection: &Connection,
    table: &ListTable,
    query: &ListQuery,
    restrict: impl Fn(&mut Binder) -> Vec<String>,
    request: &PageRequest,
    load: impl Fn(&Connection, &[i64]) -> Result<Vec<T>>,
) -> Result<Page<T>> {
    let mut binder = Binder::default();
    let mut all = restrict(&mut binder);
    all.extend(conditions(connection, table, &query.filter, &mut binder)?);
    let list = List {
        connection,
        order: query.sort.as_ref().map_or_else(String::new, |sort| {
            let direction = if sort.descending { "desc" } else { "asc" };
            format!("{}:{direction}", sort.field)
        }),
        segments: segments(connection, table, query.sort.as_ref(), &all, &binder)?,
    };
    let (places, more_before, more_after) = list.places(request)?;
    let (Some(top), Some(bottom)) = (places.first(), places.last()) else {
        return Ok(Page {
            more_before,
            more_after,
            ..Page::empty()
        });
    };
    let edges = Some((list.cursor(top)?, list.cursor(bottom)?));
    let ids: Vec<i64> = places.iter().map(|place| place.id).collect();
    let mut rows = Vec::with_capacity(ids.len());
    for ids in ids.chunks(1000) {
        rows.append(&mut load(connection, ids)?);
    }
    Ok(Page {
        rows,
        edges,
        more_before,
        more_after,
    })
}

fn clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

impl List<'_> {
    /// The places of a page's rows, in the list's order, and whether there are rows before and after.
    fn places(&self, request: &PageRequest) -> Result<(Vec<Place>, bool, bool)> {
        let limit = if request.limit == 0 {
            usize::MAX
        } else {
            request.limit
        };
        let (forward, from) = match &request.from {
            PageFrom::Start => (true, None),
            PageFrom::End => (false, None),
            PageFrom::After(cursor) => (true, Some((self.place(cursor)?, false))),
            PageFrom::Before(cursor) => (false, Some((self.place(cursor)?, false))),
            PageFrom::At(cursor) => (true, Some((self.place(cursor)?, true))),
        };
        let mut places = self.walk(forward, from.as_ref(), limit.saturating_add(1))?;
        let further = places.len() > limit;
        places.truncate(limit);
        // What lies behind the start of the walk: nothing when it started at an end of the list.
        let behind = match (&from, places.first()) {
            (None, _) => false,
            (Some(_), Some(first)) => self.has(!forward, first, false)?,
            (Some((place, inclusive)), None) => self.has(!forward, place, !inclusive)?,
        };
        if forward {
            Ok((places, behind, further))
        } else {
            places.reverse();
            Ok((places, further, behind))
        }
    }

    fn has(&self, forward: bool, from: &Place, inclusive: bool) -> Result<bool> {
        let from = (from.clone(), inclusive);
        Ok(!self.walk(forward, Some(&from), 1)?.is_empty())
    }

    /// Walks through the segments, from a place or from an end, until there are enough rows.
    fn walk(
        &self,
        forward: bool,
        from: Option<&(Place, bool)>,
        enough: usize,
    ) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        let order: Vec<usize> = if forward {
            (0..self.segments.len()).collect()
        } else {
            (0..self.segments.len()).rev().collect()
        };
        for at in order {
            let start = match from {
                Some((place, _))
                    if (forward && at < place.segment) || (!forward && at > place.segment) =>
                {
                    continue;
                }
                Some((place, inclusive)) if place.segment == at => Some((place, *inclusive)),
                _ => None,
            };
            self.stretch(at, forward, start, enough - places.len(), &mut places)?;
            if places.len() >= enough {
                break;
            }
        }
        Ok(places)
    }

    /// Takes rows of one segment.
    fn stretch(
        &self,
        at: usize,
        forward: bool,
        start: Option<(&Place, bool)>,
        enough: usize,
        places: &mut Vec<Place>,
    ) -> Result<()> {
        let segment = &self.segments[at];
        let (mut binder, mut conditions) = (segment.binder.clone(), segment.conditions.clone());
        if let Some((place, inclusive)) = start {
            conditions.push(segment.beyond(place, forward, inclusive, &mut binder));
        }
        let way = |descending: bool| if descending == forward { "DESC" } else { "ASC" };
        let id = &segment.id;
        let (key, order) = match &segment.key {
            Some((key, descending)) => (
                key.as_str(),
                format!("{key} {}, {id} {}", way(*descending), way(true)),
            ),
            None => ("NULL", format!("{id} {}", way(true))),
        };
        let limit = i64::try_from(enough).unwrap_or(-1);
        let limit = binder.bind(if enough == usize::MAX { -1 } else { limit });
        let sql = format!(
            "SELECT {id}, {key} FROM {}{} ORDER BY {order} LIMIT {limit}",
            segment.from,
            clause(&conditions)
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(&binder.values))?;
        while let Some(row) = rows.next()? {
            places.push(Place {
                segment: at,
                id: row.get(0)?,
                key: row.get(1)?,
            });
        }
        Ok(())
    }

    fn cursor(&self, place: &Place) -> Result<Cursor> {
        let key = match &place.key {
            Value::Integer(value) => Key::Integer(*value),
            Value::Real(value) => Key::Bits(value.to_bits()),
            Value::Text(value) => Key::Text(value.clone()),
            Value::Null | Value::Blob(_) => Key::Null,
        };
        Ok(Cursor(serde_json::to_string(&Written {
            order: self.order.clone(),
            segment: place.segment,
            key,
            id: place.id,
        })?))
    }

    fn place(&self, cursor: &Cursor) -> Result<Place> {
        let foreign = || StoreError::Invalid {
            message: "this place in the list belongs to another list or order".to_owned(),
        };
        let written: Written = serde_json::from_str(&cursor.0).map_err(|_not_ours| foreign())?;
        if written.order != self.order || written.segment >= self.segments.len() {
            return Err(foreign().into());
        }
        Ok(Place {
            segment: written.segment,
            key: match written.key {
                Key::Null => Value::Null,
                Key::Integer(value) => Value::Integer(value),
                Key::Bits(bits) => Value::Real(f64::from_bits(bits)),
                Key::Text(value) => Value::Text(value),
            },
            id: written.id,
        })
    }
}
