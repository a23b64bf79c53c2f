//! The layout's steps, each in one transaction with its version, after a backup of what was there.
//!
//! Own code instead of a migration crate: the backup has to be taken while nobody else can write, and the released crates want
//! another rusqlite.

use super::copy;
use super::fault::{RESTORE, Result};
use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};

/// `MDK1`: how a file says that it is ours.
pub(super) const APPLICATION_ID: i64 = 0x4D44_4B31;

/// Step N brings a store from version N to version N + 1.
pub(super) const STEPS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_sync.sql"),
];

/// The version of the layout that a list of steps leads to.
pub(super) fn version_of(steps: &[&str]) -> i64 {
    i64::try_from(steps.len()).expect("there are few steps")
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing is in it yet.
    Empty,
    Ours {
        version: i64,
    },
    Foreign,
}

/// Looks what a file is, in one read so that a store being made by another process is seen whole or not at all.
pub(super) fn identify(connection: &mut Connection) -> Result<Found> {
    let tx = connection.transaction()?;
    let ask = |sql: &str| tx.query_row(sql, [], |row| row.get::<_, i64>(0));
    let objects = ask("SELECT count(*) FROM sqlite_schema")?;
    let application = ask("PRAGMA application_id")?;
    let version = ask("PRAGMA user_version")?;
    Ok(match (application, version, objects) {
        (APPLICATION_ID, version, _) => Found::Ours { version },
        (0, 0, 0) => Found::Empty,
        _ => Found::Foreign,
    })
}

/// Brings a store to the version that the steps lead to. Many processes may do this at once: one does it, the others find it done.
pub(super) fn migrate(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    loop {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        // A layout that no modeldeck has is refused before this; another program may have set it since.
        let Ok(done) = usize::try_from(at) else {
            return Err(no_layout(path, at).into());
        };
        // A new store is made whole, so that nobody finds it half made and takes a backup of nothing.
        let next = if at == 0 {
            steps.len()
        } else {
            done.saturating_add(1)
        };
        let Some(missing) = steps.get(done..next).filter(|missing| !missing.is_empty()) else {
            return Ok(());
        };
        if at > 0 {
            // Others may read but not write while this transaction is open, so this is exactly what the step starts from.
            backup_before(path, at)?;
        }
        for step in missing {
            tx.execute_batch(step)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        let version = version_of(&steps[..next]);
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
        tracing::info!(path = %path.display(), version, "the store's layout was brought forward");
    }
}

/// A number that is no layout's.
pub(super) fn no_layout(path: &Path, version: i64) -> StoreError {
    StoreError::Unusable {
        path: path.to_owned(),
        problem: format!("it is damaged (its layout is {version}, which none is)"),
        hint: RESTORE.to_owned(),
    }
}

/// Copies the store to `modeldeck.db.backup-vN` beside it and reads the copy through. One that is there already is older than this one and kept under its name.
fn backup_before(path: &Path, version: i64) -> Result<PathBuf> {
    let name = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut target = name(&format!(".backup-v{version}"));
    let mut more = 1;
    while target.exists() {
        more += 1;
        target = name(&format!(".backup-v{version}-{more}"));
    }
    let source = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    copy::copy(&source, path, &target)?;
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .unwrap();
        connection
    }

    #[test]
    fn a_store_is_backed_up_before_each_step_but_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modeldeck.db");
        let mut connection = open(&path);
        let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
        migrate(&mut connection, &path, &[first]).unwrap();
        assert_eq!(
            std::fs::read_dir(directory.path())
                .unwrap()
                .filter(|entry| {
                    entry
                        .as_ref()
                        .unwrap()
                        .file_name()
                        .to_string_lossy()
                        .contains("backup")
                })
                .count(),
            0
        );

        migrate(&mut connection, &path, &[first, "UPDATE a SET x = 2;"]).unwrap();
        let backup = Connection::open(directory.path().join("modeldeck.db.backup-v1")).unwrap();
        let ask = |connection: &Connection, sql: &str| {
            connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(ask(&backup, "SELECT x FROM a"), 1);
        assert_eq!(ask(&backup, "PRAGMA user_version"), 1);
        assert_eq!(ask(&connection, "SELECT x FROM a"), 2);
        assert_eq!(
            identify(&mut connection).unwrap(),
            Found::Ours { version: 2 }
        );
    }

    #[test]
    fn a_store_that_has_no_sound_backup_is_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modeldeck.db");
        let mut connection = open(&path);
        let first = "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);";
        migrate(&mut connection, &path, &[first]).unwrap();
        // The copy takes this along, and only looking at the copy finds it.
        connection.pragma_update(None, "application_id", 7).unwrap();
        let told = migrate(&mut connection, &path, &[first, "UPDATE a SET x = 7;"]).unwrap_err();
        let told = format!("{told:?}");
        assert!(told.contains("no backup was made"), "{told}");
        let ask = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        assert_eq!(ask("SELECT x FROM a"), Ok(1));
        assert_eq!(ask("PRAGMA user_version"), Ok(1));
        let left = std::fs::read_dir(directory.path()).unwrap();
        let names = left.map(|entry| entry.unwrap().file_name());
        assert!(
            !names
                .into_iter()
                .any(|name| name.to_string_lossy().contains("backup"))
        );
    }

    #[test]
    fn a_layout_below_nothing_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modeldeck.db");
        let mut connection = open(&path);
        let first = "CREATE TABLE a (x);";
        migrate(&mut connection, &path, &[first]).unwrap();
        for version in [-1, i64::from(i32::MIN)] {
            connection
                .pragma_update(None, "user_version", version)
                .unwrap();
            let told = migrate(&mut connection, &path, &[first, first]).unwrap_err();
            let told = format!("{told:?}");
            assert!(told.contains(&version.to_string()), "{told}");
        }
    }

    #[test]
    fn a_step_that_fails_leaves_everything_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modeldeck.db");
        let mut connection = open(&path);
        let first = "CREATE TABLE a (x);";
        migrate(&mut connection, &path, &[first]).unwrap();
        let bad = "CREATE TABLE b (x); INSERT INTO nothing VALUES (1);";
        assert!(migrate(&mut connection, &path, &[first, bad]).is_err());
        assert_eq!(
            identify(&mut connection).unwrap(),
            Found::Ours { version: 1 }
        );
        assert!(connection.prepare("SELECT * FROM b").is_err());
    }
}
