//! Rules under races: several stores on one file, as several programs have them.

use super::{Deck, approve, decide, key, model, open, version};
use modeldeck::domain::{DeploymentStatus, Environment, ExperimentName, NewMetric, Stage, Verdict};
use modeldeck::service::{
    DeploymentUpdate, ErrorKind, ExperimentUpdate, ModelLifecycleService, ModelVersionUpdate,
    NewDeployment, NewExperiment, NewModelVersion, NewRun, RunUpdate, StageChange,
};
use tokio::task::JoinSet;

/// Services with stores of their own on the deck's file.
async fn others(deck: &Deck, count: usize) -> Vec<ModelLifecycleService> {
    let mut others = Vec::new();
    for number in 0..count {
        others.push(open(&deck.path, &format!("user{number}"), &deck.seconds).await);
    }
    others
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_writers_lose_no_update() {
    let deck = Deck::new().await;
    let name = ExperimentName::new("fraud").unwrap();
    deck.alice
        .create_experiment(NewExperiment::new(name.clone()))
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for (writer, service) in others(&deck, 8).await.into_iter().enumerate() {
        let name = name.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                let tag = key(&format!("w{writer}.{round}"));
                let update = ExperimentUpdate {
                    set_tags: [(tag, "1".to_owned())].into(),
                    ..ExperimentUpdate::default()
                };
                service.update_experiment(&name, &update).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(
        deck.alice.get_experiment(&name).await.unwrap().tags.len(),
        80
    );
    assert_eq!(deck.actions().await.len(), 81);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_without_a_step_get_one_of_their_own() {
    let deck = Deck::new().await;
    let name = ExperimentName::new("fraud").unwrap();
    deck.alice
        .create_experiment(NewExperiment::new(name.clone()))
        .await
        .unwrap();
    let run = deck.alice.log_run(NewRun::new(name)).await.unwrap();
    let mut tasks = JoinSet::new();
    for (writer, service) in others(&deck, 6).await.into_iter().enumerate() {
        let run_id = run.run_id.clone();
        tasks.spawn(async move {
            for round in 0..10 {
                let mut update = RunUpdate {
                    metrics: vec![NewMetric {
                        key: key("loss"),
                        value: 0.5,
                        step: None,
                        timestamp: None,
                    }],
                    ..RunUpdate::default()
                };
                // With something else to change, or alone.
                if writer % 2 == 0 {
                    let tag = key(&format!("w{writer}.{round}"));
                    update.set_tags = [(tag, "1".to_owned())].into();
                }
                service.update_run(&run_id, &update).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let runs = deck.alice.runs();
    let history = runs.history(&run.run_id, &key("loss"), 0, 100).await;
    let steps: Vec<i64> = history.unwrap().iter().map(|point| point.step).collect();
    assert_eq!(steps, (0..60).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_registered_at_once_get_numbers_of_their_own() {
    let deck = Deck::new().await;
    let mut tasks = JoinSet::new();
    for service in others(&deck, 8).await {
        tasks.spawn(async move {
            for _ in 0..5 {
                service
                    .register_model_version(NewModelVersion::new(model("fraud")))
                    .await
                    .unwrap();
            }
        });
    }
    tasks.join_all().await;
    let mut numbers: Vec<u32> = deck
        .alice
        .list_model_versions(Some(&model("fraud")), None)
        .await
        .unwrap()
        .iter()
        .map(|version| version.version.as_str().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_made_active_at_once_leave_one() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    let mut tasks = JoinSet::new();
    for service in others(&deck, 6).await {
        let new = NewDeployment::new(
            made.model_name.clone(),
            made.version.clone(),
            Environment::Dev,
        );
        tasks.spawn(async move {
            for _ in 0..5 {
                let pending = service.create_deployment(new.clone()).await.unwrap();
                let active = DeploymentUpdate {
                    status: Some(DeploymentStatus::Active),
                    ..DeploymentUpdate::default()
                };
                let done = service
                    .update_deployment(&pending.deployment_id, &active)
                    .await;
                if let Err(error) = done {
                    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                }
            }
        });
    }
    tasks.join_all().await;
    let active = deck
        .alice
        .list_deployments(None, Some(Environment::Dev), Some(DeploymentStatus::Active))
        .await;
    assert_eq!(active.unwrap().len(), 1);
    deck.actions().await;
}

/// Two promotions at once share no version, and still leave one in Production.
#[tokio::test(flavor = "multi_thread")]
async fn promotions_at_once_leave_one_version_in_production() {
    let deck = Deck::new().await;
    let others = others(&deck, 4).await;
    for _ in 0..10 {
        let mut tasks = JoinSet::new();
        for service in &others {
            let made = deck.approved().await;
            let service = service.clone();
            tasks.spawn(async move {
                let change = StageChange::default();
                let (name, number) = (&made.model_name, &made.version);
                service
                    .set_stage(name, number, Stage::Production, &change)
                    .await
                    .unwrap();
            });
        }
        tasks.join_all().await;
        let holders = deck
            .alice
            .list_model_versions(Some(&model("fraud")), Some(Stage::Production))
            .await
            .unwrap();
        assert_eq!(holders.len(), 1);
    }
    deck.actions().await;
}

/// Whatever the order was, a version in Production has an approval of exactly its content.
#[tokio::test(flavor = "multi_thread")]
async fn promotion_against_edit_and_rejection_never_passes_a_shut_gate() {
    let deck = Deck::new().await;
    let others = others(&deck, 3).await;
    for round in 1..=25_u32 {
        let made = deck.approved().await;
        assert_eq!(made.version, version(&round.to_string()));
        let (promoter, editor, rejecter) =
            (others[0].clone(), others[1].clone(), others[2].clone());
        let (name, number) = (made.model_name.clone(), made.version.clone());
        let promote = tokio::spawn(async move {
            promoter
                .set_stage(&name, &number, Stage::Production, &StageChange::default())
                .await
                .is_ok()
        });
        let other = made.clone();
        let disturb = tokio::spawn(async move {
            if round % 2 == 0 {
                let update = ModelVersionUpdate {
                    metrics: [(key("auc"), 0.1)].into(),
                    ..Default::default()
                };
                // After the promotion the content stays as it is.
                let edited = editor
                    .update_model_version(&other.model_name, &other.version, &update)
                    .await;
                edited.is_ok()
            } else {
                decide(&rejecter, &other, Verdict::Rejected).await.is_ok()
            }
        });
        let went_through = promote.await.unwrap();
        let disturbed = disturb.await.unwrap();
        let log = deck
            .alice
            .audit()
            .history(
                modeldeck::domain::ObjectKind::ModelVersion,
                &format!("fraud {round}"),
                10,
            )
            .await
            .unwrap();
        let newest_first: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
        if went_through && round % 2 == 0 {
            // What is in Production stays as it was approved, so the edit came too late.
            assert!(!disturbed, "round {round}");
            assert_eq!(newest_first[0], "set_stage", "round {round}");
        } else if went_through {
            assert!(disturbed);
            assert_eq!(newest_first[..2], ["reject", "set_stage"], "round {round}");
        } else {
            assert!(
                disturbed && !newest_first.contains(&"set_stage"),
                "round {round}"
            );
        }
    }
    approve(&deck.bob, &deck.version().await).await.unwrap();
}
