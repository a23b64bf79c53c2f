//! What earlier imports brought, told to a source that pays for each history it reads.
//!
//! It says what is here; whether that is all that the source has is for the source to judge.

use super::merge::Base;
use crate::domain::RunId;
use crate::service::core::Core;
use crate::store::Result;
use crate::store::import::{SeenRun, SeenRuns};
use async_trait::async_trait;
use std::collections::HashMap;

pub(super) struct Seen<'a> {
    pub(super) core: &'a Core,
    /// Everything is to be read anew.
    pub(super) whole: bool,
}

#[async_trait]
impl SeenRuns for Seen<'_> {
    async fn seen(&self, ids: &[String]) -> Result<HashMap<String, SeenRun>> {
        if self.whole {
            return Ok(HashMap::new());
        }
        let ids: Vec<RunId> = ids.iter().filter_map(|id| RunId::new(id).ok()).collect();
        let known = self.core.store.known_runs(&ids, 0).await?;
        let seen = known.into_iter().filter_map(|known| {
            let ended_at = known.run.ended_at?;
            let is_over = known.run.status.is_final() && Base::of(&known.imports).made_it;
            is_over.then(|| {
                let counts = known.histories.values().map(|history| history.count);
                let latest = known.run.metrics.into_iter();
                let seen = SeenRun {
                    ended_at: ended_at.as_millisecond(),
                    latest: latest
                        .map(|(key, point)| (key.as_str().to_owned(), point))
                        .collect(),
                    longest: counts.max().unwrap_or(0),
                };
                (known.run.run_id.as_str().to_owned(), seen)
            })
        });
        Ok(seen.collect())
    }
}
