//! The registry.

use super::{Deck, approve, key, kind, model, version};
use modeldeck::domain::{Alias, ApprovalState, Artifact, ExperimentName, RunStatus, Stage};
use modeldeck::service::{
    ErrorKind, ModelVersionUpdate, NewExperiment, NewMetric, NewModelVersion, NewRun, StageChange,
};

#[tokio::test]
async fn a_version_from_a_run_takes_what_the_run_has() {
    let deck = Deck::new().await;
    let experiment = ExperimentName::new("fraud").unwrap();
    deck.alice
        .create_experiment(NewExperiment::new(experiment.clone()))
        .await
        .unwrap();
    let run = NewRun {
        status: RunStatus::Completed,
        params: [(key("lr"), "0.1".to_owned())].into(),
        metrics: vec![NewMetric {
            key: key("auc"),
            value: 0.9,
            step: Some(3),
            timestamp: None,
        }],
        artifacts: vec![Artifact {
            path: "model.json".to_owned(),
            size: 9,
            digest: "sha256:1".to_owned(),
        }],
        ..NewRun::new(experiment)
    };
    let run = deck.alice.log_run(run).await.unwrap();
    let runs = deck.alice.runs();
    runs.append_output(&run.run_id, b"epoch 1").await.unwrap();
    assert!(runs.finish_output(&run.run_id).await.unwrap().is_some());
    assert_eq!(
        deck.alice
            .get_run(&run.run_id)
            .await
            .unwrap()
            .artifacts
            .len(),
        2
    );
    let new = NewModelVersion {
        run_id: Some(run.run_id),
        metrics: [(key("f1"), 0.8)].into(),
        ..NewModelVersion::new(model("fraud"))
    };
    let registered = deck.alice.register_model_version(new).await.unwrap();
    let read = deck
        .bob
        .get_model_version(&model("fraud"), &version("1"))
        .await
        .unwrap();
    assert_eq!(registered, read);
    assert_eq!(read.metrics, [(key("auc"), 0.9), (key("f1"), 0.8)].into());
    assert_eq!(read.params[&key("lr")], "0.1");
    assert_eq!(
        read.artifacts
            .iter()
            .map(|a| a.path.as_str())
            .collect::<Vec<_>>(),
        ["model.json"]
    );
    assert_eq!(read.registered_by, "alice");
}

#[tokio::test]
async fn versions_count_up_and_are_unique_in_their_model() {
    let deck = Deck::new().await;
    let named = |name: &str| NewModelVersion {
        version: Some(version(name)),
        ..NewModelVersion::new(model("fraud"))
    };
    deck.version().await;
    deck.alice.register_model_version(named("9")).await.unwrap();
    deck.alice
        .register_model_version(named("2026-beta"))
        .await
        .unwrap();
    assert_eq!(deck.version().await.version, version("10"));
    assert_eq!(
        kind(deck.bob.register_model_version(named("9")).await),
        ErrorKind::AlreadyExists
    );
    let other = deck
        .alice
        .register_model_version(NewModelVersion::new(model("churn")))
        .await;
    assert_eq!(other.unwrap().version, version("1"));
    assert_eq!(
        deck.alice
            .list_model_versions(Some(&model("fraud")), None)
            .await
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn production_holds_one_version_and_sends_the_other_to_the_archive() {
    let deck = Deck::new().await;
    let change = StageChange::default();
    for name in ["1", "2"] {
        let made = deck.approved().await;
        assert_eq!(made.version, version(name));
        deck.bob
            .set_stage(&made.model_name, &made.version, Stage::Production, &change)
            .await
            .unwrap();
    }
    let stage = async |name| {
        deck.alice
            .get_model_version(&model("fraud"), &version(name))
            .await
            .unwrap()
            .stage
    };
    assert_eq!(
        (stage("1").await, stage("2").await),
        (Stage::Archived, Stage::Production)
    );
    let actions = deck.actions().await;
    assert_eq!(
        actions
            .iter()
            .filter(|action| *action == "set_stage")
            .count(),
        3
    );
}

#[tokio::test]
async fn staging_needs_no_approval_and_production_does() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    let change = StageChange::default();
    let to = async |stage| {
        deck.alice
            .set_stage(&made.model_name, &made.version, stage, &change)
            .await
    };
    assert_eq!(to(Stage::Staging).await.unwrap().stage, Stage::Staging);
    let refused = to(Stage::Production).await;
    assert_eq!(
        refused.as_ref().unwrap_err().to_string(),
        "version 'fraud 1' may not go to stage Production: it lacks: an approving decision (0 of 1)"
    );
    assert_eq!(kind(refused), ErrorKind::Refused);
    let read = deck
        .alice
        .get_model_version(&made.model_name, &made.version)
        .await
        .unwrap();
    assert_eq!(read.stage, Stage::Staging);
}

#[tokio::test]
async fn an_edit_of_the_content_shuts_the_gate_and_one_of_the_labels_does_not() {
    let deck = Deck::new().await;
    let made = deck.approved().await;
    let labels = ModelVersionUpdate {
        description: Some("words".to_owned()),
        ..ModelVersionUpdate::default()
    };
    let labelled = deck
        .alice
        .update_model_version(&made.model_name, &made.version, &labels)
        .await
        .unwrap();
    assert_eq!(labelled.approval, ApprovalState::Approved);
    let content = ModelVersionUpdate {
        metrics: [(key("auc"), 0.99)].into(),
        ..ModelVersionUpdate::default()
    };
    let edited = deck
        .alice
        .update_model_version(&made.model_name, &made.version, &content)
        .await
        .unwrap();
    assert_eq!(edited.approval, ApprovalState::Stale);
    let staged = deck
        .alice
        .set_stage(
            &made.model_name,
            &made.version,
            Stage::Production,
            &StageChange::default(),
        )
        .await;
    assert_eq!(kind(staged), ErrorKind::Refused);
    assert_eq!(
        approve(&deck.bob, &edited).await.unwrap().approval,
        ApprovalState::Approved
    );
}

#[tokio::test]
async fn what_is_in_production_stays_as_it_was_approved() {
    let deck = Deck::new().await;
    let made = deck.approved().await;
    let (name, number) = (&made.model_name, &made.version);
    let change = StageChange::default();
    deck.bob
        .set_stage(name, number, Stage::Production, &change)
        .await
        .unwrap();
    let content = ModelVersionUpdate {
        source: Some("s3://other".to_owned()),
        ..ModelVersionUpdate::default()
    };
    let refused = deck
        .alice
        .update_model_version(name, number, &content)
        .await;
    assert_eq!(kind(refused), ErrorKind::NotPossible);
    let labels = ModelVersionUpdate {
        description: Some("words".to_owned()),
        ..ModelVersionUpdate::default()
    };
    deck.alice
        .update_model_version(name, number, &labels)
        .await
        .unwrap();
}

#[tokio::test]
async fn an_alias_moves_and_has_one_holder() {
    let deck = Deck::new().await;
    let (first, second) = (deck.version().await, deck.version().await);
    let champion = Alias::new("champion").unwrap();
    deck.alice
        .set_alias(&first.model_name, &first.version, &champion)
        .await
        .unwrap();
    let moved = deck
        .alice
        .set_alias(&second.model_name, &second.version, &champion)
        .await
        .unwrap();
    assert!(moved.aliases.contains(&champion));
    let left = deck
        .alice
        .get_model_version(&first.model_name, &first.version)
        .await
        .unwrap();
    assert!(left.aliases.is_empty());
    // It was taken from this version when it moved, so this version has none to lose.
    let registry = deck.alice.registry();
    let refused = registry
        .remove_alias(&first.model_name, &first.version, &champion)
        .await;
    assert_eq!(kind(refused), ErrorKind::NotFound);
    let left = registry
        .remove_alias(&second.model_name, &second.version, &champion)
        .await
        .unwrap();
    assert!(left.aliases.is_empty());
    let refused = registry
        .remove_alias(&second.model_name, &second.version, &champion)
        .await;
    assert_eq!(kind(refused), ErrorKind::NotFound);
}

#[tokio::test]
async fn no_secret_comes_into_the_store_with_an_address() {
    let deck = Deck::new().await;
    let new = NewModelVersion {
        source: Some("s3://key:secret@bucket/model".to_owned()),
        ..NewModelVersion::new(model("fraud"))
    };
    let error = deck.alice.register_model_version(new).await.unwrap_err();
    assert!(!error.to_string().contains("secret@") && !format!("{error:?}").contains("key:secret"));
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn versions_compare_metric_by_metric_with_the_best_marked() {
    let deck = Deck::new().await;
    for (auc, loss) in [(0.90, 0.30), (0.93, 0.35)] {
        let new = NewModelVersion {
            metrics: [(key("auc"), auc), (key("loss"), loss)].into(),
            ..NewModelVersion::new(model("fraud"))
        };
        deck.alice.register_model_version(new).await.unwrap();
    }
    let compared = deck
        .alice
        .compare_model_versions(&model("fraud"), &[version("1"), version("2")])
        .await
        .unwrap();
    let best: Vec<_> = compared
        .metrics
        .iter()
        .map(|row| (row.metric.as_str(), row.best[0].as_str()))
        .collect();
    assert_eq!(best, [("auc", "2"), ("loss", "1")]);
    let missing = deck
        .alice
        .compare_model_versions(&model("fraud"), &[version("7")])
        .await;
    assert_eq!(kind(missing), ErrorKind::NotFound);
}
