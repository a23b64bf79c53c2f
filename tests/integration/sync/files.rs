//! Files of runs that are not what was recorded any more, and those that are.

use super::{Deck, begin, drain, end, experiment};
use crate::support::mlflow_server::{Series, turn};
use crate::support::program::Program;
use modeldeck::domain::{Artifact, approval};
use modeldeck::service::RunUpdate;
use std::path::Path;

/// What is gone is told and not tried again; all else of its run is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_or_changed_is_left_out_and_told() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let deck = Deck::new();
    let service = deck.on(&server.uri()).await;
    experiment(&service, "fraud").await;
    let run = begin(&service, "fraud", "r1").await;
    let mut source = service.get_run(&run).await.unwrap().source;
    source.directory = Some(deck.dir.path().to_string_lossy().into_owned());
    let names = ["changed.bin", "gone.bin", "kept.bin"];
    let update = RunUpdate {
        artifacts: names
            .map(|name| Artifact {
                path: name.to_owned(),
                size: 4,
                digest: approval::digest(b"four"),
            })
            .to_vec(),
        source: Some(source),
        ..RunUpdate::default()
    };
    service.update_run(&run, &update).await.unwrap();
    std::fs::write(deck.dir.path().join("changed.bin"), "five!").unwrap();
    std::fs::write(deck.dir.path().join("kept.bin"), "four").unwrap();
    end(&service, &run).await;
    let drained = drain(&service).await;
    assert!(drained.is_complete(), "{drained:?}");
    assert_eq!(drained.progress.left_out, 2);
    let left_out = service.sync().left_out(Some(&run), 10).await.unwrap();
    let told: Vec<(&str, &str)> = left_out
        .iter()
        .map(|file| (file.path.as_str(), file.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("changed.bin", "changed since it was recorded"),
            ("gone.bin", "gone")
        ]
    );
    assert_eq!(service.sync().left_out(None, 1).await.unwrap().len(), 1);
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
    // Nothing of it comes back by itself, and one that is recorded anew is sent.
    assert_eq!(drain(&service).await.progress.left_out, 0);
    std::fs::write(deck.dir.path().join("gone.bin"), "fresh").unwrap();
    let update = RunUpdate {
        artifacts: vec![Artifact {
            path: "gone.bin".to_owned(),
            size: 5,
            digest: approval::digest(b"fresh"),
        }],
        ..RunUpdate::default()
    };
    service.update_run(&run, &update).await.unwrap();
    assert!(drain(&service).await.is_complete());
    let left_out = service.sync().left_out(Some(&run), 10).await.unwrap();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
}

/// The example as the README calls it: its model is found where it says, and one that is removed holds up nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_iris_example_is_mirrored_whole() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/examples/train_iris.py");
    let train = |removed: &str| {
        let command = format!("python3 {} --epochs 2{removed}", script.display());
        program
            .call(&[
                "run",
                "exec",
                "--experiment",
                "iris",
                "--",
                "sh",
                "-c",
                &command,
            ])
            .code(0);
    };
    train("");
    let called = program.call(&["sync", "run", "--tracking-uri", &server.uri()]);
    assert_eq!(called.code, 0, "{}", called.stderr);
    assert!(!called.stderr.contains("uploaded"), "{}", called.stderr);
    let files = server.python(
        "import mlflow; c = mlflow.MlflowClient(); r = c.search_runs([c.get_experiment_by_name('iris').experiment_id])[0]
print(*[f.path for d in c.list_artifacts(r.info.run_id) if d.is_dir for f in c.list_artifacts(r.info.run_id, d.path)])",
    );
    assert!(files.starts_with("models/iris-"), "{files}");

    train(" && rm -r models");
    let called = program.call(&["sync", "run"]);
    assert_eq!(called.code, 0, "{}", called.stderr);
    assert!(
        called.stderr.contains("1 file that is gone"),
        "{}",
        called.stderr
    );
    let status = program.call(&["sync", "status"]).code(0);
    assert!(status.stdout.contains("NOT UPLOADED"), "{}", status.stdout);
    let left_out = &program.json(&["sync", "status"])["left_out"];
    assert_eq!(left_out[0]["reason"], "gone", "{left_out}");
    let shown = program
        .call(&["run", "show", left_out[0]["run_id"].as_str().unwrap()])
        .code(0);
    assert!(
        shown.stdout.contains("not uploaded: gone"),
        "{}",
        shown.stdout
    );
}
