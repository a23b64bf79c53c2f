//! Deployments: a version that serves, or served, in an environment.

use super::{DeploymentId, ModelName, Revision, Stage, Version, vocabulary::vocabulary};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

vocabulary! {
    /// Where a version serves; never to be mixed with the registry's [`Stage`].
    pub enum Environment ("environment") {
        Dev = "DEV",
        Staging = "STAGING",
        Production = "PRODUCTION",
    }
}

vocabulary! {
    /// Where a deployment stands.
    pub enum DeploymentStatus ("deployment status") {
        Pending = "PENDING",
        Active = "ACTIVE",
        Failed = "FAILED",
        Terminated = "TERMINATED",
    }
}

impl DeploymentStatus {
    /// The legal graph: nothing leaves FAILED or TERMINATED.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Active, Self::Failed, Self::Terminated],
            Self::Active => &[Self::Failed, Self::Terminated],
            Self::Failed | Self::Terminated => &[],
        }
    }

    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }
}

vocabulary! {
    /// How a deployment answers.
    pub enum Health ("health") {
        Healthy = "HEALTHY",
        Unhealthy = "UNHEALTHY",
        /// Nobody asked yet, or it could not be asked.
        Unknown = "UNKNOWN",
    }
}

vocabulary! {
    /// Which question a health check asks.
    pub enum HealthProtocol ("health protocol") {
        Http = "HTTP",
        Tcp = "TCP",
        Kserve = "KSERVE",
        Mlflow = "MLFLOW",
        Bentoml = "BENTOML",
        Torchserve = "TORCHSERVE",
        Tfserving = "TFSERVING",
        Vllm = "VLLM",
    }
}

/// Where a deployment is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub url: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}

/// How a deployment's health is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub protocol: HealthProtocol,
    pub path: Option<String>,
    pub period_seconds: u32,
    pub timeout_seconds: u32,
    pub success_threshold: u32,
    pub failure_threshold: u32,
}

impl HealthCheck {
    /// Kubernetes' defaults, with a time-out that suits models.
    pub fn new(protocol: HealthProtocol) -> Self {
        Self {
            protocol,
            path: None,
            period_seconds: 10,
            timeout_seconds: 5,
            success_threshold: 1,
            failure_threshold: 3,
        }
    }
}

/// One answer to the question after health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthSample {
    pub at: Timestamp,
    pub health: Health,
    pub detail: Option<String>,
}

/// A version in an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    pub deployment_id: DeploymentId,
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Environment,
    pub status: DeploymentStatus,
    pub endpoint: Option<Endpoint>,
    pub health_check: Option<HealthCheck>,
    pub health: Health,
    pub health_history: Vec<HealthSample>,
    /// The deployment that this one replaces because it was bad.
    pub rollback_from: Option<DeploymentId>,
    pub deployed_by: String,
    pub created_at: Timestamp,
    pub activated_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub updated_at: Timestamp,
    pub revision: Revision,
}

impl Deployment {
    /// It served once and was not ended for being bad, so a rollback may go back to it.
    pub fn was_good(&self) -> bool {
        self.activated_at.is_some() && self.status != DeploymentStatus::Failed
    }
}

/// Chooses what a rollback of `bad` goes back to: the latest other deployment of the same model and environment that
/// served before it, and whose version is another one that was never found bad there.
pub fn rollback_target<'a>(
    bad: &Deployment,
    history: impl IntoIterator<Item = &'a Deployment>,
) -> Option<&'a Deployment> {
    let same_place: Vec<&Deployment> = history
        .into_iter()
        .filter(|other| other.model_name == bad.model_name && other.environment == bad.environment)
        .collect();
    let was_found_bad = |version: &Version| {
        same_place.iter().any(|other| {
            other.version == *version && other.activated_at.is_some() && !other.was_good()
        })
    };
    same_place
        .iter()
        .copied()
        .filter(|other| other.was_good() && other.version != bad.version)
        .filter(|other| !was_found_bad(&other.version))
        .filter(|other| {
            bad.activated_at
                .is_none_or(|since| other.activated_at.is_some_and(|at| at <= since))
        })
        .max_by_key(|other| (other.activated_at, other.created_at))
}

/// The stage whose gate an environment shares, if it has one.
pub const fn gated_stage(environment: Environment) -> Option<Stage> {
    match environment {
        Environment::Production => Some(Stage::Production),
        Environment::Dev | Environment::Staging => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(
        id: &str,
        version: &str,
        activated: Option<i64>,
        status: DeploymentStatus,
    ) -> Deployment {
        Deployment {
            deployment_id: DeploymentId::new(id).unwrap(),
            model_name: ModelName::new("fraud").unwrap(),
            version: Version::new(version).unwrap(),
            environment: Environment::Production,
            status,
            endpoint: None,
            health_check: None,
            health: Health::Unknown,
            health_history: Vec::new(),
            rollback_from: None,
            deployed_by: "alice".to_owned(),
            created_at: Timestamp::from_second(activated.unwrap_or(0)).unwrap(),
            activated_at: activated.map(|second| Timestamp::from_second(second).unwrap()),
            ended_at: None,
            reason: None,
            updated_at: Timestamp::UNIX_EPOCH,
            revision: Revision::FIRST,
        }
    }

    #[test]
    fn nothing_leaves_the_end() {
        assert!(DeploymentStatus::Failed.is_final() && DeploymentStatus::Terminated.is_final());
        assert!(
            !DeploymentStatus::Active
                .next()
                .contains(&DeploymentStatus::Pending)
        );
    }

    #[test]
    fn a_rollback_goes_to_the_last_good_one_before() {
        use DeploymentStatus::{Active, Failed, Pending, Terminated};
        let history = [
            deployment("d1", "1", Some(10), Terminated),
            deployment("d2", "2", Some(20), Terminated),
            deployment("d3", "3", Some(30), Failed),
            deployment("d4", "4", None, Pending),
            deployment("d5", "5", Some(50), Active),
        ];
        let bad = &history[4];
        assert_eq!(
            rollback_target(bad, &history)
                .unwrap()
                .deployment_id
                .as_str(),
            "d2"
        );
        assert_eq!(
            rollback_target(&history[1], &history)
                .unwrap()
                .deployment_id
                .as_str(),
            "d1"
        );
        assert!(rollback_target(&history[0], &history).is_none());
    }

    #[test]
    fn a_version_that_was_found_bad_once_is_no_way_back() {
        use DeploymentStatus::{Active, Failed, Terminated};
        let history = [
            deployment("d1", "1", Some(10), Terminated),
            deployment("d2", "2", Some(20), Terminated),
            deployment("d3", "2", Some(30), Failed),
            deployment("d4", "3", Some(40), Active),
        ];
        let target = rollback_target(&history[3], &history).unwrap();
        assert_eq!(target.deployment_id.as_str(), "d1");
    }

    #[test]
    fn a_deployment_of_the_same_version_is_no_way_back() {
        use DeploymentStatus::{Active, Terminated};
        let history = [
            deployment("d1", "1", Some(10), Terminated),
            deployment("d2", "1", Some(20), Active),
        ];
        assert!(rollback_target(&history[1], &history).is_none());
    }
}
