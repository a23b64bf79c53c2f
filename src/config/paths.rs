//! Where things are by the XDG rules; creates nothing.

use super::ConfigError;
use etcetera::BaseStrategy as _;
use std::path::{Path, PathBuf};

/// The program's own places. `None` where there is no home directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    pub home: Option<PathBuf>,
    pub config_file: Option<PathBuf>,
    /// `$XDG_DATA_HOME` itself.
    pub data_home: Option<PathBuf>,
    pub log_file: Option<PathBuf>,
}

impl Paths {
    /// Asks the environment and the user database.
    pub fn of_this_user() -> Self {
        let Ok(base) = etcetera::choose_base_strategy() else {
            return Self::default();
        };
        Self {
            home: Some(base.home_dir().to_path_buf()),
            config_file: Some(base.config_dir().join("modeldeck/config.toml")),
            data_home: Some(base.data_dir()),
            log_file: base
                .state_dir()
                .map(|state| state.join("modeldeck/modeldeck.log")),
        }
    }

    /// Expands a leading `~/` or `$XDG_DATA_HOME/`.
    pub fn expand(&self, written: &str) -> Result<PathBuf, ConfigError> {
        let under = |base: &Option<PathBuf>, rest: &str| {
            base.as_deref()
                .map(|base: &Path| base.join(rest))
                .ok_or(ConfigError::NoHome)
        };
        if let Some(rest) = written.strip_prefix("~/") {
            under(&self.home, rest)
        } else if let Some(rest) = written.strip_prefix("$XDG_DATA_HOME/") {
            under(&self.data_home, rest)
        } else {
            Ok(PathBuf::from(written))
        }
    }
}
