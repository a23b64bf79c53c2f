//! `store import`: databases, folders and servers of MLflow, whole, again, changed, hostile, interrupted.

mod again;
mod faults;
mod hostile;
mod interrupted;
mod real;
mod repetition;

use crate::support::{Done, Home, mlflow_file};
use rusqlite::Connection;
use serde_json::Value;
use std::path::PathBuf;

/// A home with a database of MLflow's in it.
struct Place {
    home: Home,
    mlflow: Connection,
}

impl Place {
    fn new() -> Self {
        let home = Home::new();
        let mlflow = mlflow_file::create(&home.path().join("mlflow.db"));
        Self { home, mlflow }
    }

    /// Imports the database, which ends with this code.
    fn import(&self, code: i32) -> Value {
        self.imported(code).json()
    }

    fn imported(&self, code: i32) -> Done {
        self.home
            .deck(["store", "import", "mlflow.db", "--json"])
            .code(code)
    }

    fn run(&self, run_id: &str) -> Value {
        self.home.json(&format!("run show {run_id}"))
    }

    fn points(&self, run_id: &str, key: &str) -> Vec<Value> {
        let found = self.home.json(&format!("run metrics {run_id} {key}"));
        found.as_array().unwrap().clone()
    }

    fn store(&self) -> PathBuf {
        self.home.store()
    }

    /// The local store is sound, and its audit log too.
    fn assert_sound(&self) {
        self.home.run("audit verify");
        self.home.run("doctor");
    }
}

/// The counts of a report's kind: added, updated, unchanged, left out, refused.
fn tally(report: &Value, kind: &str) -> [u64; 5] {
    ["added", "updated", "unchanged", "skipped", "refused"]
        .map(|what| report[kind][what].as_u64().unwrap())
}

/// What a list of a report says, each as `kind id part`.
fn told(report: &Value, list: &str) -> Vec<String> {
    report[list]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|remark| {
            let word = |name: &str| remark[name].as_str().unwrap_or_default();
            format!("{} {} {}", word("kind"), word("id"), word("part"))
                .trim_end()
                .to_owned()
        })
        .collect()
}
