//! What happened, kept: a message never overwrites the one before it.

use super::App;
use crate::tui::message::Failure;
use crate::tui::overlay::notices::Notice;
use crate::tui::panes::Gravity;

/// More notices than this are not kept.
const MOST: usize = 500;

#[derive(Debug, Default)]
pub(super) struct NoticeLog {
    /// Newest first.
    notices: Vec<Notice>,
    /// How many nobody looked at.
    unread: usize,
    /// Whether the newest is shown in the footer.
    shown: bool,
}

impl NoticeLog {
    pub(super) fn all(&self) -> &[Notice] {
        &self.notices
    }

    /// Warnings and errors that nobody looked at.
    pub(super) fn unread(&self) -> usize {
        let unread = self.notices.iter().take(self.unread);
        unread
            .filter(|notice| matches!(notice.gravity, Gravity::Warning | Gravity::Error))
            .count()
    }

    pub(super) fn read(&mut self) {
        self.unread = 0;
        self.shown = false;
    }

    /// The one in the footer.
    pub(super) fn shown(&self) -> Option<&Notice> {
        self.notices.first().filter(|_| self.shown)
    }

    /// The footer shows keys again.
    pub(super) fn hide(&mut self) {
        self.shown = false;
    }

    fn push(&mut self, notice: Notice) {
        self.notices.insert(0, notice);
        self.notices.truncate(MOST);
        self.unread = (self.unread + 1).min(MOST);
        self.shown = true;
    }
}

impl App {
    pub(super) fn tell(&mut self, gravity: Gravity, said: impl Into<String>) {
        self.dirty = true;
        self.notices.push(Notice {
            at: self.env.now.at,
            gravity,
            said: said.into(),
            more: Vec::new(),
        });
    }

    /// Tells what was done, and what is to be known about it.
    pub(super) fn done(&mut self, said: String, hint: Option<String>) {
        self.dirty = true;
        self.notices.push(Notice {
            at: self.env.now.at,
            gravity: Gravity::Done,
            said,
            more: hint.into_iter().collect(),
        });
    }

    /// Tells why something was not done, with everything that is known about it.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.dirty = true;
        let causes = failure.because();
        self.notices.push(Notice {
            at: self.env.now.at,
            gravity: Gravity::Error,
            said: failure.message.clone(),
            more: failure.hint.iter().cloned().chain(causes).collect(),
        });
    }
}
