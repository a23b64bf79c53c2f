//! A copy of one moment of a store, read through before it counts as one.

use super::fault::{Fault, RESTORE, Result};
use super::migrate;
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

pub(super) fn io(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Fault {
    let doing = format!("{doing} '{}'", path.display());
    move |error| {
        Fault::Told(StoreError::Io {
            doing,
            source: error.into(),
        })
    }
}

/// Copies the store behind a connection into a new file; where that fails no file is left. Others may write meanwhile.
pub(super) fn copy(from: &Connection, source: &Path, target: &Path) -> Result<()> {
    // SQLite takes the name as text, and would write to another one.
    let Some(name) = target.to_str() else {
        return Err(StoreError::Invalid {
            message: format!(
                "no copy can be written to '{}', because this path is not UTF-8",
                target.display()
            ),
        }
        .into());
    };
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(io("making the copy", target))?;
    let copied = from
        .execute("VACUUM INTO ?1", [name])
        .map_err(Fault::from)
        .and_then(|_| verify(source, target))
        .and_then(|()| {
            File::open(target)
                .and_then(|file| file.sync_all())
                .map_err(io("writing the copy", target))
        });
    if copied.is_err() {
        // Half a copy is worse than none; the error tells why there is none.
        let _ = std::fs::remove_file(target);
    }
    copied
}

/// Reads a copy through.
fn verify(source: &Path, target: &Path) -> Result<()> {
    let mut copy = Connection::open_with_flags(
        target,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    let verdict: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    let found = migrate::identify(&mut copy)?;
    if verdict == "ok" && matches!(found, migrate::Found::Ours { .. }) {
        return Ok(());
    }
    Err(StoreError::Unusable {
        path: source.to_owned(),
        problem: format!("a copy of it is not sound ({verdict}); no backup was made"),
        hint: RESTORE.to_owned(),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt as _;

    #[test]
    fn a_copy_that_does_not_read_through_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let (source, target) = (directory.path().join("a.db"), directory.path().join("b.db"));
        let copy = Connection::open(&target).unwrap();
        copy.execute_batch("PRAGMA page_size = 4096; CREATE TABLE a (x); INSERT INTO a VALUES (randomblob(2000)), (randomblob(2000));")
            .unwrap();
        copy.pragma_update(None, "application_id", migrate::APPLICATION_ID)
            .unwrap();
        copy.pragma_update(None, "user_version", 1).unwrap();
        drop(copy);
        verify(&source, &target).unwrap();
        // The page behind the first, which says what the file is.
        let file = std::fs::OpenOptions::new().write(true).open(&target);
        file.unwrap().write_all_at(&[0; 4096], 4096).unwrap();
        let told = format!("{:?}", verify(&source, &target).unwrap_err());
        assert!(
            told.contains("is not sound") && told.contains("no backup was made"),
            "{told}"
        );
    }
}
