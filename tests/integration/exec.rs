//! `modeldeck run exec`: what a command meets in it, and what is recorded of the command.

mod terminal;

use crate::support::program::{Program, signal, wait_for, wait_for_end, wait_for_file};
use nix::sys::signal::Signal;
use std::process::Stdio;
use std::time::{Duration, Instant};

const EXEC: [&str; 5] = ["run", "exec", "--experiment", "e", "--"];

fn exec<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [&EXEC[..], command].concat()
}

async fn log_of(program: &Program, run: &serde_json::Value) -> Vec<u8> {
    let run_id = run["run_id"].as_str().unwrap().parse().unwrap();
    let tail = program
        .service()
        .await
        .runs()
        .output_tail(&run_id, 1 << 24)
        .await;
    tail.unwrap().bytes
}

#[test]
fn a_run_ends_as_its_command_ended() {
    for (script, code, status, signal) in [
        ("exit 0", 0, "COMPLETED", None),
        ("exit 3", 3, "FAILED", None),
        ("kill -9 $$", 137, "KILLED", Some(9)),
        ("kill -TERM $$", 143, "KILLED", Some(15)),
    ] {
        let program = Program::new();
        let called = program.call(&exec(&["sh", "-c", script])).code(code);
        assert!(
            called.stderr.contains("experiment 'e' created"),
            "{}",
            called.stderr
        );
        let run = program.only_run();
        assert_eq!(run["status"], status, "{script}");
        assert_eq!(run["source"]["signal"].as_i64(), signal);
        assert_eq!(run["source"]["exit_code"].is_null(), signal.is_some());
        assert!(run["source"]["wall_seconds"].as_f64().unwrap() < 20.0);
        assert!(run["ended_at"].is_string());
    }
}

#[test]
fn a_command_that_cannot_be_started_is_a_failed_run() {
    for (command, code) in [("/nowhere/x", 127), ("/etc/passwd", 126)] {
        let program = Program::new();
        let called = program.call(&exec(&[command])).code(code);
        assert!(
            called.stderr.contains("cannot be started"),
            "{}",
            called.stderr
        );
        let run = program.only_run();
        assert_eq!(run["status"], "FAILED");
        assert_eq!(run["source"]["exit_code"], code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_passes_through_unchanged_and_is_kept() {
    let program = Program::new();
    let script = r"printf 'a\377\033[1mb\r 50 %%'; printf 'err\n' >&2; printf '\nlast'";
    let output = program
        .command(&exec(&["sh", "-c", script]))
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"a\xff\x1b[1mb\r 50 %\nlast");
    assert!(String::from_utf8_lossy(&output.stderr).contains("err\n"));
    let run = program.only_run();
    let log = log_of(&program, &run).await;
    assert!(log.windows(4).any(|part| part == b"err\n"));
    assert_eq!(log.len(), output.stdout.len() + 4);
    assert_eq!(run["artifacts"][0]["path"], "output.log");
    assert_eq!(run["artifacts"][0]["size"], log.len());
}

#[test]
fn a_command_reads_stdin_and_knows_its_run() {
    let program = Program::new();
    let script = "cat; echo $MODELDECK_RUN_ID $MODELDECK_STORE";
    let id_file = program.path("id");
    let arguments = [
        "run",
        "exec",
        "--experiment",
        "e",
        "--name",
        "n",
        "--param",
        "lr=1",
        "--tag",
        "t=2",
        "--run-id-file",
        id_file.to_str().unwrap(),
        "--store",
        "other.db",
        "--",
        "sh",
        "-c",
        script,
    ];
    let called = program.feed(&arguments, b"from stdin\n").code(0);
    let id = std::fs::read_to_string(&id_file).unwrap();
    let store = program.path("other.db");
    assert_eq!(
        called.stdout,
        format!(
            "from stdin\n{} {}\n",
            id.trim(),
            store.canonicalize().unwrap().display()
        )
    );
    let run = program.json(&["run", "show", id.trim(), "--store", "other.db"]);
    assert_eq!(
        (&run["name"], &run["params"]["lr"], &run["tags"]["t"]),
        (&"n".into(), &"1".into(), &"2".into())
    );
}

#[test]
fn events_are_recorded_while_the_command_runs() {
    let program = Program::new();
    let go_on = program.path("go on");
    let script = format!(
        "echo '{{\"event\":\"metric\",\"key\":\"loss\",\"value\":0.5}}'; echo '{{\"event\":\"step\"}}'; echo '{{\"event\":\"metric\"}}';
         while ! [ -e '{}' ]; do sleep 0.02; done; echo '{{\"event\":\"metric\",\"key\":\"loss\",\"value\":0.25}}'",
        go_on.display()
    );
    let child = program
        .command(&exec(&["sh", "-c", &script]))
        .spawn()
        .unwrap();
    wait_for("the first point", || {
        let runs = program.call(&["run", "list", "--json"]);
        let runs: serde_json::Value = serde_json::from_str(&runs.stdout).ok()?;
        (runs[0]["metrics"]["loss"]["value"] == 0.5 && runs[0]["status"] == "RUNNING").then_some(())
    });
    std::fs::write(&go_on, "").unwrap();
    let called = wait_for_end(child).code(0);
    assert!(
        called.stderr.contains("a metric needs a 'key'"),
        "{}",
        called.stderr
    );
    assert!(
        called.stderr.contains("1 event was not recorded"),
        "{}",
        called.stderr
    );
    assert_eq!(called.stdout.lines().count(), 4, "a pipe gets events, too");
    let run = program.only_run();
    assert_eq!(
        run["metrics"]["loss"],
        serde_json::json!({
            "value": 0.25, "step": 1, "timestamp": run["metrics"]["loss"]["timestamp"]
        })
    );
}

#[test]
fn a_command_may_end_its_run_itself_or_use_ingest() {
    let program = Program::new();
    let script = r#"echo '{"event":"tag","key":"by","value":"ingest"}' | "$0" ingest; echo '{"event":"end","status":"FAILED"}'"#;
    program
        .call(&exec(&[
            "sh",
            "-c",
            script,
            env!("CARGO_BIN_EXE_modeldeck"),
        ]))
        .code(0);
    let run = program.only_run();
    assert_eq!(run["status"], "FAILED");
    assert_eq!(run["source"]["exit_code"], 0);
    assert_eq!(run["tags"]["by"], "ingest");
}

#[test]
fn a_signal_reaches_the_command_once() {
    for (kind, code) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGINT, 130),
        (Signal::SIGUSR1, 0),
    ] {
        let program = Program::new();
        let (ready, got) = (program.path("ready"), program.path("got"));
        let script = format!(
            "import signal,sys,time\ngot=[]\ndef on(n,f):\n  got.append(n)\nsignal.signal({0},on)\nopen({1:?},'w').write('\\n')\nwhile not got: time.sleep(0.01)\ntime.sleep(0.3)\nopen({2:?},'w').write('%s\\n'%got)\nsys.exit({3})",
            kind as i32, ready, got, code
        );
        let child = program
            .command(&exec(&["python3", "-c", &script]))
            .spawn()
            .unwrap();
        wait_for_file(&ready);
        signal(&child, kind);
        wait_for_end(child).code(code);
        assert_eq!(wait_for_file(&got), format!("[{}]\n", kind as i32));
        let expected = if code == 0 { "COMPLETED" } else { "KILLED" };
        assert_eq!(program.only_run()["status"], expected, "{kind}");
    }
}

#[test]
fn what_the_command_left_behind_is_not_waited_for() {
    let program = Program::new();
    let began = Instant::now();
    let called = program
        .call(&exec(&["sh", "-c", "sleep 60 & echo $!"]))
        .code(0);
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(
        called.stderr.contains("still holds its output open"),
        "{}",
        called.stderr
    );
    assert_eq!(program.only_run()["status"], "COMPLETED");
    let left_behind = nix::unistd::Pid::from_raw(called.stdout.trim().parse().unwrap());
    nix::sys::signal::kill(left_behind, Signal::SIGKILL).unwrap();
}

#[test]
fn secrets_stay_out_of_the_record() {
    let program = Program::new();
    program
        .call(&exec(&[
            "sh",
            "-c",
            "exit 0",
            "--token",
            "s3cret",
            "A_KEY=s3cret",
            "--lr",
            "0.1",
        ]))
        .code(0);
    let run = program.only_run();
    assert_eq!(
        run["source"]["command"],
        "sh -c 'exit 0' --token *** A_KEY=*** --lr 0.1"
    );
    for entry in std::fs::read_dir(program.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let content = std::fs::read(&path).unwrap();
            assert!(
                !content.windows(6).any(|part| part == b"s3cret"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn the_commit_is_recorded() {
    let program = Program::new();
    let script = "git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git rev-parse HEAD && echo >f && git add f";
    let made = std::process::Command::new("sh")
        .args(["-c", script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", program.dir.path())
        .current_dir(program.dir.path())
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    program.call(&exec(&["true"])).code(0);
    let run = program.only_run();
    assert_eq!(
        run["source"]["git_commit"],
        String::from_utf8_lossy(&made.stdout).trim()
    );
    assert_eq!(run["tags"]["git.dirty"], "true");
}

#[test]
fn under_json_the_end_is_one_document_on_stderr() {
    let program = Program::new();
    let called = program
        .call(&[
            "run",
            "exec",
            "--experiment",
            "e",
            "--json",
            "--",
            "sh",
            "-c",
            "exit 4",
        ])
        .code(4);
    let report: serde_json::Value = serde_json::from_str(&called.stderr).unwrap();
    assert_eq!(
        (&report["status"], &report["exit_code"]),
        (&"FAILED".into(), &4.into())
    );
}

#[test]
fn a_busy_store_does_not_hold_the_command_up_and_loses_nothing() {
    let program = Program::new();
    let (started, done) = (program.path("started"), program.path("done"));
    let script = format!(
        "echo >'{0}'; while [ -e '{0}' ]; do sleep 0.02; done; i=0; while [ $i -lt 3000 ]; do echo '{{\"event\":\"metric\",\"key\":\"k\",\"value\":'$i'}}'; i=$((i+1)); done; echo >'{1}'",
        started.display(),
        done.display()
    );
    let child = program
        .command(&exec(&["sh", "-c", &script]))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_file(&started);
    let locked = rusqlite::Connection::open(program.store()).unwrap();
    locked.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::remove_file(&started).unwrap();
    wait_for_file(&done);
    locked.execute_batch("ROLLBACK").unwrap();
    wait_for_end(child).code(0);
    let run = program.only_run();
    assert_eq!(run["metrics"]["k"]["step"], 2999);
    assert_eq!(run["status"], "COMPLETED");
}

#[test]
fn what_a_command_did_while_the_store_was_stuck_keeps_its_time() {
    const STUCK: Duration = Duration::from_secs(2);
    let program = Program::new();
    let (started, done) = (program.path("started"), program.path("done"));
    let script = format!(
        "echo >'{0}'; while [ -e '{0}' ]; do sleep 0.02; done; echo '{{\"event\":\"metric\",\"key\":\"k\",\"value\":1}}'; echo >'{1}'",
        started.display(),
        done.display()
    );
    let child = program
        .command(&exec(&["sh", "-c", &script]))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_file(&started);
    let locked = rusqlite::Connection::open(program.store()).unwrap();
    locked.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::fs::remove_file(&started).unwrap();
    wait_for_file(&done);
    std::thread::sleep(STUCK);
    locked.execute_batch("ROLLBACK").unwrap();
    let freed = jiff::Timestamp::now();
    wait_for_end(child).code(0);
    let run = program.only_run();
    // Half of the time that it was stuck is for a machine that is slow to tell that a process has ended.
    let before = freed - STUCK / 2;
    for (what, time) in [
        ("the point", &run["metrics"]["k"]["timestamp"]),
        ("the end", &run["ended_at"]),
    ] {
        let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
        assert!(
            time < before,
            "{what} is of {time}, {freed} freed the store"
        );
    }
}
