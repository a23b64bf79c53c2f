//! Whether anything changed: one cheap question now and then, whoever asks how often.
//!
//! MLflow has no counter of changes, so the ledger's head stands for all that goes through modeldeck, and the runs that are under way, with the newest
//! one, for training scripts. A slow server is asked less often.

use super::api::RunSearch;
use super::error::During as _;
use super::store::MlflowStore;
use crate::store::{ChangeToken, Result};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

/// The shortest time between two questions.
const BEAT: Duration = Duration::from_secs(2);
/// A question may take this part of the time between two.
const SHARE: u32 = 10;
/// How many runs are looked at.
const RUNS: usize = 20;

/// What was seen last.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    asked: Option<Instant>,
    took: Duration,
    glimpse: u64,
    writes: u64,
    changes: u64,
}

impl MlflowStore {
    pub(super) async fn feel_pulse(&self) -> Result<ChangeToken> {
        let mut pulse = self.pulse.lock().await;
        let writes = self.seen().writes;
        let wrote = writes != pulse.writes;
        let is_due = pulse
            .asked
            .is_none_or(|asked| asked.elapsed() >= BEAT.max(pulse.took * SHARE));
        if wrote || is_due {
            let began = Instant::now();
            let glimpse = self.glimpse().await?;
            // An own write changed the picture itself; it is told once.
            if wrote || (pulse.asked.is_some() && glimpse != pulse.glimpse) {
                pulse.changes += 1;
                self.seen().changes = pulse.changes;
            }
            pulse.glimpse = glimpse;
            pulse.writes = writes;
            pulse.took = began.elapsed();
            pulse.asked = Some(began);
        }
        Ok(ChangeToken(pulse.changes))
    }

    /// A digest of what is likely to change.
    async fn glimpse(&self) -> Result<u64> {
        let doing = "looking for changes";
        let mut hasher = DefaultHasher::new();
        let known = self.seen().experiments.len();
        if known == 0 {
            self.known_experiments().await?;
        }
        let experiment_ids = self
            .seen()
            .experiments
            .iter()
            .filter(|(_, name)| !name.starts_with(super::ledger::RESERVED))
            .map(|(id, _)| id.clone())
            .collect();
        let mut search = RunSearch {
            experiment_ids,
            ..RunSearch::default()
        };
        let (newest, _) = self
            .client
            .search_runs(&search, 1, None)
            .await
            .during(doing)?;
        "attributes.status = 'RUNNING'".clone_into(&mut search.filter);
        let (running, _) = self
            .client
            .search_runs(&search, RUNS, None)
            .await
            .during(doing)?;
        for run in newest.iter().chain(&running) {
            (&run.info.run_id, &run.info.status, run.info.end_time).hash(&mut hasher);
            for metric in &run.data.metrics {
                (
                    &metric.key,
                    metric.step,
                    metric.timestamp,
                    metric.value.to_bits(),
                )
                    .hash(&mut hasher);
            }
            for tag in &run.data.tags {
                (&tag.key, &tag.value).hash(&mut hasher);
            }
        }
        self.ledger().await?.state.head.hash(&mut hasher);
        Ok(hasher.finish())
    }
}
