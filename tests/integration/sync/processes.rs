//! Programs that are killed, that meet, and that must not be held up: the real binary with `MLFLOW_TRACKING_URI`.

use super::{local_points, remote_points};
use crate::support::fault_server::{Fault, FaultServer};
use crate::support::mlflow_server::{Series, Server, turn};
use crate::support::program::{Program, signal, wait_for, wait_for_end};
use nix::sys::signal::Signal;
use rstest::rstest;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How often the worker is killed; `MODELDECK_SYNC_KILLS=50` for a long night.
fn kills() -> u64 {
    let given = std::env::var("MODELDECK_SYNC_KILLS").ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(4)
}

/// Runs with points, as one stream of events.
fn events(runs: usize, points: usize) -> String {
    let mut lines = String::new();
    for run in 0..runs {
        writeln!(
            lines,
            r#"{{"event":"run","run_id":"r{run}","experiment":"fraud","params":{{"lr":"0.1"}}}}"#
        )
        .unwrap();
        for step in 0..points {
            writeln!(
                lines,
                r#"{{"event":"metric","run_id":"r{run}","key":"loss{run}","value":{},"step":{step},"timestamp":{}}}"#,
                // MLflow 2 keeps no second NaN, and refuses all that comes with one.
                if step % 80 == 7 {
                    r#""NaN""#.to_owned()
                } else {
                    format!("{}.5", step % 97)
                },
                1_760_000_000_000_u64 + step as u64
            )
            .unwrap();
        }
        writeln!(
            lines,
            r#"{{"event":"end","run_id":"r{run}","status":"COMPLETED"}}"#
        )
        .unwrap();
    }
    lines
}

/// A store that waits for its mirroring. The server is told of, and nothing listens there yet.
fn filled(program: &Program, runs: usize, points: usize) {
    let offline = "http://127.0.0.1:9";
    program
        .feed(
            &["ingest", "--tracking-uri", offline],
            events(runs, points).as_bytes(),
        )
        .code(0);
}

fn settled(server: &Server, program: &Program, runs: i64) {
    let called = program.call(&["sync", "run", "--tracking-uri", &server.uri()]);
    assert_eq!(called.code, 0, "{}", called.stderr);
    assert_eq!(server.number("SELECT count(*) FROM runs"), runs);
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        runs
    );
    assert!(local_points(&program.store()) == remote_points(server));
}

#[rstest]
#[case(Series::Three)]
#[case(Series::Two)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_at_any_moment_leaves_nothing_twice_and_nothing_out(
    #[case] series: Series,
) {
    let Some(server) = turn(series).await else {
        return;
    };
    for nth in 0..kills() {
        server.empty();
        let program = Program::new();
        filled(&program, 5, 1_500);
        // Moments spread over the second or two that a mirroring takes, the same ones each time.
        let moments = [
            nth * 37 % 400 + 40,
            nth * 91 % 900 + 60,
            nth * 173 % 1500 + 30,
        ];
        for moment in moments {
            let child = program
                .command(&["sync", "run", "--tracking-uri", &server.uri()])
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(moment));
            signal(&child, Signal::SIGKILL);
            let _killed = wait_for_end(child);
        }
        let began = Instant::now();
        settled(&server, &program, 5);
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "nobody waits for the lease of one who is dead"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_at_once_do_everything_once() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    filled(&program, 8, 800);
    let uri = server.uri();
    let start = || {
        program
            .command(&["sync", "run", "--tracking-uri", &uri])
            .spawn()
            .unwrap()
    };
    let children = [start(), start(), start()];
    for child in children {
        let called = wait_for_end(child);
        assert_eq!(called.code, 0, "{}", called.stderr);
    }
    settled(&server, &program, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_in_the_middle_gets_the_rest() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let between = FaultServer::before(server.port());
    let program = Program::new();
    let runs = 6;
    filled(&program, runs, 2_000);
    let child = program
        .command(&["sync", "run", "--tracking-uri", &between.uri()])
        .spawn()
        .unwrap();
    wait_for("the first points", || {
        (server.number("SELECT count(*) FROM metrics") > 0).then_some(())
    });
    // Connections break, and for a moment there is nobody; the program tries once more and says what stays.
    between.all(Fault::HangUp);
    let called = wait_for_end(child);
    assert_eq!(called.code, 9, "{}", called.stderr);
    assert!(called.stderr.contains("offline"), "{}", called.stderr);
    between.none();
    settled(&server, &program, i64::try_from(runs).unwrap());
}

/// The training comes first: a server that takes connections and says nothing holds up neither its start nor its end.
#[test]
fn a_server_that_hangs_holds_up_no_training() {
    let silent = FaultServer::before(9);
    silent.all(Fault::Silence);
    let program = Program::new();
    program.call(&["experiment", "create", "fraud"]).code(0);
    let alone = Instant::now();
    program
        .call(&[
            "run",
            "exec",
            "--experiment",
            "fraud",
            "--",
            "sh",
            "-c",
            "sleep 1",
        ])
        .code(0);
    let alone = alone.elapsed();
    let mirrored = Instant::now();
    program
        .command(&[
            "run",
            "exec",
            "--experiment",
            "fraud",
            "--",
            "sh",
            "-c",
            "sleep 1",
        ])
        .env("MLFLOW_TRACKING_URI", silent.uri())
        .output()
        .unwrap();
    let mirrored = mirrored.elapsed();
    assert!(
        mirrored < alone + Duration::from_millis(1_500),
        "{mirrored:?} instead of {alone:?}"
    );
    let status = program.json(&["sync", "status"]);
    assert_eq!(status["target"], silent.uri().as_str());
    assert_eq!(status["depth"], 3, "{status}");
}

/// The end of a training reaches a server that answers, although the program ends with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_training_is_there_when_it_ends() {
    let Some(server) = turn(Series::Three).await else {
        return;
    };
    let program = Program::new();
    let script = r#"for i in 1 2 3 4 5 6 7 8; do echo "{\"event\":\"metric\",\"key\":\"loss\",\"value\":0.$i,\"step\":$i}"; sleep 0.3; done"#;
    let output = program
        .command(&[
            "run",
            "exec",
            "--experiment",
            "fraud",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("MLFLOW_TRACKING_URI", server.uri())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert!(
        server.number("SELECT count(*) FROM metrics") >= 3,
        "it was followed while it ran"
    );
    let called = program.call(&["sync", "run"]);
    assert_eq!(
        called.code, 0,
        "without a server of its own it takes the store's: {}",
        called.stderr
    );
    assert_eq!(
        server.number("SELECT count(*) FROM runs WHERE status = 'FINISHED'"),
        1
    );
    assert_eq!(remote_points(&server).len(), 8);
    let shown = program.call(&[
        "run",
        "show",
        program.only_run()["run_id"].as_str().unwrap(),
    ]);
    assert!(shown.stdout.contains("SYNCED as "), "{}", shown.stdout);
}

#[test]
fn no_secret_of_an_address_is_kept_or_shown() {
    let program = Program::new();
    let uri = "http://bob:hunter2@127.0.0.1:9";
    program
        .call(&["experiment", "create", "fraud", "--tracking-uri", uri])
        .code(0);
    let status = program.call(&["sync", "status", "--json"]).code(0);
    assert!(
        status.stdout.contains("http://127.0.0.1:9"),
        "{}",
        status.stdout
    );
    let drained = program
        .call(&["sync", "run", "--tracking-uri", uri])
        .code(9);
    let config = program.call(&["config", "--tracking-uri", uri]).code(0);
    for said in [&status, &drained, &config] {
        assert!(!said.stdout.contains("hunter2") && !said.stderr.contains("hunter2"));
    }
    for file in std::fs::read_dir(program.dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(7).any(|window| window == b"hunter2"),
                "{}",
                path.display()
            );
        }
    }
    let wrong = program
        .call(&["sync", "status", "--tracking-uri", "mlruns"])
        .code(2);
    assert!(
        wrong.stderr.contains("takes an MLflow server's address"),
        "{}",
        wrong.stderr
    );
    let off = program
        .call(&["sync", "status", "--tracking-uri", "off"])
        .code(0);
    assert!(
        off.stdout.contains("http://127.0.0.1:9"),
        "the store is mirrored all the same"
    );
}
