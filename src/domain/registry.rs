//! Registered versions of models, their stages, and how versions compare.

use super::{
    Alias, ApprovalState, Artifact, Decision, DeploymentChecklistItem, Key, MetricDirections,
    ModelName, Params, Revision, RunId, Subject, Tags, Version, number, vocabulary::vocabulary,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

vocabulary! {
    /// The registry's word for how far a version is; never to be mixed with the environment of a deployment.
    pub enum Stage ("stage") {
        None = "None",
        Staging = "Staging",
        Production = "Production",
        Archived = "Archived",
    }
}

vocabulary! {
    /// What is not in order about a version that is shown in Production: only a store that others change around modeldeck can find any.
    pub enum StageWarning ("stage warning") {
        /// It is there without having gone through the gate.
        Ungated = "UNGATED",
        /// Other versions of the model are there too.
        Split = "SPLIT",
        /// Both.
        UngatedSplit = "UNGATED_SPLIT",
        /// A store that mirrors itself to this server put it there, which approved it by its own rules.
        Mirrored = "MIRRORED",
    }
}

impl StageWarning {
    /// The same in a sentence.
    pub const fn told(self) -> &'static str {
        match self {
            Self::Ungated => {
                "somebody put it into Production on the server, around modeldeck's gate"
            }
            Self::Split => "several versions of this model are in Production on the server",
            Self::UngatedSplit => {
                "somebody put it into Production on the server, around modeldeck's gate, and other versions of this model are there too"
            }
            Self::Mirrored => {
                "approved in the store that mirrors itself here, which put it into Production; not in this server's own ledger"
            }
        }
    }
}

/// One registered version. What is derived (`approval` and the three fields after it) is filled in by the service,
/// which knows the policy; stores leave it at its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    pub model_name: ModelName,
    pub version: Version,
    pub stage: Stage,
    /// Found by the store when the version is read, and never written.
    pub stage_warning: Option<StageWarning>,
    pub aliases: BTreeSet<Alias>,
    pub run_id: Option<RunId>,
    /// Where the model's files are; shown, never opened.
    pub source: Option<String>,
    #[serde(with = "number::map")]
    pub metrics: BTreeMap<Key, f64>,
    pub params: Params,
    pub tags: Tags,
    pub description: String,
    pub registered_by: String,
    /// The files of the run it was registered from, without the captured output; read with the version, not stored with it.
    pub artifacts: Vec<Artifact>,
    pub checklist: Vec<DeploymentChecklistItem>,
    pub decisions: Vec<Decision>,
    pub approval: ApprovalState,
    pub approved_by: Option<String>,
    pub approved_at: Option<Timestamp>,
    pub approval_notes: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

impl ModelVersion {
    /// What an approval of this version covers, as a digest.
    pub fn subject(&self) -> Subject {
        Subject::of(self)
    }

    /// `fraud 7`.
    pub fn label(&self) -> String {
        format!("{} {}", self.model_name, self.version)
    }
}

/// Orders versions as people count: `9` before `10`, `1.2.9` before `1.2.10`.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.is_empty(), b.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (digits_a, digits_b) = (
            leading(a, |c| c.is_ascii_digit()),
            leading(b, |c| c.is_ascii_digit()),
        );
        let order = if digits_a > 0 && digits_b > 0 {
            let (x, y) = (
                a[..digits_a].trim_start_matches('0'),
                b[..digits_b].trim_start_matches('0'),
            );
            let order = x
                .len()
                .cmp(&y.len())
                .then_with(|| x.cmp(y))
                .then_with(|| digits_a.cmp(&digits_b));
            (a, b) = (&a[digits_a..], &b[digits_b..]);
            order
        } else {
            let (text_a, text_b) = (
                leading(a, |c| !c.is_ascii_digit()),
                leading(b, |c| !c.is_ascii_digit()),
            );
            let order = a[..text_a].cmp(&b[..text_b]);
            (a, b) = (&a[text_a..], &b[text_b..]);
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn leading(text: &str, is_in: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_in(c)).unwrap_or(text.len())
}

/// Versions of one model, metric by metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionComparison {
    pub model_name: ModelName,
    pub versions: Vec<Version>,
    pub metrics: Vec<MetricComparison>,
}

/// One metric across versions, in the order of [`VersionComparison::versions`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricComparison {
    pub metric: Key,
    pub lower_is_better: bool,
    /// `None` where a version has no such metric.
    pub values: Vec<Option<number::Number>>,
    /// The versions with the best value.
    pub best: Vec<Version>,
}

impl VersionComparison {
    /// Compares by every metric that any of the versions has.
    pub fn of(
        model_name: ModelName,
        versions: &[ModelVersion],
        directions: &MetricDirections,
    ) -> Self {
        let keys: BTreeSet<&Key> = versions
            .iter()
            .flat_map(|version| version.metrics.keys())
            .collect();
        let metrics = keys
            .into_iter()
            .map(|key| {
                let values: Vec<Option<f64>> = versions
                    .iter()
                    .map(|version| version.metrics.get(key).copied())
                    .collect();
                MetricComparison {
                    metric: key.clone(),
                    lower_is_better: directions.lower_is_better(key.as_str()),
                    best: directions
                        .best(key, &values)
                        .into_iter()
                        .map(|at| versions[at].version.clone())
                        .collect(),
                    values: values
                        .into_iter()
                        .map(|value| value.map(number::Number))
                        .collect(),
                }
            })
            .collect();
        Self {
            model_name,
            versions: versions
                .iter()
                .map(|version| version.version.clone())
                .collect(),
            metrics,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_counted_as_people_count() {
        for (a, b) in [
            ("9", "10"),
            ("1.2.9", "1.2.10"),
            ("v1", "v2"),
            ("1", "1.0"),
            ("007", "8"),
            ("1-rc1", "1-rc2"),
        ] {
            assert_eq!(natural_order(a, b), Ordering::Less, "{a} {b}");
            assert_eq!(natural_order(b, a), Ordering::Greater, "{b} {a}");
        }
        assert_eq!(natural_order("1.0", "1.0"), Ordering::Equal);
    }
}
