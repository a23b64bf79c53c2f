//! The Deployments tab, as a person at the keys sees it.

use crate::domain::{
    Deployment, DeploymentStatus, Endpoint, Environment, Health, HealthCheck, HealthProtocol,
    Missing,
};
use crate::tui::message::{DeploymentMore, Write};
use crate::tui::panes::Tab;
use crate::tui::panes::testing::{Screen, World, deployment};

fn serving() -> Deployment {
    let mut serving = deployment(
        "dep-00000007",
        "7",
        Environment::Production,
        DeploymentStatus::Active,
    );
    serving.health = Health::Unhealthy;
    serving.health_check = Some(HealthCheck::new(HealthProtocol::Http));
    serving.endpoint = Some(Endpoint {
        url: "https://serving.local/fraud".to_owned(),
        options: std::collections::BTreeMap::new(),
    });
    serving
}

fn world() -> World {
    let before = deployment(
        "dep-00000006",
        "6",
        Environment::Production,
        DeploymentStatus::Terminated,
    );
    let pending = deployment(
        "dep-00000008",
        "8",
        Environment::Staging,
        DeploymentStatus::Pending,
    );
    World {
        deployment_more: DeploymentMore {
            target: Some(before.clone()),
            missing: vec![Missing::Approvals { have: 0, need: 1 }],
            others: vec![serving(), before.clone()],
            ..DeploymentMore::default()
        },
        deployments: vec![serving(), pending, before],
        ..World::default()
    }
}

fn screen() -> Screen {
    Screen::open(Tab::Deployments, world(), (120, 40))
}

#[test]
fn deployments_are_drawn_at_three_sizes() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = Screen::open(Tab::Deployments, world(), (width, height));
        insta::assert_snapshot!(format!("ready_{width}x{height}"), screen.text());
        let empty = Screen::open(Tab::Deployments, World::default(), (width, height));
        insta::assert_snapshot!(format!("empty_{width}x{height}"), empty.text());
    }
}

#[test]
fn a_rollback_shows_its_plan_and_wants_a_reason_and_the_name() {
    let mut screen = screen();
    screen.press(&["b"]);
    screen
        .sees("fraud 7 in PRODUCTION ends as FAILED.")
        .sees("version 6 (00000006)");
    screen.press(&["enter"]).sees("say why in a few words");
    screen.type_text("errors since noon").press(&["enter"]);
    assert!(screen.writes.is_empty());
    screen.sees("goes back from version 7 to 6");
    screen.type_text("fraud").press(&["enter"]);
    let Write::RollBack(bad, rollback) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(bad.as_str(), "dep-00000007");
    assert_eq!(rollback.to.as_ref().unwrap().as_str(), "dep-00000006");
    assert_eq!(rollback.reason, "errors since noon");
}

#[test]
fn what_never_served_or_has_ended_cannot_be_changed() {
    let mut screen = screen();
    screen.press(&["A"]).sees("it is ACTIVE already");
    screen.press(&["down", "b"]).sees("it never served");
    screen
        .press(&["down", "x"])
        .sees("it is TERMINATED already");
    screen.press(&["f"]).sees("nothing follows that");
    screen.press(&["e"]).sees("there is nothing to change");
}

#[test]
fn a_version_that_is_gone_is_told_and_the_rest_is_shown() {
    let mut world = world();
    world.deployment_more.version_is_gone = true;
    world.deployment_more.missing.clear();
    Screen::open(Tab::Deployments, world, (120, 40))
        .sees("version 7 is no longer on the server")
        .sees("would serve version 6 again")
        .sees("https://serving.local/fraud");
}

#[test]
fn only_production_asks_for_the_name() {
    let mut screen = screen();
    screen.press(&["x", "enter"]).sees("type 'fraud' to go on");
    assert!(screen.writes.is_empty());
    screen.press(&["esc", "esc", "down", "A", "enter"]);
    assert!(matches!(screen.write(), Write::UpdateDeployment(id, update)
        if id.as_str() == "dep-00000008" && update.status == Some(DeploymentStatus::Active)));
}

#[test]
fn a_deployment_is_made_and_its_endpoint_changed() {
    let mut screen = screen();
    screen.press(&["down", "a", "enter"]);
    let Write::CreateDeployment(new) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(
        (new.version.as_str(), new.environment),
        ("8", Environment::Dev)
    );
    screen.accept("dep-00000008");
    screen
        .press(&["e"])
        .type_text("tcp://gpu-07:9000")
        .press(&["enter"]);
    let Write::UpdateDeployment(_, update) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(update.endpoint.as_ref().unwrap().url, "tcp://gpu-07:9000");
    assert_eq!(update.health_check, None);
}

#[test]
fn what_cannot_be_taken_away_says_so() {
    let mut screen = screen();
    screen.press(&["e"]);
    for _ in "https://serving.local/fraud".chars() {
        screen.press(&["backspace"]);
    }
    screen.press(&["tab", "left", "enter"]);
    assert!(screen.writes.is_empty());
    screen
        .sees("! cannot be emptied")
        .sees("! cannot be taken away, only changed")
        .sees("Health check");
}
