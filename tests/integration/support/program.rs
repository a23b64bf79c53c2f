//! The real program as a child process: a store and a home of its own, and an environment with nothing else in it.

use modeldeck::service::{ModelLifecycleService, ServiceOptions};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; a test that waits so long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A home and a store for one test.
pub(crate) struct Program {
    pub(crate) dir: tempfile::TempDir,
}

/// What came of a call.
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("deck.db")
    }

    /// The program with arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modeldeck"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("MODELDECK_STORE", self.store())
            .env("TZ", "UTC")
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Called {
        Called::of(&self.command(arguments).output().unwrap())
    }

    /// Calls it with something on stdin.
    pub(crate) fn feed(&self, arguments: &[&str], input: &[u8]) -> Called {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // The program may leave before it has read everything.
        let _closed_early = writing.join().unwrap();
        Called::of(&output)
    }

    /// What a command prints with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let called = self.call(&[arguments, &["--json"]].concat());
        assert_eq!(called.code, 0, "{arguments:?}: {}", called.stderr);
        serde_json::from_str(&called.stdout).unwrap()
    }

    /// The only run of the store.
    pub(crate) fn only_run(&self) -> Value {
        let runs = self.json(&["run", "list"]);
        assert_eq!(runs.as_array().unwrap().len(), 1, "{runs}");
        self.json(&["run", "show", runs[0]["run_id"].as_str().unwrap()])
    }

    /// The library on the same store.
    pub(crate) async fn service(&self) -> ModelLifecycleService {
        ModelLifecycleService::open(ServiceOptions::local(self.store()))
            .await
            .unwrap()
    }
}

impl Called {
    pub(crate) fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        Self {
            code: output
                .status
                .code()
                .unwrap_or_else(|| -output.status.signal().unwrap()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Asserts the exit code, and shows what was said when it is another.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }
}

/// Waits until something is there.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits for the end of a child.
#[track_caller]
pub(crate) fn wait_for_end(mut child: Child) -> Called {
    wait_for("the end of the program", || child.try_wait().unwrap());
    Called::of(&child.wait_with_output().unwrap())
}

pub(crate) fn signal(child: &Child, signal: nix::sys::signal::Signal) {
    let process = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(process, signal).unwrap();
}

/// Waits for a file that a child writes, and returns what is in it.
#[track_caller]
pub(crate) fn wait_for_file(path: &Path) -> String {
    wait_for(&path.display().to_string(), || {
        std::fs::read_to_string(path)
            .ok()
            .filter(|content| content.ends_with('\n'))
    })
}
