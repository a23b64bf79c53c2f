//! The list of the Approvals tab: versions that were asked about, each with how far its approvals are.
//!
//! What waits is a judgement under the policy, not a field that a store could filter by; so those that wait are judged all, and then
//! filtered and ordered here. They are few.

use crate::domain::filter::{FieldValue, Filterable};
use crate::domain::{Missing, ModelVersion, Policy, Sort, registry::natural_order};
use crate::service::{ModelLifecycleService, Result};
use crate::store::{Cursor, ListQuery, Page, PageRequest, VersionQuery};
use crate::tui::message::Review;
use std::cmp::Ordering;

pub(super) async fn page(
    service: &ModelLifecycleService,
    waiting: bool,
    query: &VersionQuery,
    page: &PageRequest,
) -> Result<Page<Review>> {
    let policy = service.approvals().policy().await?;
    if waiting {
        return Ok(whole(waiting_reviews(service, &policy, &query.list).await?));
    }
    let page = service.approvals().list(query, page).await?;
    Ok(page.map(|version| review(version, &policy)))
}

pub(super) async fn count(
    service: &ModelLifecycleService,
    waiting: bool,
    query: &VersionQuery,
) -> Result<u64> {
    if !waiting {
        return service.approvals().count(query).await;
    }
    let policy = service.approvals().policy().await?;
    Ok(waiting_reviews(service, &policy, &query.list).await?.len() as u64)
}

async fn waiting_reviews(
    service: &ModelLifecycleService,
    policy: &Policy,
    list: &ListQuery,
) -> Result<Vec<Review>> {
    let queue = service.approvals().queue().await?;
    let mut reviews: Vec<Review> = queue
        .into_iter()
        .map(|version| review(version, policy))
        .filter(|review| list.filter.matches(review))
        .collect();
    if let Some(sort) = &list.sort {
        reviews.sort_by(|a, b| compare(a, b, sort));
    }
    Ok(reviews)
}

fn review(version: ModelVersion, policy: &Policy) -> Review {
    let need = usize::from(policy.quorum);
    let lack =
        version
            .missing_for_production(policy)
            .into_iter()
            .find_map(|missing| match missing {
                Missing::Approvals { have, need } => Some((have, need)),
                _ => None,
            });
    Review {
        approvals: lack.unwrap_or((need, need)),
        self_approval: policy.self_approval,
        version,
    }
}

/// Rows without a value come last in both directions, as in every store.
fn compare(a: &Review, b: &Review, sort: &Sort) -> Ordering {
    let (a, b) = (a.field(&sort.field), b.field(&sort.field));
    match (a.first(), b.first()) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => {
            let order = compare_values(a, b);
            if sort.descending {
                order.reverse()
            } else {
                order
            }
        }
    }
}

fn compare_values(a: &FieldValue<'_>, b: &FieldValue<'_>) -> Ordering {
    match (a, b) {
        (FieldValue::Number(a), FieldValue::Number(b)) => a.total_cmp(b),
        (FieldValue::Time(a), FieldValue::Time(b)) => a.cmp(b),
        (FieldValue::Text(a), FieldValue::Text(b)) => {
            natural_order(&a.to_lowercase(), &b.to_lowercase())
        }
        // A field has values of one kind.
        _ => Ordering::Equal,
    }
}

/// A list that is its own only page; its edges are there so that it can be read anew.
fn whole(reviews: Vec<Review>) -> Page<Review> {
    let cursor = |review: &Review| Cursor(review.version.label());
    let edges = reviews.first().zip(reviews.last());
    Page {
        edges: edges.map(|(first, last)| (cursor(first), cursor(last))),
        rows: reviews,
        more_before: false,
        more_after: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Verdict;
    use crate::domain::{Filter, Identity, ItemName, ModelName};
    use crate::service::{NewChecklistItem, NewDecision, NewModelVersion, ServiceOptions};

    fn labels(page: &Page<Review>) -> Vec<String> {
        page.rows
            .iter()
            .map(|review| review.version.label())
            .collect()
    }

    #[tokio::test]
    async fn those_that_wait_leave_the_queue_when_they_are_decided() {
        let directory = tempfile::tempdir().unwrap();
        let options = ServiceOptions::local(directory.path().join("store.db"));
        let alice = ModelLifecycleService::open(options).await.unwrap();
        let alice = alice.acting_as(Identity::new("alice", "here"));
        let bob = alice.acting_as(Identity::new("bob", "here"));
        let item = NewChecklistItem {
            name: ItemName::new("bias review").unwrap(),
            required: false,
        };
        for model in ["fraud", "churn", "price"] {
            let new = NewModelVersion::new(ModelName::new(model).unwrap());
            let version = alice.register_model_version(new).await.unwrap();
            if model != "price" {
                alice
                    .append_checklist_item(&version.model_name, &version.version, &item)
                    .await
                    .unwrap();
            }
        }
        let all = PageRequest::first(10);
        let mut query = VersionQuery::default();
        let waiting = page(&alice, true, &query, &all).await.unwrap();
        assert_eq!(labels(&waiting), ["fraud 1", "churn 1"]);
        assert_eq!(waiting.rows[0].approvals, (0, 1));
        assert!(waiting.edges.is_some());

        let decided = &waiting.rows[0].version;
        let decision = NewDecision {
            verdict: Verdict::Approved,
            notes: None,
            subject: Some(decided.subject()),
        };
        bob.approvals()
            .decide(&decided.model_name, &decided.version, &decision)
            .await
            .unwrap();
        assert_eq!(
            labels(&page(&alice, true, &query, &all).await.unwrap()),
            ["churn 1"]
        );
        let every = page(&alice, false, &query, &all).await.unwrap();
        assert_eq!(every.rows.len(), 2);
        assert!(every.rows.iter().any(|review| review.approvals == (1, 1)));

        query.list.filter = Filter::parse("model:fra").unwrap();
        assert_eq!(count(&alice, true, &query).await.unwrap(), 0);
        assert_eq!(count(&alice, false, &query).await.unwrap(), 1);
    }
}
