//! The mirror of a local store on a real MLflow server: what is carried over, what survives which trouble, and that nothing is lost or done twice.

mod content;
mod faults;
mod files;
mod odd_points;
mod processes;
mod queue;
mod told;
mod two_servers;

use crate::store_contract::samples::{key, texts};
use crate::support::mlflow_server::Server;
use modeldeck::domain::{Identity, MetricPoint, ModelName, RunId, RunStatus, Stage};
use modeldeck::service::{
    Drained, ModelLifecycleService, NewExperiment, NewModelVersion, NewRun, RunUpdate,
    ServerAddress, ServiceOptions, StageChange, SyncPatience,
};
use modeldeck::store::SeriesBatch;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A store in a directory of its own.
struct Deck {
    dir: tempfile::TempDir,
}

impl Deck {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("deck.db")
    }

    /// The store, mirrored to a server.
    async fn on(&self, uri: &str) -> ModelLifecycleService {
        let options = ServiceOptions {
            identity: Identity::new("alice", "gpu-07"),
            tracking: Some(ServerAddress::new(uri)),
            sync_patience: SyncPatience {
                first_wait: Duration::from_millis(20),
                refusals: 2,
                failures: 20,
            },
            ..ServiceOptions::local(self.path())
        };
        ModelLifecycleService::open(options).await.unwrap()
    }

    /// The store's file, read beside the program.
    fn raw(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.path()).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        connection
    }
}

async fn drain(service: &ModelLifecycleService) -> Drained {
    service.sync().drain(&|_| {}).await.unwrap()
}

/// Drains until everything is there.
async fn drain_whole(service: &ModelLifecycleService) {
    for _ in 0..20 {
        if drain(service).await.is_complete() {
            return;
        }
    }
    let status = service.sync().status().await.unwrap();
    panic!("{status:?} {:?}", service.sync().items(20).await);
}

/// An experiment with a description and a tag.
async fn experiment(service: &ModelLifecycleService, name: &str) {
    let mut new = NewExperiment::new(name.parse().unwrap());
    "which card was stolen".clone_into(&mut new.description);
    new.tags = texts(&[("team", "risk")]);
    service.create_experiment(new).await.unwrap();
}

/// A RUNNING run with params and tags.
async fn begin(service: &ModelLifecycleService, experiment: &str, id: &str) -> RunId {
    let mut new = NewRun::new(experiment.parse().unwrap());
    new.run_id = Some(RunId::new(id).unwrap());
    new.name = Some(format!("name of {id}"));
    new.params = texts(&[("lr", "0.1"), ("depth", "6")]);
    new.tags = texts(&[("data", "june"), ("later", "gone")]);
    new.source.git_commit = Some("a".repeat(40));
    new.source.command = Some("python3 train.py".to_owned());
    new.source.user = Some("alice".to_owned());
    new.source.host = Some("gpu-07".to_owned());
    service.log_run(new).await.unwrap().run_id
}

async fn end(service: &ModelLifecycleService, run_id: &RunId) {
    let update = RunUpdate {
        status: Some(RunStatus::Completed),
        ..RunUpdate::default()
    };
    service.update_run(run_id, &update).await.unwrap();
}

/// Points of one metric from a step on, each unlike any other.
async fn measure(
    service: &ModelLifecycleService,
    run_id: &RunId,
    metric: &str,
    from: i64,
    count: i64,
) {
    let points = (from..from + count).map(|step| MetricPoint {
        value: f64::from(u32::try_from(step).unwrap()) / 7.0,
        step,
        timestamp: jiff::Timestamp::from_millisecond(1_760_000_000_000 + step).unwrap(),
    });
    let batch = SeriesBatch {
        run_id: run_id.clone(),
        key: key(metric),
        points: points.collect(),
    };
    service.runs().append(&[batch]).await.unwrap();
}

async fn register(
    service: &ModelLifecycleService,
    model: &str,
    run_id: &RunId,
    stage: Stage,
) -> String {
    let model = ModelName::new(model).unwrap();
    let mut new = NewModelVersion::new(model.clone());
    new.run_id = Some(run_id.clone());
    "the one".clone_into(&mut new.description);
    let version = service.register_model_version(new).await.unwrap().version;
    if stage != Stage::None {
        service
            .set_stage(&model, &version, stage, &StageChange::default())
            .await
            .unwrap();
    }
    version.as_str().to_owned()
}

type Point = (String, i64, i64, u64);

/// Every point of the store, sorted: metric, step, milliseconds, bits.
fn local_points(path: &Path) -> Vec<Point> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT k.key, p.step, p.ts / 1000000, p.value FROM points p JOIN keys k ON k.key_id = p.key_id")
        .unwrap();
    let rows = statement.query_map([], point).unwrap();
    let mut points: Vec<Point> = rows.map(Result::unwrap).collect();
    points.sort_unstable();
    points
}

/// Every point of the server, sorted.
fn remote_points(server: &Server) -> Vec<Point> {
    let mut points = server.rows(
        "SELECT key, step, timestamp, iif(is_nan, NULL, value) FROM metrics",
        point,
    );
    points.sort_unstable();
    points
}

fn point(row: &rusqlite::Row<'_>) -> rusqlite::Result<Point> {
    let value: Option<f64> = row.get(3)?;
    // MLflow keeps no infinity, but its largest number.
    let value = value.map_or(f64::NAN, |value| value.clamp(-f64::MAX, f64::MAX));
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, value.to_bits()))
}
