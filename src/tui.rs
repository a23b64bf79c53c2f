//! The screen: a pure core ([`app::App`], panes, overlays) with a thin shell around it.
//!
//! This file is the shell: it waits for keys, answers, signals and the next moment at which something is to change, hands them to the core one
//! by one, and draws once when all that waited is taken in. Nothing else in the screen waits, and nothing else touches the terminal. With nothing going
//! on it draws nothing and writes not one byte.

pub mod app;
pub mod connecting;
pub mod env;
mod error;
pub mod keymap;
pub mod message;
pub mod overlay;
pub mod panes;
mod signals;
mod terminal;
pub mod theme;
pub mod widgets;
pub mod worker;

pub use self::error::TuiError;

use self::app::{App, Labels};
use self::connecting::Connecting;
use self::env::Env;
use self::message::{Effect, Moment, Msg, Progress};
use self::panes::Tab;
use self::terminal::Screen;
use self::theme::Theme;
use self::widgets::clipboard::{self, Copied};
use self::worker::Worker;
use crate::domain::Identity;
use crate::service::{Clock, ModelLifecycleService, ServiceOptions, ServiceSettings};
use crossterm::event::{Event, EventStream};
use jiff::tz::TimeZone;
use std::io::stdout;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;

/// Frames are not drawn faster than this.
const FRAME: Duration = Duration::from_millis(16);
/// How many messages may wait.
const WAITING: usize = 256;
/// For how long the first frame waits for a server.
const HEAD_START: Duration = Duration::from_millis(150);
/// For how long changes that are under way are waited for on quit.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// How the screen is opened.
#[derive(Debug, Clone)]
pub struct TuiOptions {
    /// What the header calls the store: `fraud-prod · local store`.
    pub title: String,
    pub mouse: bool,
    /// Whether the live strip is shown.
    pub strip: bool,
    /// How often the store is asked whether something was written.
    pub refresh: Duration,
    pub theme: Theme,
    pub tab: Tab,
    pub zone: TimeZone,
    /// Whether the demo is offered where the store is empty.
    pub offer_demo: bool,
}

impl Default for TuiOptions {
    fn default() -> Self {
        Self {
            title: "local store".to_owned(),
            mouse: true,
            strip: true,
            refresh: Duration::from_millis(100),
            theme: Theme::default(),
            tab: Tab::Experiments,
            zone: TimeZone::system(),
            offer_demo: false,
        }
    }
}

/// How the screen ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// Somebody asked for the demo.
    Demo,
    /// A signal ended it; programs then exit with 128 and its number.
    Signal(i32),
}

/// Opens the screen on a service and stays until somebody leaves it.
pub async fn run(service: ModelLifecycleService, options: TuiOptions) -> Result<Ended, TuiError> {
    terminal::check(std::env::var("TERM").ok().as_deref())?;
    let signals = signals::watch()?;
    let screen = Screen::take(options.mouse)?;
    let clock = service.clock().clone();
    let identity = service.identity().clone();
    let settings = service.settings().clone();
    let read_only = service.read_only();
    let is_near = service.capabilities().near;
    let (messages, waiting) = mpsc::channel(WAITING);
    let worker = Worker::start(service, messages, options.refresh).await;
    let around = Around {
        clock,
        identity,
        settings,
        read_only,
        is_near,
        connecting: None,
    };
    let shell = Shell::new(around, options, screen, worker, waiting, signals);
    Box::pin(shell.stay(None)).await
}

/// Opens the screen on a store that may be slow to reach: it is there before the store is, and tells how that comes along.
pub async fn connect(service: ServiceOptions, options: TuiOptions) -> Result<Ended, TuiError> {
    terminal::check(std::env::var("TERM").ok().as_deref())?;
    let signals = signals::watch()?;
    let around = Around {
        clock: service.clock.clone(),
        identity: service.identity.clone(),
        settings: service.settings.clone(),
        read_only: Some("the server has not answered yet".to_owned()),
        is_near: false,
        connecting: Some(service.target.name().to_string_lossy().into_owned()),
    };
    let (messages, mut waiting) = mpsc::channel(WAITING);
    let worker = Worker::connect(service, messages, options.refresh);
    // A server nearby answers within this, with a list or a refusal; then there is nothing to tell of the way to it.
    let first = tokio::time::timeout(HEAD_START, waiting.recv()).await;
    let first = first.ok().flatten();
    if let Some(Msg::Connection(Progress::Refused(failure))) = first {
        return Err(TuiError::NotConnected(failure));
    }
    let screen = Screen::take(options.mouse)?;
    let shell = Shell::new(around, options, screen, worker, waiting, signals);
    Box::pin(shell.stay(first)).await
}

/// What the screen is told of its surroundings before it asks anything.
struct Around {
    clock: Clock,
    identity: Identity,
    settings: ServiceSettings,
    read_only: Option<String>,
    is_near: bool,
    /// The address that is still to be connected to.
    connecting: Option<String>,
}

fn moment(clock: &Clock, begun: Instant) -> Moment {
    Moment {
        at: clock.now(),
        elapsed: begun.elapsed(),
    }
}

/// Everything that the loop holds.
struct Shell {
    clock: Clock,
    begun: Instant,
    app: App,
    screen: Screen,
    worker: Worker,
    waiting: mpsc::Receiver<Msg>,
    signals: mpsc::Receiver<i32>,
    events: EventStream,
    drawn: Option<Instant>,
    refresh: Duration,
}

impl Shell {
    fn new(
        around: Around,
        options: TuiOptions,
        screen: Screen,
        worker: Worker,
        waiting: mpsc::Receiver<Msg>,
        signals: mpsc::Receiver<i32>,
    ) -> Self {
        let begun = Instant::now();
        let connecting = around.connecting;
        let env = Env {
            now: moment(&around.clock, begun),
            zone: options.zone,
            theme: options.theme,
            person: around.identity.person().to_owned(),
            stale_after: around.settings.stale_after,
            directions: around.settings.directions,
            read_only: around.read_only,
            offer_demo: options.offer_demo,
            overview: message::Overview::default(),
            is_near: around.is_near,
            connecting: connecting.map(|target| Connecting::new(target, Duration::ZERO)),
        };
        let labels = Labels {
            store: options.title,
            person: around.identity.to_string(),
        };
        Self {
            clock: around.clock,
            begun,
            app: App::new(env, labels, options.tab, options.strip),
            screen,
            worker,
            waiting,
            signals,
            events: EventStream::new(),
            drawn: None,
            refresh: options.refresh,
        }
    }

    /// Begins with a message that came before the screen was taken, where one did.
    async fn stay(mut self, first: Option<Msg>) -> Result<Ended, TuiError> {
        let size = self.screen.size()?;
        let effects = self.app.start(self.now(), size.width, size.height);
        let mut ended = self.carry_out(effects).await?;
        if ended.is_none() {
            ended = self.take_in(first).await?;
        }
        while ended.is_none() {
            if self.app.take_dirty() {
                self.draw()?;
            }
            ended = self.wait().await?;
        }
        // The screen is given back first: what is still to be written needs no terminal.
        drop(self.screen);
        let last = self.worker.finish(self.waiting, LAST_WRITES).await;
        if !last.refused.is_empty() {
            return Err(TuiError::Refused(last.refused));
        }
        if last.finished {
            Ok(ended.unwrap_or(Ended::Quit))
        } else {
            Err(TuiError::Unfinished)
        }
    }

    fn now(&self) -> Moment {
        moment(&self.clock, self.begun)
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        let size = self.screen.size()?;
        // A resize may be seen here before its event arrives.
        let resized = Msg::Resized {
            width: size.width,
            height: size.height,
        };
        if self.app.size() != size {
            let now = self.now();
            let effects = self.app.update(now, resized);
            self.app.take_dirty();
            self.start(effects);
        }
        let app = &self.app;
        self.screen.draw(|buffer| app.draw(buffer))?;
        self.drawn = Some(Instant::now());
        let now = self.now();
        let effects = self.app.update(now, Msg::Drawn);
        self.start(effects);
        Ok(())
    }

    /// Waits for something to happen, and takes in all that has.
    async fn wait(&mut self) -> Result<Option<Ended>, TuiError> {
        let wake = self.begun + self.app.wakes_at();
        let msg = tokio::select! {
            biased;
            number = self.signals.recv() => {
                return Ok(Some(Ended::Signal(number.unwrap_or(15))));
            }
            event = self.events.next() => match event {
                Some(event) => Some(translate(event?)),
                // The terminal is gone.
                None => return Ok(Some(Ended::Signal(1))),
            },
            msg = self.waiting.recv() => msg,
            ended = self.worker.ended() => {
                if let Err(error) = ended {
                    std::panic::resume_unwind(error.into_panic());
                }
                None
            }
            () = tokio::time::sleep_until(wake.into()) => Some(Msg::Tick),
        };
        if let Some(ended) = self.take_in(msg).await? {
            return Ok(Some(ended));
        }
        // Whatever waits already is drawn with it, at most one frame later.
        let until = self.drawn.map_or_else(Instant::now, |drawn| drawn + FRAME);
        loop {
            let msg = tokio::select! {
                biased;
                event = self.events.next() => match event {
                    Some(event) => Some(translate(event?)),
                    None => return Ok(Some(Ended::Signal(1))),
                },
                msg = self.waiting.recv() => msg,
                () = tokio::time::sleep_until(until.into()) => return Ok(None),
            };
            if let Some(ended) = self.take_in(msg).await? {
                return Ok(Some(ended));
            }
            if Instant::now() >= until && self.waiting.is_empty() {
                return Ok(None);
            }
        }
    }

    async fn take_in(&mut self, msg: Option<Msg>) -> Result<Option<Ended>, TuiError> {
        let Some(msg) = msg else { return Ok(None) };
        if matches!(msg, Msg::Key(_)) {
            self.worker.attend();
        }
        let effects = self.app.update(self.now(), msg);
        self.carry_out(effects).await
    }

    /// Starts what the worker does.
    fn start(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask {
                    lane,
                    ticket,
                    question,
                } => self.worker.ask(lane, ticket, *question),
                Effect::Write { ticket, write } => self.worker.write(ticket, *write),
                Effect::Watch(interval) => self.worker.watch_every(interval.max(self.refresh)),
                Effect::Connect => self.worker.connect_now(),
                Effect::Copy(_)
                | Effect::Suspend
                | Effect::Repaint
                | Effect::GiveUp(_)
                | Effect::Quit { .. } => {}
            }
        }
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<Option<Ended>, TuiError> {
        for effect in effects {
            match effect {
                Effect::Quit { demo: true } => return Ok(Some(Ended::Demo)),
                Effect::Quit { demo: false } => return Ok(Some(Ended::Quit)),
                Effect::GiveUp(failure) => return Err(TuiError::NotConnected(failure)),
                Effect::Repaint => self.screen.repaint()?,
                Effect::Copy(text) => {
                    let inside_tmux = std::env::var_os("TMUX").is_some();
                    if clipboard::copy(&mut stdout(), &text, inside_tmux)? == Copied::TooLong {
                        self.tell("it is too long for the terminal's clipboard");
                    }
                }
                Effect::Suspend => {
                    self.screen.leave();
                    let stopped = signals::suspend().await?;
                    self.screen.come_back()?;
                    if !stopped {
                        self.tell("cannot suspend: there is no shell to come back from");
                    }
                }
                effect => self.start(vec![effect]),
            }
        }
        Ok(None)
    }

    fn tell(&mut self, said: &str) {
        let now = self.now();
        let effects = self.app.update(now, Msg::Told(said.to_owned()));
        self.start(effects);
    }
}

/// What an event of the terminal means to the core.
fn translate(event: Event) -> Msg {
    match event {
        Event::Key(key) => Msg::Key(key),
        Event::Paste(text) => Msg::Paste(text),
        Event::Mouse(mouse) => Msg::Mouse(mouse),
        Event::Resize(width, height) => Msg::Resized { width, height },
        Event::FocusGained => Msg::Focus(true),
        Event::FocusLost => Msg::Focus(false),
    }
}
