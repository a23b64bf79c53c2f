//! What lies on the stage: experiments, runs and a curve that are the same on every day.

use super::now;
use jiff::SignedDuration;
use modeldeck::domain::{
    ChartBucket, ExperimentName, ExperimentStatus, Key, MetricChart, MetricPoint, ModelExperiment,
    ModelRun, Revision, RunId, RunSource, RunStatus,
};
use std::collections::BTreeMap;

pub(crate) fn experiments() -> Vec<ModelExperiment> {
    ["fraud", "churn", "価格予測"]
        .into_iter()
        .enumerate()
        .map(|(nth, name)| ModelExperiment {
            name: ExperimentName::new(name).unwrap(),
            description: format!("All about {name}"),
            owner: "alice".to_owned(),
            status: ExperimentStatus::ALL[nth % 3],
            tags: BTreeMap::from([(Key::new("team").unwrap(), "risk".to_owned())]),
            created_at: now() - SignedDuration::from_hours(50),
            updated_at: now() - SignedDuration::from_mins(4),
            revision: Revision::FIRST,
        })
        .collect()
}

/// Runs of two experiments, newest first.
pub(crate) fn runs(count: usize) -> Vec<ModelRun> {
    (0..count).map(run).collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn run(nth: usize) -> ModelRun {
    let started = now() - SignedDuration::from_mins(i64::try_from(nth).unwrap() * 3 + 1);
    let status = [
        RunStatus::Running,
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Killed,
    ][nth % 4];
    let point = |value| MetricPoint {
        value,
        step: 199,
        timestamp: started,
    };
    ModelRun {
        run_id: RunId::new(&format!("run-{nth:06}")).unwrap(),
        experiment_name: ExperimentName::new(["fraud", "churn"][nth % 2]).unwrap(),
        name: match nth {
            3 => "価格-予測-モデル-とても長い名前".to_owned(),
            5 => "\u{1b}[2Jevil".to_owned(),
            nth => format!("lgbm-{nth}"),
        },
        status,
        params: BTreeMap::from([(Key::new("lr").unwrap(), format!("0.0{}", nth % 10))]),
        metrics: BTreeMap::from([
            (
                Key::new("val/auc").unwrap(),
                point(0.9 - (nth % 100) as f64 / 1_000.0),
            ),
            (
                Key::new("loss").unwrap(),
                point(if nth == 7 {
                    f64::NAN
                } else {
                    0.2 + (nth % 7) as f64 / 10.0
                }),
            ),
        ]),
        tags: BTreeMap::new(),
        artifacts: Vec::new(),
        source: RunSource {
            command: Some("python3 train.py".to_owned()),
            host: Some("gpu-07".to_owned()),
            ..RunSource::default()
        },
        created_at: started,
        started_at: Some(started),
        ended_at: status
            .is_final()
            .then_some(started + SignedDuration::from_secs(65)),
        heartbeat_at: Some(started),
        mlflow: None,
        updated_at: started,
        revision: Revision::FIRST,
    }
}

/// A falling curve with one spike and a NaN.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(super) fn chart(metric: Key) -> MetricChart {
    let buckets = (0..40).map(|step: i64| {
        let value = 1.0 / (1.0 + step as f64 * 0.2);
        let point = MetricPoint {
            value: match step {
                20 => f64::NAN,
                30 => 0.9,
                _ => value,
            },
            step,
            timestamp: now(),
        };
        ChartBucket::of(&point)
    });
    MetricChart::reduce(metric, buckets, 40)
}
