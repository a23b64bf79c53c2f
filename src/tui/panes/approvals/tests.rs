//! The Approvals tab, as a person at the keys sees it.

use crate::domain::{
    ApprovalState, ChecklistStatus, Decision, ItemName, Missing, Revision, Verdict, build_checklist,
};
use crate::tui::message::{ListOf, Object, Question, VersionMore, Write};
use crate::tui::panes::Tab;
use crate::tui::panes::testing::{Screen, World, noon, version};
use serde_json::json;

fn world() -> World {
    let items = ["bias review", "model card"].map(|name| ItemName::new(name).unwrap());
    let mut seven = version("fraud", "7", &[("auc", 0.9312)]);
    seven.checklist = build_checklist(items, ChecklistStatus::Pending);
    seven.checklist[0].status = ChecklistStatus::Approved;
    seven.checklist[0].decided_by = Some("carol".to_owned());
    seven.checklist[0].decided_at = Some(noon());
    seven.approval = ApprovalState::Pending;
    let mut own = version("churn", "2", &[("auc", 0.81)]);
    own.registered_by = "alice".to_owned();
    own.approval = ApprovalState::Stale;
    own.decisions = vec![Decision {
        approver: "bob".to_owned(),
        verdict: Verdict::Approved,
        at: noon(),
        notes: Some("fine".to_owned()),
        subject: version("churn", "1", &[]).subject(),
    }];
    World {
        version_more: VersionMore {
            production: Some(version("fraud", "6", &[("auc", 0.912)])),
            missing: vec![
                Missing::Item {
                    name: ItemName::new("model card").unwrap(),
                    status: ChecklistStatus::Pending,
                },
                Missing::Approvals { have: 0, need: 1 },
            ],
            ..VersionMore::default()
        },
        versions: vec![seven, own],
        ..World::default()
    }
}

fn screen() -> Screen {
    Screen::open(Tab::Approvals, world(), (120, 40))
}

#[test]
fn approvals_are_drawn_at_three_sizes() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = Screen::open(Tab::Approvals, world(), (width, height));
        insta::assert_snapshot!(format!("ready_{width}x{height}"), screen.text());
        let empty = Screen::open(Tab::Approvals, World::default(), (width, height));
        insta::assert_snapshot!(format!("empty_{width}x{height}"), empty.text());
    }
}

#[test]
fn approving_passes_the_content_that_was_seen_once_the_name_is_typed() {
    let mut screen = screen();
    screen
        .press(&["a"])
        .type_text("looks good")
        .press(&["enter"]);
    assert!(screen.writes.is_empty());
    screen.type_text("fraud").press(&["enter"]);
    let Write::Decide(_, _, decision) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(decision.verdict, Verdict::Approved);
    assert_eq!(decision.subject, Some(world().versions[0].subject()));
    assert_eq!(decision.notes.as_deref(), Some("looks good"));
}

#[test]
fn rejecting_wants_notes() {
    let mut screen = screen();
    screen.press(&["x", "enter"]);
    screen.sees("say why in a few words");
    screen
        .type_text("no card")
        .press(&["enter"])
        .type_text("fraud")
        .press(&["enter"]);
    assert!(
        matches!(screen.write(), Write::Decide(_, _, decision) if decision.verdict == Verdict::Rejected)
    );
}

#[test]
fn somebodys_own_version_is_theirs_to_reject_only() {
    let mut screen = screen();
    screen.press(&["down", "a"]);
    screen.sees("you registered it, so somebody else has to approve it");
    screen.press(&["x"]).sees("Reject churn 2");

    let world = World {
        self_approval: true,
        ..world()
    };
    let mut alone = Screen::open(Tab::Approvals, world, (120, 40));
    alone.press(&["down", "a"]).sees("Approve churn 2");
}

#[test]
fn the_first_open_item_is_ticked_with_two_keys() {
    let mut screen = screen();
    screen.press(&["m", "enter"]);
    let Write::MarkItems { marks, .. } = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(
        (marks[0].item.as_str(), marks[0].status),
        ("model card", ChecklistStatus::Approved)
    );
}

#[test]
fn an_item_that_was_chosen_in_the_detail_is_marked() {
    let mut screen = screen();
    screen.press(&["enter", "m"]);
    // The keys are where somebody types, and what is typed turns no choice.
    screen.type_text("pa").sees("pa");
    screen.press(&["up"]);
    screen.type_text("ra").sees("← and → choose, or space");
    screen.press(&["right", "enter"]);
    let Write::MarkItems { marks, .. } = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    // It was APPROVED, so PENDING is proposed, and one to the right is APPROVED again.
    assert_eq!(
        (marks[0].item.as_str(), marks[0].status),
        ("bias review", ChecklistStatus::Approved)
    );
}

#[test]
fn after_a_lost_race_a_mark_is_sent_again_on_what_is_there_now() {
    let mut screen = screen();
    screen.press(&["m"]).type_text("read it").press(&["enter"]);
    let Write::MarkItems { expected, .. } = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    let was = expected.unwrap();
    let mut now = world().versions.remove(0);
    now.revision = Revision(was.0 + 1);
    // Somebody approved the item already; a form opened now would offer to take that back.
    now.checklist[1].status = ChecklistStatus::Approved;
    let item = |status| json!({"checklist": [{"name": "model card", "status": status}]});
    screen.outrun(
        Object::Version(now, VersionMore::default()),
        (item("PENDING"), item("APPROVED")),
    );
    screen
        .sees("it was changed meanwhile")
        .sees("carol@gpu-09")
        .sees("'model card' PENDING → APPROVED")
        .sees("What was typed is kept")
        .sees("‹ APPROVED ›");
    screen.press(&["enter"]);
    let Write::MarkItems {
        marks, expected, ..
    } = screen.write()
    else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(*expected, Some(Revision(was.0 + 1)));
    assert_eq!(marks[0].status, ChecklistStatus::Approved);
    assert_eq!(marks[0].note.as_deref(), Some("read it"));
}

#[test]
fn a_decision_on_a_content_that_changed_is_asked_again_about_the_new_one() {
    let mut screen = screen();
    screen.press(&["a"]).type_text("good").press(&["enter"]);
    screen.type_text("fraud").press(&["enter"]);
    let before = world().versions[0].subject();
    let mut now = version("fraud", "7", &[("auc", 0.5)]);
    now.checklist = world().versions[0].checklist.clone();
    assert_ne!(now.subject(), before);
    let auc = |auc: f64| json!({"metrics": {"auc": auc}});
    screen.outrun(
        Object::Version(now.clone(), VersionMore::default()),
        (auc(0.9312), auc(0.5)),
    );
    screen
        .sees("metrics.auc 0.9312 → 0.5")
        .sees(now.subject().short())
        .sees("good");
    assert!(screen.writes.is_empty(), "nothing is sent by itself");
    screen.press(&["enter"]);
    screen.sees("type 'fraud' to go on");
    screen.type_text("fraud").press(&["enter"]);
    let Write::Decide(_, _, decision) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(decision.subject, Some(now.subject()));
    assert_eq!(decision.notes.as_deref(), Some("good"));
}

#[test]
fn one_key_shows_decided_versions_too() {
    let mut screen = screen();
    let waiting = |screen: &Screen| {
        screen
            .asked
            .iter()
            .rev()
            .find_map(|question| match question {
                Question::Page(ListOf::Reviews { waiting, .. }, _) => Some(*waiting),
                _ => None,
            })
    };
    assert_eq!(waiting(&screen), Some(true));
    screen.press(&["w"]);
    assert_eq!(waiting(&screen), Some(false));
    screen.press(&["w"]);
    assert_eq!(waiting(&screen), Some(true));
}

#[test]
fn a_read_only_store_takes_no_decision() {
    let mut screen = Screen::with_env(Tab::Approvals, world(), (120, 40), |env| {
        env.read_only = Some("modeldeck runs with --read-only".to_owned());
    });
    for key in ["a", "x", "m", "i"] {
        screen.press(&[key]).sees("modeldeck runs with --read-only");
        assert!(screen.writes.is_empty());
    }
}
