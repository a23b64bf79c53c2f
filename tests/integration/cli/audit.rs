//! `modeldeck audit …`: every change is there, and a changed past is noticed.

use crate::support::Home;
use rusqlite::Connection;
use serde_json::Value;

fn home() -> Home {
    let home = Home::new();
    home.run("experiment create fraud");
    home.run("experiment update fraud --owner ann --reason moved");
    home.run("experiment create churn");
    home.run("run log --experiment fraud --run-id r1");
    home
}

fn seqs(list: &Value) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["seq"].as_i64().unwrap())
        .collect()
}

#[test]
fn entries_are_listed_filtered_and_sorted() {
    let home = home();
    for (line, expected) in [
        ("audit list", &[4, 3, 2, 1][..]),
        ("audit list --sort seq:asc", &[1, 2, 3, 4]),
        ("audit list --sort at", &[4, 3, 2, 1]),
        ("audit list --sort at:asc --limit 2", &[1, 2]),
        ("audit list --sort seq:asc --limit 3", &[1, 2, 3]),
        ("audit list --limit 2 --filter kind=EXPERIMENT", &[3, 2]),
        (
            "audit list --sort seq:asc --limit 1 --filter object:fraud",
            &[1],
        ),
        ("audit list --limit 1", &[4]),
        ("audit list --kind experiment", &[3, 2, 1]),
        ("audit list --kind experiment --object fraud", &[2, 1]),
        ("audit list --action log_run", &[4]),
        ("audit list --filter reason:moved", &[2]),
        ("audit list --filter seq>=3", &[4, 3]),
    ] {
        assert_eq!(seqs(&home.json(line)), expected, "{line}");
    }
    home.deck(["audit", "list", "--sort", "object"])
        .stderr_has("this list has no field 'object' to sort by")
        .stderr_has("it has seq, at")
        .code(2);
    let entry = &home.json("audit list --filter reason:moved")[0];
    assert_eq!(entry["action"], "update_experiment");
    assert_eq!(entry["after"]["owner"], "ann");
    home.deck(["audit", "list", "--limit", "1"])
        .stderr_has("--limit 0 all")
        .success();
    home.deck(["audit", "list"])
        .stdout_has("update_experiment  EXPERIMENT  fraud   moved")
        .success();
}

#[test]
fn metrics_are_data_and_no_entries() {
    let home = home();
    home.run("run update r1 --metric loss=1");
    assert_eq!(seqs(&home.json("audit list")).len(), 4);
}

#[test]
fn a_sound_log_is_verified() {
    let home = home();
    home.deck(["audit", "verify"])
        .stdout_has("4 entries are sound, up to sha256:")
        .stderr("")
        .success();
    let found = home.json("audit verify");
    assert_eq!(found["entries"], 4);
    assert_eq!(found["fault"], Value::Null);
}

/// Changes the file as somebody would who owns it and knows SQL.
fn tamper(home: &Home, sql: &str) {
    let connection = Connection::open(home.store()).unwrap();
    let guards: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for guard in guards {
        connection
            .execute_batch(&format!("DROP TRIGGER {guard}"))
            .unwrap();
    }
    connection.execute_batch(sql).unwrap();
}

#[test]
fn the_first_bad_entry_is_named_with_exit_code_4() {
    for (sql, fault) in [
        (
            "UPDATE audit SET reason = 'never' WHERE seq = 2",
            "entry 2 was edited",
        ),
        ("DELETE FROM audit WHERE seq = 2", "entry 2 is missing"),
        ("DELETE FROM audit WHERE seq = 4", "the end was removed"),
    ] {
        let home = home();
        tamper(&home, sql);
        let done = home
            .deck(["audit", "verify"])
            .stdout("")
            .stderr_has("error: the audit log is not sound: ")
            .code(4);
        assert!(done.stderr.contains(fault), "{sql}: {}", done.stderr);
        let found = home.deck(["audit", "verify", "--json"]).code(4);
        assert!(found.json()["fault"]["fault"].is_string());
        assert_eq!(found.json_error()["kind"], "store_unusable");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_told_as_edited() {
    for (column, value) in [
        ("identity", "'{}'"),
        ("identity", "'no JSON'"),
        ("before", "'{'"),
        ("after", "''"),
        ("kind", "'NOTHING'"),
        ("action", "CAST(x'ff' AS TEXT)"),
    ] {
        let home = home();
        tamper(
            &home,
            &format!(
                "PRAGMA ignore_check_constraints = ON; UPDATE audit SET {column} = {value} WHERE seq = 2"
            ),
        );
        home.deck(["audit", "verify"])
            .stdout("")
            .stderr_has("entry 2 was edited")
            .stderr_has("before it 1 entry is sound")
            .code(4);
        let found = home.deck(["audit", "verify", "--json"]).code(4).json();
        assert_eq!(found["fault"]["seq"], 2, "{column}: {found}");
        assert_eq!(found["entries"], 1);
        home.deck(["audit", "list"])
            .stderr_has("audit entry 2 cannot be read")
            .code(4);
    }
}
