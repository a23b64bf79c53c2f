//! What the schema itself refuses, whoever asks: another program with its own connection here.

use super::{place, raw, with_run};
use crate::store_contract::samples::{
    at, batch, ctx, deployment, drift_event, point, with_versions,
};
use modeldeck::domain::DeploymentStatus;
use modeldeck::store::{
    DeploymentStore as _, DeploymentWrite, DriftStore as _, RunStore as _, StoreError,
};

#[tokio::test]
async fn a_time_that_cannot_be_kept_is_refused_and_not_bent() {
    let (_keep, path) = place();
    let store = with_run(&path).await;
    for time in ["2300-01-01T00:00:00Z", "1600-01-01T00:00:00Z"] {
        let mut far = point(0, 1.0);
        far.timestamp = time.parse().unwrap();
        let refused = store
            .append_metrics(&[batch("r1", "loss", &[far])], at(0))
            .await;
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{refused:?}"
        );
    }
}

/// Statements that a bug or another program might send, each refused by the schema for the reason named.
#[tokio::test]
async fn the_schema_guards_what_a_bug_could_break() {
    let (_keep, path) = place();
    let store = with_run(&path).await;
    with_versions(&store, &["1", "2"]).await;
    for (id, status) in [
        ("active", DeploymentStatus::Active),
        ("failed", DeploymentStatus::Failed),
        ("pending", DeploymentStatus::Pending),
    ] {
        let mut new = deployment(id, "fraud", "1");
        new.status = status;
        let write = DeploymentWrite {
            insert: Some(new),
            ..DeploymentWrite::default()
        };
        store
            .write_deployments(&write, &ctx("create_deployment"))
            .await
            .unwrap();
    }
    let event = drift_event("e1", "fraud", "1");
    store
        .insert_drift_event(&event, &ctx("record_drift_event"))
        .await
        .unwrap();
    drop(store);
    let raw = raw(&path);
    raw.pragma_update(None, "foreign_keys", true).unwrap();
    for (sql, because) in [
        (
            "UPDATE audit SET reason = 'x' WHERE seq = 1",
            "only added to",
        ),
        ("DELETE FROM audit WHERE seq = 2", "only added to"),
        ("DELETE FROM audit", "only added to"),
        ("UPDATE audit_head SET seq = 1", "only added to"),
        ("DELETE FROM audit_head", "only added to"),
        (
            "UPDATE deployments SET status = 'PENDING' WHERE deployment_id = 'active'",
            "does not move so",
        ),
        (
            "UPDATE deployments SET status = 'ACTIVE' WHERE deployment_id = 'failed'",
            "does not move so",
        ),
        (
            "UPDATE deployments SET status = 'TERMINATED' WHERE deployment_id = 'failed'",
            "does not move so",
        ),
        (
            "UPDATE deployments SET status = 'ACTIVE' WHERE deployment_id = 'pending'",
            "UNIQUE",
        ),
        (
            "UPDATE deployments SET status = 'BOGUS' WHERE deployment_id = 'pending'",
            "does not move so",
        ),
        ("UPDATE runs SET status = 'running'", "CHECK"),
        ("UPDATE experiments SET status = ''", "CHECK"),
        ("UPDATE experiments SET revision = 0", "CHECK"),
        ("UPDATE versions SET stage = 'PRODUCTION'", "CHECK"),
        ("UPDATE drift_events SET severity = 'BAD'", "CHECK"),
        ("UPDATE deployments SET environment = 'PROD'", "CHECK"),
        ("UPDATE versions SET version = '1'", "constraint failed"),
        ("DELETE FROM experiments", "FOREIGN KEY"),
        ("DELETE FROM versions WHERE version = '1'", "FOREIGN KEY"),
        ("UPDATE runs SET experiment_id = 99", "FOREIGN KEY"),
        (
            "INSERT INTO experiments SELECT NULL, name, '', '', 'ACTIVE', '{}', 0, 0, 1 FROM experiments",
            "UNIQUE",
        ),
        (
            "INSERT INTO drift_events SELECT NULL, 'e2', model_name, version, environment, metric, 0, 0, 0, 0, 0, 0, severity, state, 1, 0, 0, '', '', 0, 1 FROM drift_events",
            "UNIQUE",
        ),
    ] {
        let error = raw.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains(because), "{sql}: {error}");
    }
}
