//! What is carried over, as MLflow's own client sees it.

use super::{Deck, begin, drain, drain_whole, end, experiment, measure, register};
use crate::store_contract::samples::{key, texts};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{Artifact, MirrorState, MlflowLink, Stage, SyncState, approval};
use modeldeck::service::{ModelLifecycleService, NewMetric, RunUpdate};
use rstest::rstest;

const LOOK: &str = r#"
import json, mlflow, math
client = mlflow.MlflowClient()
experiment = client.get_experiment_by_name("fraud")
runs = client.search_runs([experiment.experiment_id])
assert len(runs) == 1, runs
run = runs[0]
tags = run.data.tags
history = client.get_metric_history(run.info.run_id, "loss")
odd = sorted(str(point.value) for point in client.get_metric_history(run.info.run_id, "odd"))
artifacts = {}
for file in client.list_artifacts(run.info.run_id):
    path = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=file.path)
    artifacts[file.path] = open(path).read()
versions = [
    [v.version, v.current_stage, v.run_id == run.info.run_id, v.description, sorted(client.get_model_version(v.name, v.version).aliases),
     v.tags.get("modeldeck.registered_by"), v.tags.get("modeldeck.approval")]
    for v in sorted(client.search_model_versions("name='card'"), key=lambda v: int(v.version))
]
print(json.dumps({
    "run_id": run.info.run_id, "name": run.info.run_name, "status": run.info.status, "ended": run.info.end_time is not None,
    "params": run.data.params, "description": experiment.tags.get("mlflow.note.content"), "team": experiment.tags.get("team"),
    "tags": {key: tags.get(key) for key in ["data", "later", "mlflow.source.git.commit", "mlflow.source.name", "mlflow.user", "modeldeck.host", "modeldeck.run_id"]},
    "points": [[p.step, p.timestamp] for p in history], "odd": odd, "artifacts": artifacts, "versions": versions,
}))
"#;

async fn fill(deck: &Deck, service: &ModelLifecycleService) {
    experiment(service, "fraud").await;
    let run = begin(service, "fraud", "r1").await;
    measure(service, &run, "loss", 0, 1_203).await;
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.25];
    let file = deck.dir.path().join("model.bin");
    std::fs::write(&file, "weights").unwrap();
    let mut source = service.get_run(&run).await.unwrap().source;
    source.directory = Some(deck.dir.path().to_string_lossy().into_owned());
    let update = RunUpdate {
        metrics: odd
            .map(|value| NewMetric {
                key: key("odd"),
                value,
                step: None,
                timestamp: None,
            })
            .to_vec(),
        artifacts: vec![Artifact {
            path: "model.bin".to_owned(),
            size: 7,
            digest: approval::digest(b"weights"),
        }],
        source: Some(source),
        ..RunUpdate::default()
    };
    service.update_run(&run, &update).await.unwrap();
    service
        .runs()
        .append_output(&run, b"epoch 1\n")
        .await
        .unwrap();
    service.runs().finish_output(&run).await.unwrap();
    end(service, &run).await;
    register(service, "card", &run, Stage::Archived).await;
    let second = register(service, "card", &run, Stage::Staging).await;
    let model = "card".parse().unwrap();
    service
        .set_alias(
            &model,
            &second.parse().unwrap(),
            &"champion".parse().unwrap(),
        )
        .await
        .unwrap();
}

#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mlflow_s_own_client_sees_everything(#[case] series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    fill(&deck, &service).await;
    let before = service.sync().status().await.unwrap();
    assert_eq!(before.state, MirrorState::Queued);
    assert_eq!(before.target.as_deref(), Some(server.uri().as_str()));
    drain_whole(&service).await;

    let seen: serde_json::Value = serde_json::from_str(&server.python(LOOK)).unwrap();
    assert_eq!(seen["name"], "name of r1");
    assert_eq!(
        (&seen["status"], &seen["ended"]),
        (&"FINISHED".into(), &true.into())
    );
    assert_eq!(
        seen["params"],
        serde_json::json!({"lr": "0.1", "depth": "6"})
    );
    assert_eq!(
        (&seen["description"], &seen["team"]),
        (&"which card was stolen".into(), &"risk".into())
    );
    assert_eq!(
        seen["tags"],
        serde_json::json!({
            "data": "june", "later": "gone", "mlflow.source.git.commit": "a".repeat(40), "mlflow.source.name": "python3 train.py",
            "mlflow.user": "alice", "modeldeck.host": "gpu-07", "modeldeck.run_id": "r1",
        })
    );
    let points = seen["points"].as_array().unwrap();
    assert_eq!(points.len(), 1_203);
    assert_eq!(
        points[1_202],
        serde_json::json!([1_202, 1_760_000_001_202_i64])
    );
    assert_eq!(
        seen["odd"],
        serde_json::json!([
            "-1.7976931348623157e+308",
            "0.25",
            "1.7976931348623157e+308",
            "nan"
        ])
    );
    assert_eq!(
        seen["artifacts"],
        serde_json::json!({"model.bin": "weights", "output.log": "epoch 1\n"})
    );
    assert_eq!(
        seen["versions"],
        serde_json::json!([
            ["1", "Archived", true, "the one", [], "alice", null],
            ["2", "Staging", true, "the one", ["champion"], "alice", null],
        ])
    );

    // The store knows where its copy is, and changes follow.
    let run_id = "r1".parse().unwrap();
    let link = service.get_run(&run_id).await.unwrap().mlflow;
    let remote = seen["run_id"].as_str().map(str::to_owned);
    assert_eq!(
        link,
        Some(MlflowLink {
            run_id: remote.clone(),
            state: SyncState::Synced
        })
    );
    let update = RunUpdate {
        name: Some("better name".to_owned()),
        set_tags: texts(&[("data", "july")]),
        remove_tags: vec![key("later")],
        ..RunUpdate::default()
    };
    service.update_run(&run_id, &update).await.unwrap();
    let queued = service.get_run(&run_id).await.unwrap().mlflow.unwrap();
    assert_eq!(queued.state, SyncState::Queued);
    drain_whole(&service).await;
    let seen: serde_json::Value = serde_json::from_str(&server.python(LOOK)).unwrap();
    assert_eq!(seen["run_id"].as_str().map(str::to_owned), remote);
    assert_eq!(
        (&seen["name"], &seen["tags"]["data"], &seen["tags"]["later"]),
        (
            &"better name".into(),
            &"july".into(),
            &serde_json::Value::Null
        )
    );
    assert_eq!(seen["status"], "FINISHED");
}

/// The queue and everything that was known of copies is gone; what is on the server is found again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_found_again_after_the_queue_was_lost() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    fill(&deck, &service).await;
    drain_whole(&service).await;
    let first = super::remote_points(&server);
    drop(service);
    deck.raw()
        .execute_batch(
            "DELETE FROM sync_queue; DELETE FROM sync_copies; DELETE FROM sync_series; DELETE FROM sync_server;",
        )
        .unwrap();
    let service = deck.on(&server.uri()).await;
    assert!(
        service.sync().status().await.unwrap().depth >= 6,
        "all is queued again"
    );
    drain_whole(&service).await;
    assert_eq!(server.number("SELECT count(*) FROM runs"), 1);
    assert_eq!(server.number("SELECT count(*) FROM model_versions"), 2);
    assert_eq!(super::remote_points(&server), first);
}

/// A run that somebody deleted on the server is not made anew behind their back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_deleted_there_waits_for_a_word() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    drain_whole(&service).await;
    let remote = service.get_run(&run).await.unwrap().mlflow.unwrap();
    server.python(&format!(
        "import mlflow; mlflow.MlflowClient().delete_run('{}')",
        remote.run_id.unwrap()
    ));
    measure(&service, &run, "loss", 0, 10).await;
    end(&service, &run).await;
    assert!(!drain(&service).await.is_complete());
    let items = service.sync().items(10).await.unwrap();
    let reason = items[0].reason.clone().unwrap();
    assert!(reason.contains("was deleted on the server"), "{reason}");
    service.sync().retry(items[0].id).await.unwrap();
    drain_whole(&service).await;
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'"),
        1
    );
    assert_eq!(
        super::remote_points(&server),
        super::local_points(&deck.path())
    );
}
