//! One run of the program: arguments and expectations in, what it said out.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) struct Test {
    command: Command,
    stdin: Vec<u8>,
    stdout: Option<String>,
    stderr: Option<String>,
    stdout_has: Vec<String>,
    stderr_has: Vec<String>,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON on stdout ({error}):\n{}", self.stdout))
    }

    /// The error that `--json` puts on stderr.
    pub(crate) fn json_error(&self) -> serde_json::Value {
        let document: serde_json::Value = serde_json::from_str(&self.stderr)
            .unwrap_or_else(|error| panic!("no JSON on stderr ({error}):\n{}", self.stderr));
        document["error"].clone()
    }
}

impl Test {
    /// The program in a home, with nothing else in its environment.
    pub(crate) fn new(home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modeldeck"));
        command
            .env_clear()
            .env("HOME", home)
            .env("TZ", "UTC")
            .current_dir(home);
        Self {
            command,
            stdin: Vec::new(),
            stdout: None,
            stderr: None,
            stdout_has: Vec::new(),
            stderr_has: Vec::new(),
        }
    }

    pub(crate) fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// As another UNIX user, in the group 100 (`users`).
    pub(crate) fn user(self, uid: u32) -> Self {
        self.user_and_group(uid, 100)
    }

    pub(crate) fn user_and_group(mut self, uid: u32, gid: u32) -> Self {
        self.command.uid(uid).gid(gid);
        self
    }

    /// Expects exactly this on stdout.
    pub(crate) fn stdout(mut self, expected: impl Into<String>) -> Self {
        self.stdout = Some(expected.into());
        self
    }

    /// Expects exactly this on stderr.
    pub(crate) fn stderr(mut self, expected: impl Into<String>) -> Self {
        self.stderr = Some(expected.into());
        self
    }

    pub(crate) fn stdout_has(mut self, part: impl Into<String>) -> Self {
        self.stdout_has.push(part.into());
        self
    }

    pub(crate) fn stderr_has(mut self, part: impl Into<String>) -> Self {
        self.stderr_has.push(part.into());
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// Runs and asserts exit code 0.
    pub(crate) fn success(self) -> Done {
        self.code(0)
    }

    /// Runs and asserts the exit code and all expectations.
    pub(crate) fn code(mut self, expected: i32) -> Done {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whether the program reads its stdin is its own affair.
        let _ = child.stdin.take().unwrap().write_all(&self.stdin);
        let output = child.wait_with_output().unwrap();
        let done = Done {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        let told = format!(
            "{:?}\nstdout:\n{}\nstderr:\n{}",
            self.command.get_args(),
            done.stdout,
            done.stderr
        );
        assert_eq!(output.status.code(), Some(expected), "{told}");
        if let Some(stdout) = &self.stdout {
            assert_eq!(&done.stdout, stdout, "{told}");
        }
        if let Some(stderr) = &self.stderr {
            assert_eq!(&done.stderr, stderr, "{told}");
        }
        for part in &self.stdout_has {
            assert!(done.stdout.contains(part), "stdout lacks '{part}': {told}");
        }
        for part in &self.stderr_has {
            assert!(done.stderr.contains(part), "stderr lacks '{part}': {told}");
        }
        done
    }
}
