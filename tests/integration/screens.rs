//! What stands on the screen, at the sizes that matter: everything fixed, so that a picture changes only when the program does.

use crate::support::stage::{self, Stage};
use modeldeck::service::ErrorKind;
use modeldeck::tui::message::{Failure, Msg, Write, Written};
use modeldeck::tui::panes::Tab;
use ratatui::style::Modifier;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

fn snapshot(name: &str, stage: &mut Stage, width: u16, height: u16) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path("snapshots");
    settings.bind(|| insta::assert_snapshot!(format!("{name}_{width}x{height}"), stage.screen()));
}

#[test]
fn runs() {
    for (width, height) in SIZES {
        let mut stage = Stage::runs(width, height, 12);
        snapshot("runs", &mut stage, width, height);
    }
}

#[test]
fn experiments() {
    for (width, height) in SIZES {
        let mut stage = Stage::new(width, height, Tab::Experiments);
        stage.runs = stage::runs(5);
        stage.answer();
        snapshot("experiments", &mut stage, width, height);
    }
}

#[test]
fn an_empty_store_says_what_to_do() {
    let mut env = Stage::env();
    env.offer_demo = true;
    let mut stage = Stage::with(env, 80, 24, Tab::Experiments);
    stage.experiments.clear();
    stage.answer();
    snapshot("empty", &mut stage, 80, 24);
}

#[test]
fn loading_and_failed() {
    let mut stage = Stage::new(80, 24, Tab::Runs);
    snapshot("loading", &mut stage, 80, 24);
    stage.failing = Some(Failure {
        kind: ErrorKind::Unusable,
        message: "the store 'x.db' cannot be used: it is damaged".to_owned(),
        hint: Some("'modeldeck doctor' tells more".to_owned()),
        field: None,
        causes: Vec::new(),
        meanwhile: None,
    });
    stage.answer();
    snapshot("failed", &mut stage, 80, 24);
}

#[test]
fn a_failed_refresh_keeps_the_old_rows() {
    let mut stage = Stage::runs(80, 24, 12);
    stage.failing = Some(Failure {
        kind: ErrorKind::Busy,
        message: "the store is busy".to_owned(),
        hint: Some("try again in a moment".to_owned()),
        field: None,
        causes: Vec::new(),
        meanwhile: None,
    });
    stage.press("R");
    let screen = stage.screen();
    assert!(
        screen.contains("lgbm-0") && screen.contains("the store is busy"),
        "{screen}"
    );
    assert!(screen.contains("stale 0 s, retrying in 1 s"), "{screen}");
    stage.failing = None;
    stage.wait(1_100);
    assert!(
        stage.screen().contains("● live"),
        "it asked again by itself"
    );
}

#[test]
fn overlays() {
    for (width, height) in SIZES {
        let mut stage = Stage::runs(width, height, 12);
        stage.press("r");
        stage.type_text(" 2");
        snapshot("register", &mut stage, width, height);
        stage.press("esc esc ?");
        stage.type_text("sort");
        snapshot("help", &mut stage, width, height);
        stage.press("esc space space space c");
        snapshot("compare", &mut stage, width, height);
        stage.press("esc s");
        snapshot("sort", &mut stage, width, height);
        stage.press("esc :");
        stage.type_text("ru");
        snapshot("command", &mut stage, width, height);
    }
}

#[test]
fn the_detail_fills_the_screen() {
    let mut stage = Stage::runs(80, 24, 12);
    stage.press("enter enter");
    snapshot("zoom", &mut stage, 80, 24);
}

#[test]
fn nothing_that_a_terminal_obeys_comes_through() {
    let mut stage = Stage::runs(120, 40, 12);
    let (buffer, _) = stage.buffer();
    let obeyed = |symbol: &str| symbol.chars().any(char::is_control);
    assert!(!buffer.content.iter().any(|cell| obeyed(cell.symbol())));
    assert!(stage.screen().contains("␛[2Jevil"));
}

#[test]
fn what_cannot_be_done_is_dimmed_and_says_why() {
    let mut env = Stage::env();
    env.read_only = Some("modeldeck runs with --read-only".to_owned());
    let dimmed = env.theme.disabled;
    let mut stage = Stage::with(env, 120, 40, Tab::Runs);
    stage.runs = stage::runs(3);
    stage.answer();
    let (buffer, _) = stage.buffer();
    let footer = buffer.area.height - 1;
    let line: Vec<&str> = (0..buffer.area.width)
        .map(|x| buffer[(x, footer)].symbol())
        .collect();
    let x = line
        .concat()
        .find("a log")
        .map(|at| line.concat()[..at].chars().count());
    let cell = &buffer[(u16::try_from(x.unwrap()).unwrap(), footer)];
    assert_eq!(Some(cell.fg), dimmed.fg);
    stage.press("a");
    assert!(
        stage
            .screen()
            .contains("nothing is changed here: modeldeck runs with --read-only")
    );
    stage.press("x");
    assert!(stage.screen().contains("--read-only"));
}

#[test]
fn the_selection_is_told_by_more_than_colour() {
    let mut stage = Stage::runs(80, 24, 3);
    assert!(stage.selected().contains("lgbm-0"));
    let (buffer, _) = stage.buffer();
    let row = (0..24).find(|y| buffer[(1, *y)].symbol() == "▸").unwrap();
    assert!(buffer[(4, row)].modifier.contains(Modifier::BOLD));
}

#[test]
fn no_size_and_no_key_is_too_much() {
    use proptest::prelude::*;
    let keys = modeldeck::tui::keymap::BINDINGS
        .iter()
        .flat_map(|binding| binding.keys)
        .copied()
        .chain(["x", "é", "価", "%"])
        // What ends the program is tried elsewhere.
        .filter(|keys| *keys != "ctrl-c")
        .collect::<Vec<_>>();
    let config = ProptestConfig {
        failure_persistence: None,
        cases: 60,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        sizes in proptest::collection::vec((1_u16..140, 1_u16..50), 1..4),
        pressed in proptest::collection::vec(proptest::sample::select(keys.clone()), 1..40),
    )| {
        let mut stage = Stage::runs(sizes[0].0, sizes[0].1, 30);
        for (nth, keys) in pressed.iter().enumerate() {
            stage.press(keys);
            let (width, height) = sizes[nth % sizes.len()];
            stage.resize(width, height);
            stage.screen();
        }
    });
}

#[test]
fn every_small_size_is_drawn() {
    for width in 1..24 {
        for height in 1..14 {
            let mut stage = Stage::runs(width, height, 5);
            for keys in [
                "?", "esc", "a", "esc", "s", "esc", ":", "esc", "n", "esc", "/", "esc", "enter",
            ] {
                stage.press(keys);
                stage.screen();
            }
        }
    }
}

/// What waits for the mirror, item by item, under `:sync`; the header tells how many.
#[test]
fn the_mirror() {
    for (width, height) in SIZES {
        let mut stage = Stage::new(width, height, Tab::Runs);
        stage.runs = stage::runs(3);
        stage.sync = stage::mirror::mirror();
        stage.answer();
        stage.press(": s y n c enter");
        snapshot("sync", &mut stage, width, height);
    }
}

#[test]
fn an_item_of_the_mirror_is_retried_and_given_up_with_a_reason() {
    let mut stage = Stage::runs(100, 30, 2);
    stage.sync = stage::mirror::mirror();
    stage.press(": s y n c enter");
    stage.press("r");
    let (ticket, write) = stage.writes.pop_front().unwrap();
    assert_eq!(write, Write::RetrySync(4));
    stage.send(Msg::Written {
        ticket,
        result: Ok(Written {
            said: "artifact model.bin of run r1 is queued again".to_owned(),
            id: String::new(),
            hint: None,
        }),
    });
    stage.answer();
    assert!(
        stage
            .screen()
            .contains("MLflow · offline, 2 queued, 1 dead")
    );
    stage.press("j x");
    stage.press("enter");
    assert!(stage.writes.is_empty(), "a reason is asked for");
    stage.press("o l d enter");
    assert_eq!(
        stage.writes.pop_front().unwrap().1,
        Write::DropSync(7, "old".to_owned())
    );
}
