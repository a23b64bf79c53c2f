//! Versions, aliases, the policy, and the gate compared inside the write.

use super::samples::{at, ctx, key, run, texts, version, with_run, with_versions};
use modeldeck::domain::{
    Alias, Artifact, ChecklistStatus, Decision, ItemName, ModelName, ModelVersion, ObjectKind,
    Policy, Revision, Stage, Verdict, Version, approval, build_checklist,
};
use modeldeck::store::{GateProof, PageRequest, Store, StoreError, VersionQuery};

fn conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(
        matches!(result, Err(StoreError::Conflict { .. })),
        "{result:?}"
    );
}

async fn stored(store: &dyn Store, name: &str) -> ModelVersion {
    store
        .version(
            &ModelName::new("fraud").unwrap(),
            &Version::new(name).unwrap(),
        )
        .await
        .unwrap()
}

pub(crate) async fn what_goes_in_comes_out(store: &dyn Store) {
    let mut trained = with_run(store, "r1").await;
    let file = |path: &str| Artifact {
        path: path.to_owned(),
        size: 3,
        digest: approval::digest(path.as_bytes()),
    };
    trained.artifacts = vec![file("model.pkl"), file("output.log")];
    store
        .replace_run(&trained, &[], &ctx("update_run"))
        .await
        .unwrap();
    let mut new = version("fraud", "1.0");
    new.run_id = Some(trained.run_id.clone());
    new.source = Some("s3://models/fraud".to_owned());
    new.stage = Stage::Staging;
    new.metrics = [
        (key("auc"), 0.1 + 0.2),
        (key("nan"), f64::INFINITY),
        (key("neg"), -0.0),
    ]
    .into();
    new.params = texts(&[("lr", "0.1")]);
    new.tags = texts(&[("team", "risk")]);
    new.aliases = [Alias::new("champion").unwrap(), Alias::new("blue").unwrap()].into();
    new.checklist = build_checklist([ItemName::new("bias").unwrap()], ChecklistStatus::Pending);
    new.decisions = vec![Decision {
        approver: "bob".to_owned(),
        verdict: Verdict::Rejected,
        at: at(3),
        notes: Some("no".to_owned()),
        subject: new.subject(),
    }];
    store
        .insert_version(&new, &ctx("register_model_version"))
        .await
        .unwrap();
    // The run's files without its captured output.
    new.artifacts = vec![file("model.pkl")];
    let back = stored(store, "1.0").await;
    assert_eq!(back, new);
    assert_eq!(back.subject(), new.subject());

    let again = store
        .insert_version(&new, &ctx("register_model_version"))
        .await;
    assert!(
        matches!(&again, Err(StoreError::AlreadyExists { kind: ObjectKind::ModelVersion, id }) if id == "fraud 1.0"),
        "{again:?}"
    );
    let page = store
        .versions(&VersionQuery::default(), &PageRequest::all())
        .await
        .unwrap();
    assert_eq!(page.rows, [new]);
}

pub(crate) async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let nobody = version("fraud", "9");
    let missing = |result: Result<(), StoreError>| {
        assert!(
            matches!(&result, Err(StoreError::NotFound { kind: ObjectKind::ModelVersion, id }) if id == "fraud 9"),
            "{result:?}"
        );
    };
    missing(
        store
            .version(&nobody.model_name, &nobody.version)
            .await
            .map(drop),
    );
    let replaced = store
        .replace_versions(std::slice::from_ref(&nobody), None, &ctx("set_stage"))
        .await;
    missing(replaced.map(drop));
    let names = store.version_names(&nobody.model_name).await.unwrap();
    assert!(names.is_empty());
}

pub(crate) async fn versions_change_together_or_not_at_all(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    let (mut one, mut two) = (stored(store, "1").await, stored(store, "2").await);
    one.stage = Stage::Archived;
    two.stage = Stage::Staging;
    let mut stale = two.clone();
    stale.revision = Revision(7);
    conflict(
        &store
            .replace_versions(&[one.clone(), stale], None, &ctx("set_stage"))
            .await,
    );
    assert_eq!(stored(store, "1").await.stage, Stage::None);
    let next = store
        .replace_versions(&[one, two], None, &ctx("set_stage"))
        .await
        .unwrap();
    assert_eq!(next, [Revision(2), Revision(2)]);
    assert_eq!(stored(store, "1").await.stage, Stage::Archived);
    assert_eq!(stored(store, "2").await.stage, Stage::Staging);
}

pub(crate) async fn a_model_has_one_version_in_production(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    let mut one = stored(store, "1").await;
    one.stage = Stage::Production;
    store
        .replace_versions(std::slice::from_ref(&one), None, &ctx("set_stage"))
        .await
        .unwrap();
    let mut two = stored(store, "2").await;
    two.stage = Stage::Production;
    let second = store
        .replace_versions(std::slice::from_ref(&two), None, &ctx("set_stage"))
        .await;
    assert!(second.is_err(), "{second:?}");
    assert_eq!(stored(store, "2").await, {
        two.stage = Stage::None;
        two.clone()
    });
    // The one that leaves is written first.
    one = stored(store, "1").await;
    one.stage = Stage::Archived;
    two.stage = Stage::Production;
    store
        .replace_versions(&[one, two], None, &ctx("set_stage"))
        .await
        .unwrap();
    assert_eq!(stored(store, "1").await.stage, Stage::Archived);
    assert_eq!(stored(store, "2").await.stage, Stage::Production);
}

pub(crate) async fn an_alias_names_one_version(store: &dyn Store) {
    with_versions(store, &["1", "2"]).await;
    let champion = Alias::new("champion").unwrap();
    let mut one = stored(store, "1").await;
    one.aliases.insert(champion.clone());
    store
        .replace_versions(std::slice::from_ref(&one), None, &ctx("set_alias"))
        .await
        .unwrap();
    let mut two = stored(store, "2").await;
    two.aliases.insert(champion.clone());
    conflict(
        &store
            .replace_versions(std::slice::from_ref(&two), None, &ctx("set_alias"))
            .await,
    );
    // Moved in one step, in whichever order the two are named.
    one = stored(store, "1").await;
    one.aliases.clear();
    store
        .replace_versions(&[two, one], None, &ctx("set_alias"))
        .await
        .unwrap();
    assert!(stored(store, "1").await.aliases.is_empty());
    assert!(stored(store, "2").await.aliases.contains(&champion));
    // The same alias of another model is another one.
    let mut other = version("churn", "1");
    other.aliases.insert(champion);
    store
        .insert_version(&other, &ctx("register_model_version"))
        .await
        .unwrap();
}

pub(crate) async fn names_come_in_the_order_of_registration(store: &dyn Store) {
    with_versions(store, &["v2", "v10", "v1"]).await;
    let names = store
        .version_names(&ModelName::new("fraud").unwrap())
        .await
        .unwrap();
    let names: Vec<_> = names.iter().map(Version::as_str).collect();
    assert_eq!(names, ["v2", "v10", "v1"]);
}

pub(crate) async fn the_query_narrows_the_list(store: &dyn Store) {
    with_versions(store, &["1", "2", "3"]).await;
    let mut two = stored(store, "2").await;
    two.stage = Stage::Production;
    two.run_id = Some(run("r7", "x").run_id);
    two.checklist = build_checklist([ItemName::new("bias").unwrap()], ChecklistStatus::Pending);
    store
        .replace_versions(std::slice::from_ref(&two), None, &ctx("set_stage"))
        .await
        .unwrap();
    store
        .insert_version(&version("churn", "1"), &ctx("register_model_version"))
        .await
        .unwrap();
    let all = VersionQuery::default();
    for (query, expected) in [
        (all.clone(), 4),
        (
            VersionQuery {
                model: Some(two.model_name.clone()),
                ..all.clone()
            },
            3,
        ),
        (
            VersionQuery {
                stage: Some(Stage::Production),
                ..all.clone()
            },
            1,
        ),
        (
            VersionQuery {
                run_id: two.run_id.clone(),
                ..all.clone()
            },
            1,
        ),
        (
            VersionQuery {
                in_review: true,
                ..all
            },
            1,
        ),
    ] {
        let page = store.versions(&query, &PageRequest::all()).await.unwrap();
        assert_eq!(page.rows.len(), expected, "{query:?}");
        let count = store.count_versions(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected).unwrap());
    }
}

pub(crate) async fn the_policy_is_set_by_whoever_read_it(store: &dyn Store) {
    assert_eq!(
        store.policy().await.unwrap(),
        (Policy::default(), Revision(0))
    );
    let two = Policy::default().with("production.quorum", "2").unwrap();
    let next = store
        .replace_policy(&two, Revision(0), &ctx("set_policy"))
        .await
        .unwrap();
    assert_eq!(next, Revision(1));
    conflict(
        &store
            .replace_policy(&Policy::default(), Revision(0), &ctx("set_policy"))
            .await,
    );
    assert_eq!(store.policy().await.unwrap(), (two, Revision(1)));
}

async fn proof(store: &dyn Store, name: &str) -> GateProof {
    let version = stored(store, name).await;
    GateProof {
        policy: store.policy().await.unwrap().1,
        subject: version.subject(),
        revision: version.revision,
        model_name: version.model_name,
        version: version.version,
    }
}

pub(crate) async fn a_gate_holds_only_while_nothing_it_was_judged_on_changed(store: &dyn Store) {
    let mut trained = with_run(store, "r1").await;
    let mut new = version("fraud", "1");
    new.run_id = Some(trained.run_id.clone());
    store
        .insert_version(&new, &ctx("register_model_version"))
        .await
        .unwrap();
    let promote = async |proof: &GateProof| {
        let mut version = stored(store, "1").await;
        version.stage = Stage::Production;
        store
            .replace_versions(&[version], Some(proof), &ctx("set_stage"))
            .await
    };

    let judged = proof(store, "1").await;
    store
        .replace_policy(&Policy::default(), Revision(0), &ctx("set_policy"))
        .await
        .unwrap();
    conflict(&promote(&judged).await);

    let judged = proof(store, "1").await;
    let mut touched = stored(store, "1").await;
    touched.description = "another text".into();
    store
        .replace_versions(&[touched], None, &ctx("update_model_version"))
        .await
        .unwrap();
    conflict(&promote(&judged).await);

    // A file of the run changed: the version's own record is as it was, what was approved is not.
    let judged = proof(store, "1").await;
    trained.artifacts = vec![Artifact {
        path: "model.pkl".to_owned(),
        size: 3,
        digest: approval::digest(b"another"),
    }];
    store
        .replace_run(&trained, &[], &ctx("update_run"))
        .await
        .unwrap();
    conflict(&promote(&judged).await);
    assert_eq!(stored(store, "1").await.stage, Stage::None);

    let judged = proof(store, "1").await;
    promote(&judged).await.unwrap();
    assert_eq!(stored(store, "1").await.stage, Stage::Production);
}
