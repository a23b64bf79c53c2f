//! Databases of MLflow's layout, made without MLflow: as large or as strange as a test or a bench wants them.

use rusqlite::{Connection, params};
use std::path::Path;

/// MLflow 3.17.2's own tables, those that an import reads.
const TABLES: &str = r#"
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO alembic_version VALUES ('dc11669786a5');
CREATE TABLE experiments (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL, artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32),
    creation_time BIGINT, last_update_time BIGINT, workspace VARCHAR(63) DEFAULT 'default' NOT NULL, PRIMARY KEY (experiment_id), UNIQUE (workspace, name));
CREATE TABLE experiment_tags ("key" VARCHAR(250) NOT NULL, value TEXT, experiment_id INTEGER NOT NULL, PRIMARY KEY ("key", experiment_id));
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), source_type VARCHAR(20), source_name VARCHAR(500), entry_point_name VARCHAR(50),
    user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT, end_time BIGINT, source_version VARCHAR(50), lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
    experiment_id INTEGER, deleted_time BIGINT, CONSTRAINT run_pk PRIMARY KEY (run_uuid));
CREATE TABLE metrics ("key" VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL,
    is_nan BOOLEAN DEFAULT '0' NOT NULL, CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan));
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, "key", step);
CREATE TABLE params ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL, CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid));
CREATE INDEX index_params_run_uuid ON params (run_uuid);
CREATE TABLE tags ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL, CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid));
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE TABLE registered_models (name VARCHAR(256) NOT NULL, creation_time BIGINT, last_updated_time BIGINT, description VARCHAR(5000),
    workspace VARCHAR(63) DEFAULT 'default' NOT NULL, PRIMARY KEY (workspace, name));
CREATE TABLE model_versions (name VARCHAR(256) NOT NULL, version INTEGER NOT NULL, creation_time BIGINT, last_updated_time BIGINT, description VARCHAR(5000),
    user_id VARCHAR(256), current_stage VARCHAR(20), source VARCHAR(500), run_id VARCHAR(32), status VARCHAR(20), status_message VARCHAR(500), run_link VARCHAR(500),
    storage_location VARCHAR(500), workspace VARCHAR(63) DEFAULT 'default' NOT NULL, PRIMARY KEY (workspace, name, version));
CREATE TABLE registered_model_tags ("key" VARCHAR(250) NOT NULL, value VARCHAR(5000), name VARCHAR(256) NOT NULL, workspace VARCHAR(63) DEFAULT 'default' NOT NULL,
    PRIMARY KEY (workspace, "key", name));
CREATE TABLE model_version_tags ("key" VARCHAR(250) NOT NULL, value TEXT, name VARCHAR(256) NOT NULL, version INTEGER NOT NULL,
    workspace VARCHAR(63) DEFAULT 'default' NOT NULL, PRIMARY KEY (workspace, "key", name, version));
CREATE TABLE registered_model_aliases (alias VARCHAR(256) NOT NULL, version INTEGER NOT NULL, name VARCHAR(256) NOT NULL,
    workspace VARCHAR(63) DEFAULT 'default' NOT NULL, PRIMARY KEY (workspace, name, alias));
INSERT INTO experiments VALUES (0, 'Default', '/nowhere/0', 'active', 1795462330000, 1795462330000, 'default');
INSERT INTO experiments VALUES (1, 'fraud', '/nowhere/1', 'active', 1795462330001, 1795462330001, 'default');
"#;

/// An empty database with the experiments 0 'Default' and 1 'fraud'.
pub(crate) fn create(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(TABLES).unwrap();
    connection
}

pub(crate) fn run_id(number: usize) -> String {
    format!("{number:032x}")
}

/// Adds a FINISHED run to experiment 1.
pub(crate) fn add_run(connection: &Connection, run_id: &str, name: &str) {
    connection
        .prepare_cached(
            "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id)
             VALUES (?1, ?2, 'UNKNOWN', 'alice', 'FINISHED', 1795462330100, 1795462339999, 'active', '/nowhere/1/' || ?1 || '/artifacts', 1)",
        )
        .unwrap()
        .execute([run_id, name])
        .unwrap();
}

/// Adds points of one metric, a second apart, one step each.
pub(crate) fn add_points(
    connection: &Connection,
    run_id: &str,
    key: &str,
    steps: std::ops::Range<i64>,
) {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        )
        .unwrap();
    for step in steps {
        #[expect(clippy::cast_precision_loss, reason = "steps of a test are small")]
        let value = 1.0 / (step + 1) as f64;
        insert
            .execute(params![
                key,
                value,
                1_795_462_330_200 + step * 1000,
                run_id,
                step
            ])
            .unwrap();
    }
}

/// Adds runs as teams have them: 10 metrics of 10 points, 5 params and 6 tags each.
pub(crate) fn fill(connection: &Connection, runs: std::ops::Range<usize>) {
    connection.execute_batch("BEGIN").unwrap();
    for number in runs {
        let id = run_id(number);
        add_run(connection, &id, &format!("lgbm-{number}"));
        for (table, what, count) in [("params", "param", 5), ("tags", "tag", 6)] {
            let mut insert = connection
                .prepare_cached(&format!(
                    "INSERT INTO {table} (key, value, run_uuid) VALUES (?1, ?2, ?3)"
                ))
                .unwrap();
            for at in 0..count {
                insert
                    .execute([
                        &format!("{what}{at}"),
                        &format!("value {}", number * at),
                        &id,
                    ])
                    .unwrap();
            }
        }
        for metric in 0..10 {
            add_points(connection, &id, &format!("metric{metric}"), 0..10);
        }
    }
    connection.execute_batch("COMMIT").unwrap();
}
