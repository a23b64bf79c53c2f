//! Experiments: matched by their names, which are unique on both sides.

use super::draft;
use super::merge::{self, Base, Held};
use super::report::About;
use super::{Early, Job, imports_of};
use crate::domain::{ExperimentName, ModelExperiment, ObjectKind};
use crate::service::{Result, ServiceError};
use crate::store::StoreError;
use crate::store::import::RawExperiment;
use std::collections::HashMap;

/// What starts the names of the experiments in which modeldeck keeps its own ledger on a server.
const RESERVED: &str = "modeldeck/";

/// Where the runs of an experiment go.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Into {
        name: ExperimentName,
        /// It was put away here, so it takes no new runs.
        is_archived: bool,
    },
    Skipped,
    Refused,
}

/// What became of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Added,
    Updated,
    Unchanged,
}

impl super::Tally {
    pub(super) fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Added => self.added += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
        }
    }
}

impl Job<'_> {
    pub(super) async fn bring_experiments(
        &mut self,
        experiments: Vec<RawExperiment>,
    ) -> Result<(), Early> {
        let mut ids: HashMap<ExperimentName, String> = HashMap::new();
        for raw in experiments {
            self.look_up().await?;
            let id = raw.id.clone();
            let target = self.bring_experiment(raw, &mut ids).await?;
            self.experiments.insert(id, target);
        }
        Ok(())
    }

    async fn bring_experiment(
        &mut self,
        raw: RawExperiment,
        ids: &mut HashMap<ExperimentName, String>,
    ) -> Result<Target, Early> {
        let reason = if raw.is_deleted {
            Some("experiments that are deleted at the source, with their runs")
        } else if raw.name.starts_with(RESERVED) {
            Some("experiments in which modeldeck keeps its own ledger on that server")
        } else {
            None
        };
        if let Some(reason) = reason {
            self.report.experiments.skipped += 1;
            self.report.skip(reason);
            return Ok(Target::Skipped);
        }
        let mut about = About::new("experiment", raw.name.as_str());
        let id = raw.id.clone();
        let (importer, now) = (self.core.identity.person(), self.core.clock.now());
        let drafted = draft::experiment(raw, importer, now, &mut about);
        let Some(theirs) = drafted else {
            self.report.experiments.refused += 1;
            about.tell(&mut self.report);
            return Ok(Target::Refused);
        };
        if let Some(other) = ids.insert(theirs.name.clone(), id) {
            about.refuse(
                "",
                format!("experiment {other} of the source has the same name here, with its runs"),
            );
            self.report.experiments.refused += 1;
            about.tell(&mut self.report);
            return Ok(Target::Refused);
        }
        let (theirs, drafted) = (&theirs, &about);
        let (core, reason) = (self.core, self.reason.as_str());
        let (ours, outcome, about) = core
            .settle(None, move || async move {
                let mut about = drafted.clone();
                let (ours, outcome) = settle(core, reason, theirs, &mut about).await?;
                Ok((ours, outcome, about))
            })
            .await?;
        self.report.experiments.count(outcome);
        about.tell(&mut self.report);
        Ok(Target::Into {
            is_archived: outcome != Outcome::Added && !ours.status.takes_runs(),
            name: ours.name,
        })
    }
}

async fn settle(
    core: &crate::service::core::Core,
    reason: &str,
    theirs: &ModelExperiment,
    about: &mut About,
) -> Result<(ModelExperiment, Outcome)> {
    let ctx = core.write("import_experiment", Some(reason))?;
    let mut ours = match core.store.experiment(&theirs.name).await {
        Ok(ours) => ours,
        Err(StoreError::NotFound { .. }) => {
            let inserted = core.store.insert_experiment(theirs, &ctx).await;
            return match inserted {
                Ok(()) => Ok((theirs.clone(), Outcome::Added)),
                // Somebody made it in this moment: a race like any other.
                Err(StoreError::AlreadyExists { kind, id }) => {
                    Err(StoreError::conflict(kind, &id).into())
                }
                Err(error) => Err(ServiceError::from(error)),
            };
        }
        Err(error) => return Err(error.into()),
    };
    let entries = imports_of(
        core,
        ObjectKind::Experiment,
        ctx.action,
        theirs.name.as_str(),
    )
    .await?;
    let base = Base::of(&entries);
    let before = ours.clone();
    let was: Option<String> = base.field("description");
    match merge::field(&ours.description, was.as_ref(), &theirs.description) {
        Held::Same => {}
        Held::Ours if !ours.description.is_empty() => {
            if !theirs.description.is_empty() {
                about.keep("description", "it was changed here");
            }
        }
        Held::Theirs | Held::Ours => ours.description.clone_from(&theirs.description),
    }
    for key in merge::map(&mut ours.tags, &base.map("tags"), &theirs.tags) {
        about.keep(format!("tag '{key}'"), "it was changed here");
    }
    if ours == before {
        return Ok((ours, Outcome::Unchanged));
    }
    ours.updated_at = ctx.at;
    ours.revision = core.store.replace_experiment(&ours, &ctx).await?;
    Ok((ours, Outcome::Updated))
}
