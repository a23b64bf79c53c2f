//! The files of a run in a folder of this machine: their paths and sizes. Nothing is opened, and no symbolic link is followed.

use super::RawFiles;
use crate::domain::Artifact;
use std::path::{Path, PathBuf};

/// More entries than this are not looked at for one run.
const MOST: usize = 10_000;
const DEEPEST: usize = 32;

/// Lists the files of a run below its artifact URI. A URI that does not end as MLflow's end for this run is not looked at, whatever it names; nor is one that
/// is not on this machine. Paths through a server are looked for beside the database, where a server keeps them unless it was told otherwise.
pub(in crate::store) fn list(artifact_uri: &str, run_id: &str, beside: &Path) -> RawFiles {
    let Some(root) = folder(artifact_uri, beside) else {
        return RawFiles::Elsewhere;
    };
    if run_id.is_empty() || !root.ends_with(Path::new(run_id).join("artifacts")) {
        return RawFiles::Elsewhere;
    }
    // MLflow makes the folder with the first file, so one that is missing may be empty; then the experiment's is there.
    let of_experiment = root.parent().and_then(Path::parent);
    if !root.is_dir() {
        return match of_experiment {
            Some(parent) if parent.is_dir() => RawFiles::Listed(Vec::new()),
            _ => RawFiles::Elsewhere,
        };
    }
    walk(&root)
}

fn folder(artifact_uri: &str, beside: &Path) -> Option<PathBuf> {
    if let Some(path) = artifact_uri.strip_prefix("mlflow-artifacts:") {
        let path = match path.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/')?.1,
            None => path.trim_start_matches('/'),
        };
        return path
            .split('/')
            .all(|part| part != "..")
            .then(|| beside.join("mlartifacts").join(path));
    }
    let path = match artifact_uri.strip_prefix("file:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None if artifact_uri.contains("://") => return None,
        None => artifact_uri,
    };
    let path = Path::new(path);
    (!path.as_os_str().is_empty()).then(|| beside.join(path))
}

/// Lists the files below a folder.
pub(in crate::store) fn walk(root: &Path) -> RawFiles {
    let (mut found, mut seen) = (Vec::new(), 0);
    let mut waiting = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            return RawFiles::Elsewhere;
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > MOST {
                return RawFiles::Elsewhere;
            }
            // Does not follow a link.
            let Ok(status) = entry.metadata() else {
                continue;
            };
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if status.is_dir() && depth < DEEPEST {
                waiting.push((entry.path(), format!("{path}/"), depth + 1));
            } else if status.is_file() {
                found.push(Artifact {
                    path,
                    size: status.len(),
                    digest: String::new(),
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    RawFiles::Listed(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_runs_own_folder_is_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = directory.path().join("1/r1/artifacts");
        std::fs::create_dir_all(artifacts.join("model")).unwrap();
        std::fs::write(artifacts.join("model/m.bin"), "1234").unwrap();
        std::os::unix::fs::symlink("/", artifacts.join("root")).unwrap();
        let listed = |uri: &str| match list(uri, "r1", directory.path()) {
            RawFiles::Listed(files) => Some(files),
            RawFiles::Elsewhere => None,
        };
        let uri = artifacts.to_string_lossy().into_owned();
        let files = listed(&uri).unwrap();
        assert_eq!(
            (files.len(), files[0].path.as_str(), files[0].size),
            (1, "model/m.bin", 4)
        );
        assert_eq!(listed(&format!("file://{uri}")).unwrap().len(), 1);
        for elsewhere in [
            "/etc",
            "s3://bucket/1/r1/artifacts",
            "",
            "/nowhere/1/r1/artifacts",
        ] {
            assert!(listed(elsewhere).is_none(), "{elsewhere}");
        }
        std::fs::create_dir_all(directory.path().join("mlartifacts/1/r1/artifacts")).unwrap();
        assert!(
            listed("mlflow-artifacts:/1/r1/artifacts")
                .unwrap()
                .is_empty()
        );
        assert!(listed("mlflow-artifacts:/../1/r1/artifacts").is_none());
    }
}
