//! The command as a process: started in a group of its own, watched, signalled.
//!
//! A thread waits for it, because stopping (Ctrl-Z) has to be noticed too, which the standard library's `wait` does not tell.

use super::ExecRequest;
use super::terminal::{self, Terminal};
use crate::domain::{RunId, RunStatus};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};
use tokio::sync::mpsc;

/// How the command ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    /// It ended with the code that a shell gives to a signal which was sent to it.
    killed: bool,
}

impl Ended {
    pub(super) fn exited(code: i32) -> Self {
        Self {
            code: Some(code),
            signal: None,
            killed: false,
        }
    }

    pub(super) fn status(self) -> RunStatus {
        match (self.code, self.killed) {
            (None, _) | (_, true) => RunStatus::Killed,
            (Some(0), false) => RunStatus::Completed,
            (Some(_), false) => RunStatus::Failed,
        }
    }
}

pub(super) struct Child {
    group: Pid,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
    terminal: Option<Terminal>,
    changes: mpsc::UnboundedReceiver<WaitStatus>,
    sent: Vec<Signal>,
}

/// Starts the command.
pub(super) fn start(request: &ExecRequest, run_id: &RunId) -> std::io::Result<Child> {
    let terminal = Terminal::of_this_process();
    let mut command = Command::new(&request.command[0]);
    command
        .args(&request.command[1..])
        .env("MODELDECK_RUN_ID", run_id.as_str())
        .env("MODELDECK_STORE", &request.store)
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    // Python keeps what it prints into a pipe for itself until there are 8 KiB of it, and nobody would see anything live.
    if std::env::var_os("PYTHONUNBUFFERED").is_none() {
        command.env("PYTHONUNBUFFERED", "1");
    }
    let mut process = command.spawn()?;
    let group = Pid::from_raw(i32::try_from(process.id()).expect("process ids are small"));
    if let Some(terminal) = &terminal {
        terminal.lend(group);
    }
    let (sender, changes) = mpsc::unbounded_channel();
    std::thread::spawn(move || watch(group, &sender));
    Ok(Child {
        group,
        stdout: process.stdout.take(),
        stderr: process.stderr.take(),
        terminal,
        changes,
        sent: Vec::new(),
    })
}

/// Tells every stop and the end.
fn watch(process: Pid, changes: &mpsc::UnboundedSender<WaitStatus>) {
    loop {
        match waitpid(process, Some(WaitPidFlag::WUNTRACED)) {
            Ok(change) => {
                let ended = matches!(change, WaitStatus::Exited(..) | WaitStatus::Signaled(..));
                if changes.send(change).is_err() || ended {
                    return;
                }
            }
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the command was lost sight of");
                return;
            }
        }
    }
}

impl Child {
    /// Waits for the next change; `Some` when it was the end. Safe to cancel.
    pub(super) async fn next_change(&mut self) -> Option<Ended> {
        match self.changes.recv().await {
            Some(WaitStatus::Exited(_, code)) => Some(Ended {
                code: Some(code),
                signal: None,
                killed: self.sent.iter().any(|signal| code == 128 + *signal as i32),
            }),
            Some(WaitStatus::Signaled(_, signal, _)) => Some(Ended {
                code: None,
                signal: Some(signal as i32),
                killed: true,
            }),
            Some(WaitStatus::Stopped(_, signal)) => {
                self.stopped(signal);
                None
            }
            Some(_) => None,
            // It was waited for by nobody we know: all that is sure is that it is gone.
            None => Some(Ended {
                code: None,
                signal: None,
                killed: true,
            }),
        }
    }

    /// Hands a signal on to the command and whatever it started.
    pub(super) fn forward(&mut self, signal: Signal) {
        if signal == Signal::SIGTSTP {
            // The command is stopped first, so that it does not run on without anybody watching.
            terminal::send(self.group, Signal::SIGTSTP);
            terminal::stop_this_job();
            terminal::send(self.group, Signal::SIGCONT);
            return;
        }
        self.sent.push(signal);
        terminal::send(self.group, signal);
    }

    pub(super) fn take_terminal_back(&mut self) {
        if let Some(terminal) = self.terminal.take() {
            terminal.take_back(self.group);
        }
    }

    /// The command was stopped. By its terminal: then all of this job stops and goes on with it, as the person at the keys expects.
    fn stopped(&mut self, signal: Signal) {
        let Some(terminal) = &self.terminal else {
            return;
        };
        let reads_or_writes = matches!(signal, Signal::SIGTTIN | Signal::SIGTTOU);
        if reads_or_writes {
            // It may have read the terminal in the moment before that was lent.
            terminal.lend(self.group);
        }
        if !(reads_or_writes && terminal::is_lent(self.group)) {
            terminal.take_back(self.group);
            let went_on = terminal::stop_this_job();
            if reads_or_writes && !went_on {
                // In the background for good: it would be stopped again at once, without end.
                return;
            }
            terminal.lend(self.group);
        }
        terminal::send(self.group, Signal::SIGCONT);
    }
}
