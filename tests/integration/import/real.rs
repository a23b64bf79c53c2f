//! What MLflow's own client and servers of both series wrote, imported from the server, its database and a folder.

use super::{tally, told};
use crate::support::Home;
use crate::support::mlflow_server::{Series, is_switched_off, python, turn};
use serde_json::{Value, json};

/// What a team does, with MLflow's own client; prints the id of its run.
pub(super) const FIRST: &str = r#"
import math, os, mlflow
from mlflow import MlflowClient
uri = os.environ["MLFLOW_TRACKING_URI"]
mlflow.set_tracking_uri(uri); mlflow.set_registry_uri(uri)
c = MlflowClient(uri)
eid = c.create_experiment("fraud \u00fcn\u00ef", tags={"team": "risk", "mlflow.note.content": "line one\nline: two\n\n# three " + "x" * 200})
mlflow.set_experiment(experiment_id=eid)
with mlflow.start_run(run_name="first: 'quoted'") as r:
    mlflow.log_param("lr", 0.1); mlflow.log_param("nested/opt", "adam")
    for s in range(5): mlflow.log_metric("loss", 1 / (s + 1), step=s)
    mlflow.log_metric("val/auc", math.nan, step=-1); mlflow.log_metric("up", math.inf); mlflow.log_metric("down", -math.inf)
    mlflow.set_tag("note", "multi\nline"); mlflow.set_tag("empty", "")
    open("a.txt", "w").write("hello"); mlflow.log_artifact("a.txt", "sub/deep")
rid = r.info.run_id
c.create_registered_model("scorer", tags={"a": "b"}, description="desc\nof: model")
source = c.get_run(rid).info.artifact_uri + "/sub"
for stage in ("Production", "Production", "Archived"):
    v = c.create_model_version("scorer", source, rid, description=stage, tags={"t": "1"})
    c.transition_model_version_stage("scorer", v.version, stage)
c.set_registered_model_alias("scorer", "champion", "1")
c.delete_model_version("scorer", c.create_model_version("scorer", source, rid).version)
d = c.create_run(eid); c.delete_run(d.info.run_id)
c.delete_experiment(c.create_experiment("gone"))
c.create_run(eid, run_name="live")
print("RUN", rid)
"#;

/// What happens after the first import.
const MORE: &str = r#"
import os
from mlflow import MlflowClient
uri = os.environ["MLFLOW_TRACKING_URI"]
c = MlflowClient(uri, uri)
e = c.get_experiment_by_name("fraud \u00fcn\u00ef").experiment_id
runs = {r.info.run_name: r.info.run_id for r in c.search_runs([e])}
c.log_metric(runs["first: 'quoted'"], "loss", 0.125, step=5)
c.log_metric(runs["live"], "loss", 1.0, step=0)
c.set_terminated(runs["live"], "FAILED")
c.create_run(e, run_name="new")
c.set_registered_model_alias("scorer", "champion", "2")
"#;

fn run_id(printed: &str) -> String {
    let line = printed.lines().find_map(|line| line.strip_prefix("RUN "));
    line.unwrap_or_else(|| panic!("{printed}")).to_owned()
}

fn import(home: &Home, source: &str) -> Value {
    home.deck(["store", "import", source, "--json"])
        .code(0)
        .json()
}

/// Everything that came of the first script, wherever it was written.
fn assert_first(home: &Home, report: &Value, run_id: &str, has_files: bool) {
    // 'Default' is there or, on an emptied server, deleted.
    let [added, .., refused] = tally(report, "experiments");
    assert!((1..=2).contains(&added) && refused == 0, "{report}");
    assert_eq!(tally(report, "runs"), [2, 0, 0, 1, 0]);
    assert_eq!(report["points_added"], 8);
    assert_eq!(told(report, "changed").len(), 2);
    let run = home.json(&format!("run show {run_id}"));
    assert_eq!(
        (&run["experiment_name"], &run["name"], &run["status"]),
        (
            &json!("fraud \u{fc}n\u{ef}"),
            &json!("first: 'quoted'"),
            &json!("COMPLETED")
        )
    );
    assert_eq!(run["params"], json!({"lr": "0.1", "nested/opt": "adam"}));
    assert_eq!(
        (&run["tags"]["note"], &run["tags"]["empty"]),
        (&json!("multi\nline"), &json!(""))
    );
    for (key, value) in [
        ("up", "Infinity"),
        ("down", "-Infinity"),
        ("val/auc", "NaN"),
    ] {
        assert_eq!(run["metrics"][key]["value"], value);
    }
    assert_eq!(run["metrics"]["val/auc"]["step"], -1);
    if has_files {
        let file = &run["artifacts"][0];
        assert_eq!(
            (&file["path"], &file["size"]),
            (&json!("sub/deep/a.txt"), &json!(5))
        );
    }
    let loss = home.json(&format!("run metrics {run_id} loss"));
    let steps: Vec<i64> = loss
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["step"].as_i64().unwrap())
        .collect();
    assert_eq!(steps, [0, 1, 2, 3, 4]);
    assert_eq!(loss[2]["value"], json!(1.0 / 3.0));
    let shown = home.json("model show scorer 1");
    assert_eq!(
        (&shown["stage"], &shown["aliases"]),
        (&json!("Staging"), &json!(["champion"]))
    );
    assert_eq!(
        (&shown["description"], &shown["run_id"]),
        (&json!("Production"), &json!(run_id))
    );
    assert_eq!(shown["tags"]["mlflow.model.description"], "desc\nof: model");
    assert_eq!(shown["tags"]["t"], "1");
    assert_eq!(home.json("model show scorer 3")["stage"], "Archived");
    assert_eq!(home.json("model list scorer").as_array().unwrap().len(), 3);
    let description = home
        .json("experiment list")
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["name"] == "fraud \u{fc}n\u{ef}")
        .unwrap()["description"]
        .clone();
    assert!(
        description
            .as_str()
            .unwrap()
            .starts_with("line one\nline: two\n\n# three xxx")
    );
}

fn assert_unchanged(report: &Value) {
    assert_eq!(report["points_added"], 0, "{report}");
    for kind in ["experiments", "runs", "model_versions"] {
        assert_eq!(tally(report, kind)[..2], [0, 0], "{kind} {report}");
    }
    assert_eq!(report["kept"]["count"], 0, "{report}");
}

fn assert_more(home: &Home, report: &Value, run_id: &str) {
    assert_eq!(tally(report, "runs"), [1, 2, 0, 1, 0], "{report}");
    assert_eq!(report["points_added"], 2);
    assert_eq!(tally(report, "model_versions")[1], 2);
    let loss = home.json(&format!("run metrics {run_id} loss"));
    assert_eq!(loss.as_array().unwrap().len(), 6);
    assert_eq!(home.json("run list --status FAILED")[0]["name"], "live");
    assert_eq!(
        home.json("model show scorer 2")["aliases"],
        json!(["champion"])
    );
}

fn files_and_folders(series: Series) {
    if is_switched_off() {
        return;
    }
    // One start of Python for both: it takes seconds.
    let both = |home: &Home, script: &str| {
        let database = format!("sqlite:///{}", home.path().join("mlflow.db").display());
        let folder = format!("file:{}", home.path().join("files").display());
        let script = format!(
            "import os\nscript = {}\nfor uri in ({}, {}):\n    os.environ['MLFLOW_TRACKING_URI'] = uri\n    exec(script)\n",
            json!(script),
            json!(database),
            json!(folder)
        );
        python(series, home.path(), &script)
    };
    let home = Home::new();
    let printed = both(&home, FIRST);
    let ids: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("RUN "))
        .collect();
    let stores = [
        ("mlflow.db", ids[0], Home::new()),
        ("files", ids[1], Home::new()),
    ];
    for (source, id, local) in &stores {
        let source = home.path().join(source).display().to_string();
        assert_first(local, &import(local, &source), id, true);
        assert_unchanged(&import(local, &source));
    }
    both(&home, MORE);
    for (source, id, local) in &stores {
        let source = home.path().join(source).display().to_string();
        assert_more(local, &import(local, &source), id);
        assert_unchanged(&import(local, &source));
        local.run("audit verify");
    }
}

async fn server(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let id = run_id(&server.python(FIRST));
    let (by_address, by_file) = (Home::new(), Home::new());
    let database = server.database().display().to_string();
    assert_first(&by_address, &import(&by_address, &server.uri()), &id, true);
    assert_first(&by_file, &import(&by_file, &database), &id, false);
    // Both see the same, to the point and to the audit's last word.
    let all = |home: &Home| {
        let mut runs = home.json("run list --limit 0");
        for run in runs.as_array_mut().unwrap() {
            for field in ["updated_at", "artifacts"] {
                run.as_object_mut().unwrap().remove(field);
            }
        }
        runs
    };
    assert_eq!(all(&by_address), all(&by_file));
    assert_unchanged(&import(&by_address, &server.uri()));
    server.python(MORE);
    assert_more(&by_address, &import(&by_address, &server.uri()), &id);
    // Whichever way it comes, it is the same run.
    assert_more(&by_file, &import(&by_file, &server.uri()), &id);
    assert_unchanged(&import(&by_address, &database));
    // What modeldeck itself keeps on a server comes with the fields that MLflow lacks, under the ids that it has there.
    let remote = |words: &str| {
        let done = by_address
            .deck(["--store", &server.uri()])
            .args(words.split(' '))
            .success();
        done.stdout.trim().to_owned()
    };
    remote("experiment create ours --owner carol --description theirs");
    let own =
        remote("run log --experiment ours --name mine --param k=v --metric m=1 --status COMPLETED");
    remote(&format!("model register ours --run {own}"));
    import(&by_address, &server.uri());
    let run = by_address.json(&format!("run show {own}"));
    assert_eq!(
        (&run["name"], &run["params"]["k"]),
        (&json!("mine"), &json!("v"))
    );
    assert!(
        run["tags"]
            .as_object()
            .unwrap()
            .keys()
            .all(|key| !key.starts_with("modeldeck."))
    );
    let experiment = by_address.json("experiment show ours");
    assert_eq!(
        (&experiment["owner"], &experiment["description"]),
        (&json!("carol"), &json!("theirs"))
    );
    assert_eq!(by_address.json("model show ours 1")["run_id"], json!(own));
    // No import goes into a server.
    by_address
        .deck(["--store", &server.uri(), "store", "import", &database])
        .code(6);
    by_address.run("audit verify");
}

#[test]
fn files_and_folders_of_3() {
    files_and_folders(Series::Three);
}

#[test]
fn files_and_folders_of_2() {
    files_and_folders(Series::Two);
}

#[tokio::test]
async fn a_server_of_3() {
    server(Series::Three).await;
}

#[tokio::test]
async fn a_server_of_2() {
    server(Series::Two).await;
}
