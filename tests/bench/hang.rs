//! How many keys a second the screen answers while its server hangs, in a real terminal: each key waits for its frame. Printed, never asserted.
//!
//! `cargo bench --bench hang`, or with a number of rounds behind it: `cargo bench --bench hang -- 5`

#![allow(
    clippy::unwrap_used,
    reason = "a bench that unwraps fails with its line"
)]
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(
    dead_code,
    reason = "the fixtures are shared with tests that ask more of them"
)]

#[path = "../integration/support/fault_server.rs"]
mod fault_server;
#[path = "../integration/support/mlflow_server.rs"]
mod mlflow_server;
#[path = "../integration/support/pty.rs"]
mod pty;

use fault_server::{Fault, FaultServer};
use mlflow_server::{Series, Server};
use pty::Pty;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many runs there are, and so many rows are walked in a round.
const RUNS: usize = 100;
const ROWS: usize = 20;
const ROUNDS: usize = 20;

const SCRIPT: &str = r#"
import mlflow
client = mlflow.MlflowClient()
experiment = client.create_experiment("fraud")
for number in range(RUNS):
    run = client.create_run(experiment, start_time=1760000000000 + number, run_name=f"run-{number:03}")
    client.log_metric(run.info.run_id, "loss", 1 / (number + 1))
    client.set_terminated(run.info.run_id)
"#;

fn main() {
    // `cargo test` runs benches too; a server is too much for that.
    if mlflow_server::is_switched_off() || !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let given = std::env::args().find_map(|argument| argument.parse().ok());
    let rounds = given.unwrap_or(ROUNDS);
    let server = Server::start(Series::Three, &[]);
    server.python(&SCRIPT.replace("RUNS", &RUNS.to_string()));
    let home = tempfile::tempdir().unwrap();
    let faults = FaultServer::before(server.port());
    let mut screen = Pty::screen(Path::new(&faults.uri()), home.path(), (120, 40));
    screen.wait_for("● live");
    screen.send("2");
    screen.wait_for("▸ run-099");
    tell("the server answers", &mut walk(&mut screen, rounds));
    faults.all(Fault::Silence);
    screen.wait_for("✗ stale");
    tell("the server hangs", &mut walk(&mut screen, rounds));
}

/// Down the rows and up again, to other tabs and back, into the help and out: how long each key took to its frame.
fn walk(screen: &mut Pty, rounds: usize) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..rounds {
        let down = (1..=ROWS).map(|row| ("j", format!("▸ run-{:03}", RUNS - 1 - row)));
        let up = (0..ROWS)
            .rev()
            .map(|row| ("k", format!("▸ run-{:03}", RUNS - 1 - row)));
        for (key, shown) in down.chain(up) {
            took.push(press(screen, key, |text| text.contains(&shown)));
        }
        for (key, shown) in [("3", "┌ Registry"), ("5", "┌ Drift"), ("2", "┌ Runs")] {
            took.push(press(screen, key, |text| text.contains(shown)));
        }
        took.push(press(screen, "?", |text| text.contains("┌ Help")));
        took.push(press(screen, "\u{1b}", |text| !text.contains("┌ Help")));
    }
    took
}

fn press(screen: &mut Pty, key: &str, is_answered: impl Fn(&str) -> bool) -> Duration {
    let began = Instant::now();
    screen.send(key);
    while !is_answered(&screen.text()) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{key:?} was not answered:\n{}",
            screen.text()
        );
        std::thread::sleep(Duration::from_micros(100));
    }
    began.elapsed()
}

fn tell(when: &str, took: &mut [Duration]) {
    let all: Duration = took.iter().sum();
    took.sort();
    let milliseconds = |took: Duration| took.as_secs_f64() * 1_000.0;
    println!(
        "{when:<20} {} keys, {:.0} keys/s, median {:.1} ms, worst {:.1} ms",
        took.len(),
        count(took.len()) / all.as_secs_f64(),
        milliseconds(took[took.len() / 2]),
        milliseconds(took[took.len() - 1]),
    );
}

fn count(keys: usize) -> f64 {
    f64::from(u32::try_from(keys).unwrap())
}
