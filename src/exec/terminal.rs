//! Lends the terminal to the command's process group, as a shell does.
//!
//! The command has a process group of its own, so that a signal is delivered to it exactly once: by the terminal when the
//! terminal is lent (Ctrl-C, Ctrl-\, Ctrl-Z), by this program when it is not. Lending is needed only where the command can read keys,
//! which is when stdin is the terminal.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, killpg};
use nix::unistd::{Pid, getpgid, getpgrp, getppid, getsid, tcgetpgrp, tcsetpgrp};
use std::io::{IsTerminal as _, stdin};

/// A terminal that this program may lend.
pub(super) struct Terminal {
    own: Pid,
}

impl Terminal {
    /// The terminal on stdin, when this program's group is in the foreground there.
    pub(super) fn of_this_process() -> Option<Self> {
        let own = getpgrp();
        let ours = stdin().is_terminal() && tcgetpgrp(stdin()).ok() == Some(own);
        ours.then_some(Self { own })
    }

    #[expect(clippy::unused_self, reason = "only who has the terminal lends it")]
    pub(super) fn lend(&self, group: Pid) {
        set_foreground(group);
    }

    pub(super) fn take_back(&self) {
        set_foreground(self.own);
    }

    /// Whether a shell has brought this program to the foreground again.
    pub(super) fn is_ours(&self) -> bool {
        tcgetpgrp(stdin()).ok() == Some(self.own)
    }
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

/// Stops this program's whole job, as Ctrl-Z would, and returns when it goes on. Does nothing where nobody could make it go on.
pub(super) fn stop_this_job() {
    let somebody_watches = getsid(Some(getppid())).ok() == getsid(None).ok()
        && getpgid(Some(getppid())).ok() != Some(getpgrp());
    if somebody_watches {
        let _it_is_our_own_group = kill(Pid::from_raw(0), Signal::SIGSTOP);
    }
}

/// Sends a signal to a process group; that it may have gone is no failure.
pub(super) fn send(group: Pid, signal: Signal) {
    if let Err(error) = killpg(group, signal) {
        tracing::debug!(%error, %signal, "the command did not get a signal");
    }
}
