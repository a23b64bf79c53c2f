//! Before the store is there: keys work, nothing is asked twice, and what stands in the way is told.

use crate::support::stage::Stage;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use modeldeck::service::ErrorKind;
use modeldeck::tui::connecting::Connecting;
use modeldeck::tui::env::Env;
use modeldeck::tui::message::{Effect, Failure, Lane, Msg, Progress};
use modeldeck::tui::panes::Tab;
use std::time::Duration;

fn stage(width: u16, height: u16) -> Stage {
    let env = Env {
        connecting: Some(Connecting::new("http://gpu-07:5000", Duration::ZERO)),
        read_only: Some("the server has not answered yet".to_owned()),
        ..Stage::env()
    };
    Stage::with(env, width, height, Tab::Experiments)
}

fn failure(kind: ErrorKind) -> Failure {
    Failure {
        kind,
        message: "no MLflow server is reached at 'http://gpu-07:5000': nobody listens there: connection refused".to_owned(),
        hint: Some("look at the host and the port, and whether the server runs ('mlflow server --port 5000')".to_owned()),
        field: None,
        causes: Vec::new(),
        meanwhile: None,
    }
}

fn progress(stage: &mut Stage, progress: Progress) {
    stage.send(Msg::Connection(progress));
}

/// Presses a key and answers nothing.
fn press(stage: &mut Stage, key: char) {
    let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
    stage.send(Msg::Key(key));
}

/// Lets time go by and answers nothing.
fn wait(stage: &mut Stage, seconds: u64) {
    stage.elapsed += Duration::from_secs(seconds);
    stage.send(Msg::Tick);
}

#[track_caller]
fn sees(stage: &mut Stage, part: &str) {
    let screen = stage.screen();
    assert!(screen.contains(part), "'{part}' is not on\n{screen}");
}

#[test]
fn what_stands_in_the_way_is_told_whole_at_any_size() {
    for (width, height) in [(120, 40), (80, 24), (40, 12)] {
        let mut stage = stage(width, height);
        wait(&mut stage, 3);
        sees(&mut stage, "connecting, 3 s");
        let (failure, pause) = (failure(ErrorKind::Unreachable), Duration::from_secs(8));
        progress(&mut stage, Progress::Failed { failure, pause });
        sees(&mut stage, "retrying in 8 s");
        sees(&mut stage, "refused");
        // Broken into lines, not cut.
        sees(&mut stage, "5000')");
        wait(&mut stage, 3);
        sees(&mut stage, "retrying in 5 s");
        assert!(!stage.screen().contains("read only"));
    }
}

#[test]
fn every_tab_is_asked_for_once_however_often_it_is_opened() {
    let mut stage = stage(120, 40);
    for key in ['2', '1', '2', '1'] {
        press(&mut stage, key);
        wait(&mut stage, 1);
    }
    let lanes: Vec<Lane> = stage.asked.iter().map(|(lane, ..)| *lane).collect();
    for (lane, times) in [
        (Lane::Rows(Tab::Experiments), 1),
        (Lane::Rows(Tab::Runs), 1),
        (Lane::Overview, 1),
        (Lane::Rows(Tab::Registry), 0),
    ] {
        let found = lanes.iter().filter(|asked| **asked == lane).count();
        assert_eq!(found, times, "{lane:?} in {lanes:?}");
    }
    progress(&mut stage, Progress::Connected { read_only: None });
    let before = stage.asked.len();
    let mut answers = 0;
    while let Some((lane, ticket, _)) = stage.asked.pop_front() {
        answers += 1;
        // Whatever came of it: an answer is no reason to ask again.
        let answer = Err(failure(ErrorKind::Invalid));
        stage.send(Msg::Answer {
            lane,
            ticket,
            answer,
        });
    }
    assert_eq!(answers, before);
}

#[test]
fn nothing_is_changed_before_the_store_is_there() {
    let mut stage = stage(120, 40);
    press(&mut stage, 'a');
    sees(&mut stage, "the server has not answered yet");
    progress(&mut stage, Progress::Connected { read_only: None });
    stage.answer();
    sees(&mut stage, "● live");
    stage.press("a");
    sees(&mut stage, "Create an experiment");
}

#[test]
fn a_refusal_ends_it_unless_the_server_was_waited_for() {
    let mut stage = stage(80, 24);
    progress(
        &mut stage,
        Progress::Refused(failure(ErrorKind::Unauthorized)),
    );
    let given_up = |effect: &Effect| matches!(effect, Effect::GiveUp(_));
    assert!(stage.effects.iter().any(given_up));

    let mut stage = self::stage(80, 24);
    let (failed, pause) = (failure(ErrorKind::Unreachable), Duration::from_secs(1));
    progress(
        &mut stage,
        Progress::Failed {
            failure: failed,
            pause,
        },
    );
    progress(&mut stage, Progress::Begun);
    progress(
        &mut stage,
        Progress::Refused(failure(ErrorKind::Unauthorized)),
    );
    assert!(!stage.effects.iter().any(given_up));
    sees(&mut stage, "✗ not connected, R tries again");
    press(&mut stage, 'R');
    assert!(stage.effects.contains(&Effect::Connect));
}
