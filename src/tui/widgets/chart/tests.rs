//! What a chart draws, cell by cell.

use super::*;

fn series(name: &str, values: &[f64]) -> Series {
    let columns = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let x = f64::from(u32::try_from(at).unwrap());
            let finite = value.is_finite();
            ChartColumn {
                from: x,
                to: x,
                range: finite.then_some((*value, *value)),
                last: finite.then_some(*value),
                not_finite: !finite,
            }
        })
        .collect();
    Series {
        name: name.to_owned(),
        columns,
    }
}

fn drawn(series: &[Series], width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let theme = Theme::default();
    Chart {
        title: "loss",
        x_title: "step",
        series,
        theme: &theme,
    }
    .render(area, &mut buf);
    (0..height)
        .map(|y| (0..width).map(|x| buf[(x, y)].symbol()).collect())
        .collect()
}

#[test]
fn a_curve_falls_from_its_greatest_to_its_least_value() {
    let values: Vec<f64> = (0..40).map(|at| 2.0 - f64::from(at) * 0.05).collect();
    let lines = drawn(&[series("loss", &values)], 30, 8);
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn two_curves_are_told_apart_without_colour() {
    let rising: Vec<f64> = (0..60).map(|at| f64::from(at) / 60.0).collect();
    let falling: Vec<f64> = rising.iter().map(|value| 1.0 - value).collect();
    let lines = drawn(&[series("train", &rising), series("val", &falling)], 44, 10);
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_spike_reaches_the_top_at_any_width() {
    for width in [2, 5, 20, 60, 200] {
        let mut values = vec![0.0; 500];
        values[317] = 9.0;
        let lines = drawn(&[series("loss", &values)], width, 12);
        let top = &lines[1];
        assert!(
            top.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)),
            "{width}: {lines:#?}"
        );
    }
}

#[test]
fn what_is_not_finite_is_marked_on_the_axis_and_interrupts_the_line() {
    let mut values = vec![1.0; 40];
    values[10..20].fill(f64::NAN);
    values[39] = f64::INFINITY;
    let lines = drawn(&[series("loss", &values)], 30, 8);
    assert!(lines[0].contains("× not finite"), "{lines:#?}");
    let axis = &lines[6];
    assert!(axis.contains('×') && axis.contains('─'), "{lines:#?}");
    assert!(axis.ends_with('×'), "{lines:#?}");
    let all_broken = drawn(&[series("loss", &[f64::NAN, f64::NAN])], 30, 8);
    assert!(
        all_broken.iter().any(|line| line.contains('×')),
        "{all_broken:#?}"
    );
}

#[test]
fn every_size_is_drawn_without_panic() {
    let values: Vec<f64> = (0..200).map(|at| f64::from(at % 17)).collect();
    let extremes = [f64::MAX, f64::MIN, 0.0, f64::MIN_POSITIVE, f64::NAN];
    for curves in [
        vec![],
        vec![series("", &[])],
        vec![series("one", &[0.5])],
        vec![series("価格", &values), series("x", &extremes)],
    ] {
        for width in 0..40 {
            for height in 0..14 {
                drawn(&curves, width, height);
            }
        }
    }
}

#[test]
fn an_area_outside_the_screen_is_not_drawn() {
    let theme = Theme::default();
    let curves = [series("loss", &[1.0, 2.0])];
    let mut buf = Buffer::empty(Rect::new(0, 0, 10, 4));
    Chart {
        title: "loss",
        x_title: "step",
        series: &curves,
        theme: &theme,
    }
    .render(Rect::new(5, 2, 40, 20), &mut buf);
}

#[test]
fn one_point_is_shown_and_nothing_is_said_to_be_nothing() {
    let one = drawn(&[series("loss", &[0.5])], 20, 6).concat();
    assert!(
        one.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)),
        "{one}"
    );
    let none = drawn(&[series("loss", &[])], 20, 6).concat();
    assert!(none.contains("no points yet"), "{none}");
    // What is not here yet is not said to be nothing.
    assert!(drawn(&[], 20, 6).concat().contains("loading …"));
}
