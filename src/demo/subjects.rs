//! The six lines of work of the made-up team.

use super::curves::Shape;
use super::plan::Person;
use crate::domain::ExperimentStatus;

/// One line of work.
pub(super) struct Subject {
    pub(super) experiment: &'static str,
    pub(super) owner: Person,
    pub(super) description: &'static str,
    pub(super) team: &'static str,
    pub(super) script: &'static str,
    pub(super) families: [&'static str; 2],
    /// The first one decides which run is the best.
    pub(super) shapes: [Shape; 4],
    pub(super) runs: usize,
    pub(super) status: ExperimentStatus,
    /// When it began and when its last run did, in hours before the present.
    pub(super) span: (f64, f64),
}

const fn shape(key: &'static str, from: f64, to: f64, noise: f64, overfits: bool) -> Shape {
    Shape {
        key,
        from,
        to,
        noise,
        overfits,
    }
}

pub(super) const COUNT: usize = 6;

pub(super) const SUBJECTS: [Subject; COUNT] = [
    Subject {
        experiment: "fraud-detection",
        owner: Person::Alice,
        description: "Card fraud within 80 ms: boosted trees against a small network.",
        team: "risk",
        script: "train_fraud.py",
        families: ["lgbm", "tabnet"],
        shapes: [
            shape("val/auc", 0.62, 0.965, 0.006, false),
            shape("val/loss", 0.69, 0.16, 0.012, true),
            shape("train/loss", 0.69, 0.09, 0.008, false),
            shape("recall_at_1pct", 0.20, 0.81, 0.012, false),
        ],
        runs: 62,
        status: ExperimentStatus::Active,
        span: (1_400.0, 3.0),
    },
    Subject {
        experiment: "churn-prediction",
        owner: Person::Bob,
        description: "Who leaves within 30 days, scored every night.",
        team: "growth",
        script: "churn/train.py",
        families: ["catboost", "logreg"],
        shapes: [
            shape("val/auc", 0.58, 0.871, 0.007, false),
            shape("val/loss", 0.66, 0.31, 0.010, true),
            shape("train/loss", 0.66, 0.24, 0.007, false),
            shape("precision", 0.31, 0.74, 0.010, false),
        ],
        runs: 48,
        status: ExperimentStatus::Active,
        span: (1_300.0, 20.0),
    },
    Subject {
        experiment: "demand-forecast",
        owner: Person::Carol,
        description: "Pallets a store needs, two weeks ahead.",
        team: "logistics",
        script: "forecast.py",
        families: ["nbeats", "prophet"],
        shapes: [
            shape("val/rmse", 41.0, 11.2, 0.55, true),
            shape("val/mae", 33.0, 7.9, 0.40, true),
            shape("train/loss", 1.9, 0.22, 0.02, false),
            shape("coverage", 0.55, 0.93, 0.008, false),
        ],
        runs: 46,
        status: ExperimentStatus::Active,
        span: (1_250.0, 9.0),
    },
    Subject {
        experiment: "ticket-triage",
        owner: Person::Dan,
        description: "Routes support tickets in five languages.",
        team: "support",
        script: "finetune.py",
        families: ["distilbert", "xlm-r"],
        shapes: [
            shape("val/f1", 0.34, 0.892, 0.008, false),
            shape("val/loss", 1.92, 0.38, 0.03, true),
            shape("train/loss", 1.95, 0.17, 0.02, false),
            shape("perplexity", 48.0, 9.5, 0.6, false),
        ],
        runs: 54,
        status: ExperimentStatus::Active,
        span: (1_100.0, 5.0),
    },
    Subject {
        experiment: "defect-vision",
        owner: Person::Alice,
        description: "Scratches and dents on the line, from one camera.",
        team: "plant",
        script: "vision/fit.py",
        families: ["resnet", "vit"],
        shapes: [
            shape("val/accuracy", 0.41, 0.984, 0.006, false),
            shape("val/loss", 1.10, 0.07, 0.015, true),
            shape("train/loss", 1.12, 0.03, 0.010, false),
            shape("latency_ms", 38.0, 31.0, 0.7, false),
        ],
        runs: 52,
        status: ExperimentStatus::Active,
        span: (900.0, 2.0),
    },
    Subject {
        experiment: "credit-scoring",
        owner: Person::Carol,
        description: "Scorecard for small loans; replaced the table of 2019.",
        team: "risk",
        script: "score.py",
        families: ["scorecard", "gbm"],
        shapes: [
            shape("val/gini", 0.22, 0.612, 0.006, false),
            shape("val/loss", 0.64, 0.39, 0.008, true),
            shape("train/loss", 0.64, 0.35, 0.006, false),
            shape("lift", 1.2, 2.9, 0.03, false),
        ],
        runs: 38,
        status: ExperimentStatus::Completed,
        span: (1_440.0, 500.0),
    },
];
