//! From a key or a click to an action, and what the actions of the screen as a whole do.

use super::App;
use crate::tui::keymap::key::Key;
use crate::tui::keymap::{Action, Context, Found};
use crate::tui::message::Effect;
use crate::tui::overlay::Overlay;
use crate::tui::overlay::command::CommandLine;
use crate::tui::overlay::help::Help;
use crate::tui::overlay::notices::Notices;
use crate::tui::overlay::sync::SyncList;
use crate::tui::panes::{Allowed, Gravity, Tab};
use crossterm::event::{
    KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;

impl App {
    /// The contexts that have the keys now, topmost first. It follows from what is open, so nothing can get out of step.
    pub(super) fn contexts(&self) -> Vec<Context> {
        if let Some(overlay) = self.overlays.last() {
            return vec![overlay.context(), Context::Always];
        }
        let pane = self.panes.get(self.tab);
        let mut contexts = pane.contexts();
        if !pane.is_typing() {
            contexts.push(Context::Screen);
        }
        contexts.push(Context::Always);
        contexts
    }

    pub(super) fn pressed(&mut self, key: KeyEvent, effects: &mut Vec<Effect>) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if !key.modifiers.contains(KeyModifiers::CONTROL)
            && self.quiet.swallows(self.env.now.elapsed)
        {
            return;
        }
        self.notices.hide();
        if self.begun.is_empty() {
            if let Some(overlay) = self.overlays.last_mut() {
                if let Some(outcome) = overlay.typed(key, &self.env) {
                    return self.come_out(outcome, effects);
                }
            } else {
                let pane = self.panes.get_mut(self.tab);
                if pane.is_typing() && pane.typed(key, &self.env) {
                    return;
                }
            }
        }
        self.begun.push(Key::of(key));
        match self.keymap.lookup(&self.contexts(), &self.begun) {
            Found::Action(action) => {
                self.begun.clear();
                self.act(action, effects);
            }
            Found::Begins => {}
            Found::Nothing => self.begun.clear(),
        }
    }

    /// Does what was meant, or tells why it cannot be done now.
    pub(super) fn act(&mut self, action: Action, effects: &mut Vec<Effect>) {
        match action {
            Action::QuitNow => effects.push(Effect::Quit { demo: false }),
            // A stopped program would hold what it is writing up for as long as it is stopped.
            Action::Suspend if !self.writing.is_empty() => self.tell(
                Gravity::Warning,
                "a change is being saved; try again in a moment",
            ),
            Action::Suspend => effects.push(Effect::Suspend),
            Action::Repaint => effects.push(Effect::Repaint),
            action if !self.overlays.is_empty() => {
                if let Some(overlay) = self.overlays.last_mut() {
                    let outcome = overlay.on(action, &self.env);
                    self.come_out(outcome, effects);
                }
            }
            Action::TabNumber(number) => {
                if let Some(tab) = Tab::number(number) {
                    self.show(tab, effects);
                }
            }
            Action::NextTab => self.show(self.tab.neighbour(1), effects),
            Action::PreviousTab => self.show(self.tab.neighbour(-1), effects),
            Action::Command => {
                let line = CommandLine::new(self.commands.clone());
                self.overlays.push(Overlay::CommandLine(line));
            }
            Action::Help => {
                let mut contexts = self.contexts();
                contexts.retain(|context| *context != Context::Always);
                self.overlays.push(Overlay::Help(Help::new(contexts)));
            }
            Action::Notices => {
                self.notices.read();
                let notices = Notices::new(self.notices.all().to_vec());
                self.overlays.push(Overlay::Notices(notices));
            }
            Action::Sync => self.open(Overlay::Sync(SyncList::default()), effects),
            Action::Refresh if self.env.connecting.is_some() => effects.push(Effect::Connect),
            Action::Refresh => {
                self.live.caught_up();
                self.refresh(effects);
            }
            Action::Pause => {
                if self.live.toggle() {
                    self.refresh(effects);
                }
            }
            Action::Strip => self.strip = !self.strip,
            Action::JumpBack => {
                if !self.jump_back(effects) {
                    self.tell(Gravity::Info, "there is no way back: you came from nowhere");
                }
            }
            Action::Quit => {
                if self.panes.get(self.tab).has_layers() {
                    self.ask_pane(Action::Back, effects);
                } else if !self.jump_back(effects) {
                    effects.push(Effect::Quit { demo: false });
                }
            }
            Action::Back if !self.panes.get(self.tab).has_layers() => {
                self.jump_back(effects);
            }
            action => self.ask_pane(action, effects),
        }
    }

    fn ask_pane(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let pane = self.panes.get_mut(self.tab);
        match pane.allows(action, &self.env) {
            Allowed::Yes => {
                let requests = pane.on(action, &self.env);
                self.carry(requests, effects);
            }
            Allowed::No(why) => self.tell(Gravity::Info, why),
        }
    }

    pub(super) fn clicked(&mut self, event: MouseEvent, effects: &mut Vec<Effect>) {
        let wheel = match event.kind {
            MouseEventKind::ScrollDown => Some(Action::Next),
            MouseEventKind::ScrollUp => Some(Action::Previous),
            MouseEventKind::Down(MouseButton::Left) => None,
            // Moves and releases mean nothing here, and must not cost a frame.
            _ => return,
        };
        self.dirty = true;
        if let Some(overlay) = self.overlays.last_mut() {
            if let Some(action) = wheel {
                let outcome = overlay.on(action, &self.env);
                self.come_out(outcome, effects);
            }
            return;
        }
        if wheel.is_none() {
            self.notices.hide();
            let place = Position::new(event.column, event.row);
            if let Some(tab) = self.tab_at(place) {
                return self.show(tab, effects);
            }
        }
        let requests = self.panes.get_mut(self.tab).clicked(event, &self.env);
        self.carry(requests, effects);
    }
}
