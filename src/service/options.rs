//! What a service is opened with: which store, who acts, and the settings that rules depend on.

use super::{Clock, ServerAddress, StoreTarget, SyncPatience, identity};
use crate::domain::{Identity, MetricDirections, SeverityThresholds};
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

/// How a service is opened.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    pub target: StoreTarget,
    pub identity: Identity,
    pub settings: ServiceSettings,
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
            clock: Clock::system(),
            read_only: false,
            tracking: None,
            sync_patience: SyncPatience::default(),
        }
    }
}
