//! Text cut and fitted by the columns it takes on the screen, not by its bytes or characters.

use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The columns a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `columns` columns; what was cut off is told by `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme.width();
        if used + wide > columns - 1 {
            break;
        }
        kept.push_str(grapheme);
        used += wide;
    }
    kept.push('…');
    kept
}

/// The text in exactly `columns` columns, cut or filled with spaces behind it.
pub fn fit(text: &str, columns: usize) -> String {
    let mut fitted = cut(text, columns);
    let missing = columns.saturating_sub(fitted.width());
    fitted.extend(std::iter::repeat_n(' ', missing));
    fitted
}

/// The text in exactly `columns` columns, cut or filled with spaces before it.
pub fn fit_right(text: &str, columns: usize) -> String {
    let fitted = cut(text, columns);
    let missing = columns.saturating_sub(fitted.width());
    format!("{}{fitted}", " ".repeat(missing))
}

/// The styled text in at most `columns` columns; what was cut off is told by `…`.
pub fn cut_line(line: &Line<'_>, columns: usize) -> Line<'static> {
    let mut room = columns;
    let mut spans = Vec::new();
    let mut rest: usize = line.width();
    for span in &line.spans {
        let wide = span.width();
        let fits = wide <= room && (rest <= room || wide < room);
        let text = if fits {
            span.content.to_string()
        } else {
            cut_short(&span.content, room)
        };
        room -= text.width().min(room);
        rest -= wide.min(rest);
        spans.push(Span::styled(text, span.style));
        if !fits {
            break;
        }
    }
    Line::from(spans).style(line.style)
}

/// Like [`cut`], for a text that something more follows: it ends in `…` even where it would just fit.
fn cut_short(text: &str, columns: usize) -> String {
    if text.width() < columns {
        return format!("{text}…");
    }
    cut(&format!("{text}…"), columns)
}

/// Fewer characters of a broken word are not worth a line.
const LEAST_PIECE: usize = 8;

/// Breaks a styled text into lines of at most `columns` columns, at spaces where there are any.
pub fn wrap(line: &Line<'_>, columns: usize) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    let pieces: Vec<(&str, &Span<'_>)> = line
        .spans
        .iter()
        .flat_map(|span| words(&span.content).map(move |piece| (piece, span)))
        .collect();
    let is_space = |piece: &str| piece.starts_with(char::is_whitespace);
    // A word may change its style within itself; it is one word all the same.
    for word in pieces.chunk_by(|(a, _), (b, _)| is_space(a) == is_space(b)) {
        let wide: usize = word.iter().map(|(piece, _)| piece.width()).sum();
        if used + wide > columns && used > 0 {
            lines.push(Vec::new());
            used = 0;
            if is_space(word[0].0) {
                continue;
            }
        }
        if wide <= columns {
            for (piece, span) in word {
                push(&mut lines, piece, span);
            }
            used += wide;
            continue;
        }
        // A word wider than a line is broken wherever the line ends; a piece of a few characters is not left alone behind it.
        let rest = wide % columns;
        let columns = if used == 0 && rest > 0 && rest < LEAST_PIECE.min(columns / 2) {
            wide.div_ceil(wide.div_ceil(columns))
        } else {
            columns
        };
        for (piece, span) in word {
            for grapheme in piece.graphemes(true) {
                let wide = grapheme.width();
                if used + wide > columns && used > 0 {
                    lines.push(Vec::new());
                    used = 0;
                }
                push(&mut lines, grapheme, span);
                used += wide;
            }
        }
    }
    lines
        .into_iter()
        .map(|spans| Line::from(spans).style(line.style))
        .collect()
}

/// Stretches of space and of what is no space: a bracket stays with its word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let space = rest.chars().next()?.is_whitespace();
        let end = rest
            .find(|c: char| c.is_whitespace() != space)
            .unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        Some(word)
    })
}

fn push(lines: &mut [Vec<Span<'static>>], text: &str, like: &Span<'_>) {
    let Some(spans) = lines.last_mut() else {
        return;
    };
    match spans.last_mut() {
        Some(last) if last.style == like.style => last.content.to_mut().push_str(text),
        _ => spans.push(Span::styled(text.to_owned(), like.style)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_break_at_spaces_and_wide_words_anywhere() {
        let line = Line::from(vec![Span::raw("the quick "), Span::raw("brown fox")]);
        assert_eq!(shown(&wrap(&line, 10)), ["the quick ", "brown fox"]);
        assert_eq!(
            shown(&wrap(&Line::raw("0123456789ab"), 5)),
            ["01234", "56789", "ab"]
        );
        assert_eq!(shown(&wrap(&Line::raw(""), 5)), [""]);
        assert_eq!(
            shown(&wrap(&Line::raw("an hour (ago)"), 10)),
            ["an hour ", "(ago)"]
        );
        let id = Line::raw("01a1fee146de76fa98968c4221983e83");
        assert_eq!(
            shown(&wrap(&id, 31)),
            ["01a1fee146de76fa", "98968c4221983e83"]
        );
        let sign = ratatui::style::Style::new().bold();
        let line = Line::from(vec![Span::raw("it is 12"), Span::styled("th", sign)]);
        assert_eq!(shown(&wrap(&line, 8)), ["it is ", "12th"]);
        for columns in 1..20 {
            for line in wrap(&Line::raw("価格モデル of sha256:0123456789abcdef"), columns) {
                assert!(line.width() <= columns.max(2), "{line} {columns}");
            }
        }
    }

    #[test]
    fn a_cut_line_tells_that_it_was_cut() {
        let line = Line::from(vec![Span::raw("abc"), Span::raw("def"), Span::raw("gh")]);
        for (columns, expected) in [
            (8, "abcdefgh"),
            (7, "abcdef…"),
            (6, "abcde…"),
            (3, "ab…"),
            (1, "…"),
            (0, ""),
        ] {
            assert_eq!(cut_line(&line, columns).to_string(), expected, "{columns}");
        }
    }

    #[test]
    fn a_cut_text_never_takes_more_than_it_may() {
        for text in [
            "",
            "lgbm-42",
            "価格モデル",
            "e\u{301}e\u{301}e\u{301}",
            "👩‍🔬👩‍🔬",
        ] {
            for columns in 0..12 {
                assert!(cut(text, columns).width() <= columns, "{text} {columns}");
                assert_eq!(fit(text, columns).width(), columns, "{text} {columns}");
                assert_eq!(
                    fit_right(text, columns).width(),
                    columns,
                    "{text} {columns}"
                );
            }
        }
        assert_eq!(cut("価格モデル", 6), "価格…");
        assert_eq!(cut("fraud", 5), "fraud");
    }
}
