//! What a list does when answers are late, old or missing; rows are versions, asked and answered by hand.

use super::ListPane;
use crate::domain::{ModelVersion, Sort};
use crate::store::{Cursor, Page, PageFrom};
use crate::tui::env::Env;
use crate::tui::message::{
    Answer, Effect, ErrorKind, Failure, Lane, Question, Rows, Ticket, VersionMore,
};
use crate::tui::panes::testing::version;
use crate::tui::panes::{Pane, Request, Tab};
use ratatui::layout::Rect;

type Versions = ListPane<ModelVersion>;

fn failure() -> Failure {
    Failure {
        kind: ErrorKind::Unavailable,
        message: "the store does not answer".to_owned(),
        hint: None,
        field: None,
        causes: Vec::new(),
        meanwhile: None,
    }
}

/// Versions from one to another, of a list that goes on behind them.
fn rows(numbers: std::ops::Range<usize>) -> Answer {
    let cursor = |number: usize| Cursor(number.to_string());
    Answer::Rows(Rows::Versions(Page {
        rows: numbers
            .clone()
            .map(|number| version("fraud", &number.to_string(), &[]))
            .collect(),
        edges: Some((cursor(numbers.start), cursor(numbers.end - 1))),
        more_before: numbers.start > 1,
        more_after: true,
    }))
}

/// The questions in requests, with what is needed to answer them.
fn questions(requests: Vec<Request>) -> Vec<(Lane, Ticket, Question)> {
    let asks = requests.into_iter().filter_map(|request| match request {
        Request::Effect(Effect::Ask {
            lane,
            ticket,
            question,
        }) => Some((lane, ticket, *question)),
        _ => None,
    });
    asks.collect()
}

fn page_from(asked: &[(Lane, Ticket, Question)]) -> Option<(Lane, Ticket, PageFrom)> {
    asked
        .iter()
        .find_map(|(lane, ticket, question)| match question {
            Question::Page(_, request) => Some((*lane, *ticket, request.from.clone())),
            _ => None,
        })
}

fn settle(pane: &mut Versions) -> Vec<(Lane, Ticket, Question)> {
    let list = Some(Rect::new(0, 0, 40, 8));
    questions(pane.settle(list, None, &Env::default()))
}

fn loaded(numbers: std::ops::Range<usize>) -> Versions {
    let mut pane = Versions::default();
    let asked = questions(pane.refresh(&Env::default()));
    let (lane, ticket, _) = page_from(&asked).unwrap();
    pane.received(lane, ticket, Ok(rows(numbers)), &Env::default());
    pane
}

#[test]
fn what_failed_is_asked_again_after_a_pause() {
    let mut pane = loaded(1..11);
    let (lane, ticket, from) = page_from(&settle(&mut pane)).unwrap();
    assert_eq!(from, PageFrom::After(Cursor("10".to_owned())));
    pane.received(lane, ticket, Err(failure()), &Env::default());
    assert_eq!(page_from(&settle(&mut pane)), None);
    let mut later = Env::default();
    later.now.elapsed = pane.wakes_at().unwrap();
    let list = Some(Rect::new(0, 0, 40, 8));
    let asked = questions(pane.settle(list, None, &later));
    let (lane, ticket, _) = page_from(&asked).expect("it was busy, and is asked again later");
    pane.received(lane, ticket, Ok(rows(1..11)), &Env::default());
    assert!(page_from(&settle(&mut pane)).is_some());
}

#[test]
fn cursors_do_not_meet_another_query() {
    let mut pane = loaded(201..400);
    let sort = Sort {
        field: "stage".to_owned(),
        descending: false,
    };
    let asked = questions(pane.set_sort(Some(sort)));
    let (lane, ticket, _) = page_from(&asked).unwrap();
    pane.received(lane, ticket, Err(failure()), &Env::default());
    let asked = questions(pane.refresh(&Env::default()));
    assert_eq!(page_from(&asked).unwrap().2, PageFrom::Start);
}

#[test]
fn an_old_answer_does_not_move_the_selection() {
    let mut pane = loaded(1..11);
    let asked = questions(pane.refresh(&Env::default()));
    let (lane, ticket, _) = page_from(&asked).unwrap();
    pane.move_by(9);
    let received = pane.received(lane, ticket, Ok(rows(1..6)), &Env::default());
    assert_eq!(pane.place().selected.as_deref(), Some("fraud 10"));
    let (lane, ticket, _) = page_from(&questions(received.requests)).unwrap();
    pane.received(lane, ticket, Ok(rows(1..6)), &Env::default());
    assert_eq!(
        pane.place().selected.as_deref(),
        Some("fraud 5"),
        "it is gone"
    );
}

#[test]
fn what_was_made_is_selected_though_an_older_answer_comes_first() {
    let mut pane = loaded(1..11);
    let asked = questions(pane.refresh(&Env::default()));
    let (lane, ticket, _) = page_from(&asked).unwrap();
    pane.select("fraud 12");
    pane.refresh(&Env::default());
    let received = pane.received(lane, ticket, Ok(rows(1..11)), &Env::default());
    let (lane, ticket, _) = page_from(&questions(received.requests)).unwrap();
    pane.received(lane, ticket, Ok(rows(1..13)), &Env::default());
    assert_eq!(pane.place().selected.as_deref(), Some("fraud 12"));
}

#[test]
fn a_detail_belongs_to_the_row_it_was_asked_for() {
    let mut pane = loaded(1..11);
    let detail = |asked: Vec<(Lane, Ticket, Question)>| {
        let mut asked = asked.into_iter();
        asked.find(|(_, _, question)| matches!(question, Question::Version(..)))
    };
    let (lane, ticket, _) = detail(settle(&mut pane)).expect("asked without room for it too");
    pane.move_by(1);
    let more = || Ok(Answer::Version(Box::<VersionMore>::default()));
    pane.received(lane, ticket, more(), &Env::default());
    assert!(pane.more().is_none());
    let (lane, ticket, _) = detail(settle(&mut pane)).unwrap();
    pane.received(lane, ticket, Err(failure()), &Env::default());
    assert!(pane.failure().is_some());
    let asked = questions(pane.refresh(&Env::default()));
    let (lane, ticket, _) = detail(asked).unwrap();
    pane.received(lane, ticket, more(), &Env::default());
    assert!(pane.failure().is_none() && pane.more().is_some());
}

#[test]
fn an_empty_list_can_be_filtered_and_left() {
    use crate::tui::panes::testing::{Screen, World};
    for tab in Tab::ALL {
        let mut screen = Screen::open(*tab, World::default(), (80, 24));
        screen.press(&["/"]).type_text("zz").press(&["enter"]);
        screen.sees("is let through");
        screen.press(&["esc"]);
        assert!(!screen.text().contains("zz"), "{tab:?}\n{}", screen.text());
        screen.press(&["s"]).sees("Sort by");
    }
}
