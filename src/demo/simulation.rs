//! Trainings that go on while somebody watches.

use super::chance::Chance;
use super::curves::Curve;
use crate::domain::{Key, MetricPoint, RunId, number};
use crate::service::ModelLifecycleService;
use crate::store::SeriesBatch;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often a training tells of a step.
const STEP: Duration = Duration::from_millis(300);

/// A run that is RUNNING.
#[derive(Debug, Clone)]
pub struct LiveRun {
    pub run_id: RunId,
    pub(super) curves: Vec<Curve>,
    pub(super) next_step: i64,
}

/// Goes on with the runs until it is dropped. What the store does not take is left out: it is only a demo.
pub async fn simulate(service: ModelLifecycleService, mut live: Vec<LiveRun>, seed: u64) {
    let mut chance = Chance::new(seed);
    let mut steps = tokio::time::interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        for run in &mut live {
            steps.tick().await;
            if let Err(error) = next_step(&service, run, &mut chance).await {
                tracing::warn!(%error, "a simulated step was not recorded");
            }
        }
    }
}

async fn next_step(
    service: &ModelLifecycleService,
    run: &mut LiveRun,
    chance: &mut Chance,
) -> crate::service::Result<()> {
    let (step, timestamp) = (run.next_step, service.clock().now());
    run.next_step += 1;
    let mut said = format!("step {step:>3}");
    let batches: Vec<SeriesBatch> = run
        .curves
        .iter()
        .map(|curve| {
            let value = curve.value(step, chance);
            said.push_str("  ");
            said.push_str(curve.key);
            said.push(' ');
            said.push_str(&number::short(value));
            SeriesBatch {
                run_id: run.run_id.clone(),
                key: Key::trusted(curve.key),
                points: vec![MetricPoint {
                    value,
                    step,
                    timestamp,
                }],
            }
        })
        .collect();
    service.runs().append(&batches).await?;
    said.push('\n');
    service
        .runs()
        .append_output(&run.run_id, said.as_bytes())
        .await
}
