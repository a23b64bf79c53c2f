//! Points of a metric, and which way a metric gets better.

use super::{Key, number};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// One value of a metric. NaN and infinities are legal values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    #[serde(with = "number")]
    pub value: f64,
    pub step: i64,
    pub timestamp: Timestamp,
}

/// A value that was measured. Without a step it gets the one after the last of its metric, without a time the present.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMetric {
    pub key: Key,
    pub value: f64,
    pub step: Option<i64>,
    pub timestamp: Option<Timestamp>,
}

/// Gives values their steps, after the latest points that are there, and their times, and groups them by metric, in the order given.
pub fn placed<'a>(
    metrics: &'a [NewMetric],
    latest: &BTreeMap<Key, MetricPoint>,
    now: Timestamp,
) -> BTreeMap<&'a Key, Vec<MetricPoint>> {
    let mut placed: BTreeMap<&Key, Vec<MetricPoint>> = BTreeMap::new();
    for metric in metrics {
        let points = placed.entry(&metric.key).or_default();
        let last = points.last().or_else(|| latest.get(&metric.key));
        let step = metric
            .step
            .unwrap_or_else(|| last.map_or(0, |point| point.step.saturating_add(1)));
        points.push(MetricPoint {
            value: metric.value,
            step,
            timestamp: metric.timestamp.unwrap_or(now),
        });
    }
    placed
}

/// The times that every store keeps: the years 1678 to 2261, which is what nanoseconds in 64 bits reach.
pub fn is_storable(at: Timestamp) -> bool {
    i64::try_from(at.as_nanosecond()).is_ok()
}

impl MetricPoint {
    /// Tells whether this point is the one to show as the latest, given the one shown so far: the larger step
    /// wins, then the later time, then the later arrival. This is MLflow's order, so both show the same value.
    pub fn supersedes(&self, shown: &Self) -> bool {
        (self.step, self.timestamp) >= (shown.step, shown.timestamp)
    }
}

/// Which metrics are better lower, by the words in their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricDirections {
    lower_is_better: Vec<String>,
}

impl Default for MetricDirections {
    fn default() -> Self {
        Self::new(Self::DEFAULT_WORDS.iter().map(|word| (*word).to_owned()))
    }
}

impl MetricDirections {
    /// The words that hold unless the settings say otherwise.
    pub const DEFAULT_WORDS: &[&str] = &[
        "loss",
        "error",
        "rmse",
        "mae",
        "mse",
        "perplexity",
        "latency",
    ];

    /// Takes the words that mark a metric as better lower; compared with the parts of a key, in any case.
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self {
            lower_is_better: words.into_iter().map(|word| word.to_lowercase()).collect(),
        }
    }

    /// A key is better lower when one of its words is in the list: `val/loss`, `train_loss` and `logloss` are
    /// (a word of four letters or more may end a longer one), `gloss_accuracy` is not.
    pub fn lower_is_better(&self, key: &str) -> bool {
        let key = key.to_lowercase();
        key.split(|c: char| !c.is_alphanumeric()).any(|part| {
            self.lower_is_better.iter().any(|word| {
                part == word
                    || (word.len() >= 4 && part.len() >= word.len() + 3 && part.ends_with(word))
            })
        })
    }

    /// Orders two values from worse to better; NaN is worse than everything.
    pub fn compare(&self, key: &Key, a: f64, b: f64) -> Ordering {
        match (a.is_nan(), b.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let order = a.partial_cmp(&b).unwrap_or(Ordering::Equal);
                if self.lower_is_better(key.as_str()) {
                    order.reverse()
                } else {
                    order
                }
            }
        }
    }

    /// The places of the best values; several where they are equal, none where all are NaN.
    pub fn best(&self, key: &Key, values: &[Option<f64>]) -> Vec<usize> {
        let comparable = || {
            values
                .iter()
                .enumerate()
                .filter_map(|(i, value)| value.filter(|v| !v.is_nan()).map(|v| (i, v)))
        };
        let Some((_, best)) = comparable().max_by(|(_, a), (_, b)| self.compare(key, *a, *b))
        else {
            return Vec::new();
        };
        comparable()
            .filter(|(_, value)| self.compare(key, *value, best) == Ordering::Equal)
            .map(|(i, _)| i)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn losses_are_better_lower() {
        let directions = MetricDirections::default();
        for lower in [
            "loss",
            "val/loss",
            "train_loss",
            "logloss",
            "RMSE",
            "latency_ms",
            "error rate",
        ] {
            assert!(directions.lower_is_better(lower), "{lower}");
        }
        for higher in ["accuracy", "auc", "gloss_accuracy", "f1", "maelstrom"] {
            assert!(!directions.lower_is_better(higher), "{higher}");
        }
    }

    #[test]
    fn the_best_is_never_a_nan() {
        let directions = MetricDirections::default();
        assert_eq!(
            directions.best(&key("auc"), &[Some(f64::NAN), Some(0.9), None, Some(0.9)]),
            [1, 3]
        );
        assert_eq!(
            directions.best(&key("loss"), &[Some(0.2), Some(f64::INFINITY), Some(0.1)]),
            [2]
        );
        assert!(directions.best(&key("auc"), &[Some(f64::NAN)]).is_empty());
    }

    #[test]
    fn the_latest_is_the_largest_step() {
        let at = |step, second| MetricPoint {
            value: 0.0,
            step,
            timestamp: Timestamp::from_second(second).unwrap(),
        };
        assert!(at(2, 0).supersedes(&at(1, 9)));
        assert!(!at(1, 9).supersedes(&at(2, 0)));
        assert!(at(1, 1).supersedes(&at(1, 1)));
    }
}
