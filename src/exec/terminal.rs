//! Lends the terminal to the command's process group, as a shell does.
//!
//! The command has a process group of its own, so that a signal is delivered to it exactly once: by the terminal when the
//! terminal is lent (Ctrl-C, Ctrl-\, Ctrl-Z), by this program when it is not. Lending is needed only where the command can read keys,
//! which is when stdin is the terminal.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, killpg};
use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid, tcgetpgrp, tcsetpgrp};
use std::io::{IsTerminal as _, stdin};

/// The terminal on stdin.
pub(super) struct Terminal {
    own: Pid,
}

impl Terminal {
    pub(super) fn of_this_process() -> Option<Self> {
        stdin().is_terminal().then(|| Self { own: getpgrp() })
    }

    /// Lends the terminal, if it is this program's to lend.
    pub(super) fn lend(&self, group: Pid) {
        if tcgetpgrp(stdin()).ok() == Some(self.own) {
            set_foreground(group);
        }
    }

    /// Takes the terminal back from those it was lent to.
    pub(super) fn take_back(&self, group: Pid) {
        if is_lent(group) {
            set_foreground(self.own);
        }
    }
}

/// Whether the terminal is with this group now.
pub(super) fn is_lent(group: Pid) -> bool {
    tcgetpgrp(stdin()).ok() == Some(group)
}

fn set_foreground(group: Pid) {
    // A background group that changes the foreground one is stopped for it, unless the signal is blocked.
    without_stopping(|| {
        if let Err(error) = tcsetpgrp(stdin(), group) {
            tracing::debug!(%error, "the terminal was not handed over");
        }
    });
}

/// Runs something with SIGTTOU blocked in this thread.
pub(super) fn without_stopping<T>(work: impl FnOnce() -> T) -> T {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTTOU);
    let before = blocked.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let done = work();
    if let Ok(before) = before {
        let _it_was_valid = before.thread_set_mask();
    }
    done
}

/// Stops this program's whole job, as Ctrl-Z would, and returns when it goes on. Does nothing, and says so, where nobody could make it go on.
pub(super) fn stop_this_job() -> bool {
    let somebody_watches = getsid(Some(getppid())).ok() == getsid(None).ok()
        && getpgid(Some(getppid())).ok() != Some(getpgrp());
    somebody_watches && kill(Pid::from_raw(0), Signal::SIGSTOP).is_ok()
}

/// Sends a signal to a process group; that it may have gone is no failure.
pub(super) fn send(group: Pid, signal: Signal) {
    if let Err(error) = killpg(group, signal) {
        tracing::debug!(%error, %signal, "the command did not get a signal");
    }
}
