//! What opens on top of a tab: a stack of which the topmost gets the keys.
//!
//! An overlay is closed by what it returns, never by itself, so the app alone knows what is open.

pub mod command;
pub mod confirm;
pub mod form;
pub mod help;
pub mod menu;
pub mod notices;
pub mod reader;
pub mod sync;

use self::command::CommandLine;
use self::confirm::Confirm;
use self::form::Form;
use self::help::Help;
use self::menu::Menu;
use self::notices::Notices;
use self::reader::Reader;
use self::sync::SyncList;
use super::env::Env;
use super::keymap::{Action, Context};
use super::message::{Answer, Effect, Failure, Lane, Ticket, Write};
use super::panes::Request;
use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, Clear, Widget};

/// Something open on top.
#[derive(Debug)]
pub enum Overlay {
    Confirm(Confirm),
    Form(Form),
    Menu(Menu),
    Help(Help),
    Notices(Notices),
    Reader(Reader),
    Sync(SyncList),
    CommandLine(CommandLine),
}

/// What came of a key.
#[derive(Debug, Default)]
pub enum Outcome {
    #[default]
    Stay,
    Close,
    /// Carries a change out, and stays until it is known what came of it.
    Write(Box<Write>),
    /// Asks first; the overlay stays beneath.
    Ask(Box<Confirm>),
    /// Opens another on top; this one stays beneath.
    Open(Box<Overlay>),
    /// Stays and does something.
    Keep(Vec<Request>),
    /// Closes and does what was chosen.
    Then(Vec<Request>),
    /// Closes and runs a command.
    Run(String),
}

impl Overlay {
    pub fn context(&self) -> Context {
        match self {
            Self::Confirm(_) => Context::Confirm,
            Self::Form(_) => Context::Form,
            Self::Menu(_) => Context::Menu,
            Self::Help(_) => Context::Help,
            Self::Notices(_) => Context::Notices,
            Self::Reader(_) => Context::Reader,
            Self::Sync(_) => Context::Sync,
            Self::CommandLine(_) => Context::CommandLine,
        }
    }

    /// Takes a key as text; false when it is none, and then it is looked up.
    pub fn typed(&mut self, key: KeyEvent, env: &Env) -> Option<Outcome> {
        match self {
            Self::Confirm(confirm) => confirm.typed(key, env),
            Self::Form(form) => form.typed(key, env),
            Self::Menu(menu) => menu.typed(key),
            Self::Help(help) => help.typed(key),
            Self::CommandLine(line) => line.typed(key),
            Self::Notices(_) | Self::Reader(_) | Self::Sync(_) => None,
        }
    }

    pub fn pasted(&mut self, text: &str, env: &Env) {
        match self {
            Self::Confirm(confirm) => confirm.pasted(),
            Self::Form(form) => form.pasted(text, env),
            Self::Help(help) => help.pasted(text),
            Self::CommandLine(line) => line.pasted(text),
            Self::Menu(_) | Self::Notices(_) | Self::Reader(_) | Self::Sync(_) => {}
        }
    }

    /// Whether it makes sense now; what does not is dimmed.
    pub fn allows(&self, action: Action, env: &Env) -> bool {
        match self {
            Self::Sync(list) => list.allows(action, env),
            _ => true,
        }
    }

    pub fn on(&mut self, action: Action, env: &Env) -> Outcome {
        match self {
            Self::Confirm(confirm) => confirm.on(action, env),
            Self::Form(form) => form.on(action, env),
            Self::Menu(menu) => menu.on(action),
            Self::Help(help) => help.on(action),
            Self::Notices(notices) => notices.on(action),
            Self::Reader(reader) => reader.on(action),
            Self::Sync(list) => list.on(action, env),
            Self::CommandLine(line) => line.on(action),
        }
    }

    /// A frame with it is on the screen.
    pub fn drawn(&mut self, env: &Env) {
        if let Self::Confirm(confirm) = self {
            confirm.drawn(env);
        }
    }

    /// The change that it waits for has this ticket.
    pub fn awaits(&mut self, ticket: Ticket) {
        match self {
            Self::Confirm(confirm) => confirm.awaits(ticket),
            Self::Form(form) => form.awaits(ticket),
            _ => {}
        }
    }

    /// Whether it waits for the change with this ticket.
    pub fn is_awaiting(&self, ticket: Ticket) -> bool {
        match self {
            Self::Confirm(confirm) => confirm.waiting() == Some(ticket),
            Self::Form(form) => form.waiting() == Some(ticket),
            _ => false,
        }
    }

    /// The change that it waited for was refused.
    pub fn refused(&mut self, failure: Failure, env: &Env) {
        match self {
            Self::Confirm(confirm) => confirm.refused(failure),
            Self::Form(form) => form.refused(failure, env),
            _ => {}
        }
    }

    /// Takes an answer that is for it; `None` when it is not.
    pub fn received(
        &mut self,
        lane: Lane,
        ticket: Ticket,
        answer: &Result<Answer, Failure>,
    ) -> Option<Vec<Request>> {
        match self {
            Self::Reader(reader) => reader.received(lane, ticket, answer),
            Self::Sync(list) => list.received(lane, ticket, answer),
            _ => None,
        }
    }

    /// Asks the store, or asks it anew, where it shows something of it.
    pub fn ask(&mut self, after: Ticket) -> Option<Effect> {
        match self {
            Self::Reader(reader) => reader.ask(after),
            Self::Sync(list) => list.ask(after),
            _ => None,
        }
    }

    /// Takes note of where it will be drawn, so that nothing is scrolled past its end.
    pub fn settle(&mut self, screen: Rect, env: &Env) {
        match self {
            Self::Help(help) => help.settle(screen),
            Self::Reader(reader) => reader.settle(screen, env),
            _ => {}
        }
    }

    pub fn draw(&self, screen: Rect, buf: &mut Buffer, env: &Env) -> Option<Position> {
        match self {
            Self::Confirm(confirm) => confirm.draw(screen, buf, env),
            Self::Form(form) => form.draw(screen, buf, env),
            Self::Menu(menu) => menu.draw(screen, buf, env),
            Self::Help(help) => help.draw(screen, buf, env),
            Self::Notices(notices) => notices.draw(screen, buf, env),
            Self::Reader(reader) => reader.draw(screen, buf, env),
            Self::Sync(list) => list.draw(screen, buf, env),
            Self::CommandLine(line) => line.draw(screen, buf, env),
        }
    }
}

/// Clears an area, draws a frame with a title around it, and returns what is inside.
fn framed(area: Rect, title: &str, buf: &mut Buffer, env: &Env) -> Rect {
    let area = area.intersection(buf.area);
    Clear.render(area, buf);
    Block::bordered()
        .border_style(env.theme.border_focus)
        .render(area, buf);
    let room = usize::from(area.width.saturating_sub(4));
    if room > 0 && area.height > 0 {
        let title = format!(" {} ", super::widgets::text::cut(title, room));
        buf.set_stringn(area.x + 1, area.y, title, room + 2, env.theme.title);
    }
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// What stands at the foot of what waits for the answer to a change.
fn sending(leaving: bool) -> &'static str {
    if leaving {
        "already sent; waiting for the answer"
    } else {
        "sending …"
    }
}

/// A sentence in lines of at most so many columns.
fn wrapped(sentence: &str, columns: usize) -> Vec<String> {
    super::widgets::text::wrap(&sentence.into(), columns.max(1))
        .iter()
        .map(ToString::to_string)
        .collect()
}
