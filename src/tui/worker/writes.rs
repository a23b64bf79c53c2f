//! Carries out changes through the service, and says in a sentence what came of each.

use crate::domain::text::visible;
use crate::domain::{Deployment, DeploymentId, ModelName, Version};
use crate::service::{ModelLifecycleService, Result, VersionName};
use crate::tui::message::{Write, Written};

pub(super) async fn carry_out(service: &ModelLifecycleService, write: Write) -> Result<Written> {
    match write {
        Write::CreateExperiment(_)
        | Write::UpdateExperiment(..)
        | Write::LogRun(_)
        | Write::UpdateRun(..) => work(service, write).await,
        Write::RecordDrift(_)
        | Write::AcknowledgeDrift(..)
        | Write::ResolveDrift(..)
        | Write::CreateDeployment(_)
        | Write::UpdateDeployment(..)
        | Write::RollBack(..) => serving(service, write).await,
        Write::RetrySync(id) => {
            let item = service.sync().retry(id).await?;
            let label = visible(&item.label()).into_owned();
            Ok(written(format!("{label} is queued again"), ""))
        }
        Write::DropSync(id, reason) => {
            let item = service.sync().give_up(id, &reason).await?;
            let label = visible(&item.label()).into_owned();
            Ok(written(format!("the copy of {label} is given up"), ""))
        }
        _ => registry(service, write).await,
    }
}

fn written(said: String, id: impl Into<String>) -> Written {
    Written {
        said,
        hint: None,
        id: id.into(),
    }
}

async fn work(service: &ModelLifecycleService, write: Write) -> Result<Written> {
    Ok(match write {
        Write::CreateExperiment(new) => {
            let experiment = service.create_experiment(new).await?;
            written(
                format!("experiment '{}' created", experiment.name),
                experiment.name.as_str(),
            )
        }
        Write::UpdateExperiment(name, update) => {
            let experiment = service.update_experiment(&name, &update).await?;
            written(
                format!("experiment '{}' updated", experiment.name),
                experiment.name.as_str(),
            )
        }
        Write::LogRun(new) => {
            let run = service.log_run(new).await?;
            let said = format!("run '{}' logged", crate::domain::text::visible(&run.name));
            written(said, run.run_id.as_str())
        }
        Write::UpdateRun(run_id, update) => {
            let run = service.update_run(&run_id, &update).await?;
            let name = crate::domain::text::visible(&run.name);
            let said = match update.status {
                Some(status) => format!("run '{name}' is {status}"),
                None => format!("run '{name}' updated"),
            };
            written(said, run.run_id.as_str())
        }
        _ => unreachable!("carry_out sends only experiments and runs here"),
    })
}

async fn registry(service: &ModelLifecycleService, write: Write) -> Result<Written> {
    let (said, version) = match write {
        Write::RegisterVersion(new) => ("registered", service.register_model_version(new).await?),
        Write::UpdateVersion(model, version, update) => (
            "updated",
            service
                .update_model_version(&model, &version, &update)
                .await?,
        ),
        Write::SetStage(model, version, stage, change) => {
            let version = service.set_stage(&model, &version, stage, &change).await?;
            let said = format!(
                "version '{}' is in stage {}",
                version.label(),
                version.stage
            );
            return Ok(written(said, version.label()));
        }
        Write::SetAlias(model, version, alias) => {
            let version = service.set_alias(&model, &version, &alias).await?;
            let said = format!("alias '{alias}' names version '{}'", version.label());
            return Ok(written(said, version.label()));
        }
        Write::RemoveAlias(model, version, alias) => {
            let version = service
                .registry()
                .remove_alias(&model, &version, &alias)
                .await?;
            let said = format!("alias '{alias}' taken from version '{}'", version.label());
            return Ok(written(said, version.label()));
        }
        Write::AppendItem(model, version, item) => {
            let version = service
                .append_checklist_item(&model, &version, &item)
                .await?;
            let said = format!(
                "item '{}' added to the checklist of '{}'",
                item.name,
                version.label()
            );
            return Ok(written(said, version.label()));
        }
        Write::MarkItems {
            model_name,
            version,
            marks,
            notes,
            expected,
        } => (
            "has its checklist marked",
            service
                .approvals()
                .mark(&model_name, &version, &marks, notes.as_deref(), expected)
                .await?,
        ),
        Write::Decide(model, version, decision) => {
            let verdict = decision.verdict;
            let version = service
                .approvals()
                .decide(&model, &version, &decision)
                .await?;
            let said = format!("{verdict} recorded on version '{}'", version.label());
            return Ok(written(said, version.label()));
        }
        _ => unreachable!("carry_out sends only versions here"),
    };
    Ok(written(
        format!("version '{}' {said}", version.label()),
        version.label(),
    ))
}

async fn serving(service: &ModelLifecycleService, write: Write) -> Result<Written> {
    let event = match write {
        Write::RecordDrift(mut new) => {
            // An alias is as good a name as any where somebody types one.
            new.version = meant(service, &new.model_name, new.version).await?;
            service.record_drift_event(new).await?
        }
        Write::AcknowledgeDrift(event_id, note, expected) => {
            service
                .drift()
                .acknowledge(&event_id, note.as_deref(), expected)
                .await?
        }
        Write::ResolveDrift(event_id, note, expected) => {
            service.drift().resolve(&event_id, &note, expected).await?
        }
        write => return deployment(service, write).await,
    };
    let said = format!(
        "drift of '{}' on '{} {}' is {}, {}",
        event.metric, event.model_name, event.version, event.state, event.severity
    );
    Ok(written(said, event.event_id.as_str()))
}

async fn deployment(service: &ModelLifecycleService, write: Write) -> Result<Written> {
    let deployment = match write {
        Write::CreateDeployment(mut new) => {
            new.version = meant(service, &new.model_name, new.version).await?;
            service.create_deployment(new).await?
        }
        Write::UpdateDeployment(deployment_id, update) => {
            let deployment = service.update_deployment(&deployment_id, &update).await?;
            if update.status.is_none() {
                return Ok(deployment_written(&deployment, "updated"));
            }
            deployment
        }
        Write::RollBack(deployment_id, rollback) => {
            let deployments = service.deployments();
            let good = deployments.roll_back(&deployment_id, &rollback).await?;
            return Ok(rolled_back(service, &good, &deployment_id).await);
        }
        _ => unreachable!("serving sends only deployments here"),
    };
    let said = format!("is {}", deployment.status);
    Ok(deployment_written(&deployment, &said))
}

/// What serves now, and that the stages of the registry are another matter. It is done already, so what cannot be read is left out.
async fn rolled_back(
    service: &ModelLifecycleService,
    good: &Deployment,
    bad: &DeploymentId,
) -> Written {
    let (model, environment) = (&good.model_name, good.environment);
    let said = format!(
        "version {} of '{model}' serves in {environment} again",
        good.version
    );
    let mut stages = Vec::new();
    let bad = service.get_deployment(bad).await.ok();
    for version in [Some(&good.version), bad.as_ref().map(|bad| &bad.version)] {
        let Some(version) = version else { continue };
        if let Ok(version) = service.get_model_version(model, version).await {
            stages.push(format!("{} is in stage {}", version.version, version.stage));
        }
    }
    let hint = format!(
        "the registry is as it was: {}; 't' there sets a stage",
        stages.join(", ")
    );
    Written {
        said,
        hint: (!stages.is_empty()).then_some(hint),
        id: good.deployment_id.as_str().to_owned(),
    }
}

fn deployment_written(deployment: &Deployment, what: &str) -> Written {
    let said = format!(
        "deployment of '{} {}' to {} {what}",
        deployment.model_name, deployment.version, deployment.environment
    );
    written(said, deployment.deployment_id.as_str())
}

/// The version that was typed, by its name or by an alias that it has.
async fn meant(
    service: &ModelLifecycleService,
    model: &ModelName,
    given: Version,
) -> Result<Version> {
    let given = VersionName::Either(given);
    Ok(service.registry().named(model, &given).await?.version)
}
