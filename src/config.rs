//! Settings: defaults, a file, the environment and flags, in this order, become one typed [`Settings`].
//!
//! Every setting is declared once, in [`SETTINGS`]. Nothing here opens a store, prints, or knows what a setting is used for.

mod file;
mod paths;
mod table;
mod value;

pub use paths::Paths;
pub use table::{SETTINGS, Setting, THEMES};
pub use value::Value;

use crate::domain::{MetricDirections, SeverityThresholds};
use crate::service::{MlflowSettings, ServerAddress, ServiceSettings, StoreTarget};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the program does differently when told so.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub store: StoreSettings,
    pub runs: RunSettings,
    pub metrics: MetricSettings,
    pub drift: SeverityThresholds,
    pub sync: SyncSettings,
    pub mlflow: MlflowSettings,
    pub screen: ScreenSettings,
    pub log: LogSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// A path as it was written: it may start with `~/` or `$XDG_DATA_HOME/`.
    pub path: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSettings {
    /// For how long a RUNNING run may be silent before it is stale.
    pub stale_after: SignedDuration,
    /// How often runs that this program watches are told to be alive.
    pub heartbeat: SignedDuration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSettings {
    /// Words that mark a metric as better lower.
    pub lower_is_better: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncSettings {
    /// As it was written: empty for what MLFLOW_TRACKING_URI says, 'off' for none.
    pub tracking_uri: String,
}

/// How the screen looks and moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenSettings {
    pub mouse: bool,
    pub live_strip: bool,
    /// One of [`THEMES`].
    pub theme: String,
    /// How often the store is asked whether something changed.
    pub refresh: SignedDuration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    pub level: tracing::Level,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: StoreSettings {
                path: "$XDG_DATA_HOME/modeldeck/modeldeck.db".to_owned(),
            },
            runs: RunSettings {
                stale_after: SignedDuration::from_mins(10),
                heartbeat: SignedDuration::from_secs(30),
            },
            metrics: MetricSettings {
                lower_is_better: MetricDirections::DEFAULT_WORDS
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect(),
            },
            drift: SeverityThresholds::default(),
            sync: SyncSettings::default(),
            mlflow: MlflowSettings::default(),
            screen: ScreenSettings {
                mouse: true,
                live_strip: true,
                theme: "default".to_owned(),
                refresh: SignedDuration::from_millis(100),
            },
            log: LogSettings {
                level: tracing::Level::WARN,
            },
        }
    }
}

impl Settings {
    /// The part that the rules of the service depend on.
    pub fn service(&self) -> ServiceSettings {
        ServiceSettings {
            stale_after: self.runs.stale_after,
            directions: MetricDirections::new(self.metrics.lower_is_better.iter().cloned()),
            severity: self.drift,
        }
    }

    /// What each setting on its own cannot tell.
    fn check_together(&self) -> Result<(), ConfigError> {
        let drift = &self.drift;
        if drift.medium < drift.high && drift.high < drift.critical {
            Ok(())
        } else {
            Err(ConfigError::Together {
                message: format!(
                    "drift.medium ({}), drift.high ({}) and drift.critical ({}) do not rise",
                    drift.medium, drift.high, drift.critical
                ),
            })
        }
    }
}

/// Where the value of a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

impl Origin {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        }
    }
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the config file '{}' cannot be read: {source}", shown(path))]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },

    #[error("the config file '{}' is not TOML: {problem}", shown(path))]
    Syntax { path: PathBuf, problem: String },

    #[error(
        "the config file '{}', line {line}: there is no setting '{}'",
        shown(path),
        crate::domain::text::visible(key)
    )]
    UnknownKey {
        path: PathBuf,
        line: usize,
        key: String,
        nearest: Option<&'static str>,
    },

    #[error("{place}: '{key}' {problem}")]
    BadValue {
        /// The file and line, or the environment variable.
        place: String,
        key: &'static str,
        problem: String,
    },

    #[error("{message}")]
    Together { message: String },

    #[error("there is no home directory, so the default store has no place")]
    NoHome,

    #[error(
        "'{address}' is no store: a file is one, and an MLflow server at an http or https address"
    )]
    Remote { address: String },
}

fn shown(path: &Path) -> String {
    crate::domain::text::visible(&path.to_string_lossy()).into_owned()
}

impl ConfigError {
    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => Some(
                "name another with --config or MODELDECK_CONFIG, or leave it out for the defaults"
                    .to_owned(),
            ),
            Self::UnknownKey { nearest, .. } => Some(match nearest {
                Some(nearest) => format!("the nearest one is '{nearest}'"),
                None => "'modeldeck config' shows all settings".to_owned(),
            }),
            Self::NoHome => Some("name a file with --store or MODELDECK_STORE".to_owned()),
            Self::Remote { .. } => {
                Some("name a file: --store PATH, or MODELDECK_STORE=PATH".to_owned())
            }
            Self::Syntax { .. } | Self::BadValue { .. } | Self::Together { .. } => None,
        }
    }
}

/// What the flags say about settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub store: Option<String>,
    pub tracking_uri: Option<String>,
}

/// Settings, and where each came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub settings: Settings,
    pub paths: Paths,
    /// The config file that was read.
    pub file: Option<PathBuf>,
    /// What MLFLOW_TRACKING_URI says.
    mlflow: Option<String>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loaded {
    /// The defaults, with nothing read.
    pub fn defaults(paths: Paths) -> Self {
        Self {
            settings: Settings::default(),
            paths,
            file: None,
            mlflow: None,
            origins: BTreeMap::new(),
        }
    }

    /// Reads file, environment and flags over the defaults. `env` answers for an environment variable that is set and not empty.
    pub fn read(
        flags: &Flags,
        paths: Paths,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut loaded = Self::defaults(paths);
        let named = flags
            .config
            .clone()
            .or_else(|| env("MODELDECK_CONFIG").map(PathBuf::from));
        let file = match &named {
            Some(path) => Some(path.clone()),
            // Only a file that was named has to be there.
            None => loaded
                .paths
                .config_file
                .clone()
                .filter(|path| path.exists()),
        };
        if let Some(path) = file {
            for key in file::read(&path, &mut loaded.settings)? {
                loaded.origins.insert(key, Origin::File);
            }
            loaded.file = Some(path);
        }
        for setting in SETTINGS {
            let Some(text) = env(setting.env) else {
                continue;
            };
            let problem = |problem| ConfigError::BadValue {
                place: format!("the environment variable {}", setting.env),
                key: setting.key,
                problem,
            };
            let like = (setting.get)(&Settings::default());
            let value = Value::from_text(&text, &like).map_err(problem)?;
            setting
                .assign(&mut loaded.settings, &value)
                .map_err(problem)?;
            loaded.origins.insert(setting.key, Origin::Environment);
        }
        if let Some(store) = &flags.store {
            if store.is_empty() {
                return Err(ConfigError::BadValue {
                    place: "the flag --store".to_owned(),
                    key: "store.path",
                    problem: "takes a path".to_owned(),
                });
            }
            loaded.settings.store.path.clone_from(store);
            loaded.origins.insert("store.path", Origin::Flag);
        }
        if let Some(uri) = &flags.tracking_uri {
            loaded.settings.sync.tracking_uri.clone_from(uri);
            loaded.origins.insert("sync.tracking_uri", Origin::Flag);
        }
        loaded.mlflow = env("MLFLOW_TRACKING_URI");
        loaded.settings.check_together()?;
        Ok(loaded)
    }

    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).copied().unwrap_or(Origin::Default)
    }

    /// The store that the settings mean. A relative path in the config file is relative to that file.
    pub fn target(&self) -> Result<StoreTarget, ConfigError> {
        let written = &self.settings.store.path;
        // A server's address that lacks its host is no path either; what is wrong with it is told when it is connected to.
        let is_bare = |scheme: &str| written.trim().eq_ignore_ascii_case(&format!("{scheme}://"));
        if is_bare("http") || is_bare("https") {
            return Ok(StoreTarget::Remote(ServerAddress::new(written.as_str())));
        }
        let scheme = crate::domain::uri::scheme(written);
        if matches!(scheme.as_deref(), Some("http" | "https")) {
            return Ok(StoreTarget::Remote(ServerAddress::new(written.as_str())));
        }
        if scheme.is_some() {
            return Err(ConfigError::Remote {
                address: crate::domain::text::visible(&redacted(written)).into_owned(),
            });
        }
        let path = self.paths.expand(written)?;
        let beside = match (self.origin("store.path"), &self.file) {
            (Origin::File, Some(file)) => file.parent().map(Path::to_path_buf),
            _ => None,
        };
        Ok(StoreTarget::Local(match beside {
            Some(beside) => beside.join(path),
            None => path,
        }))
    }
}

impl Loaded {
    /// The server that a local store is mirrored to: what the flag says, else the setting, else MLFLOW_TRACKING_URI where that names a server.
    pub fn tracking(&self) -> Result<Option<ServerAddress>, ConfigError> {
        let is_server = |uri: &str| {
            matches!(
                crate::domain::uri::scheme(uri).as_deref(),
                Some("http" | "https")
            )
        };
        let written = self.settings.sync.tracking_uri.trim();
        if written.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        if written.is_empty() {
            // MLflow's own client takes files and databases there too; those are no servers to mirror to.
            let uri = self.mlflow.as_deref().filter(|uri| is_server(uri));
            return Ok(uri.map(ServerAddress::new));
        }
        if is_server(written) {
            return Ok(Some(ServerAddress::new(written)));
        }
        Err(ConfigError::BadValue {
            place: match self.origin("sync.tracking_uri") {
                Origin::Flag => "the flag --tracking-uri".to_owned(),
                origin => format!("the {}", origin.as_str()),
            },
            key: "sync.tracking_uri",
            problem: "takes an MLflow server's address, such as http://host:5000, or 'off'"
                .to_owned(),
        })
    }
}

/// The text with the user and password of every address in it taken out.
pub fn redacted(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        clean.push_str(head);
        let end = tail
            .find(|c: char| "/?#\\'\" ".contains(c) || c.is_control())
            .unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(secret) => {
                clean.push_str("***");
                rest = &tail[secret..];
            }
            None => rest = tail,
        }
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests;
