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
        let path = std::env::temp_dir().join(name);
        // Fails where something of this name is there already, so nobody can have put it there for us.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, keep })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn store(&self) -> PathBuf {
        self.path.join("demo.db")
    }
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
