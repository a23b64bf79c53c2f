//! The story by command line alone.

use super::{CHECKED_BY_APPROVER, CHECKED_BY_ENGINEER, Host, mirrored};
use crate::support::is_root;

#[test]
fn two_persons_take_a_model_to_production_and_back_by_command() {
    story(&Host::local());
}

#[test]
fn they_do_it_on_a_server_by_command() {
    let Some(host) = Host::on_server() else {
        return;
    };
    story(&host);
    seen_by_mlflow(&host);
}

/// MLflow's own client sees all of it.
fn seen_by_mlflow(host: &Host) {
    let seen = host.server.as_ref().unwrap().python(
        "
import mlflow
c = mlflow.MlflowClient()
e = c.get_experiment_by_name('iris')
runs = sorted(c.search_runs([e.experiment_id]), key=lambda r: r.data.metrics['accuracy'])
for r in runs:
    print(r.info.run_name, r.info.status, round(r.data.metrics['accuracy'], 4), r.data.params['lr'],
          len(c.get_metric_history(r.info.run_id, 'train/loss')) == 40, [f.path for f in c.list_artifacts(r.info.run_id)])
for v in sorted(c.search_model_versions(\"name='iris'\"), key=lambda v: v.version):
    print(v.version, v.current_stage, v.run_id in [r.info.run_id for r in runs], v.tags['modeldeck.approval'], v.tags['modeldeck.check.bias report'])
print(c.get_model_version_by_alias('iris', 'production').version)
for name in ['deployments', 'drift']:
    e = c.get_experiment_by_name('modeldeck/' + name)
    for r in sorted(c.search_runs([e.experiment_id]), key=lambda r: (r.info.start_time, r.data.tags['modeldeck.id'])):
        print(r.info.run_name, r.info.status, r.data.tags['modeldeck.model'], r.data.tags['modeldeck.version'], sorted(r.data.metrics))
",
    );
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(
        lines,
        [
            "poor FINISHED 0.4533 0.001 True ['output.log', 'poor.json']",
            "fair FINISHED 0.8133 0.01 True ['fair.json', 'output.log']",
            "best FINISHED 0.9467 0.1 True ['best.json', 'output.log']",
            "1 Archived True APPROVED APPROVED",
            "2 Production True APPROVED APPROVED",
            "2",
            "iris 1 in PRODUCTION FINISHED iris 1 []",
            "iris 2 in PRODUCTION FAILED iris 2 []",
            "iris 1 in PRODUCTION RUNNING iris 1 []",
            "iris 2: accuracy FINISHED iris 2 ['baseline', 'observed', 'score']",
        ]
    );
}

pub(super) fn story(host: &Host) {
    let trained = host.train();

    // The three side by side, and in order.
    let compared = host.json(&[
        "run",
        "compare",
        &trained.poor,
        &trained.fair,
        &trained.best,
    ]);
    let accuracy = compared["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|metric| metric["metric"] == "accuracy")
        .unwrap();
    assert_eq!(accuracy["best"], serde_json::json!([trained.best]));
    let sorted = host.json(&["run", "list", "--experiment", "iris", "--sort", "accuracy"]);
    let ids: Vec<&str> = (0..3)
        .map(|at| sorted[at]["run_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [&trained.best, &trained.fair, &trained.poor]);
    let log = host.told(&["run", "output", &trained.best, "--tail", "5"]);
    assert!(
        log.contains("accuracy 0.9467 on 75 unseen flowers"),
        "{log}"
    );

    // The fair one serves first, so that there is something to go back to.
    let first = promote_and_deploy(host, &trained.fair, "1");
    mirrored::server_comes_at_last(host);
    let second = promote_and_deploy(host, &trained.best, "2");
    assert_eq!(
        host.json(&["deployment", "show", &first])["status"],
        "TERMINATED"
    );
    assert_eq!(
        host.json(&["model", "show", "iris", "1"])["stage"],
        "Archived"
    );

    // The ruler wears off.
    let measured = host.evaluate();
    let baseline = host.json(&["model", "show", "iris", "2"])["metrics"]["accuracy"].clone();
    assert_eq!(baseline, measured.untouched);
    let event = host.told(&[
        "drift",
        "record",
        "--model",
        "iris",
        "--version",
        "2",
        "--environment",
        "PRODUCTION",
        "--metric",
        "accuracy",
        "--baseline",
        &measured.untouched.to_string(),
        "--observed",
        &measured.shifted.to_string(),
        "--observed-size",
        &measured.size.to_string(),
    ]);
    let drift = host.json(&["drift", "show", &event]);
    let loss = (measured.untouched - measured.shifted) / measured.untouched;
    assert!(
        (drift["score"].as_f64().unwrap() - loss).abs() < 1e-9,
        "{drift}"
    );
    assert_eq!(drift["severity"], "CRITICAL", "{loss}");

    let back = host.told(&[
        "deployment",
        "rollback",
        &second,
        "--reason",
        "accuracy fell",
    ]);
    let deployment = host.json(&["deployment", "show", &back]);
    assert_eq!(deployment["status"], "ACTIVE");
    assert_eq!(deployment["version"], "1");
    assert_eq!(deployment["rollback_from"], *second);
    assert_eq!(
        host.json(&["deployment", "show", &second])["status"],
        "FAILED"
    );
    host.engineer(&[
        "drift",
        "resolve",
        &event,
        "--note",
        "rolled back to version 1",
    ])
    .success();
    check_audit(host);
}

/// Registers a run's model and takes it to production; returns the deployment.
fn promote_and_deploy(host: &Host, run_id: &str, version: &str) -> String {
    let registered = host.told(&[
        "model",
        "register",
        "iris",
        "--run",
        run_id,
        "--item",
        CHECKED_BY_ENGINEER,
        "--item",
        CHECKED_BY_APPROVER,
    ]);
    assert_eq!(registered, format!("iris {version}"));
    host.engineer(&[
        "approval",
        "mark",
        "iris",
        version,
        CHECKED_BY_ENGINEER,
        "approved",
    ])
    .success();
    host.engineer(&["model", "stage", "iris", version, "Staging"])
        .success();

    // Nothing gets through before the second person has looked.
    host.engineer(&["model", "stage", "iris", version, "Production"])
        .stderr_has(format!("checklist item '{CHECKED_BY_APPROVER}' is PENDING"))
        .stderr_has("an approving decision (0 of 1)")
        .code(7);
    let deploy = [
        "deployment",
        "create",
        "--model",
        "iris",
        "--version",
        version,
        "--environment",
        "PRODUCTION",
    ];
    host.engineer(&deploy).code(7);
    host.engineer(&["approval", "approve", "iris", version])
        .code(7);
    host.approve("iris", version);

    host.engineer(&[
        "model",
        "stage",
        "iris",
        version,
        "Production",
        "--reason",
        "best of three",
    ])
    .success();
    let deployment = host.told(&deploy);
    host.engineer(&["deployment", "update", &deployment, "--status", "ACTIVE"])
        .success();
    deployment
}

fn check_audit(host: &Host) {
    let log = host.audit();
    let count = |action: &str| log.iter().filter(|(done, _)| done == action).count();
    for (action, times) in [
        ("log_run", 3),
        ("register_model_version", 2),
        ("approve", 2),
        ("mark_checklist_status", 4),
        ("create_deployment", 2),
        ("record_drift_event", 1),
        ("resolve_drift_event", 1),
    ] {
        assert_eq!(count(action), times, "{action}: {log:?}");
    }
    let by = |action: &str| -> Vec<&str> {
        let entries = log.iter().filter(|(done, _)| done == action);
        entries.map(|(_, user)| user.as_str()).collect()
    };
    let (engineer, approver) = (by("register_model_version"), by("approve"));
    assert!(approver.iter().all(|person| !engineer.contains(person)));
    if is_root() {
        assert_eq!((engineer[0], approver[0]), ("uid:20001", "uid:20002"));
    }
}
