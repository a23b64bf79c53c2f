//! `modeldeck store …`, `modeldeck doctor`, and stores that cannot be used.

use crate::support::{Home, is_root};
use rusqlite::Connection;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

#[test]
fn a_store_is_made_described_and_backed_up() {
    let home = Home::new();
    home.deck(["store", "init", "deck/one.db"])
        .stdout("deck/one.db\n")
        .stderr("")
        .success();
    assert_eq!(
        fs::metadata(home.path().join("deck/one.db"))
            .unwrap()
            .mode()
            & 0o777,
        0o600
    );
    home.deck(["store", "init", "deck/one.db"]).code(6);
    let info = home
        .deck(["store", "init", "two.db", "--json"])
        .success()
        .json();
    assert!(info["target"].as_str().unwrap().ends_with("/two.db"));
    home.run("--store deck/one.db experiment create fraud");
    let info = home.json("--store deck/one.db store info");
    assert_eq!(info["counts"]["experiments"], 1);
    assert!(info["engine"].as_str().unwrap().starts_with("SQLite 3."));
    home.deck(["store", "info"])
        .env("MODELDECK_STORE", "deck/one.db")
        .stdout_has("counts\n")
        .stdout_has("experiments     1\n")
        .success();
    home.deck(["--store", "deck/one.db", "store", "backup", "copy.db"])
        .stdout("copy.db\n")
        .success();
    home.deck(["--store", "deck/one.db", "store", "backup", "copy.db"])
        .code(6);
    assert_eq!(
        home.json("--store copy.db experiment list")[0]["name"],
        "fraud"
    );
    // Where there is captured output, it is said that the copy has none of it.
    home.deck(["--store", "copy.db", "run", "exec", "--experiment", "fraud"])
        .args(["--", "echo", "epoch"])
        .success();
    home.deck(["--store", "copy.db", "store", "backup", "again.db"])
        .stderr_has("is not in it; copy the directory '")
        .stderr_has("copy.db.artifacts' as well")
        .success();
    home.deck(["--store", "copy.db", "store", "backup"])
        .args([OsStr::from_bytes(b"bad-\xff.db")])
        .stderr_has("is not UTF-8")
        .code(2);
    assert!(!home.path().join("bad-\u{fffd}.db").exists());
}

#[test]
fn a_file_that_is_no_sound_store_ends_with_4_and_stays_as_it_was() {
    let home = Home::new();
    home.run("experiment create fraud");
    let sound = fs::read(home.store()).unwrap();
    let mut damaged = sound.clone();
    for byte in &mut damaged[4_096..] {
        *byte ^= 0x5a;
    }
    let foreign = {
        let path = home.path().join("foreign.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE t(x)")
            .unwrap();
        fs::read(path).unwrap()
    };
    let newer = {
        let path = home.path().join("newer.db");
        fs::write(&path, &sound).unwrap();
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA user_version = 999; PRAGMA journal_mode = DELETE;")
            .unwrap();
        fs::read(path).unwrap()
    };
    for (name, bytes) in [
        (
            "text",
            b"not a database at all, just text that is long enough".to_vec(),
        ),
        ("damaged", damaged),
        ("foreign", foreign),
        ("newer", newer),
    ] {
        let path = home.path().join(format!("bad-{name}.db"));
        fs::write(&path, &bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let path = path.to_str().unwrap();
        let done = home
            .deck(["--store", path, "experiment", "list"])
            .stdout("")
            .code(4);
        assert!(done.stderr.contains("hint: "), "{name}: {}", done.stderr);
        home.deck(["--store", path, "experiment", "create", "x"])
            .code(4);
        home.deck(["--store", path, "doctor"])
            .stdout_has("fail     store")
            .code(4);
        assert_eq!(fs::read(path).unwrap(), bytes, "{name}");
    }
}

#[test]
fn a_store_that_others_may_write_is_not_authorised() {
    let home = Home::new();
    home.run("experiment create fraud");
    fs::set_permissions(home.store(), fs::Permissions::from_mode(0o666)).unwrap();
    home.deck(["experiment", "list"])
        .stderr_has("hint: 'chmod 600")
        .code(8);
}

#[test]
fn a_store_of_another_user_is_not_authorised() {
    if !is_root() {
        return;
    }
    let home = Home::new();
    home.run("experiment create fraud");
    let store = home.store();
    home.deck(["--store", store.to_str().unwrap(), "experiment", "list"])
        .env("HOME", "/nonexistent")
        .user(20_001)
        .stderr_has("warning: the log ")
        .code(8);
}

#[test]
fn a_store_that_is_held_too_long_is_busy() {
    let home = Home::new();
    home.run("experiment create fraud");
    let holder = Connection::open(home.store()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    home.deck(["experiment", "create", "x"])
        .stderr_has("hint: try again in a moment")
        .code(75);
    // Readers are not held up.
    home.deck(["experiment", "list"])
        .stdout_has("fraud")
        .success();
}

#[test]
fn the_doctor_finds_a_sound_store_and_makes_none() {
    let home = Home::new();
    home.deck(["doctor"])
        .stdout_has("is not there yet")
        .success();
    assert!(!home.store().exists());
    home.run("experiment create fraud");
    let checks = home.json("doctor");
    for name in [
        "config",
        "store",
        "engine",
        "file mode",
        "file system",
        "disk",
        "integrity",
        "audit",
        "log",
        "terminal",
        "clock",
    ] {
        let check = checks
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["check"] == name)
            .unwrap_or_else(|| panic!("{name} in {checks}"));
        assert_eq!(check["status"], "ok", "{check}");
    }
}

#[test]
fn the_doctor_finds_damage_that_no_command_met_yet() {
    let home = Home::new();
    home.run("experiment create fraud");
    let mut damaged = fs::read(home.store()).unwrap();
    let last = damaged.len() - 4_096;
    for byte in &mut damaged[last..] {
        *byte ^= 0x5a;
    }
    fs::write(home.store(), damaged).unwrap();
    home.deck(["experiment", "list"]).success();
    home.deck(["doctor"])
        .stdout_has("fail     integrity")
        .stdout_has("it is damaged")
        .code(4);
}

#[test]
fn the_doctor_tells_what_is_wrong() {
    let home = Home::new();
    home.run("experiment create fraud");
    home.write(
        ".config/modeldeck/config.toml",
        "[runs]\nstale_afer = \"5m\"\n",
    );
    home.deck(["doctor"])
        .stdout_has("fail     config")
        .stdout_has("the nearest one is 'runs.stale_after'")
        .stdout_has("ok       audit")
        .code(2);
    home.write(".config/modeldeck/config.toml", "");
    fs::set_permissions(home.store(), fs::Permissions::from_mode(0o604)).unwrap();
    home.deck(["doctor"])
        .stdout_has("warning  file mode")
        .stdout_has("chmod o= ")
        .success();
}

#[test]
fn a_store_that_was_named_and_is_not_there_is_a_slip() {
    let home = Home::new();
    for line in [
        "run list",
        "audit verify",
        "approval approve fraud 1",
        "store info",
    ] {
        home.deck(["--store", "typo.db"])
            .args(line.split(' '))
            .stdout("")
            .stderr_has("store 'typo.db' is not there")
            .stderr_has("store init typo.db")
            .code(5);
        home.deck(line.split(' '))
            .env("MODELDECK_STORE", "typo.db")
            .code(5);
    }
    assert!(!home.path().join("typo.db").exists());
    home.run("--store new.db experiment create fraud");
    assert_eq!(
        home.json("--store new.db experiment list")[0]["name"],
        "fraud"
    );
}
