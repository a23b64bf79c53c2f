//! The mouse over a list and its detail: rows, heads, wheel.

use super::ListPane;
use super::draw::inside;
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::panes::resource::Resource;
use crate::tui::panes::{Focus, Request};
use crate::tui::widgets::table;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// How many rows a notch of the wheel is.
const NOTCH: isize = 3;

impl<T: Resource> ListPane<T> {
    pub(super) fn on_mouse(&mut self, event: MouseEvent, env: &Env) -> Vec<Request> {
        let place = Position::new(event.column, event.row);
        let over = |area: Option<Rect>| area.filter(|area| area.contains(place));
        if let Some(area) = over(self.list_area) {
            return self.on_list(event, inside(area), env);
        }
        if over(self.detail_area).is_some() {
            match event.kind {
                MouseEventKind::Down(MouseButton::Left) if self.focus == Focus::List => {
                    self.focus = Focus::Detail;
                }
                MouseEventKind::ScrollDown => return self.wheel_detail(Action::ScrollDown, env),
                MouseEventKind::ScrollUp => return self.wheel_detail(Action::ScrollUp, env),
                _ => {}
            }
        }
        Vec::new()
    }

    fn wheel_detail(&mut self, action: Action, env: &Env) -> Vec<Request> {
        // The wheel scrolls, whatever has the keys.
        let focus = std::mem::take(&mut self.focus);
        let mut requests = Vec::new();
        for _ in 0..NOTCH {
            requests.extend(self.act(action, env));
        }
        self.focus = focus;
        requests
    }

    fn on_list(&mut self, event: MouseEvent, inner: Rect, env: &Env) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollDown => self.wheel(NOTCH),
            MouseEventKind::ScrollUp => self.wheel(-NOTCH),
            MouseEventKind::Down(MouseButton::Left) if event.row == inner.y => {
                return self.click_head(event.column.saturating_sub(inner.x), inner.width);
            }
            MouseEventKind::Down(MouseButton::Left) if event.row > inner.y => {
                let at = self.top + usize::from(event.row - inner.y - 1);
                let again = self.focus == Focus::List && at == self.at;
                self.focus = Focus::List;
                if at < self.len() {
                    if again {
                        return self.act(Action::Open, env);
                    }
                    self.select_at(at);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Moves what is seen, and the selection only as far as it must to stay in view.
    fn wheel(&mut self, rows: isize) {
        let height = self.height();
        let last = self.len().saturating_sub(height);
        self.top = self.top.saturating_add_signed(rows).min(last);
        let at = self.at.clamp(self.top, self.top + height - 1);
        if at != self.at {
            self.select_at(at);
        }
    }

    fn click_head(&mut self, x: u16, width: u16) -> Vec<Request> {
        let widths = self.widths(width);
        // A column without a field of its own belongs to the one before it.
        let column = table::column_at(&widths, x).and_then(|at| {
            let columns = self.columns.get(..=at)?;
            columns.iter().rev().find(|column| column.field.is_some())
        });
        let sort = column.and_then(|column| {
            let field = column.field.as_deref()?;
            Some(self.sort_by(field, column.descending_first))
        });
        sort.map(|sort| Request::Sort(Some(sort)))
            .into_iter()
            .collect()
    }
}
