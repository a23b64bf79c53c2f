//! The object that an id on the command line means: the id itself, or a beginning or end of it that only one object has.
//!
//! Ids made here are long, and people type what a list or the screen showed them. A piece is looked for only when no object has
//! it as its whole id, never decides between two, and means only ids that modeldeck or MLflow made: a script's own `run-1` that is
//! not there must not become `run-10`.

use super::error::{CliError, Result};
use crate::domain::filter::{Op, Term, Test};
use crate::domain::{DeploymentId, DriftEventId, Filter, RunId, text};
use crate::service::{self, ErrorKind, ModelLifecycleService};
use crate::store::{DeploymentQuery, DriftQuery, ListQuery, Page, PageRequest, RunQuery};

/// Shorter pieces are too easily another's.
const SHORTEST: usize = 4;

/// How many candidates are looked at.
const CANDIDATES: usize = 50;

/// How many of them are told.
const TOLD: usize = 5;

pub(super) async fn run(service: &ModelLifecycleService, given: &RunId) -> Result<RunId> {
    if is_whole(given.as_str()) {
        return Ok(given.clone());
    }
    let found = service.get_run(given).await.map(|run| run.run_id);
    resolve("run", given.as_str(), found, async || {
        let query = RunQuery {
            list: containing("run_id", given.as_str()),
            ..RunQuery::default()
        };
        let page = service.runs().list(&query, &candidates()).await?;
        Ok(ids(page, |run| run.run_id))
    })
    .await
}

pub(super) async fn deployment(
    service: &ModelLifecycleService,
    given: &DeploymentId,
) -> Result<DeploymentId> {
    if is_whole(given.as_str()) {
        return Ok(given.clone());
    }
    let found = service.get_deployment(given).await;
    let found = found.map(|deployment| deployment.deployment_id);
    resolve("deployment", given.as_str(), found, async || {
        let query = DeploymentQuery {
            list: containing("deployment_id", given.as_str()),
            ..DeploymentQuery::default()
        };
        let page = service.deployments().list(&query, &candidates()).await?;
        Ok(ids(page, |deployment| deployment.deployment_id))
    })
    .await
}

pub(super) async fn drift_event(
    service: &ModelLifecycleService,
    given: &DriftEventId,
) -> Result<DriftEventId> {
    if is_whole(given.as_str()) {
        return Ok(given.clone());
    }
    let found = service.get_drift_event(given).await;
    let found = found.map(|event| event.event_id);
    resolve("drift event", given.as_str(), found, async || {
        let query = DriftQuery {
            list: containing("event_id", given.as_str()),
            ..DriftQuery::default()
        };
        let page = service.drift().list(&query, &candidates()).await?;
        Ok(ids(page, |event| event.event_id))
    })
    .await
}

/// An id as long as modeldeck and MLflow make them needs no look: it is nobody's piece.
fn is_whole(id: &str) -> bool {
    id.len() >= 32
}

fn is_made(id: &str) -> bool {
    is_whole(id) && is_piece(id)
}

fn is_piece(given: &str) -> bool {
    given.len() >= SHORTEST && given.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn candidates() -> PageRequest {
    PageRequest::first(CANDIDATES)
}

fn containing(field: &str, piece: &str) -> ListQuery {
    let term = Term {
        negated: false,
        test: Test::Field {
            field: field.to_owned(),
            op: Op::Contains,
            value: piece.to_owned(),
        },
    };
    ListQuery {
        filter: Filter { terms: vec![term] },
        sort: None,
    }
}

fn ids<T, I>(page: Page<T>, id: impl Fn(T) -> I) -> (Vec<I>, bool) {
    let more = page.more_after;
    (page.rows.into_iter().map(id).collect(), more)
}

async fn resolve<I: AsRef<str>>(
    noun: &str,
    given: &str,
    found: service::Result<I>,
    look: impl AsyncFnOnce() -> Result<(Vec<I>, bool)>,
) -> Result<I> {
    let absent = match found {
        Ok(id) => return Ok(id),
        Err(error) if error.kind() == ErrorKind::NotFound => error,
        Err(error) => return Err(error.into()),
    };
    if !is_piece(given) {
        return Err(absent.into());
    }
    let (mut ids, more) = look().await?;
    ids.retain(|id| {
        let id = id.as_ref();
        is_made(id) && (id.starts_with(given) || id.ends_with(given))
    });
    match (ids.len(), more) {
        (1, false) => Ok(ids.remove(0)),
        (0, false) => Err(absent.into()),
        (found, _) => Err(ambiguous(noun, given, &ids, found, more)),
    }
}

fn ambiguous<I: AsRef<str>>(
    noun: &str,
    given: &str,
    ids: &[I],
    found: usize,
    more: bool,
) -> CliError {
    let mut told: Vec<String> = ids
        .iter()
        .take(TOLD)
        .map(|id| text::visible(id.as_ref()).into_owned())
        .collect();
    if found > TOLD || more {
        told.push("…".to_owned());
    }
    CliError::Usage {
        message: format!(
            "'{}' is a piece of more than one {noun}'s id",
            text::visible(given)
        ),
        hint: Some(match told.as_slice() {
            [] => "give more of it".to_owned(),
            _ => format!("give more of it: {}", told.join(", ")),
        }),
    }
}
