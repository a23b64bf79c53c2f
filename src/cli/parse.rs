//! Values of arguments that are more than one word: `K=V`, `K=V@STEP`, and words of a vocabulary.

use crate::domain::{Key, Tags, number};
use crate::service::NewMetric;
use std::collections::BTreeMap;

/// A parser of one of the domain's vocabularies: its words stand in the help and the completions, and any case is read.
macro_rules! words {
    ($word:ty) => {{
        use clap::builder::TypedValueParser as _;
        clap::builder::PossibleValuesParser::new(<$word>::ALL.iter().map(|word| word.as_str())).map(
            |word| {
                word.parse::<$word>()
                    .expect("clap let only words of the vocabulary through")
            },
        )
    }};
}
pub(crate) use words;

/// `K=V` with a key of a param or tag.
#[derive(Debug, Clone)]
pub struct Pair {
    pub key: Key,
    pub value: String,
}

/// Reads `K=V`.
pub fn pair(text: &str) -> Result<Pair, String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "it is not written K=V".to_owned())?;
    Ok(Pair {
        key: Key::new(key).map_err(|error| error.to_string())?,
        value: value.to_owned(),
    })
}

/// Puts pairs into a map; a key that is given twice is a mistake.
pub fn pairs(what: &str, given: Vec<Pair>) -> super::Result<Tags> {
    let mut map = Tags::new();
    for Pair { key, value } in given {
        if map.contains_key(&key) {
            return Err(super::CliError::usage(format!(
                "{what} '{key}' is given twice"
            )));
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// Reads `K=V` or `K=V@STEP`.
pub fn metric(text: &str) -> Result<NewMetric, String> {
    let Pair { key, value } = pair(text)?;
    let (value, step) = match value.rsplit_once('@') {
        Some((value, step)) => {
            let step = step.parse().map_err(|_error: std::num::ParseIntError| {
                "the step is not a whole number".to_owned()
            })?;
            (value, Some(step))
        }
        None => (value.as_str(), None),
    };
    Ok(NewMetric {
        key,
        value: real(value)?,
        step,
        timestamp: None,
    })
}

/// Reads `K=V` with a number.
pub fn measure(text: &str) -> Result<(Key, f64), String> {
    let Pair { key, value } = pair(text)?;
    Ok((key, real(&value)?))
}

/// Puts measures into a map; a key that is given twice is a mistake.
pub fn measures(given: Vec<(Key, f64)>) -> super::Result<BTreeMap<Key, f64>> {
    let mut map = BTreeMap::new();
    for (key, value) in given {
        if map.contains_key(&key) {
            return Err(super::CliError::usage(format!(
                "metric '{key}' is given twice"
            )));
        }
        map.insert(key, value);
    }
    Ok(map)
}

/// Reads a number as people write it; NaN and infinities are numbers too.
pub fn real(text: &str) -> Result<f64, String> {
    number::parse(text).ok_or_else(|| "it is not a number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_may_name_its_step() {
        let given = metric("val/auc=0.93@10").unwrap();
        assert_eq!((given.key.as_str(), given.step), ("val/auc", Some(10)));
        assert_eq!(metric("a=1e-3").unwrap().step, None);
        assert!(metric("loss=nan").unwrap().value.is_nan());
        for wrong in [
            "loss",
            "loss=",
            "loss=x",
            "loss=1@x",
            "=1",
            "a\u{1b}b=1",
            "loss=1e999",
        ] {
            assert!(metric(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_may_hold_an_equals_sign() {
        assert_eq!(pair("q=a=b").unwrap().value, "a=b");
        assert!(pairs("param", vec![pair("a=1").unwrap(), pair("a=2").unwrap()]).is_err());
    }
}
