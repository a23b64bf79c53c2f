//! Files of runs: what colleagues log is shown, and what modeldeck records is uploaded, whole and once.

use crate::support::Home;
use crate::support::mlflow_server::{Series, Server, is_switched_off, turn};

const PRINTS: &str = r#"printf '{"auc": 0.9}' > best.json
size=$(wc -c < best.json)
digest=$(sha256sum best.json | cut -d' ' -f1)
echo '{"event":"artifact","path":"best.json","size":'$size',"digest":"sha256:'$digest'"}'
echo '{"event":"artifact","path":"lost.json","size":1,"digest":"sha256:'$digest'"}'
"#;

/// The line of a script's output that it meant; newer clients print more than they are told to.
fn last_line(output: &str) -> &str {
    output.trim().lines().last().unwrap()
}

async fn files(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (home, store) = (Home::new(), server.uri());
    // MLflow's client logs, modeldeck shows.
    let output = server.python(
        "
import mlflow
c = mlflow.MlflowClient()
r = c.create_run(c.create_experiment('theirs'), run_name='python')
c.log_text(r.info.run_id, 'twelve bytes', 'dir/deep/a.txt')
c.log_text(r.info.run_id, 'b', 'b.txt')
print(r.info.run_id)
",
    );
    let theirs = last_line(&output);
    let listed = serde_json::json!([
        {"path": "b.txt", "size": 1, "digest": null},
        {"path": "dir/deep/a.txt", "size": 12, "digest": null},
    ]);
    let shown = home.json(&format!("run show {theirs} --store {store}"));
    assert_eq!(shown["artifacts"], listed);
    assert_eq!(shown["mlflow"]["run_id"], theirs);
    // Looking at them records nothing, nor does a change of something else.
    home.run(&format!("run update {theirs} --tag a=b --store {store}"));
    let rows = home.json(&format!("run list --experiment theirs --store {store}"));
    assert_eq!(rows[0]["artifacts"], serde_json::json!([]));
    let shown = home.json(&format!("run show {theirs} --store {store}"));
    assert_eq!(shown["artifacts"], listed);
    let text = home.run(&format!("run show {theirs} --store {store}"));
    assert!(text.contains("dir/deep/a.txt"), "{text}");

    // Modeldeck records, MLflow's client has the bytes.
    home.write("train.sh", PRINTS);
    let said = home
        .deck([
            "run",
            "exec",
            "--experiment",
            "ours",
            "--store",
            &store,
            "--",
            "sh",
            "train.sh",
        ])
        .success();
    assert!(
        said.stderr
            .contains("artifact 'lost.json' was recorded and not uploaded")
            && !said.stderr.contains("'best.json' was"),
        "{}",
        said.stderr
    );
    home.write("model.bin", "weights");
    let logged = home.run(&format!(
        "run log --experiment ours --artifact model.bin --store {store}"
    ));
    let rows = home.json(&format!("run list --experiment ours --store {store}"));
    let trained = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["run_id"] != logged.as_str())
        .unwrap();
    let shown = home.json(&format!(
        "run show {} --store {store}",
        trained["run_id"].as_str().unwrap()
    ));
    let remote = shown["mlflow"]["run_id"].as_str().unwrap();
    let there = server.python(&format!(
        "
import mlflow
c = mlflow.MlflowClient()
paths = sorted(f.path for f in c.list_artifacts('{remote}'))
print(paths, open(c.download_artifacts('{remote}', 'best.json')).read(), open(c.download_artifacts('{logged}', 'model.bin')).read())
"
    ));
    assert_eq!(
        last_line(&there),
        "['best.json', 'output.log'] {\"auc\": 0.9} weights"
    );
    // What is recorded and there is shown once, with its digest.
    let best: Vec<_> = shown["artifacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["path"] == "best.json")
        .collect();
    assert!(best.len() == 1 && best[0]["digest"].is_string(), "{best:?}");
}

#[tokio::test]
async fn files_are_listed_and_uploaded_on_3() {
    files(Series::Three).await;
}

#[tokio::test]
async fn files_are_listed_and_uploaded_on_2() {
    files(Series::Two).await;
}

#[tokio::test]
async fn a_server_that_takes_no_files_is_told() {
    if is_switched_off() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_str().unwrap();
    let server = Server::start(
        Series::Three,
        &["--no-serve-artifacts", "--default-artifact-root", root],
    );
    let (home, store) = (Home::new(), server.uri());
    home.run(&format!("experiment create ours --store {store}"));
    home.write("model.bin", "weights");
    let said = home
        .deck([
            "run",
            "log",
            "--experiment",
            "ours",
            "--artifact",
            "model.bin",
            "--store",
            &store,
        ])
        .success();
    assert!(
        said.stderr
            .contains("artifact 'model.bin' was recorded and not uploaded")
            && said
                .stderr
                .contains("does not hand files in and out itself"),
        "{}",
        said.stderr
    );
    let shown = home.json(&format!("run show {} --store {store}", said.stdout.trim()));
    assert_eq!(shown["artifacts"][0]["path"], "model.bin");
}
