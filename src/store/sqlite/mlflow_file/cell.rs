//! Cells of a file that somebody else wrote: SQLite keeps any value in any column, and none of them may end an import.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use std::borrow::Cow;

pub(super) trait Cells<'a> {
    /// As text; `None` for nothing at all.
    fn to_words(self) -> Option<Cow<'a, str>>;
    /// As a whole number, where it is one or reads as one.
    fn to_whole(self) -> Option<i64>;
    /// As a number; NaN for what is none.
    fn to_number(self) -> f64;
}

impl<'a> Cells<'a> for ValueRef<'a> {
    fn to_words(self) -> Option<Cow<'a, str>> {
        Some(match self {
            ValueRef::Null => return None,
            ValueRef::Integer(number) => number.to_string().into(),
            ValueRef::Real(number) => number.to_string().into(),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes),
        })
    }

    fn to_whole(self) -> Option<i64> {
        match self {
            ValueRef::Integer(number) => Some(number),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a number beyond i64 saturates, which is as near as it gets"
            )]
            ValueRef::Real(number) => Some(number as i64),
            other => other.to_words()?.trim().parse().ok(),
        }
    }

    fn to_number(self) -> f64 {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "MLflow's metrics are floats; it wrote this one without its point"
            )]
            ValueRef::Integer(number) => number as f64,
            ValueRef::Real(number) => number,
            other => other
                .to_words()
                .and_then(|text| crate::domain::number::parse(&text))
                .unwrap_or(f64::NAN),
        }
    }
}

pub(super) fn text_or_empty(row: &Row<'_>, at: usize) -> rusqlite::Result<String> {
    Ok(row
        .get_ref(at)?
        .to_words()
        .map(Cow::into_owned)
        .unwrap_or_default())
}
