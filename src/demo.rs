//! A made-up team's two months of work, told through the service: for `modeldeck demo`, for the README's pictures and for tests.
//!
//! Everything goes through the same operations and rules as real work, only the clock goes back in time. For one seed and one present
//! moment the same store comes out, ids and times included, on every machine. Knows no terminal and no command line.

mod chance;
mod curves;
mod experiments;
mod home;
mod models;
mod plan;
mod serving;
mod simulation;
mod subjects;

pub use home::DemoHome;
pub use simulation::{LiveRun, simulate};

use crate::domain::Identity;
use crate::service::{Clock, ModelLifecycleService, Result, ServiceOptions};
use chance::Chance;
use jiff::Timestamp;
use plan::{Person, Plan};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What was made up.
#[derive(Debug, Clone)]
pub struct Filled {
    pub experiments: usize,
    pub runs: usize,
    /// The runs that are RUNNING and go on in [`simulate`].
    pub live: Vec<LiveRun>,
}

/// A clock that stands where it is put.
#[derive(Debug, Clone)]
struct DemoTime(Arc<AtomicI64>);

impl DemoTime {
    fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.as_microsecond())))
    }

    fn set(&self, at: Timestamp) {
        self.0.store(at.as_microsecond(), Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let at = Arc::clone(&self.0);
        Clock::new(move || {
            Timestamp::from_microsecond(at.load(Ordering::SeqCst))
                .expect("only timestamps are put in")
        })
    }
}

/// Makes a store at `path`, which must not be there yet, and fills it with what happened until `now`.
pub async fn fill(path: &Path, now: Timestamp, seed: u64) -> Result<Filled> {
    let time = DemoTime::at(now);
    let service = ModelLifecycleService::open(ServiceOptions {
        identity: Person::Alice.identity(),
        clock: time.clock(),
        ..ServiceOptions::local(path)
    })
    .await?;
    let mut chance = Chance::new(seed);
    let mut plan = Plan::new(now);
    let trained = experiments::plan(&mut plan, &mut chance);
    let versions = models::plan(&mut plan, &mut chance, &trained);
    serving::plan(&mut plan, &mut chance, &versions);
    let filled = Filled {
        experiments: subjects::COUNT,
        runs: trained.runs.len(),
        live: trained.live,
    };
    plan.carry_out(&service, &time).await?;
    Ok(filled)
}

impl Person {
    fn identity(self) -> Identity {
        let (user, host) = match self {
            Self::Alice => ("alice", "gpu-07"),
            Self::Bob => ("bob", "gpu-02"),
            Self::Carol => ("carol", "ws-carol"),
            Self::Dan => ("dan", "gpu-11"),
        };
        Identity::new(user, host)
    }
}

#[cfg(test)]
mod tests;
