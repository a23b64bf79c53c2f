//! Deployments: made, made to serve, ended, rolled back.

mod gone;
mod limits;

pub use self::gone::{GONE, GoneVersions};
use self::limits::{check_endpoint, check_health, move_to, refuse_ended};
use super::core::{Core, expect_revision, required_text};
use super::{Result, ServiceError};
use crate::domain::{
    Deployment, DeploymentId, DeploymentStatus, Endpoint, Environment, Health, HealthCheck,
    ModelName, ObjectKind, Revision, Version, deployment,
};
use crate::store::{
    DeploymentQuery, DeploymentWrite, GateProof, Page, PageRequest, StoreError, WriteContext,
};

/// What a deployment is made of.
#[derive(Debug, Clone)]
pub struct NewDeployment {
    /// `None` for a fresh one.
    pub deployment_id: Option<DeploymentId>,
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Environment,
    pub endpoint: Option<Endpoint>,
    pub health_check: Option<HealthCheck>,
    pub reason: Option<String>,
}

impl NewDeployment {
    pub fn new(model_name: ModelName, version: Version, environment: Environment) -> Self {
        Self {
            deployment_id: None,
            model_name,
            version,
            environment,
            endpoint: None,
            health_check: None,
            reason: None,
        }
    }
}

/// What changes on a deployment; `None` leaves things as they are.
#[derive(Debug, Clone, Default)]
pub struct DeploymentUpdate {
    pub status: Option<DeploymentStatus>,
    pub endpoint: Option<Endpoint>,
    pub health_check: Option<HealthCheck>,
    pub reason: Option<String>,
    /// The revision that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}

/// The way back from a bad deployment.
#[derive(Debug, Clone)]
pub struct Rollback {
    /// The deployment whose version shall serve again; `None` for the last good one.
    pub to: Option<DeploymentId>,
    pub reason: String,
    /// `None` for a fresh one.
    pub deployment_id: Option<DeploymentId>,
    /// The revision of the bad deployment that was read; with it, a change by somebody else in between is a conflict.
    pub expected: Option<Revision>,
}

/// The verbs of deployments.
#[derive(Clone)]
pub struct DeploymentManager {
    pub(super) core: Core,
}

impl DeploymentManager {
    /// Makes a PENDING deployment of a version that is there. PRODUCTION asks for the gate to be open.
    pub async fn create(&self, new: NewDeployment) -> Result<Deployment> {
        check_endpoint(new.endpoint.as_ref())?;
        check_health(new.health_check.as_ref())?;
        let new = &new;
        self.core.settle(None, move || self.create_once(new)).await
    }

    async fn create_once(&self, new: &NewDeployment) -> Result<Deployment> {
        let ctx = self
            .core
            .write("create_deployment", new.reason.as_deref())?;
        let proof = self
            .proof(&new.model_name, &new.version, new.environment)
            .await?;
        let deployment = Deployment {
            deployment_id: new
                .deployment_id
                .clone()
                .unwrap_or_else(DeploymentId::fresh),
            model_name: new.model_name.clone(),
            version: new.version.clone(),
            environment: new.environment,
            status: DeploymentStatus::Pending,
            endpoint: new.endpoint.clone(),
            health_check: new.health_check.clone(),
            health: Health::Unknown,
            health_history: Vec::new(),
            rollback_from: None,
            deployed_by: ctx.identity.person().to_owned(),
            created_at: ctx.at,
            activated_at: None,
            ended_at: None,
            reason: new.reason.clone(),
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        let write = DeploymentWrite {
            insert: Some(deployment.clone()),
            replace: Vec::new(),
            proof,
        };
        self.core.store.write_deployments(&write, &ctx).await?;
        Ok(deployment)
    }

    /// Reads the version, which must be there, and judges the gate where the environment has one.
    async fn proof(
        &self,
        model_name: &ModelName,
        version: &Version,
        environment: Environment,
    ) -> Result<Option<GateProof>> {
        let version = self.core.store.version(model_name, version).await?;
        match deployment::gated_stage(environment) {
            Some(_) => Ok(Some(
                self.core
                    .gate(&version, &format!("environment {environment}"))
                    .await?,
            )),
            None => Ok(None),
        }
    }

    /// Changes a deployment. Making one ACTIVE judges the gate again and ends the one before it, in one step.
    pub async fn update(
        &self,
        deployment_id: &DeploymentId,
        update: &DeploymentUpdate,
    ) -> Result<Deployment> {
        check_endpoint(update.endpoint.as_ref())?;
        check_health(update.health_check.as_ref())?;
        self.core
            .settle(update.expected, move || {
                self.update_once(deployment_id, update)
            })
            .await
    }

    async fn update_once(
        &self,
        deployment_id: &DeploymentId,
        update: &DeploymentUpdate,
    ) -> Result<Deployment> {
        let ctx = self
            .core
            .write("update_deployment", update.reason.as_deref())?;
        let mut deployment = self.get(deployment_id).await?;
        expect_revision(update.expected, deployment.revision, || {
            StoreError::conflict(ObjectKind::Deployment, deployment_id)
        })?;
        refuse_ended(&deployment, update)?;
        if let Some(endpoint) = &update.endpoint {
            deployment.endpoint = Some(endpoint.clone());
        }
        if let Some(health_check) = &update.health_check {
            deployment.health_check = Some(health_check.clone());
        }
        let mut write = DeploymentWrite::default();
        if let Some(status) = update.status.filter(|status| *status != deployment.status) {
            move_to(&mut deployment, status, &ctx)?;
            if status == DeploymentStatus::Active {
                write.proof = self
                    .proof(
                        &deployment.model_name,
                        &deployment.version,
                        deployment.environment,
                    )
                    .await?;
                write
                    .replace
                    .extend(self.superseded(&deployment, &ctx).await?);
            }
        }
        if let Some(reason) = &update.reason {
            deployment.reason = Some(reason.clone());
        }
        deployment.updated_at = ctx.at;
        write.replace.push(deployment);
        self.core.store.write_deployments(&write, &ctx).await?;
        self.get(deployment_id).await
    }

    /// The deployment that ends when another of its model and environment becomes ACTIVE.
    async fn superseded(
        &self,
        next: &Deployment,
        ctx: &WriteContext,
    ) -> Result<Option<Deployment>> {
        let Some(mut active) = self
            .core
            .store
            .active_deployment(&next.model_name, next.environment)
            .await?
        else {
            return Ok(None);
        };
        if active.deployment_id == next.deployment_id {
            return Ok(None);
        }
        move_to(&mut active, DeploymentStatus::Terminated, ctx)?;
        active.reason = Some(format!(
            "replaced by version {} ({})",
            next.version, next.deployment_id
        ));
        active.updated_at = ctx.at;
        Ok(Some(active))
    }

    /// Goes back from a bad deployment to a good one: in one step the bad one ends FAILED (if it had not ended), whatever else serves ends, and a new
    /// deployment of the good version becomes ACTIVE. PRODUCTION asks for the good version's gate to be open still.
    pub async fn roll_back(
        &self,
        deployment_id: &DeploymentId,
        rollback: &Rollback,
    ) -> Result<Deployment> {
        required_text("reason", &rollback.reason)?;
        self.core
            .settle(rollback.expected, move || {
                self.roll_back_once(deployment_id, rollback)
            })
            .await
    }

    async fn roll_back_once(
        &self,
        deployment_id: &DeploymentId,
        rollback: &Rollback,
    ) -> Result<Deployment> {
        let ctx = self
            .core
            .write("roll_back_deployment", Some(&rollback.reason))?;
        let mut bad = self.get(deployment_id).await?;
        expect_revision(rollback.expected, bad.revision, || {
            StoreError::conflict(ObjectKind::Deployment, deployment_id)
        })?;
        let good = self.target(&bad, rollback.to.as_ref()).await?;
        self.refuse_past(&bad).await?;
        let proof = self
            .proof(&good.model_name, &good.version, good.environment)
            .await?;
        let deployment = Deployment {
            deployment_id: rollback
                .deployment_id
                .clone()
                .unwrap_or_else(DeploymentId::fresh),
            model_name: good.model_name,
            version: good.version,
            environment: good.environment,
            status: DeploymentStatus::Active,
            endpoint: good.endpoint,
            health_check: good.health_check,
            health: Health::Unknown,
            health_history: Vec::new(),
            rollback_from: Some(bad.deployment_id.clone()),
            deployed_by: ctx.identity.person().to_owned(),
            created_at: ctx.at,
            activated_at: Some(ctx.at),
            ended_at: None,
            reason: Some(rollback.reason.clone()),
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        let mut write = DeploymentWrite {
            insert: None,
            replace: Vec::new(),
            proof,
        };
        if !bad.status.is_final() {
            move_to(&mut bad, DeploymentStatus::Failed, &ctx)?;
            bad.reason = Some(format!("rolled back: {}", rollback.reason));
            bad.updated_at = ctx.at;
            write.replace.push(bad.clone());
        }
        if let Some(active) = self
            .superseded(&deployment, &ctx)
            .await?
            .filter(|active| active.deployment_id != bad.deployment_id)
        {
            write.replace.push(active);
        }
        write.insert = Some(deployment.clone());
        self.core.store.write_deployments(&write, &ctx).await?;
        Ok(deployment)
    }

    /// Only what serves, or what served last where nothing does now, can be rolled back: an older deployment was replaced
    /// already, and rolling it back would end whatever serves instead of it.
    async fn refuse_past(&self, bad: &Deployment) -> Result<()> {
        let active = self.active(&bad.model_name, bad.environment).await?;
        match active {
            Some(active) if active.deployment_id != bad.deployment_id => {
                Err(ServiceError::NotPossible {
                    message: format!(
                        "deployment '{}' does not serve any more: version {} does, by deployment '{}'",
                        bad.deployment_id, active.version, active.deployment_id
                    ),
                    hint: format!(
                        "if that one is bad: 'modeldeck deployment rollback {}'",
                        active.deployment_id
                    ),
                })
            }
            _ => Ok(()),
        }
    }

    /// What a rollback of `bad` goes back to: the one that was named, or the last good one.
    pub async fn target(
        &self,
        bad: &Deployment,
        named: Option<&DeploymentId>,
    ) -> Result<Deployment> {
        if bad.activated_at.is_none() {
            return Err(ServiceError::NotPossible {
                message: format!(
                    "deployment '{}' never served, so there is nothing to roll back",
                    bad.deployment_id
                ),
                hint: format!(
                    "'modeldeck deployment update {} --status TERMINATED' ends it",
                    bad.deployment_id
                ),
            });
        }
        if let Some(named) = named {
            let good = self.get(named).await?;
            if good.model_name != bad.model_name || good.environment != bad.environment {
                return Err(ServiceError::NotPossible {
                    message: format!(
                        "deployment '{named}' is of {} in {}, not of {} in {}",
                        good.model_name, good.environment, bad.model_name, bad.environment
                    ),
                    hint: "name a deployment of the same model and environment".to_owned(),
                });
            }
            if good.activated_at.is_none() || good.deployment_id == bad.deployment_id {
                return Err(ServiceError::NotPossible {
                    message: format!(
                        "deployment '{named}' is no way back: it {}",
                        if good.deployment_id == bad.deployment_id {
                            "is the bad one itself"
                        } else {
                            "never served"
                        }
                    ),
                    hint: "name an earlier deployment that served".to_owned(),
                });
            }
            return Ok(good);
        }
        let query = DeploymentQuery {
            model: Some(bad.model_name.clone()),
            environment: Some(bad.environment),
            ..DeploymentQuery::default()
        };
        let history = self
            .core
            .store
            .deployments(&query, &PageRequest::all())
            .await?
            .rows;
        deployment::rollback_target(bad, &history)
            .cloned()
            .ok_or_else(|| ServiceError::NotPossible {
                message: format!(
                    "there is no earlier good deployment of {} in {} to go back to",
                    bad.model_name, bad.environment
                ),
                hint: "deploy another version, or name one with --to".to_owned(),
            })
    }

    pub async fn get(&self, deployment_id: &DeploymentId) -> Result<Deployment> {
        Ok(self.core.store.deployment(deployment_id).await?)
    }

    pub async fn active(
        &self,
        model_name: &ModelName,
        environment: Environment,
    ) -> Result<Option<Deployment>> {
        Ok(self
            .core
            .store
            .active_deployment(model_name, environment)
            .await?)
    }

    pub async fn list(
        &self,
        query: &DeploymentQuery,
        page: &PageRequest,
    ) -> Result<Page<Deployment>> {
        Ok(self.core.store.deployments(query, page).await?)
    }

    pub async fn count(&self, query: &DeploymentQuery) -> Result<u64> {
        Ok(self.core.store.count_deployments(query).await?)
    }
}
