//! A filter means in the store what it means on loaded rows.

use super::{Listed, Order, all};
use modeldeck::domain::{Deployment, DriftEvent, Filter, ModelExperiment, ModelRun, ModelVersion};
use modeldeck::store::{ListQuery, Store};

/// What tells rows apart.
fn ids<T: Listed>(rows: &[T]) -> Vec<String> {
    rows.iter().map(|row| row.words().join(" ")).collect()
}

/// Every field under every operator with values of every sort, and the negation of each.
async fn agree<T: Listed>(store: &dyn Store) {
    T::fill(store).await;
    let rows: Vec<T> = all(store, ListQuery::default()).await;
    let values = [
        "alice",
        "ALI",
        "Ärger",
        "STRASSE",
        "straße",
        "%",
        "_",
        "0.05",
        "5e-2",
        "inf",
        "nan",
        "-inf",
        "0",
        "RUNNING",
        "run",
        "PRODUCTION",
        "prod",
        "2025-10-09",
        "2025-10-09T08:53:25Z",
        "high",
        "\"'; DROP\"",
        "1.2",
        "İ",
        "σας",
        "ss",
    ];
    let mut texts: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    for (field, _) in T::FIELDS.iter().chain(&[("alias", Order::Text)]) {
        texts.push(format!("{field}="));
        texts.push(format!("{field}!="));
        for value in values {
            for op in [":", "=", "!=", "<", "<=", ">", ">="] {
                texts.push(format!("{field}{op}{value}"));
            }
        }
    }
    let mut asked = 0;
    for (at, text) in texts.into_iter().enumerate() {
        let mut variants = vec![text.clone()];
        // Negations and combinations are the same code for every field; a part of them is enough.
        if at % 3 == 0 {
            variants.push(format!("!{text}"));
        }
        if at % 7 == 0 {
            variants.push(format!("{text} a !zeta"));
        }
        for text in variants {
            // What does not parse is nobody's question.
            let Ok(filter) = Filter::parse(&text) else {
                continue;
            };
            let expected: Vec<T> = rows
                .iter()
                .filter(|row| filter.matches(*row))
                .cloned()
                .collect();
            let list = ListQuery { filter, sort: None };
            let found: Vec<T> = all(store, list.clone()).await;
            assert_eq!(ids(&found), ids(&expected), "'{text}'");
            if asked % 29 == 0 {
                let count = T::count(store, list).await;
                assert_eq!(count, u64::try_from(expected.len()).unwrap(), "'{text}'");
            }
            asked += 1;
        }
    }
    assert!(asked > 1000, "{asked}");
}

pub(crate) async fn of_experiments_agree_with_loaded_rows(store: &dyn Store) {
    agree::<ModelExperiment>(store).await;
}

pub(crate) async fn of_runs_agree_with_loaded_rows(store: &dyn Store) {
    agree::<ModelRun>(store).await;
}

pub(crate) async fn of_versions_agree_with_loaded_rows(store: &dyn Store) {
    agree::<ModelVersion>(store).await;
}

pub(crate) async fn of_drift_events_agree_with_loaded_rows(store: &dyn Store) {
    agree::<DriftEvent>(store).await;
}

pub(crate) async fn of_deployments_agree_with_loaded_rows(store: &dyn Store) {
    agree::<Deployment>(store).await;
}
