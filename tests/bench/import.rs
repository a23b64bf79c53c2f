//! How fast MLflow's database comes in: 10,000 runs with 10 metrics of 10 points, 5 params and 6 tags each, then the same again. Printed, never asserted.
//!
//! `cargo bench --bench import`

#![allow(
    clippy::unwrap_used,
    reason = "a bench that unwraps fails with its line"
)]
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../integration/support/mlflow_file.rs"]
mod mlflow_file;

use modeldeck::service::import::ImportManager;
use modeldeck::service::{MlflowSettings, ModelLifecycleService, ServiceOptions};
use std::time::Instant;

const RUNS: usize = 10_000;

fn main() {
    // `cargo test` runs benches too, and then it is enough that they run.
    let runs = if std::env::args().any(|argument| argument == "--bench") {
        RUNS
    } else {
        50
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mlflow.db");
    let mlflow = mlflow_file::create(&file);
    mlflow_file::fill(&mlflow, 0..runs);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = directory.path().join("modeldeck.db");
        let service = ModelLifecycleService::open(ServiceOptions::local(store))
            .await
            .unwrap();
        let import = |title: &'static str| {
            let (service, file) = (service.clone(), file.clone());
            async move {
                let began = Instant::now();
                let mut source = ImportManager::open_source(file.to_str().unwrap(), &MlflowSettings::default())
                    .await
                    .unwrap();
                let report = service
                    .imports()
                    .run(source.as_mut(), std::future::pending(), &|_| {})
                    .await
                    .unwrap();
                let took = began.elapsed();
                println!(
                    "{title}: {:.2} s for {runs} runs: {} added, {} updated, {} unchanged, {} points added",
                    took.as_secs_f64(),
                    report.runs.added,
                    report.runs.updated,
                    report.runs.unchanged,
                    report.points_added
                );
            }
        };
        import("import       ").await;
        import("again        ").await;
        mlflow.execute_batch("BEGIN").unwrap();
        for number in 0..runs {
            mlflow_file::add_points(&mlflow, &mlflow_file::run_id(number), "metric0", 10..11);
        }
        mlflow.execute_batch("COMMIT").unwrap();
        import("one more each").await;
    });
}
