//! Files that a run left: read once for their size and digest, never copied.

use crate::cli::error::{CliError, Result};
use crate::domain::{Artifact, approval::hex, text};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Only files larger than this are worth a progress bar.
const LARGE: u64 = 64 * 1024 * 1024;

/// Describes files by path, size and digest.
pub(super) fn describe(paths: &[PathBuf]) -> Result<Vec<Artifact>> {
    let mut artifacts: Vec<Artifact> = Vec::with_capacity(paths.len());
    for path in paths {
        let artifact = read(path)?;
        if artifacts.iter().any(|known| known.path == artifact.path) {
            return Err(CliError::usage(format!(
                "two artifacts would be recorded as '{}'",
                text::visible(&artifact.path)
            )));
        }
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

fn read(path: &Path) -> Result<Artifact> {
    let failed = |source| {
        CliError::io(
            format!("read artifact '{}'", text::visible(&path.to_string_lossy())),
            source,
        )
    };
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    if !found.is_file() {
        return Err(CliError::usage(format!(
            "artifact '{}' is not a file",
            text::visible(&path.to_string_lossy())
        )));
    }
    // Drawn on stderr, and only when that is a terminal.
    let bar = if found.len() > LARGE {
        ProgressBar::new(found.len()).with_style(
            ProgressStyle::with_template("reading {bytes} of {total_bytes} {wide_bar}")
                .expect("the template is fixed"),
        )
    } else {
        ProgressBar::hidden()
    };
    let (mut sha, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 256 * 1024]);
    loop {
        let length = file.read(&mut buffer).map_err(failed)?;
        if length == 0 {
            break;
        }
        sha.update(&buffer[..length]);
        size += length as u64;
        bar.set_position(size);
    }
    bar.finish_and_clear();
    Ok(Artifact {
        path: recorded_path(path),
        size,
        digest: format!("sha256:{}", hex(&sha.finalize())),
    })
}

/// The path as it was given where it stays below the working directory, else the file's name.
pub(super) fn recorded_path(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                clean = path.file_name().map(PathBuf::from).unwrap_or_default();
                break;
            }
        }
    }
    clean.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_recorded_relative_or_as_a_name() {
        for (given, recorded) in [
            ("out/model.bin", "out/model.bin"),
            ("./out//model.bin", "out/model.bin"),
            ("/data/model.bin", "model.bin"),
            ("../model.bin", "model.bin"),
        ] {
            assert_eq!(recorded_path(Path::new(given)), recorded);
        }
    }

    #[test]
    fn a_file_is_known_by_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let artifact = &describe(&[path]).unwrap()[0];
        assert_eq!(artifact.size, 3);
        assert_eq!(
            artifact.digest,
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
