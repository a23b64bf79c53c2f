//! Notices when the file that was opened is not any more the one at its path.
//!
//! A restored backup or a careless `rm` leaves open connections on a file that nobody else sees; writing on there would lose the writes.
//! Only asks for the file's status and never opens it: closing a file drops all of a process's POSIX locks on it, SQLite's too.

use crate::store::StoreError;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often the status is asked for at the most.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) struct FileWatch {
    path: PathBuf,
    identity: (u64, u64),
    last: Mutex<Instant>,
}

impl FileWatch {
    /// Remembers which file is at the path now.
    pub(super) fn new(path: &Path) -> std::io::Result<Self> {
        let status = std::fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            identity: (status.dev(), status.ino()),
            last: Mutex::new(Instant::now()),
        })
    }

    /// Compares, unless it did so a moment ago.
    pub(super) fn look(&self) -> Result<(), StoreError> {
        {
            let mut last = self
                .last
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.elapsed() < PERIOD {
                return Ok(());
            }
            *last = Instant::now();
        }
        self.compare().inspect_err(|_| {
            // Every later job has to be told as well, so the next look is not put off.
            let mut last = self
                .last
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            *last = last.checked_sub(PERIOD).unwrap_or(*last);
        })
    }

    fn compare(&self) -> Result<(), StoreError> {
        let problem = match std::fs::metadata(&self.path) {
            Ok(status) if (status.dev(), status.ino()) == self.identity => return Ok(()),
            Ok(_) => "another file was put in its place",
            Err(_) => "it was removed or its directory is gone",
        };
        Err(StoreError::Unusable {
            path: self.path.clone(),
            problem: format!("{problem} while it was open"),
            hint: "start modeldeck again to go on with the file that is there now".to_owned(),
        })
    }
}
