//! Which points of a source's history are not here yet.
//!
//! Mostly what is here is the beginning of what is there, and then the two are walked side by side and nothing is remembered. From the first difference on, what
//! is left here is counted point by point, and what is there and not counted is new. A point that is there twice is here twice.

use crate::domain::{Key, MetricPoint, RunId};
use crate::store::import::KnownHistory;
use crate::store::{Result, Store};
use std::collections::{HashMap, VecDeque};

/// How many points are read at once where a history is long.
const STRETCH: usize = 5_000;

/// A point as it is compared. NaN is like itself, and the store keeps no sign on zero.
type Mark = (i64, i128, u64);

fn mark(point: &MetricPoint) -> Mark {
    let value = if point.value.is_nan() {
        f64::NAN.to_bits()
    } else {
        (point.value + 0.0).to_bits()
    };
    (point.step, point.timestamp.as_nanosecond(), value)
}

/// One history, compared with the source's as that comes in.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    key: Key,
    /// How many points were here at first.
    count: u64,
    /// How many of them were read.
    read: u64,
    ahead: VecDeque<MetricPoint>,
    /// What is left here since the first difference.
    left: Option<HashMap<Mark, u32>>,
    /// How many were found to be new.
    new: u64,
}

impl Comparison {
    pub(super) fn new(key: Key, known: KnownHistory) -> Self {
        Self {
            key,
            count: known.count,
            read: known.points.len() as u64,
            ahead: known.points.into(),
            left: None,
            new: 0,
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// How many points are here when those that were found new so far are written.
    pub(super) fn length(&self) -> u64 {
        self.count + self.new
    }

    async fn read_on(&mut self, store: &dyn Store, run_id: &RunId) -> Result<bool> {
        let left = usize::try_from(self.count - self.read).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(false);
        }
        let more = store
            .metric_history(run_id, &self.key, self.read, left.min(STRETCH))
            .await?;
        if more.is_empty() {
            self.read = self.count;
            return Ok(false);
        }
        self.read += more.len() as u64;
        self.ahead.extend(more);
        Ok(true)
    }

    /// Takes the next points of the source and returns those that are new, in their order.
    pub(super) async fn new_ones(
        &mut self,
        store: &dyn Store,
        run_id: &RunId,
        points: Vec<MetricPoint>,
    ) -> Result<Vec<MetricPoint>> {
        let mut new = Vec::new();
        let mut points = points.into_iter();
        for point in points.by_ref() {
            let same = mark(&point);
            if self.left.is_none() {
                if self.ahead.is_empty() && !self.read_on(store, run_id).await? {
                    new.push(point);
                    break;
                }
                if self.ahead.front().map(mark) == Some(same) {
                    self.ahead.pop_front();
                    continue;
                }
                self.count_what_is_left(store, run_id).await?;
            }
            let left = self.left.get_or_insert_default();
            match left.get_mut(&same) {
                Some(count) if *count > 0 => *count -= 1,
                _ => new.push(point),
            }
        }
        // Nothing is here any more, so the rest is new without a look.
        new.extend(points);
        self.new += new.len() as u64;
        Ok(new)
    }

    async fn count_what_is_left(&mut self, store: &dyn Store, run_id: &RunId) -> Result<()> {
        let mut left = HashMap::new();
        loop {
            for point in self.ahead.drain(..) {
                *left.entry(mark(&point)).or_default() += 1;
            }
            if !self.read_on(store, run_id).await? {
                break;
            }
        }
        self.left = Some(left);
        Ok(())
    }
}
