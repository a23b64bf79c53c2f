//! Settings, the log, and what `modeldeck config` says about both.

use crate::support::Home;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn config_tells_values_and_where_they_came_from() {
    let home = Home::new();
    home.write(
        ".config/modeldeck/config.toml",
        "[runs]\nstale_after = \"3m\"\n[metrics]\nlower_is_better = [\"regret\"]\n",
    );
    let document = home
        .deck(["config", "--json", "--store", "x.db"])
        .env("MODELDECK_DRIFT_MEDIUM", "0.07")
        .success()
        .json();
    let setting = |key: &str| {
        document["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|setting| setting["key"] == key)
            .unwrap()
            .clone()
    };
    for (key, value, origin) in [
        ("runs.stale_after", "\"3m\"", "file"),
        ("metrics.lower_is_better", "[\"regret\"]", "file"),
        ("drift.medium", "0.07", "environment"),
        ("store.path", "\"x.db\"", "flag"),
        ("screen.mouse", "true", "default"),
    ] {
        let found = setting(key);
        assert_eq!(
            (found["value"].to_string(), found["origin"].as_str()),
            (value.to_owned(), Some(origin)),
            "{key}"
        );
    }
    assert_eq!(document["paths"]["store"], "x.db");
    home.deck(["config"])
        .stdout_has("runs.stale_after")
        .stdout_has(".config/modeldeck/config.toml\n")
        .stdout_has(".local/state/modeldeck/modeldeck.log\n")
        .success();
}

#[test]
fn settings_reach_the_service() {
    let home = Home::new();
    home.write(
        ".config/modeldeck/config.toml",
        "[metrics]\nlower_is_better = [\"regret\"]\n[drift]\nmedium = 0.001\n",
    );
    home.run("model register m --metric regret=1 --metric loss=1");
    home.run("model register m --metric regret=2 --metric loss=2");
    let comparison = home.json("model compare m 1 2");
    assert_eq!(
        comparison["metrics"][0]["best"][0], "2",
        "loss is better higher now"
    );
    assert_eq!(comparison["metrics"][1]["best"][0], "1");
    let event = home.json(
        "drift record --model m --version 1 --metric accuracy --baseline 0.9 --observed 0.89",
    );
    assert_eq!(event["severity"], "MEDIUM");
}

#[test]
fn a_mistake_in_the_config_file_names_line_and_nearest_key() {
    let home = Home::new();
    let path = home.write(
        ".config/modeldeck/config.toml",
        "[store]\n\n[scren]\nmouse = true\n",
    );
    home.deck(["run", "list"])
        .stdout("")
        .stderr(format!(
            "error: the config file '{}', line 4: there is no setting 'scren.mouse'\nhint: the nearest one is 'screen.mouse'\n",
            path.display()
        ))
        .code(2);
    home.deck(["run", "list", "--config", "nope.toml"])
        .stderr_has("cannot be read")
        .code(2);
    let good = home.write("good.toml", "[log]\nlevel = \"info\"\n");
    home.deck(["config", "--json"])
        .env("MODELDECK_CONFIG", good.as_os_str())
        .stdout_has("\"file\"")
        .success();
    home.deck(["run", "list"])
        .env("MODELDECK_CONFIG", good.as_os_str())
        .env("MODELDECK_DRIFT_HIGH", "much")
        .stderr_has("the environment variable MODELDECK_DRIFT_HIGH: 'drift.high' takes a number")
        .code(2);
}

#[test]
fn the_log_is_a_private_file_and_never_the_screen() {
    let home = Home::new();
    home.run("model register m");
    let done = home
        .deck(
            "drift record -v --model m --version 1 --metric accuracy --baseline 0.9 --observed 0.1"
                .split(' '),
        )
        .success();
    assert!(!done.stderr.contains("WARN"), "{}", done.stderr);
    let log = home.path().join(".local/state/modeldeck/modeldeck.log");
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        text.contains("WARN") && text.contains("drift recorded"),
        "{text}"
    );
    assert_eq!(
        fs::metadata(&log).unwrap().permissions().mode() & 0o777,
        0o600
    );
    home.deck(["-vv", "run", "show", "nope"]).code(5);
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("run 'nope' is not there"), "{text}");
}

#[test]
fn a_log_that_cannot_be_opened_is_told_once_and_stops_nothing() {
    let home = Home::new();
    home.write(".local/state/modeldeck", "a file in the way");
    let done = home
        .deck(["experiment", "create", "fraud"])
        .stdout("fraud\n")
        .stderr_has("warning: the log ")
        .success();
    assert_eq!(done.stderr.lines().count(), 1);
    home.deck(["experiment", "show", "fraud", "--json"])
        .stderr("")
        .success();
}

#[test]
fn xdg_directories_are_obeyed() {
    let home = Home::new();
    home.deck(["experiment", "create", "fraud"])
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env("XDG_STATE_HOME", home.path().join("state"))
        .success();
    assert!(home.path().join("data/modeldeck/modeldeck.db").exists());
    assert!(home.path().join("state/modeldeck/modeldeck.log").exists());
    assert!(!home.store().exists());
}

#[test]
fn a_store_that_cannot_be_meant_is_no_other_store() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new();
    home.deck(["--store", "", "experiment", "create", "x"])
        .stderr_has("'store.path' takes a path")
        .code(2);
    home.deck(["experiment", "create", "x"])
        .env("MODELDECK_STORE", std::ffi::OsStr::from_bytes(b"a\xff.db"))
        .stderr_has("the environment variable MODELDECK_STORE is not UTF-8")
        .code(2);
    assert!(!home.store().exists());
}
