//! The operations of modeldeck: one service over one store, with every rule of the lifecycle behind it.
//!
//! The screen and the command line are two faces of [`ModelLifecycleService`]. It owns the store, the clock, who acts and the settings, and delegates to
//! six managers, one domain each. Managers judge rules on what they read and write in one transaction that notices when what they read has changed.
//! Nothing here knows a terminal, a command line, SQL or a wire protocol.

mod approval;
mod audit;
mod clock;
mod core;
mod deployment;
mod drift;
mod error;
mod experiment;
pub mod identity;
pub mod import;
mod options;
mod overview;
mod registry;
mod review;
mod run;
mod sync;
mod target;

pub use crate::domain::NewMetric;
pub use approval::{ApprovalManager, ChecklistMark, NewChecklistItem, NewDecision};
pub use audit::{AuditLog, AuditVerification};
pub use clock::Clock;
pub use deployment::{DeploymentManager, DeploymentUpdate, NewDeployment, Rollback};
pub use drift::{DriftMonitor, NewDriftEvent};
pub use error::{ErrorKind, Result, ServiceError};
pub use experiment::{ExperimentManager, ExperimentUpdate, NewExperiment};
pub use options::{MlflowSettings, ServiceOptions, ServiceSettings};
pub use overview::{Overview, Serving};
pub use registry::{
    ModelRegistry, ModelVersionUpdate, Named, NewModelVersion, StageChange, VersionName,
};
pub use review::Review;
pub use run::{NewRun, RunTracker, RunUpdate};
pub use sync::{Drained, MlflowSync, SyncPatience, SyncProgress, SyncWorker};
pub use target::{ServerAddress, StoreTarget};

use self::core::Core;
use crate::domain::{
    Alias, Deployment, DeploymentId, DeploymentStatus, DriftEvent, DriftEventId, Environment,
    ExperimentName, ExperimentStatus, Identity, ModelExperiment, ModelName, ModelRun, ModelVersion,
    RunId, RunStatus, Severity, Stage, Version, VersionComparison,
};
use crate::store::mlflow::{MlflowCopies, MlflowStore};
use crate::store::sqlite::{InitOptions, OpenOptions, SqliteStore};
use crate::store::{
    Capabilities, ChangeToken, DeploymentQuery, DriftQuery, ExperimentQuery, MirrorServer,
    PageRequest, RunQuery, Store, StoreError, StoreInfo, VersionQuery,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Connects to the server that a store is mirrored to.
async fn connect(
    address: ServerAddress,
    mlflow: Arc<MlflowSettings>,
) -> Result<Arc<dyn MirrorServer>, StoreError> {
    Ok(Arc::new(
        MlflowCopies::connect(address.given(), mlflow.connect()).await?,
    ))
}

/// Everything that can be done with the life of a model.
#[derive(Clone)]
pub struct ModelLifecycleService {
    core: Core,
    experiments: ExperimentManager,
    runs: RunTracker,
    registry: ModelRegistry,
    approvals: ApprovalManager,
    drift: DriftMonitor,
    deployments: DeploymentManager,
    audit: AuditLog,
    sync: MlflowSync,
}

impl ModelLifecycleService {
    /// Opens the store that the options name; this is the only place that knows which stores there are.
    pub async fn open(options: ServiceOptions) -> Result<Self> {
        let store: Arc<dyn Store> = match &options.target {
            StoreTarget::Local(path) => {
                let open = OpenOptions {
                    read_only: options.read_only,
                    create: !options.read_only,
                };
                Arc::new(SqliteStore::open(path, open)?)
            }
            StoreTarget::Remote(address) => {
                let connect = options.mlflow.connect();
                Arc::new(MlflowStore::open(address.given(), connect).await?)
            }
        };
        let begins = matches!(options.target, StoreTarget::Local(_)) && !options.read_only;
        let service = Self::with_store(store, options);
        if begins
            && service.read_only().is_none()
            && let Err(error) = service.sync.begin().await
        {
            // The next program that opens the store tries again; nothing that is asked of this one depends on it.
            tracing::warn!(%error, "the mirror was not set up");
        }
        Ok(service)
    }

    /// Makes a local store where none is; with a group, one for the group's members.
    pub fn init_local(path: &Path, group: Option<&str>) -> Result<()> {
        let options = InitOptions {
            group: group.map(str::to_owned),
        };
        SqliteStore::init(path, &options)?;
        Ok(())
    }

    /// The name of the network file system that a path is on, where local stores are not written.
    pub fn network_file_system(path: &Path) -> Option<&'static str> {
        crate::store::sqlite::network_file_system(path)
    }

    /// A service over a store that is open already.
    pub fn with_store(store: Arc<dyn Store>, options: ServiceOptions) -> Self {
        // A store on a server is the remote end itself.
        let is_local = matches!(options.target, StoreTarget::Local(_));
        let tracking = options.tracking.filter(|_| is_local);
        let core = Core {
            store,
            identity: Arc::new(options.identity),
            clock: options.clock,
            settings: Arc::new(options.settings),
            mlflow: Arc::new(options.mlflow),
            read_only: options
                .read_only
                .then_some("modeldeck runs with --read-only"),
        };
        Self::over(core, tracking, options.sync_patience)
    }

    fn over(core: Core, tracking: Option<ServerAddress>, patience: SyncPatience) -> Self {
        let registry = ModelRegistry { core: core.clone() };
        Self {
            experiments: ExperimentManager { core: core.clone() },
            runs: RunTracker { core: core.clone() },
            approvals: ApprovalManager {
                core: core.clone(),
                registry: registry.clone(),
            },
            registry,
            drift: DriftMonitor { core: core.clone() },
            deployments: DeploymentManager { core: core.clone() },
            audit: AuditLog { core: core.clone() },
            sync: MlflowSync {
                core: core.clone(),
                tracking,
                connect: {
                    let mlflow = Arc::clone(&core.mlflow);
                    Arc::new(move |address| Box::pin(connect(address.clone(), Arc::clone(&mlflow))))
                },
                patience,
            },
            core,
        }
    }

    pub fn experiments(&self) -> &ExperimentManager {
        &self.experiments
    }

    pub fn runs(&self) -> &RunTracker {
        &self.runs
    }

    pub fn registry(&self) -> &ModelRegistry {
        &self.registry
    }

    pub fn approvals(&self) -> &ApprovalManager {
        &self.approvals
    }

    pub fn drift(&self) -> &DriftMonitor {
        &self.drift
    }

    pub fn deployments(&self) -> &DeploymentManager {
        &self.deployments
    }

    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    pub fn sync(&self) -> &MlflowSync {
        &self.sync
    }

    pub fn identity(&self) -> &Identity {
        &self.core.identity
    }

    pub fn settings(&self) -> &ServiceSettings {
        &self.core.settings
    }

    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// The same store and settings, acted on by somebody else.
    #[must_use]
    pub fn acting_as(&self, identity: Identity) -> Self {
        let core = Core {
            identity: Arc::new(identity),
            ..self.core.clone()
        };
        Self::over(core, self.sync.tracking.clone(), self.sync.patience)
    }

    /// Why nothing can be written, where nothing can: `--read-only`, or the store itself.
    pub fn read_only(&self) -> Option<String> {
        self.core
            .read_only
            .map(str::to_owned)
            .or_else(|| self.capabilities().read_only)
    }

    pub fn capabilities(&self) -> Capabilities {
        self.core.store.capabilities()
    }

    /// Equal tokens mean that nothing was written in between; cheap enough to ask ten times a second.
    pub async fn change_token(&self) -> Result<ChangeToken> {
        Ok(self.core.store.change_token().await?)
    }

    pub async fn overview(&self) -> Result<Overview> {
        overview::read(&self.core, &self.approvals).await
    }

    pub async fn store_info(&self) -> Result<StoreInfo> {
        Ok(self.core.store.info().await?)
    }

    /// Reads the whole store through and tells what is not sound; empty when all is.
    pub async fn check_integrity(&self) -> Result<Vec<String>> {
        Ok(self.core.store.check_integrity().await?)
    }

    /// Writes a verified copy of the store; works while others write. Gives the directory that is not in it, where there is one.
    pub async fn backup(&self, path: &Path) -> Result<Option<PathBuf>> {
        Ok(self.core.store.backup(path).await?)
    }
}

/// The operations under the names that the product fixes.
impl ModelLifecycleService {
    pub async fn create_experiment(&self, new: NewExperiment) -> Result<ModelExperiment> {
        self.experiments.create(new).await
    }

    pub async fn update_experiment(
        &self,
        name: &ExperimentName,
        update: &ExperimentUpdate,
    ) -> Result<ModelExperiment> {
        self.experiments.update(name, update).await
    }

    pub async fn list_experiments(
        &self,
        owner: Option<&str>,
        status: Option<ExperimentStatus>,
    ) -> Result<Vec<ModelExperiment>> {
        let query = ExperimentQuery {
            owner: owner.map(str::to_owned),
            status,
            ..ExperimentQuery::default()
        };
        Ok(self
            .experiments
            .list(&query, &PageRequest::all())
            .await?
            .rows)
    }

    pub async fn get_experiment(&self, name: &ExperimentName) -> Result<ModelExperiment> {
        self.experiments.get(name).await
    }

    pub async fn log_run(&self, new: NewRun) -> Result<ModelRun> {
        self.runs.log(new).await
    }

    pub async fn update_run(&self, run_id: &RunId, update: &RunUpdate) -> Result<ModelRun> {
        self.runs.update(run_id, update).await
    }

    pub async fn list_runs(
        &self,
        experiment_name: Option<&ExperimentName>,
        statuses: &[RunStatus],
    ) -> Result<Vec<ModelRun>> {
        let query = RunQuery {
            experiment: experiment_name.cloned(),
            statuses: statuses.to_vec(),
            ..RunQuery::default()
        };
        Ok(self.runs.list(&query, &PageRequest::all()).await?.rows)
    }

    pub async fn get_run(&self, run_id: &RunId) -> Result<ModelRun> {
        self.runs.get(run_id).await
    }

    pub async fn register_model_version(&self, new: NewModelVersion) -> Result<ModelVersion> {
        self.registry.register(new).await
    }

    pub async fn update_model_version(
        &self,
        model: &ModelName,
        version: &Version,
        update: &ModelVersionUpdate,
    ) -> Result<ModelVersion> {
        self.registry.update(model, version, update).await
    }

    pub async fn compare_model_versions(
        &self,
        model: &ModelName,
        versions: &[Version],
    ) -> Result<VersionComparison> {
        self.registry.compare(model, versions).await
    }

    pub async fn list_model_versions(
        &self,
        model: Option<&ModelName>,
        stage: Option<Stage>,
    ) -> Result<Vec<ModelVersion>> {
        let query = VersionQuery {
            model: model.cloned(),
            stage,
            ..VersionQuery::default()
        };
        Ok(self.registry.list(&query, &PageRequest::all()).await?.rows)
    }

    pub async fn get_model_version(
        &self,
        model: &ModelName,
        version: &Version,
    ) -> Result<ModelVersion> {
        self.registry.get(model, version).await
    }

    pub async fn set_stage(
        &self,
        model: &ModelName,
        version: &Version,
        stage: Stage,
        change: &StageChange,
    ) -> Result<ModelVersion> {
        self.registry.set_stage(model, version, stage, change).await
    }

    pub async fn set_alias(
        &self,
        model: &ModelName,
        version: &Version,
        alias: &Alias,
    ) -> Result<ModelVersion> {
        self.registry.set_alias(model, version, alias).await
    }

    pub async fn append_checklist_item(
        &self,
        model: &ModelName,
        version: &Version,
        item: &NewChecklistItem,
    ) -> Result<ModelVersion> {
        self.approvals.append_item(model, version, item).await
    }

    /// Marks items as the present identity; `approval_notes` goes into the audit log.
    pub async fn mark_checklist_status(
        &self,
        model: &ModelName,
        version: &Version,
        checklist: &[ChecklistMark],
        approval_notes: Option<&str>,
    ) -> Result<ModelVersion> {
        self.approvals
            .mark(model, version, checklist, approval_notes, None)
            .await
    }

    /// Records a drift and writes a warning to the log.
    pub async fn record_drift_event(&self, new: NewDriftEvent) -> Result<DriftEvent> {
        self.drift.record(new).await
    }

    pub async fn list_drift_events(
        &self,
        model: Option<&ModelName>,
        severity: Option<Severity>,
    ) -> Result<Vec<DriftEvent>> {
        let query = DriftQuery {
            model: model.cloned(),
            severity,
            ..DriftQuery::default()
        };
        Ok(self.drift.list(&query, &PageRequest::all()).await?.rows)
    }

    pub async fn get_drift_event(&self, event_id: &DriftEventId) -> Result<DriftEvent> {
        self.drift.get(event_id).await
    }

    pub async fn list_deployments(
        &self,
        model: Option<&ModelName>,
        environment: Option<Environment>,
        status: Option<DeploymentStatus>,
    ) -> Result<Vec<Deployment>> {
        let query = DeploymentQuery {
            model: model.cloned(),
            environment,
            statuses: status.into_iter().collect(),
            ..DeploymentQuery::default()
        };
        Ok(self
            .deployments
            .list(&query, &PageRequest::all())
            .await?
            .rows)
    }

    /// Makes a PENDING deployment; the version must exist.
    pub async fn create_deployment(&self, new: NewDeployment) -> Result<Deployment> {
        self.deployments.create(new).await
    }

    pub async fn get_deployment(&self, deployment_id: &DeploymentId) -> Result<Deployment> {
        self.deployments.get(deployment_id).await
    }

    pub async fn update_deployment(
        &self,
        deployment_id: &DeploymentId,
        update: &DeploymentUpdate,
    ) -> Result<Deployment> {
        self.deployments.update(deployment_id, update).await
    }
}
