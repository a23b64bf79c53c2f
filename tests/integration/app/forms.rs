//! Forms: what is typed is kept, what was sent is waited for, what cannot be done says so.

use super::refusal;
use crate::support::stage::Stage;
use modeldeck::domain::RunStatus;
use modeldeck::tui::message::{Effect, Write, Written};
use modeldeck::tui::panes::Tab;

#[test]
fn a_form_keeps_what_was_typed_when_the_service_refuses() {
    let mut stage = Stage::new(80, 24, Tab::Experiments);
    stage.answer();
    stage.press("a");
    stage.type_text("fraud");
    stage.press("enter");
    assert!(matches!(
        &stage.writes[0].1,
        Write::CreateExperiment(new) if new.name.as_str() == "fraud"
    ));
    stage.answer_write(Err(refusal(Some("experiment name"), "the name is taken")));
    let screen = stage.screen();
    assert!(
        screen.contains("! the name is taken") && screen.contains("try another"),
        "{screen}"
    );
    stage.type_text("2");
    assert!(!stage.screen().contains("the name is taken"));
    stage.press("enter");
    stage.answer_write(Ok(Written {
        hint: None,
        said: "experiment 'fraud2' created".to_owned(),
        id: "fraud2".to_owned(),
    }));
    let screen = stage.screen();
    assert!(screen.contains("✓ experiment 'fraud2' created"), "{screen}");
    assert!(!screen.contains("Create an experiment"));
}

#[test]
fn what_was_sent_is_waited_for_and_what_was_typed_stays() {
    let mut stage = Stage::new(80, 24, Tab::Experiments);
    stage.answer();
    stage.press("a");
    stage.type_text("fraud");
    stage.press("enter esc esc");
    let screen = stage.screen();
    assert!(
        screen.contains("already sent; waiting for the answer"),
        "{screen}"
    );
    stage.press("enter");
    assert_eq!(stage.writes.len(), 1, "nothing is sent twice");
    // A stopped program could not write it.
    stage.press("ctrl-z");
    assert!(!stage.effects.contains(&Effect::Suspend));
    let screen = stage.screen();
    assert!(screen.contains("a change is being saved"), "{screen}");
    stage.answer_write(Err(refusal(Some("experiment name"), "the name is taken")));
    let screen = stage.screen();
    assert!(
        screen.contains("! the name is taken") && screen.contains("fraud"),
        "{screen}"
    );
    stage.press("ctrl-z");
    assert!(stage.effects.contains(&Effect::Suspend));
}

#[test]
fn a_wrong_field_is_told_beside_it_and_nothing_is_sent() {
    let mut stage = Stage::runs(80, 24, 3);
    stage.press("a tab");
    stage.press("tab tab");
    stage.type_text("lr");
    assert!(stage.screen().contains("'lr' is not key=value"));
    stage.press("enter");
    assert!(stage.writes.is_empty());
    stage.press("esc");
    assert!(stage.screen().contains("Esc again leaves the form"));
    stage.press("esc");
    assert!(!stage.screen().contains("Log a run"));
}

#[test]
fn a_silent_run_is_offered_as_killed() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("j j j j");
    assert!(stage.selected().contains("? stale"), "{}", stage.selected());
    stage.press("x");
    let screen = stage.screen();
    assert!(
        screen.contains("‹ KILLED ›") && screen.contains("silent for"),
        "{screen}"
    );
    stage.press("enter");
    assert!(matches!(
        &stage.writes[0].1,
        Write::UpdateRun(id, update)
            if id.as_str() == "run-000004" && update.status == Some(RunStatus::Killed)
    ));
}

#[test]
fn an_ended_run_cannot_be_ended_and_says_so() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("j x");
    assert!(stage.screen().contains("this run is COMPLETED already"));
}
