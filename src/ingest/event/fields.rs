//! Fields of events, read without copying where that is possible, and with words about what is wrong.

use super::NoEvent;
use crate::domain::number;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A string that borrows from the line where it can. (`Option<Cow<str>>` would always copy.)
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct See;
        impl<'de> Visitor<'de> for See {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(See)
    }
}

/// A number, a word or a truth value.
pub(super) enum Scalar<'a> {
    Float(f64),
    Integer(i128),
    Bool(bool),
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    pub(super) fn measured(self) -> Result<f64, NoEvent> {
        let wrong = |shown: &str| {
            let shown: String = shown.chars().take(60).collect();
            let shown = crate::domain::text::visible(&shown).into_owned();
            NoEvent::Bad(format!(
                "the value '{shown}' is not a number; it takes a number, \"NaN\", \"Infinity\" or \"-Infinity\""
            ))
        };
        match self {
            Self::Float(value) => Ok(value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "metrics are floating-point numbers"
            )]
            Self::Integer(value) => Ok(value as f64),
            Self::Bool(value) => Err(wrong(if value { "true" } else { "false" })),
            Self::Text(word) => number::parse(&word)
                .filter(|value| !value.is_finite())
                .ok_or_else(|| wrong(&word)),
        }
    }

    /// As a param shows it.
    pub(super) fn text(self) -> String {
        match self {
            Self::Float(value) => serde_json::Number::from_f64(value)
                .map_or_else(|| value.to_string(), |number| number.to_string()),
            Self::Integer(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Text(text) => text.into_owned(),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct See;
        impl<'de> Visitor<'de> for See {
            type Value = Scalar<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a string or a truth value")
            }
            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Integer(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Integer(value.into()))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(value))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_any(See)
    }
}

/// A whole number; `10.0` is one, `1.5` is not.
pub(super) struct Step(pub(super) i64);

/// Milliseconds since 1970; the fraction that Python's `time.time() * 1000` has is cut off.
pub(super) struct Millisecond(pub(super) i64);

/// Whole numbers beyond this are not exact as floating-point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

struct WholeNumber {
    what: &'static str,
    cut_fraction: bool,
}

impl Visitor<'_> for WholeNumber {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_i64<E>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value)
            .map_err(|_too_large| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is in the range where both are exact"
    )]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<i64, E> {
        if value.abs() <= EXACT && (self.cut_fraction || value.fract() == 0.0) {
            Ok(value as i64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(value), &self))
        }
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "a whole number as step";
        let cut_fraction = false;
        deserializer
            .deserialize_any(WholeNumber { what, cut_fraction })
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Millisecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let what = "milliseconds since 1970 as timestamp";
        let cut_fraction = true;
        deserializer
            .deserialize_any(WholeNumber { what, cut_fraction })
            .map(Self)
    }
}

/// An object of scalars, in the order given.
#[derive(Default)]
pub(super) struct Labels(pub(super) Vec<(String, String)>);

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct See;
        impl<'de> Visitor<'de> for See {
            type Value = Labels;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
                let mut labels = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Scalar<'_>>()? {
                    labels.push((key, value.text()));
                }
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(See)
    }
}
