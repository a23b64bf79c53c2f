//! `modeldeck demo` in a terminal and without one.

use crate::support::Home;
use crate::support::pty::Pty;
use std::path::{Path, PathBuf};

/// The demos of this test's own temporary directory.
fn demos(home: &Home) -> Vec<PathBuf> {
    let entries = home.path().join("tmp").read_dir().unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_demo_lives_while_it_is_looked_at() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("tmp")).unwrap();
    let tmp = home.path().join("tmp");
    let environment = [("TMPDIR", tmp.to_str().unwrap())];
    let program = Path::new(env!("CARGO_BIN_EXE_modeldeck"));
    let mut pty = Pty::start(program, &["demo"], &environment, home.path(), (140, 40));
    pty.wait_for("Experiments · 6");
    pty.send("2");
    pty.wait_for("Runs · 304");
    // A training goes on without a key being pressed.
    pty.wait_for("RUNNING");
    let before = pty.text();
    pty.wait_until("the next step of a training", |pty| pty.text() != before);
    let during = demos(&home);
    pty.send("q");
    assert_eq!(pty.end().0, 0);
    let after = demos(&home);
    assert_eq!((during.len(), after.len()), (1, 0), "{during:?} {after:?}");
    assert!(!home.store().exists(), "the own store was touched");
}

#[test]
fn a_demo_without_a_screen_is_kept_and_says_where() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("tmp")).unwrap();
    let done = home
        .deck(["demo", "--fill-only", "--seed", "3", "--json"])
        .env("TMPDIR", home.path().join("tmp"))
        .success();
    let made = done.json();
    assert_eq!(
        (&made["experiments"], done.stderr.as_str()),
        (&6.into(), "")
    );
    let store = made["store"].as_str().unwrap();
    assert!(store.starts_with(home.path().to_str().unwrap()), "{store}");
    home.run(&format!("audit verify --store {store}"));
    home.deck(["demo"]).code(2);
}
