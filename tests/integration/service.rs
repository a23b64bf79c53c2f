//! The rules of the lifecycle, seen working on a real SQLite file through the service.

mod approvals;
mod deployments;
mod drift;
mod experiments;
mod races;
mod registry;
mod runs;

use modeldeck::domain::{
    ChecklistStatus, Identity, ItemName, Key, ModelName, ModelVersion, Verdict, Version,
};
use modeldeck::service::{
    ChecklistMark, Clock, ErrorKind, ModelLifecycleService, NewDecision, NewModelVersion, Result,
    ServiceError, ServiceOptions,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// A store in a directory of its own, with three people on it.
struct Deck {
    _dir: tempfile::TempDir,
    path: std::path::PathBuf,
    alice: ModelLifecycleService,
    bob: ModelLifecycleService,
    carol: ModelLifecycleService,
    seconds: Arc<AtomicI64>,
}

impl Deck {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deck.db");
        let seconds = Arc::new(AtomicI64::new(1_760_000_000));
        let alice = open(&path, "alice", &seconds).await;
        Self {
            bob: alice.acting_as(Identity::new("bob", "host")),
            carol: alice.acting_as(Identity::new("carol", "host")),
            alice,
            seconds,
            path,
            _dir: dir,
        }
    }

    /// Lets time pass.
    fn pass(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The audit log is sound, and tells the actions on an object, oldest first.
    async fn actions(&self) -> Vec<String> {
        let verification = self.alice.audit().verify(|_| {}).await.unwrap();
        assert_eq!(verification.fault, None);
        let page = modeldeck::store::PageRequest::all();
        let query = modeldeck::store::AuditQuery::default();
        let mut entries = self.alice.audit().list(&query, &page).await.unwrap().rows;
        entries.reverse();
        entries.into_iter().map(|entry| entry.action).collect()
    }

    /// Version `1` of model `fraud`, registered by alice.
    async fn version(&self) -> ModelVersion {
        let new = NewModelVersion {
            metrics: [(key("auc"), 0.93)].into(),
            ..NewModelVersion::new(model("fraud"))
        };
        self.alice.register_model_version(new).await.unwrap()
    }

    /// A version that bob approved.
    async fn approved(&self) -> ModelVersion {
        let version = self.version().await;
        approve(&self.bob, &version).await.unwrap()
    }
}

async fn open(path: &Path, user: &str, seconds: &Arc<AtomicI64>) -> ModelLifecycleService {
    let now = Arc::clone(seconds);
    let clock =
        Clock::new(move || jiff::Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap());
    let options = ServiceOptions {
        identity: Identity::new(user, "host"),
        clock,
        ..ServiceOptions::local(path)
    };
    ModelLifecycleService::open(options).await.unwrap()
}

async fn approve(service: &ModelLifecycleService, version: &ModelVersion) -> Result<ModelVersion> {
    decide(service, version, Verdict::Approved).await
}

async fn decide(
    service: &ModelLifecycleService,
    version: &ModelVersion,
    verdict: Verdict,
) -> Result<ModelVersion> {
    let decision = NewDecision {
        verdict,
        notes: Some("looked at it".to_owned()),
        subject: None,
    };
    service
        .approvals()
        .decide(&version.model_name, &version.version, &decision)
        .await
}

fn mark(item: &str, status: ChecklistStatus) -> Vec<ChecklistMark> {
    vec![ChecklistMark {
        item: ItemName::new(item).unwrap(),
        status,
        note: None,
    }]
}

fn model(name: &str) -> ModelName {
    ModelName::new(name).unwrap()
}

fn version(name: &str) -> Version {
    Version::new(name).unwrap()
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    match result {
        Ok(value) => panic!("it was done: {value:?}"),
        Err(error) => {
            let hint = error.hint();
            assert!(!error.to_string().is_empty());
            if !matches!(error, ServiceError::Invalid { .. } | ServiceError::Store(_)) {
                assert!(hint.is_some(), "no hint for: {error}");
            }
            error.kind()
        }
    }
}
