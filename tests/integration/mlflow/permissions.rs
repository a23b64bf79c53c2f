//! A server that asks who somebody is: who may do nothing, may read, may do everything, and what they are told.

use crate::support::mlflow_server::{ADMIN, Server, is_switched_off};
use crate::support::{Home, Test};

const READER: &str = "reader-of-these-tests";

struct People {
    home: Home,
    server: Server,
}

impl People {
    /// A command of somebody with this name and password; without any, of nobody.
    fn deck(&self, who: Option<(&str, &str)>, line: &str) -> Test {
        let test = self
            .home
            .deck(line.split_whitespace())
            .env("MODELDECK_STORE", self.server.uri());
        match who {
            Some((name, password)) => test
                .env("MLFLOW_TRACKING_USERNAME", name)
                .env("MLFLOW_TRACKING_PASSWORD", password),
            None => test,
        }
    }

    fn admin(&self, line: &str) -> String {
        let done = self.deck(Some(("admin", ADMIN)), line).success();
        done.stdout.trim_end().to_owned()
    }
}

#[test]
fn each_way_not_to_be_let_in_has_its_own_words() {
    if is_switched_off() {
        return;
    }
    let people = People {
        home: Home::new(),
        server: Server::with_permissions(),
    };
    // Whoever may do everything does.
    people.admin("experiment create fraud");
    let run = people.admin("run log --experiment fraud --metric auc=0.9 --param lr=0.1");
    assert_eq!(
        people.admin(&format!("model register churn --run {run}")),
        "churn 1"
    );
    people.admin("model stage churn 1 Staging");
    people.admin("deployment create --model churn --version 1 --environment DEV");
    people.admin("audit verify");

    // Nobody, and somebody with another password.
    people
        .deck(None, "run list")
        .stderr_has("the server does not know who you are")
        .stderr_has("MLFLOW_TRACKING_USERNAME")
        .code(8);
    let wrong = people
        .deck(Some(("admin", "another-password")), "run list")
        .stderr_has("does not take")
        .stderr_has("MLFLOW_TRACKING_USERNAME")
        .code(8);
    assert!(
        !wrong.stderr.contains("another-password"),
        "{}",
        wrong.stderr
    );

    // Somebody who may read, and nothing else.
    people.server.python(&format!(
        "
import base64, json, os, urllib.request
request = urllib.request.Request(
    os.environ['MLFLOW_TRACKING_URI'] + '/api/2.0/mlflow/users/create',
    json.dumps({{'username': 'reader', 'password': '{READER}'}}).encode(),
    {{'Content-Type': 'application/json', 'Authorization': 'Basic ' + base64.b64encode(b'admin:{ADMIN}').decode()}},
)
urllib.request.urlopen(request).read()
"
    ));
    let reader = |line: &str| people.deck(Some(("reader", READER)), line);
    assert!(reader("run list").success().stdout.contains(&run[..8]));
    reader("model show churn 1").stdout_has("Staging").success();
    for line in [
        "run log --experiment fraud --metric auc=0.9".to_owned(),
        "experiment create mine".to_owned(),
        "model register churn".to_owned(),
        "policy set production.quorum 2".to_owned(),
    ] {
        reader(&line)
            .stderr_has("the server does not permit it to you")
            .stderr_has("somebody who manages permissions on that server can grant it")
            .code(8);
    }
    // What was refused left nothing behind, and stopped nobody.
    assert!(!people.admin("experiment list").contains("mine"));
    people.admin("experiment create mine");
    people.admin("audit verify");
}
