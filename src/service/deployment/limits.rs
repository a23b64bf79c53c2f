//! What a deployment may be given, and where it may go. Reads and writes nothing.

use super::DeploymentUpdate;
use crate::domain::{Deployment, DeploymentStatus, Endpoint, HealthCheck, uri};
use crate::service::core::{address, free_text};
use crate::service::{Result, ServiceError};
use crate::store::WriteContext;

/// What has ended stays as it was told: nothing of it is rewritten, and no status follows.
pub(super) fn refuse_ended(deployment: &Deployment, update: &DeploymentUpdate) -> Result<()> {
    let status = deployment.status;
    let moves = update.status.is_some_and(|asked| asked != status);
    let rewritten: Vec<&str> = [
        (
            "endpoint",
            differs(update.endpoint.as_ref(), deployment.endpoint.as_ref()),
        ),
        (
            "health check",
            differs(
                update.health_check.as_ref(),
                deployment.health_check.as_ref(),
            ),
        ),
        (
            "reason",
            differs(update.reason.as_ref(), deployment.reason.as_ref()),
        ),
    ]
    .iter()
    .filter_map(|(what, given)| given.then_some(*what))
    .collect();
    if !status.is_final() || moves || rewritten.is_empty() {
        return Ok(());
    }
    let id = &deployment.deployment_id;
    Err(ServiceError::NotPossible {
        message: format!(
            "deployment '{id}' is {status}, so its {} stays as it is",
            rewritten.join(" and ")
        ),
        hint: format!(
            "only a PENDING or ACTIVE deployment is changed; 'modeldeck deployment create --model {} --version {} --environment {}' makes a new one",
            deployment.model_name, deployment.version, deployment.environment
        ),
    })
}

/// Whether something is given that is not there already.
fn differs<T: PartialEq>(given: Option<&T>, there: Option<&T>) -> bool {
    given.is_some() && given != there
}

/// Moves along the legal graph and notes when.
pub(super) fn move_to(
    deployment: &mut Deployment,
    status: DeploymentStatus,
    ctx: &WriteContext,
) -> Result<()> {
    if !deployment.status.next().contains(&status) {
        let object = format!("deployment '{}'", deployment.deployment_id);
        let from = deployment.status;
        return Err(ServiceError::no_way(object, from, status, from.next()));
    }
    deployment.status = status;
    match status {
        DeploymentStatus::Active => deployment.activated_at = Some(ctx.at),
        DeploymentStatus::Failed | DeploymentStatus::Terminated => {
            deployment.ended_at = Some(ctx.at);
        }
        DeploymentStatus::Pending => {}
    }
    Ok(())
}

pub(super) fn check_endpoint(endpoint: Option<&Endpoint>) -> Result<()> {
    let Some(endpoint) = endpoint else {
        return Ok(());
    };
    address("endpoint", &endpoint.url)?;
    match uri::scheme(&endpoint.url).as_deref() {
        Some("http" | "https" | "tcp" | "grpc") => {}
        _ => {
            return Err(ServiceError::invalid(
                "endpoint",
                "an endpoint starts with http://, https://, tcp:// or grpc://",
            ));
        }
    }
    for (key, value) in &endpoint.options {
        free_text("endpoint", key)?;
        free_text("endpoint", value)?;
        if crate::domain::secret::speaks_of_secret(key) {
            return Err(ServiceError::invalid(
                "endpoint",
                format!(
                    "the option '{}' is the name of a secret, and secrets are not stored",
                    crate::domain::text::visible(key)
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn check_health(check: Option<&HealthCheck>) -> Result<()> {
    let Some(check) = check else {
        return Ok(());
    };
    let wrong = |message: &str| Err(ServiceError::invalid("health_check", message));
    if !(1..=3600).contains(&check.period_seconds) {
        return wrong("the period of a health check is 1 to 3600 seconds");
    }
    if !(1..=60).contains(&check.timeout_seconds) {
        return wrong("the time-out of a health check is 1 to 60 seconds");
    }
    if !(1..=100).contains(&check.success_threshold)
        || !(1..=100).contains(&check.failure_threshold)
    {
        return wrong("the thresholds of a health check are 1 to 100");
    }
    if check.path.as_ref().is_some_and(|path| {
        !path.starts_with('/') || path.chars().any(|c| c.is_whitespace() || c.is_control())
    }) {
        return wrong("the path of a health check starts with '/' and has no spaces");
    }
    Ok(())
}
