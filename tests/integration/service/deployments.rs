//! Deployments.

use super::{Deck, decide, kind, version};
use modeldeck::domain::{
    Deployment, DeploymentStatus, Endpoint, Environment, ModelVersion, Verdict,
};
use modeldeck::service::{DeploymentUpdate, ErrorKind, NewDeployment, Rollback};

fn to(status: DeploymentStatus) -> DeploymentUpdate {
    DeploymentUpdate {
        status: Some(status),
        ..DeploymentUpdate::default()
    }
}

fn because(reason: &str) -> Rollback {
    Rollback {
        expected: None,
        to: None,
        reason: reason.to_owned(),
        deployment_id: None,
    }
}

async fn create(
    deck: &Deck,
    made: &ModelVersion,
    environment: Environment,
) -> modeldeck::service::Result<Deployment> {
    let new = NewDeployment::new(made.model_name.clone(), made.version.clone(), environment);
    deck.alice.create_deployment(new).await
}

async fn activate(deck: &Deck, made: &ModelVersion, environment: Environment) -> Deployment {
    deck.pass(60);
    let pending = create(deck, made, environment).await.unwrap();
    assert_eq!(pending.status, DeploymentStatus::Pending);
    deck.alice
        .update_deployment(&pending.deployment_id, &to(DeploymentStatus::Active))
        .await
        .unwrap()
}

#[tokio::test]
async fn making_one_active_ends_the_one_before_in_one_step() {
    let deck = Deck::new().await;
    let (one, two) = (deck.version().await, deck.version().await);
    let first = activate(&deck, &one, Environment::Staging).await;
    let second = activate(&deck, &two, Environment::Staging).await;
    let first = deck
        .alice
        .get_deployment(&first.deployment_id)
        .await
        .unwrap();
    assert_eq!(
        (first.status, second.status),
        (DeploymentStatus::Terminated, DeploymentStatus::Active)
    );
    assert!(first.ended_at.is_some() && first.reason.unwrap().contains("replaced by version 2"));
    let active = deck
        .alice
        .list_deployments(
            None,
            Some(Environment::Staging),
            Some(DeploymentStatus::Active),
        )
        .await;
    assert_eq!(active.unwrap().len(), 1);
}

#[tokio::test]
async fn nothing_leaves_the_end() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    let deployment = activate(&deck, &made, Environment::Dev).await;
    let id = &deployment.deployment_id;
    assert_eq!(
        kind(
            deck.alice
                .update_deployment(id, &to(DeploymentStatus::Pending))
                .await
        ),
        ErrorKind::NotPossible
    );
    deck.alice
        .update_deployment(id, &to(DeploymentStatus::Terminated))
        .await
        .unwrap();
    for status in [
        DeploymentStatus::Active,
        DeploymentStatus::Failed,
        DeploymentStatus::Pending,
    ] {
        assert_eq!(
            kind(deck.alice.update_deployment(id, &to(status)).await),
            ErrorKind::NotPossible
        );
    }
}

#[tokio::test]
async fn the_version_must_be_there_and_production_must_be_approved() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    let mut absent = made.clone();
    absent.version = version("9");
    assert_eq!(
        kind(create(&deck, &absent, Environment::Dev).await),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(create(&deck, &made, Environment::Production).await),
        ErrorKind::Refused
    );
    assert!(
        deck.alice
            .list_deployments(None, None, None)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_approval_withdrawn_before_activation_stops_it() {
    let deck = Deck::new().await;
    let made = deck.approved().await;
    let pending = create(&deck, &made, Environment::Production).await.unwrap();
    decide(&deck.carol, &made, Verdict::Rejected).await.unwrap();
    let refused = deck
        .alice
        .update_deployment(&pending.deployment_id, &to(DeploymentStatus::Active))
        .await;
    assert_eq!(kind(refused), ErrorKind::Refused);
    let read = deck
        .alice
        .get_deployment(&pending.deployment_id)
        .await
        .unwrap();
    assert_eq!(read, pending);
}

#[tokio::test]
async fn a_rollback_ends_the_bad_one_and_serves_the_last_good_one() {
    let deck = Deck::new().await;
    let (one, two) = (deck.approved().await, deck.approved().await);
    let good = activate(&deck, &one, Environment::Production).await;
    let bad = activate(&deck, &two, Environment::Production).await;
    deck.pass(60);
    let back = deck
        .bob
        .deployments()
        .roll_back(&bad.deployment_id, &because("accuracy fell"))
        .await
        .unwrap();
    assert_eq!(
        (&back.version, back.status),
        (&good.version, DeploymentStatus::Active)
    );
    assert_eq!(back.rollback_from.as_ref(), Some(&bad.deployment_id));
    let bad = deck.alice.get_deployment(&bad.deployment_id).await.unwrap();
    assert_eq!(
        (bad.status, bad.reason.as_deref()),
        (DeploymentStatus::Failed, Some("rolled back: accuracy fell"))
    );
    let nowhere = deck
        .bob
        .deployments()
        .roll_back(&back.deployment_id, &because("again"))
        .await;
    assert_eq!(
        kind(nowhere),
        ErrorKind::NotPossible,
        "the bad one is no way back"
    );
}

#[tokio::test]
async fn a_deployment_that_was_replaced_is_not_rolled_back() {
    let deck = Deck::new().await;
    let (one, two, three) = (
        deck.approved().await,
        deck.approved().await,
        deck.approved().await,
    );
    activate(&deck, &one, Environment::Production).await;
    let past = activate(&deck, &two, Environment::Production).await;
    let serves = activate(&deck, &three, Environment::Production).await;
    let refused = deck
        .bob
        .deployments()
        .roll_back(&past.deployment_id, &because("bad"))
        .await;
    assert_eq!(kind(refused), ErrorKind::NotPossible);
    let serves = deck
        .alice
        .get_deployment(&serves.deployment_id)
        .await
        .unwrap();
    assert_eq!(serves.status, DeploymentStatus::Active);
}

#[tokio::test]
async fn a_second_rollback_of_the_same_one_is_told_that_the_first_was_faster() {
    let deck = Deck::new().await;
    let (one, two) = (deck.approved().await, deck.approved().await);
    activate(&deck, &one, Environment::Production).await;
    let bad = activate(&deck, &two, Environment::Production).await;
    let roll_back = async |service: &modeldeck::service::ModelLifecycleService| {
        service
            .deployments()
            .roll_back(&bad.deployment_id, &because("bad"))
            .await
    };
    let back = roll_back(&deck.bob).await.unwrap();
    assert_eq!(kind(roll_back(&deck.carol).await), ErrorKind::NotPossible);
    let back = deck
        .alice
        .get_deployment(&back.deployment_id)
        .await
        .unwrap();
    assert_eq!(back.status, DeploymentStatus::Active);
}

#[tokio::test]
async fn a_rollback_obeys_the_gate_and_leaves_nothing_when_refused() {
    let deck = Deck::new().await;
    let (one, two) = (deck.approved().await, deck.approved().await);
    activate(&deck, &one, Environment::Production).await;
    let bad = activate(&deck, &two, Environment::Production).await;
    decide(&deck.carol, &one, Verdict::Rejected).await.unwrap();
    assert_eq!(
        kind(
            deck.bob
                .deployments()
                .roll_back(&bad.deployment_id, &because("bad"))
                .await
        ),
        ErrorKind::Refused
    );
    assert_eq!(
        deck.alice
            .get_deployment(&bad.deployment_id)
            .await
            .unwrap()
            .status,
        DeploymentStatus::Active
    );
    assert_eq!(
        kind(
            deck.bob
                .deployments()
                .roll_back(&bad.deployment_id, &because(""))
                .await
        ),
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn an_endpoint_is_an_address_without_secrets() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    for url in [
        "http://bob:secret@host/",
        "ftp://host",
        "host:80",
        "http://host/\u{1b}[2J",
        "",
    ] {
        let new = NewDeployment {
            endpoint: Some(Endpoint {
                url: url.to_owned(),
                options: std::collections::BTreeMap::new(),
            }),
            ..NewDeployment::new(
                made.model_name.clone(),
                made.version.clone(),
                Environment::Dev,
            )
        };
        assert_eq!(
            kind(deck.alice.create_deployment(new).await),
            ErrorKind::Invalid,
            "{url:?}"
        );
    }
}

#[tokio::test]
async fn what_has_ended_is_not_rewritten() {
    let deck = Deck::new().await;
    let made = deck.version().await;
    for end in [DeploymentStatus::Failed, DeploymentStatus::Terminated] {
        let ended = activate(&deck, &made, Environment::Staging).await;
        let id = ended.deployment_id;
        // Its end is told with its reason.
        let told = DeploymentUpdate {
            reason: Some("it answered wrongly".to_owned()),
            ..to(end)
        };
        deck.alice.update_deployment(&id, &told).await.unwrap();
        for rewritten in [
            DeploymentUpdate {
                reason: Some("it was fine".to_owned()),
                ..DeploymentUpdate::default()
            },
            DeploymentUpdate {
                reason: Some("it was fine".to_owned()),
                ..to(end)
            },
            DeploymentUpdate {
                endpoint: Some(Endpoint {
                    url: "http://elsewhere".to_owned(),
                    options: std::collections::BTreeMap::default(),
                }),
                ..DeploymentUpdate::default()
            },
        ] {
            let refused = deck.alice.update_deployment(&id, &rewritten).await;
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotPossible);
            assert!(error.to_string().contains(&format!("is {end}, so its")));
            let hint = error.hint().unwrap();
            assert!(
                hint.contains("only a PENDING or ACTIVE deployment"),
                "{hint}"
            );
        }
        // To say once more what is there rewrites nothing.
        deck.alice.update_deployment(&id, &told).await.unwrap();
        let there = deck.alice.get_deployment(&id).await.unwrap();
        assert_eq!(there.reason.as_deref(), Some("it answered wrongly"));
        assert_eq!(there.endpoint, None);
    }
}
