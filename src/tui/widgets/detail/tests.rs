//! What a detail draws, and how it scrolls.

use super::*;
use crate::tui::theme::ThemeName;
use crate::tui::widgets::chart::ChartColumn;

fn sample() -> Detail {
    let mut checklist = Table::new(["", "Item", "By", "Note"]);
    checklist.choice(
        "bias",
        vec![
            "✓".into(),
            "bias review".into(),
            "bob".into(),
            "looks fine to me".into(),
        ],
    );
    checklist.note("by bob, this morning, after a long talk");
    checklist.choice(
        "card",
        vec!["○".into(), "model card".into(), "".into(), "".into()],
    );
    let column = |x: f64, value: f64| ChartColumn {
        from: x,
        to: x,
        range: Some((value, value)),
        last: Some(value),
        not_finite: false,
    };
    let series = vec![Series {
        name: "loss".to_owned(),
        columns: vec![column(0.0, 1.0), column(1.0, 0.5)],
    }];
    Detail {
        title: "fraud 7".to_owned(),
        sections: vec![
            Section::new("").pair("Stage", "Staging").pair(
                "Source",
                "s3://models/fraud/7/a/very/long/path/to/model.onnx",
            ),
            Section::new("Checklist").table(checklist),
            Section::new("Curve").chart("loss", series, 6),
            Section::new("Notes")
                .text("The quick brown fox jumps over the lazy dog.")
                .cut("a line that is cut where it ends"),
        ],
    }
}

fn drawn(detail: &Detail, state: &DetailState, width: u16, height: u16) -> (Vec<String>, Buffer) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    detail.draw(area, &mut buf, &Theme::of(ThemeName::Mono), state, true);
    let lines = (0..height)
        .map(|y| (0..width).map(|x| buf[(x, y)].symbol()).collect())
        .collect();
    (lines, buf)
}

#[test]
fn sections_lie_under_each_other() {
    let (lines, _) = drawn(&sample(), &DetailState::default(), 36, 22);
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn every_size_is_drawn_from_every_place() {
    let detail = sample();
    for width in 0..50 {
        for height in 0..30 {
            let mut state = DetailState::default();
            drawn(&detail, &state, width, height);
            state.to_end();
            drawn(&detail, &state, width, height);
            state.section_by(&detail, width, height, 1);
            state.scroll_by(&detail, width, height, -3);
            state.choose_by(&detail, 1);
            drawn(&detail, &state, width, height);
        }
    }
    drawn(&Detail::default(), &DetailState::default(), 10, 3);
}

#[test]
fn scrolling_stops_at_both_ends() {
    let detail = sample();
    let mut state = DetailState::default();
    state.scroll_by(&detail, 36, 5, -10);
    assert_eq!(
        drawn(&detail, &state, 36, 5).0[0].trim_end(),
        "Stage  Staging"
    );
    state.scroll_by(&detail, 36, 5, 1000);
    let end = drawn(&detail, &state, 36, 5).0;
    assert!(end[4].starts_with("a line that is cut"), "{end:#?}");
    // What was scrolled beyond the end does not have to be scrolled back.
    state.scroll_by(&detail, 36, 5, -1);
    assert_ne!(drawn(&detail, &state, 36, 5).0, end);
}

#[test]
fn a_chosen_row_is_seen_and_survives_a_change() {
    let mut detail = sample();
    let mut state = DetailState::default();
    assert_eq!(state.chosen(&detail), Some("bias"));
    assert!(state.choose_by(&detail, 1) && state.choose_by(&detail, 1));
    assert_eq!(state.chosen(&detail), Some("card"));
    let (lines, buf) = drawn(&detail, &state, 36, 3);
    let at = lines
        .iter()
        .position(|line| line.contains("model card"))
        .unwrap();
    let cell = &buf[(3, u16::try_from(at).unwrap())];
    assert!(cell.modifier.contains(ratatui::style::Modifier::REVERSED));

    detail.sections.remove(1);
    assert_eq!(state.chosen(&detail), None);
    assert!(!state.choose_by(&detail, 1));
}

#[test]
fn one_can_go_from_section_to_section() {
    let detail = sample();
    let mut state = DetailState::default();
    for title in ["Checklist", "Curve", "Notes", "Notes"] {
        state.section_by(&detail, 36, 4, 1);
        let (lines, _) = drawn(&detail, &state, 36, 4);
        assert!(
            lines.iter().any(|line| line.contains(title)),
            "{title}: {lines:#?}"
        );
    }
}
