//! What is derived filters, orders and pages lists as stored fields do.

use super::*;
use crate::domain::{Identity, ItemName, ModelName, Verdict};
use crate::service::{
    ChecklistMark, ModelLifecycleService, NewChecklistItem, NewDecision, NewModelVersion,
    ServiceOptions,
};

fn labels(page: &Page<Review>) -> Vec<String> {
    let labels = page.rows.iter().map(|review| review.version.label());
    labels.collect()
}

struct People {
    alice: ModelLifecycleService,
    bob: ModelLifecycleService,
    _directory: tempfile::TempDir,
}

/// Alice registers one version of each model, with this many items on its checklist.
async fn registered(models: &[(&str, usize)]) -> People {
    let directory = tempfile::tempdir().unwrap();
    let options = ServiceOptions::local(directory.path().join("store.db"));
    let service = ModelLifecycleService::open(options).await.unwrap();
    let alice = service.acting_as(Identity::new("alice", "here"));
    let bob = service.acting_as(Identity::new("bob", "here"));
    for (model, items) in models {
        let new = NewModelVersion::new(ModelName::new(model).unwrap());
        let version = alice.register_model_version(new).await.unwrap();
        for nth in 0..*items {
            let item = NewChecklistItem {
                name: ItemName::new(&format!("item {nth}")).unwrap(),
                required: true,
            };
            alice
                .append_checklist_item(&version.model_name, &version.version, &item)
                .await
                .unwrap();
        }
    }
    People {
        alice,
        bob,
        _directory: directory,
    }
}

impl People {
    async fn version(&self, model: &str) -> ModelVersion {
        let model = ModelName::new(model).unwrap();
        let versions = self.alice.list_model_versions(Some(&model), None).await;
        versions.unwrap().remove(0)
    }

    async fn approve(&self, model: &str) {
        let version = self.version(model).await;
        let decision = NewDecision {
            verdict: Verdict::Approved,
            notes: None,
            subject: Some(version.subject()),
        };
        let approvals = self.bob.approvals();
        approvals
            .decide(&version.model_name, &version.version, &decision)
            .await
            .unwrap();
    }

    async fn mark(&self, model: &str, item: usize) {
        let version = self.version(model).await;
        let mark = ChecklistMark {
            item: ItemName::new(&format!("item {item}")).unwrap(),
            status: ChecklistStatus::Approved,
            note: None,
        };
        self.bob
            .mark_checklist_status(&version.model_name, &version.version, &[mark], None)
            .await
            .unwrap();
    }

    async fn listed(&self, filter: &str, sort: Option<Sort>) -> Vec<String> {
        let query = VersionQuery {
            list: ListQuery {
                filter: Filter::parse(filter).unwrap(),
                sort,
            },
            ..VersionQuery::default()
        };
        let all = PageRequest::all();
        let page = self.alice.registry().list(&query, &all).await;
        let rows = page.unwrap().rows;
        let count = self.alice.registry().count(&query).await.unwrap();
        assert_eq!(count, rows.len() as u64);
        rows.iter().map(ModelVersion::label).collect()
    }
}

#[tokio::test]
async fn those_that_wait_leave_the_queue_when_they_are_decided() {
    let people = registered(&[("fraud", 1), ("churn", 1), ("price", 0)]).await;
    let all = PageRequest::first(10);
    let mut query = VersionQuery::default();
    let approvals = people.alice.approvals();
    let waiting = approvals.reviews(true, &query, &all).await.unwrap();
    assert_eq!(labels(&waiting), ["fraud 1", "churn 1"]);
    let fraud = &waiting.rows[0];
    assert_eq!((fraud.approvals, fraud.items), ((0, 1), (0, 1)));
    assert!(waiting.edges.is_some());

    people.mark("fraud", 0).await;
    people.approve("fraud").await;
    let waiting = approvals.reviews(true, &query, &all).await.unwrap();
    assert_eq!(labels(&waiting), ["churn 1"]);
    let every = approvals.reviews(false, &query, &all).await.unwrap();
    assert_eq!(every.rows.len(), 2);
    let done = every.rows.iter().find(|row| row.approvals == (1, 1));
    assert_eq!(done.unwrap().items, (1, 1));

    query.list.filter = Filter::parse("model:fra").unwrap();
    assert_eq!(approvals.count_reviews(true, &query).await.unwrap(), 0);
    assert_eq!(approvals.count_reviews(false, &query).await.unwrap(), 1);
}

#[tokio::test]
async fn versions_are_ordered_and_filtered_by_how_their_approval_stands() {
    let people = registered(&[("a", 2), ("b", 1), ("c", 0), ("d", 2)]).await;
    people.mark("b", 0).await;
    people.approve("b").await;
    people.mark("d", 1).await;
    let by = |field| Some(Sort::ascending(field));
    assert_eq!(
        people.listed("", by("approval")).await,
        ["c 1", "d 1", "a 1", "b 1"]
    );
    assert_eq!(
        people.listed("", Some(Sort::descending("approval"))).await,
        ["b 1", "d 1", "a 1", "c 1"]
    );
    assert_eq!(
        people.listed("", by("items")).await,
        ["a 1", "d 1", "b 1", "c 1"],
        "what has no items comes last"
    );
    assert_eq!(people.listed("approval:pend !model:a", None).await, ["d 1"]);
    assert_eq!(people.listed("items<1", None).await, ["d 1", "a 1"]);
    assert_eq!(people.listed("approvals=1", None).await, ["b 1"]);
}

#[tokio::test]
async fn a_derived_order_is_paged_like_every_other() {
    let models: Vec<String> = (0..7).map(|nth| format!("m{nth}")).collect();
    let models: Vec<(&str, usize)> = models.iter().map(|name| (name.as_str(), 1)).collect();
    let people = registered(&models).await;
    let query = VersionQuery {
        list: ListQuery {
            sort: Some(Sort::ascending("approval")),
            ..ListQuery::default()
        },
        ..VersionQuery::default()
    };
    let registry = people.alice.registry();
    let page = async |from| {
        let request = PageRequest { from, limit: 3 };
        registry.list(&query, &request).await.unwrap()
    };
    let names = |page: &Page<ModelVersion>| -> Vec<String> {
        let names = page.rows.iter().map(|row| row.model_name.to_string());
        names.collect()
    };
    let first = page(PageFrom::Start).await;
    assert_eq!(names(&first), ["m6", "m5", "m4"]);
    assert!(!first.more_before && first.more_after);
    let last = first.edges.unwrap().1;
    let second = page(PageFrom::After(last.clone())).await;
    assert_eq!(names(&second), ["m3", "m2", "m1"]);
    let edge = second.edges.unwrap().0;
    assert_eq!(
        names(&page(PageFrom::Before(edge)).await),
        ["m6", "m5", "m4"]
    );
    assert_eq!(names(&page(PageFrom::End).await), ["m2", "m1", "m0"]);
    people.mark("m4", 0).await;
    people.approve("m4").await;
    // The row moved to the end; its cursor follows it.
    assert_eq!(names(&page(PageFrom::At(last)).await), ["m4"]);
    let foreign = PageRequest {
        from: PageFrom::At(Cursor("elsewhere".to_owned())),
        limit: 3,
    };
    assert!(registry.list(&query, &foreign).await.is_err());
}
