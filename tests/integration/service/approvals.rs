//! Approvals and policy.

use super::{Deck, approve, decide, kind, mark, model, version};
use modeldeck::domain::{
    ApprovalState, ChecklistStatus, Identity, ItemName, Stage, Verdict, build_checklist,
};
use modeldeck::service::{
    ErrorKind, NewChecklistItem, NewDecision, NewModelVersion, ServiceError, StageChange,
};

fn item(name: &str, required: bool) -> NewChecklistItem {
    NewChecklistItem {
        name: ItemName::new(name).unwrap(),
        required,
    }
}

#[tokio::test]
async fn a_checklist_is_built_worked_through_and_opens_the_gate() {
    let deck = Deck::new().await;
    let items = ["bias", "data card"].map(|name| ItemName::new(name).unwrap());
    let new = NewModelVersion {
        checklist: build_checklist(items, ChecklistStatus::Pending),
        ..NewModelVersion::new(model("fraud"))
    };
    let made = deck.alice.register_model_version(new).await.unwrap();
    assert_eq!(made.approval, ApprovalState::Pending);
    let (name, number) = (&made.model_name, &made.version);
    deck.alice
        .append_checklist_item(name, number, &item("nice to have", false))
        .await
        .unwrap();
    assert_eq!(deck.alice.approvals().queue().await.unwrap().len(), 1);

    let approved = approve(&deck.bob, &made).await.unwrap();
    assert_eq!(
        approved.approval,
        ApprovalState::Pending,
        "required items are open"
    );
    let refused = deck
        .bob
        .set_stage(name, number, Stage::Production, &StageChange::default())
        .await;
    let Err(ServiceError::NotApproved { missing, .. }) = refused else {
        panic!("{refused:?}")
    };
    let lacks: Vec<String> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        lacks,
        [
            "checklist item 'bias' is PENDING",
            "checklist item 'data card' is PENDING"
        ]
    );

    for name_of_item in ["bias", "data card"] {
        let marks = mark(name_of_item, ChecklistStatus::Approved);
        deck.bob
            .mark_checklist_status(name, number, &marks, Some("seen"))
            .await
            .unwrap();
    }
    let ready = deck.alice.get_model_version(name, number).await.unwrap();
    assert_eq!(
        (ready.approval, ready.approved_by.as_deref()),
        (ApprovalState::Approved, Some("bob"))
    );
    assert_eq!(ready.checklist[0].decided_by.as_deref(), Some("bob"));
    assert!(deck.alice.approvals().queue().await.unwrap().is_empty());
    deck.bob
        .set_stage(name, number, Stage::Production, &StageChange::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn items_are_unique_and_known() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    let (name, number) = (&made.model_name, &made.version);
    deck.alice
        .append_checklist_item(name, number, &item("bias", true))
        .await
        .unwrap();
    let again = deck
        .bob
        .append_checklist_item(name, number, &item("bias", false))
        .await;
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
    let unknown = deck
        .bob
        .mark_checklist_status(name, number, &mark("bais", ChecklistStatus::Approved), None)
        .await;
    assert_eq!(
        unknown.as_ref().unwrap_err().hint().unwrap(),
        "its items are 'bias'"
    );
    assert_eq!(kind(unknown), ErrorKind::NotFound);
}

#[tokio::test]
async fn whoever_registered_does_not_approve_whatever_they_call_themselves() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    assert_eq!(kind(approve(&deck.alice, &made).await), ErrorKind::Refused);
    let claim = Identity {
        claim: Some("bob".to_owned()),
        ..Identity::new("alice", "host")
    };
    assert_eq!(
        kind(approve(&deck.alice.acting_as(claim), &made).await),
        ErrorKind::Refused
    );
    let rejected = decide(&deck.alice, &made, Verdict::Rejected).await.unwrap();
    assert_eq!(rejected.approval, ApprovalState::Rejected);
}

#[tokio::test]
async fn people_who_work_alone_set_the_policy_and_it_is_recorded() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    deck.alice
        .approvals()
        .set_policy("production.self_approval", "true", Some("I am alone"))
        .await
        .unwrap();
    assert_eq!(
        approve(&deck.alice, &made).await.unwrap().approval,
        ApprovalState::Approved
    );
    assert!(deck.actions().await.contains(&"set_policy".to_owned()));
    deck.bob
        .approvals()
        .set_policy("production.self_approval", "false", None)
        .await
        .unwrap();
    let read = deck
        .alice
        .get_model_version(&made.model_name, &made.version)
        .await
        .unwrap();
    assert_eq!(
        read.approval,
        ApprovalState::Pending,
        "the policy holds for what was approved before"
    );
    let wrong = deck
        .alice
        .approvals()
        .set_policy("production.quorum", "0", None)
        .await;
    assert_eq!(kind(wrong), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_quorum_of_two_needs_two_persons() {
    let deck = Deck::new().await;
    deck.alice
        .approvals()
        .set_policy("production.quorum", "2", None)
        .await
        .unwrap();
    let made = deck.version().await;
    let once = approve(&deck.bob, &made).await.unwrap();
    assert_eq!(once.approval, ApprovalState::Pending);
    // The same person a second time is no second person.
    assert_eq!(
        kind(approve(&deck.bob, &made).await),
        ErrorKind::NotPossible
    );
    assert_eq!(
        approve(&deck.carol, &made).await.unwrap().approval,
        ApprovalState::Approved
    );
}

#[tokio::test]
async fn required_items_of_the_policy_stand_on_every_new_checklist() {
    let deck = Deck::new().await;
    let before = deck.version().await;
    deck.alice
        .approvals()
        .set_policy("production.required_items", "bias, legal", None)
        .await
        .unwrap();
    let after = deck.version().await;
    assert_eq!(
        after
            .checklist
            .iter()
            .map(|item| item.name.as_str())
            .collect::<Vec<_>>(),
        ["bias", "legal"]
    );
    approve(&deck.bob, &before).await.unwrap();
    let refused = deck
        .alice
        .set_stage(
            &before.model_name,
            &before.version,
            Stage::Production,
            &StageChange::default(),
        )
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("'legal' is required by the policy and not on the checklist")
    );
}

#[tokio::test]
async fn a_rejection_needs_words_and_blocks() {
    let deck = Deck::new().await;
    let made = deck.approved().await;
    let silent = NewDecision {
        verdict: Verdict::Rejected,
        notes: None,
        subject: None,
    };
    let refused = deck
        .carol
        .approvals()
        .decide(&made.model_name, &made.version, &silent)
        .await;
    assert_eq!(kind(refused), ErrorKind::Invalid);
    decide(&deck.carol, &made, Verdict::Rejected).await.unwrap();
    let staged = deck
        .alice
        .set_stage(
            &made.model_name,
            &made.version,
            Stage::Production,
            &StageChange::default(),
        )
        .await;
    assert!(
        staged
            .unwrap_err()
            .to_string()
            .contains("'carol' rejected it")
    );
}

#[tokio::test]
async fn an_approver_approves_what_they_saw() {
    let deck = Deck::new().await;
    let seen = deck.version().await;
    let update = modeldeck::service::ModelVersionUpdate {
        metrics: [(super::key("auc"), 0.5)].into(),
        ..Default::default()
    };
    deck.alice
        .update_model_version(&seen.model_name, &seen.version, &update)
        .await
        .unwrap();
    let decision = NewDecision {
        verdict: Verdict::Approved,
        notes: None,
        subject: Some(seen.subject()),
    };
    let refused = deck
        .bob
        .approvals()
        .decide(&seen.model_name, &seen.version, &decision)
        .await;
    assert_eq!(kind(refused), ErrorKind::Conflict);
    let unknown = deck
        .bob
        .approvals()
        .decide(&seen.model_name, &version("9"), &decision)
        .await;
    assert_eq!(kind(unknown), ErrorKind::NotFound);
}
