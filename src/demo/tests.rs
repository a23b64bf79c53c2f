//! The demo is what it says it is: sound, complete, and the same every time.

use super::*;
use crate::domain::{
    ApprovalState, DeploymentStatus, DriftState, ModelRun, RunStatus, Severity, Stage,
};
use crate::store::{AuditQuery, DeploymentQuery, DriftQuery, PageRequest, RunQuery, VersionQuery};

const NOW: &str = "2026-01-15T10:30:00Z";

async fn made(path: &Path) -> (ModelLifecycleService, Filled) {
    let now: Timestamp = NOW.parse().unwrap();
    let filled = fill(path, now, 7).await.unwrap();
    let service = ModelLifecycleService::open(ServiceOptions {
        clock: Clock::fixed(now),
        ..ServiceOptions::local(path)
    });
    (service.await.unwrap(), filled)
}

async fn runs(service: &ModelLifecycleService) -> Vec<ModelRun> {
    let (query, page) = (RunQuery::default(), PageRequest::all());
    service.runs().list(&query, &page).await.unwrap().rows
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_something_of_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (service, filled) = made(&dir.path().join("demo.db")).await;
    assert_eq!(service.list_experiments(None, None).await.unwrap().len(), 6);
    assert_eq!((filled.experiments, filled.live.len()), (6, 2));

    let runs = runs(&service).await;
    assert!(runs.len() >= 300, "{} runs", runs.len());
    for status in RunStatus::ALL {
        assert!(
            runs.iter().any(|run| run.status == *status),
            "no {status} run"
        );
    }
    let stale = runs
        .iter()
        .filter(|run| service.runs().stale_for(run).is_some());
    assert_eq!(stale.count(), 1);
    let nan = |run: &ModelRun| run.metrics.values().any(|point| point.value.is_nan());
    assert!(runs.iter().any(nan), "nothing blew up");

    let page = PageRequest::all();
    let versions = service
        .registry()
        .list(&VersionQuery::default(), &page)
        .await
        .unwrap()
        .rows;
    for state in [
        ApprovalState::Pending,
        ApprovalState::Approved,
        ApprovalState::Rejected,
        ApprovalState::Stale,
    ] {
        assert!(
            versions.iter().any(|version| version.approval == state),
            "no {state} version"
        );
    }
    for stage in Stage::ALL {
        assert!(
            versions.iter().any(|version| version.stage == *stage),
            "nothing in {stage}"
        );
    }
    assert!(versions.iter().all(|version| version.run_id.is_some()));

    let deployments = service
        .deployments()
        .list(&DeploymentQuery::default(), &page)
        .await
        .unwrap()
        .rows;
    for status in DeploymentStatus::ALL {
        assert!(
            deployments
                .iter()
                .any(|deployment| deployment.status == *status),
            "nothing {status}"
        );
    }
    assert!(
        deployments
            .iter()
            .any(|deployment| deployment.rollback_from.is_some())
    );

    let drifts = service
        .drift()
        .list(&DriftQuery::default(), &page)
        .await
        .unwrap()
        .rows;
    for state in DriftState::ALL {
        assert!(
            drifts.iter().any(|event| event.state == *state),
            "nothing {state}"
        );
    }
    for severity in Severity::ALL {
        assert!(
            drifts.iter().any(|event| event.severity == *severity),
            "nothing {severity}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_sound_and_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let (service, _) = made(&dir.path().join("demo.db")).await;
    assert_eq!(service.audit().verify(|_| {}).await.unwrap().fault, None);
    let page = service
        .audit()
        .list(&AuditQuery::default(), &PageRequest::all())
        .await
        .unwrap();
    let times: Vec<Timestamp> = page.rows.iter().map(|entry| entry.at).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    let now: Timestamp = NOW.parse().unwrap();
    assert!(
        times.iter().all(|at| *at <= now),
        "something happens in the future"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_seed_makes_one_store() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = made(&dir.path().join("a.db")).await;
    let (second, _) = made(&dir.path().join("b.db")).await;
    // NaN is not equal to itself, so the documents are compared.
    let shown = |runs: &[ModelRun]| serde_json::to_string(runs).unwrap();
    assert_eq!(shown(&runs(&first).await), shown(&runs(&second).await));
    let head = async |service: &ModelLifecycleService| {
        let (query, page) = (AuditQuery::default(), PageRequest::first(1));
        let mut newest = service.audit().list(&query, &page).await.unwrap().rows;
        newest.remove(0)
    };
    assert_eq!(head(&first).await, head(&second).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn live_runs_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (service, filled) = made(&dir.path().join("demo.db")).await;
    let run_id = filled.live[0].run_id.clone();
    let before = service.get_run(&run_id).await.unwrap();
    let going_on = tokio::spawn(simulate(service.clone(), filled.live, 1));
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let run = service.get_run(&run_id).await.unwrap();
        if run.metrics["val/auc"].step > before.metrics["val/auc"].step + 1 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "nothing came");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    going_on.abort();
}

#[test]
fn a_demo_leaves_nothing_behind_unless_it_is_kept() {
    let gone = DemoHome::make(false).unwrap();
    let path = gone.path().to_path_buf();
    std::fs::write(gone.store(), "x").unwrap();
    drop(gone);
    assert!(!path.exists());
    let kept = DemoHome::make(true).unwrap();
    let path = kept.path().to_path_buf();
    drop(kept);
    assert!(path.exists());
    std::fs::remove_dir_all(path).unwrap();
}
