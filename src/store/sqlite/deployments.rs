//! Deployments in SQL.

use super::column::{
    json, nanos, optional_json, optional_nanos, optional_time, revision, time, to_json,
    to_optional_json, word,
};
use super::fault::{Broken, Fault, Result, broken};
use super::filter::{Binder, Kind, ListTable, Source};
use super::list::Listed;
use super::{SqliteStore, audit, lost, registry, versions};
use crate::domain::{
    Deployment, DeploymentId, DeploymentStatus, Environment, Health, ModelName, ObjectKind,
    Revision, Version,
};
use crate::store::{
    DeploymentQuery, DeploymentStore, DeploymentWrite, Page, PageRequest, StoreError, WriteContext,
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

const COLUMNS: &str = "d.deployment_id, d.model_name, d.version, d.environment, d.status, d.endpoint, d.health_check, d.health,
    d.health_history, d.rollback_from, d.deployed_by, d.created_at, d.activated_at, d.ended_at, d.reason, d.updated_at, d.revision";

static LIST: ListTable = ListTable {
    from: "deployments d",
    id: "d.id",
    newest: "d.created_at",
    words: &[
        Source::text("d.model_name"),
        Source::text("d.deployment_id"),
    ],
    fields: &[
        ("deployment_id", Source::text("d.deployment_id")),
        ("model", Source::text("d.model_name")),
        ("version", Source::new(Kind::Natural, "d.version")),
        (
            "environment",
            Source::new(
                Kind::Words(|| Environment::ALL.iter().map(|word| word.as_str()).collect()),
                "d.environment",
            ),
        ),
        (
            "status",
            Source::new(
                Kind::Words(|| {
                    DeploymentStatus::ALL
                        .iter()
                        .map(|word| word.as_str())
                        .collect()
                }),
                "d.status",
            ),
        ),
        (
            "health",
            Source::new(
                Kind::Words(|| Health::ALL.iter().map(|word| word.as_str()).collect()),
                "d.health",
            ),
        ),
        ("endpoint", Source::text("(d.endpoint ->> '$.url')")),
        ("deployed_by", Source::text("d.deployed_by")),
        ("reason", Source::text("d.reason")),
        ("rollback_from", Source::text("d.rollback_from")),
        ("created", Source::time("d.created_at")),
        (
            "since",
            Source::time("ifnull(d.activated_at, d.created_at)"),
        ),
        ("activated", Source::time("d.activated_at")),
        ("ended", Source::time("d.ended_at")),
    ],
    keyed: &[],
};

static LISTED: Listed<DeploymentQuery, Deployment> = Listed {
    table: &LIST,
    list: |query| &query.list,
    restrict,
    load,
};

fn deployment(row: &Row<'_>) -> rusqlite::Result<Deployment> {
    Ok(Deployment {
        deployment_id: DeploymentId::trusted(row.get::<_, String>(0)?),
        model_name: ModelName::trusted(row.get::<_, String>(1)?),
        version: Version::trusted(row.get::<_, String>(2)?),
        environment: word(row, 3)?,
        status: word(row, 4)?,
        endpoint: optional_json(row, 5)?,
        health_check: optional_json(row, 6)?,
        health: word(row, 7)?,
        health_history: json(row, 8)?,
        rollback_from: row.get::<_, Option<String>>(9)?.map(DeploymentId::trusted),
        deployed_by: row.get(10)?,
        created_at: time(row, 11)?,
        activated_at: optional_time(row, 12)?,
        ended_at: optional_time(row, 13)?,
        reason: row.get(14)?,
        updated_at: time(row, 15)?,
        revision: revision(row, 16)?,
    })
}

fn load(connection: &Connection, ids: &[i64]) -> Result<Vec<Deployment>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM json_each(?1) j CROSS JOIN deployments d ON d.id = j.value"
    ))?;
    let rows = statement.query_map([to_json(&ids)?], deployment)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn find(connection: &Connection, deployment_id: &DeploymentId) -> Result<Deployment> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM deployments d WHERE d.deployment_id = ?1"
        ))?
        .query_row([deployment_id.as_str()], deployment)
        .optional()?;
    Ok(found.ok_or_else(|| StoreError::not_found(ObjectKind::Deployment, deployment_id))?)
}

fn restrict(query: &DeploymentQuery, binder: &mut Binder) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(model) = &query.model {
        let name = binder.bind(model.as_str().to_owned());
        conditions.push(format!("d.model_name = {name}"));
    }
    if let Some(version) = &query.version {
        let version = binder.bind(version.as_str().to_owned());
        conditions.push(format!("d.version = {version}"));
    }
    if let Some(environment) = query.environment {
        conditions.push(binder.any_of("d.environment", [environment.as_str()]));
    }
    if !query.statuses.is_empty() {
        let words = query.statuses.iter().map(|status| status.as_str());
        conditions.push(binder.any_of("d.status", words));
    }
    conditions
}

/// Sets every column by its place, for an insert as for an update.
fn write(connection: &Connection, sql: &str, new: &Deployment, next: Revision) -> Result<usize> {
    let columns = params![
        new.deployment_id.as_str(),
        new.model_name.as_str(),
        new.version.as_str(),
        new.environment.as_str(),
        new.status.as_str(),
        to_optional_json(new.endpoint.as_ref())?,
        to_optional_json(new.health_check.as_ref())?,
        new.health.as_str(),
        to_json(&new.health_history)?,
        new.rollback_from.as_ref().map(DeploymentId::as_str),
        new.deployed_by,
        nanos(new.created_at)?,
        optional_nanos(new.activated_at)?,
        optional_nanos(new.ended_at)?,
        new.reason,
        nanos(new.updated_at)?,
        new.revision.0,
        next.0,
    ];
    connection
        .prepare_cached(sql)?
        .execute(columns)
        .map_err(|error| refused(error, new))
}

/// A write that would break I1 or I7 lost a race against another program.
fn refused(error: rusqlite::Error, new: &Deployment) -> Fault {
    let conflict = |detail: String| {
        Fault::Told(StoreError::Conflict {
            kind: ObjectKind::Deployment,
            id: new.deployment_id.as_str().to_owned(),
            detail: Some(detail),
        })
    };
    match broken(&error) {
        Some(Broken::Unique) if error.to_string().contains("deployments.deployment_id") => {
            StoreError::AlreadyExists {
                kind: ObjectKind::Deployment,
                id: new.deployment_id.as_str().to_owned(),
            }
            .into()
        }
        Some(Broken::Unique) => conflict(format!(
            "'{}' has another ACTIVE deployment in {}",
            new.model_name, new.environment
        )),
        Some(Broken::Trigger) => conflict(format!("it cannot become {} any more", new.status)),
        Some(Broken::ForeignKey) => match &new.rollback_from {
            Some(bad) => StoreError::not_found(ObjectKind::Deployment, bad).into(),
            None => error.into(),
        },
        None => error.into(),
    }
}

fn replace(connection: &Connection, new: &Deployment, ctx: &WriteContext) -> Result<()> {
    let old = find(connection, &new.deployment_id)?;
    let changed = write(
        connection,
        "UPDATE deployments SET model_name = ?2, version = ?3, environment = ?4, status = ?5, endpoint = ?6, health_check = ?7,
             health = ?8, health_history = ?9, rollback_from = ?10, deployed_by = ?11, created_at = ?12, activated_at = ?13,
             ended_at = ?14, reason = ?15, updated_at = ?16, revision = ?18
         WHERE deployment_id = ?1 AND revision = ?17",
        new,
        new.revision.next(),
    )?;
    if changed == 0 {
        return Err(lost(
            ObjectKind::Deployment,
            &new.deployment_id,
            new.revision,
            old.revision,
        ));
    }
    audit::record(
        connection,
        ctx,
        ObjectKind::Deployment,
        new.deployment_id.as_str().to_owned(),
        audit::snapshot(ObjectKind::Deployment, &old)?,
        audit::snapshot(ObjectKind::Deployment, new)?,
    )
}

fn insert(connection: &Connection, new: &Deployment, ctx: &WriteContext) -> Result<()> {
    versions::find(connection, &new.model_name, &new.version)?;
    // ?18 is the next revision of an update, which an insert has not.
    write(
        connection,
        "INSERT INTO deployments (deployment_id, model_name, version, environment, status, endpoint, health_check, health,
             health_history, rollback_from, deployed_by, created_at, activated_at, ended_at, reason, updated_at, revision)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 WHERE ?18 = ?17",
        new,
        new.revision,
    )?;
    audit::record(
        connection,
        ctx,
        ObjectKind::Deployment,
        new.deployment_id.as_str().to_owned(),
        Value::Null,
        audit::snapshot(ObjectKind::Deployment, new)?,
    )
}

#[async_trait]
impl DeploymentStore for SqliteStore {
    async fn write_deployments(
        &self,
        write: &DeploymentWrite,
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let (write, ctx) = (write.clone(), ctx.clone());
        self.write("writing deployments", move |tx| {
            if let Some(proof) = &write.proof {
                registry::check_gate(tx, proof)?;
            }
            for deployment in &write.replace {
                replace(tx, deployment, &ctx)?;
            }
            match &write.insert {
                Some(new) => insert(tx, new, &ctx),
                None => Ok(()),
            }
        })
        .await
    }

    async fn deployment(&self, deployment_id: &DeploymentId) -> crate::store::Result<Deployment> {
        let deployment_id = deployment_id.clone();
        self.read("reading a deployment", move |connection| {
            find(connection, &deployment_id)
        })
        .await
    }

    async fn active_deployment(
        &self,
        model_name: &ModelName,
        environment: Environment,
    ) -> crate::store::Result<Option<Deployment>> {
        let model_name = model_name.clone();
        self.read("reading a deployment", move |connection| {
            Ok(connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM deployments d WHERE d.model_name = ?1 AND d.environment = ?2 AND d.status = 'ACTIVE'"
                ))?
                .query_row([model_name.as_str(), environment.as_str()], deployment)
                .optional()?)
        })
        .await
    }

    async fn deployments(
        &self,
        query: &DeploymentQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<Deployment>> {
        self.page_of("listing deployments", &LISTED, query, page)
            .await
    }

    async fn count_deployments(&self, query: &DeploymentQuery) -> crate::store::Result<u64> {
        self.count_of("counting deployments", &LISTED, query).await
    }
}
