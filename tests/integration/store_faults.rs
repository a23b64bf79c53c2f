//! The local store under faults: racing processes, sudden death, files that are not what they should be, and other people's hands.
//!
//! What needs another process starts this test binary again, with the name of its part in the environment.

mod children;
mod files;
mod processes;
mod schema;

use crate::store_contract::samples::{ctx, experiment, run};
use modeldeck::store::sqlite::{OpenOptions, SqliteStore};
use modeldeck::store::{ExperimentStore as _, RunStore as _, StoreError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory for a store and the path of the store in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("modeldeck.db");
    (directory, path)
}

fn try_open(path: &Path) -> Result<SqliteStore, StoreError> {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    SqliteStore::open(path, options)
}

fn open(path: &Path) -> SqliteStore {
    try_open(path).unwrap()
}

fn read_only(path: &Path) -> Result<SqliteStore, StoreError> {
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    SqliteStore::open(path, options)
}

/// A store with the experiment `fraud` and its run `r1`.
async fn with_run(path: &Path) -> SqliteStore {
    let store = open(path);
    store
        .insert_experiment(&experiment("fraud"), &ctx("create_experiment"))
        .await
        .unwrap();
    store
        .insert_run(&run("r1", "fraud"), &[], &ctx("log_run"))
        .await
        .unwrap();
    store
}

/// Another program's look at the file.
fn raw(path: &Path) -> rusqlite::Connection {
    let raw = rusqlite::Connection::open(path).unwrap();
    raw.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    raw
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).unwrap().mode() & 0o7777
}
