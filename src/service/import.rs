//! Objects of an MLflow source brought into the local store, again and again without doubling.
//!
//! Runs keep their ids, so an import finds what an earlier one made. What is new at the source comes in; what was changed here stays as it is and is told;
//! what the rules refuse is told with its id, and the rest goes on. Every change has its audit entry (`import_experiment`, `import_run`, `import_model_version`) like one
//! made by hand, in the same transaction.
//!
//! No import opens the gate: a version that is in Production at the source comes in as Staging, with the tag `mlflow.stage`, because nobody here approved it.
//! Whoever imports is who registered it here, so that nobody approves what they brought.

mod draft;
mod experiments;
mod history;
mod labels;
mod legible;
mod merge;
mod models;
mod open;
mod report;
mod runs;
mod seen;
mod versions;

pub use report::{ImportReport, Remark, Remarks, Tally};

use super::core::Core;
use super::{ModelLifecycleService, Result, ServiceError};
use crate::domain::{AuditEntry, ObjectKind, RunId};
use crate::store::import::ImportSource;
use crate::store::{AuditQuery, PageRequest, StoreError};
use experiments::Target;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    pub runs: u64,
    /// `None` where the source does not tell.
    pub of_runs: Option<u64>,
    pub points: u64,
}

/// An import that ended early; what was written until then stays and is found by the next one.
#[derive(Debug)]
pub struct ImportFailure {
    pub report: Box<ImportReport>,
    pub error: ServiceError,
}

/// The verb of importing.
#[derive(Clone)]
pub struct ImportManager {
    pub(super) core: Core,
    whole: bool,
}

impl ModelLifecycleService {
    /// Brings objects of an MLflow source into this store.
    pub fn imports(&self) -> ImportManager {
        ImportManager {
            core: self.core.clone(),
            whole: false,
        }
    }
}

type Stop<'a> = Pin<Box<dyn Future<Output = i32> + Send + 'a>>;

/// Why an import ends early.
enum Early {
    Stopped(i32),
    Failed(ServiceError),
}

impl From<ServiceError> for Early {
    fn from(error: ServiceError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Early {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// One import under way.
struct Job<'a> {
    core: &'a Core,
    source: &'a mut dyn ImportSource,
    whole: bool,
    stop: Stop<'a>,
    on_progress: &'a (dyn Fn(ImportProgress) + Send + Sync),
    reason: String,
    /// How many runs the source has, where it tells.
    of_runs: Option<u64>,
    report: ImportReport,
    experiments: HashMap<String, Target>,
    /// The ids at the source of the runs that were met, by the ids they have here.
    met: HashMap<RunId, String>,
    /// The ids here of runs that have another one at the source.
    renamed: HashMap<String, RunId>,
}

impl ImportManager {
    /// Has every history read again, also of runs that ended and whose latest points are here.
    #[must_use]
    pub fn whole(self, whole: bool) -> Self {
        Self { whole, ..self }
    }

    /// Brings everything in. `stop` ends it after the write that is under way, with the number of the signal that said so.
    pub async fn run(
        &self,
        source: &mut dyn ImportSource,
        stop: impl Future<Output = i32> + Send,
        on_progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<ImportReport, ImportFailure> {
        let name = source.name();
        let mut job = Job {
            core: &self.core,
            source,
            whole: self.whole,
            stop: Box::pin(stop),
            on_progress,
            reason: format!("imported from {name}"),
            of_runs: None,
            report: ImportReport {
                source: name,
                ..ImportReport::default()
            },
            experiments: HashMap::new(),
            met: HashMap::new(),
            renamed: HashMap::new(),
        };
        match job.everything().await {
            Ok(()) => Ok(job.report),
            Err(Early::Stopped(signal)) => {
                job.report.signal = Some(signal);
                Ok(job.report)
            }
            Err(Early::Failed(error)) => Err(ImportFailure {
                report: Box::new(job.report),
                error,
            }),
        }
    }
}

impl Job<'_> {
    async fn everything(&mut self) -> Result<(), Early> {
        // Refused before anything is read, where nothing can be written.
        self.core.write("import_run", None)?;
        self.core.store.known_runs(&[], 0).await?;
        let experiments = Self::unless_stopped(&mut self.stop, self.source.experiments()).await?;
        self.bring_experiments(experiments).await?;
        self.bring_runs().await?;
        let models = Self::unless_stopped(&mut self.stop, self.source.models()).await?;
        self.bring_models(models).await?;
        let beyond = Self::unless_stopped(&mut self.stop, self.source.beyond()).await?;
        self.report.beyond.extend(
            beyond
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(kind, count)| (kind.to_owned(), count)),
        );
        Ok(())
    }

    /// Waits for the source, but not when it is enough.
    async fn unless_stopped<T>(
        stop: &mut Stop<'_>,
        work: impl Future<Output = crate::store::Result<T>>,
    ) -> Result<T, Early> {
        tokio::select! {
            biased;
            signal = stop => Err(Early::Stopped(signal)),
            done = work => Ok(done?),
        }
    }

    fn tell_progress(&self) {
        (self.on_progress)(ImportProgress {
            runs: self.report.runs.total(),
            of_runs: self.of_runs,
            points: self.report.points_added,
        });
    }

    /// Ends here, between two writes, when it is enough.
    async fn look_up(&mut self) -> Result<(), Early> {
        Self::unless_stopped(&mut self.stop, async { Ok(()) }).await
    }
}

/// What earlier imports did to an object, oldest first.
async fn imports_of(
    core: &Core,
    kind: ObjectKind,
    action: &str,
    object: &str,
) -> Result<Vec<AuditEntry>> {
    let query = AuditQuery {
        kind: Some(kind),
        object: Some(object.to_owned()),
        action: Some(action.to_owned()),
        ..AuditQuery::default()
    };
    let mut entries = core
        .store
        .audit_entries(&query, &PageRequest::all())
        .await?
        .rows;
    entries.reverse();
    Ok(entries)
}
