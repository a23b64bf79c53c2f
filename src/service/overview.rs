//! What the header, the tabs and the live strip tell at a glance.

use super::core::Core;
use super::{ApprovalManager, Result, Review};
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

/// How many runs of a far store are looked at one by one.
const LOOKED_AT: usize = 200;

/// What the glance asks for.
struct Asked {
    running: RunQuery,
    drift: DriftQuery,
    /// What serves or is about to.
    live: DeploymentQuery,
}

impl Asked {
    fn new() -> Self {
        Self {
            running: RunQuery {
                statuses: vec![RunStatus::Running],
                ..RunQuery::default()
            },
            drift: DriftQuery {
                states: vec![DriftState::Open, DriftState::Acknowledged],
                list: ListQuery {
                    filter: Filter::default(),
                    sort: Some(Sort::descending("severity")),
                },
                ..DriftQuery::default()
            },
            live: DeploymentQuery {
                statuses: vec![DeploymentStatus::Active, DeploymentStatus::Pending],
                ..DeploymentQuery::default()
            },
        }
    }
}

pub(super) async fn read(core: &Core, approvals: &ApprovalManager) -> Result<Overview> {
    if core.store.capabilities().near {
        near(core, approvals).await
    } else {
        Box::pin(far(core)).await
    }
}

async fn near(core: &Core, approvals: &ApprovalManager) -> Result<Overview> {
    let Asked {
        running,
        drift,
        live,
    } = Asked::new();
    let status = |status| DeploymentQuery {
        statuses: vec![status],
        ..DeploymentQuery::default()
    };
    let running_runs = core
        .store
        .runs(&running, &PageRequest::first(STRIP))
        .await?
        .rows;
    let active = core
        .store
        .deployments(
            &status(DeploymentStatus::Active),
            &PageRequest::first(SERVING),
        )
        .await?
        .rows;
    let drift_events = core
        .store
        .drift_events(&drift, &PageRequest::first(STRIP))
        .await?
        .rows;
    Ok(Overview {
        running: core.store.count_runs(&running).await?,
        stale: core.store.count_runs(&stale(core, &running)).await?,
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
        serving: serving(core, &active).await,
        sync: core.store.sync_status().await?,
        running_runs,
        drift_events,
    })
}

/// A server is asked for a few lists side by side, and what they hold is counted here: every count of its own would be another round over the network.
async fn far(core: &Core) -> Result<Overview> {
    let asked = Asked::new();
    let every_version = VersionQuery::default();
    let (few, all) = (PageRequest::first(LOOKED_AT), PageRequest::all());
    let (runs, mut drift_events, mut deployments, versions, (policy, _), sync) = tokio::try_join!(
        core.store.runs(&asked.running, &few),
        core.store.drift_events(&asked.drift, &all),
        core.store.deployments(&asked.live, &all),
        core.store.versions(&every_version, &all),
        core.store.policy(),
        core.store.sync_status(),
    )?;
    let (running, stale) = if runs.more_after {
        let stale = stale(core, &asked.running);
        tokio::try_join!(
            core.store.count_runs(&asked.running),
            core.store.count_runs(&stale),
        )?
    } else {
        let now = core.clock.now();
        let is_stale = |run: &&ModelRun| run.stale_for(now, core.settings.stale_after).is_some();
        let stale = runs.rows.iter().filter(is_stale).count();
        (runs.rows.len() as u64, stale as u64)
    };
    let of_status = |status| {
        let deployments = deployments.rows.iter();
        deployments.filter(|known| known.status == status).count() as u64
    };
    let (active_deployments, pending_deployments) = (
        of_status(DeploymentStatus::Active),
        of_status(DeploymentStatus::Pending),
    );
    let drift = drift_events.rows.len() as u64;
    let worst_drift = drift_events.rows.iter().map(|event| event.severity).max();
    let mut running_runs = runs.rows;
    let active: Vec<Deployment> = deployments
        .rows
        .iter()
        .filter(|known| known.status == DeploymentStatus::Active)
        .take(SERVING)
        .cloned()
        .collect();
    let serving = serving(core, &active).await;
    running_runs.truncate(STRIP);
    drift_events.rows.truncate(STRIP);
    deployments.rows.truncate(STRIP);
    let (mut in_review, mut asked_about) = (0, 0);
    let every = versions.rows.len() as u64;
    for version in versions.rows {
        if version.checklist.is_empty() && version.decisions.is_empty() {
            continue;
        }
        asked_about += 1;
        in_review += u64::from(Review::of(version, &policy).is_waiting());
    }
    Ok(Overview {
        running,
        stale,
        in_review,
        asked_about,
        versions: every,
        policy,
        drift,
        worst_drift,
        active_deployments,
        pending_deployments,
        running_runs,
        drift_events: drift_events.rows,
        deployments: deployments.rows,
        serving,
        sync,
    })
}

/// Those of the runs that have been silent for too long.
fn stale(core: &Core, running: &RunQuery) -> RunQuery {
    let since = core.clock.now() - core.settings.stale_after;
    let mut stale = running.clone();
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
    stale
}

/// What serves, and what was rolled back for it.
async fn serving(core: &Core, active: &[Deployment]) -> Vec<Serving> {
    let told = |deployment: &Deployment, rolled_back| Serving {
        model_name: deployment.model_name.clone(),
        version: deployment.version.clone(),
        environment: deployment.environment,
        rolled_back,
    };
    let mut serving = Vec::new();
    for deployment in active {
        serving.push(told(deployment, false));
        let Some(bad) = &deployment.rollback_from else {
            continue;
        };
        // What serves is told even where what it replaced cannot be read.
        if let Ok(bad) = core.store.deployment(bad).await {
            serving.push(told(&bad, true));
        }
    }
    serving
}
