//! The screen before its server answers: it is there at once, says how the way to the server comes along, and goes on by itself.

use crate::support::Home;
use crate::support::fault_server::{Fault, FaultServer, answer};
use crate::support::mlflow_server::{Series, free_port, turn};
use crate::support::pty::Pty;
use std::path::Path;
use std::time::Duration;

const PAGE: &str = "text/html";

fn open(home: &Home, uri: &str, size: (u16, u16)) -> Pty {
    Pty::screen(Path::new(uri), home.path(), size)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_work_before_a_server_that_hangs_answers() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let home = Home::new();
    home.deck(["--store", &server.uri()])
        .args(["experiment", "create", "fraud"])
        .success();
    let faults = FaultServer::before(server.port());
    faults.all(Fault::Silence);
    let mut screen = open(&home, &faults.uri(), (120, 40));
    let took = screen.wait_for("◌ connecting");
    assert!(took < Duration::from_secs(5), "{took:?}");
    screen.wait_for(&format!("connecting to {}", faults.uri()));
    screen.send("?");
    screen.wait_for("┌ Help");
    screen.send("\u{1b}");
    screen.wait_until("the help is gone", |pty| !pty.text().contains("┌ Help"));
    for (keys, shown) in [
        ("2", "┌ Runs"),
        ("a", "the server has not answered yet"),
        ("1", "┌ Experiments"),
        ("2", "┌ Runs"),
        (":registry\r", "┌ Registry"),
        ("1", "┌ Experiments"),
    ] {
        screen.send(keys);
        screen.wait_for(shown);
    }
    screen.wait_for("R tries anew");
    // Going to and fro asked nothing again: the attempt with its few questions is all there is.
    let asked = faults.none();
    assert!(asked <= 4, "{asked} requests");
    screen.send("R");
    screen.wait_for("● live");
    screen.wait_for("▸ fraud");
    screen.send("q");
    assert_eq!(screen.end().0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_waited_for() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let home = Home::new();
    home.deck(["--store", &server.uri()])
        .args(["experiment", "create", "fraud"])
        .success();
    let port = free_port();
    let uri = format!("http://127.0.0.1:{port}");
    let mut screen = open(&home, &uri, (120, 40));
    screen.wait_for("connection refused");
    screen.wait_for("retrying in");
    let text = screen.text();
    assert!(text.contains("whether the server runs"), "{text}");

    let faults = FaultServer::at(port, server.port());
    // A refusal while it comes up ends nothing: it is waited for already.
    faults.all(answer("404 Not Found", PAGE, "<h1>starting</h1>"));
    screen.wait_for("R tries again");
    faults.none();
    screen.send("R");
    screen.wait_for("▸ fraud");
    screen.wait_for("● live");
    screen.send("q");
    assert_eq!(screen.end().0, 0);
}

#[test]
fn it_goes_on_by_itself_when_the_server_is_there() {
    let home = Home::new();
    let port = free_port();
    let uri = format!("http://127.0.0.1:{port}");
    let screen = open(&home, &uri, (80, 24));
    screen.wait_for("retrying in");
    let faults = FaultServer::at(port, port);
    faults.all(answer("503 Service Unavailable", PAGE, "<h1>not yet</h1>"));
    screen.wait_for("not yet");
    assert!(!screen.text().contains("connection refused"));
}

#[test]
fn what_waiting_cannot_mend_is_told_where_one_came_from() {
    let home = Home::new();
    for (fault, code, told) in [
        (
            answer("401 Unauthorized", PAGE, "<h1>Unauthorized</h1>"),
            8,
            "MLFLOW_TRACKING_USERNAME",
        ),
        (
            answer("403 Forbidden", "text/plain", "Invalid Host header"),
            8,
            "--allowed-hosts",
        ),
        (
            answer("200 OK", PAGE, "<h1>A shop</h1>"),
            9,
            "does not answer as an MLflow server does",
        ),
    ] {
        let faults = FaultServer::before(1);
        faults.all(fault);
        let mut screen = open(&home, &faults.uri(), (100, 30));
        assert_eq!(screen.end().0, code, "{}", screen.text());
        screen.wait_until("the terminal is given back", Pty::is_given_back);
        screen.wait_for(told);
    }
}
