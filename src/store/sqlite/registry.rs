//! The registry as a store gives it, the policy, and the gate compared inside a transaction.

use super::column::to_json;
use super::fault::Result;
use super::versions::{self, label};
use super::{SqliteStore, audit, lost, sync};
use crate::domain::{ModelName, ModelVersion, ObjectKind, Policy, Revision, SyncKind, Version};
use crate::store::{
    GateProof, Page, PageRequest, RegistryStore, StoreError, VersionQuery, WriteContext,
};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::Value;

fn policy(connection: &Connection) -> Result<(Policy, Revision)> {
    let stored = connection
        .prepare_cached("SELECT policy, revision FROM policy WHERE id = 1")?
        .query_row([], |row| {
            Ok((
                super::column::json(row, 0)?,
                super::column::revision(row, 1)?,
            ))
        })
        .optional()?;
    Ok(stored.unwrap_or_else(|| (Policy::default(), Revision(0))))
}

/// Compares what the gate was judged on with what is stored now, before the write that it lets through.
pub(super) fn check_gate(connection: &Connection, proof: &GateProof) -> Result<()> {
    let conflict = |detail: &str| {
        Err(StoreError::Conflict {
            kind: ObjectKind::ModelVersion,
            id: label(&proof.model_name, &proof.version),
            detail: Some(detail.to_owned()),
        }
        .into())
    };
    if policy(connection)?.1 != proof.policy {
        return conflict("the policy is another one now");
    }
    let (_, version) = versions::find(connection, &proof.model_name, &proof.version)?;
    if version.revision != proof.revision {
        return conflict("the version that was judged is another one now");
    }
    if version.subject() != proof.subject {
        return conflict("what was approved is something else now");
    }
    Ok(())
}

fn replace(
    connection: &Connection,
    new: &[ModelVersion],
    ctx: &WriteContext,
) -> Result<Vec<Revision>> {
    let mut stored = Vec::with_capacity(new.len());
    for version in new {
        let (id, old) = versions::find(connection, &version.model_name, &version.version)?;
        versions::delete_aliases(connection, id)?;
        stored.push((id, old));
    }
    for (version, (id, old)) in new.iter().zip(stored) {
        let object = label(&version.model_name, &version.version);
        if !versions::update(connection, id, version)? {
            return Err(lost(
                ObjectKind::ModelVersion,
                &object,
                version.revision,
                old.revision,
            ));
        }
        versions::insert_aliases(connection, id, version)?;
        sync::queue(connection, SyncKind::ModelVersion, id, ctx.at)?;
        audit::record(
            connection,
            ctx,
            ObjectKind::ModelVersion,
            object,
            audit::snapshot(ObjectKind::ModelVersion, &old)?,
            audit::snapshot(ObjectKind::ModelVersion, version)?,
        )?;
    }
    Ok(new.iter().map(|version| version.revision.next()).collect())
}

#[async_trait]
impl RegistryStore for SqliteStore {
    async fn insert_version(
        &self,
        version: &ModelVersion,
        ctx: &WriteContext,
    ) -> crate::store::Result<()> {
        let (new, ctx) = (version.clone(), ctx.clone());
        self.write("registering a version", move |tx| {
            let id = versions::insert(tx, &new)?;
            sync::queue(tx, SyncKind::ModelVersion, id, ctx.at)?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::ModelVersion,
                label(&new.model_name, &new.version),
                Value::Null,
                audit::snapshot(ObjectKind::ModelVersion, &new)?,
            )
        })
        .await
    }

    async fn replace_versions(
        &self,
        versions: &[ModelVersion],
        proof: Option<&GateProof>,
        ctx: &WriteContext,
    ) -> crate::store::Result<Vec<Revision>> {
        let (new, proof, ctx) = (versions.to_vec(), proof.cloned(), ctx.clone());
        self.write("changing versions", move |tx| {
            if let Some(proof) = &proof {
                check_gate(tx, proof)?;
            }
            replace(tx, &new, &ctx)
        })
        .await
    }

    async fn version(
        &self,
        model_name: &ModelName,
        version: &Version,
    ) -> crate::store::Result<ModelVersion> {
        let (model_name, version) = (model_name.clone(), version.clone());
        self.read("reading a version", move |connection| {
            versions::find(connection, &model_name, &version).map(|(_, version)| version)
        })
        .await
    }

    async fn versions(
        &self,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<ModelVersion>> {
        self.page_of("listing versions", &versions::LISTED, query, page)
            .await
    }

    async fn count_versions(&self, query: &VersionQuery) -> crate::store::Result<u64> {
        self.count_of("counting versions", &versions::LISTED, query)
            .await
    }

    async fn version_names(&self, model_name: &ModelName) -> crate::store::Result<Vec<Version>> {
        let model_name = model_name.clone();
        self.read("listing versions", move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT version FROM versions WHERE model_name = ?1 ORDER BY id")?;
            let names = statement.query_map([model_name.as_str()], |row| {
                Ok(Version::trusted(row.get::<_, String>(0)?))
            })?;
            Ok(names.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn policy(&self) -> crate::store::Result<(Policy, Revision)> {
        self.read("reading the policy", policy).await
    }

    async fn replace_policy(
        &self,
        policy: &Policy,
        read: Revision,
        ctx: &WriteContext,
    ) -> crate::store::Result<Revision> {
        let (new, ctx) = (policy.clone(), ctx.clone());
        self.write("setting the policy", move |tx| {
            let (old, stored) = self::policy(tx)?;
            if stored != read {
                return Err(lost(ObjectKind::Policy, &"policy", read, stored));
            }
            let next = read.next();
            tx.prepare_cached(
                "INSERT INTO policy (id, policy, revision) VALUES (1, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET policy = ?1, revision = ?2",
            )?
            .execute(params![to_json(&new)?, next.0])?;
            audit::record(
                tx,
                &ctx,
                ObjectKind::Policy,
                "policy".to_owned(),
                audit::snapshot(ObjectKind::Policy, &old)?,
                audit::snapshot(ObjectKind::Policy, &new)?,
            )?;
            Ok(next)
        })
        .await
    }
}
