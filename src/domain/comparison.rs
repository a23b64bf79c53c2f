//! Runs side by side: metric by metric with the best marked, and the params that differ.

use super::{ExperimentName, Key, MetricDirections, ModelRun, RunId, RunStatus, number::Number};
use serde::Serialize;
use std::collections::BTreeSet;

/// Runs, metric by metric and param by param, always in the order of `runs`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunComparison {
    pub runs: Vec<ComparedRun>,
    pub metrics: Vec<ComparedMetric>,
    pub params: Vec<ComparedParam>,
}

/// What tells one of the runs from the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedRun {
    pub run_id: RunId,
    pub name: String,
    pub experiment_name: ExperimentName,
    pub status: RunStatus,
}

/// The latest value of one metric in each run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedMetric {
    pub metric: Key,
    pub lower_is_better: bool,
    /// `None` where a run has no such metric.
    pub values: Vec<Option<Number>>,
    /// The runs with the best value.
    pub best: Vec<RunId>,
}

/// One param in each run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedParam {
    pub param: Key,
    /// `None` where a run has no such param.
    pub values: Vec<Option<String>>,
    pub differs: bool,
}

impl RunComparison {
    /// Compares by every metric and param that any of the runs has.
    pub fn of(runs: &[ModelRun], directions: &MetricDirections) -> Self {
        let metric_keys: BTreeSet<&Key> = runs.iter().flat_map(|run| run.metrics.keys()).collect();
        let param_keys: BTreeSet<&Key> = runs.iter().flat_map(|run| run.params.keys()).collect();
        let metrics = metric_keys.into_iter().map(|key| {
            let values: Vec<Option<f64>> = runs
                .iter()
                .map(|run| run.metrics.get(key).map(|point| point.value))
                .collect();
            ComparedMetric {
                metric: key.clone(),
                lower_is_better: directions.lower_is_better(key.as_str()),
                best: directions
                    .best(key, &values)
                    .into_iter()
                    .map(|at| runs[at].run_id.clone())
                    .collect(),
                values: values.into_iter().map(|value| value.map(Number)).collect(),
            }
        });
        let params = param_keys.into_iter().map(|key| {
            let values: Vec<Option<String>> = runs
                .iter()
                .map(|run| run.params.get(key).cloned())
                .collect();
            ComparedParam {
                param: key.clone(),
                differs: values.windows(2).any(|pair| pair[0] != pair[1]),
                values,
            }
        });
        Self {
            metrics: metrics.collect(),
            params: params.collect(),
            runs: runs
                .iter()
                .map(|run| ComparedRun {
                    run_id: run.run_id.clone(),
                    name: run.name.clone(),
                    experiment_name: run.experiment_name.clone(),
                    status: run.status,
                })
                .collect(),
        }
    }
}
