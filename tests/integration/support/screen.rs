//! The real screen over a real service, without a terminal: keys go in, frames come out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use modeldeck::service::ModelLifecycleService;
use modeldeck::tui::app::{App, Labels};
use modeldeck::tui::env::Env;
use modeldeck::tui::message::{Effect, Lane, Moment, Msg, Ticket};
use modeldeck::tui::panes::Tab;
use modeldeck::tui::theme::Theme;
use modeldeck::tui::worker::Worker;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long an answer of a local store may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A screen that is driven by hand.
pub(crate) struct Screen {
    app: App,
    worker: Worker,
    waiting: mpsc::Receiver<Msg>,
    service: ModelLifecycleService,
    elapsed: Duration,
    asked: HashMap<Lane, Ticket>,
    writing: HashSet<Ticket>,
    area: Rect,
}

impl Screen {
    /// Opens the screen and waits until everything it asked for is there.
    pub(crate) async fn open(
        service: ModelLifecycleService,
        store: &str,
        (width, height): (u16, u16),
    ) -> Self {
        let (messages, waiting) = mpsc::channel(256);
        // Nobody else writes here, so the watch over the store has nothing to do.
        let worker = Worker::start(service.clone(), messages, Duration::from_secs(3600)).await;
        let elapsed = Duration::ZERO;
        let env = Env {
            now: Moment {
                at: service.clock().now(),
                elapsed,
            },
            zone: TimeZone::UTC,
            theme: Theme::default(),
            person: service.identity().person().to_owned(),
            stale_after: service.settings().stale_after,
            directions: service.settings().directions.clone(),
            read_only: None,
            offer_demo: false,
            overview: modeldeck::service::Overview::default(),
            is_near: true,
            connecting: None,
        };
        let labels = Labels {
            store: store.to_owned(),
            person: service.identity().to_string(),
        };
        let mut screen = Self {
            app: App::new(env, labels, Tab::Experiments, true),
            worker,
            waiting,
            service,
            elapsed,
            asked: HashMap::new(),
            writing: HashSet::new(),
            area: Rect::new(0, 0, width, height),
        };
        let now = screen.now();
        let effects = screen.app.start(now, width, height);
        screen.carry_out(effects);
        screen.settle().await;
        screen
    }

    fn now(&self) -> Moment {
        Moment {
            at: self.service.clock().now(),
            elapsed: self.elapsed,
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask {
                    lane,
                    ticket,
                    question,
                } => {
                    self.asked.insert(lane, ticket);
                    self.worker.ask(lane, ticket, *question);
                }
                Effect::Write { ticket, write } => {
                    self.writing.insert(ticket);
                    self.worker.write(ticket, *write);
                }
                _ => {}
            }
        }
    }

    fn take_in(&mut self, msg: Msg) {
        match &msg {
            Msg::Answer { lane, ticket, .. } if self.asked.get(lane) == Some(ticket) => {
                self.asked.remove(lane);
            }
            Msg::Written { ticket, .. } => {
                self.writing.remove(ticket);
            }
            _ => {}
        }
        let now = self.now();
        let effects = self.app.update(now, msg);
        self.carry_out(effects);
    }

    /// Waits until every question is answered, also those that wait for a pause in typing.
    pub(crate) async fn settle(&mut self) {
        loop {
            while !self.asked.is_empty() || !self.writing.is_empty() {
                let msg = tokio::time::timeout(PATIENCE, self.waiting.recv()).await;
                self.take_in(msg.expect("an answer in time").expect("a worker"));
            }
            self.elapsed += Duration::from_millis(300);
            self.take_in(Msg::Tick);
            self.take_in(Msg::Drawn);
            if self.asked.is_empty() && self.writing.is_empty() {
                return;
            }
        }
    }

    /// Presses keys one by one, each with its answers; a word of several letters is a named key (`enter`, `esc`, `down`).
    pub(crate) async fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let code = match key {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "down" => KeyCode::Down,
                "up" => KeyCode::Up,
                "space" => KeyCode::Char(' '),
                letter => KeyCode::Char(letter.chars().next().expect("a key between the spaces")),
            };
            self.take_in(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
            self.settle().await;
        }
    }

    /// The frame as it is now.
    pub(crate) fn frame(&self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        self.app.draw(&mut buffer);
        buffer
    }
}
