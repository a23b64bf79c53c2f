//! Lists of objects that are in memory: filtered, ordered and paged by the same rules as the local store's.
//!
//! A cursor holds a row's own place in the order (its sort key or its age, and its number), so a page stays put while rows come and go.

use crate::domain::filter::{FieldValue, Filterable, number};
use crate::domain::registry::natural_order;
use crate::domain::{
    Deployment, DeploymentStatus, DriftEvent, DriftState, Environment, ExperimentStatus, Health,
    ModelExperiment, ModelRun, ModelVersion, RunStatus, Severity, Sort, Stage,
};
use crate::store::{Cursor, ListQuery, Page, PageFrom, PageRequest, Reach, Result, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// How the texts of a field are ordered.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Text,
    Natural,
    Words(fn() -> Vec<&'static str>),
    /// Of params and tags: those that are numbers first, then other texts.
    Mixed,
}

macro_rules! words {
    ($vocabulary:ty) => {
        Order::Words(|| {
            <$vocabulary>::ALL
                .iter()
                .map(|word| word.as_str())
                .collect()
        })
    };
}

/// An object that is listed.
pub(super) trait Listed: Filterable {
    /// The fields that are no keys, where their texts are not simply texts.
    const FIELDS: &'static [(&'static str, Order)];
    /// What the list is ordered by, newest first, unless the query sorts.
    fn age(&self) -> Timestamp;
}

macro_rules! listed {
    ($object:ty, $age:ident, $fields:expr) => {
        impl Listed for $object {
            const FIELDS: &'static [(&'static str, Order)] = $fields;

            fn age(&self) -> Timestamp {
                self.$age
            }
        }
    };
}

const TEXT: Order = Order::Text;

listed! { ModelExperiment, created_at, &[
    ("name", TEXT), ("description", TEXT), ("owner", TEXT), ("status", words!(ExperimentStatus)),
]}
listed! { ModelRun, created_at, &[
    ("run_id", TEXT), ("name", TEXT), ("experiment", TEXT), ("status", words!(RunStatus)), ("user", TEXT), ("host", TEXT),
]}
listed! { ModelVersion, created_at, &[
    ("model", TEXT), ("version", Order::Natural), ("stage", words!(Stage)), ("alias", TEXT), ("run_id", TEXT), ("source", TEXT),
    ("registered_by", TEXT), ("description", TEXT),
]}
listed! { DriftEvent, last_seen_at, &[
    ("event_id", TEXT), ("model", TEXT), ("version", Order::Natural), ("environment", words!(Environment)), ("metric", TEXT),
    ("severity", words!(Severity)), ("state", words!(DriftState)), ("note", TEXT),
]}
listed! { Deployment, created_at, &[
    ("deployment_id", TEXT), ("model", TEXT), ("version", Order::Natural), ("environment", words!(Environment)),
    ("status", words!(DeploymentStatus)), ("health", words!(Health)), ("endpoint", TEXT), ("deployed_by", TEXT), ("reason", TEXT), ("rollback_from", TEXT),
]}

/// A row with the number that orders what has the same age.
#[derive(Debug, Clone)]
pub(super) struct Row<T> {
    pub(super) object: T,
    pub(super) number: i64,
}

/// What a row is sorted by, group by group: numbers, texts, nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SortKey {
    /// Nothing is sorted by.
    Age,
    Rank(usize),
    /// Bit by bit, because JSON has no infinities.
    Number(u64),
    Time(i128),
    Text(String),
    Natural(String),
    Nothing,
}

/// A row's place in an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    order: String,
    key: SortKey,
    age: i128,
    number: i64,
}

fn sort_key<T: Listed>(row: &T, sort: Option<&Sort>) -> SortKey {
    let Some(sort) = sort else {
        return SortKey::Age;
    };
    let order = T::FIELDS
        .iter()
        .find(|(name, _)| *name == sort.field)
        .map_or(Order::Mixed, |(_, order)| *order);
    // Of several values the least stands for all.
    let mut keys: Vec<SortKey> = row
        .field(&sort.field)
        .into_iter()
        .map(|value| match value {
            FieldValue::Number(value) if value.is_nan() => SortKey::Nothing,
            FieldValue::Number(value) => SortKey::Number(value.to_bits()),
            FieldValue::Time(time) => SortKey::Time(time.as_nanosecond()),
            FieldValue::Text(text) => match order {
                Order::Text => SortKey::Text(text.to_ascii_lowercase()),
                Order::Natural => SortKey::Natural(text.into_owned()),
                Order::Words(words) => words()
                    .iter()
                    .position(|word| *word == text)
                    .map_or(SortKey::Nothing, SortKey::Rank),
                Order::Mixed => number(&text).map_or_else(
                    || SortKey::Text(text.to_ascii_lowercase()),
                    |number| SortKey::Number(number.to_bits()),
                ),
            },
        })
        .collect();
    if sort.field != "alias" {
        keys.truncate(1);
    }
    keys.into_iter()
        .min_by(|a, b| compare(a, b, false))
        .unwrap_or(SortKey::Nothing)
}

fn compare(a: &SortKey, b: &SortKey, descending: bool) -> Ordering {
    use SortKey::{Natural, Number, Rank, Text, Time};
    let order = match (a, b) {
        (Rank(a), Rank(b)) => a.cmp(b),
        (Number(a), Number(b)) => f64::from_bits(*a)
            .partial_cmp(&f64::from_bits(*b))
            .unwrap_or(Ordering::Equal),
        (Time(a), Time(b)) => a.cmp(b),
        (Text(a), Text(b)) => a.cmp(b),
        (Natural(a), Natural(b)) => natural_order(a, b),
        // The groups stay in their order whichever way the values go.
        (a, b) => return group(a).cmp(&group(b)),
    };
    if descending { order.reverse() } else { order }
}

fn group(key: &SortKey) -> u8 {
    match key {
        SortKey::Nothing => 2,
        SortKey::Text(_) | SortKey::Natural(_) => 1,
        _ => 0,
    }
}

impl Place {
    fn of<T: Listed>(row: &Row<T>, sort: Option<&Sort>) -> Self {
        Self {
            order: name_of(sort),
            key: sort_key(&row.object, sort),
            age: row.object.age().as_nanosecond(),
            number: row.number,
        }
    }

    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let by_age = match self.key {
            SortKey::Age => other.age.cmp(&self.age),
            _ => Ordering::Equal,
        };
        compare(&self.key, &other.key, descending)
            .then(by_age)
            .then_with(|| other.number.cmp(&self.number))
    }

    fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("a place is plain numbers and texts"))
    }

    fn read(cursor: &Cursor, sort: Option<&Sort>) -> Result<Self> {
        let place = serde_json::from_str::<Self>(&cursor.0).ok();
        place
            .filter(|place| place.order == name_of(sort))
            .ok_or_else(|| StoreError::Invalid {
                message: "this place in the list belongs to another list or order".to_owned(),
            })
    }
}

fn name_of(sort: Option<&Sort>) -> String {
    sort.map_or_else(String::new, |sort| {
        format!(
            "{}:{}",
            sort.field,
            if sort.descending { "desc" } else { "asc" }
        )
    })
}

/// A row's place in a list's own order, newest first, for lists that are walked on the server.
pub(super) struct Walk(Place);

impl Walk {
    pub(super) fn of<T: Listed>(row: &Row<T>) -> Self {
        Self(Place::of(row, None))
    }

    pub(super) fn read(cursor: &Cursor) -> Result<Self> {
        Place::read(cursor, None).map(Self)
    }

    pub(super) fn cursor(&self) -> Cursor {
        self.0.cursor()
    }

    /// Where a row lies from here: *greater* is further on.
    pub(super) fn compare<T: Listed>(&self, row: &Row<T>) -> Ordering {
        Place::of(row, None).compare(&self.0, false)
    }

    /// The moment, as the server counts it.
    pub(super) fn millis(&self) -> i64 {
        i64::try_from(self.0.age.div_euclid(1_000_000)).unwrap_or(0)
    }
}

/// Filters, orders and takes one page.
pub(super) fn page<T: Listed>(
    rows: Vec<Row<T>>,
    query: &ListQuery,
    request: &PageRequest,
) -> Result<Page<T>> {
    let sort = query.sort.as_ref();
    let descending = sort.is_some_and(|sort| sort.descending);
    let mut placed: Vec<(Place, T)> = rows
        .into_iter()
        .filter(|row| query.filter.matches(&row.object))
        .map(|row| (Place::of(&row, sort), row.object))
        .collect();
    placed.sort_by(|(a, _), (b, _)| a.compare(b, descending));
    let before = |cursor: &Cursor, inclusive: bool| -> Result<usize> {
        let place = Place::read(cursor, sort)?;
        Ok(placed.partition_point(|(there, _)| {
            let order = there.compare(&place, descending);
            order.is_lt() || (inclusive && order.is_eq())
        }))
    };
    let most = if request.limit == 0 {
        placed.len()
    } else {
        request.limit
    };
    let (start, end) = match &request.from {
        PageFrom::Start => (0, most),
        PageFrom::End => (placed.len().saturating_sub(most), placed.len()),
        PageFrom::After(cursor) => {
            let start = before(cursor, true)?;
            (start, start.saturating_add(most))
        }
        PageFrom::At(cursor) => {
            let start = before(cursor, false)?;
            (start, start.saturating_add(most))
        }
        PageFrom::Before(cursor) => {
            let end = before(cursor, false)?;
            (end.saturating_sub(most), end)
        }
    };
    let end = end.min(placed.len());
    let (more_before, more_after) = (start > 0, end < placed.len());
    let edges = placed
        .get(start..end)
        .and_then(|rows| Some((rows.first()?.0.cursor(), rows.last()?.0.cursor())));
    let rows = placed
        .into_iter()
        .skip(start)
        .take(end - start)
        .map(|(_, object)| object)
        .collect();
    let reach = Reach {
        filtered_here: terms(query),
        sorted_here: sort.is_some(),
        ..Reach::default()
    };
    Ok(Page {
        rows,
        edges,
        more_before,
        more_after,
        reach: Some(Box::new(reach)),
    })
}

/// The terms of a query's filter as they were typed.
fn terms(query: &ListQuery) -> Vec<String> {
    let terms = query.filter.terms.iter();
    terms.map(ToString::to_string).collect()
}

/// How many rows a filter lets through.
pub(super) fn count<T: Listed>(rows: &[Row<T>], query: &ListQuery) -> u64 {
    rows.iter()
        .filter(|row| query.filter.matches(&row.object))
        .count() as u64
}
