//! A version that somebody deletes on the server under its deployment: told by its name, and everything else goes on.

use crate::support::Home;
use crate::support::mlflow_server::{Series, turn};

#[tokio::test]
async fn a_deployment_outlives_its_version_and_says_so() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let (home, store) = (Home::new(), server.uri());
    let run = |line: &str| home.run(&format!("{line} --store {store}"));
    run("model register fraud --source s3://bucket/one");
    run("model register fraud --source s3://bucket/two");
    let dead = run("deployment create --model fraud --version 1 --environment DEV");
    run(&format!("deployment update {dead} --status ACTIVE"));
    let well = run("deployment create --model fraud --version 2 --environment STAGING");
    let said = home
        .deck(["deployment", "list", "--store", &store])
        .success();
    assert!(!said.stderr.contains("no longer"), "{}", said.stderr);
    server.python("import mlflow; mlflow.MlflowClient().delete_model_version('fraud', '1')");

    let said = home
        .deck(["deployment", "list", "--store", &store])
        .success();
    assert!(
        said.stderr
            .contains("version 1 of 'fraud' is no longer on the server"),
        "{}",
        said.stderr
    );
    assert!(said.stdout.contains("1 (gone)") && !said.stdout.contains("2 (gone)"));
    let listed = home.json(&format!("deployment list --store {store}"));
    for row in listed.as_array().unwrap() {
        let is_gone = row["deployment_id"] == dead.as_str();
        assert_eq!(row["version_is_gone"] == true, is_gone, "{row}");
        assert_eq!(row["model_name"], "fraud");
    }
    let shown = run(&format!("deployment show {dead}"));
    assert!(
        shown.contains("is no longer on the server") && shown.contains("ACTIVE"),
        "{shown}"
    );
    let shown = home.json(&format!("deployment show {well} --store {store}"));
    assert!(shown.get("version_is_gone").is_none() && shown["version"] == "2");
    // It can still be ended.
    run(&format!("deployment update {dead} --status TERMINATED"));
}
