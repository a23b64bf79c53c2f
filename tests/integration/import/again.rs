//! Repetition: nothing twice, only what is new, and what was changed here stays.

use super::{Place, tally, told};
use crate::support::mlflow_file::{add_points, add_run, fill, run_id};
use serde_json::json;

#[test]
fn a_repetition_changes_nothing_and_adds_only_what_is_new() {
    let place = Place::new();
    fill(&place.mlflow, 1..4);
    let first = place.import(0);
    assert_eq!(tally(&first, "runs"), [3, 0, 0, 0, 0]);
    assert_eq!(tally(&first, "experiments"), [2, 0, 0, 0, 0]);
    assert_eq!(first["points_added"], 300);
    let run = place.run(&run_id(1));
    assert_eq!(
        (&run["experiment_name"], &run["name"], &run["status"]),
        (&json!("fraud"), &json!("lgbm-1"), &json!("COMPLETED"))
    );
    assert_eq!(run["started_at"], "2026-11-23T19:32:10.1Z");
    assert_eq!(run["source"]["user"], "alice");
    // A store that is named for it is made for it.
    place
        .home
        .deck(["--store", "new.db", "store", "import", "mlflow.db"])
        .success();
    let entries = place.home.json("store info")["counts"]["audit_entries"].clone();

    let again = place.import(0);
    assert_eq!(tally(&again, "runs"), [0, 0, 3, 0, 0]);
    assert_eq!(tally(&again, "experiments"), [0, 0, 2, 0, 0]);
    assert_eq!(again["points_added"], 0);
    assert_eq!(
        place.home.json("store info")["counts"]["audit_entries"],
        entries
    );

    // An older point than those that are there, a new one, a new metric, a tag, another run.
    add_points(&place.mlflow, &run_id(1), "metric0", -1..0);
    add_points(&place.mlflow, &run_id(1), "metric0", 10..11);
    add_points(&place.mlflow, &run_id(1), "late", 0..1);
    place
        .mlflow
        .execute_batch(&format!(
            "UPDATE tags SET value = 'new' WHERE key = 'tag0' AND run_uuid = '{0}';
             DELETE FROM tags WHERE key = 'tag1' AND run_uuid = '{0}';
             INSERT INTO params VALUES ('later', '7', '{0}')",
            run_id(2)
        ))
        .unwrap();
    fill(&place.mlflow, 4..5);
    let more = place.import(0);
    assert_eq!(tally(&more, "runs"), [1, 2, 1, 0, 0]);
    assert_eq!(more["points_added"], 103);
    let steps: Vec<i64> = place
        .points(&run_id(1), "metric0")
        .iter()
        .map(|point| point["step"].as_i64().unwrap())
        .collect();
    // In the order in which they came.
    assert_eq!(steps, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 10]);
    let run = place.run(&run_id(2));
    assert_eq!(
        (&run["tags"]["tag0"], &run["params"]["later"]),
        (&json!("new"), &json!("7"))
    );
    assert!(run["tags"].get("tag1").is_none());
    place.assert_sound();
}

#[test]
fn what_was_changed_here_is_kept_and_told() {
    let place = Place::new();
    fill(&place.mlflow, 1..3);
    place.import(0);
    place.home.run(&format!(
        "run update {} --tag tag0=mine --metric mine=1",
        run_id(1)
    ));
    place
        .mlflow
        .execute_batch("UPDATE tags SET value = 'theirs'")
        .unwrap();
    for _ in 0..3 {
        let report = place.import(0);
        assert_eq!(
            told(&report, "kept"),
            [format!("run {} tag 'tag0'", run_id(1))]
        );
        let run = place.run(&run_id(1));
        assert_eq!(run["tags"]["tag0"], "mine");
        assert_eq!(run["tags"]["tag2"], "theirs");
        assert_eq!(place.points(&run_id(1), "mine").len(), 1);
    }
    // A run that was made here is left alone, whatever the source has under its id.
    let own = place.home.run("run log --experiment fraud --name own");
    add_run(&place.mlflow, &own, "other");
    let report = place.import(0);
    assert_eq!(tally(&report, "runs"), [0, 0, 2, 1, 0]);
    assert_eq!(place.run(&own)["name"], "own");
    place.assert_sound();
}

#[test]
fn a_run_goes_on_and_ends_but_never_begins_again() {
    let place = Place::new();
    add_run(&place.mlflow, &run_id(1), "live");
    add_points(&place.mlflow, &run_id(1), "loss", 0..5);
    place
        .mlflow
        .execute_batch("UPDATE runs SET status = 'RUNNING', end_time = NULL")
        .unwrap();
    place.import(0);
    let run = place.run(&run_id(1));
    assert_eq!(run["status"], "RUNNING");
    // The last sign of life is the source's, so that a run which died there is stale here.
    assert_eq!(run["heartbeat_at"], "2026-11-23T19:32:14.2Z");
    place
        .mlflow
        .execute_batch("UPDATE runs SET status = 'FAILED', end_time = 1795462340000")
        .unwrap();
    assert_eq!(tally(&place.import(0), "runs"), [0, 1, 0, 0, 0]);
    let run = place.run(&run_id(1));
    assert_eq!(
        (&run["status"], &run["ended_at"]),
        (&json!("FAILED"), &json!("2026-11-23T19:32:20Z"))
    );
    place
        .mlflow
        .execute_batch("UPDATE runs SET status = 'RUNNING', end_time = NULL")
        .unwrap();
    let report = place.import(0);
    assert_eq!(told(&report, "kept"), [format!("run {} status", run_id(1))]);
    assert_eq!(place.run(&run_id(1))["status"], "FAILED");
}

#[test]
fn versions_come_in_without_passing_the_gate() {
    let place = Place::new();
    fill(&place.mlflow, 1..2);
    place
        .mlflow
        .execute_batch(&format!(
            "INSERT INTO registered_models VALUES ('scorer', 1795462331000, 1795462331000, 'what it is', 'default');
             INSERT INTO registered_model_tags VALUES ('team', 'risk', 'scorer', 'default');
             INSERT INTO model_versions (name, version, creation_time, description, user_id, current_stage, source, run_id) VALUES
                 ('scorer', 1, 1795462331000, 'first', 'bob', 'Production', 's3://bucket/1', '{0}'),
                 ('scorer', 2, 1795462332000, NULL, NULL, 'Production', 's3://bucket/2', ''),
                 ('scorer', 3, 1795462333000, NULL, NULL, 'Archived', 's3://bob:hunter2@bucket/3', ''),
                 ('scorer', 4, 1795462334000, NULL, NULL, 'Deleted_Internal', '', '');
             INSERT INTO model_version_tags VALUES ('k', 'v', 'scorer', 1, 'default');
             INSERT INTO registered_model_aliases VALUES ('champion', 1, 'scorer', 'default'), ('v latest?', 2, 'scorer', 'default'),
                 ('production', 1, 'scorer', 'default');",
            run_id(1)
        ))
        .unwrap();
    let report = place.import(1);
    assert_eq!(tally(&report, "model_versions"), [3, 0, 0, 1, 0]);
    assert_eq!(
        told(&report, "refused"),
        [
            "model version scorer 3 source",
            "model scorer alias 'v latest?'"
        ]
    );
    // What says Production there without the gate is left out with the stage.
    let left_out = report["changed"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|remark| {
            let message = remark["message"].as_str().unwrap();
            message.contains("alias 'production' is left out")
        });
    assert_eq!(left_out.count(), 1, "{report}");
    let first = place.home.json("model show scorer 1");
    assert_eq!(
        (&first["stage"], &first["aliases"], &first["description"]),
        (&json!("Staging"), &json!(["champion"]), &json!("first"))
    );
    assert_eq!(
        first["tags"],
        json!({"k": "v", "mlflow.model.description": "what it is", "mlflow.model.tag.team": "risk", "mlflow.stage": "Production", "mlflow.user": "bob"})
    );
    assert_eq!(first["run_id"], run_id(1));
    assert_eq!(first["metrics"]["metric0"], json!(0.1));
    assert_eq!(first["approval"], "NONE");
    // Whoever imports it registered it here, so they cannot approve it themselves.
    place
        .home
        .deck(["approval", "approve", "scorer", "1", "--notes", "mine"])
        .code(7);
    place
        .home
        .deck(["model", "stage", "scorer", "1", "Production"])
        .code(7);
    assert_eq!(place.home.json("model show scorer 3")["stage"], "Archived");

    assert_eq!(tally(&place.import(1), "model_versions"), [0, 0, 3, 1, 0]);
    // An alias moves there; another was moved here.
    place
        .mlflow
        .execute_batch("UPDATE registered_model_aliases SET version = 2 WHERE alias = 'champion'; UPDATE model_versions SET current_stage = 'Archived' WHERE version = 2;")
        .unwrap();
    place.import(1);
    assert_eq!(
        place.home.json("model show scorer 2")["aliases"],
        json!(["champion"])
    );
    assert_eq!(place.home.json("model show scorer 2")["stage"], "Archived");
    assert_eq!(place.home.json("model show scorer 1")["aliases"], json!([]));
    place.home.run("model alias scorer 3 champion");
    place
        .mlflow
        .execute_batch("UPDATE registered_model_aliases SET version = 1 WHERE alias = 'champion'")
        .unwrap();
    let report = place.import(1);
    assert_eq!(told(&report, "kept"), ["model scorer alias 'champion'"]);
    assert_eq!(
        place.home.json("model show scorer 3")["aliases"],
        json!(["champion"])
    );

    // A version of the same name that is another one is refused, whole.
    place
        .mlflow
        .execute_batch("UPDATE model_versions SET source = 's3://other/1' WHERE version = 1")
        .unwrap();
    place.home.run("model register own");
    place
        .mlflow
        .execute_batch(
            "INSERT INTO registered_models VALUES ('own', 1, 1, NULL, 'default');
             INSERT INTO model_versions (name, version, creation_time, current_stage, source) VALUES ('own', 1, 5, 'None', 's3://x');",
        )
        .unwrap();
    let report = place.import(1);
    assert!(told(&report, "refused").contains(&"model version scorer 1".to_owned()));
    assert!(told(&report, "refused").contains(&"model version own 1".to_owned()));
    place.assert_sound();
}

#[test]
fn what_was_made_here_and_mirrored_there_stays_one() {
    let place = Place::new();
    place.home.run("experiment create fraud");
    let own = place
        .home
        .run("run log --experiment fraud --name own --metric loss=1");
    place
        .home
        .run(&format!("model register scorer --run {own}"));
    add_run(&place.mlflow, &run_id(9), "own");
    add_points(&place.mlflow, &run_id(9), "loss", 0..1);
    place
        .mlflow
        .execute_batch(&format!(
            "INSERT INTO tags VALUES ('modeldeck.run_id', '{own}', '{0}');
             INSERT INTO registered_models VALUES ('scorer', 1, 1, NULL, 'default');
             INSERT INTO model_versions (name, version, creation_time, current_stage, source, run_id) VALUES ('scorer', 1, 5, 'Production', 's3://x', '{0}');
             INSERT INTO model_version_tags VALUES ('modeldeck.registered_by', 'alice', 'scorer', 1, 'default');
             INSERT INTO registered_model_aliases VALUES ('champion', 1, 'scorer', 'default');",
            run_id(9)
        ))
        .unwrap();
    let report = place.import(0);
    assert_eq!(tally(&report, "runs"), [0, 0, 0, 1, 0]);
    assert_eq!(tally(&report, "model_versions"), [0, 0, 0, 1, 0]);
    assert_eq!(report["points_added"], 0);
    let version = place.home.json("model show scorer 1");
    assert_eq!(
        (&version["stage"], &version["run_id"]),
        (&json!("None"), &json!(own))
    );
}

#[test]
fn nothing_new_goes_into_what_was_put_away() {
    let place = Place::new();
    fill(&place.mlflow, 1..2);
    place.import(0);
    place.home.run("experiment update fraud --status ARCHIVED");
    fill(&place.mlflow, 2..3);
    add_points(&place.mlflow, &run_id(1), "metric0", 10..11);
    let report = place.import(1);
    assert_eq!(tally(&report, "runs"), [0, 1, 0, 0, 1]);
    assert_eq!(told(&report, "refused"), [format!("run {}", run_id(2))]);
}
