//! When the gate before Production is open, and how a version stands.

use super::*;
use crate::domain::{Artifact, Key, ModelName, Revision, RunId, Stage, Version};

fn version() -> ModelVersion {
    ModelVersion {
        model_name: ModelName::new("fraud").unwrap(),
        version: Version::new("1").unwrap(),
        stage: Stage::None,
        stage_warning: None,
        aliases: std::collections::BTreeSet::new(),
        run_id: Some(RunId::new("r1").unwrap()),
        source: Some("file:///models/1".to_owned()),
        metrics: [(Key::new("auc").unwrap(), 0.93)].into(),
        params: [(Key::new("lr").unwrap(), "0.1".to_owned())].into(),
        tags: BTreeMap::new(),
        description: String::new(),
        registered_by: "alice".to_owned(),
        artifacts: vec![Artifact {
            path: "model.json".to_owned(),
            size: 10,
            digest: digest(b"model"),
        }],
        checklist: Vec::new(),
        decisions: Vec::new(),
        approval: ApprovalState::None,
        approved_by: None,
        approved_at: None,
        approval_notes: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        revision: Revision::FIRST,
    }
}

fn decided(version: &mut ModelVersion, approver: &str, verdict: Verdict) {
    let subject = version.subject();
    version.decisions.push(Decision {
        approver: approver.to_owned(),
        verdict,
        at: Timestamp::UNIX_EPOCH,
        notes: None,
        subject,
    });
}

fn with_checklist(status: ChecklistStatus) -> ModelVersion {
    let mut version = version();
    version.checklist = build_checklist(
        [
            ItemName::new("bias").unwrap(),
            ItemName::new("data card").unwrap(),
        ],
        status,
    );
    version
}

fn state(mut version: ModelVersion, policy: &Policy) -> ApprovalState {
    version.derive_approval(policy);
    version.approval
}

#[test]
fn nothing_asked_is_none_and_not_enough() {
    let policy = Policy::default();
    assert_eq!(state(version(), &policy), ApprovalState::None);
    assert_eq!(
        version().missing_for_production(&policy),
        [Missing::Approvals { have: 0, need: 1 }]
    );
}

#[test]
fn a_refusal_lists_exactly_what_is_missing() {
    let policy = Policy {
        required_items: vec![ItemName::new("legal").unwrap()],
        ..Policy::default()
    };
    let mut version = with_checklist(ChecklistStatus::Pending);
    version.checklist[0].status = ChecklistStatus::Approved;
    assert_eq!(
        version.missing_for_production(&policy),
        [
            Missing::AbsentItem {
                name: ItemName::new("legal").unwrap()
            },
            Missing::Item {
                name: ItemName::new("data card").unwrap(),
                status: ChecklistStatus::Pending
            },
            Missing::Approvals { have: 0, need: 1 },
        ]
    );
    assert_eq!(state(version, &policy), ApprovalState::Pending);
}

#[test]
fn an_optional_item_does_not_hold_up() {
    let mut version = with_checklist(ChecklistStatus::Approved);
    version.checklist[1].required = false;
    version.checklist[1].status = ChecklistStatus::Pending;
    decided(&mut version, "bob", Verdict::Approved);
    assert_eq!(state(version, &Policy::default()), ApprovalState::Approved);
}

#[test]
fn whoever_registered_does_not_approve_unless_the_policy_says_so() {
    let mut version = with_checklist(ChecklistStatus::Approved);
    decided(&mut version, "alice", Verdict::Approved);
    let missing = version.missing_for_production(&Policy::default());
    assert!(missing.contains(&Missing::OwnApproval {
        approver: "alice".to_owned()
    }));
    assert_eq!(
        state(version.clone(), &Policy::default()),
        ApprovalState::Pending
    );
    assert_eq!(
        state(
            version,
            &Policy {
                self_approval: true,
                ..Policy::default()
            }
        ),
        ApprovalState::Approved
    );
}

#[test]
fn a_person_counts_once_and_may_change_their_mind() {
    let policy = Policy {
        quorum: 2,
        ..Policy::default()
    };
    let mut version = with_checklist(ChecklistStatus::Approved);
    decided(&mut version, "bob", Verdict::Approved);
    decided(&mut version, "bob", Verdict::Approved);
    assert_eq!(state(version.clone(), &policy), ApprovalState::Pending);
    decided(&mut version, "carol", Verdict::Rejected);
    assert_eq!(state(version.clone(), &policy), ApprovalState::Rejected);
    decided(&mut version, "carol", Verdict::Approved);
    assert_eq!(state(version, &policy), ApprovalState::Approved);
}

type Edit = fn(&mut ModelVersion);

#[test]
fn a_change_of_the_content_makes_the_approval_stale() {
    let edits: [(&str, Edit); 8] = [
        ("model", |v| v.model_name = ModelName::new("other").unwrap()),
        ("version", |v| v.version = Version::new("2").unwrap()),
        ("run", |v| v.run_id = None),
        ("source", |v| v.source = None),
        ("metrics", |v| v.metrics.clear()),
        ("params", |v| v.params.clear()),
        ("artifact digest", |v| {
            v.artifacts[0].digest = digest(b"other");
        }),
        ("artifacts", |v| v.artifacts.clear()),
    ];
    for (what, edit) in edits {
        let mut version = with_checklist(ChecklistStatus::Approved);
        decided(&mut version, "bob", Verdict::Approved);
        edit(&mut version);
        assert_eq!(
            state(version, &Policy::default()),
            ApprovalState::Stale,
            "{what}"
        );
    }
}

#[test]
fn labels_may_change_without_touching_the_approval() {
    let mut version = with_checklist(ChecklistStatus::Approved);
    decided(&mut version, "bob", Verdict::Approved);
    version.description = "new words".to_owned();
    version.stage = Stage::Staging;
    version
        .tags
        .insert(Key::new("team").unwrap(), "risk".to_owned());
    assert_eq!(state(version, &Policy::default()), ApprovalState::Approved);
}
