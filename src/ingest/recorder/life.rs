//! Runs that events begin, take up again, keep alive and end.

use super::{Event, KnownRun, Label, Recorder, Refusal};
use crate::domain::{Artifact, ExperimentName, Key, ModelRun, Params, RunId, RunStatus, Tags};
use crate::ingest::event::RunEvent;
use crate::service::{NewExperiment, NewRun, Result, RunUpdate, ServiceError};
use crate::store::StoreError;
use std::borrow::Cow;

impl Recorder {
    /// Takes an event that may need the store.
    pub(super) async fn take(&mut self, line: u64, event: Event<'static>) -> Result<(), Refusal> {
        match event {
            Event::Metric(metric) => {
                let run = self.find(metric.run_id.as_ref()).await?;
                let place = self.series(run, &metric.key)?;
                self.add_point(place, &metric)
            }
            Event::Param { run_id, key, value } => {
                let run = self.find(run_id.as_ref()).await?;
                self.wait_with(run, line, Label::Param(key_of(&key)?, value));
                Ok(())
            }
            Event::Tag { run_id, key, value } => {
                let run = self.find(run_id.as_ref()).await?;
                self.wait_with(run, line, Label::Tag(key_of(&key)?, value));
                Ok(())
            }
            Event::Artifact {
                run_id,
                path,
                size,
                digest,
            } => {
                let run = self.find(run_id.as_ref()).await?;
                let path = path.into_owned();
                let artifact = Artifact { path, size, digest };
                self.wait_with(run, line, Label::Artifact(artifact));
                Ok(())
            }
            Event::Heartbeat { run_id } => {
                let run = self.find(run_id.as_ref()).await?;
                let run_id = self.runs[run].run_id.clone();
                let runs = self.service.runs().clone();
                self.options
                    .patience
                    .persist(|| runs.heartbeat(&run_id))
                    .await?;
                self.tally.events += 1;
                Ok(())
            }
            Event::Run(event) => self.begin(event).await,
            Event::End { run_id, status } => self.end(run_id, status.as_deref()).await,
        }
    }

    /// Tells that the runs of this stream are alive, those that did not end.
    pub async fn beat(&self) -> Result<()> {
        for run in &self.runs {
            if run.status == RunStatus::Running {
                self.service.runs().heartbeat(&run.run_id).await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, event: RunEvent<'_>) -> Result<(), Refusal> {
        let given = self.run_id(event.run_id.as_ref())?;
        let run_id = RunId::new(&given).map_err(|error| Refusal::Line(error.to_string()))?;
        let experiment = event.experiment.as_deref().map(ExperimentName::new);
        let experiment = experiment
            .transpose()
            .map_err(|error| Refusal::Line(error.to_string()))?;
        let (params, tags) = (labels(event.params)?, labels(event.tags)?);
        let name = event.name.map(Cow::into_owned);
        // What was said before of this run is written before what is said now.
        self.finish().await?;
        let found = self.existing(&run_id).await?;
        let run = match (found, experiment) {
            (Some(run), experiment) => {
                if let Some(other) = experiment.filter(|name| *name != run.experiment_name) {
                    return Err(Refusal::Line(format!(
                        "run '{run_id}' belongs to experiment '{}', not to '{other}'",
                        run.experiment_name
                    )));
                }
                self.go_on(run, name, params, tags).await?
            }
            (None, None) => {
                return Err(Refusal::Line(format!(
                    "run '{run_id}' is new, so it needs an 'experiment'"
                )));
            }
            (None, Some(experiment)) => {
                let run = self
                    .create(NewRun {
                        run_id: Some(run_id),
                        name,
                        params,
                        tags,
                        source: self.options.source.clone(),
                        ..NewRun::new(experiment)
                    })
                    .await?;
                self.tally.runs_created += 1;
                run
            }
        };
        self.tally.events += 1;
        match self.by_id.get(run.run_id.as_str()) {
            Some(known) => self.runs[*known].status = run.status,
            None => {
                self.meet(KnownRun::of(run));
            }
        }
        Ok(())
    }

    async fn existing(&self, run_id: &RunId) -> Result<Option<ModelRun>, Refusal> {
        let runs = self.service.runs().clone();
        match self.options.patience.persist(|| runs.get(run_id)).await {
            Ok(run) => Ok(Some(run)),
            Err(ServiceError::Store(StoreError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a run up again; writes nothing when nothing is new.
    async fn go_on(
        &self,
        run: ModelRun,
        name: Option<String>,
        params: Params,
        tags: Tags,
    ) -> Result<ModelRun> {
        let update = RunUpdate {
            name: name.filter(|name| *name != run.name),
            status: (run.status == RunStatus::Pending).then_some(RunStatus::Running),
            params,
            set_tags: tags,
            ..RunUpdate::default()
        };
        let nothing_new = update.name.is_none()
            && update.status.is_none()
            && is_part_of(&update.params, &run.params)
            && is_part_of(&update.set_tags, &run.tags);
        if nothing_new {
            return Ok(run);
        }
        self.options
            .patience
            .persist(|| self.service.runs().update(&run.run_id, &update))
            .await
    }

    /// Makes a run, and its experiment when that is missing.
    async fn create(&self, new: NewRun) -> Result<ModelRun> {
        self.options
            .patience
            .persist(|| async {
                match self.service.runs().log(new.clone()).await {
                    Err(ServiceError::Store(StoreError::NotFound { .. })) => {
                        ensure_experiment(&self.service, &new.experiment_name).await?;
                        self.service.runs().log(new.clone()).await
                    }
                    settled => settled,
                }
            })
            .await
    }

    async fn end(
        &mut self,
        run_id: Option<Cow<'_, str>>,
        status: Option<&str>,
    ) -> Result<(), Refusal> {
        let status: RunStatus = status
            .unwrap_or(RunStatus::Completed.as_str())
            .parse()
            .map_err(|error: crate::domain::UnknownWord| Refusal::Line(error.to_string()))?;
        if !status.is_final() {
            return Err(Refusal::Line(format!(
                "{status} does not end a run; COMPLETED, FAILED and KILLED do"
            )));
        }
        let run = self.find(run_id.as_ref()).await?;
        self.finish().await?;
        let update = RunUpdate {
            status: Some(status),
            ..RunUpdate::default()
        };
        let run_id = &self.runs[run].run_id;
        let ended = self
            .options
            .patience
            .persist(|| self.service.runs().update(run_id, &update))
            .await?;
        self.runs[run].status = ended.status;
        self.tally.events += 1;
        self.tally.runs_ended += 1;
        Ok(())
    }
}

/// Makes an experiment unless it is there; tells whether it was missing.
pub(crate) async fn ensure_experiment(
    service: &crate::service::ModelLifecycleService,
    name: &ExperimentName,
) -> Result<bool> {
    match service.get_experiment(name).await {
        Err(ServiceError::Store(StoreError::NotFound { .. })) => {}
        found => return found.map(|_| false),
    }
    match service
        .create_experiment(NewExperiment::new(name.clone()))
        .await
    {
        Ok(_) => Ok(true),
        // Another program made it in this moment, which is as good.
        Err(ServiceError::Store(StoreError::AlreadyExists { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

fn key_of(given: &str) -> Result<Key, Refusal> {
    Key::new(given).map_err(|error| Refusal::Line(error.to_string()))
}

fn labels(given: Vec<(String, String)>) -> Result<Tags, Refusal> {
    let mut labels = Tags::new();
    for (key, value) in given {
        let key = key_of(&key)?;
        if labels.contains_key(&key) {
            return Err(Refusal::Line(format!("'{key}' is given twice")));
        }
        labels.insert(key, value);
    }
    Ok(labels)
}

fn is_part_of(some: &Tags, all: &Tags) -> bool {
    some.iter().all(|(key, value)| all.get(key) == Some(value))
}
