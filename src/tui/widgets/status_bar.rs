//! Lines of pieces: the header, the tabs and the footer, each giving up its least important pieces when there is little room.
//!
//! ```text
//!  modeldeck  fraud-prod · local store   alice@gpu-07        ● live   2 notices
//!  1 Experiments  2 Runs ●4  3 Registry  4 Approvals ◆2
//!  ↵ open  / filter  s sort  space mark            ? help  : command  q quit
//! ```

use super::text;
use crate::tui::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// A piece of the header.
#[derive(Debug, Clone)]
pub struct Piece {
    pub text: String,
    pub style: Style,
    /// Pieces with the lowest rank stay longest.
    pub rank: u8,
    /// Whether it stands at the right edge.
    pub right: bool,
}

/// Draws pieces from both edges, with two columns between them; what has no room is given up by rank.
pub fn draw_pieces(area: Rect, buf: &mut Buffer, pieces: &[Piece]) {
    let room = usize::from(area.width.saturating_sub(2));
    let mut by_rank: Vec<usize> = (0..pieces.len()).collect();
    by_rank.sort_by_key(|at| pieces[*at].rank);
    let mut shown = vec![None; pieces.len()];
    let mut left = room;
    for (nth, at) in by_rank.into_iter().enumerate() {
        let wide = text::width(&pieces[at].text) + 2 * usize::from(nth > 0);
        if wide <= left {
            left -= wide;
            shown[at] = Some(pieces[at].text.clone());
        } else if left > 10 {
            // What is last may be shown in part.
            shown[at] = Some(text::cut(&pieces[at].text, left - 2));
            left = 0;
        }
    }
    let line = |right: bool| {
        let mut spans = Vec::new();
        for (piece, shown) in pieces.iter().zip(&shown) {
            if let (true, Some(shown)) = (piece.right == right, shown) {
                if !spans.is_empty() {
                    spans.push(Span::raw("  "));
                }
                spans.push(Span::styled(shown.clone(), piece.style));
            }
        }
        Line::from(spans)
    };
    let inner = Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    if inner.is_empty() {
        return;
    }
    buf.set_line(inner.x, inner.y, &line(false), inner.width);
    let right = line(true);
    let wide = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(inner.width);
    buf.set_line(inner.right() - wide, inner.y, &right, wide);
}

/// The label of a tab.
#[derive(Debug, Clone)]
pub struct TabLabel {
    pub number: usize,
    pub title: &'static str,
    pub badge: Option<(String, Style)>,
    pub active: bool,
}

/// A label where it stands: its first column, its title as shown.
#[derive(Debug, Clone)]
pub struct PlacedTab {
    pub x: u16,
    pub width: u16,
    shown: String,
    badge: Option<(String, Style)>,
    active: bool,
}

/// How a label is shortened, the longest form first.
const FORMS: [fn(&TabLabel) -> String; 4] = [
    |label| format!("{} {}", label.number, label.title),
    |label| {
        let title = if label.active {
            label.title
        } else {
            &label.title[..label.title.len().min(4)]
        };
        format!("{} {title}", label.number)
    },
    |label| {
        if label.active {
            format!("{} {}", label.number, label.title)
        } else {
            label.number.to_string()
        }
    },
    |label| label.number.to_string(),
];

/// Places labels in a line of this width, shortened as far as they must be.
pub fn place_tabs(labels: &[TabLabel], width: u16) -> Vec<PlacedTab> {
    let room = usize::from(width);
    let mut placed = Vec::new();
    for form in FORMS {
        for gap in [2, 1] {
            placed = place_in_form(labels, form, gap);
            let end = placed.last().map_or(0, |tab: &PlacedTab| tab.x + tab.width);
            if usize::from(end) <= room {
                return placed;
            }
        }
    }
    placed
}

fn place_in_form(labels: &[TabLabel], form: fn(&TabLabel) -> String, gap: u16) -> Vec<PlacedTab> {
    let mut x = gap - 1;
    let mut placed = Vec::with_capacity(labels.len());
    for label in labels {
        let shown = form(label);
        let badge = label
            .badge
            .as_ref()
            .map_or(0, |(text, _)| text::width(text) + 1);
        let width = u16::try_from(text::width(&shown) + badge).unwrap_or(u16::MAX);
        placed.push(PlacedTab {
            x,
            width,
            shown,
            badge: label.badge.clone(),
            active: label.active,
        });
        x = x.saturating_add(width).saturating_add(gap);
    }
    placed
}

/// Draws placed tabs.
pub fn draw_tabs(area: Rect, buf: &mut Buffer, theme: &Theme, tabs: &[PlacedTab]) {
    for tab in tabs {
        let style = if tab.active {
            theme.tab_active
        } else {
            theme.tab
        };
        let mut spans = vec![Span::styled(tab.shown.clone(), style)];
        if let Some((badge, style)) = &tab.badge {
            spans.push(Span::raw(" "));
            spans.push(Span::styled(badge.clone(), *style));
        }
        let x = area.x.saturating_add(tab.x);
        if x < area.right() {
            buf.set_line(x, area.y, &Line::from(spans), area.right() - x);
        }
    }
}

/// A key and its word in the footer.
#[derive(Debug, Clone)]
pub struct Hint {
    pub key: String,
    pub word: String,
    pub allowed: bool,
    /// Hints with the lowest rank stay longest; among equal ranks the left one stays.
    pub rank: u8,
}

/// Draws hints from the left, those that there is room for.
pub fn draw_hints(area: Rect, buf: &mut Buffer, theme: &Theme, hints: &[Hint]) {
    let wide = |hint: &Hint| text::width(&hint.key) + text::width(&hint.word) + 3;
    // The last one needs no space behind it.
    let mut free = usize::from(area.width) + 1;
    let mut by_rank: Vec<usize> = (0..hints.len()).collect();
    by_rank.sort_by_key(|at| hints[*at].rank);
    let mut shown = vec![false; hints.len()];
    for at in by_rank {
        let wide = wide(&hints[at]);
        if wide <= free {
            free -= wide;
            shown[at] = true;
        }
    }
    let mut spans = vec![Span::raw(" ")];
    for (hint, _) in hints.iter().zip(shown).filter(|(_, shown)| *shown) {
        let (key, word) = if hint.allowed {
            (theme.key, theme.hint)
        } else {
            (theme.disabled, theme.disabled)
        };
        spans.push(Span::styled(hint.key.clone(), key));
        spans.push(Span::styled(format!(" {}  ", hint.word), word));
    }
    buf.set_line(area.x, area.y, &Line::from(spans), area.width);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<TabLabel> {
        [
            "Experiments",
            "Runs",
            "Registry",
            "Approvals",
            "Drift",
            "Deployments",
        ]
        .into_iter()
        .enumerate()
        .map(|(at, title)| TabLabel {
            number: at + 1,
            title,
            badge: (at % 2 == 1).then(|| (format!("●{at}"), Style::new())),
            active: at == 1,
        })
        .collect()
    }

    fn line(width: u16, draw: impl Fn(Rect, &mut Buffer)) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        draw(area, &mut buf);
        let text: String = buf
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        text.trim_end().to_owned()
    }

    #[test]
    fn tabs_are_shortened_gracefully() {
        let theme = Theme::default();
        let shown = |width| {
            line(width, |area, buf| {
                draw_tabs(area, buf, &theme, &place_tabs(&labels(), width));
            })
        };
        assert_eq!(
            shown(82),
            " 1 Experiments  2 Runs ●1  3 Registry  4 Approvals ●3  5 Drift  6 Deployments ●5"
        );
        assert_eq!(
            shown(56),
            " 1 Expe  2 Runs ●1  3 Regi  4 Appr ●3  5 Drif  6 Depl ●5"
        );
        assert_eq!(
            shown(50),
            "1 Expe 2 Runs ●1 3 Regi 4 Appr ●3 5 Drif 6 Depl ●5"
        );
        assert_eq!(shown(40), " 1  2 Runs ●1  3  4 ●3  5  6 ●5");
        for width in 0..100 {
            shown(width);
        }
    }

    #[test]
    fn hints_are_given_up_by_rank() {
        let hint = |key: &str, word: &str, rank| Hint {
            key: key.to_owned(),
            word: word.to_owned(),
            allowed: true,
            rank,
        };
        let hints = [
            hint("a", "word", 2),
            hint("b", "long word", 1),
            hint("c", "w", 3),
            hint("?", "word", 0),
        ];
        let theme = Theme::default();
        let shown = |width| line(width, |area, buf| draw_hints(area, buf, &theme, &hints));
        assert_eq!(shown(40), " a word  b long word  c w  ? word");
        assert_eq!(shown(30), " a word  b long word  ? word");
        assert_eq!(shown(27), " b long word  c w  ? word");
        assert_eq!(shown(9), " ? word");
    }

    #[test]
    fn the_least_important_piece_goes_first() {
        let piece = |text: &str, rank, right| Piece {
            text: text.to_owned(),
            style: Style::new(),
            rank,
            right,
        };
        let pieces = [
            piece("modeldeck", 1, false),
            piece("alice@gpu", 2, false),
            piece("live", 0, true),
        ];
        let shown = |width| line(width, |area, buf| draw_pieces(area, buf, &pieces));
        assert_eq!(shown(32), " modeldeck  alice@gpu      live");
        assert_eq!(shown(20), " modeldeck     live");
        assert_eq!(shown(8), "   live");
        for width in 0..6 {
            shown(width);
        }
    }
}
