//! Objects whose fields take every shape that comparisons have tripped over.

use super::super::samples::{
    at, batch, ctx, deployment, drift_event, experiment, key, point, run, texts, version,
};
use modeldeck::domain::{
    Alias, DeploymentId, DeploymentStatus, DriftState, Endpoint, Environment, ExperimentStatus,
    Health, RunStatus, Severity, Stage,
};
use modeldeck::store::{DeploymentWrite, Store};

/// Texts that have tripped comparisons: cases beyond ASCII, wildcards, numbers in disguise.
pub(super) const TEXTS: &[&str] = &[
    "alice",
    "Alice",
    "ÄRGER",
    "ärger",
    "100%",
    "a_b",
    "aXb",
    "0.05",
    "5e-2",
    "1e3",
    "",
    "inf",
    "nan",
    "'; DROP",
    "straße",
    "STRASSE",
    "x\"y",
    "İstanbul",
    "ΣΑΣ",
];

/// The element of a list that a counter falls on.
fn pick<T: Clone>(list: &[T], at: usize) -> T {
    list[at % list.len()].clone()
}

/// The same for every other object only.
fn sometimes<T: Clone>(list: &[T], at: usize) -> Option<T> {
    (!at.is_multiple_of(3)).then(|| pick(list, at))
}

fn owned(text: &str) -> String {
    text.to_owned()
}

fn seconds(at_number: usize) -> jiff::Timestamp {
    at(i64::try_from(at_number).unwrap())
}

/// A server is asked over HTTP, one question after the other, so lists there are shorter and not every order is walked.
pub(super) async fn is_remote(store: &dyn Store) -> bool {
    store.info().await.unwrap().kind != "local store"
}

/// As many objects as is sensible.
async fn enough(store: &dyn Store, local: usize, remote: usize) -> usize {
    if is_remote(store).await {
        remote
    } else {
        local
    }
}

pub(super) async fn fill_experiments(store: &dyn Store) {
    for i in 0..enough(store, 60, 54).await {
        let mut new = experiment(&format!("{}-{i}", pick(&["Ab", "ab", "Zeta", "größe"], i)));
        new.description = owned(pick(TEXTS, i));
        new.owner = owned(pick(TEXTS, i / 3));
        new.status = pick(ExperimentStatus::ALL, i);
        new.created_at = seconds(i / 2);
        new.updated_at = seconds(i % 7);
        if let Some(team) = sometimes(TEXTS, i) {
            new.tags.insert(key("team"), owned(team));
        }
        store.insert_experiment(&new, &ctx("t")).await.unwrap();
    }
}

pub(super) async fn fill_runs(store: &dyn Store) {
    for name in ["fraud", "churn", "Ärger"] {
        store
            .insert_experiment(&experiment(name), &ctx("t"))
            .await
            .unwrap();
    }
    let losses = [
        0.5,
        f64::NAN,
        0.25,
        f64::INFINITY,
        -1.0,
        f64::NEG_INFINITY,
        0.25,
        1e-300,
    ];
    for i in 0..enough(store, 240, 80).await {
        let mut new = run(
            &format!("r{:03}", (i * 7) % 240),
            pick(&["fraud", "churn", "Ärger"], i),
        );
        new.name = format!("{}{}", pick(TEXTS, i), i / 40);
        new.status = pick(RunStatus::ALL, i);
        new.created_at = seconds(i / 3);
        new.updated_at = seconds(i % 11);
        new.started_at = sometimes(&[at(5), at(9), at(1)], i);
        new.ended_at = sometimes(&[at(5), at(2)], i / 2);
        new.source.user = sometimes(TEXTS, i + 1).map(owned);
        new.source.host = sometimes(&["gpu-07", "GPU-08"], i + 2).map(owned);
        if let Some(lr) = sometimes(TEXTS, i + 2) {
            new.params.insert(key("lr"), owned(lr));
        }
        if i % 5 == 0 {
            // The same key as a tag.
            new.tags = texts(&[("lr", "0.05"), ("team", pick(TEXTS, i))]);
        }
        let mut points = Vec::new();
        if i % 4 != 0 {
            points.push(batch(
                new.run_id.as_str(),
                "loss",
                &[point(1, pick(&losses, i))],
            ));
        }
        if i % 2 != 0 {
            points.push(batch(new.run_id.as_str(), "val/auc", &[point(1, 0.5)]));
        }
        store.insert_run(&new, &points, &ctx("t")).await.unwrap();
    }
}

pub(super) async fn fill_versions(store: &dyn Store) {
    let mut in_production = std::collections::BTreeSet::new();
    let aucs = [0.9, f64::NAN, 0.1 + 0.2, f64::INFINITY];
    for i in 0..enough(store, 90, 54).await {
        let mut new = version(
            pick(&["fraud", "Churn", "straße"], i),
            &format!("1.{}", 12 - i / 8),
        );
        if i % 8 > 2 {
            new.version = format!("v{i}").parse().unwrap();
        }
        new.stage = pick(Stage::ALL, i);
        // A model has one version in Production.
        if new.stage == Stage::Production && !in_production.insert(new.model_name.clone()) {
            new.stage = Stage::Archived;
        }
        new.run_id = sometimes(&["r1".parse().unwrap(), "r2".parse().unwrap()], i);
        new.source = sometimes(TEXTS, i + 1).map(owned);
        new.registered_by = owned(pick(TEXTS, i));
        new.description = owned(pick(TEXTS, i / 2));
        new.created_at = seconds(i / 4);
        new.updated_at = seconds(i % 5);
        if let Some(auc) = sometimes(&aucs, i) {
            new.metrics.insert(key("auc"), auc);
        }
        if let Some(lr) = sometimes(TEXTS, i + 1) {
            new.params.insert(key("lr"), owned(lr));
        }
        new.tags = texts(&[("team", pick(TEXTS, i + 5))]);
        if i % 6 == 0 {
            new.aliases = [
                Alias::new(&format!("Blue{i}")).unwrap(),
                Alias::new(&format!("c{i}")).unwrap(),
            ]
            .into();
        }
        store.insert_version(&new, &ctx("t")).await.unwrap();
    }
}

pub(super) async fn fill_drift_events(store: &dyn Store) {
    for name in ["v9", "v10", "1.2"] {
        store
            .insert_version(&version("fraud", name), &ctx("t"))
            .await
            .unwrap();
    }
    let numbers = [0.9, f64::NAN, 0.05, f64::INFINITY, -0.0];
    for i in 0..enough(store, 80, 54).await {
        let mut new = drift_event(
            &format!("e{}", (i * 7) % 80),
            "fraud",
            pick(&["v9", "v10", "1.2"], i),
        );
        new.environment = sometimes(Environment::ALL, i);
        new.metric = key(&format!("m{i}"));
        new.baseline = pick(&numbers, i);
        new.observed = pick(&numbers, i + 1);
        new.score = pick(&numbers, i / 2);
        new.severity = pick(Severity::ALL, i);
        new.state = pick(DriftState::ALL, i / 2);
        new.count = u64::try_from(i % 9 + 1).unwrap();
        new.first_seen_at = seconds(i % 6);
        new.last_seen_at = seconds(i / 3);
        new.note = sometimes(TEXTS, i).map(owned);
        store.insert_drift_event(&new, &ctx("t")).await.unwrap();
    }
}

pub(super) async fn fill_deployments(store: &dyn Store) {
    for name in ["v9", "v10", "1.2"] {
        store
            .insert_version(&version("fraud", name), &ctx("t"))
            .await
            .unwrap();
    }
    for i in 0..enough(store, 80, 54).await {
        let mut new = deployment(
            &format!("d{}", (i * 7) % 80),
            "fraud",
            pick(&["v9", "v10", "1.2"], i),
        );
        new.environment = pick(Environment::ALL, i);
        new.status = pick(
            &[
                DeploymentStatus::Pending,
                DeploymentStatus::Failed,
                DeploymentStatus::Terminated,
            ],
            i,
        );
        new.health = pick(Health::ALL, i / 2);
        new.endpoint = sometimes(TEXTS, i).map(|url| Endpoint {
            url: owned(url),
            options: std::collections::BTreeMap::new(),
        });
        new.deployed_by = owned(pick(TEXTS, i));
        new.reason = sometimes(TEXTS, i + 1).map(owned);
        // Of deployments that are there.
        new.rollback_from = sometimes(&["d0", "d7"], i)
            .filter(|_| i > 1)
            .map(DeploymentId::trusted);
        new.created_at = seconds(i / 3);
        new.activated_at = sometimes(&[at(4), at(1)], i);
        new.ended_at = sometimes(&[at(4), at(1)], i + 1);
        let write = DeploymentWrite {
            insert: Some(new),
            ..DeploymentWrite::default()
        };
        store.write_deployments(&write, &ctx("t")).await.unwrap();
    }
}
