//! The whole life of a model by two persons: from real trainings to a deployment in production that is rolled back.
//!
//! The persons are two UNIX users on a group's store where the test runs as root; elsewhere the second one is the library's identity
//! parameter. The data, the trainings and the drift are real.

mod by_command;
mod by_keys;
mod mirrored;

use crate::support::mlflow_server::{Series, Server, Turn, is_switched_off, turn};
use crate::support::{Home, Test, is_root};
use modeldeck::domain::{ChecklistStatus, Identity, ItemName, ModelName, Verdict, Version};
use modeldeck::service::{
    ChecklistMark, ModelLifecycleService, NewDecision, ServerAddress, ServiceOptions, StoreTarget,
};
use serde_json::Value;
use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::chown;

const ENGINEER: u32 = 20_001;
const APPROVER: u32 = 20_002;
const GROUP: u32 = 100;

/// What the second person shows before they approve.
const CHECKED_BY_ENGINEER: &str = "model card";
const CHECKED_BY_APPROVER: &str = "bias report";

/// A host with two persons on it, and the store that they share: a group's file, or a server.
struct Host {
    home: Home,
    store: String,
    server: Option<Turn>,
    /// The server that the file is mirrored to, which is absent at first.
    mirror: Option<RefCell<Server>>,
}

/// Three trainings by their learning rates, from bad to good.
struct Trained {
    poor: String,
    fair: String,
    best: String,
}

/// What `evaluate` measured.
struct Evaluated {
    untouched: f64,
    shifted: f64,
    size: u64,
}

impl Host {
    /// The persons share a file.
    fn local() -> Self {
        Self::on_file(None)
    }

    /// They share a file that is mirrored to a server which is not there yet; `None` where servers are switched off.
    fn mirrored() -> Option<Self> {
        let server = (!is_switched_off()).then(|| Server::absent(Series::Three, &[]))?;
        Some(Self::on_file(Some(RefCell::new(server))))
    }

    fn on_file(mirror: Option<RefCell<Server>>) -> Self {
        let host = Self {
            mirror,
            ..Self::with(None)
        };
        if is_root() {
            host.engineer(&["store", "init", &host.store, "--group", "users"])
                .success();
        }
        host
    }

    /// The persons share an MLflow server; `None` where those are switched off.
    fn on_server() -> Option<Self> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(turn(Series::Three))?;
        Some(Self::with(Some(server)))
    }

    fn with(server: Option<Turn>) -> Self {
        let home = Home::new();
        let own = home.path().join("engineer");
        fs::create_dir(&own).unwrap();
        for person in ["approver", "watcher"] {
            fs::create_dir(home.path().join(person)).unwrap();
        }
        for file in ["train_iris.py", "iris.csv"] {
            let example = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/examples");
            fs::copy(format!("{example}/{file}"), home.path().join(file)).unwrap();
        }
        let shared = home.path().join("shared");
        fs::create_dir(&shared).unwrap();
        let file = shared.join("deck/team.db");
        let host = Self {
            store: match &server {
                Some(server) => server.uri(),
                None => file.to_str().unwrap().to_owned(),
            },
            server,
            home,
            mirror: None,
        };
        if is_root() {
            chown(&own, Some(ENGINEER), Some(GROUP)).unwrap();
            for person in ["approver", "watcher"] {
                let own = host.home.path().join(person);
                chown(own, Some(APPROVER), Some(GROUP)).unwrap();
            }
            chown(&shared, Some(ENGINEER), Some(GROUP)).unwrap();
        }
        host
    }

    /// The address that `MLFLOW_TRACKING_URI` names.
    fn tracked(&self) -> Option<String> {
        self.mirror.as_ref().map(|mirror| mirror.borrow().uri())
    }

    fn person(&self, name: &str, uid: u32, arguments: &[&str]) -> Test {
        let test = Test::new(&self.home.path().join(name))
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("MODELDECK_STORE", &self.store)
            .args(arguments);
        let test = match self.tracked() {
            Some(uri) => test.env("MLFLOW_TRACKING_URI", uri),
            None => test,
        };
        if is_root() {
            test.user_and_group(uid, GROUP)
        } else {
            test
        }
    }

    fn engineer(&self, arguments: &[&str]) -> Test {
        self.person("engineer", ENGINEER, arguments)
    }

    fn approver(&self, arguments: &[&str]) -> Test {
        self.person("approver", APPROVER, arguments)
    }

    /// What the engineer's command prints, in one line.
    fn told(&self, arguments: &[&str]) -> String {
        let done = self.engineer(arguments).success();
        done.stdout.trim_end().to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.engineer(arguments).args(["--json"]).success().json()
    }

    /// The second person shows their item and approves.
    fn approve(&self, model: &str, version: &str) {
        if is_root() {
            let item = CHECKED_BY_APPROVER;
            self.approver(&[
                "approval", "mark", model, version, item, "approved", "--note", "page 3",
            ])
            .success();
            self.approver(&[
                "approval",
                "approve",
                model,
                version,
                "--notes",
                "numbers repeated",
            ])
            .success();
        } else {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(self.approve_by_library(model, version));
        }
    }

    async fn approve_by_library(&self, model: &str, version: &str) {
        let mut options = ServiceOptions::local(&self.store);
        if self.server.is_some() {
            options.target = StoreTarget::Remote(ServerAddress::new(self.store.as_str()));
        }
        let service = ModelLifecycleService::open(options).await;
        let approver = service
            .unwrap()
            .acting_as(Identity::new("approver", "host"));
        let (model, version) = (
            ModelName::new(model).unwrap(),
            Version::new(version).unwrap(),
        );
        let mark = ChecklistMark {
            item: ItemName::new(CHECKED_BY_APPROVER).unwrap(),
            status: ChecklistStatus::Approved,
            note: Some("page 3".to_owned()),
        };
        let approvals = approver.approvals();
        approvals
            .mark(&model, &version, &[mark], None, None)
            .await
            .unwrap();
        let decision = NewDecision {
            verdict: Verdict::Approved,
            notes: Some("numbers repeated".to_owned()),
            subject: None,
        };
        approvals.decide(&model, &version, &decision).await.unwrap();
    }

    /// A real training through `run exec`; returns the id of its run.
    fn train_one(&self, name: &str, rate: &str) -> String {
        let (id, model) = (format!("{name}.id"), format!("{name}.json"));
        let script = self.home.path().join("train_iris.py");
        let called = [
            "run",
            "exec",
            "--experiment",
            "iris",
            "--name",
            name,
            "--run-id-file",
            &id,
            "--",
            "python3",
            script.to_str().unwrap(),
            "--lr",
            rate,
            "--out",
            &model,
        ];
        self.engineer(&called).stderr_has("COMPLETED").success();
        let id = fs::read_to_string(self.home.path().join("engineer").join(id)).unwrap();
        id.trim_end().to_owned()
    }

    /// Three of them.
    fn train(&self) -> Trained {
        Trained {
            poor: self.train_one("poor", "0.001"),
            fair: self.train_one("fair", "0.01"),
            best: self.train_one("best", "0.1"),
        }
    }

    /// Measures the best model on the half that it never saw, untouched and shifted.
    fn evaluate(&self) -> Evaluated {
        let script = self.home.path().join("train_iris.py");
        let output = std::process::Command::new("python3")
            .arg(script)
            .args(["evaluate", "best.json"])
            .current_dir(self.home.path().join("engineer"))
            .output()
            .unwrap();
        let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
        Evaluated {
            untouched: measured["untouched"].as_f64().unwrap(),
            shifted: measured["shifted"].as_f64().unwrap(),
            size: measured["size"].as_u64().unwrap(),
        }
    }

    /// Who did what, oldest first, and that the log is whole.
    fn audit(&self) -> Vec<(String, String)> {
        self.engineer(&["audit", "verify"]).success();
        let log = self.json(&["audit", "list", "--limit", "0"]);
        let mut entries: Vec<(String, String)> = log
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                (text(&entry["action"]), text(&entry["identity"]["user"]))
            })
            .collect();
        entries.reverse();
        entries
    }
}
