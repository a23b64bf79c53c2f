//! Filters while they are typed: what they leave alone, what comes back, and what is told when they hide something.

use crate::support::stage::Stage;
use modeldeck::domain::Key;
use modeldeck::tui::message::Written;

#[track_caller]
fn sees(stage: &mut Stage, part: &str) {
    let screen = stage.screen();
    assert!(screen.contains(part), "'{part}' is not on\n{screen}");
}

/// The heads of the columns.
fn heads(stage: &mut Stage) -> Vec<String> {
    let screen = stage.screen();
    let line = screen.lines().find(|line| line.contains("Status"));
    let list = line.and_then(|line| line.split("││").next());
    let words = list.expect("the list has heads").split_whitespace();
    words
        .map(|word| word.trim_matches('│').to_owned())
        .collect()
}

/// Runs of which a few have another metric than the others.
fn mixed() -> Stage {
    let mut stage = Stage::runs(120, 40, 12);
    for run in stage.runs.iter_mut().skip(8) {
        let rare = run.metrics.remove(&Key::new("loss").unwrap()).unwrap();
        run.metrics.insert(Key::new("aaa").unwrap(), rare);
        run.metrics.insert(Key::new("rmse").unwrap(), rare);
    }
    stage.press("R");
    stage
}

#[test]
fn columns_stay_where_they_are_while_a_filter_is_typed() {
    let mut stage = mixed();
    let before = heads(&mut stage);
    assert!(before.contains(&"loss".to_owned()), "{before:?}");
    stage.press("/");
    for typed in ["rmse", ">", "0"] {
        stage.type_text(typed);
        stage.wait(500);
        assert_eq!(heads(&mut stage), before, "after {typed}");
    }
    // Kept, it is a list of its own, in which no run has a loss.
    stage.press("enter");
    let kept = heads(&mut stage);
    let has = |head: &str| kept.iter().any(|kept| kept == head);
    assert!(has("aaa") && !has("loss"), "{kept:?}");
    stage.press("esc");
    assert_eq!(heads(&mut stage), before);
}

#[test]
fn a_filter_that_leaves_the_columns_their_values_leaves_them_their_places() {
    let mut stage = mixed();
    let before = heads(&mut stage);
    stage.press("/");
    stage.type_text("lgbm-1 val/auc>0");
    stage.wait(500);
    stage.press("enter");
    assert_eq!(heads(&mut stage), before);
}

#[test]
fn the_row_that_was_selected_is_selected_again_when_it_is_let_through() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("j j");
    assert!(stage.selected().contains("lgbm-2"));
    stage.press("/");
    stage.type_text("lgbm-8");
    stage.wait(500);
    assert!(stage.selected().contains("lgbm-8"));
    stage.press("backspace");
    stage.wait(500);
    assert!(stage.selected().contains("lgbm-2"), "{}", stage.selected());
    stage.type_text("9");
    stage.wait(500);
    stage.press("esc");
    assert!(stage.selected().contains("lgbm-2"), "{}", stage.selected());
    // Who moves on means the row that they moved to.
    stage.press("/");
    stage.type_text("lgbm");
    stage.wait(500);
    stage.press("down esc");
    assert!(stage.selected().contains("lgbm-4"), "{}", stage.selected());
}

#[test]
fn a_key_that_is_known_is_a_field_where_no_row_is_left() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("/");
    stage.type_text("nobody val/auc>0.5");
    stage.wait(500);
    stage.press("enter");
    sees(&mut stage, "No run is let through");
    assert!(!stage.screen().contains("there is no field"));
    stage.press("/");
    stage.type_text("val/acu>0.5");
    sees(&mut stage, "'val/auc' is near");
}

#[test]
fn what_was_made_under_a_filter_that_hides_it_is_told() {
    let mut stage = Stage::runs(120, 40, 12);
    let made = |id: &str| Written {
        hint: None,
        said: "run 'x' logged".to_owned(),
        id: id.to_owned(),
    };
    stage.press(":");
    stage.type_text("filter lgbm-8");
    stage.press("enter a");
    stage.type_text("fraud");
    stage.press("enter");
    stage.answer_write(Ok(made("run-000003")));
    sees(&mut stage, "what narrows this list hides it");
}

#[test]
fn what_was_made_deep_in_a_list_is_gone_to() {
    let mut stage = Stage::runs(120, 40, 2_000);
    stage.press("a");
    stage.type_text("fraud");
    stage.press("enter");
    stage.answer_write(Ok(Written {
        hint: None,
        said: "run 'x' logged".to_owned(),
        id: "run-001500".to_owned(),
    }));
    assert!(
        stage.selected().contains("lgbm-1500"),
        "{}",
        stage.selected()
    );
}

#[test]
fn a_long_notice_has_rows_of_its_own() {
    let mut stage = Stage::runs(80, 24, 3);
    stage.press("a");
    stage.type_text("fraud");
    stage.press("enter");
    let hint = "the registry is as it was: 3 is in stage Production, 4 is in stage Archived; 't' there sets a stage";
    stage.answer_write(Ok(Written {
        hint: Some(hint.to_owned()),
        said: "version 3 of 'fraud' serves in PRODUCTION again".to_owned(),
        id: "run-000001".to_owned(),
    }));
    let screen = stage.screen();
    let last: Vec<&str> = screen.lines().rev().take(3).collect();
    let told = last.iter().rev().map(|line| line.trim());
    let told = told.collect::<Vec<_>>().join(" ");
    assert!(told.contains("'t' there sets a stage"), "{screen}");
    stage.press("j");
    assert!(!stage.screen().contains("'t' there sets a stage"));
}
