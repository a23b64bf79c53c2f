//! What the header, the tabs and the live strip tell at a glance.

use super::core::Core;
use super::{ApprovalManager, Result};
use crate::domain::Filter;
use crate::domain::filter::{Op, Term, Test};
use crate::domain::{
    Deployment, DeploymentStatus, DriftEvent, DriftState, Environment, ModelName, ModelRun, Policy,
    RunStatus, Severity, Sort, SyncStatus, Version,
};
use crate::store::{DeploymentQuery, DriftQuery, ListQuery, PageRequest, RunQuery, VersionQuery};

/// How many objects of each kind the live strip gets.
const STRIP: usize = 6;
/// How many of what serves is told; a model serves at most once in an environment.
const SERVING: usize = 1_000;

/// What a version is in an environment: it serves there, or it served and was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Environment,
    /// What serves now replaces it because it was bad.
    pub rolled_back: bool,
}

/// A glance over everything that is going on.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    pub running: u64,
    /// RUNNING runs that have been silent for too long.
    pub stale: u64,
    /// Versions that wait for a decision.
    pub in_review: u64,
    /// Versions that have a checklist or a decision, whether they wait or not.
    pub asked_about: u64,
    /// All versions.
    pub versions: u64,
    /// The rules that everybody on the store obeys.
    pub policy: Policy,
    /// Unresolved drift events.
    pub drift: u64,
    /// The worst severity among them.
    pub worst_drift: Option<Severity>,
    pub active_deployments: u64,
    pub pending_deployments: u64,
    /// The newest RUNNING runs.
    pub running_runs: Vec<ModelRun>,
    /// The worst unresolved drift events.
    pub drift_events: Vec<DriftEvent>,
    /// The newest deployments that serve or are about to.
    pub deployments: Vec<Deployment>,
    /// Which versions serve, and which of them were rolled back from.
    pub serving: Vec<Serving>,
    /// The mirror on an MLflow server.
    pub sync: SyncStatus,
}

pub(super) async fn read(core: &Core, approvals: &ApprovalManager) -> Result<Overview> {
    let running = RunQuery {
        statuses: vec![RunStatus::Running],
        ..RunQuery::default()
    };
    let drift = DriftQuery {
        states: vec![DriftState::Open, DriftState::Acknowledged],
        list: ListQuery {
            filter: Filter::default(),
            sort: Some(Sort::descending("severity")),
        },
        ..DriftQuery::default()
    };
    let status = |status| DeploymentQuery {
        statuses: vec![status],
        ..DeploymentQuery::default()
    };
    let live = DeploymentQuery {
        statuses: vec![DeploymentStatus::Active, DeploymentStatus::Pending],
        ..DeploymentQuery::default()
    };
    let running_runs = core
        .store
        .runs(&running, &PageRequest::first(STRIP))
        .await?
        .rows;
    let drift_events = core
        .store
        .drift_events(&drift, &PageRequest::first(STRIP))
        .await?
        .rows;
    let mut stale = running.clone();
    let since = core.clock.now() - core.settings.stale_after;
    stale.list.filter = Filter {
        terms: vec![Term {
            negated: false,
            test: Test::Field {
                field: "heartbeat".to_owned(),
                op: Op::Less,
                value: since.to_string(),
            },
        }],
    };
    Ok(Overview {
        running: core.store.count_runs(&running).await?,
        stale: core.store.count_runs(&stale).await?,
        in_review: approvals.queue().await?.len() as u64,
        asked_about: approvals.count(&VersionQuery::default()).await?,
        versions: core.store.count_versions(&VersionQuery::default()).await?,
        policy: core.policy().await?,
        drift: core.store.count_drift_events(&drift).await?,
        worst_drift: drift_events.iter().map(|event| event.severity).max(),
        active_deployments: core
            .store
            .count_deployments(&status(DeploymentStatus::Active))
            .await?,
        pending_deployments: core
            .store
            .count_deployments(&status(DeploymentStatus::Pending))
            .await?,
        deployments: core
            .store
            .deployments(&live, &PageRequest::first(STRIP))
            .await?
            .rows,
        serving: serving(core, &status(DeploymentStatus::Active)).await?,
        sync: core.store.sync_status().await?,
        running_runs,
        drift_events,
    })
}

async fn serving(core: &Core, active: &DeploymentQuery) -> Result<Vec<Serving>> {
    let told = |deployment: &Deployment, rolled_back| Serving {
        model_name: deployment.model_name.clone(),
        version: deployment.version.clone(),
        environment: deployment.environment,
        rolled_back,
    };
    let page = PageRequest::first(SERVING);
    let mut serving = Vec::new();
    for deployment in core.store.deployments(active, &page).await?.rows {
        serving.push(told(&deployment, false));
        let Some(bad) = &deployment.rollback_from else {
            continue;
        };
        // What serves is told even where what it replaced cannot be read.
        if let Ok(bad) = core.store.deployment(bad).await {
            serving.push(told(&bad, true));
        }
    }
    Ok(serving)
}
