//! What is at the address and is no MLflow server: named as such, with a hint, and without its page.

use crate::support::fault_server::{Fault, FaultServer, answer};
use modeldeck::store::StoreError;
use modeldeck::store::mlflow::{MlflowOptions, MlflowSource, MlflowStore};

/// Nothing of this may be shown: it is another program's.
const PAGE: &str = "<h1>Error response</h1><p>Error code: canary</p>";

fn strangers() -> Vec<(&'static str, Fault)> {
    let (html, json) = ("text/html;charset=utf-8", "application/json");
    vec![
        ("a page", answer("200 OK", html, PAGE)),
        ("no page", answer("404 File not found", html, PAGE)),
        (
            "no such method",
            answer("405 Method Not Allowed", html, PAGE),
        ),
        (
            "a broken program",
            answer("500 Internal Server Error", html, PAGE),
        ),
        (
            "python -m http.server",
            answer("501 Unsupported method ('POST')", html, PAGE),
        ),
        ("bad request", answer("400 Bad Request", html, PAGE)),
        ("nothing", answer("200 OK", html, "")),
        ("nothing as JSON", answer("200 OK", json, "")),
        ("a list", answer("200 OK", json, "[\"canary\"]")),
        (
            "an object",
            answer("200 OK", json, "{\"status\": \"canary\"}"),
        ),
        ("an empty object", answer("200 OK", json, "{}")),
        (
            "another refusal",
            answer("404 Not Found", json, "{\"detail\": \"canary\"}"),
        ),
        (
            "another error",
            answer("500 Oops", json, "{\"error\": \"canary\"}"),
        ),
        (
            "ssh",
            Fault::Answer(b"SSH-2.0-OpenSSH_9.9 canary\r\n".to_vec()),
        ),
    ]
}

#[tokio::test]
async fn another_program_is_told_from_mlflow() {
    // Nothing listens behind it: every answer is a fault's.
    let stranger = FaultServer::before(9);
    for (what, fault) in strangers() {
        stranger.all(fault);
        let opened = MlflowStore::open(&stranger.uri(), MlflowOptions::default()).await;
        let mut errors = vec![opened.unwrap_err()];
        // An import asks for experiments only, and an empty page of them is one of MLflow's, too.
        if what != "an empty object" {
            let source = MlflowSource::open(&stranger.uri(), MlflowOptions::default()).await;
            errors.push(source.err().expect("it is no MLflow server"));
        }
        for error in errors {
            assert!(
                matches!(&error, StoreError::NotMlflow { .. }),
                "{what}: {error:?}"
            );
            let told = error.to_string();
            let expected = format!(
                "'{}' does not answer as an MLflow server does",
                stranger.uri()
            );
            assert!(told.starts_with(&expected), "{what}: {told}");
            assert!(!told.contains("canary"), "{what}: {told}");
            assert!(error.hint().is_some(), "{what}");
        }
    }
}
