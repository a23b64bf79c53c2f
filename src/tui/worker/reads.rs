//! Answers the reading questions of the screen from the service. It keeps nothing and draws nothing.

use super::around::around;
use crate::domain::{Artifact, Deployment, Key, ModelName, ObjectKind, RunId, RunStatus, Version};
use crate::service::{ModelLifecycleService, Result};
use crate::store::{DeploymentQuery, DriftQuery, ListQuery, PageRequest, RunQuery, VersionQuery};
use crate::tui::message::{
    Answer, DeploymentMore, DriftMore, ExperimentMore, ListOf, Question, Rows, RunMore,
    RunQuestion, SyncMore, VersionMore,
};

/// How many relatives of an object its detail shows.
const RELATIVES: usize = 20;
/// How many runs of an experiment on a server are counted one by one.
const COUNTED: usize = 200;
/// How many items of the mirror are shown.
const ITEMS: usize = 500;
/// How many audit entries of an object its detail shows.
const ENTRIES: usize = 50;

pub(super) async fn answer(service: &ModelLifecycleService, question: Question) -> Result<Answer> {
    Ok(match question {
        Question::Page(list, page) => Answer::Rows(rows(service, &list, &page).await?),
        Question::Around { list, only, limit } => {
            Answer::Rows(around(service, &list, &only, limit).await?)
        }
        Question::Count { matching, all } => {
            let count_all = count(service, &all).await?;
            let count_matching = if matching == all {
                count_all
            } else {
                count(service, &matching).await?
            };
            Answer::Count {
                matching: count_matching,
                all: count_all,
            }
        }
        Question::Sync => Answer::Sync(Box::new(SyncMore {
            status: service.sync().status().await?,
            items: service.sync().items(ITEMS).await?,
            is_on_server: !service.sync().is_possible(),
        })),
        Question::Overview => Answer::Overview(Box::new(service.overview().await?)),
        Question::Experiment(name) => {
            let of_status = |statuses| RunQuery {
                experiment: Some(name.clone()),
                statuses,
                list: ListQuery::default(),
            };
            if !service.capabilities().near
                && let Some(more) = far_experiment(service, &of_status(Vec::new())).await?
            {
                return Ok(Answer::Experiment(Box::new(more)));
            }
            let mut more = ExperimentMore::default();
            for status in RunStatus::ALL {
                let runs = service.runs().count(&of_status(vec![*status])).await?;
                if runs > 0 {
                    more.runs.push((*status, runs));
                }
            }
            more.newest = service
                .runs()
                .list(&of_status(Vec::new()), &PageRequest::first(RELATIVES))
                .await?
                .rows;
            Answer::Experiment(Box::new(more))
        }
        Question::Run(question) => Answer::Run(Box::new(run(service, &question).await?)),
        Question::Version(model, version) => {
            Answer::Version(Box::new(self::version(service, &model, &version).await?))
        }
        Question::Drift(event_id) => {
            let event = service.drift().get(&event_id).await?;
            let (model, version) = (&event.model_name, &event.version);
            let (object, history, deployments) = tokio::try_join!(
                service.registry().find(model, version),
                history(service, ObjectKind::DriftEvent, event_id.as_str()),
                deployments(service, model, version),
            )?;
            Answer::Drift(Box::new(DriftMore {
                run_id: object.and_then(|version| version.run_id),
                history,
                deployments,
            }))
        }
        Question::Deployment(deployment_id) => {
            let deployment = service.deployments().get(&deployment_id).await?;
            Answer::Deployment(Box::new(self::deployment(service, &deployment).await?))
        }
        Question::Runs(run_ids) => {
            let mut runs = Vec::with_capacity(run_ids.len());
            for run_id in run_ids {
                runs.push(service.runs().get(&run_id).await?);
            }
            Answer::Runs(runs)
        }
        Question::Curves(metric, run_ids, columns) => {
            let curves = curves(service, &metric, run_ids, columns).await?;
            Answer::Curves(metric, curves)
        }
        Question::Comparison(model, versions) => Answer::Comparison(Box::new(
            service.registry().compare(&model, &versions).await?,
        )),
    })
}

pub(super) async fn rows(
    service: &ModelLifecycleService,
    list: &ListOf,
    page: &PageRequest,
) -> Result<Rows> {
    Ok(match list {
        ListOf::Experiments(query) => {
            Rows::Experiments(service.experiments().list(query, page).await?)
        }
        ListOf::Runs(query) => Rows::Runs(service.runs().list(query, page).await?),
        ListOf::Versions(query) => Rows::Versions(service.registry().list(query, page).await?),
        ListOf::Reviews { waiting, query } => {
            Rows::Reviews(service.approvals().reviews(*waiting, query, page).await?)
        }
        ListOf::DriftEvents(query) => Rows::DriftEvents(service.drift().list(query, page).await?),
        ListOf::Deployments(query) => {
            Rows::Deployments(service.deployments().list(query, page).await?)
        }
    })
}

async fn count(service: &ModelLifecycleService, list: &ListOf) -> Result<u64> {
    match list {
        ListOf::Experiments(query) => service.experiments().count(query).await,
        ListOf::Runs(query) => service.runs().count(query).await,
        ListOf::Versions(query) => service.registry().count(query).await,
        ListOf::Reviews { waiting, query } => {
            service.approvals().count_reviews(*waiting, query).await
        }
        ListOf::DriftEvents(query) => service.drift().count(query).await,
        ListOf::Deployments(query) => service.deployments().count(query).await,
    }
}

async fn run(service: &ModelLifecycleService, question: &RunQuestion) -> Result<RunMore> {
    let chart = async {
        let Some(metric) = &question.metric else {
            return Ok(None);
        };
        let chart = service
            .runs()
            .chart(&question.run_id, metric, question.columns);
        chart.await.map(Some)
    };
    let registered = VersionQuery {
        run_id: Some(question.run_id.clone()),
        ..VersionQuery::default()
    };
    let page = PageRequest::first(RELATIVES);
    let files = async { Ok(unrecorded(service, &question.run_id).await) };
    let (chart, files, output, versions) = tokio::try_join!(
        chart,
        files,
        service
            .runs()
            .output_tail(&question.run_id, question.output),
        service.registry().list(&registered, &page),
    )?;
    Ok(RunMore {
        chart,
        files,
        output,
        versions: versions.rows,
    })
}

/// Files that only a server knows of. One that cannot list them shows the rest of the run all the same.
async fn unrecorded(service: &ModelLifecycleService, run_id: &RunId) -> Vec<Artifact> {
    if service.capabilities().near {
        return Vec::new();
    }
    let listed = async {
        let run = service.runs().get(run_id).await?;
        let mut files = service.runs().files(&run).await?;
        files.retain(|file| run.artifacts.iter().all(|known| known.path != file.path));
        Ok(files)
    };
    let listed: Result<Vec<Artifact>> = listed.await;
    listed.unwrap_or_else(|error| {
        tracing::warn!(%error, run = %run_id, "the run's files could not be listed");
        Vec::new()
    })
}

/// A store that would have to give dozens of whole histories each time is not asked for them to decorate a list.
async fn curves(
    service: &ModelLifecycleService,
    metric: &Key,
    run_ids: Vec<RunId>,
    columns: usize,
) -> Result<Vec<(RunId, Vec<f64>)>> {
    if !service.capabilities().curves {
        return Ok(run_ids.into_iter().map(|id| (id, Vec::new())).collect());
    }
    let charts = service.runs().charts(&run_ids, metric, columns).await?;
    let values = |chart: &crate::domain::MetricChart| {
        let values = chart.buckets.iter().map(|bucket| match bucket.range {
            // Of a stretch with a NaN in it that is what is to be seen.
            Some(_) if bucket.non_finite == 0 => bucket.last.unwrap_or(f64::NAN),
            _ => f64::NAN,
        });
        values.collect()
    };
    let curves = charts.iter().map(values);
    Ok(run_ids.into_iter().zip(curves).collect())
}

async fn version(
    service: &ModelLifecycleService,
    model: &ModelName,
    version: &Version,
) -> Result<VersionMore> {
    let object = service.registry().get(model, version).await?;
    let label = object.label();
    let (production, missing, history, deployments, drift) = tokio::try_join!(
        service.registry().production(model),
        service.approvals().missing(&object),
        history(service, ObjectKind::ModelVersion, &label),
        deployments(service, model, version),
        drift(service, model, version),
    )?;
    Ok(VersionMore {
        production,
        missing,
        history,
        deployments,
        drift,
    })
}

async fn deployment(
    service: &ModelLifecycleService,
    deployment: &Deployment,
) -> Result<DeploymentMore> {
    let (model, version) = (&deployment.model_name, &deployment.version);
    let others = DeploymentQuery {
        model: Some(model.clone()),
        environment: Some(deployment.environment),
        ..DeploymentQuery::default()
    };
    let page = PageRequest::first(RELATIVES);
    let object = service.registry().find(model, version).await?;
    let id = deployment.deployment_id.as_str();
    // That there is nothing to go back to is not a failure of looking.
    let target = async { Ok(service.deployments().target(deployment, None).await.ok()) };
    let missing = async {
        match &object {
            Some(object) => service.approvals().missing(object).await,
            None => Ok(Vec::new()),
        }
    };
    let (missing, others, target, history, drift) = tokio::try_join!(
        missing,
        service.deployments().list(&others, &page),
        target,
        history(service, ObjectKind::Deployment, id),
        drift(service, model, version),
    )?;
    Ok(DeploymentMore {
        version_is_gone: object.is_none(),
        version: object,
        missing,
        others: others.rows,
        target,
        history,
        drift,
    })
}

/// An experiment with not very many runs is counted from them, in one question instead of one a status.
async fn far_experiment(
    service: &ModelLifecycleService,
    query: &RunQuery,
) -> Result<Option<ExperimentMore>> {
    let page = PageRequest::first(COUNTED);
    let mut runs = service.runs().list(query, &page).await?;
    if runs.more_after {
        return Ok(None);
    }
    let of_status = |status: RunStatus| {
        let runs = runs.rows.iter();
        runs.filter(|run| run.status == status).count() as u64
    };
    let counts = RunStatus::ALL
        .iter()
        .map(|status| (*status, of_status(*status)));
    let counts = counts.filter(|(_, runs)| *runs > 0).collect();
    runs.rows.truncate(RELATIVES);
    Ok(Some(ExperimentMore {
        runs: counts,
        newest: runs.rows,
    }))
}

async fn deployments(
    service: &ModelLifecycleService,
    model: &ModelName,
    version: &Version,
) -> Result<Vec<crate::domain::Deployment>> {
    let query = DeploymentQuery {
        model: Some(model.clone()),
        version: Some(version.clone()),
        ..DeploymentQuery::default()
    };
    let page = PageRequest::first(RELATIVES);
    Ok(service.deployments().list(&query, &page).await?.rows)
}

async fn drift(
    service: &ModelLifecycleService,
    model: &ModelName,
    version: &Version,
) -> Result<Vec<crate::domain::DriftEvent>> {
    let query = DriftQuery {
        model: Some(model.clone()),
        version: Some(version.clone()),
        ..DriftQuery::default()
    };
    let page = PageRequest::first(RELATIVES);
    Ok(service.drift().list(&query, &page).await?.rows)
}

async fn history(
    service: &ModelLifecycleService,
    kind: ObjectKind,
    object: &str,
) -> Result<Vec<crate::domain::AuditEntry>> {
    service.audit().history(kind, object, ENTRIES).await
}
