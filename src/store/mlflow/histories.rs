//! Histories: what was fetched is kept, only what came after it is asked for, and several are asked for at once.
//!
//! MLflow gives a history by time, step and value, in pages whose tokens are offsets. So the tail is the page that begins at the last point that is kept: when that point comes
//! first, nothing came before it, and the rest is new; when another does, somebody logged a point with an earlier time, and all is read anew. Servers of 2.x ignore tokens and
//! give everything whatever is asked. (Their other call, for an interval of steps, leaves points out where there are many and misses those that came late.)

use super::api::RunSearch;
use super::dto::{Run, offset_token};
use super::error::{ApiError, ApiResult, During as _};
use super::runs::point;
use super::side_by_side;
use super::store::MlflowStore;
use crate::domain::{Key, MetricChart, MetricPoint, RunId, chart::ChartBucket};
use crate::store::Result;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// How many histories, and how many points altogether, are kept: about 50 MB.
const MOST_SERIES: usize = 512;
const MOST_POINTS: usize = 2_000_000;
/// A run's id on the server, and a key.
type Place = (String, String);
type Points = Arc<Vec<MetricPoint>>;

/// What was fetched, the least lately used first to go.
#[derive(Debug, Default)]
pub(super) struct Histories {
    kept: HashMap<Place, (Points, Instant)>,
    points: usize,
}

impl Histories {
    fn get(&mut self, place: &Place) -> Option<Points> {
        let (points, used) = self.kept.get_mut(place)?;
        *used = Instant::now();
        Some(Arc::clone(points))
    }

    fn keep(&mut self, place: Place, points: &Points) {
        self.points += points.len();
        let old = self
            .kept
            .insert(place, (Arc::clone(points), Instant::now()));
        self.points -= old.map_or(0, |(points, _)| points.len());
        while self.kept.len() > MOST_SERIES || (self.points > MOST_POINTS && self.kept.len() > 1) {
            let oldest = self.kept.iter().min_by_key(|(_, (_, used))| *used);
            let Some(place) = oldest.map(|(place, _)| place.clone()) else {
                return;
            };
            let gone = self.kept.remove(&place);
            self.points -= gone.map_or(0, |(points, _)| points.len());
        }
    }
}

/// Bit by bit, so that NaN is like itself.
fn same(a: &MetricPoint, b: &MetricPoint) -> bool {
    (a.step, a.timestamp, a.value.to_bits()) == (b.step, b.timestamp, b.value.to_bits())
}

fn latest(run: &Run, key: &Key) -> Option<MetricPoint> {
    let mut metrics = run.data.metrics.iter();
    metrics.find(|metric| metric.key == key.as_str()).map(point)
}

impl MlflowStore {
    /// A whole history, by time, step and value.
    pub(super) async fn history(&self, run_id: &RunId, key: &Key) -> Result<Points> {
        let (run, _) = self.find_run(run_id).await?;
        // A history that ended and still has the latest point that the run tells of has not grown.
        let is_over = run.info.end_time.is_some();
        self.history_of(&run, key, is_over).await
    }

    /// The history of a run that was just read. One that may be `still` is as it is kept, when the run's latest point is in it.
    async fn history_of(&self, run: &Run, key: &Key, still: bool) -> Result<Points> {
        let Some(latest) = latest(run, key) else {
            return Ok(Points::default());
        };
        let place = (run.info.run_id.clone(), key.as_str().to_owned());
        let kept = self.seen().histories.get(&place);
        if let Some(kept) = &kept
            && still
            && kept.iter().rev().any(|point| same(point, &latest))
        {
            return Ok(Arc::clone(kept));
        }
        let points = match kept {
            Some(kept) => self.grown(&place, kept).await,
            None => self.whole(&place).await,
        };
        let points = points.during("reading a history")?;
        self.seen().histories.keep(place, &points);
        Ok(points)
    }

    async fn whole(&self, (run_id, key): &Place) -> ApiResult<Points> {
        let points = self.client.metric_history(run_id, key, None).await?;
        Ok(Arc::new(points.iter().map(point).collect()))
    }

    /// What is kept with what came after it.
    async fn grown(&self, place: &Place, kept: Points) -> ApiResult<Points> {
        let Some(last) = kept.last().filter(|_| self.server.pages_histories()) else {
            return self.whole(place).await;
        };
        let token = offset_token(kept.len() - 1);
        let tail = self.client.metric_history(&place.0, &place.1, Some(token));
        let tail = match tail.await {
            Ok(tail) => tail,
            // A server whose tokens are something else.
            Err(ApiError::Refused { .. }) => return self.whole(place).await,
            Err(error) => return Err(error),
        };
        match tail.split_first().map(|(first, new)| (point(first), new)) {
            Some((first, [])) if same(&first, last) => Ok(kept),
            Some((first, new)) if same(&first, last) => {
                let mut points = Arc::unwrap_or_clone(kept);
                points.extend(new.iter().map(point));
                Ok(Arc::new(points))
            }
            _ => self.whole(place).await,
        }
    }

    /// One metric of several runs, in their order: one question tells the latest points, and a few at once bring the histories that grew. A run that is not there has an empty one.
    pub(super) async fn charts(
        &self,
        run_ids: &[RunId],
        key: &Key,
        columns: usize,
    ) -> Result<Vec<MetricChart>> {
        let mut remotes = Vec::with_capacity(run_ids.len());
        for run_id in run_ids {
            remotes.push(self.remote_run_id(run_id).await?);
        }
        let runs = self.runs_by_id(&remotes).await?;
        let histories = side_by_side::all(&remotes, |remote| async {
            match runs.get(remote) {
                Some(run) => self.history_of(run, key, true).await,
                None => Ok(Points::default()),
            }
        });
        let chart = |points: &Points| {
            MetricChart::reduce(key.clone(), points.iter().map(ChartBucket::of), columns)
        };
        Ok(histories.await?.iter().map(chart).collect())
    }

    /// Runs by the server's own ids, a hundred a question.
    async fn runs_by_id(&self, remotes: &[String]) -> Result<HashMap<String, Run>> {
        let mut found = HashMap::new();
        if self.seen().experiments.is_empty() {
            self.known_experiments().await?;
        }
        let experiment_ids: Vec<String> = self.seen().experiments.keys().cloned().collect();
        for remotes in remotes.chunks(100) {
            let plain = |id: &&String| id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let ids: Vec<String> = remotes
                .iter()
                .filter(plain)
                .map(|id| format!("'{id}'"))
                .collect();
            if ids.is_empty() {
                continue;
            }
            let search = RunSearch {
                experiment_ids: experiment_ids.clone(),
                filter: format!("attributes.run_id IN ({})", ids.join(",")),
                order_by: Vec::new(),
            };
            let (runs, _) = self
                .client
                .search_runs(&search, ids.len(), None)
                .await
                .during("reading runs")?;
            found.extend(runs.into_iter().map(|run| (run.info.run_id.clone(), run)));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_lately_used_histories_go_first() {
        let mut histories = Histories::default();
        let place = |n: usize| (n.to_string(), "loss".to_owned());
        let some: Points = Arc::new(vec![
            MetricPoint {
                value: 1.0,
                step: 0,
                timestamp: jiff::Timestamp::UNIX_EPOCH,
            };
            10
        ]);
        for n in 0..MOST_SERIES {
            histories.keep(place(n), &some);
        }
        assert!(histories.get(&place(0)).is_some());
        histories.keep(place(MOST_SERIES), &some);
        assert!(histories.get(&place(0)).is_some() && histories.get(&place(1)).is_none());
        assert_eq!(histories.points, MOST_SERIES * 10);
        let large: Points = Arc::new(vec![some[0]; MOST_POINTS + 1]);
        histories.keep(place(0), &large);
        assert_eq!(
            (histories.kept.len(), histories.points),
            (1, MOST_POINTS + 1)
        );
    }
}
