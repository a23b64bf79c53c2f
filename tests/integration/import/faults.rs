//! A server that answers badly somewhere in an import: what came in stays, the next import brings the rest, and nothing is there twice or missing.

use super::real::FIRST;
use crate::support::fault_server::{Fault, FaultServer, answer};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::service::import::{ImportFailure, ImportReport};
use modeldeck::service::{ModelLifecycleService, ServiceOptions};
use modeldeck::store::mlflow::{Deadlines, MlflowOptions, MlflowSource};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

async fn service(directory: &Path) -> ModelLifecycleService {
    ModelLifecycleService::open(ServiceOptions::local(directory.join("modeldeck.db")))
        .await
        .unwrap()
}

/// One import; `None` where there was no connection at all.
async fn import(
    service: &ModelLifecycleService,
    uri: &str,
) -> Option<Result<ImportReport, ImportFailure>> {
    let options = MlflowOptions {
        deadlines: Deadlines {
            connect: Duration::from_secs(2),
            silence: Duration::from_secs(5),
            attempt: Duration::from_secs(5),
            // Nothing is asked twice, so that every fault is met.
            read: Duration::ZERO,
            first: Duration::from_secs(20),
            file: Duration::from_secs(5),
        },
        ..MlflowOptions::default()
    };
    let mut source = MlflowSource::open(uri, options).await.ok()?;
    let ended = service
        .imports()
        .run(&mut source, std::future::pending(), &|_| {})
        .await;
    Some(ended)
}

/// All that an import brings, as text, but for when it was brought.
async fn everything(service: &ModelLifecycleService) -> String {
    let mut told = String::new();
    for experiment in service.list_experiments(None, None).await.unwrap() {
        writeln!(
            told,
            "{} {:?} {}",
            experiment.name, experiment.tags, experiment.description
        )
        .unwrap();
    }
    let mut runs = service.list_runs(None, &[]).await.unwrap();
    runs.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    for run in runs {
        writeln!(
            told,
            "{} {} {} {:?} {:?} {:?}",
            run.run_id, run.name, run.status, run.params, run.tags, run.artifacts
        )
        .unwrap();
        for key in service.runs().metric_keys(&run.run_id).await.unwrap() {
            let points = service
                .runs()
                .history(&run.run_id, &key, 0, 1000)
                .await
                .unwrap();
            writeln!(told, "  {key} {points:?}").unwrap();
        }
    }
    for version in service.list_model_versions(None, None).await.unwrap() {
        writeln!(
            told,
            "{} {} {:?} {:?} {:?}",
            version.label(),
            version.stage,
            version.aliases,
            version.tags,
            version.source
        )
        .unwrap();
    }
    told
}

#[tokio::test]
async fn a_fault_anywhere_loses_nothing_and_doubles_nothing() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    server.python(FIRST);
    let proxy = FaultServer::before(server.port());
    let whole = tempfile::tempdir().unwrap();
    let reference = service(whole.path()).await;
    proxy.none();
    import(&reference, &proxy.uri()).await.unwrap().unwrap();
    let requests = proxy.none();
    assert!(requests > 10, "{requests}");
    let expected = everything(&reference).await;

    let (json, html) = ("application/json", "text/html");
    let faults = [
        Fault::HangUp,
        answer(
            "503 Service Unavailable",
            json,
            r#"{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}"#,
        ),
        Fault::Truncate(300),
        answer("200 OK", html, "<h1>Sign in</h1>"),
        answer("500 Internal Server Error", html, "<h1>500</h1>"),
        answer("200 OK", json, "{}"),
    ];
    let mut met = 0;
    for number in 0..requests {
        let directory = tempfile::tempdir().unwrap();
        let local = service(directory.path()).await;
        proxy.only(number, faults[number % faults.len()].clone());
        match import(&local, &proxy.uri()).await {
            Some(Ok(report)) => met += u32::from(report.refused.count > 0),
            Some(Err(failure)) => {
                assert!(failure.error.hint().is_some() || !failure.error.to_string().is_empty());
                met += 1;
            }
            None => met += 1,
        }
        proxy.none();
        let repeated = import(&local, &proxy.uri()).await.unwrap().unwrap();
        assert_eq!(repeated.refused.count, 0, "{number} {repeated:?}");
        assert_eq!(
            everything(&local).await,
            expected,
            "after a fault in request {number}"
        );
        let verified = local.audit().verify(|_| ()).await.unwrap();
        assert!(verified.fault.is_none());
    }
    // The rest are answers that an empty server gives too, and files that cannot be listed.
    assert!(met as usize * 2 > requests, "{met} of {requests}");
}
