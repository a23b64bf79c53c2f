//! The screen's core: messages in, state and effects out. No terminal, no runtime, no store.

mod connecting;
mod filtering;
mod forms;
mod typed;

use crate::support::stage::{self, Stage};
use crossterm::event::MouseEventKind;
use modeldeck::domain::{ExperimentName, RunStatus, Sort};
use modeldeck::service::ErrorKind;
use modeldeck::store::PageFrom;
use modeldeck::tui::message::{Effect, Failure, Lane, ListOf, Msg, Question};
use modeldeck::tui::panes::Tab;
use std::time::Duration;

fn refusal(field: Option<&'static str>, message: &str) -> Failure {
    Failure {
        kind: ErrorKind::Invalid,
        message: message.to_owned(),
        hint: Some("try another".to_owned()),
        field,
        causes: Vec::new(),
        meanwhile: None,
    }
}

/// The filter and order of the rows that were asked for last.
fn asked_rows(stage: &Stage) -> Option<(usize, Option<Sort>)> {
    let mut asked = stage.asked.iter().rev();
    asked.find_map(|(lane, _, question)| match (lane, question) {
        (Lane::Rows(_), Question::Page(ListOf::Runs(query), _)) => {
            Some((query.list.filter.terms.len(), query.list.sort.clone()))
        }
        _ => None,
    })
}

#[test]
fn the_selection_stays_on_its_run_when_others_come() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("j j");
    assert!(stage.selected().contains("lgbm-2"));
    let mut newer = stage::run(500);
    newer.name = "brand-new".to_owned();
    stage.runs.insert(0, newer);
    stage.send(Msg::Changed);
    stage.answer();
    assert!(stage.selected().contains("lgbm-2"));
    assert!(stage.screen().contains("brand-new"));
}

#[test]
fn a_vanished_run_hands_the_selection_to_its_neighbour() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("j j");
    stage.runs.remove(2);
    stage.send(Msg::Changed);
    stage.answer();
    let next = stage.selected();
    assert!(next.contains("価格"), "{next}");
    stage.runs.truncate(1);
    stage.send(Msg::Changed);
    stage.answer();
    assert!(stage.selected().contains("lgbm-0"));
}

#[test]
fn an_answer_to_an_older_question_is_dropped_without_a_frame() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.send(Msg::Changed);
    let old: Vec<_> = stage.asked.drain(..).collect();
    stage.press("s j enter");
    stage.app.take_dirty();
    let before = stage.screen();
    stage.app.take_dirty();
    for (lane, ticket, _) in old {
        if matches!(lane, Lane::Rows(_)) {
            let answer = Err(refusal(None, "too late"));
            stage.send(Msg::Answer {
                lane,
                ticket,
                answer,
            });
        }
    }
    assert!(!stage.app.take_dirty());
    assert_eq!(stage.screen(), before);
}

#[test]
fn while_a_question_is_open_changes_make_no_second_one() {
    let mut stage = Stage::runs(120, 40, 12);
    for _ in 0..5 {
        stage.send(Msg::Changed);
    }
    let rows = |stage: &Stage| {
        let asked = stage.asked.iter();
        asked
            .filter(|(lane, ..)| matches!(lane, Lane::Rows(_)))
            .count()
    };
    assert_eq!(rows(&stage), 1);
    // Once it is answered, what changed meanwhile is asked for once more, and then no more.
    stage.answer();
    assert!(stage.asked.is_empty());
}

#[test]
fn paused_nothing_is_asked_and_the_header_says_so() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("p");
    stage.send(Msg::Changed);
    assert!(stage.asked.is_empty());
    assert!(stage.screen().contains("paused, changes wait"));
    stage.press("p");
    assert!(stage.screen().contains("● live"));
}

#[test]
fn a_long_list_is_walked_through_without_loading_it_all() {
    let mut stage = Stage::runs(80, 24, 5_000);
    stage.press("G");
    assert!(stage.selected().contains("lgbm-4999"));
    assert!(stage.screen().contains(" 5,000 ┘"), "{}", stage.screen());
    for _ in 0..900 {
        stage.press("pageup");
    }
    assert!(stage.selected().contains("lgbm-0"), "{}", stage.selected());
    for _ in 0..100 {
        stage.press("pagedown");
    }
    let line = stage.selected();
    stage.send(Msg::Changed);
    let request = stage
        .asked
        .iter()
        .find_map(|(lane, _, question)| match question {
            Question::Page(_, request) if matches!(lane, Lane::Rows(_)) => Some(request.clone()),
            _ => None,
        });
    let request = request.unwrap();
    assert!(matches!(request.from, PageFrom::At(_)), "{request:?}");
    assert!(request.limit <= 1_000, "{request:?}");
    stage.answer();
    assert_eq!(stage.selected(), line, "it stays where it is");
    stage.press("g g");
    assert!(stage.selected().contains("lgbm-0"));
}

#[test]
fn after_a_failed_filter_no_cursor_of_the_old_list_is_used() {
    let mut stage = Stage::runs(80, 24, 1_000);
    stage.failing = Some(refusal(None, "broken"));
    stage.press(":");
    stage.type_text("filter loss>0.4");
    stage.press("enter");
    assert!(stage.screen().contains("broken"));
    stage.press("pagedown");
    assert!(stage.asked.is_empty());
    stage.failing = None;
    stage.send(Msg::Changed);
    let from_start = stage.asked.iter().any(|(_, _, question)| {
        matches!(question, Question::Page(_, request) if request.from == PageFrom::Start)
    });
    assert!(from_start, "{:?}", stage.asked);
    stage.answer();
    assert!(!stage.screen().contains("broken"));
}

#[test]
fn a_filter_holds_on_the_rows_at_once_and_in_the_store_after_a_pause() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("/");
    stage.type_text("lgbm-1");
    assert!(
        stage
            .asked
            .iter()
            .all(|(lane, ..)| !matches!(lane, Lane::Rows(_)))
    );
    let screen = stage.screen();
    assert!(
        screen.contains("lgbm-11") && !screen.contains("lgbm-2 "),
        "{screen}"
    );
    stage.elapsed += std::time::Duration::from_millis(250);
    stage.send(Msg::Tick);
    assert_eq!(asked_rows(&stage), Some((1, None)));
    let screen = stage.screen();
    assert!(
        !screen.contains("lgbm-2 "),
        "until the store answers too: {screen}"
    );
    stage.answer();
    stage.press("enter");
    assert!(
        stage.screen().contains("Runs · 3 of 12 · lgbm-1"),
        "{}",
        stage.screen()
    );
    stage.press("esc");
    assert!(stage.screen().contains("Runs · 12"));
}

#[test]
fn what_is_no_filter_says_why_and_keeps_the_rows() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("/");
    stage.type_text("lgbm !");
    stage.wait(500);
    let screen = stage.screen();
    assert!(screen.contains("a word is missing"), "{screen}");
    assert!(screen.contains("lgbm-2"));
    stage.press("esc");
    assert!(!stage.screen().contains("lgbm !"));
}

#[test]
fn a_column_sorts_by_key_and_by_click_and_turns_round() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("s");
    stage.type_text("auc");
    stage.press("enter");
    let best = stage.selected();
    assert!(
        best.contains("lgbm-0 ") && best.contains("0.9"),
        "the best comes first: {best}"
    );
    assert!(stage.screen().contains("val/auc ▼"));
    stage.press("S");
    assert!(stage.selected().contains("lgbm-11"));
    let screen = stage.screen();
    let header = screen.lines().nth(3).unwrap();
    let x = header[..header.find("loss").unwrap()].chars().count();
    stage.click(u16::try_from(x).unwrap() + 1, 3);
    assert!(
        stage.screen().contains("loss ▲"),
        "the least loss comes first"
    );
}

#[test]
fn the_mouse_selects_opens_scrolls_and_changes_tabs() {
    let mut stage = Stage::runs(120, 40, 60);
    stage.click(5, 6);
    assert!(stage.selected().contains("lgbm-2"));
    stage.mouse(MouseEventKind::ScrollDown, 5, 10);
    let screen = stage.screen();
    assert!(!screen.contains("lgbm-1 "), "{screen}");
    stage.click(3, 1);
    assert_eq!(stage.app.tab(), Tab::Experiments);
}

#[test]
fn from_an_experiment_to_its_runs_and_back() {
    let mut stage = Stage::new(120, 40, Tab::Experiments);
    stage.runs = stage::runs(10);
    stage.answer();
    stage.press("j g r");
    assert_eq!(stage.app.tab(), Tab::Runs);
    assert!(
        stage.screen().contains("Runs · churn · 5"),
        "{}",
        stage.screen()
    );
    stage.press("o e");
    assert_eq!(stage.app.tab(), Tab::Experiments);
    assert!(stage.selected().contains("churn"));
    stage.press("backspace");
    assert_eq!(stage.app.tab(), Tab::Runs);
    stage.press("backspace");
    assert_eq!(stage.app.tab(), Tab::Experiments);
    assert!(
        stage.selected().contains("churn"),
        "on the row one came from"
    );
    assert!(stage.screen().contains("Experiments · 3"));
}

#[test]
fn what_has_no_such_relative_says_so() {
    let mut stage = Stage::runs(120, 40, 3);
    stage.press("g p");
    assert!(stage.screen().contains("'o' lists where it leads"));
}

#[test]
fn a_watch_that_failed_for_good_is_not_called_live() {
    let mut stage = Stage::runs(120, 40, 3);
    stage.send(Msg::Watch(Some(refusal(None, "the store is gone"))));
    let screen = stage.screen();
    assert!(
        screen.contains("✗ not live") && screen.contains("the store is gone"),
        "{screen}"
    );
    stage.send(Msg::Watch(None));
    stage.answer();
    assert!(stage.screen().contains("● live"), "{}", stage.screen());
}

#[test]
fn the_overview_is_asked_again_with_time_alone() {
    let mut stage = Stage::runs(120, 40, 3);
    stage.elapsed += Duration::from_secs(61);
    stage.send(Msg::Tick);
    let overviews = stage.asked.iter();
    let overviews = overviews.filter(|(lane, ..)| *lane == Lane::Overview);
    assert_eq!(overviews.count(), 1);
}

#[test]
fn help_is_not_scrolled_past_its_end() {
    let mut stage = Stage::runs(80, 24, 3);
    stage.press("?");
    for _ in 0..40 {
        stage.press("pagedown");
    }
    let end = stage.screen();
    stage.press("up");
    assert_ne!(stage.screen(), end, "one step back is seen at once");
}

#[test]
fn marked_runs_are_compared_side_by_side() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("c");
    assert!(stage.screen().contains("mark two runs or more"));
    stage.press("space space c");
    let screen = stage.screen();
    assert!(
        screen.contains("Compare 2 runs") && screen.contains("★"),
        "{screen}"
    );
    stage.runs[0].status = RunStatus::Completed;
    stage.send(Msg::Changed);
    stage.answer();
    assert!(
        stage.screen().matches("✓ COMPLETED").count() >= 2,
        "it follows changes"
    );
}

#[test]
fn the_command_line_shows_filters_sorts_and_corrects() {
    let mut stage = Stage::new(120, 40, Tab::Experiments);
    stage.runs = stage::runs(12);
    stage.answer();
    stage.press(":");
    stage.type_text("runs status:failed");
    stage.press("enter");
    assert!(
        stage.screen().contains("Runs · 3 of 12 · status:failed"),
        "{}",
        stage.screen()
    );
    stage.press(":");
    stage.type_text("sort loss:desc");
    stage.press("enter");
    stage.press(":");
    stage.type_text("rnus");
    stage.press("enter");
    assert!(stage.screen().contains("'runs' is near"));
    stage.press("esc :");
    stage.type_text("quit");
    stage.press("enter");
    assert!(stage.effects.contains(&Effect::Quit { demo: false }));
}

#[test]
fn q_comes_out_by_one_layer_and_then_quits() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("space enter q");
    assert!(stage.screen().contains("1 marked"));
    stage.press("q");
    assert!(!stage.screen().contains("1 marked"));
    assert!(stage.effects.is_empty());
    stage.press("q");
    assert_eq!(stage.effects, [Effect::Quit { demo: false }]);
}

#[test]
fn ctrl_c_quits_from_everywhere() {
    for keys in ["", "/", "a", ":", "?", "s", "n"] {
        let mut stage = Stage::runs(80, 24, 3);
        if !keys.is_empty() {
            stage.press(keys);
        }
        stage.press("ctrl-c");
        assert_eq!(stage.effects, [Effect::Quit { demo: false }], "{keys}");
    }
}

#[test]
fn the_demo_is_offered_where_the_store_is_empty_only() {
    let mut env = Stage::env();
    env.offer_demo = true;
    let mut stage = Stage::with(env.clone(), 80, 24, Tab::Experiments);
    stage.answer();
    stage.press("D");
    assert!(stage.effects.is_empty() && stage.screen().contains("in use"));
    let mut stage = Stage::with(env, 80, 24, Tab::Experiments);
    stage.experiments.clear();
    stage.answer();
    stage.press("D");
    assert_eq!(stage.effects, [Effect::Quit { demo: true }]);
}

#[test]
fn a_chosen_metric_is_asked_for_and_stays_chosen() {
    let mut stage = Stage::runs(120, 40, 12);
    assert!(stage.screen().contains("── loss"), "a loss comes first");
    stage.press("m");
    assert!(stage.screen().contains("── val/auc"));
    stage.press("j j");
    assert!(stage.screen().contains("── val/auc"));
    stage.press("M");
    assert!(stage.screen().contains("── loss"));
}

#[test]
fn the_id_is_copied_as_it_is() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("y");
    assert_eq!(stage.effects, [Effect::Copy("run-000000".to_owned())]);
}

#[test]
fn nothing_is_dirty_when_nothing_changed() {
    let mut stage = Stage::runs(120, 40, 12);
    stage.screen();
    stage.app.take_dirty();
    // A write that touched nothing on the screen.
    stage.send(Msg::Changed);
    let rows: Vec<_> = stage.asked.iter().map(|(lane, ..)| *lane).collect();
    assert!(rows.contains(&Lane::Rows(Tab::Runs)));
    let before = stage.screen();
    stage.answer();
    assert_eq!(stage.screen(), before);
}

#[test]
fn keys_of_one_language_are_no_other_ones() {
    let experiment = ExperimentName::new("churn").unwrap();
    let mut stage = Stage::runs(120, 40, 12);
    stage.press("/");
    stage.type_text("q:x");
    assert!(stage.effects.is_empty(), "while typing, q is a letter");
    assert_eq!(stage.runs[1].experiment_name, experiment);
}
