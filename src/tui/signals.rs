//! Signals and a terminal that vanished: told to the loop, and seen to even when the loop hangs.
//!
//! A thread with a runtime of its own waits for them, so that a loop stuck in a write to a dead terminal is ended all the same.

use super::terminal;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::IsTerminal as _;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// For how long the loop may take to end after a signal.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Starts the thread; the number of what ends the program is sent once.
pub(super) fn watch() -> std::io::Result<mpsc::Receiver<i32>> {
    let (told, ended) = mpsc::channel(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let number = match runtime.block_on(first_signal()) {
                Ok(number) => number,
                Err(error) => {
                    tracing::warn!("signals cannot be waited for: {error}");
                    return;
                }
            };
            // Nobody listens any more when the loop has ended by itself.
            if told.blocking_send(number).is_err() {
                return;
            }
            std::thread::sleep(PATIENCE);
            tracing::error!("the screen did not end within {PATIENCE:?} of signal {number}");
            // Restoring may hang as the loop does, so it is not waited for either.
            std::thread::spawn(terminal::restore);
            std::thread::sleep(Duration::from_millis(200));
            std::process::exit(128 + number);
        })?;
    Ok(ended)
}

async fn first_signal() -> std::io::Result<i32> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut look = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = terminated.recv() => return Ok(15),
            _ = hung_up.recv() => return Ok(1),
            // In raw mode ctrl-c is a key; this one was sent by somebody.
            _ = interrupted.recv() => return Ok(2),
            // Without a session nobody sends a hang-up when the terminal goes away.
            _ = look.tick() => if !std::io::stdin().is_terminal() { return Ok(1) },
        }
    }
}

/// Stops the whole job, as ctrl-z does where the terminal is not raw; true once somebody made it go on, false when nothing stopped it,
/// since there is no shell that could continue it.
pub(super) async fn suspend() -> std::io::Result<bool> {
    let mut continued = signal(SignalKind::from_raw(Signal::SIGCONT as i32))?;
    kill(Pid::from_raw(0), Signal::SIGTSTP)?;
    let waited = tokio::time::timeout(Duration::from_millis(300), continued.recv()).await;
    Ok(waited.is_ok())
}
