//! The screen in a real terminal: how it starts, what it does with the terminal, and how it gives it back on every way out.

use crate::support::pty::Pty;
use modeldeck::domain::ExperimentName;
use modeldeck::service::{Clock, ModelLifecycleService, NewExperiment, ServiceOptions};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

struct World {
    home: TempDir,
    store: PathBuf,
}

impl World {
    /// A store with one experiment in it.
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("fraud.db");
        let world = Self { home, store };
        world.cli(&["experiment", "create", "first"]);
        world
    }

    fn home(&self) -> &Path {
        self.home.path()
    }

    /// Another process on the same store.
    fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_modeldeck"))
            .arg("--store")
            .arg(&self.store)
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn open(&self, size: (u16, u16)) -> Pty {
        let pty = Pty::screen(&self.store, self.home(), size);
        pty.wait_for("▸ first");
        pty
    }
}

#[test]
fn it_starts_walks_the_tabs_and_quits() {
    let world = World::new();
    let mut pty = world.open((120, 40));
    assert!(pty.is_taken());
    assert!(pty.text().contains("fraud · local store"), "{}", pty.text());
    for (key, text) in [
        ("2", "Runs · 0"),
        ("3", "Registry · 0"),
        ("4", "Approvals · 0"),
        ("5", "Drift · 0"),
        ("6", "Deployments · 0"),
        ("\t", "Experiments · 1"),
        ("\u{1b}[Z", "Deployments · 0"),
    ] {
        pty.send(key);
        pty.wait_for(text);
    }
    pty.send("q");
    assert_eq!(pty.end().0, 0);
    pty.wait_until("the terminal is given back", Pty::is_given_back);
}

#[test]
fn ctrl_c_quits() {
    let world = World::new();
    let mut pty = world.open((80, 24));
    pty.send("/typing");
    pty.wait_for("/typing");
    pty.send("\u{3}");
    assert_eq!(pty.end().0, 0);
    pty.wait_until("the terminal is given back", Pty::is_given_back);
}

#[test]
fn every_size_is_drawn_and_the_next_one_too() {
    let world = World::new();
    let mut pty = world.open((120, 40));
    for (width, height) in [(40, 12), (1, 1), (3, 2), (200, 60), (20, 5)] {
        pty.resize(width, height);
        std::thread::sleep(Duration::from_millis(50));
    }
    pty.resize(80, 24);
    pty.wait_until("the whole frame", |pty| {
        let text = pty.text();
        text.contains("▸ first") && text.contains("? help") && text.contains("6 Deployments")
    });
    pty.send("q");
    assert_eq!(pty.end().0, 0);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    let world = World::new();
    for (signal, number) in [
        (Signal::SIGTERM, 15),
        (Signal::SIGHUP, 1),
        (Signal::SIGINT, 2),
    ] {
        let mut pty = world.open((80, 24));
        pty.signal(signal);
        let (code, took) = pty.end();
        assert_eq!(code, 128 + number, "{signal}");
        assert!(took < Duration::from_secs(2), "{signal} took {took:?}");
        pty.wait_until("the terminal is given back", Pty::is_given_back);
    }
}

#[test]
fn a_loop_stuck_in_a_write_is_ended_all_the_same() {
    let world = World::new();
    let mut pty = world.open((120, 40));
    pty.stop_reading();
    pty.signal(Signal::SIGTERM);
    let (code, took) = pty.end();
    assert_eq!(code, 143);
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_terminal_that_vanishes_ends_it() {
    let world = World::new();
    let mut pty = world.open((80, 24));
    pty.hang_up();
    let (_, took) = pty.end();
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn another_process_is_seen_without_a_key() {
    let world = World::new();
    let pty = world.open((120, 40));
    let took: Vec<Duration> = (0..4)
        .map(|nth| {
            let name = format!("from-elsewhere-{nth}");
            world.cli(&["experiment", "create", &name]);
            pty.wait_for(&name)
        })
        .collect();
    // The selection stays on its experiment, though newer ones stand above it.
    assert!(pty.text().contains("▸ first"), "{}", pty.text());
    // Other tests share the machine, so not each of them must be quick.
    let quickest = took.iter().min().unwrap();
    assert!(*quickest < Duration::from_millis(500), "{took:?}");
}

#[test]
fn idle_it_writes_nothing() {
    let world = World::new();
    let pty = world.open((120, 40));
    // The first frame may still be followed by its detail and the strip.
    pty.wait_for("nothing is deployed");
    pty.wait_for("none yet");
    std::thread::sleep(Duration::from_millis(300));
    let before = pty.bytes();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(pty.bytes() - before, 0, "{}", pty.text());
}

#[test]
fn an_experiment_is_made_by_keys() {
    let world = World::new();
    let mut pty = world.open((80, 24));
    pty.send("a");
    pty.wait_for("Create an experiment");
    pty.send("first\r");
    pty.wait_for("exists already");
    pty.send("-again\t");
    // What is pasted into a field is text, whatever it holds.
    pty.send("\u{1b}[200~pasted q text\u{1b}[201~\r");
    pty.wait_for("experiment 'first-again' created");
    let shown = world.cli(&["experiment", "show", "first-again"]);
    assert!(shown.contains("pasted q text"), "{shown}");
}

#[test]
fn ctrl_z_suspends_and_fg_comes_back() {
    let world = World::new();
    let program = env!("CARGO_BIN_EXE_modeldeck");
    let mut shell = Pty::start(
        Path::new("/bin/bash"),
        &["--norc", "-i"],
        &[("PS1", "shell> ")],
        world.home(),
        (100, 30),
    );
    shell.wait_for("shell> ");
    shell.send(&format!("{program} --store {}\r", world.store.display()));
    shell.wait_for("▸ first");
    shell.send("\u{1a}");
    shell.wait_for("Stopped");
    assert!(!shell.is_taken(), "{}", shell.text());
    shell.send("fg\r");
    shell.wait_until("the frame is back", |pty| {
        pty.is_taken() && pty.text().contains("▸ first") && pty.text().contains("? help")
    });
    shell.send("q");
    shell.wait_until("the shell is back", |pty| !pty.is_taken());
    shell.send("exit\r");
    shell.end();
}

#[test]
fn without_a_shell_ctrl_z_says_so() {
    let world = World::new();
    let mut pty = world.open((100, 30));
    pty.send("\u{1a}");
    pty.wait_for("cannot suspend");
    pty.send("2");
    pty.wait_for("Runs · 0");
}

/// Runs this very test binary on a terminal, as one of the children below.
fn child(name: &str, world: &World) -> Pty {
    let store = world.store.to_str().unwrap();
    Pty::start(
        &std::env::current_exe().unwrap(),
        &["--exact", &format!("tui_pty::{name}"), "--nocapture"],
        &[("TUI_PTY_STORE", store)],
        world.home(),
        (100, 30),
    )
}

fn open_screen(store: &str, clock: Clock) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = ServiceOptions {
            clock,
            ..ServiceOptions::local(store)
        };
        let service = ModelLifecycleService::open(options).await.unwrap();
        let options = modeldeck::tui::TuiOptions::default();
        modeldeck::tui::run(service, options).await.unwrap();
    });
}

/// Does nothing unless it was started by the test that it belongs to.
#[test]
fn child_that_panics_in_the_loop() {
    let Ok(store) = std::env::var("TUI_PTY_STORE") else {
        return;
    };
    let asked = AtomicUsize::new(0);
    let clock = Clock::new(move || {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        assert!(asked < 60, "the clock broke");
        jiff::Timestamp::now()
    });
    open_screen(&store, clock);
}

/// Does nothing unless it was started by the test that it belongs to.
#[test]
fn child_that_panics_in_a_task() {
    let Ok(store) = std::env::var("TUI_PTY_STORE") else {
        return;
    };
    let screen = std::thread::current().id();
    let asked = AtomicUsize::new(0);
    let clock = Clock::new(move || {
        if std::thread::current().id() != screen {
            let asked = asked.fetch_add(1, Ordering::SeqCst);
            assert!(asked < 2, "the clock broke");
        }
        jiff::Timestamp::now()
    });
    open_screen(&store, clock);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    for name in [
        "child_that_panics_in_the_loop",
        "child_that_panics_in_a_task",
    ] {
        let world = World::new();
        let mut pty = child(name, &world);
        pty.wait_for("▸ first");
        // Each key and each refresh asks the clock.
        for _ in 0..40 {
            pty.send("R");
            std::thread::sleep(Duration::from_millis(10));
        }
        let (code, _) = pty.end();
        assert_ne!(code, 0, "{name}");
        pty.wait_until("the terminal is given back", Pty::is_given_back);
        let text = pty.text();
        assert!(text.contains("the clock broke"), "{name}: {text}");
    }
}

#[test]
fn the_ends_of_a_long_list_are_one_key_away() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("many.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let service = ModelLifecycleService::open(ServiceOptions::local(&store))
            .await
            .unwrap();
        for nth in 0..300 {
            let name = ExperimentName::new(&format!("experiment-{nth:03}")).unwrap();
            service
                .create_experiment(NewExperiment::new(name))
                .await
                .unwrap();
        }
    });
    let mut pty = Pty::screen(&store, home.path(), (80, 24));
    pty.wait_for("▸ experiment-299");
    pty.send("G");
    pty.wait_for("▸ experiment-000");
    pty.send("gg");
    pty.wait_for("▸ experiment-299");
}
