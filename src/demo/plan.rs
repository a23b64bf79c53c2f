//! What happens when and by whom: gathered in any order, carried out in the order of time, so that the audit log reads like a diary.

use super::DemoTime;
use crate::domain::{
    Alias, DeploymentId, DeploymentStatus, DriftEventId, ExperimentName, ModelName, RunId, Stage,
    Version,
};
use crate::service::{
    ChecklistMark, DeploymentUpdate, ExperimentUpdate, ModelLifecycleService, ModelVersionUpdate,
    NewDecision, NewDeployment, NewDriftEvent, NewExperiment, NewModelVersion, NewRun, Result,
    Rollback, RunUpdate, StageChange,
};
use crate::store::SeriesBatch;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    Alice,
    Bob,
    Carol,
    Dan,
}

impl Person {
    pub(super) const ALL: [Self; 4] = [Self::Alice, Self::Bob, Self::Carol, Self::Dan];
}

/// One thing that somebody did.
pub(super) enum Step {
    Policy(&'static str, &'static str),
    Experiment(Box<NewExperiment>),
    ChangeExperiment(ExperimentName, Box<ExperimentUpdate>),
    Begin(Box<NewRun>),
    Points(Vec<SeriesBatch>),
    Output(RunId, String),
    End(RunId, Box<RunUpdate>),
    Register(Box<NewModelVersion>),
    ChangeVersion(ModelName, Version, Box<ModelVersionUpdate>),
    Mark(ModelName, Version, ChecklistMark),
    Decide(ModelName, Version, NewDecision),
    SetStage(ModelName, Version, Stage, &'static str),
    SetAlias(ModelName, Version, Alias),
    Deploy(Box<NewDeployment>),
    Move(DeploymentId, DeploymentStatus, &'static str),
    RollBack(DeploymentId, Rollback),
    Drift(Box<NewDriftEvent>),
    Acknowledge(DriftEventId, &'static str),
    Resolve(DriftEventId, &'static str),
}

struct Planned {
    at: Timestamp,
    who: Person,
    step: Step,
}

pub(super) struct Plan {
    now: Timestamp,
    steps: Vec<Planned>,
}

impl Plan {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            steps: Vec::new(),
        }
    }

    /// So many hours before the present.
    pub(super) fn ago(&self, hours: f64) -> Timestamp {
        later(self.now, -hours)
    }

    pub(super) fn add(&mut self, at: Timestamp, who: Person, step: Step) {
        self.steps.push(Planned { at, who, step });
    }

    pub(super) async fn carry_out(
        mut self,
        service: &ModelLifecycleService,
        time: &DemoTime,
    ) -> Result<()> {
        // Stable, so that what was planned first at one moment happens first.
        self.steps.sort_by_key(|planned| planned.at);
        let team = Person::ALL.map(|person| service.acting_as(person.identity()));
        for Planned { at, who, step } in self.steps {
            time.set(at);
            carry_out(&team[who as usize], step).await?;
        }
        time.set(self.now);
        Ok(())
    }
}

/// So many hours later, to the millisecond.
pub(super) fn later(at: Timestamp, hours: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "the demo spans months")]
    let milliseconds = (hours * 3_600_000.0).round() as i64;
    at + SignedDuration::from_millis(milliseconds)
}

async fn carry_out(service: &ModelLifecycleService, step: Step) -> Result<()> {
    match step {
        Step::Policy(key, value) => {
            let why = Some("what the review board agreed on");
            service.approvals().set_policy(key, value, why).await?;
        }
        Step::Experiment(new) => {
            service.create_experiment(*new).await?;
        }
        Step::ChangeExperiment(name, update) => {
            service.update_experiment(&name, &update).await?;
        }
        Step::Begin(new) => {
            service.log_run(*new).await?;
        }
        Step::Points(batches) => service.runs().append(&batches).await?,
        Step::Output(run_id, text) => {
            service
                .runs()
                .append_output(&run_id, text.as_bytes())
                .await?;
        }
        Step::End(run_id, update) => {
            service.runs().finish_output(&run_id).await?;
            service.update_run(&run_id, &update).await?;
        }
        Step::Register(new) => {
            service.register_model_version(*new).await?;
        }
        Step::ChangeVersion(model, version, update) => {
            service
                .update_model_version(&model, &version, &update)
                .await?;
        }
        Step::Mark(model, version, mark) => {
            service
                .mark_checklist_status(&model, &version, &[mark], None)
                .await?;
        }
        Step::Decide(model, version, decision) => {
            service
                .approvals()
                .decide(&model, &version, &decision)
                .await?;
        }
        Step::SetStage(model, version, stage, reason) => {
            let change = StageChange {
                reason: Some(reason.to_owned()),
                expected: None,
            };
            service.set_stage(&model, &version, stage, &change).await?;
        }
        Step::SetAlias(model, version, alias) => {
            service.set_alias(&model, &version, &alias).await?;
        }
        Step::Deploy(new) => {
            service.create_deployment(*new).await?;
        }
        Step::Move(deployment_id, status, reason) => {
            let update = DeploymentUpdate {
                status: Some(status),
                reason: Some(reason.to_owned()),
                ..DeploymentUpdate::default()
            };
            service.update_deployment(&deployment_id, &update).await?;
        }
        Step::RollBack(deployment_id, rollback) => {
            service
                .deployments()
                .roll_back(&deployment_id, &rollback)
                .await?;
        }
        Step::Drift(new) => {
            service.record_drift_event(*new).await?;
        }
        Step::Acknowledge(event_id, note) => {
            service
                .drift()
                .acknowledge(&event_id, Some(note), None)
                .await?;
        }
        Step::Resolve(event_id, note) => {
            service.drift().resolve(&event_id, note, None).await?;
        }
    }
    Ok(())
}
