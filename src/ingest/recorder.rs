//! Turns events into few large writes: points, labels, beginnings and ends of runs gather until they are flushed.
//!
//! One write of points is under way while the next points are read. Points of one metric keep their order, because the next write
//! starts only when the one before it has ended.

use super::event::{self, Event, MetricEvent};
use super::patience::is_fault_of_store;
use super::runs::{KnownRun, Label, Series};
use super::{Patience, event::NoEvent};
use crate::domain::metric::is_storable;
use crate::domain::{ExperimentName, Key, MetricPoint, RunId, RunSource};
use crate::service::{ModelLifecycleService, ServiceError};
use crate::store::{SeriesBatch, StoreError};
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use tokio::task::JoinHandle;

mod labels;
mod life;
mod window;

use window::{Beginning, Ending};

/// How a recorder works.
#[derive(Debug, Clone)]
pub struct RecorderOptions {
    /// The run of events that name none.
    pub default_run: Option<RunId>,
    /// What is noted as the origin of runs that events begin.
    pub source: RunSource,
    pub patience: Patience,
}

/// Why an event was not recorded.
#[derive(Debug)]
pub enum Refusal {
    /// The line's own fault; the next one may be good.
    Line(String),
    /// Not an event at all, though it may be somebody else's JSON.
    NoEvent(NoEvent),
    /// The store's fault, and patience is over.
    Store(ServiceError),
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        if is_fault_of_store(&error) {
            Self::Store(error)
        } else {
            Self::Line(error.to_string())
        }
    }
}

/// What was written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Events that were recorded.
    pub events: u64,
    /// Points of metrics among them.
    pub points: u64,
    pub runs_created: u64,
    pub runs_ended: u64,
}

/// Records events of any number of runs.
pub struct Recorder {
    service: ModelLifecycleService,
    options: RecorderOptions,
    runs: Vec<KnownRun>,
    by_id: HashMap<String, usize>,
    series: Vec<Series>,
    /// Series that have points waiting.
    filled: Vec<usize>,
    waiting_points: usize,
    /// Runs that have labels waiting.
    labelled: Vec<usize>,
    waiting_labels: usize,
    beginnings: Vec<Beginning>,
    by_beginning: HashMap<String, usize>,
    /// Events that wait behind the beginnings of their runs.
    held: usize,
    endings: Vec<Ending>,
    /// Experiments that were seen to be there.
    experiments: HashSet<ExperimentName>,
    under_way: Option<JoinHandle<(u64, Result<(), ServiceError>)>>,
    tally: Tally,
    /// Points that could not be written and are gone.
    lost: u64,
    refused_later: Vec<(u64, String)>,
    not_uploaded: Vec<String>,
    now: Timestamp,
    /// How many runs began in what was read then.
    begun: i64,
}

enum Seen {
    Taken,
    /// It needs the store.
    Later(Event<'static>),
}

impl Recorder {
    pub fn new(service: ModelLifecycleService, options: RecorderOptions) -> Self {
        let now = service.clock().now();
        Self {
            service,
            options,
            runs: Vec::new(),
            by_id: HashMap::new(),
            series: Vec::new(),
            filled: Vec::new(),
            waiting_points: 0,
            labelled: Vec::new(),
            waiting_labels: 0,
            beginnings: Vec::new(),
            by_beginning: HashMap::new(),
            held: 0,
            endings: Vec::new(),
            experiments: HashSet::new(),
            under_way: None,
            tally: Tally::default(),
            lost: 0,
            refused_later: Vec::new(),
            not_uploaded: Vec::new(),
            now,
            begun: 0,
        }
    }

    /// Takes one line. What it says is written by the next [`Recorder::flush`] at the latest; lines that are refused only then are in [`Recorder::take_refused`].
    pub async fn record(&mut self, line: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let seen = event::parse(bytes, |event| self.take_quickly(event));
        match seen.map_err(Refusal::NoEvent)?? {
            Seen::Taken => Ok(()),
            // Boxed, because all that a flush may do is in it, and most lines need none of that.
            Seen::Later(event) => Box::pin(self.take(line, event)).await,
        }
    }

    /// Tells when the lines that follow were read: the time of points that tell none, of beginnings and of ends. A store that is slow, or gone for
    /// a while, does not move them.
    pub fn read_at(&mut self, at: Timestamp) {
        self.now = at;
        self.begun = 0;
    }

    /// Events that wait to be flushed.
    pub fn waiting(&self) -> usize {
        self.waiting_points + self.waiting_labels + self.waiting_lives()
    }

    /// Beginnings and ends of runs among them, and what waits behind beginnings.
    pub fn waiting_lives(&self) -> usize {
        self.beginnings.len() + self.held + self.endings.len()
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Lines that were taken, but refused when they were written.
    pub fn take_refused(&mut self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.refused_later)
    }

    /// What is to be said of artifacts that were recorded, and whose files the store did not get.
    pub fn take_not_uploaded(&mut self) -> Vec<String> {
        std::mem::take(&mut self.not_uploaded)
    }

    /// Starts to write the points that wait; returns when everything else, and the write of points before it, is written.
    pub async fn flush(&mut self) -> Result<(), ServiceError> {
        // Boxed, because what waits behind a beginning may come here again.
        let begun = Box::pin(self.write_beginnings()).await;
        let labels = self.write_labels().await;
        let before = self.settle().await;
        self.start_points();
        let mut written = begun.and(labels).and(before);
        if !self.endings.is_empty() {
            // A run that has ended has all its points.
            written = written.and(self.settle().await);
            written = written.and(self.write_endings().await);
        }
        written
    }

    fn start_points(&mut self) {
        if self.waiting_points == 0 {
            return;
        }
        let mut batches = Vec::with_capacity(self.filled.len());
        for place in self.filled.drain(..) {
            let series = &mut self.series[place];
            batches.push(SeriesBatch {
                run_id: self.runs[series.run].run_id.clone(),
                key: series.key.clone(),
                points: std::mem::take(&mut series.points),
            });
        }
        let count = self.waiting_points as u64;
        self.waiting_points = 0;
        let runs = self.service.runs().clone();
        let patience = self.options.patience.clone();
        self.under_way = Some(tokio::spawn(async move {
            let written = patience.persist(|| runs.append(&batches)).await;
            (count, written)
        }));
    }

    /// Writes everything that waits and returns when it is written.
    pub async fn finish(&mut self) -> Result<(), ServiceError> {
        let flushed = self.flush().await;
        let settled = self.settle().await;
        flushed.and(settled)
    }

    /// Waits for the write that is under way.
    async fn settle(&mut self) -> Result<(), ServiceError> {
        let Some(writing) = self.under_way.take() else {
            return Ok(());
        };
        let (count, written) = writing.await.unwrap_or_else(|error| {
            // Nobody aborts it, so it can only have panicked; that is a bug and must not pass for a written batch.
            std::panic::resume_unwind(error.into_panic())
        });
        match &written {
            Ok(()) => {
                self.tally.points += count;
                self.tally.events += count;
            }
            Err(_) => self.lost += count,
        }
        written
    }

    /// The quick way of a point whose run and key were met already: no store, no allocation.
    fn take_quickly(&mut self, event: Event<'_>) -> Result<Seen, Refusal> {
        let Event::Metric(metric) = &event else {
            return Ok(Seen::Later(event.into_owned()));
        };
        let run_id = self.run_id(metric.run_id.as_ref())?;
        let place = self
            .by_id
            .get(&*run_id)
            .and_then(|run| self.runs[*run].series.get(&*metric.key).copied());
        match place {
            Some(place) => self.add_point(place, metric).map(|()| Seen::Taken),
            None => Ok(Seen::Later(event.into_owned())),
        }
    }

    fn run_id<'a>(&'a self, given: Option<&'a Cow<'a, str>>) -> Result<Cow<'a, str>, Refusal> {
        match (given, &self.options.default_run) {
            (Some(given), _) => Ok(Cow::Borrowed(&**given)),
            (None, Some(default)) => Ok(Cow::Borrowed(default.as_str())),
            (None, None) => Err(Refusal::Line(
                "it has no 'run_id', and MODELDECK_RUN_ID is not set".to_owned(),
            )),
        }
    }

    fn add_point(&mut self, place: usize, metric: &MetricEvent<'_>) -> Result<(), Refusal> {
        let timestamp = match metric.timestamp {
            None => self.now,
            Some(millisecond) => {
                let at = Timestamp::from_millisecond(millisecond).ok();
                at.filter(|at| is_storable(*at)).ok_or_else(|| {
                    Refusal::Line(format!(
                        "the timestamp {millisecond} is not one of the years 1678 to 2261; it counts milliseconds since 1970"
                    ))
                })?
            }
        };
        let series = &mut self.series[place];
        let step = metric.step.unwrap_or(series.next_step);
        series.next_step = series.next_step.max(step.saturating_add(1));
        if series.points.is_empty() {
            self.filled.push(place);
        }
        series.points.push(MetricPoint {
            value: metric.value,
            step,
            timestamp,
        });
        self.waiting_points += 1;
        Ok(())
    }

    /// The place of a metric of a run, made when it is new.
    fn series(&mut self, run: usize, given: &str) -> Result<usize, Refusal> {
        let key = Key::new(given).map_err(|error| Refusal::Line(error.to_string()))?;
        let known = self.runs[run].series.get(key.as_str()).copied();
        let place = known.unwrap_or_else(|| {
            let next_step = self.runs[run]
                .latest
                .get(&key)
                .map_or(0, |point| point.step.saturating_add(1));
            self.series.push(Series {
                run,
                key: key.clone(),
                next_step,
                points: Vec::new(),
            });
            self.series.len() - 1
        });
        let names = &mut self.runs[run].series;
        names.insert(key.as_str().to_owned(), place);
        names.insert(given.to_owned(), place);
        Ok(place)
    }

    /// The run of an event, which the store is asked for when it is met for the first time.
    async fn find(&mut self, given: Option<&Cow<'_, str>>) -> Result<usize, Refusal> {
        let given = self.run_id(given)?.into_owned();
        if let Some(run) = self.by_id.get(&given) {
            return Ok(*run);
        }
        let run_id = RunId::new(&given).map_err(|error| Refusal::Line(error.to_string()))?;
        let runs = self.service.runs().clone();
        let run = self.options.patience.persist(|| runs.get(&run_id)).await;
        let run = run.map_err(|error| match error {
            ServiceError::Store(StoreError::NotFound { .. }) => Refusal::Line(format!(
                "run '{run_id}' is not known; a 'run' event begins one"
            )),
            error => error.into(),
        })?;
        Ok(self.meet(KnownRun::of(run)))
    }

    fn meet(&mut self, run: KnownRun) -> usize {
        let place = self.runs.len();
        self.by_id.insert(run.run_id.as_str().to_owned(), place);
        self.runs.push(run);
        place
    }
}
