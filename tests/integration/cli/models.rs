//! `modeldeck model …`.

use crate::support::Home;
use serde_json::json;

fn home() -> Home {
    let home = Home::new();
    home.run("experiment create fraud");
    home.run(
        "run log --experiment fraud --run-id r1 --param lr=0.1 --metric auc=0.9 --metric loss=0.3",
    );
    home
}

#[test]
fn a_version_is_registered_changed_listed_and_shown() {
    let home = home();
    home.deck([
        "model",
        "register",
        "card fraud",
        "--run",
        "r1",
        "--source",
        "s3://models/1",
        "--metric",
        "auc=0.91",
        "--tag",
        "a=b",
        "--description",
        "first",
        "--item",
        "bias",
        "--item",
        "data card",
    ])
    .stdout("card fraud 1\n")
    .stderr("")
    .success();
    home.deck([
        "model",
        "register",
        "card fraud",
        "--version",
        "2.0-rc1",
        "--metric",
        "loss=nan",
    ])
    .stdout("card fraud 2.0-rc1\n")
    .success();
    home.deck([
        "model",
        "update",
        "card fraud",
        "1",
        "--description",
        "better",
        "--metric",
        "f1=0.5",
        "--tag",
        "c=d",
        "--untag",
        "a",
        "--source",
        "s3://models/1b",
    ])
    .stdout("")
    .stderr("version 'card fraud 1' is at revision 2\n")
    .success();
    let shown = home
        .deck(["model", "show", "card fraud", "1", "--json"])
        .success()
        .json();
    assert_eq!(
        shown["metrics"],
        json!({ "auc": 0.91, "f1": 0.5, "loss": 0.3 })
    );
    assert_eq!(shown["params"], json!({ "lr": "0.1" }));
    assert_eq!(shown["tags"], json!({ "c": "d" }));
    assert_eq!(shown["approval"], "PENDING");
    assert_eq!(shown["checklist"][1]["name"], "data card");
    assert_eq!(shown["checklist"][1]["required"], true);
    let other = home
        .deck(["model", "show", "card fraud", "2.0-rc1", "--json"])
        .success()
        .json();
    assert_eq!(other["metrics"]["loss"], "NaN");
    assert_eq!(other["approval"], "NONE");
    home.deck(["model", "show", "card fraud", "1"])
        .stdout_has("version card fraud 1\n")
        .stdout_has("missing for Production\n  checklist item 'bias' is PENDING\n  checklist item 'data card' is PENDING\n  an approving decision (0 of 1)\n")
        .success();
    home.run("model register other");
    assert_eq!(home.json("model list").as_array().unwrap().len(), 3);
    let one = home
        .deck(["model", "list", "card fraud", "--sort", "version", "--json"])
        .success()
        .json();
    assert_eq!(one[0]["version"], "1");
    home.run("model stage other 1 staging");
    assert_eq!(
        home.json("model list --stage STAGING")[0]["model_name"],
        "other"
    );
    assert_eq!(home.json("model list --filter auc>0.9")[0]["version"], "1");
}

#[test]
fn comparing_marks_the_best() {
    let home = home();
    home.run("model register m --metric auc=0.9 --metric loss=0.3");
    home.run("model register m --metric auc=0.8 --metric loss=0.2");
    let comparison = home.json("model compare m 1 2");
    assert_eq!(comparison["versions"], json!(["1", "2"]));
    assert_eq!(comparison["metrics"][0]["best"], json!(["1"]));
    assert_eq!(comparison["metrics"][1]["lower_is_better"], true);
    assert_eq!(comparison["metrics"][1]["best"], json!(["2"]));
    home.deck(["model", "compare", "m", "1", "2"])
        .stdout("METRIC      1      2  BETTER\nauc     * 0.9    0.8  higher\nloss      0.3  * 0.2  lower\n")
        .success();
    home.deck(["model", "compare", "m", "1", "9"]).code(5);
    home.deck(["model", "compare", "m", "1"]).code(2);
}

#[test]
fn a_stage_and_an_alias_move() {
    let home = home();
    home.run("policy set production.self_approval true");
    for _ in 0..2 {
        home.run("model register m");
    }
    home.run("approval approve m 1");
    home.run("approval approve m 2");
    home.deck([
        "model",
        "stage",
        "m",
        "1",
        "production",
        "--reason",
        "first",
    ])
    .stdout("")
    .stderr("version 'm 1' is in stage Production\n")
    .success();
    home.deck(["model", "stage", "m", "2", "Production"])
        .stderr("version 'm 2' is in stage Production; it displaced version 'm 1', which is Archived now\n")
        .success();
    home.deck(["model", "alias", "m", "1", "champion"])
        .stderr("alias 'champion' means version 'm 1'\n")
        .success();
    home.run("model alias m 2 champion");
    assert_eq!(home.json("model show m 1")["aliases"], json!([]));
    assert_eq!(home.json("model show m 2")["aliases"], json!(["champion"]));
    home.deck(["model", "alias", "m", "1", "champion", "--remove"])
        .code(5);
    home.deck(["model", "alias", "m", "2", "champion", "--remove"])
        .stderr("alias 'champion' means no version now\n")
        .success();
}

#[test]
fn wrong_input_has_its_exit_codes() {
    let home = home();
    home.run("model register m --version 1");
    home.deck(["model", "register", "m", "--version", "1"])
        .code(6);
    home.deck(["model", "register", "m", "--run", "nope"])
        .code(5);
    home.deck(["model", "register", "m", "--version", "a b"])
        .code(2);
    home.deck(["model", "show", "m", "9"]).code(5);
    home.deck(["model", "stage", "m", "1", "live"]).code(2);
    home.deck(["model", "update", "m", "1"]).code(2);
    let done = home
        .deck(["model", "stage", "m", "1", "Production"])
        .stderr_has("an approving decision (0 of 1)")
        .stderr_has("\nhint: ")
        .code(7);
    assert_eq!(done.stdout, "");
    let error = home
        .deck(["--json", "model", "stage", "m", "1", "Production"])
        .code(7)
        .json_error();
    assert_eq!(error["kind"], "refused_by_policy");
    let done = home
        .deck([
            "model",
            "register",
            "m",
            "--source",
            "s3://key:hunter2@bucket/x",
        ])
        .code(2);
    assert!(!done.stderr.contains("hunter2"), "{}", done.stderr);
    home.run("model update m 1 --tag a=b");
    home.deck([
        "model",
        "update",
        "m",
        "1",
        "--tag",
        "a=c",
        "--revision",
        "1",
    ])
    .code(6);
    home.deck(["model", "stage", "m", "1", "Staging", "--revision", "1"])
        .code(6);
}

#[test]
fn a_name_with_letters_that_pass_for_latin_ones_is_shown_to_people_and_handed_to_programs() {
    let home = home();
    home.deck(["model", "register", "сore"])
        .stdout("сore 1\n")
        .success();
    home.deck(["model", "list"])
        .stdout_has("⟨U+0441⟩ore  1")
        .success();
    home.deck(["model", "update", "сore", "1", "--tag", "a=b"])
        .stderr("version '⟨U+0441⟩ore 1' is at revision 2\n")
        .success();
    assert_eq!(home.json("model show сore 1")["model_name"], "сore");
}

#[test]
fn an_alias_is_as_good_as_a_version() {
    let home = home();
    for version in ["1", "2"] {
        home.run(&format!(
            "model register fraud --version {version} --metric auc=0.9"
        ));
    }
    home.run("model alias fraud 2 champion");
    for named in [
        &["fraud", "champion"][..],
        &["fraud", "@champion"],
        &["fraud@champion"],
    ] {
        let args = ["model", "show"].iter().chain(named).chain(&["--json"]);
        let shown = home
            .deck(args.copied().collect::<Vec<_>>())
            .success()
            .json();
        assert_eq!(shown["version"], "2", "{named:?}");
    }
    home.deck(["approval", "add", "fraud", "champion", "bias"])
        .stderr("the checklist of version 'fraud 2' has 1 item\n")
        .success();
    home.run("approval mark fraud champion bias approved");
    home.deck(["model", "stage", "fraud", "champion", "staging"])
        .stderr("version 'fraud 2' is in stage Staging\n")
        .success();
    home.run("deployment create --model fraud --version champion --environment DEV");
    let served = home.json("deployment list");
    assert_eq!(served[0]["version"], "2");

    home.deck(["model", "show", "fraud", "@champoin"])
        .stderr("error: no version of 'fraud' has the alias 'champoin'\nhint: 'champion' is near\n")
        .code(5);
    home.deck(["model", "show", "fraud", "nobody"]).code(5);
    home.deck(["model", "show", "fraud"]).code(2);

    // A version of its own has the name that is an alias elsewhere: the name wins, and the alias is told.
    home.run("model register fraud --version champion");
    let both = home.deck(["model", "show", "fraud", "champion", "--json"]);
    let both = both.stderr(
        "'champion' is a version of 'fraud', and an alias of version '2' too; '@champion' means that one\n",
    );
    assert_eq!(both.success().json()["version"], "champion");
    let alias = home.deck(["model", "show", "fraud@champion", "--json"]);
    assert_eq!(alias.stderr("").success().json()["version"], "2");
}
