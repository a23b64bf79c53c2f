//! How fast the local store is: ingest, pages of a list of 100,000 runs, and a chart of a million points. Printed, never asserted.
//!
//! `cargo bench --bench store`

use divan::Bencher;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use modeldeck::domain::{
    ExperimentName, ExperimentStatus, Filter, Identity, Key, MetricPoint, ModelExperiment,
    ModelRun, Revision, RunId, RunSource, RunStatus, Sort,
};
use modeldeck::store::sqlite::{OpenOptions, SqliteStore};
use modeldeck::store::{
    AuditStore, ExperimentStore, ListQuery, PageFrom, PageRequest, RunQuery, RunStore, SeriesBatch,
    WriteContext,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{LazyLock, OnceLock};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime starts")
});

struct Filled {
    directory: TempDir,
    store: SqliteStore,
}

fn open(directory: &TempDir) -> SqliteStore {
    let options = OpenOptions {
        create: true,
        ..OpenOptions::default()
    };
    SqliteStore::open(&directory.path().join("modeldeck.db"), options).expect("the store opens")
}

fn context() -> WriteContext {
    WriteContext {
        identity: Identity::new("alice", "gpu-07"),
        at: Timestamp::UNIX_EPOCH,
        action: "bench",
        reason: None,
    }
}

fn run_id(number: usize) -> RunId {
    RunId::new(&format!("run{number:06}")).expect("it is a run id")
}

/// An empty store with one experiment and a few runs to write metrics to.
fn empty() -> &'static Filled {
    static EMPTY: OnceLock<Filled> = OnceLock::new();
    EMPTY.get_or_init(|| {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let store = open(&directory);
        RUNTIME.block_on(async {
            let experiment = ModelExperiment {
                name: ExperimentName::new("fraud").expect("it is a name"),
                description: String::new(),
                owner: "alice".to_owned(),
                status: ExperimentStatus::Active,
                tags: BTreeMap::new(),
                created_at: Timestamp::UNIX_EPOCH,
                updated_at: Timestamp::UNIX_EPOCH,
                revision: Revision::FIRST,
            };
            let context = context();
            let added = store.insert_experiment(&experiment, &context).await;
            added.expect("the experiment is new");
            for number in 0..4 {
                let run = ModelRun {
                    run_id: run_id(number),
                    experiment_name: experiment.name.clone(),
                    name: "bench".to_owned(),
                    status: RunStatus::Running,
                    params: BTreeMap::new(),
                    metrics: BTreeMap::new(),
                    tags: BTreeMap::new(),
                    artifacts: Vec::new(),
                    source: RunSource::default(),
                    created_at: Timestamp::UNIX_EPOCH,
                    started_at: None,
                    ended_at: None,
                    heartbeat_at: None,
                    mlflow: None,
                    updated_at: Timestamp::UNIX_EPOCH,
                    revision: Revision::FIRST,
                };
                let added = store.insert_run(&run, &[], &context).await;
                added.expect("the run is new");
            }
        });
        Filled { directory, store }
    })
}

/// 100,000 runs with three params and three latest metrics each, and a run with a history of a million points. Written with plain SQL, because
/// what is measured is reading.
fn full() -> &'static Filled {
    static FULL: OnceLock<Filled> = OnceLock::new();
    FULL.get_or_init(|| {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        drop(open(&directory));
        let sql = rusqlite::Connection::open(directory.path().join("modeldeck.db"))
            .expect("the file is there");
        sql.execute_batch(
            "BEGIN;
             INSERT INTO keys (key_id, key) VALUES (1, 'loss'), (2, 'val/auc'), (3, 'epoch'), (4, 'lr'), (5, 'batch'), (6, 'optimizer');
             INSERT INTO experiments (name, description, owner, status, tags, created_at, updated_at, revision)
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
                 SELECT 'experiment-' || i, '', 'alice', 'ACTIVE', '{}', i, i, 1 FROM n;
             INSERT INTO runs (run_id, experiment_id, name, status, artifacts, source, created_at, started_at, updated_at, revision)
                 WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
                 SELECT printf('%032x', i * 7919), 1 + i % 10, 'lgbm-' || i, iif(i % 100 = 0, 'RUNNING', 'COMPLETED'), '[]',
                     '{\"command\":\"python3 train.py --lr 0.1\",\"git_commit\":\"0123456789abcdef\",\"host\":\"gpu-07\",\"user\":\"alice\"}',
                     1760000000000000000 + i * 1000000000, 1760000000000000000 + i * 1000000000, 1760000000000000000, 1 FROM n;
             INSERT INTO run_attributes (run, kind, key_id, value, number)
                 SELECT id, 'P', 4, '0.' || (1 + id % 99), ('0.' || (1 + id % 99)) + 0.0 FROM runs
                 UNION ALL SELECT id, 'P', 5, 32, 32.0 FROM runs UNION ALL SELECT id, 'P', 6, 'adam', NULL FROM runs;
             INSERT INTO series (run, key_id, count, latest_step, latest_ts, latest_value, open_non_finite)
                 SELECT r.id, k.key_id, 256, 255, 1760000000000000000, abs((r.id * 7919 * k.key_id) % 1000003) / 1000003.0, 0
                 FROM runs r CROSS JOIN keys k WHERE k.key_id <= 3;
             COMMIT;",
        )
        .expect("the layout takes the runs");
        drop(sql);
        let store = open(&directory);
        RUNTIME.block_on(async {
            let id = RunId::new(&format!("{:032x}", 7919)).expect("it is a run id");
            for (length, chunks) in [(10_000, 1), (50_000, 5), (1_000_000, 100)] {
                for chunk in 0..chunks {
                    let batch = SeriesBatch {
                        run_id: id.clone(),
                        key: Key::new(&format!("history-of-{length}")).expect("it is a key"),
                        points: points(chunk * 10_000, 10_000),
                    };
                    let written = store.append_metrics(&[batch], Timestamp::UNIX_EPOCH).await;
                    written.expect("the points are written");
                }
            }
        });
        Filled { directory, store }
    })
}

fn points(from: i64, count: i64) -> Vec<MetricPoint> {
    (from..from + count)
        .map(|step| MetricPoint {
            #[expect(clippy::cast_precision_loss, reason = "any curve will do")]
            value: (step as f64 / 1000.0).sin(),
            step,
            timestamp: Timestamp::from_millisecond(1_760_000_000_000 + step).expect("in range"),
        })
        .collect()
}

/// Points of one metric in durable transactions of some size.
#[divan::bench(args = [1, 10, 100, 1_000, 10_000])]
fn ingest(bencher: Bencher<'_, '_>, size: i64) {
    static STEP: AtomicI64 = AtomicI64::new(0);
    let filled = empty();
    bencher
        .counter(ItemsCount::new(usize::try_from(size).expect("it is small")))
        .with_inputs(|| {
            [SeriesBatch {
                run_id: run_id(0),
                key: Key::new("loss").expect("it is a key"),
                points: points(STEP.fetch_add(size, Ordering::Relaxed), size),
            }]
        })
        .bench_values(|batch| {
            let written = filled.store.append_metrics(&batch, Timestamp::UNIX_EPOCH);
            RUNTIME.block_on(written).expect("the points are written");
        });
}

/// A thousand points of ten metrics of four runs in one transaction, as `ingest` sends them.
#[divan::bench]
fn ingest_mixed(bencher: Bencher<'_, '_>) {
    static STEP: AtomicI64 = AtomicI64::new(0);
    let filled = empty();
    bencher
        .counter(ItemsCount::new(1_000_usize))
        .with_inputs(|| {
            let from = STEP.fetch_add(25, Ordering::Relaxed);
            (0..40)
                .map(|number| SeriesBatch {
                    run_id: run_id(number / 10),
                    key: Key::new(&format!("metric-{}", number % 10)).expect("it is a key"),
                    points: points(from, 25),
                })
                .collect::<Vec<_>>()
        })
        .bench_values(|batches| {
            let written = filled.store.append_metrics(&batches, Timestamp::UNIX_EPOCH);
            RUNTIME.block_on(written).expect("the points are written");
        });
}

/// A page of a hundred of 100,000 runs.
#[divan::bench(args = [
    "newest", "last", "middle", "by metric", "by metric ascending", "by metric from the end", "by param", "by name", "one experiment",
    "filter status:running", "filter val/auc>0.5", "filter lr>=0.5 lgbm", "filter nothing", "filter rare metric by metric",
])]
fn page(bencher: Bencher<'_, '_>, which: &str) {
    let filled = full();
    let filter = |text: &str| Filter::parse(text).expect("it is a filter");
    let (mut query, mut from) = (RunQuery::default(), PageFrom::Start);
    match which {
        "last" => from = PageFrom::End,
        "middle" => {
            let first = PageRequest::first(50_000);
            let page = RUNTIME.block_on(filled.store.runs(&query, &first));
            let (_, last) = page.expect("there are runs").edges.expect("there are runs");
            from = PageFrom::After(last);
        }
        "by metric" => query.list.sort = Some(Sort::descending("metrics.val/auc")),
        "by metric ascending" => query.list.sort = Some(Sort::ascending("metrics.loss")),
        "by metric from the end" => {
            query.list.sort = Some(Sort::descending("metrics.val/auc"));
            from = PageFrom::End;
        }
        "by param" => query.list.sort = Some(Sort::descending("params.lr")),
        "by name" => query.list.sort = Some(Sort::ascending("name")),
        "one experiment" => query.experiment = Some(ExperimentName::trusted("experiment-3")),
        "filter nothing" => query.list.filter = filter("nosuchname"),
        "filter rare metric by metric" => {
            query.list = ListQuery {
                filter: filter("metrics.loss>0.999"),
                sort: Some(Sort::descending("metrics.val/auc")),
            };
        }
        which => {
            if let Some(text) = which.strip_prefix("filter ") {
                query.list.filter = filter(text);
            }
        }
    }
    let request = PageRequest { from, limit: 100 };
    bencher.bench(|| {
        let page = RUNTIME.block_on(filled.store.runs(&query, &request));
        page.expect("the page is read")
    });
}

/// How many of 100,000 runs there are.
#[divan::bench(args = ["", "status:running", "val/auc>0.5", "lgbm"])]
fn count(bencher: Bencher<'_, '_>, text: &str) {
    let filled = full();
    let query = RunQuery {
        list: ListQuery {
            filter: Filter::parse(text).expect("it is a filter"),
            sort: None,
        },
        ..RunQuery::default()
    };
    bencher.bench(|| RUNTIME.block_on(filled.store.count_runs(&query)));
}

/// A chart of 400 columns of a history of some length.
#[divan::bench(args = [10_000, 50_000, 1_000_000])]
fn chart(bencher: Bencher<'_, '_>, length: u64) {
    let filled = full();
    let id = RunId::new(&format!("{:032x}", 7919)).expect("it is a run id");
    let key = Key::new(&format!("history-of-{length}")).expect("it is a key");
    bencher.bench(|| {
        let chart = RUNTIME.block_on(filled.store.metric_chart(&id, &key, 400));
        assert_eq!(chart.as_ref().map(|chart| chart.points).ok(), Some(length));
        chart
    });
}

/// What a screen asks ten times a second.
#[divan::bench]
fn change_token(bencher: Bencher<'_, '_>) {
    let filled = full();
    bencher.bench(|| RUNTIME.block_on(filled.store.change_token()));
}

/// From nothing to the first page of 100,000 runs.
#[divan::bench]
fn open_and_first_page(bencher: Bencher<'_, '_>) {
    let filled = full();
    let page = PageRequest::first(100);
    bencher.bench(|| {
        let store = open(&filled.directory);
        RUNTIME
            .block_on(store.runs(&RunQuery::default(), &page))
            .expect("the page is read")
    });
}
