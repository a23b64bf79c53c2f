//! The screen on a server that stops answering: it stays alive, says what it shows is old, and catches up by itself.

use crate::support::fault_server::{Fault, FaultServer};
use crate::support::mlflow_server::{Series, turn};
use crate::support::pty::Pty;
use crate::support::{Done, Home};
use std::path::Path;
use std::time::{Duration, Instant};

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
    let began = Instant::now();
    let mut keys = 0;
    while began.elapsed() < Duration::from_secs(2) {
        for (key, shown) in [("3", "┌ Registry"), ("2", "┌ Runs")] {
            screen.send(key);
            let took = screen.wait_for(shown);
            // Noise of a busy machine apart: far from any time-out of the client.
            assert!(took < Duration::from_secs(2), "{key} took {took:?}");
            keys += 1;
        }
    }
    assert!(keys >= 4, "{keys}");
    assert!(screen.text().contains("retrying in"), "{}", screen.text());

    deck(&home, &uri, "run log --experiment fraud --name later");
    faults.none();
    screen.wait_for("later");
    screen.wait_for("● live");
    screen.send("q");
    screen.end();
}
