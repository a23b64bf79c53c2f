//! Reads what a change lost its race against. It judges nothing: whether the change still makes sense is for the person who sends it.

use super::reads;
use crate::domain::{
    DeploymentId, DriftEventId, ExperimentName, ModelName, ObjectKind, RunId, Version,
};
use crate::service::{ModelLifecycleService, Result};
use crate::tui::message::{Answer, Meanwhile, Object, Question, Write};

/// How many audit entries are looked at for those that came between.
const ENTRIES: usize = 20;

/// The object that a change is about, where it is about one that is there.
#[derive(Debug)]
pub(super) enum Target {
    Experiment(ExperimentName),
    Run(RunId),
    Version(ModelName, Version),
    DriftEvent(DriftEventId),
    Deployment(DeploymentId),
}

impl Target {
    pub(super) fn of(write: &Write) -> Option<Self> {
        match write {
            Write::UpdateExperiment(name, _) => Some(Self::Experiment(name.clone())),
            Write::UpdateRun(run_id, _) => Some(Self::Run(run_id.clone())),
            Write::UpdateVersion(model, version, _)
            | Write::SetStage(model, version, ..)
            | Write::SetAlias(model, version, _)
            | Write::RemoveAlias(model, version, _)
            | Write::AppendItem(model, version, _)
            | Write::MarkItems {
                model_name: model,
                version,
                ..
            }
            | Write::Decide(model, version, _) => {
                Some(Self::Version(model.clone(), version.clone()))
            }
            Write::AcknowledgeDrift(event_id, ..) | Write::ResolveDrift(event_id, ..) => {
                Some(Self::DriftEvent(event_id.clone()))
            }
            Write::UpdateDeployment(deployment_id, _) | Write::RollBack(deployment_id, _) => {
                Some(Self::Deployment(deployment_id.clone()))
            }
            Write::CreateExperiment(_)
            | Write::LogRun(_)
            | Write::RegisterVersion(_)
            | Write::RecordDrift(_)
            | Write::CreateDeployment(_)
            | Write::RetrySync(_)
            | Write::DropSync(..) => None,
        }
    }
}

pub(super) async fn meanwhile(
    service: &ModelLifecycleService,
    target: &Target,
) -> Result<Option<Meanwhile>> {
    let (kind, id, object) = match target {
        Target::Experiment(name) => {
            let experiment = service.get_experiment(name).await?;
            let id = name.as_str().to_owned();
            (ObjectKind::Experiment, id, Object::Experiment(experiment))
        }
        Target::Run(run_id) => {
            let run = service.get_run(run_id).await?;
            let id = run_id.as_str().to_owned();
            (ObjectKind::Run, id, Object::Run(run))
        }
        Target::Version(model, version) => {
            let object = service.get_model_version(model, version).await?;
            let question = Question::Version(model.clone(), version.clone());
            let Answer::Version(more) = reads::answer(service, question).await? else {
                return Ok(None);
            };
            let id = object.label();
            let object = Object::Version(object, *more);
            (ObjectKind::ModelVersion, id, object)
        }
        Target::DriftEvent(event_id) => {
            let event = service.get_drift_event(event_id).await?;
            let id = event_id.as_str().to_owned();
            (ObjectKind::DriftEvent, id, Object::DriftEvent(event))
        }
        Target::Deployment(deployment_id) => {
            let deployment = service.get_deployment(deployment_id).await?;
            let question = Question::Deployment(deployment_id.clone());
            let Answer::Deployment(more) = reads::answer(service, question).await? else {
                return Ok(None);
            };
            let id = deployment_id.as_str().to_owned();
            let object = Object::Deployment(deployment, *more);
            (ObjectKind::Deployment, id, object)
        }
    };
    Ok(Some(Meanwhile {
        object,
        history: service.audit().history(kind, &id, ENTRIES).await?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AuditEntry;
    use crate::service::{ExperimentUpdate, NewExperiment, ServiceOptions};

    #[tokio::test]
    async fn what_came_between_is_read_with_who_did_it() {
        let directory = tempfile::tempdir().unwrap();
        let options = ServiceOptions::local(directory.path().join("store.db"));
        let service = ModelLifecycleService::open(options).await.unwrap();
        let name = ExperimentName::new("fraud").unwrap();
        let new = NewExperiment::new(name.clone());
        let seen = service.create_experiment(new).await.unwrap();
        let theirs = ExperimentUpdate {
            owner: Some("carol".to_owned()),
            ..ExperimentUpdate::default()
        };
        service.update_experiment(&name, &theirs).await.unwrap();

        let mine = ExperimentUpdate {
            description: Some("mine".to_owned()),
            expected: Some(seen.revision),
            ..ExperimentUpdate::default()
        };
        let write = Write::UpdateExperiment(name, mine);
        let target = Target::of(&write).unwrap();
        let found = meanwhile(&service, &target).await.unwrap().unwrap();
        let now = found.object.experiment().unwrap();
        assert_eq!(now.owner, "carol");
        assert_ne!(now.revision, seen.revision);
        let since = found
            .history
            .iter()
            .filter(|entry| entry.at > seen.updated_at);
        let told: Vec<Vec<String>> = since.map(AuditEntry::changes).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0][0].ends_with("→ carol"), "{told:?}");
    }
}
