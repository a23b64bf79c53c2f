//! Two threads that carry the command's output: to the screen as it is, and to the record.
//!
//! Threads, because a terminal that takes no more (Ctrl-S) blocks whoever writes to it, and must not block heartbeats and signals.

use super::backlog::Said;
use super::child::Child;
use super::recording::Recording;
use super::scanner::Scanner;
use super::{Tell, terminal};
use crate::service::Clock;
use jiff::Timestamp;
use std::fs::File;
use std::io::{ErrorKind, IsTerminal as _, Read, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// After the command has ended, output is waited for while it comes, but no longer than so much quiet and so long in all.
const QUIET: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(5);

const CHUNK: usize = 64 * 1024;

/// Where output is written to for whoever watches; gone when nobody does any more.
struct Screen(Option<File>);

impl Screen {
    fn on(stream: &impl AsFd) -> Self {
        Self(stream.as_fd().try_clone_to_owned().ok().map(File::from))
    }

    fn show(&mut self, mut bytes: &[u8]) {
        let Some(file) = &mut self.0 else { return };
        while !bytes.is_empty() {
            match file.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Somebody made our terminal non-blocking; it will take more in a moment.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                // Whoever read it has gone. The command goes on, and so does the record.
                Err(_) => {
                    self.0 = None;
                    return;
                }
            }
        }
    }
}

/// Notices when the pumps are done.
pub(super) struct Pumps {
    ended: mpsc::Receiver<()>,
    carried: Arc<AtomicU64>,
}

pub(super) fn start(child: &mut Child, recording: &Recording, tell: &Tell) -> Pumps {
    let (done, ended) = mpsc::channel(1);
    let carried = Arc::new(AtomicU64::new(0));
    let stdout = std::io::stdout();
    if let Some(from) = child.stdout.take() {
        let pump = Pump {
            screen: Screen::on(&stdout),
            scanner: Some(Scanner::new(stdout.is_terminal())),
            output: recording.output(),
            events: Some(recording.events()),
            clock: recording.clock.clone(),
            carried: Arc::clone(&carried),
            _done: done.clone(),
        };
        carry(pump, from.into(), tell);
    }
    if let Some(from) = child.stderr.take() {
        let pump = Pump {
            screen: Screen::on(&std::io::stderr()),
            scanner: None,
            output: recording.output(),
            events: None,
            clock: recording.clock.clone(),
            carried: Arc::clone(&carried),
            _done: done,
        };
        carry(pump, from.into(), tell);
    }
    Pumps { ended, carried }
}

fn carry(pump: Pump, from: OwnedFd, tell: &Tell) {
    let started = std::thread::Builder::new()
        .name("output".to_owned())
        // With `stty tostop`, writing to a terminal that is lent to the command would stop us.
        .spawn(move || terminal::without_stopping(|| pump.run(File::from(from))));
    if let Err(error) = started {
        tell(&format!("warning: output is not captured: {error}"));
    }
}

struct Pump {
    screen: Screen,
    scanner: Option<Scanner>,
    output: mpsc::Sender<Said>,
    events: Option<mpsc::Sender<Said>>,
    clock: Clock,
    carried: Arc<AtomicU64>,
    /// Dropped with the pump, which is how its end is noticed.
    _done: mpsc::Sender<()>,
}

impl Pump {
    fn run(mut self, mut from: File) {
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            self.carried.fetch_add(count as u64, Ordering::Relaxed);
            let (at, bytes) = (self.clock.now(), &buffer[..count]);
            // The record first: what is not seen can be looked up, what is not recorded cannot.
            let recorded = self.output.blocking_send(Said {
                at,
                bytes: bytes.to_vec(),
            });
            match &mut self.scanner {
                None => self.screen.show(bytes),
                Some(scanner) => {
                    let found = scanner.push(bytes);
                    record(self.events.as_ref(), at, found.events);
                    self.screen.show(&found.show);
                }
            }
            if recorded.is_err() {
                // The recording has ended: this is a left-over process that nobody waits for.
                return;
            }
        }
        if let Some(scanner) = &mut self.scanner {
            let found = scanner.finish();
            record(self.events.as_ref(), self.clock.now(), found.events);
            self.screen.show(&found.show);
        }
    }
}

fn record(events: Option<&mpsc::Sender<Said>>, at: Timestamp, lines: Vec<Vec<u8>>) {
    for bytes in lines {
        if let Some(events) = events {
            let _recording_ended = events.blocking_send(Said { at, bytes });
        }
    }
}

impl Pumps {
    /// Waits until both pumps have seen the end of what they carry; `false` when something else holds it open.
    /// Safe to cancel, though the time starts anew.
    pub(super) async fn drained(&mut self) -> bool {
        let began = Instant::now();
        let mut seen = self.carried.load(Ordering::Relaxed);
        loop {
            if tokio::time::timeout(QUIET, self.ended.recv()).await.is_ok() {
                return true;
            }
            let carried = self.carried.load(Ordering::Relaxed);
            if carried == seen || began.elapsed() >= LONGEST {
                return false;
            }
            seen = carried;
        }
    }
}
