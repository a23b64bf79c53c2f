//! The audit log: one entry for every change of state, none for data, and a chain that verifies. Also the change token and `info`.

use super::samples::{at, batch, ctx, deployment, drift_event, experiment, point, run, version};
use modeldeck::domain::audit::ChainCheck;
use modeldeck::domain::{AuditEntry, Filter, ObjectKind, Policy, Revision, RunStatus};
use modeldeck::store::{
    AuditQuery, Cursor, DeploymentWrite, PageFrom, PageRequest, Store, WriteContext,
};
use serde_json::{Value, json};

/// One change of each kind, with data in between.
async fn a_life(store: &dyn Store) {
    let because = WriteContext {
        reason: Some("a reason".to_owned()),
        ..ctx("create_experiment")
    };
    store
        .insert_experiment(&experiment("fraud"), &because)
        .await
        .unwrap();
    let mut run = run("r1", "fraud");
    store
        .insert_run(
            &run,
            &[batch("r1", "loss", &[point(0, 1.0)])],
            &ctx("log_run"),
        )
        .await
        .unwrap();
    store
        .append_metrics(&[batch("r1", "loss", &[point(1, 0.5)])], at(1))
        .await
        .unwrap();
    store.heartbeat(&run.run_id, at(2)).await.unwrap();
    store.append_output(&run.run_id, b"x").await.unwrap();
    run.status = RunStatus::Completed;
    store
        .replace_run(&run, &[], &ctx("update_run"))
        .await
        .unwrap();
    let mut registered = version("fraud", "1");
    registered.metrics = [(super::samples::key("auc"), 0.1 + 0.2)].into();
    store
        .insert_version(&registered, &ctx("register_model_version"))
        .await
        .unwrap();
    registered.description = "described".into();
    store
        .replace_versions(&[registered], None, &ctx("update_model_version"))
        .await
        .unwrap();
    let policy = Policy::default().with("production.quorum", "2").unwrap();
    store
        .replace_policy(&policy, Revision(0), &ctx("set_policy"))
        .await
        .unwrap();
    store
        .insert_drift_event(&drift_event("e1", "fraud", "1"), &ctx("record_drift_event"))
        .await
        .unwrap();
    let write = DeploymentWrite {
        insert: Some(deployment("d1", "fraud", "1")),
        ..DeploymentWrite::default()
    };
    store
        .write_deployments(&write, &ctx("create_deployment"))
        .await
        .unwrap();
}

async fn entries(store: &dyn Store) -> Vec<AuditEntry> {
    store.audit_from(1, 1000).await.unwrap()
}

pub(crate) async fn every_change_has_one_entry_and_data_has_none(store: &dyn Store) {
    assert_eq!(store.audit_head().await.unwrap().0, 0);
    a_life(store).await;
    let log = entries(store).await;
    let told: Vec<_> = log
        .iter()
        .map(|entry| (entry.kind, entry.object.as_str(), entry.action.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (ObjectKind::Experiment, "fraud", "create_experiment"),
            (ObjectKind::Run, "r1", "log_run"),
            (ObjectKind::Run, "r1", "update_run"),
            (
                ObjectKind::ModelVersion,
                "fraud 1",
                "register_model_version"
            ),
            (ObjectKind::ModelVersion, "fraud 1", "update_model_version"),
            (ObjectKind::Policy, "policy", "set_policy"),
            (ObjectKind::DriftEvent, "e1", "record_drift_event"),
            (ObjectKind::Deployment, "d1", "create_deployment"),
        ]
    );
    assert_eq!(log[0].reason.as_deref(), Some("a reason"));
    assert_eq!(log[0].identity, ctx("x").identity);
    assert_eq!(
        (&log[1].before, log[1].after["name"].as_str()),
        (&Value::Null, Some("name of r1"))
    );
    assert_eq!(
        (&log[2].before, &log[2].after),
        (
            &json!({"status": "RUNNING"}),
            &json!({"status": "COMPLETED"})
        )
    );
    assert_eq!(log[5].after, json!({"production.quorum": 2}));
    for derived in ["metrics", "heartbeat_at", "updated_at", "revision"] {
        assert!(log[1].after.get(derived).is_none(), "{derived}");
    }
    for derived in ["approval", "approved_by", "artifacts", "revision"] {
        assert!(log[3].after.get(derived).is_none(), "{derived}");
    }
}

pub(crate) async fn the_chain_verifies(store: &dyn Store) {
    a_life(store).await;
    let mut check = ChainCheck::default();
    // In pieces, as a long log is read.
    loop {
        let some = store.audit_from(check.seq + 1, 3).await.unwrap();
        if some.is_empty() {
            break;
        }
        for entry in &some {
            check.follow(entry).unwrap();
        }
    }
    let (seq, hash) = store.audit_head().await.unwrap();
    check.finish(seq, &hash).unwrap();
    assert_eq!(seq, 8);
}

pub(crate) async fn entries_are_listed_newest_first(store: &dyn Store) {
    a_life(store).await;
    let seqs = async |query: &AuditQuery, from: PageFrom, limit: usize| {
        let page = store
            .audit_entries(query, &PageRequest { from, limit })
            .await
            .unwrap();
        let seqs: Vec<i64> = page.rows.iter().map(|entry| entry.seq).collect();
        (seqs, page.edges)
    };
    let all = AuditQuery::default();
    let (first, edges) = seqs(&all, PageFrom::Start, 3).await;
    assert_eq!(first, [8, 7, 6]);
    let (_, last): (Cursor, Cursor) = edges.unwrap();
    assert_eq!(seqs(&all, PageFrom::After(last), 3).await.0, [5, 4, 3]);
    let of_run = AuditQuery {
        kind: Some(ObjectKind::Run),
        object: Some("r1".to_owned()),
        ..AuditQuery::default()
    };
    assert_eq!(seqs(&of_run, PageFrom::Start, 0).await.0, [3, 2]);
    let by_action = AuditQuery {
        action: Some("set_policy".to_owned()),
        ..AuditQuery::default()
    };
    assert_eq!(seqs(&by_action, PageFrom::Start, 0).await.0, [6]);
    let everything = seqs(&all, PageFrom::Start, 0).await.0;
    let page = store.audit_entries(&all, &PageRequest::all()).await;
    let entries = page.unwrap().rows;
    for text in [
        "seq>=3",
        "kind:run",
        "kind=RUN",
        "action:log reason=\"a reason\"",
        "object=\"fraud 1\"",
        "user:a !host=elsewhere",
        "reason=",
        "at>1970-01-01",
        "r1",
        "nothing:here",
    ] {
        let filter = Filter::parse(text).unwrap();
        let expected: Vec<i64> = entries
            .iter()
            .filter(|entry| filter.matches(*entry))
            .map(|entry| entry.seq)
            .collect();
        let query = AuditQuery {
            filter,
            ..AuditQuery::default()
        };
        assert_eq!(
            seqs(&query, PageFrom::Start, 0).await.0,
            expected,
            "{text} of {everything:?}"
        );
    }
}

pub(crate) async fn the_change_token_changes_with_every_write_and_only_then(store: &dyn Store) {
    let mut token = store.change_token().await.unwrap();
    assert_eq!(store.change_token().await.unwrap(), token);
    let run = super::samples::with_run(store, "r1").await;
    for write in 0..6 {
        let before = token;
        match write {
            0 => store.heartbeat(&run.run_id, at(4)).await.unwrap(),
            1 => store.heartbeat(&run.run_id, at(5)).await.unwrap(),
            2 => store
                .append_metrics(&[batch("r1", "loss", &[point(0, 1.0)])], at(6))
                .await
                .unwrap(),
            3 | 4 => store.append_output(&run.run_id, b"epoch\n").await.unwrap(),
            _ => store
                .insert_experiment(&experiment("other"), &ctx("create_experiment"))
                .await
                .unwrap(),
        }
        token = store.change_token().await.unwrap();
        assert_ne!(token, before, "write {write} was not seen");
        store.run(&run.run_id).await.unwrap();
        assert_eq!(store.change_token().await.unwrap(), token);
    }
}

pub(crate) async fn info_counts_what_is_there(store: &dyn Store) {
    a_life(store).await;
    let info = store.info().await.unwrap();
    for (name, count) in [
        ("experiments", 1),
        ("runs", 1),
        ("model_versions", 1),
        ("drift_events", 1),
        ("deployments", 1),
    ] {
        assert_eq!(info.counts[name], count, "{name}");
    }
    assert!(
        info.size.is_some_and(|size| size > 0)
            && !info.engine.is_empty()
            && info.schema_version > 0
    );
    assert_eq!(info.read_only, None);
}
