//! What is typed about fields, and keys that come when they are not meant: filters, orders, names, pastes.

use crate::support::stage::Stage;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use modeldeck::tui::message::{Msg, Written};

fn stage() -> Stage {
    Stage::runs(120, 40, 12)
}

#[track_caller]
fn sees(stage: &mut Stage, part: &str) {
    let screen = stage.screen();
    assert!(screen.contains(part), "'{part}' is not on\n{screen}");
}

#[test]
fn a_half_typed_filter_keeps_the_list() {
    let mut stage = stage();
    stage.press("/");
    for (typed, told) in [
        ("sta", "status: is one of PENDING, RUNNING"),
        ("tus", "status: is one of"),
        (":foo", "it is PENDING, RUNNING"),
    ] {
        stage.type_text(typed);
        sees(&mut stage, told);
    }
    sees(&mut stage, "lgbm-0");
    stage.press("enter");
    sees(&mut stage, "No run is let through");
    sees(&mut stage, "it is PENDING, RUNNING");
    stage.press("esc /");
    stage.type_text("val/auc>");
    sees(&mut stage, "a value is missing after '>'");
    sees(&mut stage, "lgbm-0");
    stage.wait(500);
    sees(&mut stage, "lgbm-0");
    stage.type_text("0.895");
    stage.press("enter");
    sees(&mut stage, "5 of 12");
}

#[test]
fn a_word_that_is_on_its_way_to_a_field_counts_once_it_is_kept() {
    let mut stage = stage();
    stage.press("/");
    stage.type_text("lgbm host");
    stage.wait(500);
    sees(&mut stage, "lgbm-0");
    stage.press("enter");
    sees(&mut stage, "No run is let through");
}

#[test]
fn an_unknown_field_names_the_nearest() {
    let mut stage = stage();
    stage.press("/");
    stage.type_text("stauts:running");
    sees(&mut stage, "there is no field 'stauts'; 'status' is near");
    stage.press("enter");
    sees(&mut stage, "No run is let through");
    sees(&mut stage, "'status' is near");
}

#[test]
fn an_order_that_the_list_cannot_have_is_refused_in_words() {
    let mut stage = stage();
    stage.press(":");
    stage.type_text("sort strated");
    stage.press("enter");
    sees(&mut stage, "there is no field 'strated'; 'started' is near");
    stage.press("esc :");
    stage.type_text("sort val/acu");
    stage.press("enter");
    sees(&mut stage, "'val/auc' is near");
    stage.press("esc :");
    stage.type_text("sort loss");
    stage.press("enter");
    sees(&mut stage, "loss ▲");
    stage.press(":");
    stage.type_text("sort metrics.rare");
    stage.press("enter");
    sees(&mut stage, "none of these runs has 'metrics.rare'");
}

#[test]
fn keys_that_were_meant_for_a_closed_form_do_nothing() {
    let mut stage = stage();
    stage.press("a");
    stage.screen();
    stage.type_text("fraud");
    stage.press("enter");
    let key = |stage: &mut Stage, code| {
        stage.send(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    };
    stage.answer_write(Ok(Written {
        hint: None,
        said: "run 'x' logged".to_owned(),
        id: "run-000003".to_owned(),
    }));
    key(&mut stage, KeyCode::Char('x'));
    key(&mut stage, KeyCode::Enter);
    sees(&mut stage, "run 'x' logged");
    key(&mut stage, KeyCode::Char('q'));
    assert!(stage.effects.is_empty(), "it goes on with the others");
    stage.wait(1_000);
    stage.press("?");
    sees(&mut stage, "Help");
}

#[test]
fn a_paste_into_a_list_says_that_it_means_nothing() {
    let mut stage = stage();
    stage.send(Msg::Paste("qqq\nx".to_owned()));
    sees(&mut stage, "a paste means nothing here");
    assert!(stage.effects.is_empty());
}

#[test]
fn esc_from_a_filter_stays_at_the_row_however_deep_it_lies() {
    let mut stage = Stage::runs(120, 40, 2_000);
    stage.press("/");
    stage.type_text("lgbm-1500");
    stage.wait(500);
    stage.press("enter esc");
    assert!(stage.selected().contains("lgbm-1500"));
    sees(&mut stage, "lgbm-1499");
    stage.press("g g");
    assert!(stage.selected().contains("lgbm-0 "));
}
