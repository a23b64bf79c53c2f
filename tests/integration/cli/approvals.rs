//! `modeldeck approval …` and `modeldeck policy …` by one person; two persons have their own file.

use crate::support::Home;
use serde_json::{Value, json};

fn home() -> Home {
    let home = Home::new();
    home.run("policy set production.self_approval true");
    home.run("model register fraud --metric auc=0.9 --source s3://m/1");
    home
}

fn versions(list: &Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row["model_name"].as_str().unwrap(),
                row["version"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn a_checklist_is_worked_through() {
    let home = home();
    home.deck(["approval", "add", "fraud", "1", "bias report", "load test"])
        .stdout("")
        .stderr("the checklist of version 'fraud 1' has 2 items\n")
        .success();
    home.run("model register small");
    home.deck(["approval", "add", "small", "1", "bias report"])
        .stderr("the checklist of version 'small 1' has 1 item\n")
        .success();
    home.deck([
        "approval",
        "add",
        "fraud",
        "1",
        "nice to have",
        "--optional",
    ])
    .success();
    home.deck(["approval", "add", "fraud", "1", "new", "load test"])
        .code(6);
    home.deck([
        "approval",
        "mark",
        "fraud",
        "1",
        "bias report",
        "approved",
        "--note",
        "page 3",
    ])
    .stderr("checklist item 'bias report' of version 'fraud 1' is APPROVED\n")
    .success();
    home.deck(["approval", "mark", "fraud", "1", "nope", "approved"])
        .stderr_has("its items are 'bias report', 'load test', 'nice to have'")
        .code(5);
    home.deck(["approval", "approve", "fraud", "1", "--notes", "fine"])
        .stdout("")
        .stderr("version 'fraud 1' is PENDING; still missing for Production: checklist item 'load test' is PENDING\n")
        .success();
    let shown = home.json("approval show fraud 1");
    assert_eq!(shown["approval"], "PENDING");
    assert_eq!(
        shown["missing"],
        json!([{ "missing": "item", "name": "load test", "status": "PENDING" }])
    );
    assert_eq!(shown["decisions"][0]["notes"], "fine");
    assert_eq!(shown["checklist"][0]["note"], "page 3");
    home.deck(["approval", "show", "fraud", "1"])
        .stdout_has("state          PENDING")
        .stdout_has("missing for Production\n  checklist item 'load test' is PENDING\n")
        .success();
    home.deck(["approval", "mark", "fraud", "1", "load test", "rejected"])
        .success();
    assert_eq!(home.json("approval show fraud 1")["approval"], "REJECTED");
    home.deck(["approval", "mark", "fraud", "1", "load test", "approved"])
        .success();
    let shown = home.json("approval show fraud 1");
    assert_eq!(
        (&shown["approval"], &shown["missing"]),
        (&json!("APPROVED"), &json!([]))
    );
    home.deck(["approval", "show", "fraud", "1"])
        .stdout_has("missing for Production\n  nothing\n")
        .success();
    home.run("model stage fraud 1 Production");
}

#[test]
fn an_approval_covers_exactly_what_was_seen() {
    let home = home();
    let seen = home.json("approval show fraud 1")["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    let prefix = &seen["sha256:".len()..][..12];
    home.run("model update fraud 1 --metric auc=0.1");
    home.deck(["approval", "approve", "fraud", "1", "--subject", prefix])
        .stderr_has("its content was ")
        .code(6);
    home.deck(["approval", "approve", "fraud", "1", "--subject", "abc"])
        .code(2);
    let now = home.json("approval show fraud 1")["subject"]
        .as_str()
        .unwrap()
        .to_owned();
    home.deck(["approval", "approve", "fraud", "1", "--subject", &now])
        .stderr("version 'fraud 1' is APPROVED\n")
        .success();
    home.deck(["approval", "approve", "fraud", "1"])
        .stderr_has("already")
        .code(6);
    home.run("model update fraud 1 --description words --tag a=b");
    assert_eq!(home.json("approval show fraud 1")["approval"], "APPROVED");
    home.deck(["model", "update", "fraud", "1", "--source", "s3://m/2"])
        .stderr("version 'fraud 1' is at revision 5; it changed since it was approved\n")
        .success();
    assert_eq!(home.json("approval show fraud 1")["approval"], "STALE");
    home.deck(["model", "stage", "fraud", "1", "Production"])
        .stderr_has("it changed since")
        .code(7);
}

#[test]
fn the_queue_holds_what_waits() {
    let home = home();
    home.run("model register fraud --item bias");
    home.run("model register churn --item bias");
    home.run("model register done --item bias");
    home.run("approval mark done 1 bias approved");
    home.run("approval approve done 1");
    assert_eq!(
        versions(&home.json("approval list")),
        ["fraud 2", "churn 1"]
    );
    assert_eq!(
        versions(&home.json("approval list --all")),
        ["done 1", "churn 1", "fraud 2"]
    );
    assert_eq!(
        versions(&home.json("approval list --filter chu")),
        ["churn 1"]
    );
    assert_eq!(
        versions(&home.json("approval list --sort model")),
        ["churn 1", "fraud 2"]
    );
    home.deck(["approval", "list", "--limit", "1"])
        .stdout_has("fraud  2        PENDING   None       0/1          0")
        .stderr("1 of 2 versions that wait for a decision are shown; --limit N shows more, --limit 0 all\n")
        .success();
    home.run("model stage churn 1 Archived");
    assert_eq!(versions(&home.json("approval list")), ["fraud 2"]);
    assert_eq!(
        home.json("approval list --all").as_array().unwrap().len(),
        3
    );
}

#[test]
fn a_rejection_says_why_and_shuts_the_gate() {
    let home = home();
    home.run("approval approve fraud 1");
    home.deck(["approval", "reject", "fraud", "1", "--notes", " "])
        .code(2);
    home.deck(["approval", "reject", "fraud", "1", "--notes", "biased"])
        .stderr("version 'fraud 1' is REJECTED\n")
        .success();
    home.deck(["model", "stage", "fraud", "1", "Production"])
        .stderr_has("rejected it")
        .code(7);
    assert_eq!(versions(&home.json("approval list")), Vec::<String>::new());
}

#[test]
fn the_policy_is_shown_and_set() {
    let home = Home::new();
    home.deck(["policy", "show"])
        .stdout_has("production.quorum          1")
        .success();
    home.deck([
        "policy",
        "set",
        "production.quorum",
        "2",
        "--reason",
        "four eyes",
    ])
    .stdout("")
    .stderr("production.quorum is '2'\n")
    .success();
    home.deck([
        "policy",
        "set",
        "production.required_items",
        "bias, data card",
    ])
    .success();
    assert_eq!(
        home.json("policy show"),
        json!({ "production.quorum": 2, "production.self_approval": false, "production.required_items": ["bias", "data card"] })
    );
    home.deck(["policy", "set", "production.quorum", "9"])
        .code(2);
    home.deck(["policy", "set", "quorum", "2"]).code(2);
    let version = home
        .deck(["model", "register", "m", "--json"])
        .success()
        .json();
    assert_eq!(version["checklist"][1]["name"], "data card");
    let entry = home.json("audit list --kind policy --sort seq")[0].clone();
    assert_eq!(entry["reason"], "four eyes");
}
