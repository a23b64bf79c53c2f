//! What MLflow's own client sees of modeldeck's objects, and modeldeck of that client's.

use super::{client, person};
use crate::support::mlflow_server::{Series, turn};
use modeldeck::domain::{ModelName, RunStatus, Stage, StageWarning, Verdict};
use modeldeck::service::{
    ErrorKind, ModelLifecycleService, NewDecision, NewExperiment, NewMetric, NewModelVersion,
    NewRun, StageChange,
};
use modeldeck::store::{PageRequest, RunQuery, RunStore as _};
use std::time::{Duration, Instant};

/// Waits past the moment in which the ledger is believed, until a version of 'ours' shows this.
async fn warned(service: &ModelLifecycleService, version: &str, expected: Option<StageWarning>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let (model, version) = (ModelName::new("ours").unwrap(), version.parse().unwrap());
    loop {
        let there = service.get_model_version(&model, &version).await.unwrap();
        if there.stage_warning == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{:?}", there.stage_warning);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn both_ways(series: Series) {
    let Some(server) = turn(series).await else {
        return;
    };
    let (alice, bob) = (person(&server, "alice").await, person(&server, "bob").await);
    // MLflow's client makes, modeldeck sees.
    let made = server.python(
        "
import mlflow, math
c = mlflow.MlflowClient()
mlflow.set_experiment('theirs')
with mlflow.start_run(run_name='python') as r:
    mlflow.log_param('lr', 0.1)
    for step in range(5): mlflow.log_metric('loss', 1 / (step + 1), step=step)
    mlflow.log_metric('bad', math.nan)
    mlflow.log_metric('worse', math.inf)
    mlflow.set_tag('team', 'risk')
c.create_registered_model('theirs')
v = c.create_model_version('theirs', 's3://bucket/model')
c.set_registered_model_alias('theirs', 'champion', v.version)
c.transition_model_version_stage('theirs', v.version, 'Production')
print(r.info.run_id)
",
    );
    // Newer clients print more than they are told to.
    let run_id = made.trim().lines().last().unwrap().parse().unwrap();
    let run = alice.get_run(&run_id).await.unwrap();
    assert_eq!(
        (run.name.as_str(), run.status, run.experiment_name.as_str()),
        ("python", RunStatus::Completed, "theirs")
    );
    assert_eq!(
        (run.params["lr"].as_str(), run.tags["team"].as_str()),
        ("0.1", "risk")
    );
    assert!(run.metrics["bad"].value.is_nan() && run.metrics["worse"].value.is_infinite());
    assert_eq!(run.metrics["loss"].step, 4);
    let history = alice
        .runs()
        .history(&run_id, &"loss".parse().unwrap(), 0, 100)
        .await
        .unwrap();
    assert_eq!(history.len(), 5);
    let theirs = ModelName::new("theirs").unwrap();
    let version = alice
        .get_model_version(&theirs, &"1".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (version.stage, version.source.as_deref()),
        (Stage::Production, Some("s3://bucket/model"))
    );
    assert_eq!(version.stage_warning, Some(StageWarning::Ungated));
    assert!(version.aliases.contains("champion"));

    // Modeldeck makes, MLflow's client sees.
    alice
        .create_experiment(NewExperiment::new("ours".parse().unwrap()))
        .await
        .unwrap();
    let mut new = NewRun::new("ours".parse().unwrap());
    new.params.insert("lr".parse().unwrap(), "0.5".to_owned());
    new.status = RunStatus::Completed;
    new.metrics.push(NewMetric {
        key: "auc".parse().unwrap(),
        value: 0.75,
        step: Some(3),
        timestamp: None,
    });
    let run = alice.log_run(new).await.unwrap();
    let mut new = NewModelVersion::new(ModelName::new("ours").unwrap());
    new.run_id = Some(run.run_id.clone());
    let version = alice.register_model_version(new).await.unwrap();
    assert_eq!(
        (version.version.as_str(), version.metrics["auc"]),
        ("1", 0.75)
    );
    let promote = |service: modeldeck::service::ModelLifecycleService| async move {
        service
            .set_stage(
                &ModelName::new("ours").unwrap(),
                &"1".parse().unwrap(),
                Stage::Production,
                &StageChange::default(),
            )
            .await
    };
    assert_eq!(
        promote(alice.clone()).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    let decision = NewDecision {
        verdict: Verdict::Approved,
        notes: Some("looks right".to_owned()),
        subject: None,
    };
    bob.approvals()
        .decide(&version.model_name, &version.version, &decision)
        .await
        .unwrap();
    promote(alice.clone()).await.unwrap();
    let seen = server.python(&format!(
        "
import mlflow
c = mlflow.MlflowClient()
r = c.get_run('{}')
print(r.info.status, r.data.params['lr'], r.data.metrics['auc'], c.get_metric_history(r.info.run_id, 'auc')[0].step)
v = c.get_model_version('ours', '1')
print(v.current_stage, v.run_id == r.info.run_id, v.tags['modeldeck.approval'], v.tags['modeldeck.approved_by'])
print(c.get_model_version_by_alias('ours', 'production').version)
",
        run.run_id
    ));
    assert_eq!(
        seen,
        "FINISHED 0.5 0.75 3\nProduction True APPROVED bob\n1\n"
    );

    // What is changed there by hand shows here, and what goes around the gate shows as that.
    server.python(
        "
import mlflow
c = mlflow.MlflowClient()
v = c.create_model_version('ours', 's3://bucket/other')
c.transition_model_version_stage('ours', v.version, 'Production')
c.update_model_version('ours', '1', 'described there')
c.set_model_version_tag('ours', '1', 'team', 'theirs')
",
    );
    let fresh = person(&server, "carol").await;
    let ours = ModelName::new("ours").unwrap();
    warned(&fresh, "1", Some(StageWarning::Split)).await;
    let first = fresh
        .get_model_version(&ours, &"1".parse().unwrap())
        .await
        .unwrap();
    let second = fresh
        .get_model_version(&ours, &"2".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (first.description.as_str(), first.tags["team"].as_str()),
        ("described there", "theirs")
    );
    assert_eq!(first.stage_warning, Some(StageWarning::Split));
    assert_eq!(second.stage_warning, Some(StageWarning::UngatedSplit));
    assert!(first.approval == modeldeck::domain::ApprovalState::Approved);

    // Through the gate again, and all is in order; an alias that is moved by hand is as much around the gate as a stage.
    promote(alice.clone()).await.unwrap();
    warned(&fresh, "1", None).await;
    let second = fresh
        .get_model_version(&ours, &"2".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        (second.stage, second.stage_warning),
        (Stage::Archived, None)
    );
    let seen = server.python(
        "
import mlflow
c = mlflow.MlflowClient()
print([v.version for v in c.search_model_versions(\"name='ours'\") if v.current_stage == 'Production'])
c.set_registered_model_alias('ours', 'production', '2')
",
    );
    assert_eq!(seen.trim(), "['1']");
    warned(&fresh, "2", Some(StageWarning::Ungated)).await;
    warned(&fresh, "1", Some(StageWarning::Split)).await;
    promote(alice.clone()).await.unwrap();
    warned(&fresh, "2", None).await;

    // The reserved experiments are not experiments.
    let store = client(&server.uri()).await;
    let names: Vec<String> = fresh
        .list_experiments(None, None)
        .await
        .unwrap()
        .iter()
        .map(|row| row.name.to_string())
        .collect();
    assert_eq!(names, ["ours", "theirs"]);
    assert_eq!(
        store
            .runs(&RunQuery::default(), &PageRequest::all())
            .await
            .unwrap()
            .rows
            .len(),
        2
    );
}

#[tokio::test]
async fn objects_are_shared_with_the_client_of_3() {
    both_ways(Series::Three).await;
}

#[tokio::test]
async fn objects_are_shared_with_the_client_of_2() {
    both_ways(Series::Two).await;
}
