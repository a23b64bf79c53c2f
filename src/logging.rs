//! The log: a file under the state directory, never the screen, which belongs to the answer or to the UI.
//!
//! Knows neither the command line nor the settings file; it is told where and how much.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Mutex;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// A log larger than this is put aside at the next start; one old file is kept.
const LARGEST: u64 = 5 * 1024 * 1024;

/// Raises a level by some steps towards trace.
pub fn raised(level: Level, steps: u8) -> Level {
    const LEVELS: [Level; 5] = [
        Level::ERROR,
        Level::WARN,
        Level::INFO,
        Level::DEBUG,
        Level::TRACE,
    ];
    let at = LEVELS
        .iter()
        .position(|known| *known == level)
        .unwrap_or_default();
    LEVELS[(at + usize::from(steps)).min(LEVELS.len() - 1)]
}

/// Starts logging into a file that only its owner reads. Failing to is no reason to stop: the caller says so once and goes on.
pub fn start(path: &Path, level: Level) -> io::Result<()> {
    let file = open(path)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Mutex::new(file));
    let own = Targets::new()
        .with_target("modeldeck", level)
        .with_default(Level::WARN.min(level));
    // A second start in one process (a test) keeps the first log.
    let _already_started = tracing_subscriber::registry()
        .with(own)
        .with(lines)
        .try_init();
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    if fs::metadata(path).is_ok_and(|found| found.len() > LARGEST) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    // Appending lets several programs write whole lines into one file.
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_its_owners_alone_and_has_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/modeldeck.log");
        open(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let fresh = open(&path).unwrap();
        assert_eq!(fresh.metadata().unwrap().len(), 0);
        assert_eq!(
            fs::metadata(dir.path().join("state/modeldeck.log.old"))
                .unwrap()
                .len(),
            LARGEST + 1
        );
    }

    #[test]
    fn each_v_is_a_step() {
        assert_eq!(raised(Level::WARN, 0), Level::WARN);
        assert_eq!(raised(Level::WARN, 1), Level::INFO);
        assert_eq!(raised(Level::WARN, 9), Level::TRACE);
    }
}
