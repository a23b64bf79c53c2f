//! What a curve needs to be drawn without losing a spike: per column the least and the greatest value, and where NaN was.

use super::{Key, MetricPoint};
use serde::Serialize;

/// A stretch of a metric's history, in the order the points arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChartBucket {
    pub first_step: i64,
    pub last_step: i64,
    /// Least and greatest finite value; `None` where the stretch has no finite one.
    pub range: Option<(f64, f64)>,
    /// The last finite value.
    pub last: Option<f64>,
    pub points: u64,
    /// How many points are NaN or infinite.
    pub non_finite: u64,
}

impl ChartBucket {
    /// The stretch of a single point.
    pub fn of(point: &MetricPoint) -> Self {
        let finite = point.value.is_finite();
        Self {
            first_step: point.step,
            last_step: point.step,
            range: finite.then_some((point.value, point.value)),
            last: finite.then_some(point.value),
            points: 1,
            non_finite: u64::from(!finite),
        }
    }

    /// Takes in the stretch that follows.
    pub fn extend(&mut self, next: &Self) {
        self.first_step = self.first_step.min(next.first_step);
        self.last_step = self.last_step.max(next.last_step);
        self.range = match (self.range, next.range) {
            (Some((low, high)), Some((next_low, next_high))) => {
                Some((low.min(next_low), high.max(next_high)))
            }
            (range, None) | (None, range) => range,
        };
        self.last = next.last.or(self.last);
        self.points += next.points;
        self.non_finite += next.non_finite;
    }
}

/// A metric's history, reduced to columns by step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricChart {
    pub metric: Key,
    /// All points of the history, whatever the number of columns.
    pub points: u64,
    pub non_finite: u64,
    pub buckets: Vec<ChartBucket>,
}

impl MetricChart {
    /// Merges stretches into at most `columns` columns of equal width in steps, each keeping its least and greatest value.
    /// A stretch belongs to the column of its first step; a resumed run that went back in steps falls into the columns it
    /// went back to.
    pub fn reduce(
        metric: Key,
        stretches: impl IntoIterator<Item = ChartBucket>,
        columns: usize,
    ) -> Self {
        let stretches: Vec<ChartBucket> = stretches.into_iter().collect();
        let points = stretches.iter().map(|stretch| stretch.points).sum();
        let non_finite = stretches.iter().map(|stretch| stretch.non_finite).sum();
        let first = stretches.iter().map(|stretch| stretch.first_step).min();
        let last = stretches.iter().map(|stretch| stretch.last_step).max();
        let (Some(first), Some(last)) = (first, last) else {
            return Self {
                metric,
                points,
                non_finite,
                buckets: Vec::new(),
            };
        };
        let span = i128::from(last) - i128::from(first) + 1;
        let columns = i128::try_from(columns.max(1))
            .unwrap_or(i128::MAX)
            .min(span);
        let mut cells: Vec<Option<ChartBucket>> = vec![None; usize::try_from(columns).unwrap_or(1)];
        for stretch in &stretches {
            let at = (i128::from(stretch.first_step) - i128::from(first)) * columns / span;
            let cell = &mut cells[usize::try_from(at).unwrap_or(0)];
            match cell {
                Some(bucket) => bucket.extend(stretch),
                None => *cell = Some(*stretch),
            }
        }
        Self {
            metric,
            points,
            non_finite,
            buckets: cells.into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn reduce(values: &[f64], columns: usize) -> MetricChart {
        let points = values.iter().enumerate().map(|(step, value)| {
            ChartBucket::of(&MetricPoint {
                value: *value,
                step: i64::try_from(step).unwrap(),
                timestamp: Timestamp::UNIX_EPOCH,
            })
        });
        MetricChart::reduce(Key::new("loss").unwrap(), points, columns)
    }

    #[test]
    fn a_single_spike_survives_any_width() {
        for at in [0, 1, 4_999, 9_998, 9_999] {
            let mut values = vec![0.5; 10_000];
            values[at] = 99.0;
            for columns in [1, 2, 7, 100, 20_000] {
                let chart = reduce(&values, columns);
                let high = chart
                    .buckets
                    .iter()
                    .filter_map(|bucket| bucket.range)
                    .map(|(_, high)| high)
                    .fold(f64::MIN, f64::max);
                assert!(
                    (high - 99.0).abs() < f64::EPSILON,
                    "at {at} in {columns} columns"
                );
                assert!(chart.buckets.len() <= columns);
                assert_eq!(chart.points, 10_000);
            }
        }
    }

    #[test]
    fn nan_is_counted_and_never_a_value() {
        let chart = reduce(&[1.0, f64::NAN, f64::INFINITY, 2.0], 1);
        assert_eq!(
            (chart.buckets[0].range, chart.buckets[0].non_finite),
            (Some((1.0, 2.0)), 2)
        );
        assert_eq!(reduce(&[f64::NAN], 5).buckets[0].range, None);
        assert!(reduce(&[], 5).buckets.is_empty());
    }

    #[test]
    fn the_widest_span_of_steps_does_not_overflow() {
        let at = |step| {
            ChartBucket::of(&MetricPoint {
                value: 1.0,
                step,
                timestamp: Timestamp::UNIX_EPOCH,
            })
        };
        let chart = MetricChart::reduce(
            Key::new("loss").unwrap(),
            [at(i64::MIN), at(0), at(i64::MAX)],
            80,
        );
        assert_eq!(chart.buckets.len(), 3);
    }
}
