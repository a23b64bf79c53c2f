//! The signals that are meant for the command and reach this program first.

use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

const FORWARDED: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGTSTP,
];

pub(super) struct Signals {
    arrived: mpsc::UnboundedReceiver<Signal>,
    /// Ends them when this is dropped.
    _listeners: tokio::task::JoinSet<()>,
}

impl Signals {
    /// From now on, none of them ends this program. Those that it was told to ignore (`nohup`) stay ignored, here and in the command.
    pub(super) fn listen() -> Result<Self, super::ExecError> {
        let ignored = ignored();
        let (sender, arrived) = mpsc::unbounded_channel();
        let mut listeners = tokio::task::JoinSet::new();
        for kind in FORWARDED {
            if ignored & (1 << (kind as u32 - 1)) != 0 {
                continue;
            }
            let mut stream = signal(SignalKind::from_raw(kind as i32)).map_err(|source| {
                super::ExecError::Io {
                    doing: format!("listen for {kind}"),
                    source,
                }
            })?;
            let sender = sender.clone();
            listeners.spawn(async move {
                while stream.recv().await.is_some() {
                    if sender.send(kind).is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self {
            arrived,
            _listeners: listeners,
        })
    }

    /// Safe to cancel.
    pub(super) async fn next(&mut self) -> Signal {
        match self.arrived.recv().await {
            Some(signal) => signal,
            // Every one of them is ignored.
            None => std::future::pending().await,
        }
    }
}

/// The mask of ignored signals, as the kernel tells it; none where it does not.
fn ignored() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let mask = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(0)
}
