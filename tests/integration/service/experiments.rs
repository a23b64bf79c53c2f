//! Experiments.

use super::{Deck, key, kind};
use modeldeck::domain::{ExperimentName, ExperimentStatus, Revision};
use modeldeck::service::{ErrorKind, ExperimentUpdate, NewExperiment, NewRun};

fn fraud() -> ExperimentName {
    ExperimentName::new("fraud").unwrap()
}

fn to(status: ExperimentStatus) -> ExperimentUpdate {
    ExperimentUpdate {
        status: Some(status),
        ..ExperimentUpdate::default()
    }
}

#[tokio::test]
async fn an_experiment_is_made_changed_and_listed() {
    let deck = Deck::new().await;
    let made = deck
        .alice
        .create_experiment(NewExperiment::new(fraud()))
        .await
        .unwrap();
    assert_eq!(
        (made.owner.as_str(), made.status),
        ("alice", ExperimentStatus::Active)
    );
    deck.pass(60);
    let update = ExperimentUpdate {
        description: Some("cards".to_owned()),
        owner: Some("risk team".to_owned()),
        set_tags: [(key("team"), "risk".to_owned())].into(),
        ..ExperimentUpdate::default()
    };
    let changed = deck.bob.update_experiment(&fraud(), &update).await.unwrap();
    assert_eq!(changed, deck.carol.get_experiment(&fraud()).await.unwrap());
    assert_eq!(changed.revision, Revision(2));
    assert!(changed.updated_at > changed.created_at);
    assert_eq!(
        deck.alice
            .list_experiments(Some("risk team"), None)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        deck.alice
            .list_experiments(Some("Risk Team"), None)
            .await
            .unwrap()
            .len(),
        0
    );
    let archived = deck
        .alice
        .list_experiments(None, Some(ExperimentStatus::Archived))
        .await;
    assert_eq!(archived.unwrap().len(), 0);
    assert_eq!(
        deck.actions().await,
        ["create_experiment", "update_experiment"]
    );
}

#[tokio::test]
async fn what_is_there_already_and_what_is_not_there_are_told_apart() {
    let deck = Deck::new().await;
    assert_eq!(
        kind(deck.alice.get_experiment(&fraud()).await),
        ErrorKind::NotFound
    );
    let nothing = ExperimentUpdate::default();
    assert_eq!(
        kind(deck.alice.update_experiment(&fraud(), &nothing).await),
        ErrorKind::NotFound
    );
    deck.alice
        .create_experiment(NewExperiment::new(fraud()))
        .await
        .unwrap();
    let again = deck
        .bob
        .create_experiment(NewExperiment::new(fraud()))
        .await;
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
    assert_eq!(
        deck.actions().await,
        ["create_experiment"],
        "a refused write left something"
    );
}

#[tokio::test]
async fn an_archived_experiment_takes_no_runs_until_it_is_taken_up_again() {
    let deck = Deck::new().await;
    deck.alice
        .create_experiment(NewExperiment::new(fraud()))
        .await
        .unwrap();
    deck.alice
        .update_experiment(&fraud(), &to(ExperimentStatus::Archived))
        .await
        .unwrap();
    assert_eq!(
        kind(deck.alice.log_run(NewRun::new(fraud())).await),
        ErrorKind::NotPossible
    );
    let back = deck
        .alice
        .update_experiment(&fraud(), &to(ExperimentStatus::Completed))
        .await;
    assert_eq!(
        back.as_ref().unwrap_err().hint().unwrap(),
        "from ARCHIVED it can become ACTIVE"
    );
    assert_eq!(kind(back), ErrorKind::NotPossible);
    deck.alice
        .update_experiment(&fraud(), &to(ExperimentStatus::Active))
        .await
        .unwrap();
    deck.alice.log_run(NewRun::new(fraud())).await.unwrap();
}

#[tokio::test]
async fn a_revision_that_is_not_the_one_read_is_a_conflict() {
    let deck = Deck::new().await;
    let made = deck
        .alice
        .create_experiment(NewExperiment::new(fraud()))
        .await
        .unwrap();
    let update = ExperimentUpdate {
        description: Some("first".to_owned()),
        expected: Some(made.revision),
        ..ExperimentUpdate::default()
    };
    deck.alice
        .update_experiment(&fraud(), &update)
        .await
        .unwrap();
    let second = ExperimentUpdate {
        description: Some("second".to_owned()),
        ..update
    };
    assert_eq!(
        kind(deck.bob.update_experiment(&fraud(), &second).await),
        ErrorKind::Conflict
    );
    assert_eq!(
        deck.alice
            .get_experiment(&fraud())
            .await
            .unwrap()
            .description,
        "first"
    );
}
