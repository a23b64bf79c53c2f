//! The terminal as the screen needs it, and as everybody else wants it back: on every way out it is restored.
//!
//! Ways out are the end, an error, a panic (anywhere, by the hook), a signal and the watchdog. Restoring twice does no harm, so each of them
//! does it without asking the others.

use super::TuiError;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::io::{self, IsTerminal as _, Stdout, Write as _, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the screen is ours now. Once it is given back, nothing may be drawn.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Refuses what is no terminal to draw on, before anything is written to it.
pub(super) fn check(term: Option<&str>) -> Result<(), TuiError> {
    if !io::stdin().is_terminal() || !stdout().is_terminal() {
        return Err(TuiError::NotATerminal);
    }
    if matches!(term, Some("dumb")) {
        return Err(TuiError::DumbTerminal);
    }
    Ok(())
}

/// The screen. Dropping it gives the terminal back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
    /// What was drawn last, to be compared with: an equal frame costs the terminal not one byte.
    shown: Option<(Buffer, Option<Position>)>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        enter(mouse)?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout())).inspect_err(|_| restore())?;
        Ok(Self {
            terminal,
            mouse,
            shown: None,
        })
    }

    pub(super) fn size(&self) -> io::Result<Rect> {
        Ok(Rect::from((Position::ORIGIN, self.terminal.size()?)))
    }

    /// Draws, if what is drawn is not there already.
    pub(super) fn draw(
        &mut self,
        draw: impl Fn(&mut Buffer) -> Option<Position>,
    ) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            // A panic somewhere gave it back, even if that part of the program went on.
            let told = "a part of the program failed, and gave it back; the log tells more";
            return Err(io::Error::other(told));
        }
        self.terminal.autoresize()?;
        let buffer = self.terminal.current_buffer_mut();
        buffer.reset();
        let cursor = draw(buffer);
        if let Some((shown, cursor_shown)) = &self.shown
            && *cursor_shown == cursor
            && shown == buffer
        {
            return Ok(());
        }
        let had_cursor = self
            .shown
            .as_ref()
            .is_some_and(|(_, cursor)| cursor.is_some());
        self.shown = Some((buffer.clone(), cursor));
        self.terminal.flush()?;
        match cursor {
            Some(position) => {
                self.terminal.set_cursor_position(position)?;
                if !had_cursor {
                    self.terminal.show_cursor()?;
                }
            }
            None if had_cursor => self.terminal.hide_cursor()?,
            None => {}
        }
        self.terminal.swap_buffers();
        stdout().flush()
    }

    /// Makes the next frame a whole one. Not `Terminal::clear`, which asks the terminal for its cursor and races the event stream
    /// (ratatui issue 2640).
    pub(super) fn repaint(&mut self) -> io::Result<()> {
        self.shown = None;
        let size = self.size()?;
        self.terminal.resize(size)
    }

    /// Gives the terminal back for a while.
    pub(super) fn leave(&mut self) {
        self.shown = None;
        restore();
    }

    /// Takes it again.
    pub(super) fn come_back(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.repaint()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    let entered = enable_raw_mode().and_then(|()| {
        execute!(
            stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableFocusChange,
            cursor::Hide
        )?;
        if mouse {
            execute!(stdout(), EnableMouseCapture)?;
        }
        Ok(())
    });
    entered.inspect_err(|_| restore())
}

/// Gives the terminal back, as far as it still listens: on a way out there is nobody to tell what failed.
pub(super) fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        stdout(),
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A panic gives the terminal back before it is reported, by whatever hook was there before.
fn restore_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            tracing::error!(target: "panic", "{panic}");
            restore();
            report(panic);
        }));
    });
}
