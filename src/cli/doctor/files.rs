//! The doctor's look at files and directories: who may read and write them, and whether there is room.

use super::check::Check;
use crate::cli::context::Context;
use nix::sys::statvfs::statvfs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Less room than this is worth a warning.
const LITTLE_ROOM: u64 = 100 * 1024 * 1024;

/// Others than owner and group have no business with a store.
pub(super) fn modes(path: &Path, checks: &mut Vec<Check>) {
    let Ok(found) = path.metadata() else { return };
    let mode = found.mode() & 0o777;
    let (group, others) = ((mode >> 3) & 7, mode & 7);
    checks.push(if others == 0 {
        let shared = if group == 0 {
            "its owner's alone"
        } else {
            "shared with its group"
        };
        Check::ok("file mode", format!("{mode:04o}, {shared}"))
    } else {
        Check::warning(
            "file mode",
            format!(
                "{mode:04o}: every user of this host may open '{}'",
                path.display()
            ),
            format!("chmod o= '{}'", path.display()),
        )
    });
}

/// Room on the disk of a path that may not be there yet.
pub(super) fn directory(path: &Path, checks: &mut Vec<Check>) {
    let Ok(path) = std::path::absolute(path) else {
        return;
    };
    let Some(place) = path.ancestors().skip(1).find(|place| place.is_dir()) else {
        return;
    };
    let Ok(disk) = statvfs(place) else { return };
    #[expect(
        clippy::useless_conversion,
        reason = "these numbers are smaller on other systems"
    )]
    let free = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
    let room = format!("{} MiB free at '{}'", free / (1024 * 1024), place.display());
    checks.push(if free < LITTLE_ROOM {
        Check::warning("disk", room, "make room, or writes will fail")
    } else {
        Check::ok("disk", room)
    });
}

pub(super) fn log(ctx: &Context, checks: &mut Vec<Check>) {
    checks.push(match &ctx.loaded.paths.log_file {
        None => Check::warning(
            "log",
            "there is no home directory, so nothing is logged",
            "set HOME or XDG_STATE_HOME",
        ),
        Some(path) => match path.metadata() {
            Ok(found) => Check::ok(
                "log",
                format!("'{}', {} KiB", path.display(), found.len() / 1024),
            ),
            Err(_) => Check::ok("log", format!("'{}' is not there yet", path.display())),
        },
    });
}
