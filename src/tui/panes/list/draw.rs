//! Draws a list and its detail. It changes nothing, so what is drawn is what [`super`] says.

use super::ListPane;
use super::filtering::Said;
use crate::domain::text::visible;
use crate::tui::connecting::Tone;
use crate::tui::env::{Env, count};
use crate::tui::panes::Focus;
use crate::tui::panes::resource::{Cell, Resource};
use crate::tui::widgets::table::{Head, RowSigns, draw_heads, draw_row};
use crate::tui::widgets::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

/// The part of a bordered area inside its border.
pub(super) fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// What has no room on the lower border stands above it, over the last rows of the list.
fn draw_above(foot: Rect, buf: &mut Buffer, said: &str, style: Style) {
    const ROWS: u16 = 3;
    let room = usize::from(foot.width.saturating_sub(2));
    let lines = text::wrap(&said.into(), room);
    let rows = u16::try_from(lines.len()).unwrap_or(ROWS);
    let rows = rows.min(ROWS).min(foot.y.saturating_sub(buf.area.y));
    let area = Rect {
        y: foot.y - rows,
        height: rows,
        ..foot
    };
    Clear.render(area, buf);
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        buf.set_stringn(area.x + 1, y, line.to_string(), room, style);
    }
}

impl<T: Resource> ListPane<T> {
    pub(super) fn draw_all(&self, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let cursor = self
            .list_area
            .and_then(|area| self.draw_list(area, buf, env));
        if let Some(area) = self.detail_area {
            self.draw_detail(area, buf, env);
        }
        cursor
    }

    fn draw_list(&self, area: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let focused = self.focus == Focus::List;
        let theme = &env.theme;
        let border = if focused {
            theme.border_focus
        } else {
            theme.border
        };
        Block::bordered().border_style(border).render(area, buf);
        let room = usize::from(area.width.saturating_sub(4));
        let title = Line::from(self.title(room, env));
        buf.set_line(area.x + 1, area.y, &title, area.width.saturating_sub(2));
        let inner = inside(area);
        if inner.is_empty() {
            return None;
        }
        self.draw_table(inner, buf, env, focused);
        let foot = Rect {
            y: area.bottom() - 1,
            height: 1,
            ..inner
        };
        self.draw_foot(foot, buf, env)
    }

    fn title(&self, room: usize, env: &Env) -> Vec<Span<'static>> {
        let theme = &env.theme;
        let mut parts = vec![T::TAB.title().to_owned()];
        if !self.scope.is_empty() {
            parts.push(self.scope.label.clone());
        }
        match self.totals {
            Some((matching, all)) if matching != all => {
                parts.push(format!("{} of {}", count(matching), count(all)));
            }
            Some((_, all)) => parts.push(count(all)),
            None => {}
        }
        if !self.marks.is_empty() {
            parts.push(format!("{} marked", self.marks.len()));
        }
        if !self.filtering.text().is_empty() {
            parts.push(visible(self.filtering.text()).into_owned());
        }
        if (!self.loaded || self.outdated) && self.rows_inquiry.is_open() {
            if env.connecting.is_none() {
                parts.push("loading".to_owned());
            }
        } else if self.sort.is_none() && self.len() > 1 {
            parts.push(T::order(&self.scope).to_owned());
        }
        let title = text::cut(&parts.join(" · "), room);
        vec![
            Span::raw(" "),
            Span::styled(title, theme.title),
            Span::raw(" "),
        ]
    }

    fn draw_table(&self, inner: Rect, buf: &mut Buffer, env: &Env, focused: bool) {
        let theme = &env.theme;
        if self.len() == 0 {
            let room = inner.width.saturating_sub(2);
            let lines = self.nothing(env).into_iter().flat_map(|(words, style)| {
                text::wrap(&Line::styled(words, style), usize::from(room))
            });
            for (line, y) in lines.zip(inner.top()..inner.bottom()) {
                buf.set_line(inner.x + 1, y, &line, room);
            }
            return;
        }
        let widths = self.widths(inner.width);
        let heads: Vec<Head<'_>> = self
            .columns
            .iter()
            .zip(&widths)
            .map(|(column, width)| {
                let sort = self.sort.as_ref();
                let sorted = sort.filter(|sort| column.field.as_deref() == Some(&sort.field));
                Head {
                    title: &column.title,
                    width: *width,
                    right: column.right,
                    descending: sorted.map(|sort| sort.descending),
                }
            })
            .collect();
        draw_heads(Rect { height: 1, ..inner }, buf, theme, &heads);
        for (nth, y) in (inner.top() + 1..inner.bottom()).enumerate() {
            let at = self.top + nth;
            let Some(row) = self.row(at) else { break };
            let signs = RowSigns {
                selected: at == self.at && self.selected.is_some(),
                marked: self.is_marked(row),
                focused,
            };
            let cells: Vec<(u16, bool, Cell)> = self
                .columns
                .iter()
                .zip(&widths)
                .filter(|(_, width)| **width > 0)
                .map(|(column, width)| (*width, column.right, (column.cell)(row, env)))
                .collect();
            let line = Rect {
                y,
                height: 1,
                ..inner
            };
            let cells = cells.iter().map(|(width, right, cell)| {
                let style = cell
                    .meaning
                    .map_or(Style::new(), |meaning| theme.meaning(meaning));
                (*width, *right, cell.text.as_str(), style)
            });
            draw_row(line, buf, theme, signs, cells);
        }
    }

    /// What stands where there are no rows: why, and what to do.
    fn nothing(&self, env: &Env) -> Vec<(String, Style)> {
        let theme = &env.theme;
        if let Some(connecting) = &env.connecting {
            let lines = connecting.lines(env.now.elapsed).into_iter();
            let styled = lines.map(|(tone, line)| match tone {
                Tone::Plain => (line, theme.text),
                Tone::Problem => (line, theme.error),
                Tone::Hint => (line, theme.hint),
            });
            return styled.collect();
        }
        if let Some(failure) = &self.failure {
            let problem = std::iter::once(failure.message.clone()).chain(failure.because());
            let hints = failure.hint.clone().into_iter();
            let hints = hints.chain(["R asks again".to_owned()]);
            return problem
                .map(|line| (line, theme.error))
                .chain(hints.map(|line| (line, theme.hint)))
                .collect();
        }
        if !self.loaded {
            return vec![("loading …".to_owned(), theme.muted)];
        }
        if self.outdated && self.rows_inquiry.is_open() {
            return vec![("looking …".to_owned(), theme.muted)];
        }
        if !self.is_narrowed() && self.shown.is_none() {
            let lines = T::empty(env).into_iter();
            return lines.map(|line| (line, theme.muted)).collect();
        }
        let (one, _) = T::NOUNS;
        let wanted = self.filtering.wanted();
        if wanted.is_empty() {
            let said = format!("There is no {one} of {}.", self.scope.label);
            let hint = "Esc shows all.".to_owned();
            return vec![(said, theme.muted), (hint, theme.muted)];
        }
        let said = format!("No {one} is let through. Esc takes the filter off.");
        let doubt = self.doubt(wanted).map(|doubt| (doubt, theme.warn));
        std::iter::once((said, theme.muted)).chain(doubt).collect()
    }

    /// The filter being typed, or what went wrong, on the lower border.
    fn draw_foot(&self, foot: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        let theme = &env.theme;
        let room = usize::from(foot.width);
        if let Some(input) = self.filtering.input() {
            let (said, style) = match self.filtering.said() {
                Some(Said::Problem(problem)) => (format!(" {problem} "), theme.error),
                Some(Said::Hint(hint)) => (format!(" {hint} "), theme.warn),
                None => (String::new(), theme.hint),
            };
            // What is typed keeps its room, and half of the line however long it is.
            let typed = text::width(self.filtering.typed_text()) + 3;
            let mut said = said;
            if text::width(&said) > room.saturating_sub(typed) {
                draw_above(foot, buf, said.trim(), style);
                said.clear();
            }
            let taken = u16::try_from(text::width(&said)).unwrap_or(0);
            buf.set_stringn(foot.x, foot.y, "/", room, theme.key);
            let line = Rect {
                x: foot.x + 1,
                width: foot.width.saturating_sub(1 + taken),
                ..foot
            };
            let cursor = input.draw(line, buf, theme, true);
            let behind = foot.right().saturating_sub(taken);
            buf.set_stringn(behind, foot.y, said, usize::from(taken), style);
            return cursor;
        }
        let failure = self.failure.as_ref().or(self.detail_failure.as_ref());
        if let (Some(failure), true) = (failure, self.len() > 0) {
            let hint = failure.hint.as_deref().unwrap_or("R asks again");
            let said = format!("{} · {hint}", failure.message);
            if text::width(&said) + 2 > room {
                draw_above(foot, buf, &said, theme.error);
            } else {
                buf.set_stringn(foot.x, foot.y, format!(" {said} "), room, theme.error);
            }
            return None;
        }
        // Where one is in a long list.
        if let (Some(before), Some((matching, _))) = (self.window.before(), self.totals)
            && self.shown.is_none()
            && self.len() > 0
            && usize::try_from(matching).is_ok_and(|rows| rows > self.height())
        {
            let place = format!(" {} ", count(before + self.at as u64 + 1));
            let width = u16::try_from(text::width(&place)).unwrap_or(0);
            if width + 2 < foot.width {
                buf.set_string(foot.right() - width, foot.y, place, theme.hint);
            }
        }
        None
    }

    fn draw_detail(&self, area: Rect, buf: &mut Buffer, env: &Env) {
        let focused = self.focus != Focus::List;
        let theme = &env.theme;
        let border = if focused {
            theme.border_focus
        } else {
            theme.border
        };
        Block::bordered().border_style(border).render(area, buf);
        let inner = inside(area);
        let Some(detail) = self.built(env) else {
            return;
        };
        let room = usize::from(area.width.saturating_sub(4));
        let title = format!(" {} ", text::cut(&detail.title, room));
        buf.set_stringn(
            area.x + 1,
            area.y,
            title,
            usize::from(inner.width),
            theme.title,
        );
        detail.draw(self.detail_inside(), buf, theme, &self.detail, focused);
    }
}
