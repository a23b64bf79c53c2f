//! Lists: every order paged both ways, pages that stay put while rows come and go, and filters that mean what they mean on loaded rows.

mod fill;
pub(crate) mod filters;

use super::samples::{at, batch, ctx, point, run};
use async_trait::async_trait;
use fill::{
    fill_deployments, fill_drift_events, fill_experiments, fill_runs, fill_versions, is_remote,
};
use modeldeck::domain::filter::{FieldValue, Filterable, number};
use modeldeck::domain::registry::natural_order;
use modeldeck::domain::{
    Deployment, DeploymentStatus, DriftEvent, DriftState, Environment, ExperimentStatus, Filter,
    Health, ModelExperiment, ModelRun, ModelVersion, RunStatus, Severity, Sort, Stage,
};
use modeldeck::store::{
    DeploymentQuery, DriftQuery, ExperimentQuery, ListQuery, Page, PageFrom, PageRequest, RunQuery,
    Store, StoreError, VersionQuery,
};
use std::cmp::Ordering;

/// A list of one kind of object, seen alike for all kinds.
#[async_trait]
trait Listed: Filterable + Clone + PartialEq + std::fmt::Debug + Send + Sync {
    /// Fields to sort by, and how their texts are ordered.
    const FIELDS: &'static [(&'static str, Order)];
    async fn fill(store: &dyn Store);
    async fn page(
        store: &dyn Store,
        list: ListQuery,
        page: PageRequest,
    ) -> Result<Page<Self>, StoreError>;
    async fn count(store: &dyn Store, list: ListQuery) -> u64;
    /// In the list's own order: the newest first.
    fn age(&self) -> jiff::Timestamp;
}

#[derive(Clone, Copy)]
enum Order {
    Text,
    Natural,
    Words(fn() -> Vec<&'static str>),
    /// Numbers first, then other texts.
    Mixed,
}

macro_rules! listed {
    ($object:ty, $query:ident, $list:ident, $count:ident, $age:ident, $fill:path, $fields:expr) => {
        #[async_trait]
        impl Listed for $object {
            const FIELDS: &'static [(&'static str, Order)] = $fields;
            async fn fill(store: &dyn Store) {
                $fill(store).await;
            }
            async fn page(
                store: &dyn Store,
                list: ListQuery,
                page: PageRequest,
            ) -> Result<Page<Self>, StoreError> {
                let query = $query {
                    list,
                    ..$query::default()
                };
                store.$list(&query, &page).await
            }
            async fn count(store: &dyn Store, list: ListQuery) -> u64 {
                let query = $query {
                    list,
                    ..$query::default()
                };
                store.$count(&query).await.unwrap()
            }
            fn age(&self) -> jiff::Timestamp {
                self.$age
            }
        }
    };
}

macro_rules! words {
    ($vocabulary:ty) => {
        Order::Words(|| {
            <$vocabulary>::ALL
                .iter()
                .map(|word| word.as_str())
                .collect()
        })
    };
}

listed! { ModelExperiment, ExperimentQuery, experiments, count_experiments, created_at, fill_experiments, &[
    ("name", Order::Text), ("description", Order::Text), ("owner", Order::Text), ("status", words!(ExperimentStatus)),
    ("created", Order::Text), ("updated", Order::Text), ("tags.team", Order::Mixed), ("team", Order::Mixed), ("nothing", Order::Text),
]}
listed! { ModelRun, RunQuery, runs, count_runs, created_at, fill_runs, &[
    ("run_id", Order::Text), ("name", Order::Text), ("experiment", Order::Text), ("status", words!(RunStatus)), ("user", Order::Text),
    ("host", Order::Text), ("created", Order::Text), ("started", Order::Text), ("ended", Order::Text), ("updated", Order::Text),
    ("metrics.loss", Order::Text), ("params.lr", Order::Mixed), ("tags.team", Order::Mixed), ("lr", Order::Mixed), ("val/auc", Order::Text),
    ("nothing", Order::Text), ("params.nothing", Order::Mixed),
]}
listed! { ModelVersion, VersionQuery, versions, count_versions, created_at, fill_versions, &[
    ("model", Order::Text), ("version", Order::Natural), ("stage", words!(Stage)), ("run_id", Order::Text), ("source", Order::Text),
    ("registered_by", Order::Text), ("description", Order::Text), ("created", Order::Text), ("updated", Order::Text),
    ("metrics.auc", Order::Text), ("params.lr", Order::Mixed), ("tags.team", Order::Mixed), ("auc", Order::Text),
]}
listed! { DriftEvent, DriftQuery, drift_events, count_drift_events, last_seen_at, fill_drift_events, &[
    ("event_id", Order::Text), ("model", Order::Text), ("version", Order::Natural), ("environment", words!(Environment)),
    ("metric", Order::Text), ("severity", words!(Severity)), ("state", words!(DriftState)), ("baseline", Order::Text),
    ("observed", Order::Text), ("score", Order::Text), ("count", Order::Text), ("first_seen", Order::Text), ("last_seen", Order::Text),
    ("note", Order::Text),
]}
listed! { Deployment, DeploymentQuery, deployments, count_deployments, created_at, fill_deployments, &[
    ("deployment_id", Order::Text), ("model", Order::Text), ("version", Order::Natural), ("environment", words!(Environment)),
    ("status", words!(DeploymentStatus)), ("health", words!(Health)), ("endpoint", Order::Text), ("deployed_by", Order::Text),
    ("reason", Order::Text), ("rollback_from", Order::Text), ("created", Order::Text), ("since", Order::Text), ("activated", Order::Text), ("ended", Order::Text),
]}

async fn all<T: Listed>(store: &dyn Store, list: ListQuery) -> Vec<T> {
    T::page(store, list, PageRequest::all()).await.unwrap().rows
}

/// What a row is sorted by: the group (numbers, texts, nothing) and the value in it.
#[derive(Debug, PartialEq)]
enum SortKey {
    Rank(usize),
    Number(f64),
    Time(jiff::Timestamp),
    Text(String),
    Natural(String),
    Nothing,
}

fn sort_key<T: Filterable>(row: &T, field: &str, order: Order) -> SortKey {
    match row.field(field).first() {
        None => SortKey::Nothing,
        Some(FieldValue::Number(value)) if value.is_nan() => SortKey::Nothing,
        Some(FieldValue::Number(value)) => SortKey::Number(*value),
        Some(FieldValue::Time(time)) => SortKey::Time(*time),
        Some(FieldValue::Text(text)) => match order {
            Order::Text => SortKey::Text(text.to_ascii_lowercase()),
            Order::Natural => SortKey::Natural(text.to_string()),
            Order::Words(words) => {
                SortKey::Rank(words().iter().position(|word| word == text).unwrap())
            }
            Order::Mixed => number(text)
                .map_or_else(|| SortKey::Text(text.to_ascii_lowercase()), SortKey::Number),
        },
    }
}

fn compare(a: &SortKey, b: &SortKey, descending: bool) -> Ordering {
    let order = match (a, b) {
        (SortKey::Rank(a), SortKey::Rank(b)) => a.cmp(b),
        (SortKey::Number(a), SortKey::Number(b)) => a.partial_cmp(b).unwrap(),
        (SortKey::Time(a), SortKey::Time(b)) => a.cmp(b),
        (SortKey::Text(a), SortKey::Text(b)) => a.cmp(b),
        (SortKey::Natural(a), SortKey::Natural(b)) => natural_order(a, b),
        // Numbers, then texts, then nothing, whichever way the values go.
        (SortKey::Nothing, SortKey::Nothing) => Ordering::Equal,
        (SortKey::Nothing, _) | (SortKey::Text(_), SortKey::Number(_)) => return Ordering::Greater,
        (_, SortKey::Nothing) | (SortKey::Number(_), SortKey::Text(_)) => return Ordering::Less,
        (a, b) => panic!("{a:?} and {b:?} do not compare"),
    };
    if descending { order.reverse() } else { order }
}

fn is<T: Listed>(rows: &[T], expected: &[T], what: &str) {
    let (rows, expected) = (format!("{rows:?}"), format!("{expected:?}"));
    assert!(rows == expected, "{what}");
}

/// Walks a list in pages both ways and compares with all of it at once.
async fn walk<T: Listed>(store: &dyn Store, list: &ListQuery, everything: &[T], what: &str) {
    let page = async |from: PageFrom, limit: usize| {
        T::page(store, list.clone(), PageRequest { from, limit })
            .await
            .unwrap()
    };
    let limit = 17;
    let (mut from, mut seen) = (PageFrom::Start, Vec::new());
    loop {
        let next = page(from, limit).await;
        assert_eq!(next.more_before, !seen.is_empty(), "{what}: before");
        seen.extend(next.rows.iter().cloned());
        assert_eq!(
            next.more_after,
            seen.len() < everything.len(),
            "{what}: after"
        );
        let Some((top, bottom)) = next.edges else {
            break;
        };
        is(&page(PageFrom::At(top), limit).await.rows, &next.rows, what);
        from = PageFrom::After(bottom);
        if !next.more_after {
            break;
        }
    }
    is(&seen, everything, &format!("{what}: forward"));
    let (mut from, mut seen) = (PageFrom::End, Vec::new());
    loop {
        let next = page(from, limit).await;
        assert_eq!(
            next.more_after,
            !seen.is_empty(),
            "{what}: after, from the end"
        );
        seen.splice(0..0, next.rows.iter().cloned());
        assert_eq!(
            next.more_before,
            seen.len() < everything.len(),
            "{what}: before, from the end"
        );
        let Some((top, _)) = next.edges else { break };
        from = PageFrom::Before(top);
        if !next.more_before {
            break;
        }
    }
    is(&seen, everything, &format!("{what}: backward"));
}

/// Every order of a list is total and pages both ways.
async fn orders<T: Listed>(store: &dyn Store) {
    T::fill(store).await;
    let remote = is_remote(store).await;
    let own: Vec<T> = all(store, ListQuery::default()).await;
    assert!(own.len() > 50);
    assert!(own.is_sorted_by(|a, b| a.age() >= b.age()), "newest first");
    walk(store, &ListQuery::default(), &own, "own order").await;
    // Ties are broken by what was added last, which is not what the list's own order tells.
    let added: Vec<T> = all(
        store,
        ListQuery {
            sort: Some(Sort::ascending("no such field")),
            ..ListQuery::default()
        },
    )
    .await;
    for (at, (field, order)) in T::FIELDS.iter().enumerate() {
        for descending in [false, true] {
            let walked = !remote || (at % 5 == 0 && descending);
            let list = ListQuery {
                sort: Some(Sort {
                    field: (*field).to_owned(),
                    descending,
                }),
                ..ListQuery::default()
            };
            let what = format!("by {field}, descending: {descending}");
            let rows: Vec<T> = all(store, list.clone()).await;
            let mut expected = added.clone();
            expected.sort_by(|a, b| {
                let (a, b) = (sort_key(a, field, *order), sort_key(b, field, *order));
                compare(&a, &b, descending)
            });
            is(&rows, &expected, &what);
            if walked {
                walk(store, &list, &rows, &what).await;
            }
        }
    }
}

pub(crate) async fn experiments_page_both_ways_in_every_order(store: &dyn Store) {
    orders::<ModelExperiment>(store).await;
}

pub(crate) async fn runs_page_both_ways_in_every_order(store: &dyn Store) {
    orders::<ModelRun>(store).await;
}

pub(crate) async fn versions_page_both_ways_in_every_order(store: &dyn Store) {
    orders::<ModelVersion>(store).await;
}

pub(crate) async fn drift_events_page_both_ways_in_every_order(store: &dyn Store) {
    orders::<DriftEvent>(store).await;
}

pub(crate) async fn deployments_page_both_ways_in_every_order(store: &dyn Store) {
    orders::<Deployment>(store).await;
}

pub(crate) async fn a_filtered_and_sorted_list_pages_too(store: &dyn Store) {
    fill_runs(store).await;
    let list = ListQuery {
        filter: Filter::parse("status!=killed metrics.loss>=0 !ärger").unwrap(),
        sort: Some(Sort::descending("metrics.loss")),
    };
    let rows: Vec<ModelRun> = all(store, list.clone()).await;
    assert!(rows.len() > if is_remote(store).await { 10 } else { 30 });
    walk(store, &list, &rows, "filtered and sorted").await;
}

pub(crate) async fn a_page_stays_put_while_rows_come_and_go(store: &dyn Store) {
    fill_runs(store).await;
    let sorted = || ListQuery {
        sort: Some(Sort::descending("metrics.loss")),
        ..ListQuery::default()
    };
    let page = async |from: PageFrom| {
        ModelRun::page(store, sorted(), PageRequest { from, limit: 20 })
            .await
            .unwrap()
    };
    let first = page(PageFrom::Start).await;
    let (top, bottom) = first.edges.clone().unwrap();
    let second = page(PageFrom::After(bottom.clone())).await;
    // New rows above the first page, and the row that the cursor was taken from goes elsewhere.
    for i in 0..5 {
        let new = run(&format!("new{i}"), "fraud");
        let best = [batch(
            new.run_id.as_str(),
            "loss",
            &[point(1, f64::INFINITY)],
        )];
        store.insert_run(&new, &best, &ctx("t")).await.unwrap();
    }
    let moved = first.rows.last().unwrap().run_id.as_str();
    let away = [batch(moved, "loss", &[point(9, -9.0)])];
    store.append_metrics(&away, at(0)).await.unwrap();
    let again = page(PageFrom::After(bottom.clone())).await;
    is(&again.rows, &second.rows, "the page behind a cursor moved");
    let here = page(PageFrom::At(top)).await;
    assert_eq!(here.rows[0].run_id, first.rows[0].run_id);
    // Where the row was, its follower is.
    let gone = page(PageFrom::At(bottom)).await;
    assert_eq!(gone.rows[0].run_id, second.rows[0].run_id);
}

pub(crate) async fn a_cursor_of_another_order_is_refused(store: &dyn Store) {
    fill_deployments(store).await;
    let first = Deployment::page(store, ListQuery::default(), PageRequest::first(5))
        .await
        .unwrap();
    let cursor = first.edges.unwrap().1;
    let by_status = ListQuery {
        sort: Some(Sort::ascending("status")),
        ..ListQuery::default()
    };
    let request = |from| PageRequest { from, limit: 5 };
    let refused = Deployment::page(store, by_status, request(PageFrom::After(cursor))).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    let nonsense = modeldeck::store::Cursor("nonsense".to_owned());
    let refused =
        Deployment::page(store, ListQuery::default(), request(PageFrom::At(nonsense))).await;
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
}
