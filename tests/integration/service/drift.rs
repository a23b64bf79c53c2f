//! Drift events.

use super::{Deck, key, kind, model, version};
use modeldeck::domain::{DriftState, Environment, Severity};
use modeldeck::service::{ErrorKind, NewDriftEvent};

fn accuracy(observed: f64) -> NewDriftEvent {
    NewDriftEvent::new(
        model("fraud"),
        version("1"),
        key("accuracy"),
        0.90,
        observed,
    )
}

#[tokio::test]
async fn a_drift_is_counted_while_it_lasts_and_only_gets_worse() {
    let deck = Deck::new().await;
    deck.version().await;
    let first = deck.alice.record_drift_event(accuracy(0.80)).await.unwrap();
    assert_eq!((first.severity, first.count), (Severity::High, 1));
    deck.pass(60);
    let second = deck.bob.record_drift_event(accuracy(0.88)).await.unwrap();
    assert_eq!(
        (&second.event_id, second.severity, second.count),
        (&first.event_id, Severity::High, 2)
    );
    assert!(
        (second.observed - 0.88).abs() < f64::EPSILON && second.last_seen_at > second.first_seen_at
    );

    let elsewhere = NewDriftEvent {
        environment: Some(Environment::Production),
        ..accuracy(0.80)
    };
    assert_ne!(
        deck.alice
            .record_drift_event(elsewhere)
            .await
            .unwrap()
            .event_id,
        first.event_id
    );

    deck.bob
        .drift()
        .acknowledge(&first.event_id, Some("looking"), None)
        .await
        .unwrap();
    assert_eq!(
        deck.alice
            .record_drift_event(accuracy(0.70))
            .await
            .unwrap()
            .severity,
        Severity::Critical
    );
    let resolved = deck
        .bob
        .drift()
        .resolve(&first.event_id, "retrained", None)
        .await
        .unwrap();
    assert_eq!(
        (
            resolved.state,
            resolved.count,
            resolved.decided_by.as_deref()
        ),
        (DriftState::Resolved, 3, Some("bob"))
    );
    assert_ne!(
        deck.alice
            .record_drift_event(accuracy(0.80))
            .await
            .unwrap()
            .event_id,
        first.event_id
    );
    assert_eq!(
        deck.alice
            .list_drift_events(Some(&model("fraud")), None)
            .await
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        deck.alice
            .list_drift_events(None, Some(Severity::Critical))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_resolved_event_stays_resolved() {
    let deck = Deck::new().await;
    deck.version().await;
    let event = deck.alice.record_drift_event(accuracy(0.80)).await.unwrap();
    assert_eq!(
        kind(deck.alice.drift().resolve(&event.event_id, " ", None).await),
        ErrorKind::Invalid
    );
    deck.alice
        .drift()
        .resolve(&event.event_id, "done", None)
        .await
        .unwrap();
    assert_eq!(
        kind(
            deck.alice
                .drift()
                .acknowledge(&event.event_id, None, None)
                .await
        ),
        ErrorKind::NotPossible
    );
    assert_eq!(
        kind(
            deck.alice
                .drift()
                .resolve(&event.event_id, "again", None)
                .await
        ),
        ErrorKind::NotPossible
    );
}

#[tokio::test]
async fn what_cannot_be_judged_is_refused() {
    let deck = Deck::new().await;
    assert_eq!(
        kind(deck.alice.record_drift_event(accuracy(0.8)).await),
        ErrorKind::NotFound
    );
    deck.version().await;
    let mut baseless = accuracy(0.8);
    baseless.baseline = f64::NAN;
    assert_eq!(
        kind(deck.alice.record_drift_event(baseless).await),
        ErrorKind::Invalid
    );
    let given = NewDriftEvent {
        severity: Some(Severity::Low),
        ..accuracy(f64::NAN)
    };
    assert_eq!(
        deck.alice.record_drift_event(given).await.unwrap().severity,
        Severity::Low
    );
}
