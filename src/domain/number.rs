//! Floating-point numbers in JSON: finite ones as numbers, the others as the strings `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, because JSON has no word for them and a diverged loss is something to be told, not lost.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::Serializer;
use std::collections::BTreeMap;

/// A number that knows how to be written when it is not finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

impl serde::Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match word(self.0) {
            Some(word) => serializer.serialize_str(word),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(f64),
            Word(String),
        }
        match Given::deserialize(deserializer)? {
            Given::Number(value) => Ok(Self(value)),
            Given::Word(word) => parse(&word)
                .map(Self)
                .ok_or_else(|| D::Error::custom(format!("'{word}' is not a number"))),
        }
    }
}

/// The word for a value that is not finite.
pub fn word(value: f64) -> Option<&'static str> {
    if value.is_finite() {
        None
    } else if value.is_nan() {
        Some("NaN")
    } else if value > 0.0 {
        Some("Infinity")
    } else {
        Some("-Infinity")
    }
}

/// Reads a number as people and programs write it: `0.1`, `1e-3`, `nan`, `-inf`, `Infinity`.
///
/// A finite literal that is too large for `f64` is refused rather than turned into infinity.
pub fn parse(given: &str) -> Option<f64> {
    let value: f64 = given.trim().parse().ok()?;
    let spelled_out = given.bytes().any(|byte| byte == b'n' || byte == b'N');
    (value.is_finite() || spelled_out).then_some(value)
}

/// A count as a number to compare with.
pub fn from_count(count: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count beyond 2^53 is not told from its neighbour anyway"
    )]
    {
        count as f64
    }
}

/// Short enough for a column, exact enough to compare: five significant digits, or the word for what is not finite.
pub fn short(value: f64) -> String {
    if let Some(word) = word(value) {
        return match word {
            "Infinity" => "inf".to_owned(),
            "-Infinity" => "-inf".to_owned(),
            nan => nan.to_owned(),
        };
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs();
    if !(1e-4..1e7).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let digits = if magnitude >= 1e4 {
        0
    } else if magnitude >= 1e3 {
        1
    } else if magnitude >= 100.0 {
        2
    } else if magnitude >= 10.0 {
        3
    } else if magnitude >= 1e-2 {
        4
    } else {
        6
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// For `#[serde(with = "number")]` on a field of type `f64`.
pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&Number(*value), serializer)
}

/// For `#[serde(with = "number")]` on a field of type `f64`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Number::deserialize(deserializer).map(|number| number.0)
}

/// For `#[serde(with = "number::map")]` on a map of numbers.
pub mod map {
    use super::{BTreeMap, Deserialize, Deserializer, Number, Serializer};
    use crate::domain::Key;
    use serde::ser::SerializeMap as _;

    pub fn serialize<S: Serializer>(
        values: &BTreeMap<Key, f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (key, value) in values {
            map.serialize_entry(key, &Number(*value))?;
        }
        map.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Key, f64>, D::Error> {
        let values = BTreeMap::<Key, Number>::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|(key, number)| (key, number.0))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finite_is_a_word() {
        let json = serde_json::to_string(&[
            Number(0.5),
            Number(f64::NAN),
            Number(f64::INFINITY),
            Number(f64::NEG_INFINITY),
        ])
        .unwrap();
        assert_eq!(json, r#"[0.5,"NaN","Infinity","-Infinity"]"#);
        let back: Vec<Number> = serde_json::from_str(&json).unwrap();
        assert!(back[1].0.is_nan() && back[2].0 > 0.0 && back[3].0 < 0.0);
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(parse("1e-3"), Some(1e-3));
        assert!(parse("nan").unwrap().is_nan());
        assert_eq!(parse("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(parse("1e999"), None);
        assert_eq!(parse("x"), None);
    }

    #[test]
    fn short_numbers_fit_a_column() {
        for (value, text) in [
            (0.93124, "0.9312"),
            (0.0, "0"),
            (1234.56, "1234.6"),
            (1e-7, "1.000e-7"),
            (0.05, "0.05"),
            (100.0, "100"),
            (-3.0, "-3"),
        ] {
            assert_eq!(short(value), text);
        }
        assert_eq!(short(f64::NAN), "NaN");
    }
}
