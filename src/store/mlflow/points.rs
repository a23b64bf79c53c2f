//! Points sent to a run so that each is there once, whatever was sent before and whoever lost the answer.
//!
//! MLflow keeps equal points once. 3.x passes over those that it has; 2.x refuses the whole request where one of them is NaN, or where it holds more than a
//! hundred points of several keys, because it looks for them among its own in a way that misses some. So when the server's database refuses a request, the
//! histories are read back and only what is missing is sent; where that is refused too, it is halved, down to the point that cannot be kept.

use super::client::Client;
use super::dto::{KeyValue, Metric};
use super::error::{ApiError, ApiResult};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many points of histories that were read back are kept in mind.
const KEPT: usize = 1_000_000;
/// How often what is missing is sent whole: somebody else's request may still be under way there.
const WHOLE: usize = 2;

/// What tells two points of one history apart: time, step and value.
type Identity = (i64, i64, u64);

fn identity(metric: &Metric) -> Identity {
    // As MLflow has it, one NaN is like another, infinity is the largest number, and there is one zero.
    let value = if metric.value.is_nan() {
        f64::NAN
    } else {
        metric.value.clamp(-f64::MAX, f64::MAX) + 0.0
    };
    (metric.timestamp, metric.step, value.to_bits())
}

/// Points that were found on the server. Nothing ever removes one there, so what was found stays true.
#[derive(Debug, Default)]
pub(super) struct PointsThere(Mutex<HashMap<String, HashMap<String, HashSet<Identity>>>>);

impl PointsThere {
    fn runs(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, HashSet<Identity>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of these was not found.
    fn missing(&self, run_id: &str, metrics: Vec<Metric>) -> Vec<Metric> {
        let runs = self.runs();
        let Some(run) = runs.get(run_id) else {
            return metrics;
        };
        let is_there = |metric: &Metric| {
            let history = run.get(&metric.key);
            history.is_some_and(|history| history.contains(&identity(metric)))
        };
        metrics
            .into_iter()
            .filter(|metric| !is_there(metric))
            .collect()
    }

    /// Reads the histories of these anew.
    async fn look(&self, client: &Client, run_id: &str, metrics: &[Metric]) -> ApiResult<()> {
        let keys: HashSet<&str> = metrics.iter().map(|metric| metric.key.as_str()).collect();
        for key in keys {
            let history = client.metric_history(run_id, key, None).await?;
            let history: HashSet<Identity> = history.iter().map(identity).collect();
            let mut runs = self.runs();
            let kept: usize = runs
                .values()
                .flat_map(HashMap::values)
                .map(HashSet::len)
                .sum();
            if kept + history.len() > KEPT {
                // Only this run's are needed to go on.
                runs.retain(|run, _| run == run_id);
            }
            runs.entry(run_id.to_owned())
                .or_default()
                .insert(key.to_owned(), history);
        }
        Ok(())
    }

    /// A run that got its last point is not asked about any more.
    pub(super) fn forget(&self, run_id: &str) {
        self.runs().remove(run_id);
    }
}

/// The same points, each once.
fn distinct(metrics: &[Metric]) -> Vec<Metric> {
    let mut seen: HashSet<(&str, Identity)> = HashSet::new();
    metrics
        .iter()
        .filter(|metric| seen.insert((&metric.key, identity(metric))))
        .cloned()
        .collect()
}

impl Client {
    /// Writes what one request takes. Those points that are there already are not written again.
    pub(super) async fn log_points(
        &self,
        there: &PointsThere,
        run_id: &str,
        metrics: &[Metric],
        params: &[KeyValue],
        tags: &[KeyValue],
    ) -> ApiResult<()> {
        let mut left = there.missing(run_id, distinct(metrics));
        let mut tries = 0;
        loop {
            if left.is_empty() && params.is_empty() && tags.is_empty() {
                return Ok(());
            }
            let sent = self.log_batch(run_id, &left, params, tags).await;
            match sent {
                Err(error) if error.is_of_database() && !left.is_empty() => {
                    there.look(self, run_id, &left).await?;
                    left = there.missing(run_id, left);
                    if tries == WHOLE {
                        break;
                    }
                    tries += 1;
                }
                settled => return settled,
            }
        }
        self.log_halved(there, run_id, left).await?;
        self.log_batch(run_id, &[], params, tags).await
    }

    /// Writes points in ever smaller pieces, down to the one that the server cannot keep.
    async fn log_halved(
        &self,
        there: &PointsThere,
        run_id: &str,
        metrics: Vec<Metric>,
    ) -> ApiResult<()> {
        let mut pieces = vec![metrics];
        while let Some(mut piece) = pieces.pop() {
            if piece.is_empty() {
                continue;
            }
            match self.log_batch(run_id, &piece, &[], &[]).await {
                Err(error) if error.is_of_database() && piece.len() > 1 => {
                    let rest = piece.split_off(piece.len() / 2);
                    pieces.extend([rest, piece]);
                }
                Err(error) if error.is_of_database() => {
                    there.look(self, run_id, &piece).await?;
                    // A database that says that it has the point already has it, however it gives it back.
                    if !error.is_taken() && !there.missing(run_id, piece).is_empty() {
                        return Err(error);
                    }
                }
                settled => settled?,
            }
        }
        Ok(())
    }
}

impl ApiError {
    /// The server's database refused it; 2.x says so of points that it has.
    fn is_of_database(&self) -> bool {
        self.code() == "BAD_REQUEST"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(key: &str, value: f64) -> Metric {
        Metric {
            key: key.to_owned(),
            value,
            timestamp: 1,
            step: 0,
        }
    }

    #[test]
    fn points_are_told_apart_as_mlflow_does() {
        let sent = [
            metric("a", f64::NAN),
            metric("a", -f64::NAN),
            metric("a", f64::INFINITY),
            metric("a", f64::MAX),
            metric("a", 0.0),
            metric("a", -0.0),
            metric("b", 0.0),
            metric("a", f64::NEG_INFINITY),
        ];
        let keys: Vec<(String, u64)> = distinct(&sent)
            .into_iter()
            .map(|metric| (metric.key, metric.value.abs().to_bits()))
            .collect();
        let (nan, infinity) = (f64::NAN.to_bits(), f64::INFINITY.to_bits());
        let expected = [
            ("a", nan),
            ("a", infinity),
            ("a", 0),
            ("b", 0),
            ("a", infinity),
        ];
        assert_eq!(keys, expected.map(|(key, bits)| (key.to_owned(), bits)));
    }

    #[test]
    fn what_was_found_is_not_missing() {
        let there = PointsThere::default();
        let found = [metric("a", f64::NAN), metric("a", f64::INFINITY)];
        there
            .runs()
            .entry("r".to_owned())
            .or_default()
            .insert("a".to_owned(), found.iter().map(identity).collect());
        let sent = vec![metric("a", f64::NAN), metric("a", 1.0), metric("b", 1.0)];
        let left = there.missing("r", sent.clone());
        assert_eq!(left, sent[1..]);
        assert_eq!(there.missing("s", sent.clone()).len(), 3);
        there.forget("r");
        assert_eq!(there.missing("r", sent).len(), 3);
    }
}
