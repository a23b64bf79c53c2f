//! Experiments, and what every insert and replace promises.

use super::samples::{at, ctx, experiment, texts};
use modeldeck::domain::{ExperimentName, ExperimentStatus, ObjectKind, Revision};
use modeldeck::store::{ExperimentQuery, PageRequest, Store, StoreError};

pub(crate) async fn what_goes_in_comes_out(store: &dyn Store) {
    let mut new = experiment("Größe 価格");
    new.description = "line one\nline two".into();
    new.tags = texts(&[("team", "risk"), ("a.b/c d", "x\u{1b}[2J")]);
    new.created_at = "2026-11-05T10:00:00.123456789Z".parse().unwrap();
    store
        .insert_experiment(&new, &ctx("create_experiment"))
        .await
        .unwrap();
    assert_eq!(store.experiment(&new.name).await.unwrap(), new);
}

pub(crate) async fn a_name_is_taken_once(store: &dyn Store) {
    let new = experiment("fraud");
    store
        .insert_experiment(&new, &ctx("create_experiment"))
        .await
        .unwrap();
    let again = store
        .insert_experiment(&new, &ctx("create_experiment"))
        .await;
    assert!(
        matches!(&again, Err(StoreError::AlreadyExists { kind: ObjectKind::Experiment, id }) if id == "fraud"),
        "{again:?}"
    );
    assert_eq!(
        store.audit_head().await.unwrap().0,
        1,
        "a refused write left an entry"
    );
}

pub(crate) async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let name = ExperimentName::new("nobody").unwrap();
    let missing = |result: Result<(), StoreError>| {
        assert!(
            matches!(
                &result,
                Err(StoreError::NotFound {
                    kind: ObjectKind::Experiment,
                    ..
                })
            ),
            "{result:?}"
        );
    };
    missing(store.experiment(&name).await.map(drop));
    let update = store
        .replace_experiment(&experiment("nobody"), &ctx("update_experiment"))
        .await;
    missing(update.map(drop));
}

pub(crate) async fn a_lost_race_is_a_conflict(store: &dyn Store) {
    let mut mine = experiment("fraud");
    store
        .insert_experiment(&mine, &ctx("create_experiment"))
        .await
        .unwrap();
    let mut theirs = mine.clone();
    theirs.owner = "bob".into();
    let next = store
        .replace_experiment(&theirs, &ctx("update_experiment"))
        .await
        .unwrap();
    assert_eq!(next, Revision(2));
    mine.owner = "carol".into();
    let lost = store
        .replace_experiment(&mine, &ctx("update_experiment"))
        .await;
    assert!(matches!(lost, Err(StoreError::Conflict { .. })), "{lost:?}");
    let stored = store.experiment(&mine.name).await.unwrap();
    assert_eq!((stored.owner.as_str(), stored.revision), ("bob", next));
}

pub(crate) async fn owner_and_status_narrow_the_list(store: &dyn Store) {
    for (name, owner, status) in [
        ("a", "alice", ExperimentStatus::Active),
        ("b", "bob", ExperimentStatus::Active),
        ("c", "bob", ExperimentStatus::Archived),
    ] {
        let mut new = experiment(name);
        new.owner = owner.to_owned();
        new.status = status;
        new.created_at = at(i64::from(name.as_bytes()[0]));
        store
            .insert_experiment(&new, &ctx("create_experiment"))
            .await
            .unwrap();
    }
    let query = |owner: Option<&str>, status| ExperimentQuery {
        owner: owner.map(str::to_owned),
        status,
        ..ExperimentQuery::default()
    };
    for (query, expected) in [
        (query(None, None), vec!["c", "b", "a"]),
        (query(Some("bob"), None), vec!["c", "b"]),
        (
            query(Some("bob"), Some(ExperimentStatus::Active)),
            vec!["b"],
        ),
        (query(Some("BOB"), None), vec![]),
    ] {
        let page = store
            .experiments(&query, &PageRequest::all())
            .await
            .unwrap();
        let names: Vec<_> = page.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, expected);
        let count = store.count_experiments(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap());
    }
}
