//! How fast a mirror catches up, against MLflow's own Python client logging the same points to the same server. Printed, never asserted.
//!
//! `cargo bench --bench sync`; with `MODELDECK_BENCH_RUNS=5` a small one, the usual number is 100.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that unwraps fails with its line"
)]
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]
#![allow(
    dead_code,
    reason = "the server's fixture is shared with tests that ask more of it"
)]

#[path = "../integration/support/mlflow_server.rs"]
mod mlflow_server;

use mlflow_server::{Series, Server};
use modeldeck::domain::{Key, MetricPoint, RunId};
use modeldeck::service::{
    ModelLifecycleService, NewExperiment, NewRun, ServerAddress, ServiceOptions,
};
use modeldeck::store::SeriesBatch;
use std::time::{Duration, Instant};

/// Runs, metrics and points: one run with 10 metrics of 2,000 points, and 100 runs with 5 metrics of 4 points.
fn shapes() -> [(usize, usize, usize); 2] {
    let given = std::env::var("MODELDECK_BENCH_RUNS").ok();
    let runs = given.map_or(100, |given| given.parse().expect("a number of runs"));
    [(1, 10, runs * 20), (runs, 5, 4)]
}

/// The same through MLflow's client: batches of 1,000 points, which is the most that it takes.
const CLIENT: &str = r#"
import sys, time, mlflow
from mlflow.entities import Metric
runs, metrics, points = RUNS, METRICS, POINTS
client = mlflow.MlflowClient()
experiment = client.create_experiment("python")
began = time.time()
for number in range(runs):
    run = client.create_run(experiment, start_time=1760000000000, run_name=f"r{number}", tags={"data": "june"})
    batch = []
    for metric in range(metrics):
        for step in range(points):
            batch.append(Metric(f"m{metric}", step / 7, 1760000000000 + step, step))
            if len(batch) == 1000:
                client.log_batch(run.info.run_id, metrics=batch)
                batch = []
    if batch:
        client.log_batch(run.info.run_id, metrics=batch)
    client.set_terminated(run.info.run_id)
print(time.time() - began)
"#;

fn main() {
    // `cargo test` runs benches too; a server is too much for that.
    if mlflow_server::is_switched_off() || !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (runs, metrics, points) in shapes() {
        let all = runs * metrics * points;
        let server = Server::start(Series::Three, &[]);
        // What a server does for the first time is slow, whoever asks.
        server.python("import mlflow; mlflow.MlflowClient().search_runs(['0'])");
        let script = CLIENT
            .replace("RUNS", &runs.to_string())
            .replace("METRICS", &metrics.to_string())
            .replace("POINTS", &points.to_string());
        let said = server.python(&script);
        // The client talks of each run before it says how long all took.
        let python: f64 = said.lines().last().unwrap().parse().unwrap();
        let ours = runtime.block_on(mirror(&server, runs, metrics, points));
        for (who, seconds) in [("MLflow's client", python), ("mirror", ours.as_secs_f64())] {
            #[expect(clippy::cast_precision_loss, reason = "these are small numbers")]
            let (a_run, a_point) = (runs as f64 / seconds, all as f64 / seconds);
            println!(
                "{runs:>4} runs, {all:>6} points: {who:<16} {seconds:>6.2} s, {a_run:>6.1} runs/s, {a_point:>7.0} points/s"
            );
        }
        let ratio = python / ours.as_secs_f64();
        println!("{runs:>4} runs, {all:>6} points: the mirror is {ratio:.1} times as fast");
    }
}

/// Fills a store that is not mirrored, then mirrors it.
async fn mirror(server: &Server, runs: usize, metrics: usize, points: usize) -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deck.db");
    let service = ModelLifecycleService::open(ServiceOptions::local(&path))
        .await
        .unwrap();
    service
        .create_experiment(NewExperiment::new("fraud".parse().unwrap()))
        .await
        .unwrap();
    for number in 0..runs {
        let mut new = NewRun::new("fraud".parse().unwrap());
        new.run_id = Some(RunId::new(&format!("r{number}")).unwrap());
        new.status = modeldeck::domain::RunStatus::Completed;
        new.tags.insert("data".parse().unwrap(), "june".to_owned());
        let run = service.log_run(new).await.unwrap();
        let batches: Vec<SeriesBatch> = (0..metrics)
            .map(|metric| SeriesBatch {
                run_id: run.run_id.clone(),
                key: Key::new(&format!("m{metric}")).unwrap(),
                points: (0..points)
                    .map(|step| MetricPoint {
                        value: f64::from(u32::try_from(step).unwrap()) / 7.0,
                        step: i64::try_from(step).unwrap(),
                        timestamp: jiff::Timestamp::from_millisecond(
                            1_760_000_000_000 + i64::try_from(step).unwrap(),
                        )
                        .unwrap(),
                    })
                    .collect(),
            })
            .collect();
        service.runs().append(&batches).await.unwrap();
    }
    drop(service);
    let options = ServiceOptions {
        tracking: Some(ServerAddress::new(server.uri())),
        ..ServiceOptions::local(&path)
    };
    let service = ModelLifecycleService::open(options).await.unwrap();
    let began = Instant::now();
    let drained = service.sync().drain(&|_| {}).await.unwrap();
    let took = began.elapsed();
    assert!(drained.is_complete(), "{:?}", drained.status);
    took
}
