//! The files and directories of a local store: who may do what with them, whatever the umask says.

use crate::domain::ObjectKind;
use crate::store::StoreError;
use nix::unistd::{Gid, Group};
use std::fs::{DirBuilder, Metadata, Permissions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

type Result<T> = std::result::Result<T, StoreError>;

fn failed(doing: &str, path: &Path, error: std::io::Error) -> StoreError {
    let doing = format!("{doing} '{}'", path.display());
    if error.kind() == ErrorKind::PermissionDenied {
        return StoreError::Unauthorized {
            message: format!("{doing}: {error}"),
            hint: "use a path in a directory of your own".to_owned(),
        };
    }
    StoreError::Io {
        doing,
        source: error.into(),
    }
}

/// The path with a suffix on its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The size of a file, 0 where there is none.
pub(super) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |status| status.len())
}

/// The path itself, or the nearest directory above it that is there.
pub(super) fn nearest(path: &Path) -> &Path {
    path.ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("/"))
}

/// The status of the store's file; `None` where there is none.
pub(super) fn status(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(status) if status.is_file() => Ok(Some(status)),
        Ok(status) => Err(StoreError::Unusable {
            path: path.to_owned(),
            problem: if status.is_dir() {
                "it is a directory".to_owned()
            } else {
                "it is no ordinary file".to_owned()
            },
            hint: "name a file; a store is one file with two more beside it".to_owned(),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("looking for the store", path, error)),
    }
}

/// Refuses a file that others may write, except a group's store; tells whether it is one.
pub(super) fn check_mode(path: &Path, status: &Metadata) -> Result<bool> {
    let mode = status.mode() & 0o777;
    if mode & 0o022 == 0 {
        return Ok(false);
    }
    let directory = path
        .parent()
        .and_then(|parent| std::fs::metadata(parent).ok());
    let for_group = mode == 0o660
        && directory.is_some_and(|directory| {
            directory.mode() & 0o2002 == 0o2000 && directory.gid() == status.gid()
        });
    if for_group {
        return Ok(true);
    }
    Err(StoreError::Unauthorized {
        message: format!(
            "the store '{}' may be written by other users (its mode is {mode:04o})",
            path.display()
        ),
        hint: format!(
            "'chmod 600 {}' makes it its owner's alone; 'modeldeck store init PATH --group GROUP' makes a new, empty one for a group",
            path.display()
        ),
    })
}

/// Makes an empty file that is its owner's alone, in directories that are so too where they have to be made. One that another
/// process made in the meantime is as good.
pub(super) fn make_private(path: &Path) -> Result<()> {
    if let Some(directory) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| failed("making the directory", directory, error))?;
    }
    match place_empty(path, |_| Ok(())) {
        Err(StoreError::AlreadyExists { .. }) => Ok(()),
        other => other,
    }
}

/// Makes an empty file that was there already its owner's alone before anything is in it.
pub(super) fn keep_private(path: &Path) -> Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
        .map_err(|error| failed("setting the mode of", path, error))
}

/// Makes an empty file for a group in a directory of the group.
pub(super) fn make_for_group(path: &Path, group: &str) -> Result<()> {
    let gid = group_id(group)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    if directory.exists() {
        share_directory(directory, group, gid)?;
    } else {
        let missing: Vec<&Path> = directory
            .ancestors()
            .take_while(|ancestor| !ancestor.exists())
            .collect();
        for directory in missing.into_iter().rev() {
            DirBuilder::new()
                .mode(0o700)
                .create(directory)
                .map_err(|error| failed("making the directory", directory, error))?;
            give(directory, gid, 0o2770, group)?;
        }
    }
    place_empty(path, |file| give(file, gid, 0o660, group))
}

fn group_id(group: &str) -> Result<Gid> {
    match Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid),
        Ok(None) => Err(StoreError::Invalid {
            message: format!(
                "there is no group '{}' on this host",
                crate::domain::text::visible(group)
            ),
        }),
        Err(error) => Err(StoreError::Io {
            doing: "looking for the group".to_owned(),
            source: error.into(),
        }),
    }
}

/// Takes a directory that is the group's already, or makes an empty one so; any other is left as it is.
fn share_directory(directory: &Path, group: &str, gid: Gid) -> Result<()> {
    let look = |error| failed("looking at the directory", directory, error);
    let status = std::fs::metadata(directory).map_err(look)?;
    if status.gid() == gid.as_raw() && status.mode() & 0o2077 == 0o2070 {
        return Ok(());
    }
    if std::fs::read_dir(directory).map_err(look)?.next().is_some() {
        return Err(StoreError::Invalid {
            message: format!(
                "the directory '{}' is in use and not the group's alone (mode {:04o}, group {}); name a path in a directory that is still to be made",
                directory.display(),
                status.mode() & 0o7777,
                group_name(status.gid())
            ),
        });
    }
    give(directory, gid, 0o2770, group)
}

fn give(path: &Path, gid: Gid, mode: u32, group: &str) -> Result<()> {
    nix::unistd::chown(path, None, Some(gid)).map_err(|error| StoreError::Unauthorized {
        message: format!(
            "'{}' cannot be given to the group '{group}': {error}",
            path.display()
        ),
        hint: why_not_given(path, gid, group),
    })?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|error| failed("setting the mode of", path, error))
}

/// Who could give a file or directory to a group, and so what to do.
fn why_not_given(path: &Path, gid: Gid, group: &str) -> String {
    let is_mine = std::fs::metadata(path)
        .is_ok_and(|status| status.uid() == nix::unistd::Uid::effective().as_raw());
    if !is_mine {
        return "only its owner can do that; name a path in a directory that is still to be made"
            .to_owned();
    }
    let is_member = nix::unistd::getgroups().is_ok_and(|groups| groups.contains(&gid))
        || nix::unistd::Gid::effective() == gid;
    if is_member {
        return "the file system may not allow it; try a path on another one".to_owned();
    }
    format!(
        "only a member of '{group}' can make a store for it; who was made one just now has to log in again ('id' tells the groups of a session)"
    )
}

fn group_name(gid: u32) -> String {
    let found = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
    found.map_or_else(|| gid.to_string(), |group| group.name)
}

/// Makes an empty file under another name and links it to its own when it is ready.
///
/// Whoever sees the file sees it with its final mode, and no descriptor of ours is open on it then: closing one would drop the locks that
/// another thread's SQLite may hold on it by that time.
fn place_empty(path: &Path, ready: impl Fn(&Path) -> Result<()>) -> Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let draft = beside(path, &format!(".new-{}-{number}", std::process::id()));
    let making = |error| failed("making the store", path, error);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(making)?;
    drop(file);
    let placed = ready(&draft).and_then(|()| place(&draft, path));
    // Linked or not, the draft's name has served.
    let _ = std::fs::remove_file(&draft);
    placed
}

/// Gives a finished file its name, unless the name is taken.
pub(super) fn place(draft: &Path, path: &Path) -> Result<()> {
    let taken = || StoreError::AlreadyExists {
        kind: ObjectKind::Store,
        id: path.display().to_string(),
    };
    match std::fs::hard_link(draft, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken()),
        // Some file systems have no hard links; then the name is only looked at before.
        Err(_) if path.symlink_metadata().is_ok() => Err(taken()),
        Err(_) => {
            std::fs::rename(draft, path).map_err(|error| failed("giving its name to", path, error))
        }
    }
}

/// The address under which SQLite reads a file without locks.
pub(super) fn immutable_uri(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            write!(uri, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    uri.push_str("?immutable=1");
    uri
}
