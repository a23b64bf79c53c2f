//! The Drift tab, as a person at the keys sees it.

use crate::domain::{DriftState, Severity};
use crate::tui::message::{DriftMore, Overview, Write};
use crate::tui::panes::Tab;
use crate::tui::panes::testing::{Screen, World, deployment, event};

fn world() -> World {
    use crate::domain::{DeploymentStatus, Environment};
    World {
        events: vec![
            event("e1", "fraud", Severity::Critical, DriftState::Open),
            event("e2", "churn", Severity::Low, DriftState::Resolved),
        ],
        drift_more: DriftMore {
            deployments: vec![deployment(
                "d1",
                "7",
                Environment::Production,
                DeploymentStatus::Active,
            )],
            ..DriftMore::default()
        },
        overview: Overview {
            drift: 1,
            worst_drift: Some(Severity::Critical),
            ..Overview::default()
        },
        ..World::default()
    }
}

#[test]
fn drift_is_drawn_at_three_sizes() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = Screen::open(Tab::Drift, world(), (width, height));
        insta::assert_snapshot!(format!("ready_{width}x{height}"), screen.text());
        let empty = Screen::open(Tab::Drift, World::default(), (width, height));
        insta::assert_snapshot!(format!("empty_{width}x{height}"), empty.text());
    }
}

#[test]
fn drift_is_recorded_like_the_selected_one() {
    let mut screen = Screen::open(Tab::Drift, world(), (120, 40));
    screen.press(&["a"]).type_text("x").press(&["enter"]);
    screen.sees("this is not a number");
    assert!(screen.writes.is_empty());
    screen
        .press(&["esc", "esc", "a"])
        .type_text("0.5")
        .press(&["enter"]);
    let Write::RecordDrift(new) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(
        (new.model_name.as_str(), new.metric.as_str()),
        ("fraud", "accuracy")
    );
    assert!((new.observed - 0.5).abs() < f64::EPSILON && new.severity.is_none());
}

#[test]
fn drift_is_acknowledged_and_resolved_with_a_note() {
    let mut screen = Screen::open(Tab::Drift, world(), (120, 40));
    screen.press(&["A"]).type_text("on it").press(&["enter"]);
    assert!(
        matches!(screen.write(), Write::AcknowledgeDrift(id, Some(note), Some(_)) if id.as_str() == "e1" && note == "on it")
    );
    screen.accept("e1");
    screen.press(&["x", "enter"]);
    screen.sees("say in a few words how it was resolved");
    screen.type_text("retrained").press(&["enter"]);
    assert!(matches!(screen.write(), Write::ResolveDrift(_, note, _) if note == "retrained"));
}

#[test]
fn what_is_resolved_stays_resolved() {
    let mut screen = Screen::open(Tab::Drift, world(), (120, 40));
    screen.press(&["down", "A"]).sees("it is RESOLVED already");
    screen.press(&["x"]).sees("it is RESOLVED already");
}
