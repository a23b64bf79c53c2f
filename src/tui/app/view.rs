//! Draws the whole screen from the state, and changes nothing.
//!
//! ```text
//! header
//! tabs
//! ┌ list ───────────────┐┌ detail ─────┐
//! └─────────────────────┘└─────────────┘
//! ┌ live · runs ─┬ drift ─┬ deployments ┐
//! footer
//! ```

use super::App;
use super::live::State;
use super::strip::draw_strip;
use crate::domain::MirrorState;
use crate::domain::text::visible;
use crate::tui::env::count;
use crate::tui::keymap::{Action, BINDINGS, Binding, Context};
use crate::tui::panes::Tab;
use crate::tui::widgets::status_bar::{
    Hint, Piece, PlacedTab, TabLabel, draw_hints, draw_pieces, draw_tabs, place_tabs,
};
use crate::tui::widgets::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget as _};

impl App {
    /// Draws everything; returns where the cursor belongs, if anywhere.
    pub fn draw(&self, buf: &mut Buffer) -> Option<Position> {
        if buf.area != self.size {
            // A frame of another size than the last message told would put things beside the screen.
            return None;
        }
        let areas = self.areas();
        if let Some(area) = areas.header {
            self.draw_header(area, buf);
        }
        if let Some(area) = areas.tabs {
            draw_tabs(area, buf, &self.env.theme, &self.placed_tabs(area));
        }
        let mut cursor = self.panes.get(self.tab).draw(buf, &self.env);
        if let Some(area) = areas.strip {
            let overview = &self.env.overview;
            draw_strip(area, buf, overview, self.is_overview_known, &self.env);
        }
        if let Some(area) = areas.footer {
            self.draw_footer(area, buf);
        }
        if !self.overlays.is_empty() {
            let above_footer = self.above_footer(&areas);
            cursor = None;
            for overlay in &self.overlays {
                cursor = overlay.draw(above_footer, buf, &self.env);
            }
        }
        cursor
    }

    fn draw_header(&self, area: Rect, buf: &mut Buffer) {
        let theme = &self.env.theme;
        let piece = |text: String, style: Style, rank, right| Piece {
            text,
            style,
            rank,
            right,
        };
        let (state, style) = self.shown_state();
        let mut pieces = vec![
            piece("modeldeck".to_owned(), theme.header, 1, false),
            piece(
                visible(&self.labels.store).into_owned(),
                theme.text,
                4,
                false,
            ),
            piece(
                visible(&self.labels.person).into_owned(),
                theme.muted,
                5,
                false,
            ),
        ];
        if !self.writing.is_empty() {
            pieces.push(piece("saving …".to_owned(), theme.live, 2, true));
        }
        if self.env.read_only.is_some() && self.env.connecting.is_none() {
            pieces.push(piece("read only".to_owned(), theme.warn, 3, true));
        }
        pieces.push(piece(state, style, 0, true));
        let sync = &self.env.overview.sync;
        if let Some(summary) = sync.summary() {
            let style = match sync.state {
                _ if sync.dead > 0 => theme.bad,
                MirrorState::Offline | MirrorState::Refused => theme.warn,
                _ => theme.muted,
            };
            pieces.push(piece(format!("⟲ MLflow: {summary}"), style, 3, true));
        }
        let unread = self.notices.unread();
        if unread > 0 {
            let plural = if unread == 1 { "" } else { "s" };
            pieces.push(piece(
                format!("! {unread} notice{plural}"),
                theme.warn,
                2,
                true,
            ));
        }
        draw_pieces(area, buf, &pieces);
    }

    /// How far what is shown can be trusted.
    fn shown_state(&self) -> (String, Style) {
        let (theme, now) = (&self.env.theme, self.env.now.elapsed);
        if let Some(connecting) = &self.env.connecting {
            let style = if connecting.is_trying() {
                theme.warn
            } else {
                theme.bad
            };
            return (connecting.summary(now), style);
        }
        match self.live.state(now, self.tab) {
            State::Live | State::Broken if self.panes.get(self.tab).failure().is_some() => {
                ("✗ not loaded, R asks again".to_owned(), theme.bad)
            }
            State::Live => ("● live".to_owned(), theme.live),
            State::Broken => ("✗ not live, R asks again".to_owned(), theme.bad),
            State::Paused { behind: false } => ("‖ paused".to_owned(), theme.warn),
            State::Paused { behind: true } => ("‖ paused, changes wait".to_owned(), theme.warn),
            State::Stale { seconds, retry_in } => (
                format!("✗ stale {seconds} s, retrying in {retry_in} s"),
                theme.bad,
            ),
        }
    }

    fn placed_tabs(&self, area: Rect) -> Vec<PlacedTab> {
        let labels: Vec<TabLabel> = Tab::ALL
            .iter()
            .enumerate()
            .map(|(at, tab)| TabLabel {
                number: at + 1,
                title: tab.title(),
                badge: self.panes.get(*tab).badge(&self.env.overview).map(|badge| {
                    let style = self.env.theme.meaning(badge.meaning);
                    (format!("{}{}", badge.sign, count(badge.count)), style)
                }),
                active: *tab == self.tab,
            })
            .collect();
        place_tabs(&labels, area.width)
    }

    /// The tab under a place on the screen.
    pub(super) fn tab_at(&self, place: Position) -> Option<Tab> {
        let area = self.areas().tabs?;
        if !area.contains(place) {
            return None;
        }
        let placed = self.placed_tabs(area);
        let at = placed
            .iter()
            .position(|tab| (tab.x..tab.x + tab.width).contains(&(place.x - area.x)))?;
        Tab::ALL.get(at).copied()
    }

    fn draw_footer(&self, area: Rect, buf: &mut Buffer) {
        let theme = &self.env.theme;
        if let Some(notice) = self.notices.shown() {
            let hint = notice.more.first();
            let more = hint.map_or(String::new(), |hint| format!(" · {hint}"));
            let said = format!("{} {}{more}", notice.gravity.sign(), notice.said);
            let style = notice.gravity.style(theme);
            self.draw_notice(area, buf, &said, style);
            return;
        }
        draw_hints(area, buf, theme, &self.hints());
        if !self.begun.is_empty() {
            let keys: Vec<String> = self.begun.iter().map(ToString::to_string).collect();
            let begun = format!(" {} … ", keys.join(" "));
            let wide = u16::try_from(text::width(&begun))
                .unwrap_or(0)
                .min(area.width);
            buf.set_stringn(
                area.right() - wide,
                area.y,
                begun,
                usize::from(wide),
                theme.key,
            );
        }
    }

    /// A notice in the footer. One that is wider takes rows above it too, up to three; a longer one names the key that shows all of it.
    fn draw_notice(&self, footer: Rect, buf: &mut Buffer, said: &str, style: Style) {
        const ROWS: usize = 3;
        let room = usize::from(footer.width).saturating_sub(1);
        let mut lines: Vec<String> = text::wrap(&said.into(), room)
            .iter()
            .map(ToString::to_string)
            .collect();
        // What is open above the footer keeps its place, and so does a screen that has few rows.
        let rows = if self.overlays.is_empty() && self.size.height >= 10 {
            ROWS
        } else {
            1
        };
        if lines.len() > rows {
            let more = if self.overlays.is_empty() {
                " n: all"
            } else {
                ""
            };
            let rest = lines.split_off(rows - 1).join(" ");
            let cut = text::cut(&rest, room.saturating_sub(text::width(more)));
            lines.push(format!("{cut}{more}"));
        }
        let taken = u16::try_from(lines.len()).unwrap_or(1);
        let area = Rect {
            y: (footer.y + 1).saturating_sub(taken),
            height: taken,
            ..footer
        };
        Clear.render(area, buf);
        for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
            buf.set_stringn(area.x + 1, y, line, room, style);
        }
    }

    /// The keys of the moment: those of the tab and what is open, then those of the screen.
    fn hints(&self) -> Vec<Hint> {
        let contexts = self.contexts();
        let pane = self.panes.get(self.tab);
        let mut hints: Vec<Hint> = Vec::new();
        let mut actions: Vec<Action> = Vec::new();
        // Going in and finding comes first, then what this tab is for, then what every list can do: a narrow screen shows the first few.
        let mut bindings: Vec<&Binding> = BINDINGS
            .iter()
            .filter(|binding| contexts.contains(&binding.context))
            .collect();
        bindings.sort_by_key(|binding| match (binding.context, binding.action) {
            (Context::Detail, _) => 0,
            (Context::List, Action::Open | Action::Filter) => 1,
            (Context::List, _) => 3,
            (Context::Screen | Context::Always, _) => 4,
            _ => 2,
        });
        for binding in bindings {
            let Some(word) = binding.hint else { continue };
            if actions.contains(&binding.action) {
                continue;
            }
            actions.push(binding.action);
            let screen = binding.context == Context::Screen;
            let allowed = match self.overlays.last() {
                Some(overlay) => overlay.allows(binding.action, &self.env),
                None => {
                    screen
                        || binding.context == Context::Input
                        || pane.allows(binding.action, &self.env).is_yes()
                }
            };
            let word = match binding.action {
                Action::Quit if pane.has_layers() || !self.way_back.is_empty() => "back",
                _ => word,
            };
            hints.push(Hint {
                key: hint_key(binding.keys[0]),
                word: word.to_owned(),
                allowed,
                rank: rank(binding, allowed),
            });
        }
        hints
    }
}

/// What is given up last where there is little room: the ways to help and out, what the tab is for, going in and finding. What cannot be
/// done now goes before what can.
fn rank(binding: &Binding, allowed: bool) -> u8 {
    match (binding.context, binding.action) {
        (Context::Screen | Context::Always, Action::Help) => 0,
        (Context::Screen | Context::Always, Action::Quit) => 1,
        (Context::Screen | Context::Always, _) => 5,
        (Context::List, Action::Filter) => 3,
        (Context::List, Action::Open) => 4,
        (Context::List, _) => 7,
        _ if allowed => 2,
        _ => 6,
    }
}

fn hint_key(spelled: &str) -> String {
    crate::tui::keymap::key::sequence(spelled)
        .expect("a test reads every key of the table")
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}
