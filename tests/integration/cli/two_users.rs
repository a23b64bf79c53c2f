//! Two persons on one host, as two UNIX users on a group's store. Only root can start programs as somebody else.

use crate::support::{Done, Home, Test, is_root};
use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

const ENGINEER: u32 = 20_001;
const APPROVER: u32 = 20_002;

struct Host {
    home: Home,
    store: PathBuf,
}

impl Host {
    /// A store for the group `users` in a directory that the engineer may write.
    fn new() -> Self {
        let home = Home::new();
        for uid in [ENGINEER, APPROVER] {
            let own = home.path().join(uid.to_string());
            fs::create_dir(&own).unwrap();
            chown(&own, Some(uid), Some(100)).unwrap();
        }
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        chown(&shared, Some(ENGINEER), Some(100)).unwrap();
        let host = Self {
            store: shared.join("deck/team.db"),
            home,
        };
        host.plain(ENGINEER, "store init PATH --group users")
            .success();
        host
    }

    fn plain(&self, uid: u32, line: &str) -> Test {
        let store = self.store.to_str().unwrap();
        let own = self.home.path().join(uid.to_string());
        Test::new(&own)
            .args(
                line.split(' ')
                    .map(|word| if word == "PATH" { store } else { word }),
            )
            .user(uid)
    }

    fn as_user(&self, uid: u32, line: &str) -> Test {
        self.plain(uid, line)
            .env("MODELDECK_STORE", self.store.as_os_str())
    }

    fn run(&self, uid: u32, line: &str) -> Done {
        self.as_user(uid, line).success()
    }
}

#[test]
fn an_engineer_and_an_approver_take_a_version_to_production() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    host.run(ENGINEER, "experiment create fraud");
    host.run(
        ENGINEER,
        "model register fraud --metric auc=0.9 --item bias",
    );
    for refused in [
        "approval approve fraud 1",
        "--as alice approval approve fraud 1",
    ] {
        host.as_user(ENGINEER, refused)
            .stderr_has(
                "'uid:20001' registered version 'fraud 1', so somebody else has to approve it",
            )
            .code(7);
    }
    host.as_user(ENGINEER, "model stage fraud 1 Production")
        .code(7);
    host.run(APPROVER, "approval mark fraud 1 bias approved");
    host.as_user(APPROVER, "approval approve fraud 1 --notes fine")
        .stderr("version 'fraud 1' is APPROVED\n")
        .success();
    let shown = host.run(APPROVER, "approval show fraud 1 --json").json();
    assert_eq!(shown["approved_by"], "uid:20002");
    assert_eq!(shown["registered_by"], "uid:20001");
    host.run(ENGINEER, "model stage fraud 1 Production");
    let id = host
        .run(
            ENGINEER,
            "deployment create --model fraud --version 1 --environment production",
        )
        .stdout;
    host.run(
        APPROVER,
        &format!("deployment update {} --status ACTIVE", id.trim_end()),
    );
    let log = host.run(APPROVER, "audit list --json").json();
    let users: std::collections::BTreeSet<&str> = log
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["identity"]["user"].as_str().unwrap())
        .collect();
    assert_eq!(
        users.into_iter().collect::<Vec<_>>(),
        ["uid:20001", "uid:20002"]
    );
    host.run(ENGINEER, "audit verify");
}

#[test]
fn one_person_under_two_names_is_one_of_a_quorum_of_two() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    host.run(ENGINEER, "policy set production.quorum 2");
    host.run(ENGINEER, "model register fraud");
    host.run(APPROVER, "approval approve fraud 1");
    host.as_user(APPROVER, "approval approve fraud 1 --as bob")
        .stderr_has("approved exactly this content of version 'fraud 1' already")
        .code(6);
    // Words of their own are recorded, and make no second person of them.
    host.run(
        APPROVER,
        "approval approve fraud 1 --as bob --notes looked-again",
    );
    host.as_user(ENGINEER, "model stage fraud 1 Production")
        .stderr_has("approving decisions of 2 persons (1 of 2)")
        .code(7);
}

#[test]
fn somebody_outside_the_group_gets_nothing() {
    if !is_root() {
        return;
    }
    let host = Host::new();
    host.run(ENGINEER, "experiment create fraud");
    let store = host.store.to_str().unwrap();
    let own = host.home.path().join("stranger");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(20_003), Some(20_003)).unwrap();
    Test::new(&own)
        .args(["--store", store, "experiment", "list"])
        .user_and_group(20_003, 20_003)
        .stdout("")
        .code(8);
}
