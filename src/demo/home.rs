//! The directory that a demo lives in and that is gone with it.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A directory of nobody else's; removed when this is dropped, unless it is kept.
#[derive(Debug)]
pub struct DemoHome {
    path: PathBuf,
    keep: bool,
}

impl DemoHome {
    pub fn make(keep: bool) -> io::Result<Self> {
        let name = format!("modeldeck-demo-{}", uuid::Uuid::new_v4().simple());
        // Making it fails where something of this name is there already, so nobody can have put it there for us.
        let make = |place: PathBuf| {
            let path = place.join(&name);
            DirBuilder::new().mode(0o700).create(&path).map(|()| path)
        };
        let path = match memory().filter(|_| !keep).map(make) {
            Some(Ok(path)) => path,
            _ => make(std::env::temp_dir())?,
        };
        Ok(Self { path, keep })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn store(&self) -> PathBuf {
        self.path.join("demo.db")
    }
}

/// A place in memory with room for a demo: what is thrown away need not reach a disk, and on a slow one hundreds of durable writes are felt.
fn memory() -> Option<PathBuf> {
    const MEMORY: &str = "/dev/shm";
    const ROOM: u64 = 128 << 20;
    if std::env::var_os("TMPDIR").is_some() {
        // Somebody has said where such things go.
        return None;
    }
    let memory = nix::sys::statvfs::statvfs(MEMORY).ok()?;
    let room = memory
        .blocks_available()
        .saturating_mul(memory.fragment_size());
    (room >= ROOM).then(|| PathBuf::from(MEMORY))
}

impl Drop for DemoHome {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the demo was not removed");
        }
    }
}
