//! Deployments of versions that are not there any more: on a server anybody may delete one.

use super::DeploymentManager;
use crate::domain::{Deployment, DeploymentStatus, ModelName, Version};
use crate::service::Result;
use crate::store::{DeploymentQuery, PageRequest, VersionQuery};
use std::collections::{BTreeMap, BTreeSet};

/// Of so many models each is asked for its versions; of more, all versions are listed.
const ASKED_ONE_BY_ONE: usize = 8;

/// Versions that deployments name and nobody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoneVersions(BTreeMap<ModelName, BTreeSet<Version>>);

impl GoneVersions {
    /// Whether a deployment names one of them.
    pub fn is_of(&self, deployment: &Deployment) -> bool {
        self.0
            .get(&deployment.model_name)
            .is_some_and(|gone| gone.contains(&deployment.version))
    }

    /// `version 1 of 'fraud' is no longer on the server`, one sentence each.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(model, versions)| {
            versions
                .iter()
                .map(move |version| format!("version {version} of '{model}' is {GONE}"))
        })
    }
}

/// What is said of such a version.
pub const GONE: &str = "no longer on the server";

impl DeploymentManager {
    /// The versions that PENDING and ACTIVE deployments among these name and that are not there. A local store deletes none, so nothing is asked there.
    pub async fn gone(&self, query: &DeploymentQuery) -> Result<GoneVersions> {
        if self.core.store.capabilities().near {
            return Ok(GoneVersions::default());
        }
        let mut named: BTreeMap<ModelName, BTreeSet<Version>> = BTreeMap::new();
        for deployment in self.list(query, &PageRequest::all()).await?.rows {
            if matches!(
                deployment.status,
                DeploymentStatus::Pending | DeploymentStatus::Active
            ) {
                named
                    .entry(deployment.model_name)
                    .or_default()
                    .insert(deployment.version);
            }
        }
        let mut asked: Vec<Option<ModelName>> = named.keys().cloned().map(Some).collect();
        if asked.len() > ASKED_ONE_BY_ONE {
            asked = vec![None];
        }
        for model in asked {
            let query = VersionQuery {
                model,
                ..VersionQuery::default()
            };
            let there = self
                .core
                .store
                .versions(&query, &PageRequest::all())
                .await?;
            for version in there.rows {
                if let Some(versions) = named.get_mut(&version.model_name) {
                    versions.remove(&version.version);
                }
            }
        }
        named.retain(|_, versions| !versions.is_empty());
        Ok(GoneVersions(named))
    }
}
