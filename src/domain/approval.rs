//! Checklists, decisions, and the gate before Production.

use super::{ItemName, ModelVersion, Policy, vocabulary::vocabulary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

vocabulary! {
    /// Where a checklist item stands.
    pub enum ChecklistStatus ("checklist status") {
        Pending = "PENDING",
        Approved = "APPROVED",
        Rejected = "REJECTED",
    }
}

vocabulary! {
    /// What an approver decided.
    pub enum Verdict ("verdict") {
        Approved = "APPROVED",
        Rejected = "REJECTED",
    }
}

vocabulary! {
    /// How a version stands with its approvers; derived by [`ModelVersion::derive_approval`].
    pub enum ApprovalState ("approval state") {
        /// Nobody asked for anything: no checklist, no decision.
        None = "NONE",
        Pending = "PENDING",
        Approved = "APPROVED",
        Rejected = "REJECTED",
        /// It was decided on, but the subject changed since.
        Stale = "STALE",
    }
}

/// Something to be shown before a version may go on. Names are unique on a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentChecklistItem {
    pub name: ItemName,
    pub required: bool,
    pub status: ChecklistStatus,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub note: Option<String>,
}

/// Makes a checklist of required items that all have one status.
pub fn build_checklist(
    items: impl IntoIterator<Item = ItemName>,
    default_status: ChecklistStatus,
) -> Vec<DeploymentChecklistItem> {
    items
        .into_iter()
        .map(|name| DeploymentChecklistItem {
            name,
            required: true,
            status: default_status,
            decided_by: None,
            decided_at: None,
            note: None,
        })
        .collect()
}

/// The digest of exactly what an approver approves: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// Digests model, version, run, source, metrics, params and the manifest of artifacts.
    ///
    /// Stage, aliases, tags, description and checklist may change without touching what was approved.
    /// The text digested is JSON with sorted keys and no white space, one field after the other.
    pub fn of(version: &ModelVersion) -> Self {
        let metrics: BTreeMap<_, _> = version
            .metrics
            .iter()
            .map(|(key, value)| (key, super::number::Number(*value)))
            .collect();
        let mut artifacts: Vec<_> = version
            .artifacts
            .iter()
            .map(|artifact| (&artifact.path, artifact.size, &artifact.digest))
            .collect();
        artifacts.sort();
        let content = serde_json::json!([
            "modeldeck.subject.1",
            version.model_name,
            version.version,
            version.run_id,
            version.source,
            metrics,
            version.params,
            artifacts,
        ]);
        Self(digest(content.to_string().as_bytes()))
    }

    pub fn trusted(stored: impl Into<String>) -> Self {
        Self(stored.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hexadecimal digits, for people to compare.
    pub fn short(&self) -> &str {
        let hex = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        hex.get(..12).unwrap_or(hex)
    }
}

/// `sha256:` and the digest in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
            hex
        })
}

/// One approver's verdict on one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub approver: String,
    pub verdict: Verdict,
    pub at: Timestamp,
    pub notes: Option<String>,
    pub subject: Subject,
}

/// One thing that a version lacks for Production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "missing", rename_all = "snake_case")]
pub enum Missing {
    /// A required item is not APPROVED.
    Item {
        name: ItemName,
        status: ChecklistStatus,
    },
    /// The policy requires an item that is not on the checklist.
    AbsentItem { name: ItemName },
    /// Not enough persons approved this content.
    Approvals { have: usize, need: usize },
    /// An approver rejected this content and did not change their mind.
    Rejection { approver: String },
    /// There are approvals, but the content changed since.
    Changed { approver: String },
    /// An approval does not count because its approver registered the version.
    OwnApproval { approver: String },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = super::text::visible;
        match self {
            Self::Item { name, status } => write!(f, "checklist item '{name}' is {status}"),
            Self::AbsentItem { name } => write!(
                f,
                "checklist item '{name}' is required by the policy and not on the checklist"
            ),
            Self::Approvals { have, need: 1 } => write!(f, "an approving decision ({have} of 1)"),
            Self::Approvals { have, need } => write!(
                f,
                "approving decisions of {need} persons ({have} of {need})"
            ),
            Self::Rejection { approver } => write!(f, "'{}' rejected it", show(approver)),
            Self::Changed { approver } => {
                write!(f, "it changed since '{}' approved it", show(approver))
            }
            Self::OwnApproval { approver } => write!(
                f,
                "'{}' registered it, so their approval does not count",
                show(approver)
            ),
        }
    }
}

impl ModelVersion {
    /// What somebody decided last, on whatever content it was.
    pub fn last_decision_of(&self, approver: &str) -> Option<&Decision> {
        let mut own = self.decisions.iter().rev();
        own.find(|decision| decision.approver == approver)
    }

    /// The last decision of each approver, in the order they were made.
    fn standing_decisions(&self) -> Vec<&Decision> {
        let mut last: BTreeMap<&str, (usize, &Decision)> = BTreeMap::new();
        for (at, decision) in self.decisions.iter().enumerate() {
            last.insert(&decision.approver, (at, decision));
        }
        let mut standing: Vec<_> = last.into_values().collect();
        standing.sort_by_key(|(at, _)| *at);
        standing.into_iter().map(|(_, decision)| decision).collect()
    }

    fn may_approve(&self, approver: &str, policy: &Policy) -> bool {
        policy.self_approval || approver != self.registered_by
    }

    /// Lists exactly what this version lacks for stage Production or environment PRODUCTION; empty means the gate is open.
    pub fn missing_for_production(&self, policy: &Policy) -> Vec<Missing> {
        let mut missing = Vec::new();
        for name in &policy.required_items {
            if !self.checklist.iter().any(|item| item.name == *name) {
                missing.push(Missing::AbsentItem { name: name.clone() });
            }
        }
        for item in &self.checklist {
            let required = item.required || policy.required_items.contains(&item.name);
            if required && item.status != ChecklistStatus::Approved {
                missing.push(Missing::Item {
                    name: item.name.clone(),
                    status: item.status,
                });
            }
        }
        let subject = self.subject();
        let standing = self.standing_decisions();
        for decision in &standing {
            if decision.verdict == Verdict::Rejected && decision.subject == subject {
                missing.push(Missing::Rejection {
                    approver: decision.approver.clone(),
                });
            }
        }
        let approvals = || {
            standing
                .iter()
                .filter(|decision| decision.verdict == Verdict::Approved)
        };
        let have = approvals()
            .filter(|decision| {
                decision.subject == subject && self.may_approve(&decision.approver, policy)
            })
            .count();
        let need = usize::from(policy.quorum);
        if have < need {
            missing.push(Missing::Approvals { have, need });
            for decision in approvals() {
                if decision.subject != subject {
                    missing.push(Missing::Changed {
                        approver: decision.approver.clone(),
                    });
                } else if !self.may_approve(&decision.approver, policy) {
                    missing.push(Missing::OwnApproval {
                        approver: decision.approver.clone(),
                    });
                }
            }
        }
        missing
    }

    /// Derives the approval state and who approved last, under a policy.
    pub fn derive_approval(&mut self, policy: &Policy) {
        let subject = self.subject();
        let missing = self.missing_for_production(policy);
        let standing = self.standing_decisions();
        let rejected = missing.iter().any(|lack| {
            matches!(
                lack,
                Missing::Rejection { .. }
                    | Missing::Item {
                        status: ChecklistStatus::Rejected,
                        ..
                    }
            )
        });
        let changed = missing
            .iter()
            .any(|lack| matches!(lack, Missing::Changed { .. }));
        let approval = if self.checklist.is_empty() && self.decisions.is_empty() {
            ApprovalState::None
        } else if rejected {
            ApprovalState::Rejected
        } else if missing.is_empty() {
            ApprovalState::Approved
        } else if changed
            || (!standing.is_empty() && standing.iter().all(|decision| decision.subject != subject))
        {
            ApprovalState::Stale
        } else {
            ApprovalState::Pending
        };
        let last = standing
            .iter()
            .rev()
            .find(|decision| decision.verdict == Verdict::Approved && decision.subject == subject)
            .map(|&decision| decision.clone());
        self.approval = approval;
        self.approved_by = last.as_ref().map(|decision| decision.approver.clone());
        self.approved_at = last.as_ref().map(|decision| decision.at);
        self.approval_notes = last.and_then(|decision| decision.notes);
    }
}

#[cfg(test)]
mod tests;
