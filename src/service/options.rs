//! What a service is opened with: which store, who acts, and the settings that rules depend on.

use super::{Clock, ServerAddress, StoreTarget, SyncPatience, identity};
use crate::domain::{Identity, MetricDirections, SeverityThresholds};
use crate::store::mlflow::{MlflowEnvironment, MlflowOptions};
use jiff::SignedDuration;
use std::path::PathBuf;

/// The settings that rules depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSettings {
    /// For how long a RUNNING run may be silent before it is stale.
    pub stale_after: SignedDuration,
    pub directions: MetricDirections,
    pub severity: SeverityThresholds,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            stale_after: SignedDuration::from_mins(10),
            directions: MetricDirections::default(),
            severity: SeverityThresholds::default(),
        }
    }
}

/// How MLflow servers are connected to, beyond the variables that MLflow's own client reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MlflowSettings {
    /// A command, without a shell, that prints a token; empty for none.
    pub token_command: Vec<String>,
    /// Whether credentials may travel unencrypted to another host.
    pub allow_http: bool,
    /// A file with the certificates that a server's is checked against; empty for the host's own.
    pub server_cert: String,
    /// A file with a certificate and key that this client shows; empty for none.
    pub client_cert: String,
}

impl MlflowSettings {
    pub(super) fn connect(&self) -> MlflowOptions {
        let mut environment = MlflowEnvironment::of_process();
        for (variable, path) in [
            ("MLFLOW_TRACKING_SERVER_CERT_PATH", &self.server_cert),
            ("MLFLOW_TRACKING_CLIENT_CERT_PATH", &self.client_cert),
        ] {
            if !path.is_empty() {
                environment
                    .variables
                    .entry(variable.to_owned())
                    .or_insert_with(|| path.clone());
            }
        }
        MlflowOptions {
            environment,
            token_command: (!self.token_command.is_empty()).then(|| self.token_command.clone()),
            allow_http: self.allow_http,
            ..MlflowOptions::default()
        }
    }
}

/// How a service is opened.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    pub target: StoreTarget,
    pub identity: Identity,
    pub settings: ServiceSettings,
    pub mlflow: MlflowSettings,
    pub clock: Clock,
    /// Refuses every write.
    pub read_only: bool,
    /// The MLflow server that a local store is mirrored to.
    pub tracking: Option<ServerAddress>,
    pub sync_patience: SyncPatience,
}

impl ServiceOptions {
    /// The present user on a local store, with default settings.
    pub fn local(path: impl Into<PathBuf>) -> Self {
        Self {
            target: StoreTarget::Local(path.into()),
            identity: identity::current(None),
            settings: ServiceSettings::default(),
            mlflow: MlflowSettings::default(),
            clock: Clock::system(),
            read_only: false,
            tracking: None,
            sync_patience: SyncPatience::default(),
        }
    }
}
