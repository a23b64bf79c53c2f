//! An `mlruns` folder, MLflow's store of files, as a source of an import.
//!
//! Every object is a folder with a `meta.yaml`; params and tags are files that hold their value, metrics files with a line for each point. Everything is read and
//! nothing is locked, as MLflow itself reads it, so an object may be met half written: what cannot be read is told, and the next import finds it whole.
//! No symbolic link within an object is followed.

mod meta;
mod points;

use super::import::{
    ImportSource, Pair, RawExperiment, RawModel, RawRun, RawVersion, Rest, SeenRuns, Stretch,
    Unread, files,
};
use crate::domain::text::visible;
use crate::store::{Result, StoreError};
use async_trait::async_trait;
use meta::Meta;
use std::collections::{BTreeSet, HashMap};
use std::io::{Error, ErrorKind, Read as _, Result as Io};
use std::path::{Path, PathBuf};

const META: &str = "meta.yaml";
const TRASH: &str = ".trash";
const MODELS: &str = "models";
/// Folders of an experiment that are no runs.
const NO_RUNS: [&str; 4] = ["tags", "datasets", "traces", "models"];

/// How many runs are read at once, and how many points of them together.
const MOST_RUNS: usize = 200;
const MOST_POINTS: usize = 50_000;
/// A file of one value that is longer holds no value of MLflow's.
const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// A folder of experiments.
pub struct MlrunsFolder {
    root: PathBuf,
    /// The folders of the runs that are still to be read, last first.
    waiting: Vec<(String, PathBuf)>,
    /// The folders of the metrics of runs whose histories are not read to their end.
    long: HashMap<String, PathBuf>,
    beyond: Vec<(&'static str, u64)>,
}

impl MlrunsFolder {
    /// Opens a folder of experiments, or one that has it as `mlruns`.
    pub fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let root = [path.clone(), path.join("mlruns")]
            .into_iter()
            .find(|root| is_store(root));
        let Some(root) = root else {
            return Err(StoreError::Unusable {
                problem: "there are no experiments of MLflow in it".to_owned(),
                hint: if path.join("mlflow.db").is_file() {
                    "there is a 'mlflow.db' in it, which can be imported"
                } else {
                    "name the 'mlruns' folder that MLflow made, its database 'mlflow.db', or the address of its server"
                }
                .to_owned(),
                path,
            });
        };
        Ok(Self {
            root,
            waiting: Vec::new(),
            long: HashMap::new(),
            beyond: Vec::new(),
        })
    }

    /// Does file work where it holds up nobody.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Io<T> + Send + 'static,
    ) -> Result<T> {
        let root = self.root.clone();
        let done = tokio::task::spawn_blocking(move || work(&root)).await;
        let result = done.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::other(error)),
        });
        result.map_err(|error| StoreError::Io {
            doing: format!("reading '{}'", visible(&self.root.to_string_lossy())),
            source: error.into(),
        })
    }
}

fn is_store(root: &Path) -> bool {
    folders(root).is_ok_and(|found| {
        found.iter().any(|(_, path)| {
            Meta::read(&path.join(META)).is_ok_and(|meta| meta.has("experiment_id"))
        })
    })
}

/// The folders in a folder, sorted by name. An object may be a link to where it was moved.
fn folders(path: &Path) -> Io<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir()
            && let Some(name) = path.file_name()
        {
            found.push((name.to_string_lossy().into_owned(), path));
        }
    }
    found.sort();
    Ok(found)
}

/// The files below a folder by their relative paths, which are keys; none where there is no folder.
fn keys(path: &Path) -> Io<Vec<(String, PathBuf)>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    match files::walk(path) {
        super::import::RawFiles::Listed(found) => Ok(found
            .into_iter()
            .map(|file| (file.path.clone(), path.join(&file.path)))
            .collect()),
        super::import::RawFiles::Elsewhere => Err(Error::other(
            "there are too many files in it, or it cannot be read",
        )),
    }
}

/// The whole of a file that holds one value.
fn text_of(path: &Path) -> Io<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(LONGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(Error::new(ErrorKind::FileTooLarge, "the file is too long"));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Params or tags: a file for each. What cannot be read is told.
fn pairs(path: &Path, what: &str, unread: &mut Vec<Unread>) -> Vec<Pair> {
    let mut tell = |part: String, error: &Error| {
        unread.push(Unread {
            what: part,
            why: error.to_string(),
        });
    };
    let found = keys(path).unwrap_or_else(|error| {
        tell(format!("{what}s"), &error);
        Vec::new()
    });
    let mut pairs = Vec::with_capacity(found.len());
    for (key, path) in found {
        match text_of(&path) {
            Ok(value) => pairs.push((key, value)),
            Err(error) => tell(format!("{what} '{}'", visible(&key)), &error),
        }
    }
    pairs
}

fn experiment(id: &str, path: &Path, is_trash: bool) -> Io<RawExperiment> {
    let meta = Meta::read(&path.join(META))?;
    Ok(RawExperiment {
        // Runs are found below the folder, whatever is written in it.
        id: id.to_owned(),
        name: meta.text("name"),
        workspace: Some(meta.text("workspace"))
            .filter(|name| name != "default")
            .unwrap_or_default(),
        is_deleted: is_trash || meta.text("lifecycle_stage") == "deleted",
        created_at: meta.whole("creation_time"),
        tags: pairs(&path.join("tags"), "tag", &mut Vec::new()),
    })
}

fn experiments(root: &Path) -> Io<Vec<RawExperiment>> {
    let mut found = Vec::new();
    for (folder, is_trash) in [(root.to_owned(), false), (root.join(TRASH), true)] {
        if !folder.is_dir() {
            continue;
        }
        for (id, path) in folders(&folder)? {
            if id == TRASH || id == MODELS || !path.join(META).is_file() {
                continue;
            }
            // One that cannot be read has no name, and is refused for that.
            found.push(
                experiment(&id, &path, is_trash).unwrap_or_else(|_unreadable| RawExperiment {
                    id,
                    ..RawExperiment::default()
                }),
            );
        }
    }
    Ok(found)
}

/// MLflow writes a number for the status of a run.
fn status(given: &str) -> &str {
    match given {
        "1" => "RUNNING",
        "2" => "SCHEDULED",
        "3" => "FINISHED",
        "4" => "FAILED",
        "5" => "KILLED",
        word => word,
    }
}

fn run(experiment_id: &str, path: &Path, left: usize) -> RawRun {
    let folder = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut run = RawRun {
        id: folder,
        experiment_id: experiment_id.to_owned(),
        ..RawRun::default()
    };
    let meta = match Meta::read(&path.join(META)) {
        Ok(meta) => meta,
        Err(error) => {
            run.unread.push(Unread {
                what: String::new(),
                why: format!("its {META} cannot be read: {error}"),
            });
            return run;
        }
    };
    run.is_deleted = meta.text("lifecycle_stage") == "deleted";
    if run.is_deleted {
        return run;
    }
    run.name = meta.text("run_name");
    run.user = meta.text("user_id");
    status(&meta.text("status")).clone_into(&mut run.status);
    run.started_at = meta.whole("start_time");
    run.ended_at = meta.whole("end_time");
    let mut unread = Vec::new();
    run.params = pairs(&path.join("params"), "param", &mut unread);
    run.tags = pairs(&path.join("tags"), "tag", &mut unread);
    let artifacts = path.join("artifacts");
    run.files = if artifacts.is_dir() {
        files::walk(&artifacts)
    } else {
        files::list(&meta.text("artifact_uri"), &run.id, Path::new("/"))
    };
    let mut stretch = points::read(&path.join("metrics"), None, left);
    unread.append(&mut stretch.unread);
    run.histories = stretch.histories;
    run.rest = stretch.rest;
    run.unread = unread;
    run
}

fn version(path: &Path, number: &str) -> Io<RawVersion> {
    let meta = Meta::read(&path.join(META))?;
    let mut unread = Vec::new();
    Ok(RawVersion {
        version: number.to_owned(),
        created_at: meta.whole("creation_timestamp"),
        description: meta.text("description"),
        user: meta.text("user_id"),
        stage: meta.text("current_stage"),
        source: meta.text("source"),
        run_id: meta.text("run_id"),
        tags: pairs(&path.join("tags"), "tag", &mut unread),
    })
}

fn model(name: &str, path: &Path) -> Io<RawModel> {
    let mut model = RawModel {
        name: name.to_owned(),
        ..RawModel::default()
    };
    let meta = Meta::read(&path.join(META))?;
    model.description = meta.text("description");
    model.tags = pairs(&path.join("tags"), "tag", &mut model.unread);
    model.aliases = pairs(&path.join("aliases"), "alias", &mut model.unread)
        .into_iter()
        .map(|(alias, version)| (alias, version.trim().to_owned()))
        .collect();
    for (folder, path) in folders(path)? {
        let Some(number) = folder.strip_prefix("version-") else {
            continue;
        };
        match version(&path, number) {
            Ok(version) => model.versions.push(version),
            Err(error) => model.unread.push(Unread {
                what: format!("version {}", visible(number)),
                why: format!("its {META} cannot be read: {error}"),
            }),
        }
    }
    model
        .versions
        .sort_by(|a, b| crate::domain::registry::natural_order(&a.version, &b.version));
    Ok(model)
}

fn models(root: &Path) -> Io<Vec<RawModel>> {
    let mut found = Vec::new();
    let folder = root.join(MODELS);
    if !folder.is_dir() {
        return Ok(found);
    }
    for (name, path) in folders(&folder)? {
        found.push(model(&name, &path).unwrap_or_else(|error| RawModel {
            name: name.clone(),
            unread: vec![Unread {
                what: String::new(),
                why: format!("its {META} cannot be read: {error}"),
            }],
            ..RawModel::default()
        }));
    }
    Ok(found)
}

#[async_trait]
impl ImportSource for MlrunsFolder {
    fn name(&self) -> String {
        format!("MLflow folder '{}'", visible(&self.root.to_string_lossy()))
    }

    async fn experiments(&mut self) -> Result<Vec<RawExperiment>> {
        self.aside(experiments).await
    }

    async fn choose(&mut self, experiment_ids: &[String]) -> Result<Option<u64>> {
        let chosen: BTreeSet<String> = experiment_ids.iter().cloned().collect();
        let (waiting, beyond) = self
            .aside(move |root| {
                let (mut waiting, mut models, mut traces) = (Vec::new(), 0, 0);
                for id in chosen {
                    let experiment = root.join(&id);
                    for (name, path) in folders(&experiment)? {
                        match name.as_str() {
                            MODELS => models += folders(&path)?.len() as u64,
                            "traces" => traces += folders(&path)?.len() as u64,
                            name if NO_RUNS.contains(&name) || !path.join(META).is_file() => {}
                            _ => waiting.push((id.clone(), path)),
                        }
                    }
                }
                waiting.reverse();
                Ok((waiting, vec![("logged models", models), ("traces", traces)]))
            })
            .await?;
        self.waiting = waiting;
        self.beyond = beyond;
        Ok(Some(self.waiting.len() as u64))
    }

    async fn next_runs(&mut self, _seen: &dyn SeenRuns) -> Result<Vec<RawRun>> {
        let waiting = std::mem::take(&mut self.waiting);
        let (waiting, runs, long) = self
            .aside(move |_| {
                let (mut waiting, mut runs, mut left) = (waiting, Vec::new(), MOST_POINTS);
                let mut long = Vec::new();
                while runs.len() < MOST_RUNS
                    && left > 0
                    && let Some((experiment_id, path)) = waiting.pop()
                {
                    let run = run(&experiment_id, &path, left);
                    let read: usize = run.histories.iter().map(|(_, points)| points.len()).sum();
                    left = left.saturating_sub(read);
                    if run.rest.is_some() {
                        long.push((run.id.clone(), path.join("metrics")));
                    }
                    runs.push(run);
                }
                Ok((waiting, runs, long))
            })
            .await?;
        self.waiting = waiting;
        self.long.extend(long);
        Ok(runs)
    }

    async fn more_points(&mut self, run_id: &str, rest: &Rest) -> Result<Stretch> {
        let Some(folder) = self.long.get(run_id).cloned() else {
            return Ok(Stretch::default());
        };
        let from = rest.clone();
        let stretch = self
            .aside(move |_| Ok(points::read(&folder, Some(&from), MOST_POINTS)))
            .await?;
        if stretch.rest.is_none() {
            self.long.remove(run_id);
        }
        Ok(stretch)
    }

    async fn models(&mut self) -> Result<Vec<RawModel>> {
        self.aside(models).await
    }

    async fn beyond(&mut self) -> Result<Vec<(&'static str, u64)>> {
        Ok(self.beyond.clone())
    }
}
