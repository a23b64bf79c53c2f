//! The screen: a pure core ([`app::App`], panes, overlays) with a thin shell around it.
//!
//! This file is the shell: it waits for keys, answers, signals and the next moment at which something is to change, hands them to the core one
//! by one, and draws once when all that waited is taken in. Nothing else in the screen waits, and nothing else touches the terminal. With nothing going
//! on it draws nothing and writes not one byte.

pub mod app;
pub mod env;
pub mod keymap;
pub mod message;
pub mod overlay;
pub mod panes;
mod signals;
mod terminal;
pub mod theme;
pub mod widgets;
pub mod worker;

use self::app::{App, Labels};
use self::env::Env;
use self::message::{Effect, Failure, Moment, Msg};
use self::panes::Tab;
use self::terminal::Screen;
use self::theme::Theme;
use self::widgets::clipboard::{self, Copied};
use self::worker::Worker;
use crate::service::ModelLifecycleService;
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

#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("the screen needs a terminal, and this is none")]
    NotATerminal,
    #[error("the screen needs a terminal that can place a cursor, and TERM is 'dumb'")]
    DumbTerminal,
    #[error("the terminal failed: {0}")]
    Terminal(#[from] std::io::Error),
    #[error("not every change was carried out before the end; look which of them took effect")]
    Unfinished,
    /// In the order of the changes; never empty.
    #[error("{}", refused_late(.0))]
    Refused(Vec<Failure>),
}

/// How many late refusals are told; more are counted.
const LATE_TOLD: usize = 20;

/// All that was refused after the screen was left: nobody can look it up there any more.
fn refused_late(failures: &[Failure]) -> String {
    let told: Vec<&str> = failures
        .iter()
        .take(LATE_TOLD)
        .map(|failure| failure.message.as_str())
        .collect();
    let begin = match failures.len() {
        1 => "a change was".to_owned(),
        several => format!("{several} changes were"),
    };
    let more = match failures.len().saturating_sub(LATE_TOLD) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!(
        "{begin} refused after the screen was left: {}{more}",
        told.join("; ")
    )
}

impl TuiError {
    /// What to try next.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::NotATerminal | Self::DumbTerminal => Some(
                "everything is on the command line too: 'modeldeck run list', 'modeldeck --help'",
            ),
            Self::Terminal(_) => None,
            Self::Unfinished => Some("'modeldeck audit list' shows what was changed"),
            Self::Refused(failures) => failures.first()?.hint.as_deref(),
        }
    }
}

/// Opens the screen on a service and stays until somebody leaves it.
pub async fn run(service: ModelLifecycleService, options: TuiOptions) -> Result<Ended, TuiError> {
    terminal::check(std::env::var("TERM").ok().as_deref())?;
    let signals = signals::watch()?;
    let screen = Screen::take(options.mouse)?;
    let (messages, waiting) = mpsc::channel(WAITING);
    let worker = Worker::start(service.clone(), messages, options.refresh).await;
    let begun = Instant::now();
    let env = Env {
        now: moment(&service, begun),
        zone: options.zone,
        theme: options.theme,
        person: service.identity().person().to_owned(),
        stale_after: service.settings().stale_after,
        directions: service.settings().directions.clone(),
        read_only: service.read_only(),
        offer_demo: options.offer_demo,
        overview: message::Overview::default(),
    };
    let labels = Labels {
        store: options.title,
        person: service.identity().to_string(),
    };
    let app = App::new(env, labels, options.tab, options.strip);
    let shell = Shell {
        service,
        begun,
        app,
        screen,
        worker,
        waiting,
        signals,
        events: EventStream::new(),
        drawn: None,
        refresh: options.refresh,
    };
    Box::pin(shell.stay()).await
}

fn moment(service: &ModelLifecycleService, begun: Instant) -> Moment {
    Moment {
        at: service.clock().now(),
        elapsed: begun.elapsed(),
    }
}

/// Everything that the loop holds.
struct Shell {
    service: ModelLifecycleService,
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
    async fn stay(mut self) -> Result<Ended, TuiError> {
        let size = self.screen.size()?;
        let effects = self.app.start(self.now(), size.width, size.height);
        let mut ended = self.carry_out(effects).await?;
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
        moment(&self.service, self.begun)
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
                Effect::Copy(_) | Effect::Suspend | Effect::Repaint | Effect::Quit { .. } => {}
            }
        }
    }

    async fn carry_out(&mut self, effects: Vec<Effect>) -> Result<Option<Ended>, TuiError> {
        for effect in effects {
            match effect {
                Effect::Quit { demo: true } => return Ok(Some(Ended::Demo)),
                Effect::Quit { demo: false } => return Ok(Some(Ended::Quit)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ErrorKind;

    #[test]
    fn every_late_refusal_is_told_up_to_a_number() {
        let failures = |count: usize| -> Vec<Failure> {
            let failure = |number| Failure {
                kind: ErrorKind::Conflict,
                message: format!("no {number}"),
                hint: Some(format!("hint {number}")),
                field: None,
                causes: Vec::new(),
            };
            (1..=count).map(failure).collect()
        };
        let told = |count| TuiError::Refused(failures(count)).to_string();
        assert_eq!(
            told(1),
            "a change was refused after the screen was left: no 1"
        );
        assert_eq!(
            told(2),
            "2 changes were refused after the screen was left: no 1; no 2"
        );
        assert!(told(25).ends_with("; no 20; and 5 more"));
        assert_eq!(TuiError::Refused(failures(2)).hint(), Some("hint 1"));
    }
}
