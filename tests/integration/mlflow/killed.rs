//! A program that is killed between making an object on the server and writing its entry: whoever comes next writes the entry, once, in its maker's name.

use super::client;
use crate::store_contract::samples::{at, batch, ctx, experiment, key, point, run, texts, version};
use crate::support::fault_server::FaultServer;
use crate::support::mlflow_server::{Series, Server, turn};
use modeldeck::domain::{Alias, AuditEntry, ExperimentName, ObjectKind, RunId, RunStatus, Stage};
use modeldeck::store::mlflow::{MlflowOptions, MlflowStore};
use modeldeck::store::{
    AuditStore as _, ExperimentQuery, ExperimentStore as _, PageRequest, RunQuery, RunStore as _,
    Store, StoreError, VersionQuery,
};
use std::collections::BTreeSet;

/// What is being made when its maker dies.
const MADE: &[&str] = &[
    "experiment",
    "run",
    "unnamed run",
    "version",
    "unnamed version",
];

async fn make(store: &dyn Store, what: &str, id: &str) -> Result<(), StoreError> {
    let mut ctx = ctx(what_as_action(what));
    "mallory".clone_into(&mut ctx.identity.user);
    ctx.reason = Some(id.to_owned());
    let mut new_run = run(id, "fraud");
    new_run.params = texts(&[("lr", "0.1")]);
    new_run.tags = texts(&[("long", &"ü".repeat(6_000))]);
    new_run.status = RunStatus::Completed;
    new_run.ended_at = Some(at(9));
    let points = [batch(id, "loss", &[point(0, 1.0), point(1, 0.5)])];
    let mut new_version = version(id, "v1-rc");
    new_version.stage = Stage::Staging;
    new_version.aliases.insert(Alias::new("champion").unwrap());
    match what {
        "experiment" => store.insert_experiment(&experiment(id), &ctx).await,
        "run" => store.insert_run(&new_run, &points, &ctx).await,
        "unnamed run" => store
            .insert_unnamed_run(&new_run, &points, &ctx)
            .await
            .map(drop),
        "version" => store.insert_version(&new_version, &ctx).await,
        _ => store
            .insert_unnamed_version(&version(id, "1"), &ctx)
            .await
            .map(drop),
    }
}

const fn what_as_action(what: &str) -> &'static str {
    match what.as_bytes() {
        b"experiment" => "create_experiment",
        b"run" | b"unnamed run" => "log_run",
        _ => "register_model_version",
    }
}

/// The names of everything that is there, as the audit log shows them.
async fn there(store: &dyn Store) -> BTreeSet<(ObjectKind, String)> {
    let all = PageRequest::all();
    let experiments = store.experiments(&ExperimentQuery::default(), &all).await;
    let runs = store.runs(&RunQuery::default(), &all).await;
    let versions = store.versions(&VersionQuery::default(), &all).await;
    let experiments = experiments.unwrap().rows.into_iter();
    let runs = runs.unwrap().rows.into_iter();
    let versions = versions.unwrap().rows.into_iter();
    experiments
        .map(|row| (ObjectKind::Experiment, row.name.as_str().to_owned()))
        .chain(runs.map(|row| (ObjectKind::Run, row.run_id.as_str().to_owned())))
        .chain(versions.map(|row| (ObjectKind::ModelVersion, row.label())))
        .collect()
}

/// Everything has one entry of its beginning, and nothing else has one; nobody's tag is left.
async fn check(server: &Server, what: &str) -> Vec<AuditEntry> {
    let store = client(&server.uri()).await;
    let entries = store.audit_from(1, usize::MAX).await.unwrap();
    let begun: Vec<(ObjectKind, String)> = entries
        .iter()
        .filter(|entry| entry.before.is_null() && entry.kind != ObjectKind::Policy)
        .map(|entry| (entry.kind, entry.object.clone()))
        .collect();
    let once: BTreeSet<_> = begun.iter().cloned().collect();
    assert_eq!(begun.len(), once.len(), "{what}: {begun:?}");
    assert_eq!(once, there(&*store).await, "{what}");
    let problems = store.check_integrity().await.unwrap();
    assert!(problems.is_empty(), "{what}: {problems:?}");
    for table in ["tags", "model_version_tags", "experiment_tags"] {
        let left = server.number(&format!(
            "SELECT count(*) FROM {table} WHERE key LIKE 'modeldeck.entry%' AND value != ''"
        ));
        // What was taken back keeps its tags with the rest of it.
        let gone = server.number(&format!(
            "SELECT count(*) FROM {table} WHERE key LIKE 'modeldeck.entry%' AND value != '' AND {}",
            if table == "tags" {
                "run_uuid IN (SELECT run_uuid FROM runs WHERE lifecycle_stage = 'deleted')"
            } else {
                "0"
            }
        ));
        assert_eq!(left, gone, "{what}: {table}");
    }
    entries
}

/// Whether the first line of a request asks for a change.
fn is_change(line: &str) -> bool {
    let changes = [
        "/create",
        "/log-batch",
        "/runs/update",
        "/log-parameter",
        "-tag",
        "/transition-stage",
        "/alias",
        "/model-versions/update",
    ];
    changes.iter().any(|path| line.contains(path))
}

async fn die(series: Series, made: &[&str]) {
    let Some(server) = turn(series).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let first = client(&server.uri()).await;
    first
        .insert_experiment(&experiment("fraud"), &ctx("test"))
        .await
        .unwrap();
    for what in made {
        for last in 0..60 {
            let id = format!("{}{last}", what.replace(' ', "-"));
            let maker = MlflowStore::open(&between.uri(), MlflowOptions::default())
                .await
                .unwrap();
            between.cut(last);
            let was_done = tokio::select! {
                biased;
                () = between.reached(last) => false,
                done = make(&maker, what, &id) => done.is_ok(),
            };
            drop(maker);
            // Behind a question everything is as behind the change before it.
            let is_worth_it = was_done || is_change(&between.line(last));
            between.none();
            if !is_worth_it {
                continue;
            }
            // Two come at once, and each writes something else.
            let next = [client(&server.uri()).await, client(&server.uri()).await];
            let names = [format!("{id}-a"), format!("{id}-b")];
            let (a, b) = (experiment(&names[0]), experiment(&names[1]));
            let test = ctx("test");
            let (a, b) = tokio::join!(
                next[0].insert_experiment(&a, &test),
                next[1].insert_experiment(&b, &test)
            );
            a.and(b).unwrap();
            let entries = check(&server, &format!("{what}, request {last}")).await;
            let own: Vec<&AuditEntry> = entries
                .iter()
                .filter(|entry| entry.reason.as_deref() == Some(id.as_str()))
                .collect();
            assert!(own.len() == 1 || (own.is_empty() && !was_done), "{own:?}");
            if let [entry] = own.as_slice() {
                assert_eq!(entry.identity.user, "mallory");
                assert_eq!(
                    (entry.at, entry.action.as_str()),
                    (at(0), what_as_action(what))
                );
                begun_whole(&*next[1], entry).await;
            }
            if was_done {
                break;
            }
            assert!(last < 59, "{what} does not come to its end");
        }
    }
}

/// An object whose maker died shows as it was meant, except for points, which are data.
async fn begun_whole(store: &dyn Store, entry: &AuditEntry) {
    match entry.kind {
        ObjectKind::Run => {
            let run_id = RunId::new(&entry.object).unwrap();
            let mut run = store.run(&run_id).await.unwrap();
            assert_eq!(run.params, texts(&[("lr", "0.1")]));
            assert_eq!(
                (run.status, run.ended_at),
                (RunStatus::Completed, Some(at(9)))
            );
            // Whoever changes it next writes on the server what its maker did not get to.
            run.tags.insert(key("seen"), "yes".to_owned());
            store.replace_run(&run, &[], &ctx("test")).await.unwrap();
            let run = store.run(&run_id).await.unwrap();
            assert_eq!(run.params, texts(&[("lr", "0.1")]));
            assert_eq!(run.status, RunStatus::Completed);
        }
        ObjectKind::ModelVersion => {
            let (model, name) = entry.object.split_once(' ').unwrap();
            let (model, name) = (model.parse().unwrap(), name.parse().unwrap());
            let version = store.version(&model, &name).await.unwrap();
            if entry.after["stage"] == "Staging" {
                assert_eq!(version.stage, Stage::Staging);
                assert!(version.aliases.contains("champion"), "{version:?}");
            }
        }
        _ => {
            let name = ExperimentName::new(&entry.object).unwrap();
            assert_eq!(store.experiment(&name).await.unwrap().owner, "alice");
        }
    }
}

#[tokio::test]
async fn a_dead_makers_entry_is_written_once_on_3() {
    die(Series::Three, MADE).await;
}

#[tokio::test]
async fn a_dead_makers_entry_is_written_once_on_2() {
    die(Series::Two, &["experiment", "version"]).await;
}

#[tokio::test]
async fn a_change_of_an_open_beginning_ends_it_first() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let store = client(&server.uri()).await;
    let test = ctx("test");
    store
        .insert_experiment(&experiment("fraud"), &test)
        .await
        .unwrap();
    let maker = MlflowStore::open(&between.uri(), MlflowOptions::default())
        .await
        .unwrap();
    for last in 0..20 {
        between.cut(last);
        tokio::select! {
            biased;
            () = between.reached(last) => {}
            done = make(&maker, "unnamed run", "late") => done.unwrap(),
        }
        between.none();
        let runs = store
            .runs(&RunQuery::default(), &PageRequest::first(10))
            .await
            .unwrap()
            .rows;
        if let [run] = runs.as_slice() {
            // A program that wrote before does not look round again, and this run concerns it. It was read before its params were known.
            let mut run = run.clone();
            run.tags.insert(key("n"), "1".to_owned());
            let lost = store.replace_run(&run, &[], &test).await;
            assert!(matches!(lost, Err(StoreError::Conflict { .. })), "{lost:?}");
            let mut run = store.run(&run.run_id).await.unwrap();
            run.tags.insert(key("n"), "1".to_owned());
            store.replace_run(&run, &[], &test).await.unwrap();
            let entries = check(&server, "changed").await;
            let of_run: Vec<bool> = entries
                .iter()
                .filter(|entry| entry.kind == ObjectKind::Run)
                .map(|entry| entry.before.is_null())
                .collect();
            assert_eq!(of_run, [true, false]);
            let changed = store.run(&run.run_id).await.unwrap();
            assert_eq!(changed.tags["n"], "1");
            assert_eq!(changed.params, texts(&[("lr", "0.1")]));
            return;
        }
    }
    panic!("no run was made");
}
