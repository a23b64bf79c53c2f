//! What colleagues made with MLflow's client, used here: it stays theirs.

use super::person;
use crate::support::Home;
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{ModelRun, RunStatus};
use modeldeck::service::RunUpdate;

/// A run without what an update of a label changes.
fn rest(run: &ModelRun) -> ModelRun {
    let mut rest = run.clone();
    rest.tags.clear();
    rest.revision = modeldeck::domain::Revision::FIRST;
    rest.updated_at = rest.created_at;
    rest
}

async fn an_update_changes_what_it_says(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let made = server.python(
        "
import mlflow
from mlflow.entities import Metric, RunTag
c = mlflow.MlflowClient()
e = c.create_experiment('theirs')
tags = {'mlflow.user': 'carla', 'mlflow.source.name': 'train.py', 'mlflow.source.git.commit': 'abc123', 'team': 'risk'}
ended = c.create_run(e, start_time=1700000000123, run_name='ended', tags=tags)
c.log_param(ended.info.run_id, 'lr', 0.1)
c.log_batch(ended.info.run_id, metrics=[Metric('auc', 0.9, 1700000005000, 3)])
c.set_terminated(ended.info.run_id, 'FAILED', end_time=1700000009876)
going = c.create_run(e, start_time=1700000001000, run_name='going', tags=tags)
c.log_batch(going.info.run_id, metrics=[Metric('auc', 0.9, 1700000005000, 3)])
print(ended.info.run_id, going.info.run_id)
",
    );
    let ids: Vec<&str> = made.trim().lines().last().unwrap().split(' ').collect();
    let (ended, going) = (ids[0].parse().unwrap(), ids[1].parse().unwrap());
    let shown = format!(
        "
import mlflow
c = mlflow.MlflowClient()
for id in ['{}', '{}']:
    r = c.get_run(id)
    tags = {{k: v for k, v in r.data.tags.items() if not k.startswith('modeldeck.') and k != 'reviewed'}}
    print(sorted(vars(r.info).items(), key=str), sorted(tags.items()), r.data.params, r.data.metrics)
",
        ids[0], ids[1]
    );
    let there = server.python(&shown);
    let alice = person(&server, "alice").await;
    let reviewed = RunUpdate {
        set_tags: [("reviewed".parse().unwrap(), "yes".to_owned())].into(),
        ..RunUpdate::default()
    };
    for run_id in [&ended, &going] {
        let before = alice.get_run(run_id).await.unwrap();
        assert!(before.started_at.is_some() && before.source.user.as_deref() == Some("carla"));
        alice.update_run(run_id, &reviewed).await.unwrap();
        // Seen by whoever comes next, too.
        for who in [&alice, &person(&server, "bob").await] {
            let after = who.get_run(run_id).await.unwrap();
            assert_eq!(rest(&after), rest(&before));
            assert_eq!(after.tags["reviewed"], "yes");
            assert_eq!(after.tags["team"], "risk");
        }
    }
    assert_eq!(server.python(&shown), there);

    // A name, and then a status.
    let before = alice.get_run(&going).await.unwrap();
    let named = RunUpdate {
        name: Some("renamed".to_owned()),
        ..RunUpdate::default()
    };
    alice.update_run(&going, &named).await.unwrap();
    let after = person(&server, "bob").await.get_run(&going).await.unwrap();
    assert_eq!(
        rest(&after),
        ModelRun {
            name: "renamed".to_owned(),
            ..rest(&before)
        }
    );
    let killed = RunUpdate {
        status: Some(RunStatus::Killed),
        ..RunUpdate::default()
    };
    alice.update_run(&going, &killed).await.unwrap();
    let after = person(&server, "bob").await.get_run(&going).await.unwrap();
    assert_eq!(
        (after.status, after.started_at, after.name.as_str()),
        (RunStatus::Killed, before.started_at, "renamed")
    );
    assert!(after.ended_at.is_some());
    // What its maker does afterwards counts.
    server.python(&format!(
        "
import mlflow
mlflow.MlflowClient().set_terminated('{}', 'FINISHED', end_time=1700000099000)
",
        ids[1]
    ));
    let after = person(&server, "bob").await.get_run(&going).await.unwrap();
    assert_eq!(after.status, RunStatus::Completed);
    assert_eq!(after.ended_at.unwrap().as_millisecond(), 1_700_000_099_000);
    assert_eq!(after.started_at, before.started_at);
}

#[tokio::test]
async fn an_update_of_a_colleagues_run_changes_what_it_says_on_3() {
    an_update_changes_what_it_says(Series::Three).await;
}

#[tokio::test]
async fn an_update_of_a_colleagues_run_changes_what_it_says_on_2() {
    an_update_changes_what_it_says(Series::Two).await;
}

async fn any_name_is_found(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    server.python(
        "
import mlflow
c = mlflow.MlflowClient()
c.create_registered_model('evil\\x1b[31m model')
c.create_model_version('evil\\x1b[31m model', 's3://bucket/x')
c.create_experiment('evil\\x1b[31m experiment')
",
    );
    let (home, store) = (Home::new(), server.uri());
    for given in ["evil\u{1b}[31m model", "evil␛[31m model"] {
        let said = home
            .deck(["model", "show", given, "1", "--store", &store])
            .success();
        assert!(
            said.stdout.contains("evil␛[31m model") && !said.stdout.contains('\u{1b}'),
            "{}",
            said.stdout
        );
    }
    home.deck([
        "model",
        "update",
        "evil␛[31m model",
        "1",
        "--tag",
        "a=b",
        "--store",
        &store,
    ])
    .success();
    let shown = home
        .deck([
            "model",
            "show",
            "evil␛[31m model",
            "1",
            "--store",
            &store,
            "--json",
        ])
        .success()
        .json();
    assert_eq!(shown["tags"]["a"], "b");
    assert_eq!(shown["model_name"], "evil\u{1b}[31m model");
    for given in ["evil\u{1b}[31m experiment", "evil␛[31m experiment"] {
        home.deck(["experiment", "show", given, "--store", &store])
            .success();
    }
    // What is made here obeys the rules.
    home.deck([
        "experiment",
        "create",
        "evil\u{1b}[31m other",
        "--store",
        &store,
    ])
    .code(2);
}

#[tokio::test]
async fn an_object_of_any_name_is_found_on_3() {
    any_name_is_found(Series::Three).await;
}

#[tokio::test]
async fn an_object_of_any_name_is_found_on_2() {
    any_name_is_found(Series::Two).await;
}
