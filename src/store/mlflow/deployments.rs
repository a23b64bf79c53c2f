//! Deployments: in the ledger alone, with a readable run for each in experiment `modeldeck/deployments`.

use super::fields::snapshot;
use super::ledger::{Draft, ObjectKey, State};
use super::list::{self, Row};
use super::store::{MlflowStore, changed, made, same_revision};
use super::versions::OnServer;
use crate::domain::{
    Deployment, DeploymentId, DeploymentStatus, Environment, ModelName, ObjectKind,
};
use crate::store::{
    DeploymentQuery, DeploymentStore, DeploymentWrite, Page, PageRequest, Result, StoreError,
    WriteContext,
};
use async_trait::async_trait;

const KIND: ObjectKind = ObjectKind::Deployment;

fn key(deployment_id: &DeploymentId) -> ObjectKey {
    ObjectKey::new(KIND, deployment_id.as_str())
}

fn find<'a>(state: &'a State, deployment_id: &DeploymentId) -> Result<&'a Deployment> {
    state
        .deployments
        .get(deployment_id)
        .ok_or_else(|| StoreError::not_found(KIND, deployment_id.as_str()))
}

fn conflict(deployment_id: &DeploymentId, detail: String) -> StoreError {
    StoreError::Conflict {
        kind: KIND,
        id: deployment_id.as_str().to_owned(),
        detail: Some(detail),
    }
}

/// Drafts of deployments that change together, judged on the state that they follow.
fn drafts(write: &DeploymentWrite, state: &State) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    for deployment in &write.replace {
        let id = &deployment.deployment_id;
        let stored = find(state, id)?;
        same_revision(KIND, id.as_str(), deployment.revision, stored.revision)?;
        if deployment.status != stored.status && !stored.status.next().contains(&deployment.status)
        {
            return Err(conflict(
                id,
                format!(
                    "it is {} and cannot become {}",
                    stored.status, deployment.status
                ),
            ));
        }
        let next = deployment.revision.next();
        drafts.push(changed(
            key(id),
            next,
            snapshot(KIND, stored),
            snapshot(KIND, deployment),
        ));
    }
    if let Some(deployment) = &write.insert {
        let id = &deployment.deployment_id;
        if state.deployments.contains_key(id) {
            return Err(StoreError::AlreadyExists {
                kind: KIND,
                id: id.as_str().to_owned(),
            });
        }
        drafts.push(made(key(id), None, snapshot(KIND, deployment)));
    }
    one_active(write, state)?;
    Ok(drafts)
}

/// I1: at most one ACTIVE deployment of a model in an environment, after all of the write.
fn one_active(write: &DeploymentWrite, state: &State) -> Result<()> {
    let written: Vec<&Deployment> = write.replace.iter().chain(&write.insert).collect();
    let is_active = |deployment: &&&Deployment| deployment.status == DeploymentStatus::Active;
    for active in written.iter().filter(is_active) {
        let same_place = |other: &Deployment| {
            other.deployment_id != active.deployment_id
                && other.status == DeploymentStatus::Active
                && other.model_name == active.model_name
                && other.environment == active.environment
        };
        let is_written = |other: &Deployment| {
            written
                .iter()
                .any(|written| written.deployment_id == other.deployment_id)
        };
        let other = written
            .iter()
            .copied()
            .chain(
                state
                    .deployments
                    .values()
                    .filter(|other| !is_written(other)),
            )
            .find(|other| same_place(other));
        if let Some(other) = other {
            return Err(conflict(
                &active.deployment_id,
                format!("deployment '{}' is ACTIVE there", other.deployment_id),
            ));
        }
    }
    Ok(())
}

impl MlflowStore {
    async fn listed_deployments(&self, query: &DeploymentQuery) -> Result<Vec<Row<Deployment>>> {
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        Ok(state
            .deployments
            .values()
            .filter(|row| {
                query
                    .model
                    .as_ref()
                    .is_none_or(|model| *model == row.model_name)
            })
            .filter(|row| {
                query
                    .version
                    .as_ref()
                    .is_none_or(|version| *version == row.version)
            })
            .filter(|row| {
                query
                    .environment
                    .is_none_or(|environment| environment == row.environment)
            })
            .filter(|row| query.statuses.is_empty() || query.statuses.contains(&row.status))
            .map(|row| Row {
                number: state
                    .object(&key(&row.deployment_id))
                    .map_or(0, |object| object.first_seq),
                object: row.clone(),
            })
            .collect())
    }
}

#[async_trait]
impl DeploymentStore for MlflowStore {
    async fn write_deployments(&self, write: &DeploymentWrite, ctx: &WriteContext) -> Result<()> {
        let mut read: Option<(ModelName, OnServer)> = None;
        if let Some(deployment) = &write.insert {
            let found = self
                .version_on_server(&deployment.model_name, &deployment.version)
                .await?;
            read = Some((deployment.model_name.clone(), found));
        }
        if let Some(proof) = &write.proof
            && read
                .as_ref()
                .is_none_or(|(model, _)| *model != proof.model_name)
        {
            let found = self
                .version_on_server(&proof.model_name, &proof.version)
                .await?;
            read = Some((proof.model_name.clone(), found));
        }
        self.append(ctx, |state| {
            let drafts = drafts(write, state)?;
            if let (Some(proof), Some((_, on_server))) = (&write.proof, &read) {
                self.check_proof(proof, on_server, state)?;
            }
            Ok((drafts, ()))
        })
        .await?;
        for deployment in write.replace.iter().chain(&write.insert) {
            self.show_deployment(deployment).await;
        }
        Ok(())
    }

    async fn deployment(&self, deployment_id: &DeploymentId) -> Result<Deployment> {
        let ledger = self.ledger().await?;
        find(&ledger.state, deployment_id).cloned()
    }

    async fn active_deployment(
        &self,
        model_name: &ModelName,
        environment: Environment,
    ) -> Result<Option<Deployment>> {
        let ledger = self.ledger().await?;
        let active = ledger.state.deployments.values().find(|deployment| {
            deployment.status == DeploymentStatus::Active
                && deployment.model_name == *model_name
                && deployment.environment == environment
        });
        Ok(active.cloned())
    }

    async fn deployments(
        &self,
        query: &DeploymentQuery,
        page: &PageRequest,
    ) -> Result<Page<Deployment>> {
        list::page(self.listed_deployments(query).await?, &query.list, page)
    }

    async fn count_deployments(&self, query: &DeploymentQuery) -> Result<u64> {
        Ok(list::count(
            &self.listed_deployments(query).await?,
            &query.list,
        ))
    }
}
