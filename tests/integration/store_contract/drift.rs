//! Drift events, and that one measure has one unresolved event.

use super::samples::{at, ctx, drift_event, key, with_versions};
use modeldeck::domain::{
    DriftEvent, DriftState, Environment, ModelName, ObjectKind, Revision, Severity, Version,
};
use modeldeck::store::{DriftKey, DriftQuery, PageRequest, Store, StoreError};

fn key_of(event: &DriftEvent) -> DriftKey {
    DriftKey {
        model_name: event.model_name.clone(),
        version: event.version.clone(),
        environment: event.environment,
        metric: event.metric.clone(),
    }
}

pub(crate) async fn what_goes_in_comes_out(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let mut new = drift_event("d1", "fraud", "1");
    new.environment = Some(Environment::Production);
    new.note = Some("since Monday".to_owned());
    new.observed = f64::NEG_INFINITY;
    store
        .insert_drift_event(&new, &ctx("record_drift_event"))
        .await
        .unwrap();
    assert_eq!(store.drift_event(&new.event_id).await.unwrap(), new);

    let mut nan = drift_event("d2", "fraud", "1");
    nan.observed = f64::NAN;
    store
        .insert_drift_event(&nan, &ctx("record_drift_event"))
        .await
        .unwrap();
    let back = store.drift_event(&nan.event_id).await.unwrap();
    assert!(back.observed.is_nan());
}

pub(crate) async fn an_event_needs_its_version(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let lost = store
        .insert_drift_event(&drift_event("d1", "fraud", "2"), &ctx("record_drift_event"))
        .await;
    assert!(
        matches!(&lost, Err(StoreError::NotFound { kind: ObjectKind::ModelVersion, id }) if id == "fraud 2"),
        "{lost:?}"
    );
    let event = drift_event("nobody", "fraud", "1");
    let missing = [
        store.drift_event(&event.event_id).await.map(drop),
        store
            .replace_drift_event(&event, &ctx("resolve_drift_event"))
            .await
            .map(drop),
    ];
    for result in missing {
        assert!(
            matches!(
                result,
                Err(StoreError::NotFound {
                    kind: ObjectKind::DriftEvent,
                    ..
                })
            ),
            "{result:?}"
        );
    }
}

pub(crate) async fn a_measure_has_one_unresolved_event(store: &dyn Store) {
    with_versions(store, &["1"]).await;
    let ctx = ctx("record_drift_event");
    let mut first = drift_event("d1", "fraud", "1");
    store.insert_drift_event(&first, &ctx).await.unwrap();
    let same = store
        .insert_drift_event(&drift_event("d2", "fraud", "1"), &ctx)
        .await;
    assert!(
        matches!(
            same,
            Err(StoreError::AlreadyExists {
                kind: ObjectKind::DriftEvent,
                ..
            })
        ),
        "{same:?}"
    );
    let mut elsewhere = drift_event("d3", "fraud", "1");
    elsewhere.environment = Some(Environment::Dev);
    store.insert_drift_event(&elsewhere, &ctx).await.unwrap();
    let mut other = drift_event("d4", "fraud", "1");
    other.metric = key("recall");
    store.insert_drift_event(&other, &ctx).await.unwrap();

    let found = store.unresolved_drift_event(&key_of(&first)).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    first.state = DriftState::Acknowledged;
    first.count = 2;
    first.revision = store.replace_drift_event(&first, &ctx).await.unwrap();
    let found = store.unresolved_drift_event(&key_of(&first)).await.unwrap();
    assert_eq!(found.as_ref(), Some(&first));
    let mut lost = first.clone();
    lost.revision = Revision::FIRST;
    let lost = store.replace_drift_event(&lost, &ctx).await;
    assert!(matches!(lost, Err(StoreError::Conflict { .. })), "{lost:?}");

    first.state = DriftState::Resolved;
    store.replace_drift_event(&first, &ctx).await.unwrap();
    let found = store.unresolved_drift_event(&key_of(&first)).await.unwrap();
    assert_eq!(found, None);
    store
        .insert_drift_event(&drift_event("d2", "fraud", "1"), &ctx)
        .await
        .unwrap();
    // A resolved event cannot be taken up again beside the one that follows it.
    first.revision = Revision(3);
    first.state = DriftState::Open;
    let again = store.replace_drift_event(&first, &ctx).await;
    assert!(
        matches!(
            again,
            Err(StoreError::AlreadyExists { .. } | StoreError::Conflict { .. })
        ),
        "{again:?}"
    );
}

pub(crate) async fn the_query_narrows_the_list(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    for (at_second, severity, state, version) in [
        (0, Severity::Low, DriftState::Open, "1"),
        (1, Severity::High, DriftState::Resolved, "1"),
        (2, Severity::High, DriftState::Acknowledged, "2"),
    ] {
        let mut event = drift_event(&format!("d{at_second}"), "fraud", version);
        (event.severity, event.state) = (severity, state);
        event.last_seen_at = at(at_second);
        store
            .insert_drift_event(&event, &ctx("record_drift_event"))
            .await
            .unwrap();
    }
    let all = DriftQuery::default();
    for (query, expected) in [
        (all.clone(), vec!["d2", "d1", "d0"]),
        (
            DriftQuery {
                severity: Some(Severity::High),
                ..all.clone()
            },
            vec!["d2", "d1"],
        ),
        (
            DriftQuery {
                states: vec![DriftState::Open, DriftState::Acknowledged],
                ..all.clone()
            },
            vec!["d2", "d0"],
        ),
        (
            DriftQuery {
                model: Some(ModelName::new("fraud").unwrap()),
                version: Some(Version::new("1").unwrap()),
                ..all
            },
            vec!["d1", "d0"],
        ),
    ] {
        let page = store
            .drift_events(&query, &PageRequest::all())
            .await
            .unwrap();
        let ids: Vec<_> = page.rows.iter().map(|row| row.event_id.as_str()).collect();
        assert_eq!(ids, expected);
        let count = store.count_drift_events(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap());
    }
}
