//! Tables: fitted, cut, left out, and never through a letter.

use super::*;

fn table() -> Table {
    let mut table = Table::new(&[
        Column::whole("RUN ID"),
        Column::text("NAME"),
        Column::text("NOTE"),
        Column::number("LOSS"),
    ]);
    table.push(vec![
        Cell::shown("0199abcdef"),
        Cell::raw("a long name of a run"),
        Cell::raw("short"),
        Cell::shown("0.31").styled(Style::Good),
    ]);
    table
}

#[test]
fn without_a_terminal_nothing_is_cut_or_coloured() {
    assert_eq!(
        table().render(None, false),
        "RUN ID      NAME                  NOTE   LOSS\n0199abcdef  a long name of a run  short  0.31\n"
    );
}

#[test]
fn on_a_narrow_terminal_the_widest_text_gives_way_and_ids_stay_whole() {
    assert_eq!(
        table().render(Some(38), false),
        "RUN ID      NAME           NOTE   LOSS\n0199abcdef  a long name …  short  0.31\n"
    );
    assert!(table().render(Some(10), false).contains("0199abcdef"));
}

#[test]
fn when_cutting_is_not_enough_the_last_columns_are_left_out() {
    let table = table();
    assert_eq!(table.left_out(Some(30)), ["LOSS"]);
    assert_eq!(
        table.render(Some(30), false),
        "RUN ID      NAME         NOTE\n0199abcdef  a long nam…  short\n"
    );
    assert_eq!(table.left_out(Some(10)), ["NAME", "NOTE", "LOSS"]);
    assert_eq!(table.left_out(None), Vec::<&str>::new());
}

#[test]
fn a_long_list_is_rendered_in_stretches_under_one_title() {
    let mut table = table();
    let first = table.take_lines(None, false);
    table.push(vec![
        Cell::shown("0199abcdff"),
        Cell::raw("b"),
        Cell::raw("c"),
        Cell::shown("0.4"),
    ]);
    assert_eq!(first.lines().count(), 2);
    assert_eq!(
        table.take_lines(None, false),
        "0199abcdff  b                     c       0.4\n"
    );
}

#[test]
fn colour_adds_nothing_to_the_width() {
    let plain: usize = table().render(None, false).lines().last().unwrap().width();
    let coloured = table().render(None, true);
    let last = coloured.lines().last().unwrap();
    assert_eq!(
        last.replace("\u{1b}[32m", "")
            .replace("\u{1b}[0m", "")
            .width(),
        plain
    );
}

#[test]
fn wide_letters_are_cut_whole() {
    assert_eq!(shortened("価格価格", 5), "価格…");
    assert_eq!(shortened("価格価格", 4), "価…");
}
