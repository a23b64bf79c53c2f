//! Every kind of bad answer to every kind of call: an error that names what happened, in bounded time, and everything as before once the trouble is over.

use crate::store_contract::samples::{
    at, batch, ctx, deployment, drift_event, experiment, key, point, run, version,
};
use crate::support::fault_server::{Fault, FaultServer, answer, with_header};
use crate::support::mlflow_server::{Series, Server, is_switched_off, turn};
use modeldeck::domain::{Policy, Revision};
use modeldeck::store::mlflow::{Deadlines, MlflowOptions, MlflowStore};
use modeldeck::store::{
    DeploymentWrite, ExperimentQuery, PageRequest, RunQuery, RunStore as _, Store, StoreError,
    VersionQuery,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Deadlines short enough for a test.
fn impatient() -> MlflowOptions {
    MlflowOptions {
        deadlines: Deadlines {
            connect: Duration::from_millis(300),
            silence: Duration::from_secs(1),
            attempt: Duration::from_secs(2),
            read: Duration::from_millis(800),
            first: Duration::from_secs(20),
            file: Duration::from_secs(3),
        },
        ..MlflowOptions::default()
    }
}

/// The table: the fault, and what it has to be told as.
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn faults() -> Vec<(&'static str, Fault, &'static [&'static str])> {
    let (json, html, plain) = ("application/json", "text/html", "text/plain");
    let mlflow = |code: &str| {
        format!("{{\"error_code\": \"{code}\", \"message\": \"(sqlite3.OperationalError) no\"}}")
    };
    let huge = format!("{{\"x\": \"{}\"}}", "y".repeat(33 * 1024 * 1024));
    vec![
        (
            "400",
            answer("400 Bad Request", json, &mlflow("INVALID_PARAMETER_VALUE")),
            &["Invalid", "Unavailable"],
        ),
        (
            "401 html",
            answer(
                "401 Unauthorized",
                html,
                "<h1>You are not authenticated</h1>",
            ),
            &["Unauthorized"],
        ),
        (
            "403",
            answer("403 Forbidden", json, &mlflow("PERMISSION_DENIED")),
            &["Unauthorized"],
        ),
        (
            "403 host",
            answer(
                "403 Forbidden",
                plain,
                "Invalid Host header - possible DNS rebinding attack detected",
            ),
            &["Unauthorized"],
        ),
        (
            "404 html",
            answer("404 Not Found", html, "<title>404 Not Found</title>"),
            &["Unavailable"],
        ),
        (
            "409",
            answer("409 Conflict", json, &mlflow("CONFLICT")),
            &["Unavailable"],
        ),
        (
            "413",
            answer("413 Payload Too Large", html, "<h1>413</h1>"),
            &["Invalid"],
        ),
        (
            "429",
            with_header(
                "429 Too Many Requests",
                plain,
                "Retry-After: 60\r\n",
                "slow down",
            ),
            &["Unavailable"],
        ),
        (
            "500 html",
            answer(
                "500 Internal Server Error",
                html,
                "<h1>Internal Server Error</h1>",
            ),
            &["Unavailable"],
        ),
        (
            "502",
            answer("502 Bad Gateway", html, "<h1>nginx</h1>"),
            &["Unavailable"],
        ),
        (
            "503",
            answer(
                "503 Service Unavailable",
                json,
                &mlflow("TEMPORARILY_UNAVAILABLE"),
            ),
            &["Unavailable"],
        ),
        (
            "504",
            answer("504 Gateway Timeout", html, "<h1>nginx</h1>"),
            &["Unavailable"],
        ),
        (
            "redirect",
            with_header(
                "302 Found",
                html,
                "Location: https://login.example.org/\r\n",
                "",
            ),
            &["Unavailable"],
        ),
        ("empty 200", answer("200 OK", json, ""), &["Unavailable"]),
        (
            "html 200",
            answer("200 OK", html, "<html><title>Login</title></html>"),
            &["Unavailable"],
        ),
        ("hang up", Fault::HangUp, &["Unavailable"]),
        ("lost answer", Fault::LoseAnswer, &["Unavailable"]),
        ("half a head", Fault::Truncate(20), &["Unavailable"]),
        ("half a body", Fault::Truncate(180), &["Unavailable"]),
        ("silence", Fault::Silence, &["Unavailable"]),
        (
            "a byte a second",
            Fault::Drip(Duration::from_secs(1)),
            &["Unavailable"],
        ),
        ("huge", answer("200 OK", json, &huge), &["Unavailable"]),
        (
            "packed",
            with_header("200 OK", json, "Content-Encoding: gzip\r\n", "{}"),
            &["Unavailable"],
        ),
    ]
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotFound { .. } => "NotFound",
        StoreError::Invalid { .. } => "Invalid",
        StoreError::Unauthorized { .. } => "Unauthorized",
        StoreError::Unavailable { .. } | StoreError::Unreachable { .. } => "Unavailable",
        StoreError::Conflict { .. } => "Conflict",
        StoreError::Busy { .. } => "Busy",
        _ => "another",
    }
}

/// Every kind of call, by a name; changes are new ones each time.
const CALLS: &[&str] = &[
    "run",
    "runs",
    "experiment",
    "experiments",
    "versions",
    "history",
    "policy",
    "output",
    "token",
    "insert_experiment",
    "insert_run",
    "append_metrics",
    "heartbeat",
    "replace_run",
    "insert_version",
    "replace_versions",
    "replace_policy",
    "deploy",
    "drift",
];

async fn call(store: &dyn Store, name: &str, number: usize) -> Result<(), StoreError> {
    let (known, ctx) = (run("r1", "fraud"), ctx("test"));
    let all = PageRequest::first(10);
    let fresh = format!("{name}{number}");
    match name {
        "run" => store.run(&known.run_id).await.map(drop),
        "runs" => store.runs(&RunQuery::default(), &all).await.map(drop),
        "experiment" => store.experiment(&known.experiment_name).await.map(drop),
        "experiments" => store
            .experiments(&ExperimentQuery::default(), &all)
            .await
            .map(drop),
        "versions" => store
            .versions(&VersionQuery::default(), &all)
            .await
            .map(drop),
        "history" => store
            .metric_history(&known.run_id, &key("loss"), 0, 10)
            .await
            .map(drop),
        "policy" => store.policy().await.map(drop),
        "output" => store.output_tail(&known.run_id, 10).await.map(drop),
        // It is not asked again within a moment, so something has to have been written.
        "token" => {
            store
                .heartbeat(&known.run_id, at(1_000 + i64::try_from(number).unwrap()))
                .await?;
            store.change_token().await.map(drop)
        }
        "insert_experiment" => store.insert_experiment(&experiment(&fresh), &ctx).await,
        "insert_run" => store.insert_run(&run(&fresh, "fraud"), &[], &ctx).await,
        "append_metrics" => {
            let step = i64::try_from(number).unwrap();
            store
                .append_metrics(&[batch("r1", "loss", &[point(step, 0.5)])], at(step))
                .await
        }
        "heartbeat" => {
            store
                .heartbeat(&known.run_id, at(100_000 + i64::try_from(number).unwrap()))
                .await
        }
        "replace_run" => {
            let mut run = store.run(&known.run_id).await?;
            run.tags.insert(key("n"), fresh);
            store.replace_run(&run, &[], &ctx).await.map(drop)
        }
        "insert_version" => store
            .insert_unnamed_version(&version("fraud", "x"), &ctx)
            .await
            .map(drop),
        "replace_versions" => {
            let known = version("fraud", "1");
            let mut version = store.version(&known.model_name, &known.version).await?;
            version.description = fresh;
            store
                .replace_versions(&[version], None, &ctx)
                .await
                .map(drop)
        }
        "replace_policy" => {
            let (policy, revision) = store.policy().await?;
            let policy = policy
                .with("production.quorum", &(number % 5 + 1).to_string())
                .unwrap();
            store
                .replace_policy(&policy, revision, &ctx)
                .await
                .map(drop)
        }
        "deploy" => {
            let write = DeploymentWrite {
                insert: Some(deployment(&fresh, "fraud", "1")),
                ..DeploymentWrite::default()
            };
            store.write_deployments(&write, &ctx).await
        }
        "drift" => {
            let mut event = drift_event(&fresh, "fraud", "1");
            event.metric = key(&fresh);
            store.insert_drift_event(&event, &ctx).await
        }
        other => panic!("{other}"),
    }
}

async fn filled(store: &dyn Store) {
    let ctx = ctx("test");
    store
        .insert_experiment(&experiment("fraud"), &ctx)
        .await
        .unwrap();
    store
        .insert_run(
            &run("r1", "fraud"),
            &[batch("r1", "loss", &[point(0, 1.0)])],
            &ctx,
        )
        .await
        .unwrap();
    store
        .insert_version(&version("fraud", "1"), &ctx)
        .await
        .unwrap();
    store
        .replace_policy(&Policy::default(), Revision(0), &ctx)
        .await
        .unwrap();
}

/// What has to be told of a call that met a fault.
fn check(name: &str, what: &str, kinds: &[&str], result: Result<(), StoreError>, took: Duration) {
    let error = result
        .err()
        .unwrap_or_else(|| panic!("{name}, {what}: went through"));
    assert!(kinds.contains(&kind(&error)), "{name}, {what}: {error:?}");
    assert!(
        took < Duration::from_secs(12),
        "{name}, {what}: took {took:?}"
    );
    let told = error.to_string();
    assert!(
        !told.contains('\u{1b}') && !told.contains('<'),
        "{name}, {what}: {told}"
    );
}

/// Waits until the server has worked off what nobody waits for any more.
async fn settled(store: &dyn Store) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.policy().await {
        assert!(Instant::now() < deadline, "{error:?}");
    }
}

#[tokio::test]
async fn bad_answers_are_told() {
    if is_switched_off() {
        return;
    }
    // A server of its own: nearly all of this is waiting, during which other tests have their turns.
    let server = Server::start(Series::Three, &[]);
    let between = FaultServer::before(server.port());
    let first = Arc::new(
        MlflowStore::open(&between.uri(), impatient())
            .await
            .unwrap(),
    );
    filled(&*first).await;
    let mut stores = Vec::new();
    for _ in CALLS {
        let store = MlflowStore::open(&between.uri(), impatient())
            .await
            .unwrap();
        stores.push(Arc::new(store));
    }
    let mut number = 0;
    for (at, (name, fault, kinds)) in faults().into_iter().enumerate() {
        number += 1;
        between.all(fault);
        let mut calls = tokio::task::JoinSet::new();
        for (what, store) in CALLS.iter().zip(&stores) {
            let store = Arc::clone(store);
            calls.spawn(async move {
                let began = Instant::now();
                (*what, call(&*store, what, number).await, began.elapsed())
            });
        }
        for (what, result, took) in calls.join_all().await {
            check(name, what, kinds, result, took);
        }
        between.none();
        settled(&*first).await;
        number += 1;
        // Each call is tried again after every fourth fault, and all of them at the end.
        for (turn, (what, store)) in CALLS.iter().zip(&stores).enumerate() {
            if turn % 4 == at % 4 {
                let after = call(&**store, what, number).await;
                assert!(after.is_ok(), "after {name}, {what}: {after:?}");
            }
        }
    }
    number += 1;
    for (what, store) in CALLS.iter().zip(&stores) {
        let after = call(&**store, what, number).await;
        assert!(after.is_ok(), "at the end, {what}: {after:?}");
    }
}

#[tokio::test]
async fn what_another_version_answers_is_read() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let store = MlflowStore::open(&between.uri(), impatient())
        .await
        .unwrap();
    filled(&store).await;
    let known = run("r1", "fraud").run_id;
    for (from, to) in [
        ("\"RUNNING\"", "\"DREAMING\""),
        ("\"run_name\"", "\"name_of_run\""),
        (
            "\"lifecycle_stage\"",
            "\"more\": {\"a\": [1]}, \"lifecycle_stage\"",
        ),
        ("\"step\": 0", "\"step\": \"0\""),
        ("\"value\": 1.0", "\"value\": \"NaN\""),
    ] {
        between.all(Fault::Replace(from.to_owned(), to.to_owned()));
        store
            .run(&known)
            .await
            .unwrap_or_else(|error| panic!("{to}: {error}"));
    }
    // The same page again and again.
    between.all(Fault::Replace(
        "\"runs\":".to_owned(),
        "\"next_page_token\": \"x\", \"runs\":".to_owned(),
    ));
    let looped = store.runs(&RunQuery::default(), &PageRequest::all()).await;
    assert!(looped.is_err(), "{looped:?}");
    between.none();
}

#[tokio::test]
async fn what_is_no_mlflow_server_is_named() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    for (fault, told) in [
        (
            answer("200 OK", "text/html", "<title>Grafana</title>"),
            "does not answer as an MLflow server does",
        ),
        (
            answer("404 Not Found", "text/html", "<h1>nginx</h1>"),
            "no MLflow API",
        ),
        (
            with_header(
                "302 Found",
                "text/html",
                "Location: https://bob:canary@sso.example.org/\r\n",
                "",
            ),
            "sso.example.org",
        ),
        (
            answer(
                "403 Forbidden",
                "text/plain",
                "Invalid Host header - possible",
            ),
            "host name",
        ),
        (
            answer("401 Unauthorized", "text/html", "no"),
            "does not know who you are",
        ),
    ] {
        between.all(fault);
        let error = MlflowStore::open(&between.uri(), impatient())
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains(told) && error.hint().is_some(),
            "{error}"
        );
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let nobody = MlflowStore::open("http://127.0.0.1:9", impatient())
        .await
        .unwrap_err();
    assert!(
        matches!(&nobody, StoreError::Unreachable { problem, .. } if problem.contains("refused")),
        "{nobody}"
    );
    let unknown = MlflowStore::open("http://no-such-host.invalid:5000", impatient())
        .await
        .unwrap_err();
    assert!(
        matches!(&unknown, StoreError::Unreachable { problem, .. } if problem.contains("'no-such-host.invalid' is not known")),
        "{unknown}"
    );
    // Encrypted where nothing is.
    let plain = server.uri().replace("http:", "https:");
    let plain = MlflowStore::open(&plain, impatient()).await.unwrap_err();
    assert!(
        matches!(&plain, StoreError::Unreachable { problem, .. } if problem.contains("encrypted")),
        "{plain}"
    );
}
