//! Real MLflow servers on loopback, one of each series for all tests of a process.
//!
//! Their virtual environments are made once below the target directory, from the pinned requirements in `tests/`, under a lock, because tests run side by
//! side. Starting a server takes seconds, so tests take turns with one and each finds it emptied. The server runs in a process group of its own
//! under a small launcher, which signals do not end and which ends the group when its standard input closes: that happens when this process ends, however it
//! ends (2.22 leaves its workers behind otherwise).

use modeldeck::domain::approval::digest;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};

/// Switches the tests that need a real server off.
pub(crate) const SKIP: &str = "MODELDECK_SKIP_MLFLOW_TESTS";

/// The password of whoever manages the server that asks who somebody is.
pub(crate) const ADMIN: &str = "admin-of-these-tests";

/// Ends the group of what it starts when its standard input closes.
const LAUNCHER: &str = "
import os, signal, subprocess, sys, threading, time
for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(sign, signal.SIG_IGN)
# Ignored signals would be inherited, so the server gets them back.
back = lambda: [signal.signal(sign, signal.SIG_DFL) for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
child = subprocess.Popen(sys.argv[1:], preexec_fn=back, stdin=subprocess.DEVNULL, start_new_session=True)
def end():
    sys.stdin.buffer.read()
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, sign)
        except ProcessLookupError:
            break
        time.sleep(1)
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
child.wait()
end()
";

/// Which line of MLflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    Three,
    Two,
}

impl Series {
    fn requirements(self) -> &'static str {
        match self {
            Self::Three => include_str!("../../mlflow-requirements-3.txt"),
            Self::Two => include_str!("../../mlflow-requirements-2.txt"),
        }
    }

    fn slot(self) -> &'static Mutex<Option<Server>> {
        static THREE: Mutex<Option<Server>> = Mutex::const_new(None);
        static TWO: Mutex<Option<Server>> = Mutex::const_new(None);
        match self {
            Self::Three => &THREE,
            Self::Two => &TWO,
        }
    }
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    port: u16,
    database: PathBuf,
    python: PathBuf,
    _directory: tempfile::TempDir,
    launcher: Child,
    /// Closing it ends the server.
    stdin: Option<ChildStdin>,
}

/// One test's turn with a server, which is empty at its start.
pub(crate) struct Turn(MutexGuard<'static, Option<Server>>);

/// A turn with a server of a series; `None` where these tests are switched off.
pub(crate) async fn turn(series: Series) -> Option<Turn> {
    if is_switched_off() {
        return None;
    }
    let mut slot = series.slot().lock().await;
    if slot.is_none() {
        *slot = Some(Server::start(series, &[]));
    }
    slot.as_ref().unwrap().empty();
    Some(Turn(slot))
}

pub(crate) fn is_switched_off() -> bool {
    std::env::var_os(SKIP).is_some_and(|value| value == "1")
}

impl std::ops::Deref for Turn {
    type Target = Server;

    fn deref(&self) -> &Server {
        self.0.as_ref().unwrap()
    }
}

impl Server {
    /// Starts a 3.x server that asks who somebody is; its administrator is `admin`, with the password [`ADMIN`].
    pub(crate) fn with_permissions() -> Self {
        let packages = packages_of_auth();
        let environment = [
            ("PYTHONPATH", packages.to_str().unwrap()),
            ("MLFLOW_FLASK_SERVER_SECRET_KEY", "of this test"),
            ("MLFLOW_AUTH_ADMIN_PASSWORD", ADMIN),
        ];
        Self::start_in(Series::Three, &["--app-name", "basic-auth"], &environment)
    }

    /// Starts a server on a database of its own and waits until it answers.
    pub(crate) fn start(series: Series, more: &[&str]) -> Self {
        Self::start_in(series, more, &[])
    }

    fn start_in(series: Series, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let python = virtual_environment(series).join("bin/python");
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("mlflow.db");
        let port = free_port();
        let log = std::fs::File::create(directory.path().join("server.log")).unwrap();
        let path = std::env::join_paths([
            python.parent().unwrap(),
            Path::new("/usr/bin"),
            Path::new("/bin"),
        ])
        .unwrap();
        let mut launcher = Command::new(&python)
            .args(["-c", LAUNCHER])
            .arg(&python)
            .args([
                "-m",
                "mlflow",
                "server",
                "--host",
                "127.0.0.1",
                "--workers",
                "1",
                "--port",
            ])
            .arg(port.to_string())
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", database.display()))
            .arg("--artifacts-destination")
            .arg(directory.path().join("artifacts"))
            .args(more)
            .current_dir(directory.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", directory.path())
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .env("DO_NOT_TRACK", "true")
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
            .envs(environment.iter().copied())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self {
            port,
            database,
            python,
            stdin: launcher.stdin.take(),
            launcher,
            _directory: directory,
        };
        server.wait();
        server
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !self.answers() {
            assert!(
                Instant::now() < deadline,
                "the MLflow server did not come up:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn answers(&self) -> bool {
        use std::io::Read as _;
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let request = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = [0; 12];
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .is_ok()
            && stream.write_all(request.as_bytes()).is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && &answer == b"HTTP/1.1 200"
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.database.with_file_name("server.log")).unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its database, to be read while it runs.
    pub(crate) fn rows<T>(
        &self,
        sql: &str,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let connection = rusqlite::Connection::open(&self.database).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], row).unwrap();
        rows.map(Result::unwrap).collect()
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.rows(sql, |row| row.get(0)).remove(0)
    }

    pub(crate) fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Takes everything out of the database, as if the server were new.
    pub(crate) fn empty(&self) {
        let connection = rusqlite::Connection::open(&self.database).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        let tables: Vec<String> = connection
            .prepare(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let mut script = "PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE;".to_owned();
        for table in tables {
            match table.as_str() {
                "alembic_version" | "workspaces" => {}
                // Every server has experiment 0; tests want to see their own only.
                "experiments" => script.push_str(
                    "DELETE FROM experiments WHERE experiment_id != 0; UPDATE experiments SET lifecycle_stage = 'deleted';",
                ),
                table => script.extend(["DELETE FROM \"", table, "\";"]),
            }
        }
        script.push_str("COMMIT;");
        connection.execute_batch(&script).unwrap();
    }

    /// Runs a script with MLflow's own client, which finds the server in `MLFLOW_TRACKING_URI`, and returns what it prints.
    pub(crate) fn python(&self, script: &str) -> String {
        run_script(
            &self.python,
            self.database.parent().unwrap(),
            &self.uri(),
            script,
        )
    }

    /// The file that the server keeps everything in.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }
}

/// Runs a script with MLflow's client in a directory, without a server.
pub(crate) fn python(series: Series, directory: &Path, script: &str) -> String {
    let python = virtual_environment(series).join("bin/python");
    run_script(&python, directory, "", script)
}

fn run_script(python: &Path, directory: &Path, uri: &str, script: &str) -> String {
    let output = Command::new(python)
        .args(["-c", script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", directory)
        .env("MLFLOW_TRACKING_URI", uri)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .env("MLFLOW_ALLOW_FILE_STORE", "true")
        .env("DO_NOT_TRACK", "true")
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ended = self.launcher.wait();
    }
}

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The virtual environment of a series, made on first use.
fn virtual_environment(series: Series) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let digest = digest(series.requirements().as_bytes());
    let name = format!(
        "mlflow-venv-{series:?}-{}",
        &digest["sha256:".len()..][..12]
    )
    .to_lowercase();
    let (home, mark) = (target.join(&name), target.join(&name).join(".complete"));
    let lock = std::fs::File::create(target.join(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    if mark.exists() {
        return home;
    }
    // It takes a minute, once.
    let _left_half_made = std::fs::remove_dir_all(&home);
    run(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let requirements = target.join(format!("{name}.txt"));
    std::fs::write(&requirements, series.requirements()).unwrap();
    run(Command::new(home.join("bin/python"))
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
        ])
        .arg(&requirements));
    std::fs::write(&mark, "").unwrap();
    home
}

/// What asking who somebody is needs, beside the virtual environment that stays as it is.
fn packages_of_auth() -> PathBuf {
    let requirements = include_str!("../../mlflow-requirements-auth.txt");
    let python = virtual_environment(Series::Three).join("bin/python");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let digest = digest(requirements.as_bytes());
    let home = target.join(format!("mlflow-auth-{}", &digest["sha256:".len()..][..12]));
    let lock = std::fs::File::create(home.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let mark = home.join(".complete");
    if !mark.exists() {
        let file = home.with_extension("txt");
        std::fs::write(&file, requirements).unwrap();
        run(Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"])
            .args(["--disable-pip-version-check", "--target"])
            .arg(&home)
            .arg("-r")
            .arg(&file));
        std::fs::write(&mark, "").unwrap();
    }
    home
}

fn run(command: &mut Command) {
    let done = command.status();
    assert!(
        done.as_ref().is_ok_and(std::process::ExitStatus::success),
        "{command:?} failed ({done:?}). These tests need Python 3 with venv and pip; {SKIP}=1 switches them off"
    );
}
