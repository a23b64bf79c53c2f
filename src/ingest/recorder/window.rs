//! Beginnings and ends of runs, gathered for a moment and written together: a transaction for each run would cost far more than the run.
//!
//! What follows in the stream on a run whose beginning waits, waits with it and is judged after it, so that every line meets the same fate as if each
//! were written alone.

use super::{Event, KnownRun, Recorder, Refusal};
use crate::domain::{ExperimentName, ModelRun, Params, RunId, RunStatus, Tags};
use crate::ingest::patience::is_fault_of_store;
use crate::ingest::together::together;
use crate::service::{NewRun, Result, RunUpdate, ServiceError};
use crate::store::StoreError;
use jiff::Timestamp;

/// A run that shall be begun, or taken up again.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) line: u64,
    pub(super) run_id: RunId,
    pub(super) experiment: Option<ExperimentName>,
    pub(super) name: Option<String>,
    pub(super) params: Params,
    pub(super) tags: Tags,
    pub(super) at: Timestamp,
    /// What came on this run since, each with its line and when that was read.
    pub(super) then: Vec<(u64, Timestamp, Event<'static>)>,
}

/// A run that shall be ended.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) line: u64,
    pub(super) run: usize,
    pub(super) status: RunStatus,
    pub(super) at: Timestamp,
}

/// The run, and whether it is new.
type Begun = (ModelRun, bool);

impl Recorder {
    /// Writes the beginnings that wait in the order of their lines, and then records what waited behind them.
    pub(super) async fn write_beginnings(&mut self) -> Result<()> {
        self.by_beginning.clear();
        self.held = 0;
        let mut fault = Ok(());
        let mut plain = Vec::new();
        for beginning in std::mem::take(&mut self.beginnings) {
            let known = self.by_id.contains_key(beginning.run_id.as_str());
            let experiment = beginning.experiment.as_ref();
            if !known && experiment.is_some_and(|name| self.experiments.contains(name)) {
                plain.push(beginning);
                continue;
            }
            // The first run of an experiment may have to make it; those before it are begun before.
            fault = fault.and(self.write_plain(std::mem::take(&mut plain)).await);
            let begun = self.begin_alone(&beginning).await;
            fault = fault.and(self.go_on_after(beginning, begun).await);
        }
        fault.and(self.write_plain(plain).await)
    }

    /// Begins runs that are new, as far as is known here, in experiments that are there.
    async fn write_plain(&mut self, beginnings: Vec<Beginning>) -> Result<()> {
        let this = &*self;
        let new = beginnings.iter().filter_map(|begun| this.new_run(begun));
        let logs = new.map(|new| this.log(new)).collect();
        let logged = together(this.service.runs().writes_at_once(), logs).await;
        let mut fault = Ok(());
        for (beginning, logged) in beginnings.into_iter().zip(logged) {
            let begun = match logged {
                Ok(run) => Ok((run, true)),
                Err(error) if is_fault_of_store(&error) => Err(Refusal::Store(error)),
                // It was there already, or there is some reason; alone it is told which.
                Err(_) => self.begin_alone(&beginning).await,
            };
            fault = fault.and(self.go_on_after(beginning, begun).await);
        }
        fault
    }

    fn new_run(&self, beginning: &Beginning) -> Option<NewRun> {
        Some(NewRun {
            run_id: Some(beginning.run_id.clone()),
            name: beginning.name.clone(),
            params: beginning.params.clone(),
            tags: beginning.tags.clone(),
            source: self.options.source.clone(),
            happened_at: Some(beginning.at),
            ..NewRun::new(beginning.experiment.clone()?)
        })
    }

    async fn log(&self, new: NewRun) -> Result<ModelRun> {
        self.options
            .patience
            .persist(|| self.service.runs().log(new.clone()))
            .await
    }

    /// Begins or takes up a run of which nothing is known.
    async fn begin_alone(&mut self, beginning: &Beginning) -> Result<Begun, Refusal> {
        let run_id = &beginning.run_id;
        match (self.existing(run_id).await?, &beginning.experiment) {
            (Some(run), experiment) => {
                if let Some(other) = experiment
                    .as_ref()
                    .filter(|name| **name != run.experiment_name)
                {
                    return Err(Refusal::Line(format!(
                        "run '{run_id}' belongs to experiment '{}', not to '{other}'",
                        run.experiment_name
                    )));
                }
                Ok((self.take_up(run, beginning).await?, false))
            }
            (None, None) => Err(Refusal::Line(format!(
                "run '{run_id}' is new, so it needs an 'experiment'"
            ))),
            (None, Some(experiment)) => {
                let new = self.new_run(beginning).expect("it names an experiment");
                let run = match self.log(new.clone()).await {
                    Err(ServiceError::Store(StoreError::NotFound { .. })) => {
                        let experiments = self.service.experiments();
                        self.options
                            .patience
                            .persist(|| experiments.ensure(experiment))
                            .await?;
                        self.log(new).await?
                    }
                    settled => settled?,
                };
                self.experiments.insert(experiment.clone());
                Ok((run, true))
            }
        }
    }

    async fn existing(&self, run_id: &RunId) -> Result<Option<ModelRun>, Refusal> {
        let runs = self.service.runs();
        match self.options.patience.persist(|| runs.get(run_id)).await {
            Ok(run) => Ok(Some(run)),
            Err(ServiceError::Store(StoreError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a run up again; writes nothing when nothing is new.
    async fn take_up(&self, run: ModelRun, beginning: &Beginning) -> Result<ModelRun> {
        let update = RunUpdate {
            name: beginning.name.clone().filter(|name| *name != run.name),
            status: (run.status == RunStatus::Pending).then_some(RunStatus::Running),
            happened_at: Some(beginning.at),
            params: beginning.params.clone(),
            set_tags: beginning.tags.clone(),
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

    /// Notes what became of a beginning, and records what waited behind it.
    async fn go_on_after(
        &mut self,
        beginning: Beginning,
        begun: Result<Begun, Refusal>,
    ) -> Result<()> {
        let mut fault = Ok(());
        match begun {
            Ok((run, is_new)) => {
                self.tally.events += 1;
                self.tally.runs_created += u64::from(is_new);
                match self.by_id.get(run.run_id.as_str()) {
                    Some(known) => self.runs[*known].status = run.status,
                    None => {
                        self.meet(KnownRun::of(run));
                    }
                }
            }
            Err(Refusal::Store(error)) => {
                self.lost += 1 + beginning.then.len() as u64;
                return Err(error);
            }
            Err(refusal) => self.refuse_later(beginning.line, refusal),
        }
        let now = self.now;
        for (line, at, event) in beginning.then {
            self.now = at;
            // Boxed, because an event may want to see everything written before it, and so come here again.
            match Box::pin(self.take(line, event)).await {
                Ok(()) => {}
                Err(Refusal::Store(error)) => {
                    self.lost += 1;
                    fault = Err(error);
                }
                Err(refusal) => self.refuse_later(line, refusal),
            }
        }
        self.now = now;
        fault
    }

    fn refuse_later(&mut self, line: u64, refusal: Refusal) {
        let message = match refusal {
            Refusal::Line(message) => message,
            Refusal::NoEvent(error) => error.to_string(),
            Refusal::Store(error) => error.to_string(),
        };
        self.refused_later.push((line, message));
    }

    /// Ends the runs whose ends wait.
    pub(super) async fn write_endings(&mut self) -> Result<()> {
        let endings = std::mem::take(&mut self.endings);
        let this = &*self;
        let writes = endings.iter().map(|ending| async move {
            let update = RunUpdate {
                status: Some(ending.status),
                happened_at: Some(ending.at),
                ..RunUpdate::default()
            };
            let run_id = &this.runs[ending.run].run_id;
            this.options
                .patience
                .persist(|| this.service.runs().update(run_id, &update))
                .await
        });
        let updated = together(this.service.runs().writes_at_once(), writes.collect()).await;
        let mut fault = Ok(());
        for (ending, updated) in endings.into_iter().zip(updated) {
            let run = &mut self.runs[ending.run];
            run.is_ending = false;
            match updated {
                Ok(ended) => {
                    run.status = ended.status;
                    self.tally.events += 1;
                    self.tally.runs_ended += 1;
                }
                Err(error) if is_fault_of_store(&error) => {
                    self.lost += 1;
                    fault = Err(error);
                }
                Err(error) => self.refused_later.push((ending.line, error.to_string())),
            }
        }
        fault
    }
}

fn is_part_of(some: &Tags, all: &Tags) -> bool {
    some.iter().all(|(key, value)| all.get(key) == Some(value))
}
