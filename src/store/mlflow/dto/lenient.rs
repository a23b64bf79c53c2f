//! Numbers and ids in every form that a server or a proxy may give them.

use crate::domain::number;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize as _, Serializer};
use serde_json::Value;

/// A number, a string that holds one, or null for NaN; what MLflow stores for infinity reads as infinity again.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = match Value::deserialize(deserializer)? {
        Value::Null => f64::NAN,
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => {
            number::parse(&text).ok_or_else(|| D::Error::custom("a number was expected"))?
        }
        _ => return Err(D::Error::custom("a number was expected")),
    };
    Ok(if value >= f64::MAX {
        f64::INFINITY
    } else if value <= f64::MIN {
        f64::NEG_INFINITY
    } else {
        value
    })
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
pub(super) fn write_number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    number::Number(*value).serialize(serializer)
}

/// A whole number, as a number or a string; 0 for null.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(optional_integer(deserializer)?.unwrap_or(0))
}

pub(super) fn optional_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    let whole = |number: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float beyond i64 saturates, which is as near as it gets"
        )]
        {
            number as i64
        }
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_i64().or_else(|| number.as_f64().map(whole))),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => text
            .trim()
            .parse()
            .map(Some)
            .map_err(|_not_whole| D::Error::custom("a whole number was expected")),
        _ => Err(D::Error::custom("a whole number was expected")),
    }
}

/// A text, or a number in place of one.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Ok(String::new()),
        _ => Err(D::Error::custom("a text was expected")),
    }
}
