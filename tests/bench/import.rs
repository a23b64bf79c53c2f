//! How fast runs with 10 metrics of 10 points, 5 params and 6 tags each come in: 10,000 from MLflow's database, and again, and with news; 1,000 from an `mlruns`
//! folder, 200 from a real server. Printed, never asserted.
//!
//! `cargo bench --bench import`; with `MODELDECK_BENCH_RUNS=100` a small one. `MODELDECK_SKIP_MLFLOW_TESTS=1` leaves the server out.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that unwraps fails with its line"
)]
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(
    dead_code,
    reason = "the server's fixture is shared with tests that ask more of it"
)]

#[path = "../integration/support/mlflow_file.rs"]
mod mlflow_file;
#[path = "../integration/support/mlflow_server.rs"]
mod mlflow_server;

use mlflow_server::{Series, Server};
use modeldeck::service::import::ImportManager;
use modeldeck::service::{MlflowSettings, ModelLifecycleService, ServiceOptions};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

const RUNS: usize = 10_000;

/// The same runs through MLflow's client.
const CLIENT: &str = r#"
import mlflow
from mlflow.entities import Metric, Param, RunTag
client = mlflow.MlflowClient()
experiment = client.create_experiment("fraud")
for number in range(RUNS):
    run = client.create_run(experiment, start_time=1795462330100, run_name=f"lgbm-{number}")
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(f"metric{m}", 1 / (s + 1), 1795462330200 + s * 1000, s) for m in range(10) for s in range(10)],
        params=[Param(f"param{p}", f"value {number * p}") for p in range(5)],
        tags=[RunTag(f"tag{t}", f"value {number * t}") for t in range(6)],
    )
    client.set_terminated(run.info.run_id)
"#;

fn main() {
    // `cargo test` runs benches too, and then it is enough that they run.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let given = std::env::var("MODELDECK_BENCH_RUNS").ok();
    let runs = match given {
        Some(given) => given.parse().expect("a number of runs"),
        None if is_bench => RUNS,
        None => 50,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    runtime.block_on(async {
        let file = directory.path().join("mlflow.db");
        let mlflow = mlflow_file::create(&file);
        mlflow_file::fill(&mlflow, 0..runs);
        let file = file.to_str().unwrap();
        let store = Local::open(&directory.path().join("file.db")).await;
        store.import("database", file).await;
        store.import("database, again", file).await;
        mlflow.execute_batch("BEGIN").unwrap();
        for number in 0..runs {
            mlflow_file::add_points(&mlflow, &mlflow_file::run_id(number), "metric0", 10..11);
        }
        mlflow.execute_batch("COMMIT").unwrap();
        store.import("database, one point more each", file).await;

        let folder = directory.path().join("mlruns");
        fill_folder(&folder, runs.div_ceil(10));
        let store = Local::open(&directory.path().join("folder.db")).await;
        store.import("mlruns", folder.to_str().unwrap()).await;
        store
            .import("mlruns, again", folder.to_str().unwrap())
            .await;

        if is_bench && !mlflow_server::is_switched_off() {
            let server = Server::start(Series::Three, &[]);
            server.python(&CLIENT.replace("RUNS", &runs.div_ceil(50).to_string()));
            let store = Local::open(&directory.path().join("server.db")).await;
            store.import("server", &server.uri()).await;
            store.import("server, again", &server.uri()).await;
        }
    });
}

/// A store that things come into.
struct Local(ModelLifecycleService);

impl Local {
    async fn open(path: &Path) -> Self {
        let options = ServiceOptions::local(path);
        Self(ModelLifecycleService::open(options).await.unwrap())
    }

    async fn import(&self, title: &str, source: &str) {
        let began = Instant::now();
        let mut source = ImportManager::open_source(source, &MlflowSettings::default())
            .await
            .unwrap();
        let imports = self.0.imports();
        let report = imports
            .run(source.as_mut(), std::future::pending(), &|_| {})
            .await
            .unwrap();
        let took = began.elapsed().as_secs_f64();
        let runs = report.runs.added + report.runs.updated + report.runs.unchanged;
        #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
        let pace = runs as f64 / took;
        println!(
            "{title:<30} {took:>7.2} s for {runs} runs ({pace:.0} runs/s): {} added, {} updated, {} unchanged, {} points added",
            report.runs.added, report.runs.updated, report.runs.unchanged, report.points_added
        );
    }
}

/// The same runs in files, as MLflow writes them.
fn fill_folder(root: &Path, runs: usize) {
    let write = |path: std::path::PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let experiment = root.join("1");
    let meta = "experiment_id: '1'\nname: fraud\nlifecycle_stage: active\ncreation_time: 5\n";
    write(experiment.join("meta.yaml"), meta);
    for number in 0..runs {
        let id = mlflow_file::run_id(number);
        let run = experiment.join(&id);
        let meta = format!(
            "run_id: {id}\nrun_name: lgbm-{number}\nstatus: 3\nstart_time: 1795462330100\nend_time: 1795462339999\nlifecycle_stage: active\nuser_id: alice\n"
        );
        write(run.join("meta.yaml"), &meta);
        for (folder, what, count) in [("params", "param", 5), ("tags", "tag", 6)] {
            for at in 0..count {
                let value = format!("value {}", number * at);
                write(run.join(folder).join(format!("{what}{at}")), &value);
            }
        }
        for metric in 0..10 {
            let mut lines = String::new();
            for step in 0..10 {
                let (at, value) = (
                    1_795_462_330_200_u64 + step * 1000,
                    1.0 / f64::from(u32::try_from(step).unwrap() + 1),
                );
                writeln!(lines, "{at} {value} {step}").unwrap();
            }
            write(run.join("metrics").join(format!("metric{metric}")), &lines);
        }
    }
}
