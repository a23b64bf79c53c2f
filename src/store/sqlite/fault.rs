//! What goes wrong inside a job on a connection, and how it is told outside.

use crate::domain::ObjectKind;
use crate::store::StoreError;
use rusqlite::{ErrorCode, ffi};
use std::path::Path;

/// Either told already, or still SQLite's own error, which is told at the border where the job's purpose is known.
#[derive(Debug)]
pub(super) enum Fault {
    Told(StoreError),
    Sqlite(rusqlite::Error),
}

pub(super) type Result<T, E = Fault> = std::result::Result<T, E>;

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Stored JSON that does not read back was not written by this program.
impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Sqlite(rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            Box::new(error),
        ))
    }
}

/// What to do with a store that is damaged; nothing is repaired silently.
pub(super) const RESTORE: &str = "the file is left as it is; move it away with the '-wal' and '-shm' files beside it and put a backup in its place, or use another path";

impl Fault {
    /// Tells the fault as the store's error.
    pub(super) fn told(self, path: &Path, doing: &'static str) -> StoreError {
        match self {
            Self::Told(error) => error,
            Self::Sqlite(error) => told(error, path, doing),
        }
    }

    /// Whether another connection held a lock for too long.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if matches!(error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)))
    }
}

fn told(error: rusqlite::Error, path: &Path, doing: &'static str) -> StoreError {
    let io = |problem: String| StoreError::Io {
        doing: doing.to_owned(),
        source: problem.into(),
    };
    let unusable = |problem: String, hint: &str| StoreError::Unusable {
        path: path.to_owned(),
        problem,
        hint: hint.to_owned(),
    };
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::FileLockingProtocolFailed,
        ) => StoreError::Busy {
            doing: doing.to_owned(),
        },
        Some(ErrorCode::DiskFull) => io("the disk is full: nothing was written".to_owned()),
        Some(ErrorCode::SystemIoFailure) => io(format!(
            "the disk did not do what was asked ({error}): nothing was written"
        )),
        Some(ErrorCode::NotADatabase) => unusable(
            "it is not a store of modeldeck".to_owned(),
            "use another path, or move this file away",
        ),
        Some(ErrorCode::DatabaseCorrupt) => unusable(format!("it is damaged ({error})"), RESTORE),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Unauthorized {
            message: format!("the store '{}' cannot be opened: {error}", path.display()),
            hint:
                "look at the permissions of the file, of the files beside it and of its directory"
                    .to_owned(),
        },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly {
            target: path.display().to_string(),
            why: format!("its file or directory may not be written ({error})"),
            hint: "look at the permissions of the file and of its directory".to_owned(),
        },
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict {
            kind: ObjectKind::Store,
            id: path.display().to_string(),
            detail: Some(error.to_string()),
        },
        _ => match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => {
                unusable(format!("it holds something unknown ({error})"), RESTORE)
            }
            error => StoreError::Io {
                doing: doing.to_owned(),
                source: error.into(),
            },
        },
    }
}

/// Which promise of the schema a statement broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    Unique,
    ForeignKey,
    Trigger,
}

/// Looks whether a statement broke a promise of the schema.
pub(super) fn broken(error: &rusqlite::Error) -> Option<Broken> {
    match error.sqlite_error()?.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => Some(Broken::Unique),
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Some(Broken::ForeignKey),
        ffi::SQLITE_CONSTRAINT_TRIGGER => Some(Broken::Trigger),
        _ => None,
    }
}

/// An insert that found the name taken is told as *already exists*.
pub(super) fn taken<T>(
    result: rusqlite::Result<T>,
    kind: ObjectKind,
    id: &impl ToString,
) -> Result<T> {
    result.map_err(|error| {
        if broken(&error) == Some(Broken::Unique) {
            StoreError::AlreadyExists {
                kind,
                id: id.to_string(),
            }
            .into()
        } else {
            error.into()
        }
    })
}
