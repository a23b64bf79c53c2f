//! Drift events: a measure that moved away from its baseline, counted while it lasts.

use super::{
    DriftEventId, Environment, Key, MetricDirections, ModelName, Revision, Version, number,
    vocabulary::vocabulary,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// How bad a drift is.
    pub enum Severity ("severity") {
        Low = "LOW",
        Medium = "MEDIUM",
        High = "HIGH",
        Critical = "CRITICAL",
    }
}

vocabulary! {
    /// Where a drift event stands.
    pub enum DriftState ("drift state") {
        Open = "OPEN",
        Acknowledged = "ACKNOWLEDGED",
        Resolved = "RESOLVED",
    }
}

impl DriftState {
    /// The states that may follow this one. A resolved event stays resolved; the next record opens another.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Open => &[Self::Acknowledged, Self::Resolved],
            Self::Acknowledged => &[Self::Resolved],
            Self::Resolved => &[],
        }
    }
}

/// A measure that moved. While an event is OPEN or ACKNOWLEDGED, recording the same model, version, environment and metric
/// again counts on it instead of making another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftEvent {
    pub event_id: DriftEventId,
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Option<Environment>,
    /// A performance metric (`accuracy`), or a feature and a measure (`age/psi`).
    pub metric: Key,
    #[serde(with = "number")]
    pub baseline: f64,
    /// The value of the last record.
    #[serde(with = "number")]
    pub observed: f64,
    /// How far it moved, for a performance metric the relative loss.
    #[serde(with = "number")]
    pub score: f64,
    pub threshold: Option<f64>,
    pub baseline_size: Option<u64>,
    pub observed_size: Option<u64>,
    /// The worst severity recorded so far.
    pub severity: Severity,
    pub state: DriftState,
    /// How often it was recorded.
    pub count: u64,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub note: Option<String>,
    pub decided_by: Option<String>,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

/// From which relative loss on a performance event has which severity; below `medium` it is LOW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SeverityThresholds {
    pub medium: f64,
    pub high: f64,
    pub critical: f64,
}

impl Default for SeverityThresholds {
    fn default() -> Self {
        Self {
            medium: 0.05,
            high: 0.10,
            critical: 0.20,
        }
    }
}

/// The share of the baseline that was lost: positive is worse, in the direction of the metric.
///
/// Against a baseline of zero any loss counts as whole (1), and a value that is no number as infinite.
pub fn relative_loss(
    metric: &Key,
    baseline: f64,
    observed: f64,
    directions: &MetricDirections,
) -> f64 {
    let worse = if directions.lower_is_better(metric.as_str()) {
        observed - baseline
    } else {
        baseline - observed
    };
    if worse.is_nan() {
        return f64::INFINITY;
    }
    if baseline == 0.0 {
        return if worse > 0.0 { 1.0 } else { 0.0 };
    }
    worse / baseline.abs()
}

/// Whether a record says that a performance metric became better. A measure of distance (`age/psi`) has no better.
pub fn is_improvement(
    metric: &Key,
    baseline: f64,
    observed: f64,
    directions: &MetricDirections,
) -> bool {
    thresholds_of(metric).is_none() && relative_loss(metric, baseline, observed, directions) < 0.0
}

impl SeverityThresholds {
    /// The severity of a relative loss; each threshold belongs to the severity above it.
    pub fn severity(&self, loss: f64) -> Severity {
        // 0.90 against 0.81 is a loss of 0.0999…98 in binary; people mean 10 %.
        let loss = loss + 1e-9;
        if loss >= self.critical {
            Severity::Critical
        } else if loss >= self.high {
            Severity::High
        } else if loss >= self.medium {
            Severity::Medium
        } else {
            Severity::Low
        }
    }
}

/// Measures of how far a distribution moved, and from where a value of each is MEDIUM, HIGH and CRITICAL.
///
/// The PSI row is the field's convention; the others are chosen so that the same shift of a normal distribution has the
/// same severity under each (half a standard deviation is MEDIUM, a whole one CRITICAL).
const MEASURES: &[(&str, SeverityThresholds)] = &[
    (
        "psi",
        SeverityThresholds {
            medium: 0.20,
            high: 0.25,
            critical: 0.50,
        },
    ),
    (
        "js",
        SeverityThresholds {
            medium: 0.15,
            high: 0.22,
            critical: 0.30,
        },
    ),
    (
        "ks",
        SeverityThresholds {
            medium: 0.15,
            high: 0.20,
            critical: 0.30,
        },
    ),
    (
        "wasserstein",
        SeverityThresholds {
            medium: 0.30,
            high: 0.50,
            critical: 1.0,
        },
    ),
];

/// The thresholds of a measure of distance; `None` for a performance metric.
fn thresholds_of(metric: &Key) -> Option<&'static SeverityThresholds> {
    let measure = metric
        .as_str()
        .rsplit(['/', '.', '_', ' '])
        .next()
        .unwrap_or_default()
        .to_lowercase();
    let known = MEASURES.iter().find(|(name, _)| *name == measure);
    known.map(|(_, thresholds)| thresholds)
}

/// Judges a record: its score and the severity that follows from it.
///
/// For a feature and a measure (`age/psi`) the score is the observed value of the measure; for everything else, which is
/// performance, it is the relative loss.
pub fn judge(
    metric: &Key,
    baseline: f64,
    observed: f64,
    directions: &MetricDirections,
    performance: &SeverityThresholds,
) -> (f64, Severity) {
    if let Some(thresholds) = thresholds_of(metric) {
        let value = if observed.is_nan() {
            f64::INFINITY
        } else {
            observed
        };
        (observed, thresholds.severity(value))
    } else {
        let loss = relative_loss(metric, baseline, observed, directions);
        (loss, performance.severity(loss))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_the_relative_loss() {
        let (thresholds, directions) = (SeverityThresholds::default(), MetricDirections::default());
        let cases = [
            ("accuracy", 0.90, 0.89, Severity::Low),
            ("accuracy", 0.90, 0.95, Severity::Low),
            ("accuracy", 1.00, 0.95, Severity::Medium),
            ("accuracy", 0.90, 0.81, Severity::High),
            ("accuracy", 0.90, 0.72, Severity::Critical),
            ("rmse", 1.0, 1.2, Severity::Critical),
            ("rmse", 1.0, 0.5, Severity::Low),
            ("accuracy", 0.9, f64::NAN, Severity::Critical),
            ("loss", 0.0, 0.1, Severity::Critical),
        ];
        for (metric, baseline, observed, severity) in cases {
            let loss = relative_loss(&Key::new(metric).unwrap(), baseline, observed, &directions);
            assert_eq!(
                thresholds.severity(loss),
                severity,
                "{metric} {baseline} -> {observed} ({loss})"
            );
        }
    }

    #[test]
    fn a_measure_of_a_feature_is_judged_by_its_own_scale() {
        let (thresholds, directions) = (SeverityThresholds::default(), MetricDirections::default());
        let cases = [
            ("age/psi", 0.05, Severity::Low),
            ("age/psi", 0.22, Severity::Medium),
            ("age/ks", 0.25, Severity::High),
            ("income_psi", 0.7, Severity::Critical),
        ];
        for (metric, observed, severity) in cases {
            let (score, judged) = judge(
                &Key::new(metric).unwrap(),
                0.0,
                observed,
                &directions,
                &thresholds,
            );
            assert_eq!((score, judged), (observed, severity), "{metric} {observed}");
        }
    }
}
