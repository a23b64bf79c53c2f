//! Raw objects as objects of the domain, with everything told that is not as it was.
//!
//! What has a field here leaves its tag: name, user, script, commit and description. modeldeck's own tags, which carry the fields that MLflow lacks, are read and do
//! not come in as tags.

use super::labels::{MetricKeys, holds_a_password, labels, value_of};
use super::legible;
use super::report::About;
use crate::domain::run::OUTPUT_LOG;
use crate::domain::{
    Artifact, ExperimentName, ExperimentStatus, Key, MetricPoint, ModelExperiment, ModelRun,
    Revision, RunId, RunSource, RunStatus, name,
};
use crate::service::run::is_clean_path;
use crate::store::import::{RawExperiment, RawFiles, RawRun, Rest, moment};
use jiff::Timestamp;
use std::collections::BTreeMap;

pub(super) const NOTE: &str = "mlflow.note.content";

/// The tags of a run that are fields here.
const RUN_FIELDS: &[&str] = &[
    "mlflow.runName",
    "mlflow.user",
    "mlflow.source.name",
    "mlflow.source.git.commit",
];

/// A time of the source, told where it is none of those that are kept.
pub(super) fn time(millis: Option<i64>, what: &str, about: &mut About) -> Option<Timestamp> {
    let (at, is_exact) = moment(millis?);
    if !is_exact {
        about.change(
            what,
            "it is not of the years 1678 to 2261 and was moved there",
        );
    }
    Some(at)
}

/// The name of something that has a workspace around it.
pub(super) fn in_workspace(workspace: &str, name: &str) -> String {
    if workspace.is_empty() {
        name.to_owned()
    } else {
        format!("{workspace}/{name}")
    }
}

/// An experiment as it comes in; `None` where its name cannot be one.
pub(super) fn experiment(
    raw: RawExperiment,
    importer: &str,
    now: Timestamp,
    about: &mut About,
) -> Option<ModelExperiment> {
    let given = in_workspace(&raw.workspace, &raw.name);
    let name = match legible::name(&given, ExperimentName::new) {
        Ok(name) => name,
        Err(error) => {
            about.refuse("", error.to_string());
            return None;
        }
    };
    if let Some(change) = name.change {
        about.change("name", format!("{change}; it is '{}' here", name.value));
    }
    let description = legible::free_text(value_of(&raw.tags, NOTE).unwrap_or_default().to_owned());
    if let Some(change) = description.change {
        about.change("description", change);
    }
    let owner = value_of(&raw.tags, "modeldeck.owner").and_then(|owner| name::owner(owner).ok());
    let status = value_of(&raw.tags, "modeldeck.status").and_then(|word| word.parse().ok());
    Some(ModelExperiment {
        name: name.value,
        description: description.value,
        owner: owner.unwrap_or_else(|| importer.to_owned()),
        status: status.unwrap_or(ExperimentStatus::Active),
        created_at: time(raw.created_at, "created", about).unwrap_or(now),
        tags: labels(raw.tags, "tag", &[NOTE], about),
        updated_at: now,
        revision: Revision::FIRST,
    })
}

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Artifact>;

/// A run as it comes in.
#[derive(Debug, Clone)]
pub(super) struct RunDraft {
    pub(super) run: ModelRun,
    /// `None` where the source's files cannot be looked at from here.
    pub(super) files: Option<Files>,
    pub(super) histories: Vec<(Key, Vec<MetricPoint>)>,
    pub(super) keys: MetricKeys,
    /// The id at the source, with which it is asked for the rest.
    pub(super) source_id: String,
    pub(super) rest: Option<Rest>,
    pub(super) about: About,
}

#[derive(serde::Deserialize)]
#[expect(clippy::struct_field_names, reason = "the fields' own names")]
struct Times {
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

/// A run as it comes in; what is in the way otherwise.
pub(super) fn run(
    mut raw: RawRun,
    experiment_name: ExperimentName,
    now: Timestamp,
) -> Result<RunDraft, Box<About>> {
    let mut about = About::new("run", raw.id.as_str());
    for unread in &raw.unread {
        about.refuse(unread.what.as_str(), unread.why.as_str());
    }
    if raw.unread.iter().any(|unread| unread.what.is_empty()) {
        return Err(Box::new(about));
    }
    let tag = |key: &str| value_of(&raw.tags, key);
    let run_id = match RunId::new(tag("modeldeck.run_id").unwrap_or(&raw.id)) {
        Ok(run_id) => run_id,
        Err(error) => {
            about.refuse("", error.to_string());
            return Err(Box::new(about));
        }
    };
    let status = status(&raw);
    let mut keys = MetricKeys::default();
    let histories = keys.map(std::mem::take(&mut raw.histories), &mut about);
    let start = time(raw.started_at, "start", &mut about);
    let end = time(raw.ended_at, "end", &mut about);
    // What modeldeck wrote there has more digits.
    let exact: Option<Times> =
        tag("modeldeck.times").and_then(|json| serde_json::from_str(json).ok());
    let started_at = exact
        .as_ref()
        .map_or(start, |times| times.started_at)
        .filter(|_| status != RunStatus::Pending);
    let ended_at = exact
        .as_ref()
        .and_then(|times| times.ended_at)
        .filter(|at| end.is_none_or(|end| at.as_millisecond() == end.as_millisecond()))
        .or(end)
        .filter(|_| status.is_final());
    let last_point = histories
        .iter()
        .flat_map(|(_, points)| points)
        .map(|point| point.timestamp)
        .filter(|at| *at <= now)
        .max();
    let files = files(&raw, &mut about);
    let source = source(&raw, &mut about);
    let given_name = if raw.name.is_empty() {
        tag("mlflow.runName").unwrap_or_default()
    } else {
        &raw.name
    };
    let name = if given_name.is_empty() {
        format!("run-{}", name::short_id(run_id.as_str()))
    } else {
        match legible::name(given_name, name::run_name) {
            Ok(name) => {
                if let Some(change) = name.change {
                    about.change("name", change);
                }
                name.value
            }
            Err(_) => format!("run-{}", name::short_id(run_id.as_str())),
        }
    };
    Ok(RunDraft {
        run: ModelRun {
            run_id,
            experiment_name,
            name,
            status,
            params: labels(raw.params, "param", &[], &mut about),
            metrics: BTreeMap::new(),
            tags: labels(raw.tags, "tag", RUN_FIELDS, &mut about),
            artifacts: Vec::new(),
            source,
            created_at: exact
                .map(|times| times.created_at)
                .or(start)
                .or(last_point)
                .unwrap_or(now),
            started_at,
            ended_at,
            heartbeat_at: last_point.max(started_at.filter(|at| *at <= now)),
            mlflow: None,
            updated_at: now,
            revision: Revision::FIRST,
        },
        files,
        histories,
        keys,
        source_id: raw.id,
        rest: raw.rest,
        about,
    })
}

/// MLflow's word, or what follows from the run's end for a word that is not known.
fn status(raw: &RawRun) -> RunStatus {
    match raw.status.as_str() {
        "SCHEDULED" => RunStatus::Pending,
        "RUNNING" => RunStatus::Running,
        "FINISHED" => RunStatus::Completed,
        "FAILED" => RunStatus::Failed,
        "KILLED" => RunStatus::Killed,
        _ if raw.ended_at.is_some() => RunStatus::Completed,
        _ => RunStatus::Running,
    }
}

fn source(raw: &RawRun, about: &mut About) -> RunSource {
    let tag = |key: &str| value_of(&raw.tags, key);
    let exact = tag("modeldeck.source").and_then(|json| serde_json::from_str(json).ok());
    let mut source: RunSource = exact.unwrap_or_else(|| RunSource {
        command: tag("mlflow.source.name").map(str::to_owned),
        git_commit: tag("mlflow.source.git.commit").map(str::to_owned),
        user: tag("mlflow.user")
            .or(Some(raw.user.as_str()).filter(|user| !user.is_empty()))
            .map(str::to_owned),
        ..RunSource::default()
    });
    for (what, text) in [
        ("command", &mut source.command),
        ("git commit", &mut source.git_commit),
        ("user", &mut source.user),
        ("host", &mut source.host),
        ("directory", &mut source.directory),
    ] {
        if text.as_deref().is_some_and(holds_a_password) {
            about.refuse(
                what,
                "it holds a user and password, and secrets are not stored",
            );
            *text = None;
        } else if let Some(given) = text.take() {
            let made = legible::value(given);
            if let Some(change) = made.change {
                about.change(what, change);
            }
            *text = Some(made.value);
        }
    }
    source
}

/// The files with their digests, where modeldeck noted them there; else as the source lists them.
fn files(raw: &RawRun, about: &mut About) -> Option<Files> {
    let noted: Option<Vec<Artifact>> =
        value_of(&raw.tags, "modeldeck.artifacts").and_then(|json| serde_json::from_str(json).ok());
    let listed = match (noted, &raw.files) {
        (Some(noted), _) => noted,
        (None, RawFiles::Listed(listed)) => listed.clone(),
        (None, RawFiles::Elsewhere) => {
            about
                .skipped
                .push("files of runs that cannot be listed from here");
            return None;
        }
    };
    let mut files = Files::new();
    for artifact in listed {
        if artifact.path == OUTPUT_LOG {
            about
                .skipped
                .push("captured outputs of runs, which stay at the source");
        } else if is_clean_path(&artifact.path) {
            files.insert(artifact.path.clone(), artifact);
        } else {
            let path = legible::shortened(&artifact.path);
            about.refuse(format!("file '{path}'"), "it is not a clean relative path");
        }
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_anything_is_a_run() {
        let raw = RawRun {
            id: "a".repeat(32),
            ..RawRun::default()
        };
        let draft = run(
            raw,
            ExperimentName::new("x").unwrap(),
            Timestamp::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!(draft.run.status, RunStatus::Running);
        assert_eq!(draft.run.name, "run-aaaaaaaa");
        let raw = RawRun {
            id: "../etc".to_owned(),
            ..RawRun::default()
        };
        assert!(
            run(
                raw,
                ExperimentName::new("x").unwrap(),
                Timestamp::UNIX_EPOCH
            )
            .is_err()
        );
    }
}
