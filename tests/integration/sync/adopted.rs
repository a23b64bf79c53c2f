//! What was imported from a server and is then mirrored to it is found there: nothing is made twice, nothing is taken away, and a change changes what it came from.

use crate::support::Home;
use crate::support::mlflow_server::{Series, Server, turn};
use serde_json::json;

/// A team's objects: a run with points of all kinds, versions with and without a run, stages, aliases, tags; and what modeldeck made there.
const TEAM: &str = r#"
import math, mlflow
c = mlflow.MlflowClient()
e = c.create_experiment("fraud", tags={"team": "risk", "mlflow.note.content": "cards"})
mlflow.set_experiment(experiment_id=e)
with mlflow.start_run(run_name="theirs") as r:
    mlflow.log_param("lr", 0.1)
    for step in range(5):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    for value in (math.nan, math.inf, -math.inf):
        mlflow.log_metric("odd", value)
    mlflow.set_tag("note", "multi\nline")
    open("a.txt", "w").write("hello"); mlflow.log_artifact("a.txt")
c.create_registered_model("card", tags={"a": "b"}, description="of the model")
source = c.get_run(r.info.run_id).info.artifact_uri
for stage, run in (("Archived", r.info.run_id), ("Production", r.info.run_id), ("Staging", None)):
    v = c.create_model_version("card", source if run else "s3://bucket/card", run, description="is " + stage, tags={"t": "1"})
    c.transition_model_version_stage("card", v.version, stage)
c.set_registered_model_alias("card", "champion", "2")
"#;

/// All that is there but for modeldeck's own notes, as text.
const LOOK: &str = r#"
import mlflow
c = mlflow.MlflowClient()
own = lambda tags: sorted((k, v) for k, v in tags.items() if not k.startswith("modeldeck."))
for e in sorted(c.search_experiments(), key=lambda e: e.name):
    if e.name.startswith("modeldeck/"): continue
    print(e.experiment_id, e.name, own(e.tags))
    for r in sorted(c.search_runs([e.experiment_id]), key=lambda r: r.info.run_id):
        print(r.info.run_id, r.info.run_name, r.info.status, r.info.start_time, r.info.end_time, sorted(r.data.params.items()), own(r.data.tags))
        for k in sorted(r.data.metrics):
            print(k, [(p.step, p.timestamp, p.value) for p in c.get_metric_history(r.info.run_id, k)])
        print([f.path for f in c.list_artifacts(r.info.run_id)])
for v in sorted(c.search_model_versions(), key=lambda v: (v.name, int(v.version))):
    v = c.get_model_version(v.name, v.version)
    print(v.name, v.version, v.current_stage, v.run_id, v.source, v.description, sorted(v.aliases), own(v.tags), v.tags.get("modeldeck.registered_by"))
for m in c.search_registered_models():
    print(m.name, m.description, m.tags)
"#;

async fn adopted(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    server.python(TEAM);
    let uri = server.uri();
    // Somebody works on the server with modeldeck, under an id of their own.
    let theirs = Home::new();
    let remote = |line: &str| {
        let words = line.split(' ');
        let done = theirs.deck(["--store", &uri]).args(words).success();
        done.stdout.trim_end().to_owned()
    };
    remote("experiment create deck --owner carol");
    let run =
        remote("run log --experiment deck --name made --param k=v --metric m=1 --status COMPLETED");
    remote(&format!("model register deck --run {run} --as carol"));
    theirs
        .deck(["--store", &uri, "ingest"])
        .stdin(concat!(
            r#"{"event":"run","run_id":"r1","experiment":"deck","params":{"lr":"1"}}"#,
            "\n",
            r#"{"event":"metric","run_id":"r1","key":"loss","value":0.5,"step":1,"timestamp":1760000000000}"#,
            "\n",
            r#"{"event":"end","run_id":"r1","status":"COMPLETED"}"#,
            "\n"
        ))
        .success();
    let before = looked(&server);

    let home = Home::new();
    home.run(&format!("store import {uri}"));
    let mirrored = |line: &str| {
        let words = line.split(' ');
        home.deck(["--tracking-uri", &uri]).args(words).success()
    };
    mirrored("sync run");
    assert_eq!(
        looked(&server),
        before,
        "nothing is there twice or otherwise"
    );
    assert_eq!(home.json("sync status")["state"], "SYNCED");

    // What changes here changes what it came from.
    let ids = ids_by_name(&home);
    home.run(&format!(
        "run update {} --tag mine=yes --metric loss=0.01@30",
        ids["theirs"].as_str().unwrap()
    ));
    home.run("run update r1 --tag mine=too");
    home.run("experiment update deck --description changed");
    home.run("model update card 3 --tag t=2");
    home.run("model stage card 3 Archived");
    home.run("model alias card 1 champion");
    mirrored("sync run");
    let after = looked(&server);
    let changed: Vec<&str> = after
        .lines()
        .filter(|line| before.lines().all(|was| was != *line))
        .collect();
    assert_eq!(after.lines().count(), before.lines().count(), "{after}");
    assert_eq!(changed.len(), 7, "{changed:#?}");
    for (part, times) in [
        ("('mine', 'yes')", 1),
        ("(30, ", 1),
        ("('mine', 'too')", 1),
        ("'mlflow.note.content', 'changed'", 1),
        ("card 3 Archived", 1),
        ("('t', '2')", 1),
        ("card 1 Archived", 1),
        ("['champion']", 1),
        ("card 2 Production", 1),
    ] {
        let lines = changed.iter().filter(|line| line.contains(part));
        assert_eq!(lines.count(), times, "{part}: {changed:#?}");
    }
    // And comes back as nothing new.
    let again = home.deck(["store", "import", &uri, "--json"]).success();
    let report = again.json();
    for kind in ["runs", "model_versions"] {
        assert_eq!(report[kind]["added"], json!(0), "{report}");
    }
    home.run("audit verify");
}

fn looked(server: &Server) -> String {
    server.python(LOOK)
}

fn ids_by_name(home: &Home) -> serde_json::Map<String, serde_json::Value> {
    let runs = home.json("run list --limit 0");
    let pairs = runs.as_array().unwrap().iter();
    pairs
        .map(|run| {
            (
                run["name"].as_str().unwrap().to_owned(),
                run["run_id"].clone(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_from_a_server_of_3_goes_back_to_itself() {
    adopted(Series::Three).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_from_a_server_of_2_goes_back_to_itself() {
    adopted(Series::Two).await;
}
