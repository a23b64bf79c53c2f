//! Settings: layers, mistakes, and the example file.

use super::*;

fn with_file(text: &str) -> Result<Loaded, ConfigError> {
    let mut loaded = Loaded::defaults(Paths::default());
    for key in file::apply(Path::new("c.toml"), text, &mut loaded.settings)? {
        loaded.origins.insert(key, Origin::File);
    }
    loaded.settings.check_together()?;
    Ok(loaded)
}

fn example() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config.example.toml")).unwrap()
}

#[test]
fn the_example_file_says_the_defaults_and_nothing_is_left_out() {
    let loaded = with_file(&example()).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    for setting in SETTINGS {
        assert_eq!(loaded.origin(setting.key), Origin::File, "{}", setting.key);
    }
}

#[test]
fn every_setting_of_the_example_has_its_sentence_above_it() {
    let example = example();
    for setting in SETTINGS {
        let name = setting.key.rsplit('.').next().unwrap();
        let expected = format!(
            "# {}\n{name} = {}\n",
            setting.help,
            (setting.get)(&Settings::default())
        );
        assert!(
            example.contains(&expected),
            "config.example.toml lacks:\n{expected}"
        );
    }
}

#[test]
fn the_defaults_are_the_defaults_of_the_service() {
    assert_eq!(
        Settings::default().service(),
        crate::service::ServiceSettings::default()
    );
}

#[test]
fn the_environment_beats_the_file_and_a_flag_beats_both() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(
        &path,
        "[store]\npath = \"from-file.db\"\n[runs]\nstale_after = \"5m\"\n[drift]\nhigh = 0.12\n",
    )
    .unwrap();
    let env = |name: &str| match name {
        "MODELDECK_STORE" => Some("from-env.db".to_owned()),
        "MODELDECK_RUNS_STALE_AFTER" => Some("90s".to_owned()),
        _ => None,
    };
    let mut flags = Flags {
        config: Some(path.clone()),
        ..Flags::default()
    };
    let loaded = Loaded::read(&flags, Paths::default(), env).unwrap();
    assert_eq!(loaded.settings.store.path, "from-env.db");
    assert_eq!(loaded.origin("store.path"), Origin::Environment);
    assert_eq!(
        loaded.settings.runs.stale_after,
        SignedDuration::from_secs(90)
    );
    assert!((loaded.settings.drift.high - 0.12).abs() < 1e-12);
    flags.store = Some("from-flag.db".to_owned());
    let loaded = Loaded::read(&flags, Paths::default(), env).unwrap();
    assert_eq!(
        loaded.target().unwrap(),
        StoreTarget::Local("from-flag.db".into())
    );
    let beside = Loaded::read(
        &Flags {
            config: Some(path),
            ..Flags::default()
        },
        Paths::default(),
        |_| None,
    )
    .unwrap();
    assert_eq!(
        beside.target().unwrap(),
        StoreTarget::Local(dir.path().join("from-file.db"))
    );
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    for (text, meant) in [
        ("[runs]\nstale_afer = \"5m\"", "runs.stale_after"),
        ("[sceen]\nmouse = true", "screen.mouse"),
        ("[store]\npaht = \"x\"", "store.path"),
        ("[metric]\nlower_is_better = []", "metrics.lower_is_better"),
    ] {
        let error = with_file(text).unwrap_err();
        assert!(
            matches!(&error, ConfigError::UnknownKey { line: 2, .. }),
            "{error}"
        );
        assert_eq!(
            error.hint(),
            Some(format!("the nearest one is '{meant}'")),
            "{text}"
        );
    }
}

#[test]
fn values_that_make_no_sense_are_told_with_their_line() {
    for text in [
        "[runs]\nstale_after = 10",
        "[runs]\nstale_after = \"soon\"",
        "[drift]\nhigh = 2.0",
        "[drift]\nhigh = 0.3",
        "[screen]\ntheme = \"pink\"",
        "[screen]\nmouse = \"yes\"",
        "[log]\nlevel = \"loud\"",
        "[metrics]\nlower_is_better = [1]",
        "[store]\npath = \"\"",
        "[empty]\n",
        "not toml",
    ] {
        let error = with_file(text).unwrap_err().to_string();
        assert!(
            error.contains("line") || error.contains("rise"),
            "{text}: {error}"
        );
    }
}

#[test]
fn an_address_is_a_server_or_refused_and_never_shows_its_password() {
    let target = |address: &str| {
        let flags = Flags {
            store: Some(address.to_owned()),
            ..Flags::default()
        };
        let loaded = Loaded::read(&flags, Paths::default(), |_| None).unwrap();
        loaded.target()
    };
    let server = target("https://bob:hunter2@host/x").unwrap();
    assert_eq!(server.name(), PathBuf::from("https://host/x"));
    assert!(!format!("{server:?}").contains("hunter2"));
    let error = target("s3://bob:hunter2@host/x").unwrap_err().to_string();
    assert_eq!(
        error,
        "'s3://***@host/x' is no store: a file is one, and an MLflow server at an http or https address"
    );
}

#[test]
fn credentials_are_taken_out_of_any_text() {
    for (given, clean) in [
        (
            "a http://u:p@h/x b https://t@h",
            "a http://***@h/x b https://***@h",
        ),
        ("http://h/a@b", "http://h/a@b"),
        ("'s3://k:p@ss@bucket'", "'s3://***@bucket'"),
        ("plain a@b", "plain a@b"),
    ] {
        assert_eq!(redacted(given), clean);
    }
}

#[test]
fn a_path_may_start_at_home() {
    let paths = Paths {
        home: Some("/home/a".into()),
        data_home: Some("/data".into()),
        ..Paths::default()
    };
    assert_eq!(paths.expand("~/x").unwrap(), Path::new("/home/a/x"));
    assert_eq!(
        paths.expand("$XDG_DATA_HOME/m/x").unwrap(),
        Path::new("/data/m/x")
    );
    assert_eq!(paths.expand("x~/y").unwrap(), Path::new("x~/y"));
    assert!(matches!(
        Paths::default().expand("~/x"),
        Err(ConfigError::NoHome)
    ));
}

#[test]
fn the_mirror_s_server_is_the_flag_s_the_file_s_or_mlflow_s() {
    let tracking = |flag: Option<&str>, file: &str, mlflow: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        let flags = Flags {
            config: Some(path),
            tracking_uri: flag.map(str::to_owned),
            ..Flags::default()
        };
        let env =
            |name: &str| (name == "MLFLOW_TRACKING_URI").then(|| mlflow.map(str::to_owned))?;
        Loaded::read(&flags, Paths::default(), env)
            .unwrap()
            .tracking()
            .map(|address| address.map(|address| address.to_string()))
    };
    let file = "[sync]\ntracking_uri = \"http://file:5000\"\n";
    let env = Some("http://bob:secret@env:5000");
    for (flag, file, mlflow, expected) in [
        (Some("http://flag"), file, env, Some("http://flag")),
        (None, file, env, Some("http://file:5000")),
        (None, "", env, Some("http://env:5000")),
        (Some("off"), file, env, None),
        (None, "[sync]\ntracking_uri = \"off\"\n", env, None),
        (None, "", Some("sqlite:///mlflow.db"), None),
        (None, "", None, None),
    ] {
        assert_eq!(tracking(flag, file, mlflow).unwrap().as_deref(), expected);
    }
    let wrong = tracking(Some("mlruns"), "", None).unwrap_err();
    assert!(wrong.to_string().contains("--tracking-uri"), "{wrong}");
}
