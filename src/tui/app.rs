//! The core of the screen: a message in, new state and effects out. No IO, no clock, no runtime.
//!
//! ```text
//! Msg ─▶ update ─▶ contexts: overlay, input, pane, screen ─▶ Action ─▶ pane ─▶ requests ─▶ effects
//! ```
//! It owns the tabs, the stack of overlays, the notices and what is known of the store as a whole. What a tab does is the
//! pane's, how it looks is drawn in `view`, and who carries effects out is not known here.

mod connection;
mod jumps;
mod keys;
mod live;
mod notices;
mod quiet;
mod requests;
mod strip;
mod view;

use self::live::{Live, Source};
use self::notices::NoticeLog;
use self::quiet::Quiet;
use super::env::Env;
use super::keymap::Keymap;
use super::keymap::key::Key;
use super::message::{Answer, Effect, Failure, Lane, Moment, Msg, Ticket, Written};
use super::overlay::Overlay;
use super::panes::inquiry::Inquiry;
use super::panes::{Focus, Gravity, Panes, Place, Tab};
use super::widgets::layout::{self, Areas, Wishes};
use ratatui::layout::Rect;
use std::time::Duration;

/// What the header tells about where one is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The store: its name, and what kind it is.
    pub store: String,
    /// `alice@gpu-07`.
    pub person: String,
}

/// A way that was gone from one tab to another.
#[derive(Debug, Clone)]
struct Step {
    from: Place,
    /// What the other tab showed before.
    before: Place,
}

/// Ages are told in minutes.
const MINUTE: Duration = Duration::from_secs(60);

/// The state of the whole screen.
pub struct App {
    env: Env,
    labels: Labels,
    size: Rect,
    tab: Tab,
    panes: Panes,
    overlays: Vec<Overlay>,
    notices: NoticeLog,
    keymap: Keymap,
    /// Keys that begin a longer sequence.
    begun: Vec<Key>,
    live: Live,
    strip: bool,
    overview_inquiry: Inquiry,
    /// Whether there was an answer to it.
    is_overview_known: bool,
    /// When the overview was asked for last: with time alone a run in it falls silent.
    overview_asked: Duration,
    /// The last ticket given to a change or a reader.
    last_ticket: Ticket,
    /// Changes that are not answered, and the tabs that they belong to.
    writing: Vec<(Ticket, Tab)>,
    way_back: Vec<Step>,
    commands: Vec<String>,
    quiet: Quiet,
    /// Tabs that asked before the store was there.
    held: Vec<Tab>,
    dirty: bool,
}

impl App {
    pub fn new(env: Env, labels: Labels, tab: Tab, strip: bool) -> Self {
        Self {
            env,
            labels,
            size: Rect::new(0, 0, 80, 24),
            tab,
            panes: Panes::default(),
            overlays: Vec::new(),
            notices: NoticeLog::default(),
            keymap: Keymap::default(),
            begun: Vec::new(),
            live: Live::default(),
            strip,
            overview_inquiry: Inquiry::new(Lane::Overview),
            is_overview_known: false,
            overview_asked: Duration::ZERO,
            last_ticket: Ticket(0),
            writing: Vec::new(),
            way_back: Vec::new(),
            commands: Vec::new(),
            quiet: Quiet::default(),
            held: Vec::new(),
            dirty: true,
        }
    }

    /// The first questions.
    pub fn start(&mut self, now: Moment, width: u16, height: u16) -> Vec<Effect> {
        self.env.now = now;
        self.size = Rect::new(0, 0, width, height);
        let mut effects = Vec::new();
        self.arrange(&mut effects);
        self.refresh(&mut effects);
        effects
    }

    /// Takes a message in. Whether anything is to be drawn anew tells [`Self::take_dirty`].
    pub fn update(&mut self, now: Moment, msg: Msg) -> Vec<Effect> {
        self.env.now = now;
        let mut effects = Vec::new();
        match msg {
            Msg::Key(key) => {
                self.dirty = true;
                self.pressed(key, &mut effects);
            }
            Msg::Paste(text) => {
                self.dirty = true;
                if self.overlays.is_empty() && !self.panes.get(self.tab).is_typing() {
                    self.tell(
                        Gravity::Info,
                        "a paste means nothing here; '/' filters the list",
                    );
                }
                match self.overlays.last_mut() {
                    Some(overlay) => overlay.pasted(&text, &self.env),
                    None => self.panes.get_mut(self.tab).pasted(&text, &self.env),
                }
            }
            Msg::Mouse(event) => self.clicked(event, &mut effects),
            Msg::Resized { width, height } => {
                self.dirty = true;
                self.size = Rect::new(0, 0, width, height);
            }
            Msg::Focus(focused) => effects.push(Effect::Watch(live::watch_interval(focused))),
            Msg::Drawn => {
                self.quiet.drawn();
                for overlay in &mut self.overlays {
                    overlay.drawn(&self.env);
                }
            }
            Msg::Tick => self.tick(&mut effects),
            Msg::Connection(progress) => self.connection(progress, &mut effects),
            Msg::Changed => {
                if self.live.changed() {
                    self.refresh(&mut effects);
                } else {
                    self.dirty = true;
                }
            }
            Msg::Watch(failure) => self.watched(failure.as_ref(), &mut effects),
            Msg::Answer {
                lane,
                ticket,
                answer,
            } => self.answered(lane, ticket, answer, &mut effects),
            Msg::Written { ticket, result } => self.written(ticket, result, &mut effects),
            Msg::Told(said) => self.tell(Gravity::Info, said),
        }
        self.arrange(&mut effects);
        effects
    }

    /// Whether something changed since the last time this was asked.
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// When a message [`Msg::Tick`] is wanted, since the start; the words that tell an age change once a minute.
    pub fn wakes_at(&self) -> Duration {
        let minute = MINUTE;
        let pane = self.panes.get(self.tab).wakes_at();
        let now = self.env.now.elapsed;
        let connecting = &self.env.connecting;
        let connecting = connecting
            .as_ref()
            .and_then(|connecting| connecting.wakes_at(now));
        [pane, self.live.wakes_at(now), connecting]
            .into_iter()
            .flatten()
            .chain([now + minute, self.overview_asked + minute])
            .min()
            .unwrap_or(minute)
    }

    /// The size that the last message told.
    pub fn size(&self) -> Rect {
        self.size
    }

    pub fn tab(&self) -> Tab {
        self.tab
    }

    /// Where everything goes at the present size.
    fn areas(&self) -> Areas {
        let pane = self.panes.get(self.tab);
        let focus = pane.focus();
        let mut areas = layout::frame(
            self.size,
            Wishes {
                strip: self.strip && focus != Focus::Zoom,
                detail: pane.wants_detail(),
                detail_focused: focus != Focus::List,
            },
        );
        if let (Focus::Zoom, Some(detail)) = (focus, areas.detail) {
            areas.detail = Some(areas.list.map_or(detail, |list| list.union(detail)));
            areas.list = None;
        }
        areas
    }

    /// Tells the pane where it is, until it asks for no more room.
    fn arrange(&mut self, effects: &mut Vec<Effect>) {
        let areas = self.areas();
        let pane = self.panes.get_mut(self.tab);
        let requests = pane.settle(areas.list, areas.detail, &self.env);
        self.carry(requests, effects);
        let above_footer = self.above_footer(&areas);
        for overlay in &mut self.overlays {
            overlay.settle(above_footer, &self.env);
        }
    }

    /// Where overlays are drawn.
    fn above_footer(&self, areas: &Areas) -> Rect {
        Rect {
            height: self.size.height - u16::from(areas.footer.is_some()),
            ..self.size
        }
    }

    fn tick(&mut self, effects: &mut Vec<Effect>) {
        self.dirty = true;
        if self.live.retries(self.env.now.elapsed) {
            self.refresh(effects);
        } else if self.env.now.elapsed >= self.overview_asked + MINUTE {
            if self.live.is_paused() {
                self.overview_asked = self.env.now.elapsed;
            } else {
                self.ask_overview(effects);
            }
        }
    }

    /// Asks the store anew for everything on the screen.
    fn refresh(&mut self, effects: &mut Vec<Effect>) {
        if self.is_held() {
            return;
        }
        let requests = self.panes.get_mut(self.tab).refresh(&self.env);
        self.carry(requests, effects);
        // What waits for the store to be there is no answer that could be old.
        if self.env.connecting.is_none() || !self.overview_inquiry.is_open() {
            self.ask_overview(effects);
        }
        if let Some(overlay) = self.overlays.last_mut() {
            effects.extend(overlay.ask(self.last_ticket));
        }
    }

    fn ask_overview(&mut self, effects: &mut Vec<Effect>) {
        self.overview_asked = self.env.now.elapsed;
        if !self.overview_inquiry.repeat_later() {
            effects.push(
                self.overview_inquiry
                    .ask(super::message::Question::Overview),
            );
        }
    }

    fn answered(
        &mut self,
        lane: Lane,
        ticket: Ticket,
        answer: Result<Answer, Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.live
            .answered(answer.as_ref().err(), self.env.now.elapsed, &mut self.dirty);
        if let Some(source) = Source::of(lane) {
            self.hear_of(source, answer.as_ref().err());
        }
        match lane {
            Lane::Overview => {
                if !self.overview_inquiry.is_answered_by(lane, ticket) {
                    return;
                }
                if let Ok(Answer::Overview(overview)) = answer {
                    self.env.overview = *overview;
                    self.is_overview_known = true;
                    self.dirty = true;
                }
                if self.overview_inquiry.take_again() {
                    effects.push(
                        self.overview_inquiry
                            .ask(super::message::Question::Overview),
                    );
                }
            }
            Lane::Reader => {
                for overlay in &mut self.overlays {
                    if let Some(requests) = overlay.received(lane, ticket, &answer) {
                        self.dirty = true;
                        self.carry(requests, effects);
                        return;
                    }
                }
            }
            Lane::Rows(tab) | Lane::Count(tab) | Lane::Detail(tab) | Lane::Beside(tab) => {
                let pane = self.panes.get_mut(tab);
                let received = pane.received(lane, ticket, answer, &self.env);
                self.dirty |= received.changed;
                self.carry(received.requests, effects);
            }
        }
    }

    fn written(
        &mut self,
        ticket: Ticket,
        result: Result<Written, Failure>,
        effects: &mut Vec<Effect>,
    ) {
        self.dirty = true;
        let tab = self
            .writing
            .iter()
            .find(|(known, _)| *known == ticket)
            .map_or(self.tab, |(_, tab)| *tab);
        self.writing.retain(|(known, _)| *known != ticket);
        let waiting = self
            .overlays
            .iter()
            .position(|overlay| overlay.is_awaiting(ticket));
        match result {
            Ok(written) => {
                if let Some(at) = waiting {
                    self.quiet = Quiet::UntilDrawn { swallowed: None };
                    self.overlays.truncate(at);
                    // A form that asked this question is done with it.
                    while matches!(self.overlays.last(), Some(Overlay::Form(_))) {
                        self.overlays.pop();
                    }
                }
                if !written.id.is_empty() {
                    self.panes.get_mut(tab).select(&written.id);
                }
                self.done(written.said, written.hint);
                self.refresh(effects);
            }
            Err(failure) => {
                let mut told = failure.clone();
                if waiting.is_some() && failure.meanwhile.is_some() {
                    // The form tells what can be done.
                    told.hint = None;
                }
                self.fail(&told);
                if let Some(mut at) = waiting {
                    let is_asked_by_form =
                        at > 0 && matches!(self.overlays[at - 1], Overlay::Form(_));
                    // A question about what is not there any more is not asked again; the form beneath it takes up what is.
                    if failure.meanwhile.is_some() && is_asked_by_form {
                        self.quiet = Quiet::UntilDrawn { swallowed: None };
                        self.overlays.truncate(at);
                        at -= 1;
                    }
                    self.overlays[at].refused(failure, &self.env);
                }
                // What was refused may have been judged on what is not there any more.
                self.refresh(effects);
            }
        }
    }
}
