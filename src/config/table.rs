//! The one table of settings: file keys, environment variables, `modeldeck config` and `config.example.toml` follow from it.

use super::{Settings, Value};
use jiff::SignedDuration;

/// The themes that `screen.theme` names.
pub const THEMES: &[&str] = &["default", "light", "mono"];

/// One setting.
pub struct Setting {
    /// Group and name, as in the file.
    pub key: &'static str,
    /// The environment variable that sets it.
    pub env: &'static str,
    /// What it does, as a sentence.
    pub help: &'static str,
    pub get: fn(&Settings) -> Value,
    set: fn(&mut Settings, &Value) -> Result<(), String>,
}

impl Setting {
    /// Sets it; the problem continues the sentence "'key' …".
    pub(super) fn assign(&self, settings: &mut Settings, value: &Value) -> Result<(), String> {
        (self.set)(settings, value)
    }
}

pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "store.path",
        env: "MODELDECK_STORE",
        help: "The store's file, which may start with ~/ or $XDG_DATA_HOME/ and is made on first use, or an MLflow server's address.",
        get: |settings| Value::Text(settings.store.path.clone()),
        set: |settings, value| {
            settings.store.path = text(value)?;
            if settings.store.path.is_empty() {
                return Err("takes a path".to_owned());
            }
            Ok(())
        },
    },
    Setting {
        key: "runs.stale_after",
        env: "MODELDECK_RUNS_STALE_AFTER",
        help: "For how long a RUNNING run may be silent before it is shown as stale.",
        get: |settings| Value::Text(format!("{:#}", settings.runs.stale_after)),
        set: |settings, value| {
            settings.runs.stale_after = duration(value, "1s", "30d")?;
            Ok(())
        },
    },
    Setting {
        key: "runs.heartbeat",
        env: "MODELDECK_RUNS_HEARTBEAT",
        help: "How often 'run exec' and 'ingest' tell that their runs are alive; well below runs.stale_after.",
        get: |settings| Value::Text(format!("{:#}", settings.runs.heartbeat)),
        set: |settings, value| {
            settings.runs.heartbeat = duration(value, "100ms", "1h")?;
            Ok(())
        },
    },
    Setting {
        key: "metrics.lower_is_better",
        env: "MODELDECK_METRICS_LOWER_IS_BETTER",
        help: "Words in a metric's name that say that less is better; every other metric is better higher.",
        get: |settings| Value::Words(settings.metrics.lower_is_better.clone()),
        set: |settings, value| match value {
            Value::Words(words) => {
                settings.metrics.lower_is_better.clone_from(words);
                Ok(())
            }
            _ => Err("takes a list of texts".to_owned()),
        },
    },
    Setting {
        key: "drift.medium",
        env: "MODELDECK_DRIFT_MEDIUM",
        help: "The relative loss from which a drift event of a performance metric is MEDIUM; below it is LOW.",
        get: |settings| Value::Number(settings.drift.medium),
        set: |settings, value| share(value, &mut settings.drift.medium),
    },
    Setting {
        key: "drift.high",
        env: "MODELDECK_DRIFT_HIGH",
        help: "The relative loss from which it is HIGH.",
        get: |settings| Value::Number(settings.drift.high),
        set: |settings, value| share(value, &mut settings.drift.high),
    },
    Setting {
        key: "drift.critical",
        env: "MODELDECK_DRIFT_CRITICAL",
        help: "The relative loss from which it is CRITICAL.",
        get: |settings| Value::Number(settings.drift.critical),
        set: |settings, value| share(value, &mut settings.drift.critical),
    },
    Setting {
        key: "mlflow.token_command",
        env: "MODELDECK_MLFLOW_TOKEN_COMMAND",
        help: "A program and its arguments, started without a shell, that prints a token for the MLflow server on its first line.",
        get: |settings| Value::Words(settings.mlflow.token_command.clone()),
        set: |settings, value| match value {
            Value::Words(words) => {
                settings.mlflow.token_command.clone_from(words);
                Ok(())
            }
            _ => Err("takes a list of texts".to_owned()),
        },
    },
    Setting {
        key: "mlflow.allow_http",
        env: "MODELDECK_MLFLOW_ALLOW_HTTP",
        help: "Whether a password or token may go to another host over plain http, where others can read it.",
        get: |settings| Value::Switch(settings.mlflow.allow_http),
        set: |settings, value| switch(value, &mut settings.mlflow.allow_http),
    },
    Setting {
        key: "mlflow.server_cert",
        env: "MODELDECK_MLFLOW_SERVER_CERT",
        help: "A PEM file with the authorities that an https server's certificate is checked against; MLFLOW_TRACKING_SERVER_CERT_PATH beats it.",
        get: |settings| Value::Text(settings.mlflow.server_cert.clone()),
        set: |settings, value| {
            settings.mlflow.server_cert = text(value)?;
            Ok(())
        },
    },
    Setting {
        key: "mlflow.client_cert",
        env: "MODELDECK_MLFLOW_CLIENT_CERT",
        help: "A PEM file with a certificate and its key that is shown to an https server; MLFLOW_TRACKING_CLIENT_CERT_PATH beats it.",
        get: |settings| Value::Text(settings.mlflow.client_cert.clone()),
        set: |settings, value| {
            settings.mlflow.client_cert = text(value)?;
            Ok(())
        },
    },
    Setting {
        key: "sync.tracking_uri",
        env: "MODELDECK_SYNC_TRACKING_URI",
        help: "The MLflow server that a local store is mirrored to; empty for what MLFLOW_TRACKING_URI says, off for none.",
        get: |settings| Value::Text(settings.sync.tracking_uri.clone()),
        set: |settings, value| {
            settings.sync.tracking_uri = text(value)?;
            Ok(())
        },
    },
    Setting {
        key: "screen.mouse",
        env: "MODELDECK_SCREEN_MOUSE",
        help: "Whether the screen takes mouse clicks and the wheel; without it the terminal selects text as usual.",
        get: |settings| Value::Switch(settings.screen.mouse),
        set: |settings, value| switch(value, &mut settings.screen.mouse),
    },
    Setting {
        key: "screen.live_strip",
        env: "MODELDECK_SCREEN_LIVE_STRIP",
        help: "Whether the strip of running runs, drift and deployments is shown at the start.",
        get: |settings| Value::Switch(settings.screen.live_strip),
        set: |settings, value| switch(value, &mut settings.screen.live_strip),
    },
    Setting {
        key: "screen.theme",
        env: "MODELDECK_SCREEN_THEME",
        help: "The colours of the screen: default for dark backgrounds, light for light ones, mono for none; NO_COLOR means mono too.",
        get: |settings| Value::Text(settings.screen.theme.clone()),
        set: |settings, value| {
            let theme = text(value)?.to_ascii_lowercase();
            if !THEMES.contains(&theme.as_str()) {
                return Err(format!("takes one of {}", THEMES.join(", ")));
            }
            settings.screen.theme = theme;
            Ok(())
        },
    },
    Setting {
        key: "screen.refresh",
        env: "MODELDECK_SCREEN_REFRESH",
        help: "How often the screen asks the store whether something changed.",
        get: |settings| Value::Text(format!("{:#}", settings.screen.refresh)),
        set: |settings, value| {
            settings.screen.refresh = duration(value, "20ms", "1m")?;
            Ok(())
        },
    },
    Setting {
        key: "log.level",
        env: "MODELDECK_LOG_LEVEL",
        help: "How much goes into the log file: error, warn, info, debug or trace; -v raises it by one step each.",
        get: |settings| Value::Text(settings.log.level.as_str().to_ascii_lowercase()),
        set: |settings, value| {
            settings.log.level =
                text(value)?
                    .parse()
                    .map_err(|_error: tracing::metadata::ParseLevelError| {
                        "takes one of error, warn, info, debug, trace".to_owned()
                    })?;
            Ok(())
        },
    },
];

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err("takes a text".to_owned()),
    }
}

fn switch(value: &Value, setting: &mut bool) -> Result<(), String> {
    match value {
        Value::Switch(switch) => {
            *setting = *switch;
            Ok(())
        }
        _ => Err("takes true or false".to_owned()),
    }
}

/// A relative loss: above 0, and at most 1.
fn share(value: &Value, setting: &mut f64) -> Result<(), String> {
    match value {
        Value::Number(number) if *number > 0.0 && *number <= 1.0 => {
            *setting = *number;
            Ok(())
        }
        _ => Err("takes a number above 0 and at most 1".to_owned()),
    }
}

fn duration(value: &Value, least: &str, most: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("takes a time from {least} to {most}, written like 500ms, 30s or 10m");
    // Days are allowed here as 24 hours each, which a plain duration does not read.
    let read = |text: &str| match text.strip_suffix('d') {
        Some(days) => days
            .trim()
            .parse()
            .ok()
            .filter(|days| (0..=3650).contains(days))
            .map(|days: i64| SignedDuration::from_hours(days * 24)),
        None => text.trim().parse::<SignedDuration>().ok(),
    };
    let given = read(&text(value)?).ok_or_else(wrong)?;
    let bounds = [least, most].map(|bound| read(bound).expect("the bounds are durations"));
    if given < bounds[0] || given > bounds[1] {
        return Err(wrong());
    }
    Ok(given)
}
