//! Whether anything changed: one cheap question now and then, whoever asks how often.
//!
//! MLflow has no counter of changes, so what is likely to change is looked at. One search brings it: the runs that have not finished, the ledger's own among them. The ledger's head is
//! a SCHEDULED run, which this order puts first, so it stands for all that goes through modeldeck, and the runs under way, with their newest points, for training scripts. A run that a script both begins
//! and ends between two beats is in none of these, so every fifth question is for the newest run instead; and while there is no ledger, another is for that.
//!
//! A slow server is asked less often, and so is one where nothing happens for a while.

use super::api::RunSearch;
use super::dto::Run;
use super::error::During as _;
use super::ledger::RESERVED;
use super::store::MlflowStore;
use crate::store::{ChangeToken, Result};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

/// The shortest time between two questions.
const BEAT: Duration = Duration::from_secs(2);
/// A question may take this part of the time between two.
const SHARE: u32 = 10;
/// After so many questions without a change they come half as often.
const QUIET: u32 = 60;
/// How many runs are looked at.
const RUNS: usize = 20;

/// What was seen last.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    asked: Option<Instant>,
    took: Duration,
    beat: usize,
    quiet: u32,
    under_way: Option<u64>,
    newest: Option<u64>,
    head: Option<String>,
    writes: u64,
    changes: u64,
}

impl Pulse {
    fn is_due(&self) -> bool {
        let calm = if self.quiet > QUIET { 2 } else { 1 };
        self.asked
            .is_none_or(|asked| asked.elapsed() >= (BEAT * calm).max(self.took * SHARE))
    }
}

/// Remembers what is seen now, and tells whether it was something else before.
fn moved<T: PartialEq>(before: &mut Option<T>, now: T) -> bool {
    let moved = before.as_ref().is_some_and(|before| *before != now);
    *before = Some(now);
    moved
}

impl MlflowStore {
    pub(super) async fn feel_pulse(&self) -> Result<ChangeToken> {
        let mut pulse = self.pulse.lock().await;
        let writes = self.seen().writes;
        let wrote = writes != pulse.writes;
        if wrote || pulse.is_due() {
            let began = Instant::now();
            let moved = self.look(&mut pulse, wrote).await?;
            // An own write changed the picture itself; it is told once.
            if wrote || moved {
                pulse.changes += 1;
                pulse.quiet = 0;
                self.seen().changes = pulse.changes;
            } else {
                pulse.quiet = pulse.quiet.saturating_add(1);
            }
            pulse.writes = writes;
            pulse.took = began.elapsed();
            pulse.asked = Some(began);
        }
        Ok(ChangeToken(pulse.changes))
    }

    /// One question, and whether its answer is another one than before.
    async fn look(&self, pulse: &mut Pulse, wrote: bool) -> Result<bool> {
        if self.seen().experiments.is_empty() {
            self.known_experiments().await?;
        }
        let is_first = pulse.asked.is_none();
        let has_ledger = self.ledger.lock().await.place().is_some();
        pulse.beat += 1;
        let mut moved_now = false;
        match pulse.beat % 5 {
            _ if wrote => moved_now |= moved(&mut pulse.under_way, self.under_way().await?),
            4 => moved_now |= moved(&mut pulse.newest, self.newest().await?),
            2 if !has_ledger => drop(self.ledger().await?),
            _ => moved_now |= moved(&mut pulse.under_way, self.under_way().await?),
        }
        if is_first && !has_ledger {
            drop(self.ledger().await?);
        }
        let head = self.ledger.lock().await.state.head.clone();
        Ok(moved(&mut pulse.head, head) || moved_now)
    }

    fn search_of(&self, order_by: &[&str]) -> RunSearch {
        let experiments = &self.seen().experiments;
        RunSearch {
            experiment_ids: experiments
                .iter()
                .filter(|(_, name)| !name.starts_with(RESERVED))
                .map(|(id, _)| id.clone())
                .collect(),
            filter: String::new(),
            order_by: order_by.iter().map(|&order| order.to_owned()).collect(),
        }
    }

    /// A digest of the runs that have not finished; the ledger is read to its head on the way.
    async fn under_way(&self) -> Result<u64> {
        let mut search = self.search_of(&["attributes.status DESC", "attributes.start_time DESC"]);
        "attributes.status != 'FINISHED'".clone_into(&mut search.filter);
        let place = self.ledger.lock().await.place();
        search
            .experiment_ids
            .extend(place.iter().map(|(experiment_id, _)| experiment_id.clone()));
        let began = Instant::now();
        let (mut runs, _) = self
            .client
            .search_runs(&search, RUNS + 1, None)
            .await
            .during("looking for changes")?;
        if let Some((experiment_id, head)) = place {
            let mut ledger = self.ledger.lock().await;
            let is_read = match runs.iter().find(|run| run.info.run_id == head) {
                Some(run) => ledger.take_head(&self.client, run, began)?,
                None => false,
            };
            if !is_read {
                ledger.read(&self.client, Instant::now()).await?;
            }
            runs.retain(|run| run.info.experiment_id != experiment_id);
        }
        Ok(digest(&runs))
    }

    async fn newest(&self) -> Result<u64> {
        let search = self.search_of(&["attributes.start_time DESC"]);
        let (runs, _) = self
            .client
            .search_runs(&search, 1, None)
            .await
            .during("looking for changes")?;
        Ok(digest(&runs))
    }
}

/// What of runs is likely to move.
fn digest(runs: &[Run]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for run in runs {
        (&run.info.run_id, &run.info.status, run.info.end_time).hash(&mut hasher);
        for metric in &run.data.metrics {
            let value = metric.value.to_bits();
            (&metric.key, metric.step, metric.timestamp, value).hash(&mut hasher);
        }
        for tag in &run.data.tags {
            (&tag.key, &tag.value).hash(&mut hasher);
        }
    }
    hasher.finish()
}
