//! Points and signs of life.
//!
//! Points are data: they go straight to the run, in the order they were measured, at most a thousand points and a hundred keys a request. A request that is sent
//! again changes nothing, because the server keeps equal points once (see [`points`](super::points)); so lost answers are simply repeated. Two points that are equal in every
//! field are therefore one, times are kept to the millisecond, and a history comes in the order of time, step and value: that is MLflow.

use super::api::{MOST_METRICS, MOST_PAIRS};
use super::dto::{KeyValue, Metric};
use super::error::{ApiResult, During as _};
use super::points::PointsThere;
use super::runs::{HEARTBEAT, not_found};
use super::side_by_side;
use super::store::MlflowStore;
use crate::domain::{ObjectKind, RunId};
use crate::store::{Result, SeriesBatch, StoreError};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashSet};

/// How many points one request holds: less than the limit, which counts the tags with the sign of life and the revision and a new run's params too.
const A_REQUEST: usize = MOST_METRICS - MOST_PAIRS - 2;

/// Cuts points into requests, in their order.
fn requests(batches: &[SeriesBatch]) -> Vec<Vec<Metric>> {
    let mut requests: Vec<Vec<Metric>> = Vec::new();
    let mut keys: HashSet<&str> = HashSet::new();
    for batch in batches {
        for point in &batch.points {
            let name = batch.key.as_str();
            let is_full = requests.last().is_none_or(|request| {
                request.len() == A_REQUEST || (keys.len() == MOST_PAIRS && !keys.contains(name))
            });
            if is_full {
                requests.push(Vec::new());
                keys.clear();
            }
            keys.insert(name);
            requests
                .last_mut()
                .expect("one was just pushed where there was none")
                .push(Metric {
                    key: name.to_owned(),
                    value: point.value,
                    timestamp: point.timestamp.as_millisecond(),
                    step: point.step,
                });
        }
    }
    requests
}

impl MlflowStore {
    /// Writes params (one request's worth) and points and, with the last of them, tags (one, if any) and the sign of life.
    pub(super) async fn write_points(
        &self,
        remote: &str,
        batches: &[SeriesBatch],
        params: &[KeyValue],
        tags: &[KeyValue],
        heartbeat: Option<Timestamp>,
    ) -> ApiResult<()> {
        let mut requests = requests(batches);
        if requests.is_empty() && !(params.is_empty() && tags.is_empty()) {
            requests.push(Vec::new());
        }
        let last = requests.len();
        for (at, metrics) in requests.iter().enumerate() {
            let mut last_tags = Vec::new();
            if at + 1 == last {
                last_tags.extend_from_slice(tags);
                last_tags.extend(
                    heartbeat.map(|heartbeat| KeyValue::new(HEARTBEAT, heartbeat.to_string())),
                );
            }
            let params = if at == 0 { params } else { &[] };
            let there = PointsThere::default();
            super::repeated(|| {
                self.client
                    .log_points(&there, remote, metrics, params, &last_tags)
            })
            .await?;
        }
        if let Some(heartbeat) = heartbeat.filter(|_| !requests.is_empty()) {
            self.seen().heartbeats.insert(remote.to_owned(), heartbeat);
        }
        Ok(())
    }

    /// The run's id on the server and its last sign of life; *not found* where it is not there.
    async fn sign_of_life(&self, run_id: &RunId) -> Result<(String, Option<Timestamp>)> {
        let remote = self.remote_run_id(run_id).await?;
        let known = self.seen().heartbeats.get(&remote).copied();
        if known.is_some() {
            return Ok((remote, known));
        }
        let (run, experiment) = self.find_run(run_id).await?;
        let ledger = self.ledger().await?;
        let last = super::runs::build(&run, &experiment, &ledger.state).heartbeat_at;
        // A mirrored run has another id than it looked.
        Ok((run.info.run_id, last))
    }

    pub(super) async fn add_points(&self, batches: &[SeriesBatch], at: Timestamp) -> Result<()> {
        let mut runs: BTreeMap<&RunId, Vec<SeriesBatch>> = BTreeMap::new();
        for batch in batches {
            runs.entry(&batch.run_id).or_default().push(batch.clone());
        }
        // All are looked for before any is written to.
        let runs: Vec<(&RunId, Vec<SeriesBatch>)> = runs.into_iter().collect();
        let found = side_by_side::all(&runs, |(run_id, batches)| async move {
            let found = self.sign_of_life(run_id).await?;
            Ok::<_, StoreError>((*run_id, found, batches))
        });
        // The requests of one run follow each other; those of several go side by side.
        let found = found.await?;
        let written = side_by_side::all(&found, |(run_id, (remote, last), batches)| async move {
            let heartbeat = Some(at).max(*last);
            let written = self
                .write_points(remote, batches, &[], &[], heartbeat)
                .await;
            written.map_err(|error| {
                if error.is_missing() {
                    not_found(run_id)
                } else {
                    error.during_change("writing points")
                }
            })
        });
        let written = written.await;
        self.wrote();
        written.map(drop)
    }

    pub(super) async fn beat(&self, run_id: &RunId, at: Timestamp) -> Result<()> {
        let (remote, last) = self.sign_of_life(run_id).await?;
        if last.is_some_and(|last| last >= at) {
            return Ok(());
        }
        let text = at.to_string();
        super::repeated(|| self.client.set_run_tag(&remote, HEARTBEAT, &text))
            .await
            .about(ObjectKind::Run, run_id.as_str(), "writing a sign of life")?;
        self.seen().heartbeats.insert(remote, at);
        self.wrote();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Key, MetricPoint};

    #[test]
    fn requests_stay_below_the_limits_and_keep_the_order() {
        let batch = |key: &str, points: i64| SeriesBatch {
            run_id: RunId::trusted("r"),
            key: Key::trusted(key),
            points: (0..points)
                .map(|step| MetricPoint {
                    value: 1.0,
                    step,
                    timestamp: Timestamp::UNIX_EPOCH,
                })
                .collect(),
        };
        let mut batches = vec![batch("a", 2_500)];
        batches.extend((0..250).map(|key| batch(&format!("k{key}"), 2)));
        let requests = requests(&batches);
        assert_eq!(requests.iter().map(Vec::len).sum::<usize>(), 3_000);
        for request in &requests {
            let keys: HashSet<&str> = request.iter().map(|metric| metric.key.as_str()).collect();
            assert!(request.len() <= A_REQUEST && keys.len() <= MOST_PAIRS);
        }
        let steps: Vec<i64> = requests
            .concat()
            .iter()
            .filter(|metric| metric.key == "a")
            .map(|metric| metric.step)
            .collect();
        assert!(steps.is_sorted() && steps.len() == 2_500);
    }
}
