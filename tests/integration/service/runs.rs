//! Runs.

use super::{Deck, key, kind};
use jiff::SignedDuration;
use modeldeck::domain::{Artifact, ExperimentName, Key, ModelRun, RunId, RunStatus};
use modeldeck::service::{ErrorKind, NewExperiment, NewMetric, NewRun, RunUpdate};

fn fraud() -> ExperimentName {
    ExperimentName::new("fraud").unwrap()
}

fn metric(key: Key, value: f64) -> NewMetric {
    NewMetric {
        key,
        value,
        step: None,
        timestamp: None,
    }
}

async fn run(deck: &Deck) -> ModelRun {
    if deck.alice.get_experiment(&fraud()).await.is_err() {
        deck.alice
            .create_experiment(NewExperiment::new(fraud()))
            .await
            .unwrap();
    }
    deck.alice.log_run(NewRun::new(fraud())).await.unwrap()
}

fn to(status: RunStatus) -> RunUpdate {
    RunUpdate {
        status: Some(status),
        ..RunUpdate::default()
    }
}

#[tokio::test]
async fn a_run_is_read_back_as_it_was_logged() {
    let deck = Deck::new().await;
    deck.alice
        .create_experiment(NewExperiment::new(fraud()))
        .await
        .unwrap();
    let new = NewRun {
        name: Some("lgbm".to_owned()),
        status: RunStatus::Completed,
        params: [(key("lr"), "0.1".to_owned())].into(),
        metrics: vec![metric(key("loss"), 0.5), metric(key("loss"), f64::NAN)],
        artifacts: vec![Artifact {
            path: "m/x".to_owned(),
            size: 3,
            digest: "sha256:0".to_owned(),
        }],
        ..NewRun::new(fraud())
    };
    let logged = deck.alice.log_run(new).await.unwrap();
    let read = deck.bob.get_run(&logged.run_id).await.unwrap();
    assert_eq!(
        (read.metrics[&key("loss")].step, read.artifacts.len()),
        (1, 1)
    );
    assert!(read.metrics[&key("loss")].value.is_nan());
    assert_eq!(
        (read.started_at.is_some(), read.ended_at.is_some()),
        (true, true)
    );
    assert_eq!(format!("{logged:?}"), format!("{read:?}"));
    assert_eq!(
        kind(
            deck.alice
                .log_run(NewRun::new(ExperimentName::new("x").unwrap()))
                .await
        ),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_param_is_written_once() {
    let deck = Deck::new().await;
    let run = run(&deck).await;
    let lr = |value: &str| RunUpdate {
        params: [(key("lr"), value.to_owned())].into(),
        ..RunUpdate::default()
    };
    deck.alice
        .update_run(&run.run_id, &lr("0.1"))
        .await
        .unwrap();
    deck.alice
        .update_run(&run.run_id, &lr("0.1"))
        .await
        .unwrap();
    assert_eq!(
        kind(deck.alice.update_run(&run.run_id, &lr("0.2")).await),
        ErrorKind::NotPossible
    );
    assert_eq!(
        deck.alice.get_run(&run.run_id).await.unwrap().params[&key("lr")],
        "0.1"
    );
}

#[tokio::test]
async fn a_run_ends_once_and_a_refusal_names_the_legal_ways() {
    let deck = Deck::new().await;
    let run = run(&deck).await;
    let pending = deck
        .alice
        .update_run(&run.run_id, &to(RunStatus::Pending))
        .await
        .unwrap_err();
    assert_eq!(
        pending.hint().unwrap(),
        "from RUNNING it can become COMPLETED or FAILED or KILLED"
    );
    let ended = deck
        .alice
        .update_run(&run.run_id, &to(RunStatus::Completed))
        .await
        .unwrap();
    assert!(ended.ended_at.is_some());
    let again = deck
        .alice
        .update_run(&run.run_id, &to(RunStatus::Running))
        .await;
    assert_eq!(kind(again), ErrorKind::NotPossible);
    deck.alice
        .update_run(&run.run_id, &to(RunStatus::Completed))
        .await
        .unwrap();
    let unknown = RunId::new("nope").unwrap();
    assert_eq!(
        kind(
            deck.alice
                .update_run(&unknown, &to(RunStatus::Failed))
                .await
        ),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn metrics_are_data_and_make_no_audit_entry() {
    let deck = Deck::new().await;
    let run = run(&deck).await;
    let before = deck.actions().await.len();
    for step in 0..5 {
        let update = RunUpdate {
            metrics: vec![metric(key("loss"), f64::from(step))],
            ..RunUpdate::default()
        };
        let updated = deck.bob.update_run(&run.run_id, &update).await.unwrap();
        assert_eq!(
            (updated.metrics[&key("loss")].step, updated.revision),
            (i64::from(step), run.revision)
        );
    }
    assert_eq!(deck.actions().await.len(), before);
    let history = deck
        .alice
        .runs()
        .history(&run.run_id, &key("loss"), 0, 100)
        .await
        .unwrap();
    assert_eq!(
        history.iter().map(|point| point.value).collect::<Vec<_>>(),
        [0.0, 1.0, 2.0, 3.0, 4.0]
    );
}

#[tokio::test]
async fn a_silent_run_is_stale_and_stays_running() {
    let deck = Deck::new().await;
    let run = run(&deck).await;
    deck.pass(600);
    assert_eq!(deck.alice.runs().stale_for(&run), None);
    deck.pass(1);
    assert_eq!(
        deck.alice.runs().stale_for(&run),
        Some(SignedDuration::from_secs(601))
    );
    assert_eq!(
        deck.alice.get_run(&run.run_id).await.unwrap().status,
        RunStatus::Running
    );
    deck.alice.runs().heartbeat(&run.run_id).await.unwrap();
    let alive = deck.alice.get_run(&run.run_id).await.unwrap();
    assert_eq!(
        (deck.alice.runs().stale_for(&alive), alive.revision),
        (None, run.revision)
    );
}

#[tokio::test]
async fn values_that_make_no_sense_are_refused_and_leave_nothing() {
    let deck = Deck::new().await;
    let run = run(&deck).await;
    let artifact = |path: &str| RunUpdate {
        artifacts: vec![Artifact {
            path: path.to_owned(),
            size: 0,
            digest: String::new(),
        }],
        ..RunUpdate::default()
    };
    for path in ["", "/etc/passwd", "../x", "a//b", "a\0b"] {
        assert_eq!(
            kind(deck.alice.update_run(&run.run_id, &artifact(path)).await),
            ErrorKind::Invalid,
            "{path:?}"
        );
    }
    for name in ["", " a", "a\u{1b}[2J", "a\u{202e}b"] {
        let update = RunUpdate {
            name: Some(name.to_owned()),
            ..RunUpdate::default()
        };
        assert_eq!(
            kind(deck.alice.update_run(&run.run_id, &update).await),
            ErrorKind::Invalid,
            "{name:?}"
        );
    }
    let long = RunUpdate {
        params: [(key("p"), "x".repeat(5_001))].into(),
        ..RunUpdate::default()
    };
    assert_eq!(
        kind(deck.alice.update_run(&run.run_id, &long).await),
        ErrorKind::Invalid
    );
    assert_eq!(deck.alice.get_run(&run.run_id).await.unwrap(), run);
}
