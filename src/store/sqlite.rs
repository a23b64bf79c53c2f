//! The local store: one SQLite file, many processes at once.
//!
//! One thread writes, two read, one looks for changes (`lane`); writes that gather meanwhile become durable together (`group`). Each domain has a file of queries; lists share one way of
//! filtering (`filter`) and paging (`list`). Nothing here knows a rule of the lifecycle, but the schema guards those that two programs
//! racing could break.

mod audit;
mod column;
mod copy;
mod deployments;
mod drift;
mod experiments;
mod fault;
mod files;
mod filesystem;
mod filter;
mod functions;
mod group;
mod import;
mod keys;
mod lane;
mod list;
mod metrics;
mod migrate;
mod mlflow_file;
mod open;
mod order;
mod output;
mod registry;
mod run_store;
mod runs;
mod sync;
mod upkeep;
mod versions;
mod watch;

pub use mlflow_file::MlflowFile;
pub use open::OpenOptions;

use crate::domain::{ObjectKind, Revision};
use crate::store::StoreError;
use fault::{Fault, Result};
use lane::Lane;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a new store is made.
#[derive(Debug, Clone, Default)]
pub struct InitOptions {
    /// The group of users that shares the store; `None` for the owner's alone.
    pub group: Option<String>,
}

/// A store in one SQLite file. Dropping it ends its threads after the writes that were accepted.
pub struct SqliteStore {
    path: PathBuf,
    access: open::Access,
    refusal: Option<open::Refusal>,
    output: output::Output,
    group: Arc<group::Group>,
    // The lanes end in this order, so that the writer is the last connection and tidies up the write-ahead log.
    pulse: Lane,
    readers: Lane,
    writer: Option<Lane>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.path)
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

/// The name of the network file system that a path is on or would be on, where stores are not written.
pub fn network_file_system(path: &Path) -> Option<&'static str> {
    let path = std::path::absolute(path).ok()?;
    match filesystem::of(files::nearest(&path)) {
        filesystem::Verdict::Local => None,
        filesystem::Verdict::Network(name) => Some(name),
    }
}

impl SqliteStore {
    /// Opens a store; makes it where there is none, if the options say so. Blocks for a few milliseconds.
    pub fn open(path: &Path, options: OpenOptions) -> crate::store::Result<Self> {
        Self::start(open::open(path, options)?)
    }

    /// Makes a store where none is.
    pub fn init(path: &Path, options: &InitOptions) -> crate::store::Result<Self> {
        let path = &std::path::absolute(path).map_err(|error| StoreError::Io {
            doing: format!("making the store '{}'", path.display()),
            source: error.into(),
        })?;
        if path.symlink_metadata().is_ok() {
            return Err(StoreError::AlreadyExists {
                kind: ObjectKind::Store,
                id: path.display().to_string(),
            });
        }
        if let Some(group) = &options.group {
            // Judged before anything is made for the group.
            if let filesystem::Verdict::Local = filesystem::of(files::nearest(path)) {
                files::make_for_group(path, group)?;
            }
        }
        let create = OpenOptions {
            create: true,
            read_only: false,
        };
        Self::open(path, create)
    }

    fn start(opened: open::Opened) -> crate::store::Result<Self> {
        let open::Opened {
            path,
            writer,
            refusal,
            access,
            for_group,
        } = opened;
        let watch = || {
            watch::FileWatch::new(&path).map_err(|error| StoreError::Io {
                doing: format!("looking at the store '{}'", path.display()),
                source: error.into(),
            })
        };
        let connect = || {
            let path = path.clone();
            move || {
                open::reader(&path, access).map_err(|fault| fault.told(&path, "opening the store"))
            }
        };
        let readers = Lane::new("store-read", 2, path.clone(), Some(watch()?), connect());
        let pulse = Lane::new("store-pulse", 1, path.clone(), Some(watch()?), connect());
        let writer = match writer {
            Some(connection) => {
                let lane = Lane::new("store-write", 1, path.clone(), Some(watch()?), connect());
                lane.start_with(connection);
                Some(lane)
            }
            None => None,
        };
        Ok(Self {
            output: output::Output::beside(&path, for_group),
            group: Arc::new(group::Group::new(&path)),
            path,
            access,
            refusal,
            pulse,
            readers,
            writer,
        })
    }

    /// Refuses where nothing can be written.
    fn writable(&self) -> crate::store::Result<&Lane> {
        self.writer.as_ref().ok_or_else(|| {
            let refusal = self.refusal.clone().unwrap_or_else(|| open::Refusal {
                why: "it was opened for reading only".to_owned(),
                hint: String::new(),
            });
            refusal.told(&self.path)
        })
    }

    /// Reads one moment of the store.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> crate::store::Result<T> {
        self.readers
            .read(doing, move |connection| {
                let tx = connection.transaction()?;
                job(&tx)
            })
            .await
    }

    /// Writes all or nothing; durable when it returns.
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        job: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> crate::store::Result<T> {
        self.group.write(self.writable()?, doing, job).await
    }
}

/// A lost race: the revision that was read is not the one stored.
fn lost(kind: ObjectKind, id: &impl ToString, read: Revision, stored: Revision) -> Fault {
    StoreError::Conflict {
        kind,
        id: id.to_string(),
        detail: Some(format!("it is at revision {stored}, and {read} was read")),
    }
    .into()
}
