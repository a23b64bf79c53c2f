//! The Registry tab, as a person at the keys sees it.

use crate::domain::{Alias, Environment, Missing, ModelName, ModelVersion, Stage, Version};
use crate::tui::message::{ErrorKind, Failure, ListOf, Question, Serving, VersionMore, Write};
use crate::tui::panes::Tab;
use crate::tui::panes::testing::{Screen, World, version};

fn world() -> World {
    let mut seven = version("fraud", "7", &[("auc", 0.9312), ("val/loss", 0.211)]);
    seven.stage = Stage::Staging;
    seven.aliases.insert(Alias::new("challenger").unwrap());
    let mut six = version("fraud", "6", &[("auc", 0.912), ("val/loss", 0.198)]);
    six.stage = Stage::Production;
    six.aliases.insert(Alias::new("champion").unwrap());
    let mut alices = version("churn", "2", &[("auc", 0.81)]);
    alices.registered_by = "alice".to_owned();
    World {
        version_more: VersionMore {
            production: Some(six.clone()),
            missing: vec![Missing::Approvals { have: 0, need: 1 }],
            ..VersionMore::default()
        },
        versions: vec![seven, six, alices],
        ..World::default()
    }
}

fn screen() -> Screen {
    Screen::open(Tab::Registry, world(), (120, 40))
}

fn refused() -> Failure {
    Failure {
        kind: ErrorKind::Refused,
        message: "version 'fraud 7' may not go to stage Production: it lacks: an approving decision (0 of 1)".to_owned(),
        hint: Some("'modeldeck approval show fraud 7' tells where it stands".to_owned()),
        field: None,
        causes: Vec::new(),
        meanwhile: None,
    }
}

#[test]
fn the_registry_is_drawn_at_three_sizes() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let screen = Screen::open(Tab::Registry, world(), (width, height));
        insta::assert_snapshot!(format!("ready_{width}x{height}"), screen.text());
        let empty = Screen::open(Tab::Registry, World::default(), (width, height));
        insta::assert_snapshot!(format!("empty_{width}x{height}"), empty.text());
    }
}

#[test]
fn a_version_is_registered_from_a_form() {
    let mut screen = screen();
    screen.press(&["r"]);
    screen.type_text("8").press(&["enter"]);
    let Write::RegisterVersion(new) = screen.write() else {
        panic!("{:?}", screen.writes);
    };
    assert_eq!(
        (
            new.model_name.as_str(),
            new.version.as_ref().unwrap().as_str()
        ),
        ("fraud", "8")
    );
}

#[test]
fn staging_asks_nothing_and_production_wants_the_name_typed() {
    let mut screen = screen();
    // Version 7 is in Staging, so the form proposes Production.
    screen.press(&["t", "enter"]);
    assert!(screen.writes.is_empty(), "{}", screen.text());
    screen.sees("type 'fraud' to go on");
    screen.paste("fraud").press(&["enter"]);
    assert!(screen.writes.is_empty(), "what is pasted never confirms");
    screen.type_text("fraud").press(&["enter"]);
    assert!(matches!(
        screen.write(),
        Write::SetStage(_, _, Stage::Production, _)
    ));
}

#[test]
fn what_is_refused_lists_what_is_missing_and_keeps_the_form() {
    let mut screen = screen();
    screen
        .press(&["t", "tab"])
        .type_text("because it is better");
    screen.sees("✗ Production lacks: an approving decision (0 of 1)");
    screen
        .press(&["enter"])
        .type_text("fraud")
        .press(&["enter"]);
    screen.refuse(refused());
    screen
        .sees("an approving decision (0 of 1)")
        .sees("approval show fraud 7");
    screen.press(&["esc"]).sees("because it is better");
}

#[test]
fn versions_of_one_model_are_compared() {
    let mut screen = screen();
    screen.press(&["c"]);
    screen.sees("mark two or more versions");
    screen.press(&["space", "space", "c"]);
    assert!(
        matches!(screen.asked.last(), Some(Question::Comparison(_, versions)) if versions.len() == 2)
    );
    screen.sees("★ 0.9312").sees("★ 0.198").sees("lower");
}

#[test]
fn versions_of_two_models_are_not_compared() {
    let mut screen = screen();
    screen.press(&["space", "down", "space", "c"]);
    screen.sees("different models");
}

#[test]
fn an_alias_is_given_and_taken() {
    let mut screen = screen();
    screen.press(&["A"]).type_text("champion").press(&["enter"]);
    assert!(
        matches!(screen.write(), Write::SetAlias(_, version, alias) if version.as_str() == "7" && alias.as_str() == "champion")
    );
    screen.accept("fraud 7");
    screen.press(&["X", "enter"]);
    assert!(
        matches!(screen.write(), Write::RemoveAlias(_, _, alias) if alias.as_str() == "challenger")
    );
    screen.accept("fraud 7");
    screen.press(&["down", "down", "X"]);
    screen.sees("version 'churn 2' has no alias");
}

#[test]
fn one_key_leads_to_the_run_and_to_the_deployments() {
    let mut screen = screen();
    screen.press(&["g", "r"]);
    let run = screen
        .asked
        .iter()
        .rev()
        .find_map(|question| match question {
            Question::Page(ListOf::Runs(query), _) => Some(format!("{query:?}")),
            _ => None,
        });
    assert!(run.unwrap().contains("0199aaaabbbbccccddddeeeeffff0000"));
}

#[test]
fn the_id_is_the_one_of_the_audit_log() {
    let id = <ModelVersion as crate::tui::panes::resource::Resource>::id(&world().versions[0])
        .into_owned();
    assert_eq!(id, "fraud 7");
}

#[test]
fn what_is_judged_under_the_policy_is_a_field_here_too() {
    let mut screen = screen();
    screen.press(&["/"]).type_text("items<1 stage:staging");
    let text = screen.text();
    assert!(!text.contains("there is no field"), "{text}");
    // No row knows it, so only the stage is judged until the store answers.
    assert!(text.contains("fraud    7"), "{text}");
    screen.press(&["enter"]);
    let asked = screen
        .asked
        .iter()
        .rev()
        .find_map(|question| match question {
            Question::Page(ListOf::Versions(query), _) => Some(query.list.filter.terms.len()),
            _ => None,
        });
    assert_eq!(asked, Some(2));
    screen.press(&["esc", "/"]).type_text("itens<1");
    screen.sees("'items' is near");
}

#[test]
fn what_serves_and_what_was_rolled_back_is_seen_in_the_list() {
    let serving = |version: &str, rolled_back| Serving {
        model_name: ModelName::new("fraud").unwrap(),
        version: Version::new(version).unwrap(),
        environment: Environment::Production,
        rolled_back,
    };
    let mut world = world();
    world.overview.serving = vec![serving("6", false), serving("7", true)];
    for size in [(120, 40), (80, 24)] {
        let screen = Screen::open(Tab::Registry, world.clone(), size);
        let text = screen.text();
        let line = |version: &str| {
            let mut lines = text.lines();
            lines
                .find(|line| line.contains(&format!(" fraud    {version} ")))
                .unwrap()
                .to_owned()
        };
        assert!(line("6").contains("● PROD"), "{text}");
        assert!(line("7").contains("↩ PROD"), "{text}");
    }
}
