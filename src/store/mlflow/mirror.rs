//! Deployments and drift events as readable runs, for MLflow's page, client and search.
//!
//! They are written after the ledger and never read back as truth; one that could not be written is made up for by the next change of its object.

use super::api::NewRun;
use super::api::RunSearch;
use super::dto::{KeyValue, Metric};
use super::error::{ApiError, ApiResult};
use super::fields::{NOTE, cut};
use super::points::PointsThere;
use super::store::MlflowStore;
use crate::domain::{Deployment, DeploymentStatus, DriftEvent, DriftState, number::short};
use jiff::Timestamp;

const DEPLOYMENTS: &str = "modeldeck/deployments";
const DRIFT: &str = "modeldeck/drift";
const ID: &str = "modeldeck.id";

/// A run that shows an object.
struct Shown {
    experiment: &'static str,
    note: &'static str,
    id: String,
    name: String,
    user: String,
    status: &'static str,
    start: Timestamp,
    end: Option<Timestamp>,
    tags: Vec<KeyValue>,
    metrics: Vec<Metric>,
}

/// What happened, in a sentence, with what somebody noted after it.
fn description(event: &DriftEvent) -> String {
    let threshold = event
        .threshold
        .map_or("no threshold given".to_owned(), |threshold| {
            format!("threshold {}", short(threshold))
        });
    let mut said = format!(
        "{} drift of {} {}: {} was {} and is {} (score {}, {threshold})",
        event.severity,
        event.model_name.as_str(),
        event.version.as_str(),
        event.metric.as_str(),
        short(event.baseline),
        short(event.observed),
        short(event.score),
    );
    if let Some(note) = &event.note {
        said.push_str("\n\n");
        said.push_str(note);
    }
    said
}

impl MlflowStore {
    pub(super) async fn show_deployment(&self, deployment: &Deployment) {
        let id = deployment.deployment_id.as_str();
        let mut tags = vec![
            KeyValue::new("modeldeck.model", cut(deployment.model_name.as_str())),
            KeyValue::new("modeldeck.version", deployment.version.as_str()),
            KeyValue::new("modeldeck.environment", deployment.environment.as_str()),
            KeyValue::new("modeldeck.status", deployment.status.as_str()),
            KeyValue::new("modeldeck.health", deployment.health.as_str()),
        ];
        if let Some(endpoint) = &deployment.endpoint {
            tags.push(KeyValue::new("modeldeck.endpoint", cut(&endpoint.url)));
        }
        if let Some(reason) = &deployment.reason {
            tags.push(KeyValue::new(NOTE, cut(reason)));
        }
        let status = match deployment.status {
            DeploymentStatus::Pending => "SCHEDULED",
            DeploymentStatus::Active => "RUNNING",
            DeploymentStatus::Failed => "FAILED",
            DeploymentStatus::Terminated => "FINISHED",
        };
        self.show(Shown {
            experiment: DEPLOYMENTS,
            note: "Deployments, written by modeldeck for you to read; the ledger is the truth.",
            id: id.to_owned(),
            name: format!(
                "{} {} in {}",
                deployment.model_name.as_str(),
                deployment.version.as_str(),
                deployment.environment
            ),
            user: deployment.deployed_by.clone(),
            status,
            start: deployment.created_at,
            end: deployment.ended_at,
            tags,
            metrics: Vec::new(),
        })
        .await;
    }

    pub(super) async fn show_drift(&self, event: &DriftEvent) {
        let mut tags = vec![
            KeyValue::new("modeldeck.model", cut(event.model_name.as_str())),
            KeyValue::new("modeldeck.version", event.version.as_str()),
            KeyValue::new("modeldeck.metric", event.metric.as_str()),
            KeyValue::new("modeldeck.severity", event.severity.as_str()),
            KeyValue::new("modeldeck.state", event.state.as_str()),
        ];
        if let Some(environment) = event.environment {
            tags.push(KeyValue::new("modeldeck.environment", environment.as_str()));
        }
        tags.push(KeyValue::new(NOTE, cut(&description(event))));
        let metric = |key: &str, value: f64| Metric {
            key: key.to_owned(),
            value,
            timestamp: event.last_seen_at.as_millisecond(),
            step: i64::try_from(event.count).unwrap_or(i64::MAX),
        };
        let mut metrics = vec![
            metric("baseline", event.baseline),
            metric("observed", event.observed),
            metric("score", event.score),
        ];
        metrics.extend(
            event
                .threshold
                .map(|threshold| metric("threshold", threshold)),
        );
        let is_over = event.state == DriftState::Resolved;
        self.show(Shown {
            experiment: DRIFT,
            note: "Drift events, written by modeldeck for you to read; the ledger is the truth.",
            id: event.event_id.as_str().to_owned(),
            name: format!(
                "{} {}: {}",
                event.model_name.as_str(),
                event.version.as_str(),
                event.metric.as_str()
            ),
            user: String::new(),
            status: if is_over { "FINISHED" } else { "RUNNING" },
            start: event.first_seen_at,
            end: is_over.then_some(event.updated_at),
            tags,
            metrics,
        })
        .await;
    }

    async fn show(&self, shown: Shown) {
        if let Err(error) = self.try_show(&shown).await {
            tracing::warn!(%error, id = %shown.id, "its readable run in '{}' is not up to date", shown.experiment);
        }
    }

    async fn try_show(&self, shown: &Shown) -> ApiResult<()> {
        let experiment_id = self
            .experiment_of_mirror(shown.experiment, shown.note)
            .await?;
        let search = RunSearch {
            experiment_ids: vec![experiment_id.clone()],
            filter: format!("tags.`{ID}` = '{}'", shown.id),
            order_by: Vec::new(),
        };
        let (found, _) = self.client.search_runs(&search, 1, None).await?;
        let run_id = if let Some(run) = found.into_iter().next() {
            run.info.run_id
        } else {
            let new = NewRun {
                experiment_id: &experiment_id,
                name: &shown.name,
                start_time: shown.start.as_millisecond(),
                user_id: &shown.user,
                tags: &[KeyValue::new(ID, shown.id.as_str())],
            };
            self.client.create_run(&new).await?.info.run_id
        };
        // A value may be NaN, and is written again with every change.
        let there = PointsThere::default();
        super::repeated(|| {
            self.client
                .log_points(&there, &run_id, &shown.metrics, &[], &shown.tags)
        })
        .await?;
        let end = shown.end.map(Timestamp::as_millisecond);
        super::repeated(|| {
            self.client
                .update_run(&run_id, Some(shown.status), end, None)
        })
        .await
    }

    async fn experiment_of_mirror(&self, name: &str, note: &str) -> ApiResult<String> {
        let known = self
            .seen()
            .experiments
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(id, _)| id.clone());
        if let Some(id) = known {
            return Ok(id);
        }
        let id = match self
            .client
            .create_experiment(name, &[KeyValue::new(NOTE, note)])
            .await
        {
            Ok(id) => id,
            Err(error) if error.is_taken() || error.outcome_is_unknown() => {
                let there = self.client.experiment_by_name(name).await?;
                if there.lifecycle_stage == "deleted" {
                    return Err(ApiError::Garbled {
                        problem: format!("experiment '{name}' was deleted by hand"),
                    });
                }
                there.experiment_id
            }
            Err(error) => return Err(error),
        };
        self.seen().experiments.insert(id.clone(), name.to_owned());
        Ok(id)
    }
}
