//! What every command gets: how to answer, the settings, and the service when it asks for it.

use super::args::Globals;
use super::error::{CliError, Result};
use super::output::Output;
use crate::config::{Flags, Loaded, Origin, Paths, SETTINGS};
use crate::domain::MetricDirections;
use crate::service::{
    Clock, ModelLifecycleService, ServiceOptions, StoreTarget, SyncPatience, identity,
};
use std::env::VarError;
use std::time::Duration;

/// Who waits longer than this wants to know for what.
const MOMENT: Duration = Duration::from_secs(2);

/// A command's surroundings.
#[derive(Debug)]
pub struct Context {
    pub out: Output,
    pub loaded: Loaded,
    pub globals: Globals,
}

impl Context {
    /// Reads the settings.
    pub fn new(globals: Globals, out: Output) -> Result<Self> {
        if let Some(claim) = &globals.claim {
            let fine = claim.trim() == claim
                && (1..=250).contains(&claim.chars().count())
                && !claim.chars().any(char::is_control);
            if !fine {
                return Err(CliError::usage(
                    "--as takes 1 to 250 characters without control characters and space around them",
                ));
            }
        }
        Ok(Self {
            loaded: read_settings(&globals)?,
            out,
            globals,
        })
    }

    /// Who acts, on which store, by which settings.
    pub fn options(&self) -> Result<ServiceOptions> {
        Ok(ServiceOptions {
            target: self.loaded.target()?,
            identity: identity::current(self.globals.claim.clone()),
            settings: self.loaded.settings.service(),
            mlflow: self.loaded.settings.mlflow.clone(),
            clock: Clock::system(),
            read_only: self.globals.read_only,
            tracking: self.loaded.tracking()?,
            sync_patience: SyncPatience::default(),
        })
    }

    /// Opens the store for a command that works on what is there. A store that was named and is not there is a slip of the
    /// fingers: an empty one in its place would answer that nothing is.
    pub async fn service(&self) -> Result<ModelLifecycleService> {
        let options = self.options()?;
        if let StoreTarget::Local(path) = &options.target {
            let is_named = self.loaded.origin("store.path") != Origin::Default;
            if is_named && matches!(path.try_exists(), Ok(false)) {
                return Err(CliError::no_store(path));
            }
        }
        self.opened(options).await
    }

    /// Opens the store for a command that begins something, and makes it on first use.
    pub async fn service_on_first_use(&self) -> Result<ModelLifecycleService> {
        self.opened(self.options()?).await
    }

    /// Opens the store, and says what is waited for when that takes more than a moment.
    async fn opened(&self, options: ServiceOptions) -> Result<ModelLifecycleService> {
        let target = options.target.name();
        let opening = ModelLifecycleService::open(options);
        tokio::pin!(opening);
        match tokio::time::timeout(MOMENT, &mut opening).await {
            Ok(opened) => Ok(opened?),
            Err(_elapsed) => {
                // Under --json the last thing on stderr is one document.
                if !self.out.json {
                    self.out
                        .talk(&format!("waiting for '{}' …", target.display()));
                }
                Ok(opening.await?)
            }
        }
    }

    pub fn directions(&self) -> MetricDirections {
        self.loaded.settings.service().directions
    }
}

/// File, environment and flags over the defaults.
pub(super) fn read_settings(globals: &Globals) -> Result<Loaded> {
    let flags = Flags {
        config: globals.config.clone(),
        store: globals.store.clone(),
        tracking_uri: globals.tracking_uri.clone(),
    };
    // Taking one that cannot be read for one that is not set would open another store than was meant.
    let names = SETTINGS.iter().map(|setting| setting.env);
    for name in names.chain(["MODELDECK_CONFIG"]) {
        if matches!(std::env::var(name), Err(VarError::NotUnicode(_))) {
            return Err(CliError::usage(format!(
                "the environment variable {name} is not UTF-8"
            )));
        }
    }
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    Ok(Loaded::read(&flags, Paths::of_this_user(), env)?)
}
