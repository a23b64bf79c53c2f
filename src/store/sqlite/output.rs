//! Captured output of runs, in files beside the database: `modeldeck.db.artifacts/RUN/output.log` for `modeldeck.db`.
//!
//! Files, because output is any bytes at any speed and belongs in no transaction. A run's directory and file are opened without following
//! symbolic links, so nobody who may write there can turn the output elsewhere. Knows no SQL; whether a run is there is asked before.

use crate::domain::approval::hex;
use crate::domain::run::OUTPUT_LOG;
use crate::domain::{Artifact, ObjectKind, RunId};
use crate::store::{OutputTail, StoreError};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, fchmod, futimens, mkdirat};
use nix::sys::time::TimeSpec;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct Output {
    place: Arc<Place>,
    known: Mutex<HashSet<RunId>>,
}

struct Place {
    root: PathBuf,
    directory_mode: Mode,
    file_mode: Mode,
}

type Io<T> = std::io::Result<T>;

impl Output {
    /// Output of the store at `database`; in a group's store the group may read and write it.
    pub(super) fn beside(database: &Path, for_group: bool) -> Self {
        let bits =
            |own: u32, group: u32| Mode::from_bits_truncate(if for_group { group } else { own });
        Self {
            place: Arc::new(Place {
                root: super::files::beside(database, ".artifacts"),
                directory_mode: bits(0o700, 0o2770),
                file_mode: bits(0o600, 0o660),
            }),
            known: Mutex::default(),
        }
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.place.root.clone()
    }

    pub(super) fn knows(&self, run_id: &RunId) -> bool {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(run_id)
    }

    pub(super) fn remember(&self, run_id: &RunId) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(run_id.clone());
    }

    pub(super) async fn append(&self, run_id: &RunId, bytes: &[u8]) -> Result<(), StoreError> {
        let bytes = bytes.to_vec();
        self.aside(run_id, "writing a run's output", move |place, run| {
            let (root, file) = place.writable(run)?;
            let mut file = File::from(file);
            file.write_all(&bytes)?;
            mark_changed(&root);
            Ok(())
        })
        .await
    }

    /// Changes with every append, by whichever process. Costs one look at a directory.
    pub(super) fn pulse(&self) -> impl Fn() -> i128 + Send + use<> {
        let place = Arc::clone(&self.place);
        move || {
            std::fs::metadata(&place.root).map_or(0, |status| {
                i128::from(status.mtime()) * 1_000_000_000 + i128::from(status.mtime_nsec())
            })
        }
    }

    pub(super) async fn tail(
        &self,
        run_id: &RunId,
        limit: usize,
    ) -> Result<OutputTail, StoreError> {
        self.aside(run_id, "reading a run's output", move |place, run| {
            let Some((_, mut file)) = place.readable(run)? else {
                return Ok(OutputTail::default());
            };
            let total = file.metadata()?.len();
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            file.seek(SeekFrom::Start(total.saturating_sub(limit)))?;
            let mut bytes = Vec::new();
            // What is appended meanwhile belongs to the next look.
            file.take(limit.min(total)).read_to_end(&mut bytes)?;
            Ok(OutputTail { bytes, total })
        })
        .await
    }

    /// The output as an open file, for reading it whole.
    pub(super) async fn file(&self, run_id: &RunId) -> Result<Option<File>, StoreError> {
        self.aside(run_id, "opening a run's output", move |place, run| {
            Ok(place.readable(run)?.map(|(_, file)| file))
        })
        .await
    }

    pub(super) async fn finish(&self, run_id: &RunId) -> Result<Option<Artifact>, StoreError> {
        self.aside(run_id, "closing a run's output", move |place, run| {
            let Some((directory, mut file)) = place.readable(run)? else {
                return Ok(None);
            };
            file.sync_all()?;
            directory.sync_all()?;
            File::open(&place.root)?.sync_all()?;
            let (mut digest, mut size, mut block) = (Sha256::new(), 0, vec![0; 1 << 16]);
            loop {
                let length = file.read(&mut block)?;
                if length == 0 {
                    break;
                }
                digest.update(&block[..length]);
                size += u64::try_from(length).unwrap_or(0);
            }
            Ok(Some(Artifact {
                path: OUTPUT_LOG.to_owned(),
                size,
                digest: format!("sha256:{}", hex(&digest.finalize())),
            }))
        })
        .await
    }

    /// Does file work where it holds up nobody.
    async fn aside<T: Send + 'static>(
        &self,
        run_id: &RunId,
        doing: &'static str,
        work: impl FnOnce(&Place, &str) -> Io<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let name = run_id.as_str();
        // The type allows no such id, but ids that a store handed out were not checked again.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(StoreError::not_found(ObjectKind::Run, run_id));
        }
        let (place, name) = (Arc::clone(&self.place), name.to_owned());
        let done = tokio::task::spawn_blocking(move || work(&place, &name)).await;
        let result = done.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(std::io::Error::other(error)),
        });
        result.map_err(|error| StoreError::Io {
            doing: doing.to_owned(),
            source: told(error),
        })
    }
}

fn told(error: std::io::Error) -> Box<dyn std::error::Error + Send + Sync> {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            "the disk is full".into()
        }
        _ => error.into(),
    }
}

/// Sets the directory's time, which is how others see that there is more output: the database does not change with it. Exact where the
/// directory is ours; the kernel's own idea of now may be the same for a few milliseconds.
fn mark_changed(root: &OwnedFd) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(TimeSpec::UTIME_NOW, TimeSpec::from_duration);
    if futimens(root, &TimeSpec::UTIME_OMIT, &now).is_err() {
        // The output itself is written; a look that comes late is no reason to fail.
        let _ = futimens(root, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW);
    }
}

const DIRECTORY: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

impl Place {
    /// Opens the directory of all output and the log of a run for appending, and makes what is missing on the way.
    fn writable(&self, run: &str) -> Io<(OwnedFd, OwnedFd)> {
        let root = match open(
            &self.root,
            OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        ) {
            Err(Errno::ENOENT) => {
                match nix::unistd::mkdir(&self.root, self.directory_mode) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                let root = open(&self.root, DIRECTORY, Mode::empty())?;
                Self::share(&root, self.directory_mode)?;
                root
            }
            other => other?,
        };
        let directory = match openat(&root, run, DIRECTORY, Mode::empty()) {
            Err(Errno::ENOENT) => {
                match mkdirat(&root, run, self.directory_mode) {
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                let directory = openat(&root, run, DIRECTORY, Mode::empty())?;
                Self::share(&directory, self.directory_mode)?;
                directory
            }
            other => other?,
        };
        let append = OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = match openat(&directory, OUTPUT_LOG, append, Mode::empty()) {
            Err(Errno::ENOENT) => {
                let file = openat(
                    &directory,
                    OUTPUT_LOG,
                    append | OFlag::O_CREAT,
                    self.file_mode,
                )?;
                Self::share(&file, self.file_mode)?;
                file
            }
            other => other?,
        };
        Ok((root, file))
    }

    /// Gives what was just made its mode whatever the umask is. Somebody else of the group may have made it first; then it has its mode.
    fn share(file: &OwnedFd, mode: Mode) -> Io<()> {
        match fchmod(file, mode) {
            Ok(()) | Err(Errno::EPERM) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the log of a run for reading, where there is one.
    fn readable(&self, run: &str) -> Io<Option<(File, File)>> {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let opened = open(
            &self.root,
            OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .and_then(|root| openat(&root, run, DIRECTORY, Mode::empty()))
        .and_then(|directory| {
            let file = openat(&directory, OUTPUT_LOG, flags, Mode::empty())?;
            Ok((File::from(directory), File::from(file)))
        });
        match opened {
            Ok(files) => Ok(Some(files)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
