//! Answers the reading questions of the screen from the service. It keeps nothing and draws nothing.

use super::around::around;
use crate::domain::{Key, ModelName, ObjectKind, RunId, RunStatus, Version};
use crate::service::{ModelLifecycleService, Result};
use crate::store::{DeploymentQuery, DriftQuery, ListQuery, PageRequest, RunQuery, VersionQuery};
use crate::tui::message::{
    Answer, DeploymentMore, DriftMore, ExperimentMore, ListOf, Question, Rows, RunMore,
    RunQuestion, SyncMore, VersionMore,
};

/// How many relatives of an object its detail shows.
const RELATIVES: usize = 20;
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
            Answer::Drift(Box::new(DriftMore {
                run_id: service
                    .registry()
                    .get(&event.model_name, &event.version)
                    .await?
                    .run_id,
                history: history(service, ObjectKind::DriftEvent, event_id.as_str()).await?,
                deployments: deployments(service, &event.model_name, &event.version).await?,
            }))
        }
        Question::Deployment(deployment_id) => {
            let deployment = service.deployments().get(&deployment_id).await?;
            let (model, version) = (&deployment.model_name, &deployment.version);
            let others = DeploymentQuery {
                model: Some(model.clone()),
                environment: Some(deployment.environment),
                ..DeploymentQuery::default()
            };
            let object = service.registry().get(model, version).await?;
            Answer::Deployment(Box::new(DeploymentMore {
                missing: service.approvals().missing(&object).await?,
                others: service
                    .deployments()
                    .list(&others, &PageRequest::first(RELATIVES))
                    .await?
                    .rows,
                version: Some(object),
                // That there is nothing to go back to is not a failure of looking.
                target: service.deployments().target(&deployment, None).await.ok(),
                history: history(service, ObjectKind::Deployment, deployment_id.as_str()).await?,
                drift: drift(service, model, version).await?,
            }))
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
    let chart = match &question.metric {
        Some(metric) => Some(
            service
                .runs()
                .chart(&question.run_id, metric, question.columns)
                .await?,
        ),
        None => None,
    };
    let registered = VersionQuery {
        run_id: Some(question.run_id.clone()),
        ..VersionQuery::default()
    };
    Ok(RunMore {
        chart,
        output: service
            .runs()
            .output_tail(&question.run_id, question.output)
            .await?,
        versions: service
            .registry()
            .list(&registered, &PageRequest::first(RELATIVES))
            .await?
            .rows,
    })
}

/// A store that would have to give dozens of whole histories each time is not asked for them to decorate a list.
async fn curves(
    service: &ModelLifecycleService,
    metric: &Key,
    run_ids: Vec<RunId>,
    columns: usize,
) -> Result<Vec<(RunId, Vec<f64>)>> {
    if !service.capabilities().near {
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
    Ok(VersionMore {
        production: service.registry().production(model).await?,
        missing: service.approvals().missing(&object).await?,
        history: history(service, ObjectKind::ModelVersion, &object.label()).await?,
        deployments: deployments(service, model, version).await?,
        drift: drift(service, model, version).await?,
    })
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
