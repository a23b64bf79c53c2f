//! Where things go on a screen of any size, and what is given up first when there is little room.
//!
//! ```text
//! header                         1 row, from 5 rows on
//! tabs                           1 row, from 3 rows on
//! list            │ detail       beside each other from 100 columns on, else below each other
//! live strip                     from 30 rows on (24 when the detail is beside the list)
//! footer                         1 row, from 4 rows on
//! ```
//! The live strip goes first, then the detail, then columns of the list ([`fit_columns`]).

use ratatui::layout::Rect;

/// From this width on a detail stands beside its list.
const BESIDE: u16 = 100;
/// The fewest rows of a list that has a detail below it, and of that detail, borders included.
const LIST_ROWS: u16 = 8;
const DETAIL_ROWS: u16 = 8;
const STRIP_ROWS: u16 = 6;

/// What somebody would like to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    pub strip: bool,
    pub detail: bool,
    /// The detail has the keys: where only one of list and detail has room, it is the detail.
    pub detail_focused: bool,
}

/// Where everything goes. What has no room is `None`; every rectangle lies in the screen and none overlaps another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    pub header: Option<Rect>,
    pub tabs: Option<Rect>,
    pub list: Option<Rect>,
    pub detail: Option<Rect>,
    pub strip: Option<Rect>,
    pub footer: Option<Rect>,
}

/// Divides a screen.
pub fn frame(screen: Rect, wishes: Wishes) -> Areas {
    let mut rest = screen;
    let mut top = |wanted: bool| wanted.then(|| take_top(&mut rest, 1));
    let header = top(screen.height >= 5);
    let tabs = top(screen.height >= 3);
    let footer = (screen.height >= 4).then(|| take_bottom(&mut rest, 1));

    let beside = screen.width >= BESIDE;
    let strip_from = if beside || !wishes.detail { 24 } else { 30 };
    let strip = (wishes.strip && screen.height >= strip_from && screen.width >= 60)
        .then(|| take_bottom(&mut rest, STRIP_ROWS));

    let (list, detail) = match (wishes.detail, beside) {
        (true, true) if rest.height >= 3 => {
            let list_width = rest.width * 3 / 5;
            let (list, detail) = split_at_column(rest, list_width);
            (Some(list), Some(detail))
        }
        (true, false) if rest.height >= LIST_ROWS + DETAIL_ROWS => {
            let list_rows = (rest.height / 2).max(LIST_ROWS);
            let (list, detail) = split_at_row(rest, list_rows);
            (Some(list), Some(detail))
        }
        (true, _) if wishes.detail_focused => (None, Some(rest)),
        _ => (Some(rest), None),
    };
    Areas {
        header,
        tabs,
        list,
        detail,
        strip,
        footer,
    }
}

fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let taken = Rect {
        height: rows,
        ..*rest
    };
    rest.y += rows;
    rest.height -= rows;
    taken
}

fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect {
        y: rest.bottom(),
        height: rows,
        ..*rest
    }
}

fn split_at_column(area: Rect, width: u16) -> (Rect, Rect) {
    let width = width.min(area.width);
    let left = Rect { width, ..area };
    let right = Rect {
        x: area.x + width,
        width: area.width - width,
        ..area
    };
    (left, right)
}

fn split_at_row(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    let upper = Rect { height, ..area };
    let lower = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (upper, lower)
}

/// A rectangle of at most this size in the middle of a screen, for what opens on top of it.
pub fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

/// Divides an area into parts of nearly equal width, side by side.
pub fn thirds(area: Rect) -> [Rect; 3] {
    let (first, rest) = split_at_column(area, area.width / 3);
    let (second, third) = split_at_column(rest, rest.width / 2);
    [first, second, third]
}

/// What a column of a list would like to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnWish {
    /// Narrower than this it is not worth showing.
    pub least: u16,
    /// As narrow as this it may become where it would be given up otherwise.
    pub squeezed: Option<u16>,
    /// Wider than this it would only be empty.
    pub most: u16,
    /// Columns with the lowest rank stay longest; among equal ranks the left one stays.
    pub rank: u8,
}

/// The widths of columns with one column of space between them; 0 for those that are given up. The first in rank is always
/// shown, however narrow. Left-over room goes to the columns in the order of their rank, up to their most. Where the first columns in
/// rank may be squeezed and more of them have room so, they are.
pub fn fit_columns(wishes: &[ColumnWish], width: u16) -> Vec<u16> {
    let mut by_rank: Vec<usize> = (0..wishes.len()).collect();
    by_rank.sort_by_key(|at| (wishes[*at].rank, *at));
    let widths = fit_whole(wishes, &by_rank, width);
    let whole = widths.iter().filter(|width| **width > 0).count();
    match fit_squeezed(wishes, &by_rank, width) {
        Some((squeezed, columns)) if columns > whole => squeezed,
        _ => widths,
    }
}

/// As many of the first columns that may be squeezed as have room so, each a little wider in turn until there is no room left; and how
/// many they are.
fn fit_squeezed(wishes: &[ColumnWish], by_rank: &[usize], width: u16) -> Option<(Vec<u16>, usize)> {
    let mut widths = vec![0; wishes.len()];
    let (mut used, mut columns) = (0, 0);
    for at in by_rank {
        let Some(squeezed) = wishes[*at].squeezed else {
            break;
        };
        let needs = squeezed + u16::from(columns > 0);
        if used + needs > width {
            break;
        }
        widths[*at] = squeezed;
        used += needs;
        columns += 1;
    }
    let mut room = width.checked_sub(used)?;
    while room > 0 {
        let before = room;
        for at in by_rank.iter().take(columns) {
            if room > 0 && widths[*at] < wishes[*at].least {
                widths[*at] += 1;
                room -= 1;
            }
        }
        if room == before {
            break;
        }
    }
    Some((widths, columns))
}

fn fit_whole(wishes: &[ColumnWish], by_rank: &[usize], width: u16) -> Vec<u16> {
    let mut widths = vec![0; wishes.len()];
    let mut room = width;
    for (nth, at) in by_rank.iter().enumerate() {
        let wish = &wishes[*at];
        if nth == 0 {
            widths[*at] = wish.least.min(room);
            room -= widths[*at];
        } else if room > wish.least {
            widths[*at] = wish.least;
            room -= wish.least + 1;
        } else {
            // A column of a later rank is never shown in place of an earlier one.
            break;
        }
    }
    for at in by_rank {
        if widths[*at] > 0 {
            let more = wishes[*at].most.saturating_sub(widths[*at]).min(room);
            widths[*at] += more;
            room -= more;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wishes = Wishes {
        strip: true,
        detail: true,
        detail_focused: false,
    };

    fn rects(areas: &Areas) -> Vec<Rect> {
        let Areas {
            header,
            tabs,
            list,
            detail,
            strip,
            footer,
        } = *areas;
        [header, tabs, list, detail, strip, footer]
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn every_size_is_filled_without_overlap() {
        for width in (1..220).step_by(3) {
            for height in 1..70 {
                for bits in 0..8 {
                    let wishes = Wishes {
                        strip: bits & 1 > 0,
                        detail: bits & 2 > 0,
                        detail_focused: bits & 4 > 0,
                    };
                    let screen = Rect::new(3, 2, width, height);
                    let rects = rects(&frame(screen, wishes));
                    let covered: u32 = rects.iter().map(|rect| rect.area()).sum();
                    assert_eq!(covered, screen.area(), "{width}x{height} {wishes:?}");
                    for (at, rect) in rects.iter().enumerate() {
                        assert_eq!(rect.intersection(screen), *rect, "{width}x{height}");
                        assert!(!rect.is_empty(), "{width}x{height} {rect:?}");
                        for other in &rects[at + 1..] {
                            assert!(rect.intersection(*other).is_empty(), "{width}x{height}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn things_are_given_up_in_order() {
        let at = |width, height| {
            let areas = frame(Rect::new(0, 0, width, height), ALL);
            (
                areas.strip.is_some(),
                areas.detail.is_some(),
                areas.list.is_some(),
            )
        };
        assert_eq!(at(120, 40), (true, true, true));
        assert_eq!(at(80, 40), (true, true, true));
        assert_eq!(at(80, 24), (false, true, true));
        assert_eq!(at(40, 12), (false, false, true));
        assert_eq!(at(1, 1), (false, false, true));
    }

    #[test]
    fn a_focused_detail_takes_the_room_of_its_list_where_there_is_one_place() {
        let wishes = Wishes {
            detail_focused: true,
            ..ALL
        };
        let areas = frame(Rect::new(0, 0, 40, 12), wishes);
        assert_eq!(
            (areas.list, areas.detail.map(|area| area.height)),
            (None, Some(9))
        );
        let wide = frame(Rect::new(0, 0, 120, 40), wishes);
        assert!(wide.list.is_some() && wide.detail.is_some());
    }

    #[test]
    fn columns_go_by_rank_and_never_overflow() {
        let wish = |least, most, rank| ColumnWish {
            least,
            squeezed: None,
            most,
            rank,
        };
        let wishes = [
            wish(8, 30, 0),
            wish(10, 10, 1),
            wish(6, 8, 3),
            wish(7, 7, 2),
        ];
        assert_eq!(fit_columns(&wishes, 100), [30, 10, 8, 7]);
        assert_eq!(fit_columns(&wishes, 34), [8, 10, 6, 7]);
        assert_eq!(fit_columns(&wishes, 30), [11, 10, 0, 7]);
        assert_eq!(fit_columns(&wishes, 12), [12, 0, 0, 0]);
        assert_eq!(fit_columns(&wishes, 3), [3, 0, 0, 0]);
        for width in 0..120 {
            let widths = fit_columns(&wishes, width);
            let shown = widths.iter().filter(|width| **width > 0).count();
            let used: u16 = widths.iter().sum();
            assert!(
                usize::from(used) + shown.saturating_sub(1) <= usize::from(width),
                "{width}"
            );
        }
        assert!(fit_columns(&[], 10).is_empty());
    }

    #[test]
    fn the_first_columns_are_squeezed_before_they_are_given_up() {
        let wish = |least, squeezed, rank| ColumnWish {
            least,
            squeezed,
            most: least,
            rank,
        };
        let wishes = [
            wish(12, Some(6), 0),
            wish(10, Some(5), 1),
            wish(8, Some(4), 2),
            wish(10, None, 3),
        ];
        assert_eq!(fit_columns(&wishes, 43), [12, 10, 8, 10]);
        assert_eq!(fit_columns(&wishes, 33), [12, 10, 8, 0]);
        assert_eq!(fit_columns(&wishes, 24), [9, 7, 6, 0]);
        assert_eq!(fit_columns(&wishes, 17), [6, 5, 4, 0]);
        assert_eq!(fit_columns(&wishes, 13), [7, 5, 0, 0]);
    }

    #[test]
    fn a_dialog_stays_in_the_screen() {
        for (width, height) in [(1, 1), (40, 12), (200, 60)] {
            let screen = Rect::new(0, 0, width, height);
            let dialog = centred(screen, 60, 20);
            assert_eq!(dialog.intersection(screen), dialog);
        }
    }
}
