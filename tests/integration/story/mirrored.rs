//! The same story on a file whose mirror was not there for the first half of it: in the end MLflow's own client finds everything there, once, as the file has it.

use super::by_keys::{ENTER, ESC, Screen};
use super::{Host, by_command, by_keys};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn a_server_that_comes_late_gets_everything_once_by_command() {
    let Some(host) = Host::mirrored() else {
        return;
    };
    by_command::story(&host);
    host.told(&["model", "alias", "iris", "1", "champion"]);
    // A training carries over what the commands before it left in the queue.
    host.train_one("later", "0.05");
    same_on_both_sides(&host, 4);
}

#[test]
fn a_server_that_comes_late_gets_everything_once_by_keys() {
    let Some(host) = Host::mirrored() else {
        return;
    };
    by_keys::story(&host);
    same_on_both_sides(&host, 3);
}

/// Half of the story is over. Nothing was held up, all of it waits, and now the server starts for the first time.
pub(super) fn server_comes_at_last(host: &Host) {
    let Some(mirror) = &host.mirror else {
        return;
    };
    host.engineer(&["sync", "run"])
        .stderr_has("offline, 11 queued")
        .code(9);
    let status = offline(host);
    assert!(status["last_success_at"].is_null(), "{status}");
    mirror.borrow_mut().up();
    host.engineer(&["sync", "run"])
        .stderr_has("11 items and ")
        .success();
    assert_eq!(host.json(&["sync", "status"])["state"], "SYNCED");
}

/// The same with the header in sight: offline, catching up, there.
pub(super) fn server_comes_before_the_eyes_of(engineer: &mut Screen, host: &Host) {
    let Some(mirror) = &host.mirror else {
        return;
    };
    offline(host);
    engineer.sees("⟲ MLflow: offline, 11 queued, oldest ");
    engineer.sees(", next try in ");
    engineer.press(":");
    engineer.press("sync");
    engineer.press(ENTER);
    engineer.sees("nobody listens there");
    let server = &mut *mirror.borrow_mut();
    let met = std::thread::scope(|scope| {
        scope.spawn(|| server.up());
        states_of_the_header(engineer)
    });
    assert_eq!(met, ["offline", "queued", "synced"]);
    engineer.sees("Everything is there.");
    engineer.press(ESC);
    engineer.sees_no_more("Everything is there.");
}

/// What the header tells until the mirror is there, each once.
fn states_of_the_header(engineer: &mut Screen) -> Vec<&'static str> {
    let deadline = Instant::now() + Duration::from_secs(180);
    let (mut met, mut asked) = (Vec::new(), Instant::now());
    while met.last() != Some(&"synced") {
        assert!(Instant::now() < deadline, "{met:?}");
        let screen = engineer.pty.text();
        let header = screen.lines().next().unwrap_or_default();
        let words = ["offline", "queued", "synced"];
        let state = words.into_iter().find(|word| header.contains(word));
        met.extend(state.filter(|state| met.last() != Some(state)));
        // Whoever does not want to wait for the next try says so.
        if state == Some("offline") && asked.elapsed() > Duration::from_millis(500) {
            asked = Instant::now();
            engineer.press("r");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    met
}

/// An experiment, three runs, the log and the model of each, and a version wait.
fn offline(host: &Host) -> Value {
    let status = host.json(&["sync", "status"]);
    assert_eq!(
        (&status["state"], &status["depth"], &status["dead"]),
        (&json!("OFFLINE"), &json!(11), &json!(0)),
        "{status}"
    );
    for known in ["oldest_at", "next_try_at", "problem"] {
        assert!(status[known].is_string(), "{known}: {status}");
    }
    status
}

/// What the file holds and what MLflow's own client sees are the same.
fn same_on_both_sides(host: &Host, runs: usize) {
    host.engineer(&["sync", "run"]).success();
    let status = host.json(&["sync", "status"]);
    assert_eq!(status["state"], "SYNCED", "{status}");
    let seen = host.mirror.as_ref().unwrap().borrow().python(LOOK);
    let remote: Value = serde_json::from_str(seen.lines().last().unwrap()).unwrap();
    let local = json!({
        "experiments": experiments(host),
        "runs": runs_here(host),
        "versions": versions(host),
    });
    assert_eq!(local["runs"].as_array().unwrap().len(), runs);
    assert_eq!(local["versions"].as_array().unwrap().len(), 2);
    assert_eq!(
        serde_json::to_string_pretty(&local).unwrap(),
        serde_json::to_string_pretty(&remote).unwrap()
    );
}

/// Everything that is on the server, in the words of the functions below, whatever it is called there.
const LOOK: &str = r#"
import hashlib, json, mlflow
c = mlflow.MlflowClient()
STATUS = {"FINISHED": "COMPLETED"}
STAGE_ALIASES = {"Production": ["production"]}
def own(tags):
    return {k: v for k, v in tags.items() if not k.startswith(("mlflow.", "modeldeck."))}
def files(run_id, path=None):
    for file in c.list_artifacts(run_id, path):
        if file.is_dir:
            yield from files(run_id, file.path)
        else:
            content = open(mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=file.path), "rb").read()
            yield file.path, "sha256:" + hashlib.sha256(content).hexdigest()
experiments = [e for e in c.search_experiments() if e.name != "Default" and not e.name.startswith("modeldeck/")]
runs, ids = [], {}
for e in experiments:
    for r in c.search_runs([e.experiment_id]):
        ids[r.info.run_id] = r.data.tags["modeldeck.run_id"]
        runs.append({
            "run_id": r.data.tags["modeldeck.run_id"], "remote": r.info.run_id, "experiment": e.name, "name": r.info.run_name,
            "status": STATUS.get(r.info.status, r.info.status), "started": r.info.start_time, "ended": r.info.end_time,
            "params": r.data.params, "tags": own(r.data.tags), "command": r.data.tags["mlflow.source.name"], "user": r.data.tags["mlflow.user"],
            "points": {k: sorted([p.step, p.timestamp, p.value] for p in c.get_metric_history(r.info.run_id, k)) for k in sorted(r.data.metrics)},
            "files": dict(sorted(files(r.info.run_id))),
        })
versions = [c.get_model_version(v.name, v.version) for v in c.search_model_versions()]
print(json.dumps({
    "experiments": sorted([e.name, e.tags["modeldeck.owner"]] for e in experiments),
    "runs": sorted(runs, key=lambda r: r["run_id"]),
    "versions": sorted(({
        "name": v.name + " " + str(v.version), "stage": v.current_stage, "run_id": ids[v.run_id], "description": v.description or "", "tags": own(v.tags),
        "aliases": sorted(set(v.aliases) - set(STAGE_ALIASES.get(v.current_stage, []))), "registered_by": v.tags["modeldeck.registered_by"],
        "approval": v.tags["modeldeck.approval"], "approved_by": v.tags["modeldeck.approved_by"],
    } for v in versions), key=lambda v: v["name"]),
}))
"#;

fn rows(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().unwrap().iter()
}

fn experiments(host: &Host) -> Vec<Value> {
    let list = host.json(&["experiment", "list", "--limit", "0"]);
    rows(&list)
        .map(|one| json!([one["name"], one["owner"]]))
        .collect()
}

/// MLflow keeps milliseconds.
fn millis(time: &Value) -> i64 {
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    time.as_millisecond()
}

fn runs_here(host: &Host) -> Vec<Value> {
    let list = host.json(&["run", "list", "--limit", "0"]);
    let mut runs: Vec<Value> = rows(&list)
        .map(|run| {
            let id = run["run_id"].as_str().unwrap();
            assert_eq!(run["mlflow"]["state"], "SYNCED", "{run}");
            let keys = run["metrics"].as_object().unwrap().keys();
            let points: serde_json::Map<String, Value> = keys
                .map(|key| {
                    let history = host.json(&["run", "metrics", id, key]);
                    let mut points: Vec<(i64, i64, f64)> = rows(&history)
                        .map(|point| {
                            let step = point["step"].as_i64().unwrap();
                            (step, millis(&point["timestamp"]), point["value"].as_f64().unwrap())
                        })
                        .collect();
                    points.sort_by(|a, b| a.partial_cmp(b).unwrap());
                    (key.clone(), json!(points))
                })
                .collect();
            let files: serde_json::Map<String, Value> = rows(&run["artifacts"])
                .map(|file| (file["path"].as_str().unwrap().to_owned(), file["digest"].clone()))
                .collect();
            json!({
                "run_id": id, "remote": run["mlflow"]["run_id"], "experiment": run["experiment_name"], "name": run["name"], "status": run["status"],
                "started": millis(&run["started_at"]), "ended": millis(&run["ended_at"]), "params": run["params"], "tags": run["tags"],
                "command": run["source"]["command"], "user": run["source"]["user"], "points": points, "files": files,
            })
        })
        .collect();
    runs.sort_by_key(|run| run["run_id"].as_str().unwrap().to_owned());
    runs
}

fn versions(host: &Host) -> Vec<Value> {
    let list = host.json(&["model", "list", "--limit", "0"]);
    let mut versions: Vec<Value> = rows(&list)
        .map(|version| {
            let name = format!(
                "{} {}",
                version["model_name"].as_str().unwrap(),
                version["version"].as_str().unwrap()
            );
            json!({
                "name": name, "stage": version["stage"], "run_id": version["run_id"], "description": version["description"], "tags": version["tags"],
                "aliases": version["aliases"], "registered_by": version["registered_by"], "approval": version["approval"],
                "approved_by": version["approved_by"],
            })
        })
        .collect();
    versions.sort_by_key(|version| version["name"].as_str().unwrap().to_owned());
    versions
}
