//! A server that takes every connection and says nothing: whoever asks is told what is waited for, and for how long.

use crate::support::fault_server::{Fault, FaultServer};
use crate::support::program::{DEADLINE, Program, wait_for_end};
use modeldeck::store::StoreError;
use modeldeck::store::mlflow::{Deadlines, MlflowOptions, MlflowStore};
use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

fn silent() -> FaultServer {
    // Nobody is behind it, because nothing is handed on.
    let server = FaultServer::before(1);
    server.all(Fault::Silence);
    server
}

#[tokio::test]
async fn the_first_contact_has_a_deadline_of_its_own() {
    let server = silent();
    let options = MlflowOptions {
        deadlines: Deadlines {
            first: Duration::from_millis(500),
            ..Deadlines::default()
        },
        ..MlflowOptions::default()
    };
    let began = Instant::now();
    let refused = MlflowStore::open(&server.uri(), options).await.unwrap_err();
    assert!(began.elapsed() < Deadlines::default().first);
    assert!(
        matches!(&refused, StoreError::Unreachable { problem, .. } if problem.contains("no whole answer within 0.5 s")),
        "{refused:?}"
    );
    assert!(refused.hint().unwrap().contains("hang"));
}

#[test]
fn a_command_says_what_it_waits_for_and_starts_nothing() {
    let (server, program) = (silent(), Program::new());
    let mark = program.path("started");
    let mut child = program
        .command(&["run", "exec", "--experiment", "e", "--", "touch"])
        .arg(&mark)
        .env("MODELDECK_STORE", server.uri())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let began = Instant::now();
    let mut lines = stderr.lines().map(Result::unwrap);
    assert_eq!(
        lines.next().unwrap(),
        format!("waiting for '{}' …", server.uri())
    );
    assert!(began.elapsed() < DEADLINE);
    drop(server);
    let rest: Vec<String> = lines.collect();
    wait_for_end(child).code(9);
    assert!(!mark.exists());
    assert!(
        rest.iter().any(|line| line.contains("was not started")),
        "{rest:?}"
    );
}
