//! From a path to checked connections: is the file ours, whole, of a known version, on a local disk, and nobody else's to write?
//!
//! Files and directories are made here, with modes that do not depend on the umask. The database file is never opened except by
//! SQLite: closing any other descriptor of it would drop SQLite's locks in this process.

use super::fault::{Fault, Result};
use super::filesystem::{self, Verdict};
use super::migrate::{self, Found, STEPS};
use super::{files, functions};
use crate::domain::ObjectKind;
use crate::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::cell::Cell;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How a store is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenOptions {
    /// Write nothing, whatever may be written.
    pub read_only: bool,
    /// Make the store where there is none.
    pub create: bool,
}

/// Why a store takes no writes, and what to do about it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) why: String,
    pub(super) hint: String,
}

/// A store that passed all checks.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    /// `None` where the store takes no writes.
    pub(super) writer: Option<Connection>,
    pub(super) refusal: Option<Refusal>,
    pub(super) access: Access,
    pub(super) for_group: bool,
}

/// How further connections are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
    /// A file that nobody changes, read without locks: the only way to read where no lock can be had.
    Immutable,
}

/// How long a lock of another program is waited for.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) fn open(path: &Path, options: OpenOptions) -> std::result::Result<Opened, StoreError> {
    check_engine(path)?;
    let path = std::path::absolute(path).map_err(|error| StoreError::Io {
        doing: format!("looking for the store '{}'", path.display()),
        source: error.into(),
    })?;
    let verdict = filesystem::of(files::nearest(&path));
    open_on(&path, options, verdict)
}

/// Opens a store on a file system that was judged already.
fn open_on(
    path: &Path,
    options: OpenOptions,
    verdict: Verdict,
) -> std::result::Result<Opened, StoreError> {
    let network = match verdict {
        Verdict::Local => None,
        Verdict::Network(name) => Some(on_network(name)),
    };
    let status = match files::status(path)? {
        Some(status) => status,
        None if options.create && !options.read_only => {
            if let Some(refusal) = network {
                return Err(refusal.told(path));
            }
            files::make_private(path)?;
            files::status(path)?
                .ok_or_else(|| StoreError::not_found(ObjectKind::Store, &path.display()))?
        }
        None => return Err(StoreError::not_found(ObjectKind::Store, &path.display())),
    };
    let for_group = files::check_mode(path, &status)?;
    if status.size() == 0 && !for_group && !options.read_only && network.is_none() {
        files::keep_private(path)?;
    }
    // Everything beside the store lies beside the file itself, whatever link led to it.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let asked = options.read_only.then(|| Refusal {
        why: "it was opened for reading only".to_owned(),
        hint: "open it without '--read-only'".to_owned(),
    });
    let doing = "opening the store";
    let told = |fault: Fault| fault.told(path, doing);
    let mut opened = Opened {
        path: path.to_owned(),
        writer: None,
        refusal: network.clone().or(asked),
        access: Access::Read,
        for_group,
    };
    if opened.refusal.is_none() {
        let connection = prepare(path).map_err(told)?;
        if connection
            .is_readonly("main")
            .map_err(Fault::from)
            .map_err(told)?
        {
            opened.refusal = Some(Refusal {
                why: "its file may not be written by this user".to_owned(),
                hint: "only its owner writes it; a store for several users is made empty, with 'modeldeck store init PATH --group GROUP'".to_owned(),
            });
        } else {
            opened.writer = Some(connection);
            opened.access = Access::Write;
            return Ok(opened);
        }
    }
    opened.access = check_readable(path, status.size() == 0, network.is_some()).map_err(told)?;
    Ok(opened)
}

impl Refusal {
    pub(super) fn told(self, path: &Path) -> StoreError {
        StoreError::ReadOnly {
            target: path.display().to_string(),
            why: self.why,
            hint: self.hint,
        }
    }
}

fn on_network(name: &str) -> Refusal {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::effective())
        .ok()
        .flatten()
        .map_or_else(
            || nix::unistd::Uid::effective().to_string(),
            |user| user.name,
        );
    Refusal {
        why: format!(
            "it is on a network file system ({name}), where several writers would damage it"
        ),
        hint: format!(
            "use a local disk, for example '--store /var/tmp/modeldeck-{user}/modeldeck.db'"
        ),
    }
}

/// SQLite before 3.51.3 can damage a write-ahead log with several writers, and 3.52.0 was withdrawn.
fn is_sound(version: i32) -> bool {
    version >= 3_051_003 && version != 3_052_000
}

fn check_engine(path: &Path) -> std::result::Result<(), StoreError> {
    if is_sound(rusqlite::version_number()) {
        return Ok(());
    }
    Err(StoreError::Unusable {
        path: path.to_owned(),
        problem: format!(
            "SQLite {} may damage it when several programs write",
            rusqlite::version()
        ),
        hint: "build modeldeck with its bundled SQLite, 3.51.3 or newer".to_owned(),
    })
}

/// What every connection gets before anything else is asked of it.
fn connect(path: &Path, access: Access) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match access {
        Access::Write => {
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_WRITE)?
        }
        Access::Read => {
            Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_READ_ONLY)?
        }
        Access::Immutable => Connection::open_with_flags(
            files::immutable_uri(path),
            flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
        )?,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    functions::register(&connection)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// A connection that reads a store which passed its checks already.
pub(super) fn reader(path: &Path, access: Access) -> Result<Connection> {
    let access = match access {
        Access::Write | Access::Read => Access::Read,
        Access::Immutable => Access::Immutable,
    };
    connect(path, access)
}

/// The connection that writes: checked, in write-ahead mode, of the newest layout.
///
/// Changing to write-ahead mode is refused without waiting while another process does the same, so all of it is tried again for a while.
fn prepare(path: &Path) -> Result<Connection> {
    let started = Instant::now();
    loop {
        match try_prepare(path) {
            Err(fault) if fault.is_busy() && started.elapsed() < 2 * BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn try_prepare(path: &Path) -> Result<Connection> {
    let mut connection = connect(path, Access::Write)?;
    // Another program's log is not ours to tidy up.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let found = migrate::identify(&mut connection)?;
    let version = accept(path, found)?;
    if connection.is_readonly("main")? {
        return Ok(connection);
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;")?;
    if version < migrate::version_of(STEPS) {
        migrate::migrate(&mut connection, path, STEPS)?;
    }
    connection.busy_handler(Some(wait_a_little))?;
    Ok(connection)
}

/// Waits for a writer's lock in short uneven steps. SQLite's own steps grow to a tenth of a second, and then the one that waited longest is
/// the least likely to be next.
fn wait_a_little(tries: i32) -> bool {
    thread_local! {
        static SINCE: Cell<Instant> = Cell::new(Instant::now());
    }
    if tries == 0 {
        SINCE.set(Instant::now());
    }
    let uneven = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos() % 3000);
    std::thread::sleep(Duration::from_micros(500 + u64::from(uneven)));
    SINCE.get().elapsed() < BUSY_TIMEOUT
}

/// Refuses what is not ours or not of a known layout; gives the version of the layout, 0 for an empty file.
fn accept(path: &Path, found: Found) -> Result<i64> {
    let unusable = |problem: String, hint: &str| {
        Err(StoreError::Unusable {
            path: path.to_owned(),
            problem,
            hint: hint.to_owned(),
        }
        .into())
    };
    let known = migrate::version_of(STEPS);
    match found {
        Found::Empty => Ok(0),
        Found::Ours { version } if version > known => unusable(
            format!("a newer modeldeck wrote it (layout {version}; this one knows up to {known})"),
            "use that newer modeldeck, or another path",
        ),
        Found::Ours { version } if version < 1 => Err(migrate::no_layout(path, version).into()),
        Found::Ours { version } => Ok(version),
        Found::Foreign => unusable(
            "it belongs to another program".to_owned(),
            "use another path",
        ),
    }
}

/// Checks a store that is only read, and finds out how it can be.
fn check_readable(path: &Path, is_empty: bool, on_network: bool) -> Result<Access> {
    let nothing = || {
        Fault::Told(StoreError::Unusable {
            path: path.to_owned(),
            problem: "it is empty".to_owned(),
            hint: "open it once for writing, or use another path".to_owned(),
        })
    };
    if is_empty {
        return Err(nothing());
    }
    let look = |access: Access| {
        let mut connection = connect(path, access)?;
        migrate::identify(&mut connection)
    };
    let (access, found) = if on_network {
        (Access::Immutable, look(Access::Immutable)?)
    } else {
        match look(Access::Read) {
            Ok(found) => (Access::Read, found),
            // Without a log to read the file is complete in itself, and may lie where no shared memory can be made.
            Err(Fault::Sqlite(error))
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::CannotOpen)
                    && files::size(&files::beside(path, "-wal")) == 0 =>
            {
                (Access::Immutable, look(Access::Immutable)?)
            }
            Err(fault) => return Err(fault),
        }
    };
    let version = accept(path, found)?;
    if version == 0 {
        return Err(nothing());
    }
    if version < migrate::version_of(STEPS) {
        return Err(StoreError::Unusable {
            path: path.to_owned(),
            problem: "an older modeldeck wrote it".to_owned(),
            hint: "open it once for writing, so that its layout is brought forward".to_owned(),
        }
        .into());
    }
    Ok(access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_sqlite_that_damage_stores_are_refused() {
        for (version, sound) in [
            (3_051_002, false),
            (3_051_003, true),
            (3_052_000, false),
            (3_053_002, true),
            (3_046_000, false),
        ] {
            assert_eq!(is_sound(version), sound, "{version}");
        }
        assert!(is_sound(rusqlite::version_number()));
    }

    #[test]
    fn on_a_network_file_system_a_store_is_read_but_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modeldeck.db");
        let create = OpenOptions {
            create: true,
            ..OpenOptions::default()
        };
        let error = open_on(&path, create, Verdict::Network("NFS"))
            .map(|_| ())
            .unwrap_err();
        assert!(
            matches!(&error, StoreError::ReadOnly { hint, .. } if hint.contains("/var/tmp/modeldeck-")),
            "{error}"
        );
        assert!(!path.exists());

        drop(open_on(&path, create, Verdict::Local).unwrap());
        let opened = open_on(&path, create, Verdict::Network("NFS")).unwrap();
        assert!(opened.writer.is_none() && opened.refusal.is_some());
        assert_eq!(opened.access, Access::Immutable);
    }
}
