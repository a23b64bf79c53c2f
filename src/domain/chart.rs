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
    #[inline]
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
    #[inline]
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
    ///
    /// The stretches are walked twice instead of being kept: a million points need no copy of themselves.
    pub fn reduce(
        metric: Key,
        stretches: impl IntoIterator<Item = ChartBucket, IntoIter: Clone>,
        columns: usize,
    ) -> Self {
        let stretches = stretches.into_iter();
        let (mut first, mut last) = (i64::MAX, i64::MIN);
        let (mut points, mut non_finite) = (0, 0);
        for stretch in stretches.clone() {
            first = first.min(stretch.first_step);
            last = last.max(stretch.last_step);
            points += stretch.points;
            non_finite += stretch.non_finite;
        }
        if first > last {
            return Self {
                metric,
                points,
                non_finite,
                buckets: Vec::new(),
            };
        }
        let mut columns = Columns::new(first, last, columns);
        // The column being filled is kept apart, where it costs nothing to add to: steps mostly follow each other.
        let mut open: Option<ChartBucket> = None;
        for stretch in stretches {
            if columns.is_here(stretch.first_step) {
                match &mut open {
                    Some(bucket) => bucket.extend(&stretch),
                    None => open = Some(stretch),
                }
            } else {
                columns.put(open.replace(stretch));
                columns.move_to(stretch.first_step);
            }
        }
        columns.put(open);
        Self {
            metric,
            points,
            non_finite,
            buckets: columns.cells.into_iter().flatten().collect(),
        }
    }
}

/// Columns of equal width in steps.
struct Columns {
    first: i128,
    span: i128,
    cells: Vec<Option<ChartBucket>>,
    /// The present column with its first and last step: comparing with them is cheap, dividing to find it is not.
    here: (usize, i64, i64),
}

impl Columns {
    fn new(first: i64, last: i64, columns: usize) -> Self {
        let span = i128::from(last) - i128::from(first) + 1;
        let most = usize::try_from(span).unwrap_or(usize::MAX);
        Self {
            first: i128::from(first),
            span,
            cells: vec![None; columns.max(1).min(most)],
            here: (0, i64::MAX, i64::MIN),
        }
    }

    #[inline]
    fn is_here(&self, step: i64) -> bool {
        self.here.1 <= step && step <= self.here.2
    }

    /// Adds to the present column.
    fn put(&mut self, bucket: Option<ChartBucket>) {
        let Some(bucket) = bucket else {
            return;
        };
        match &mut self.cells[self.here.0] {
            Some(cell) => cell.extend(&bucket),
            cell => *cell = Some(bucket),
        }
    }

    fn move_to(&mut self, step: i64) {
        let columns = i128::try_from(self.cells.len()).unwrap_or(i128::MAX);
        let at = (i128::from(step) - self.first) * columns / self.span;
        let starts = |column: i128| {
            let step = self.first + (column * self.span + columns - 1) / columns;
            i64::try_from(step).unwrap_or(i64::MAX)
        };
        let cell = usize::try_from(at).unwrap_or(0).min(self.cells.len() - 1);
        self.here = (cell, starts(at), starts(at + 1).saturating_sub(1));
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
