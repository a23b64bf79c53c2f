//! How values of the domain stand in columns, both ways.

use super::fault::Result;
use crate::domain::number::Number;
use crate::domain::{Key, Revision, UnknownWord};
use crate::store::StoreError;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::str::FromStr;

/// A time as nanoseconds since 1970. A time outside the years that 64 bits hold is a mistake of whoever gave it, and is refused.
pub(super) fn nanos(time: Timestamp) -> Result<i64> {
    Ok(
        i64::try_from(time.as_nanosecond()).map_err(|_out_of_range| StoreError::Invalid {
            message: format!(
                "the time {time} cannot be kept: times are from the years 1678 to 2261"
            ),
        })?,
    )
}

pub(super) fn optional_nanos(time: Option<Timestamp>) -> Result<Option<i64>> {
    time.map(nanos).transpose()
}

/// The nearest time that can stand in a column, for comparing with those that do.
pub(super) fn nearest_nanos(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(if time < Timestamp::UNIX_EPOCH {
        i64::MIN
    } else {
        i64::MAX
    })
}

pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    let nanos: i64 = row.get(at)?;
    Ok(from_nanos(nanos))
}

pub(super) fn optional_time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(from_nanos))
}

pub(super) fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).expect("64 bits of nanoseconds are within range")
}

/// SQLite turns NaN into NULL by itself; this says so where it is meant.
pub(super) fn number(row: &Row<'_>, at: usize) -> rusqlite::Result<f64> {
    Ok(row.get::<_, Option<f64>>(at)?.unwrap_or(f64::NAN))
}

/// A count of the domain; SQLite's integers are signed.
pub(super) fn count(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(at)?;
    u64::try_from(count).map_err(|_negative| rusqlite::Error::IntegralValueOutOfRange(at, count))
}

pub(super) fn optional_count(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(at)?
        .map(|count| {
            u64::try_from(count)
                .map_err(|_negative| rusqlite::Error::IntegralValueOutOfRange(at, count))
        })
        .transpose()
}

/// A count for a column.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(super) fn revision(row: &Row<'_>, at: usize) -> rusqlite::Result<Revision> {
    row.get(at).map(Revision)
}

fn unreadable(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
}

/// A word of one of the domain's vocabularies.
pub(super) fn word<T: FromStr<Err = UnknownWord>>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    row.get_ref(at)?
        .as_str()?
        .parse()
        .map_err(|error| unreadable(at, error))
}

pub(super) fn optional_word<T: FromStr<Err = UnknownWord>>(
    row: &Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(at)?
        .as_str_or_null()?
        .map(|word| word.parse().map_err(|error| unreadable(at, error)))
        .transpose()
}

/// A small structure kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(at)?.as_str()?).map_err(|error| unreadable(at, error))
}

pub(super) fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    at: usize,
) -> rusqlite::Result<Option<T>> {
    row.get_ref(at)?
        .as_str_or_null()?
        .map(|text| serde_json::from_str(text).map_err(|error| unreadable(at, error)))
        .transpose()
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

pub(super) fn to_optional_json<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(to_json).transpose()
}

/// A map of numbers as JSON, in which what is not finite is a word.
pub(super) fn to_numbers(numbers: &BTreeMap<Key, f64>) -> Result<String> {
    let numbers: BTreeMap<&Key, Number> = numbers
        .iter()
        .map(|(key, value)| (key, Number(*value)))
        .collect();
    to_json(&numbers)
}

pub(super) fn numbers(row: &Row<'_>, at: usize) -> rusqlite::Result<BTreeMap<Key, f64>> {
    let numbers: BTreeMap<Key, Number> = json(row, at)?;
    Ok(numbers
        .into_iter()
        .map(|(key, number)| (key, number.0))
        .collect())
}
