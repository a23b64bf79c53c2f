//! What becomes of an event that is not a point of a metric met before: it begins, keeps alive or ends a run, or says something of one.

use super::window::{Beginning, Ending};
use super::{Event, Label, Recorder, Refusal};
use crate::domain::{Artifact, ExperimentName, Key, RunId, RunStatus, Tags};
use crate::ingest::event::RunEvent;
use crate::ingest::together::together;
use crate::service::Result;
use jiff::SignedDuration;
use std::borrow::Cow;
use std::time::Duration;
use tokio::time::Instant;

/// Signs of life of a run that come faster than this are not all written.
const BEAT: Duration = Duration::from_secs(1);

impl Recorder {
    /// Takes an event that may need the store.
    pub(super) async fn take(&mut self, line: u64, event: Event<'static>) -> Result<(), Refusal> {
        let waits = match &event {
            Event::Run(_) => None,
            event => self.beginning_of(event),
        };
        if let Some(beginning) = waits {
            self.beginnings[beginning]
                .then
                .push((line, self.now, event));
            self.held += 1;
            return Ok(());
        }
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
                self.tally.events += 1;
                // Silence is judged in minutes, so one sign of life a second is as good as a thousand, and each costs a transaction.
                let now = Instant::now();
                let last = self.runs[run].beaten_at;
                if last.is_some_and(|last| now.duration_since(last) < BEAT) {
                    return Ok(());
                }
                let run_id = self.runs[run].run_id.clone();
                let runs = self.service.runs().clone();
                self.options
                    .patience
                    .persist(|| runs.heartbeat(&run_id))
                    .await?;
                self.runs[run].beaten_at = Some(now);
                Ok(())
            }
            Event::Run(event) => self.begin(line, event).await,
            Event::End { run_id, status } => self.end(line, run_id, status.as_deref()).await,
        }
    }

    /// Tells that the runs of this stream are alive, those that did not end.
    pub async fn beat(&self) -> Result<()> {
        let running = self
            .runs
            .iter()
            .filter(|run| run.status == RunStatus::Running);
        let beats = running.map(|run| self.service.runs().heartbeat(&run.run_id));
        together(self.service.runs().writes_at_once(), beats.collect())
            .await
            .into_iter()
            .collect()
    }

    /// Notes that a run begins, or is taken up again.
    async fn begin(&mut self, line: u64, event: RunEvent<'_>) -> Result<(), Refusal> {
        let given = self.run_id(event.run_id.as_ref())?;
        let run_id = RunId::new(&given).map_err(|error| Refusal::Line(error.to_string()))?;
        let experiment = event.experiment.as_deref().map(ExperimentName::new);
        let experiment = experiment
            .transpose()
            .map_err(|error| Refusal::Line(error.to_string()))?;
        let (params, tags) = (labels(event.params)?, labels(event.tags)?);
        // What was said before of this run is written before what is said now.
        let said_before = self.by_beginning.contains_key(run_id.as_str())
            || self.by_id.get(run_id.as_str()).is_some_and(|run| {
                let run = &self.runs[*run];
                run.is_ending || !run.waiting.is_empty()
            });
        if said_before {
            self.finish().await?;
        }
        self.by_beginning
            .insert(run_id.as_str().to_owned(), self.beginnings.len());
        self.begun += 1;
        self.beginnings.push(Beginning {
            line,
            run_id,
            experiment,
            name: event.name.map(Cow::into_owned),
            params,
            tags,
            // Runs that were read together keep their order, by a nanosecond each.
            at: self.now + SignedDuration::from_nanos(self.begun),
            then: Vec::new(),
        });
        Ok(())
    }

    /// The waiting beginning of the run that an event is of, where nothing else is known of the run.
    fn beginning_of(&self, event: &Event<'_>) -> Option<usize> {
        let given = self.run_id(event.run_id()).ok()?;
        if self.by_beginning.is_empty() || self.by_id.contains_key(&*given) {
            return None;
        }
        let run_id = RunId::new(&given).ok()?;
        self.by_beginning.get(run_id.as_str()).copied()
    }

    /// Notes that a run ends.
    async fn end(
        &mut self,
        line: u64,
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
        if self.runs[run].is_ending {
            self.finish().await?;
        }
        self.runs[run].is_ending = true;
        self.endings.push(Ending {
            line,
            run,
            status,
            at: self.now,
        });
        Ok(())
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
