//! A throw-away home: its own directories, its own store, a cleared environment.

use super::Test;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        // Other users pass through to the places that are made for them.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The store that commands use unless told otherwise.
    pub(crate) fn store(&self) -> PathBuf {
        self.path().join(".local/share/modeldeck/modeldeck.db")
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// A command of the program, in this home.
    pub(crate) fn deck<I>(&self, args: I) -> Test
    where
        I: IntoIterator,
        I::Item: AsRef<std::ffi::OsStr>,
    {
        Test::new(self.path()).args(args)
    }

    /// Runs a line of words that has to succeed, and returns what it printed without the line end.
    pub(crate) fn run(&self, line: &str) -> String {
        let done = self.deck(line.split_whitespace()).success();
        done.stdout.trim_end().to_owned()
    }

    /// Runs a line of words with `--json` that has to succeed, and returns the document.
    pub(crate) fn json(&self, line: &str) -> serde_json::Value {
        self.deck(line.split_whitespace())
            .args(["--json"])
            .success()
            .json()
    }
}
