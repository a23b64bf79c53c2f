//! Runs: rows, params, tags, captured output.

use super::samples::{at, batch, ctx, experiment, point, run, texts, with_run};
use modeldeck::domain::{
    Artifact, MlflowLink, ObjectKind, Revision, RunId, RunSource, RunStatus, SyncState, approval,
};
use modeldeck::store::{PageRequest, RunQuery, Store, StoreError};

pub(crate) async fn what_goes_in_comes_out(store: &dyn Store) {
    let ctx = ctx("log_run");
    store
        .insert_experiment(&experiment("fraud"), &ctx)
        .await
        .unwrap();
    let mut new = run("r1", "fraud");
    new.params = texts(&[("lr", "0.1"), ("opt", "Adam"), ("empty", "")]);
    new.tags = texts(&[("lr", "tag of the same key")]);
    new.artifacts = vec![Artifact {
        path: "model.pkl".to_owned(),
        size: u64::from(u32::MAX) + 7,
        digest: approval::digest(b"x"),
    }];
    new.source = RunSource {
        command: Some("python3 train.py --lr 0.1".to_owned()),
        git_commit: Some("abc".to_owned()),
        host: Some("gpu-07".to_owned()),
        user: Some("alice".to_owned()),
        directory: None,
        pid: Some(42),
        exit_code: Some(-1),
        signal: None,
        wall_seconds: Some(0.1 + 0.2),
    };
    new.mlflow = Some(MlflowLink {
        run_id: Some("m1".to_owned()),
        state: SyncState::Queued,
    });
    new.heartbeat_at = Some("2026-11-05T10:00:00.000000001Z".parse().unwrap());
    store.insert_run(&new, &[], &ctx).await.unwrap();
    assert_eq!(store.run(&new.run_id).await.unwrap(), new);
}

pub(crate) async fn a_run_comes_with_its_first_points_or_not_at_all(store: &dyn Store) {
    let ctx = ctx("log_run");
    let new = run("r1", "fraud");
    let points = [batch("r1", "loss", &[point(0, 1.0), point(1, 0.5)])];
    let missing = store.insert_run(&new, &points, &ctx).await;
    assert!(
        matches!(&missing, Err(StoreError::NotFound { kind: ObjectKind::Experiment, id }) if id == "fraud"),
        "{missing:?}"
    );
    store
        .insert_experiment(&experiment("fraud"), &ctx)
        .await
        .unwrap();
    store.insert_run(&new, &points, &ctx).await.unwrap();
    let stored = store.run(&new.run_id).await.unwrap();
    let latest = &stored.metrics[points[0].key.as_str()];
    assert_eq!((latest.step, latest.value), (1, 0.5));

    let again = store.insert_run(&new, &points, &ctx).await;
    assert!(
        matches!(
            again,
            Err(StoreError::AlreadyExists {
                kind: ObjectKind::Run,
                ..
            })
        ),
        "{again:?}"
    );
    let history = store
        .metric_history(&new.run_id, &points[0].key, 0, 100)
        .await;
    assert_eq!(history.unwrap(), points[0].points);
    // Points of another run have no business here.
    let foreign = store.insert_run(&run("r2", "fraud"), &points, &ctx).await;
    assert!(
        matches!(foreign, Err(StoreError::Invalid { .. })),
        "{foreign:?}"
    );
    assert!(store.run(&RunId::new("r2").unwrap()).await.is_err());
}

pub(crate) async fn a_replaced_run_keeps_its_metrics(store: &dyn Store) {
    let mut run = with_run(store, "r1").await;
    let first = [batch("r1", "loss", &[point(0, 1.0)])];
    store.append_metrics(&first, at(50)).await.unwrap();
    run.status = RunStatus::Completed;
    run.ended_at = Some(at(60));
    run.params = texts(&[("lr", "0.1")]);
    run.tags = texts(&[("a", "1"), ("b", "2")]);
    // Older than the metric's: a heartbeat does not go back.
    run.heartbeat_at = Some(at(10));
    let more = [batch("r1", "loss", &[point(1, 0.5)])];
    let next = store
        .replace_run(&run, &more, &ctx("update_run"))
        .await
        .unwrap();
    assert_eq!(next, Revision(2));
    let stored = store.run(&run.run_id).await.unwrap();
    assert_eq!(
        (stored.status, stored.heartbeat_at, stored.revision),
        (RunStatus::Completed, Some(at(50)), next)
    );
    assert_eq!((&stored.params, &stored.tags), (&run.params, &run.tags));
    assert_eq!(stored.metrics.values().next().unwrap().step, 1);

    let mut again = stored.clone();
    again.tags = texts(&[("b", "3")]);
    store
        .replace_run(&again, &[], &ctx("update_run"))
        .await
        .unwrap();
    assert_eq!(store.run(&run.run_id).await.unwrap().tags, again.tags);
    let lost = store.replace_run(&stored, &more, &ctx("update_run")).await;
    assert!(matches!(
        lost,
        Err(StoreError::Conflict {
            kind: ObjectKind::Run,
            ..
        })
    ));
    // The points of a refused write are refused with it.
    let history = store.metric_history(&run.run_id, &more[0].key, 0, 10).await;
    assert_eq!(history.unwrap().len(), 2);
}

pub(crate) async fn what_is_not_there_is_not_found(store: &dyn Store) {
    let (nobody, key) = (RunId::new("nobody").unwrap(), super::samples::key("loss"));
    let found = [
        store.run(&nobody).await.map(drop),
        store
            .append_metrics(&[batch("nobody", "loss", &[point(0, 1.0)])], at(0))
            .await,
        store.heartbeat(&nobody, at(0)).await,
        store.metric_keys(&nobody).await.map(drop),
        store.metric_history(&nobody, &key, 0, 1).await.map(drop),
        store.metric_chart(&nobody, &key, 80).await.map(drop),
        store.append_output(&nobody, b"x").await,
        store.output_tail(&nobody, 10).await.map(drop),
        store.finish_output(&nobody).await.map(drop),
    ];
    for (at, result) in found.into_iter().enumerate() {
        assert!(
            matches!(&result, Err(StoreError::NotFound { kind: ObjectKind::Run, id }) if id == "nobody"),
            "{at}: {result:?}"
        );
    }
}

pub(crate) async fn a_heartbeat_moves_forward_only(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    for (given, expected) in [(5, 5), (3, 5), (9, 9)] {
        store.heartbeat(&run.run_id, at(given)).await.unwrap();
        let stored = store.run(&run.run_id).await.unwrap();
        assert_eq!(stored.heartbeat_at, Some(at(expected)));
        assert_eq!(stored.revision, run.revision, "a heartbeat is data");
    }
}

pub(crate) async fn experiment_and_statuses_narrow_the_list(store: &dyn Store) {
    let ctx = ctx("log_run");
    for name in ["a", "b"] {
        store
            .insert_experiment(&experiment(name), &ctx)
            .await
            .unwrap();
        for status in RunStatus::ALL {
            let mut new = run(&format!("{name}-{status}"), name);
            new.status = *status;
            store.insert_run(&new, &[], &ctx).await.unwrap();
        }
    }
    let all = RunQuery::default();
    assert_eq!(store.count_runs(&all).await.unwrap(), 10);
    let query = RunQuery {
        experiment: Some(experiment("a").name),
        statuses: vec![RunStatus::Running, RunStatus::Failed],
        ..RunQuery::default()
    };
    let page = store.runs(&query, &PageRequest::all()).await.unwrap();
    let ids: Vec<_> = page.rows.iter().map(|run| run.run_id.as_str()).collect();
    assert_eq!(ids, ["a-FAILED", "a-RUNNING"]);
    assert_eq!(store.count_runs(&query).await.unwrap(), 2);
}

pub(crate) async fn captured_output_is_kept_byte_by_byte(store: &dyn Store) {
    let run = with_run(store, "r1").await;
    assert_eq!(store.finish_output(&run.run_id).await.unwrap(), None);
    assert_eq!(
        store.output_tail(&run.run_id, 10).await.unwrap(),
        modeldeck::store::OutputTail::default()
    );
    let mut whole = Vec::new();
    for piece in [b"epoch 1\n".as_slice(), &[0, 255, 27, b'['], b"", b"end"] {
        store.append_output(&run.run_id, piece).await.unwrap();
        whole.extend_from_slice(piece);
    }
    let total = u64::try_from(whole.len()).unwrap();
    for limit in [0, 3, whole.len(), 1000] {
        let tail = store.output_tail(&run.run_id, limit).await.unwrap();
        assert_eq!(tail.total, total);
        assert_eq!(tail.bytes, whole[whole.len().saturating_sub(limit)..]);
    }
    let artifact = store.finish_output(&run.run_id).await.unwrap().unwrap();
    assert_eq!(
        (artifact.path.as_str(), artifact.size),
        ("output.log", total)
    );
    assert_eq!(artifact.digest, approval::digest(&whole));
}
