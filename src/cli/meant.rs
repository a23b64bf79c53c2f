//! The object that an id on the command line means: the id itself, or a beginning or end of it that only one object has; and the version that
//! a name or an alias means.
//!
//! Ids made here are long, and people type what a list or the screen showed them. A piece is looked for only when no object has
//! it as its whole id, never decides between two, and means only ids that modeldeck or MLflow made: a script's own `run-1` that is
//! not there must not become `run-10`.

use super::context::Context;
use super::error::{CliError, Result};
use crate::domain::filter::{Op, Term, Test};
use crate::domain::{Alias, DeploymentId, DriftEventId, Filter, ModelName, RunId, Version, text};
use crate::service::{self, ErrorKind, ModelLifecycleService, VersionName};
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

/// The version that a name means, by itself or as an alias; where it is both, that is told.
pub(super) async fn version(
    ctx: &Context,
    service: &ModelLifecycleService,
    model: &ModelName,
    given: &VersionName,
) -> Result<Version> {
    let named = service.registry().named(model, given).await?;
    if let Some(other) = &named.also_alias_of {
        ctx.out.talk(&format!(
            "'{given}' is a version of '{model}', and an alias of version '{other}' too; '@{given}' means that one"
        ));
    }
    Ok(named.version)
}

/// The same where `NAME@ALIAS` may stand for both.
pub(super) async fn model_version(
    ctx: &Context,
    service: &ModelLifecycleService,
    name: &ModelName,
    given: Option<&VersionName>,
) -> Result<(ModelName, Version)> {
    let (model, given) = match given {
        Some(given) => (name.clone(), given.clone()),
        None => at_alias(name)?,
    };
    let version = version(ctx, service, &model, &given).await?;
    Ok((model, version))
}

/// Reads `fraud@champion`.
fn at_alias(name: &ModelName) -> Result<(ModelName, VersionName)> {
    let parts = name.as_str().rsplit_once('@');
    let read = parts.and_then(|(model, alias)| {
        let alias = VersionName::Alias(Alias::new(alias).ok()?);
        Some((ModelName::new(model).ok()?, alias))
    });
    read.ok_or_else(|| CliError::Usage {
        message: format!("which version of '{name}' is not told"),
        hint: Some(format!(
            "give its version or alias, as in '{name} 1' or '{name}@champion'; 'modeldeck model list {name}' shows them"
        )),
    })
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
