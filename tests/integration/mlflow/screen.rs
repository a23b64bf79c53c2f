//! The screen on a server that stops answering: it stays alive, says what it shows is old, and catches up by itself.

use crate::support::fault_server::{Fault, FaultServer};
use crate::support::mlflow_server::{Series, turn};
use crate::support::pty::Pty;
use crate::support::{Done, Home};
use std::path::Path;
use std::time::Duration;

fn deck(home: &Home, uri: &str, line: &str) -> Done {
    home.deck(["--store", uri])
        .args(line.split_whitespace())
        .success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_takes_nothing_from_the_screen() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let home = Home::new();
    let uri = server.uri();
    deck(&home, &uri, "experiment create fraud");
    deck(
        &home,
        &uri,
        "run log --experiment fraud --name steady --metric loss=0.5",
    );
    let faults = FaultServer::before(server.port());
    let mut screen = Pty::screen(Path::new(&faults.uri()), home.path(), (120, 40));
    screen.wait_for("● live");
    screen.send("2");
    screen.wait_for("steady");
    screen.wait_for("── loss");

    faults.all(Fault::Silence);
    screen.wait_for("✗ stale");
    // What was read stays, and keys are answered: each switch of a tab draws the frame of that tab.
    assert!(screen.text().contains("steady"), "{}", screen.text());
    for (key, shown) in [("3", "┌ Registry"), ("2", "┌ Runs")].repeat(3) {
        screen.send(key);
        let took = screen.wait_for(shown);
        // Noise of a busy machine apart: far from any time-out of the client.
        assert!(took < Duration::from_secs(8), "{key} took {took:?}");
    }
    screen.wait_for("retrying in");

    deck(&home, &uri, "run log --experiment fraud --name later");
    faults.none();
    screen.wait_for("later");
    screen.wait_for("● live");
    screen.send("q");
    screen.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_asks_little_and_an_idle_one_less() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let home = Home::new();
    let uri = server.uri();
    deck(&home, &uri, "experiment create fraud");
    for nth in 0..3 {
        deck(
            &home,
            &uri,
            &format!("run log --experiment fraud --name run-{nth} --metric loss=0.5"),
        );
    }
    let faults = FaultServer::before(server.port());
    let mut screen = Pty::screen(Path::new(&faults.uri()), home.path(), (120, 40));
    screen.wait_for("▸ fraud");
    screen.wait_for("nothing is deployed");
    faults.none();
    for (key, shown) in [
        ("2", "▸ run-2"),
        ("3", "Registry · 0"),
        ("4", "Approvals · 0"),
    ] {
        screen.send(key);
        screen.wait_for(shown);
    }
    // A second for what is still asked beside the rows.
    std::thread::sleep(Duration::from_secs(1));
    let opening = faults.none();
    assert!(opening <= 3 * 25, "{opening} requests for three tabs");
    let window = Duration::from_secs(8);
    std::thread::sleep(window);
    let idle = faults.none();
    // A server that a busy machine makes slow is asked less, down to nothing in so short a time.
    assert!(idle <= 16, "{idle} requests in {window:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_title_and_the_command_line_tell_what_was_done_where() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let home = Home::new();
    let uri = server.uri();
    deck(&home, &uri, "experiment create fraud");
    deck(
        &home,
        &uri,
        "run log --experiment fraud --name base --metric loss=0.5",
    );
    many(server.database(), 5_100);
    let list = |line: &str| {
        let listed = deck(&home, &uri, &format!("run list {line}"));
        listed.stderr.clone()
    };
    let told = list("--filter metrics.loss<9 --limit 3");
    assert!(!told.contains("by the server"), "all of it was: {told}");
    let told = list("--filter name:base");
    assert!(told.contains("filtered here"), "{told}");
    let told = list("--sort name --limit 2");
    assert!(
        told.contains("newest 5000 sorted here; the server has more"),
        "{told}"
    );

    let mut screen = Pty::screen(Path::new(&uri), home.path(), (160, 30));
    screen.wait_for("▸ fraud");
    screen.send("2");
    screen.wait_for("5,101 · newest first");
    screen.send(":sort name:desc\r");
    screen.wait_for("newest 5,000 sorted here");
    screen.send("/metrics.loss<9 base\r");
    screen.wait_for("by the server metrics.loss<9, here base");
    screen.wait_for("1 of 5,101");
}

/// Copies the one run that is there so many times, each a second older than the one before.
fn many(database: &Path, runs: usize) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    let mut columns = connection.prepare("PRAGMA table_info(runs)").unwrap();
    let columns: Vec<String> = columns
        .query_map([], |row| row.get(1))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let copied: Vec<String> = columns
        .iter()
        .map(|column| match column.as_str() {
            "run_uuid" => "printf('%032x', n)".to_owned(),
            "name" => "'many-' || n".to_owned(),
            "start_time" => "start_time - 1000 * n".to_owned(),
            column => column.to_owned(),
        })
        .collect();
    let insert = format!(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {runs})
         INSERT INTO runs ({}) SELECT {} FROM number, (SELECT * FROM runs WHERE name = 'base')",
        columns.join(", "),
        copied.join(", ")
    );
    connection.execute_batch(&insert).unwrap();
}
