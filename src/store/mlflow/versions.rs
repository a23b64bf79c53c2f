//! Versions as the server and the ledger tell them.
//!
//! The server tells what exists, its description, tags, stage and aliases, which people may change there. The ledger tells what an approval rests on: who registered
//! a version, its metrics, params, source, checklist and decisions. MLflow numbers versions itself; a version that was registered under a name (`1.4-rc2`) keeps
//! it here, and tag `modeldeck.version` shows it there. A name that is a number is the server's number or refused, so that no number ever means two versions.
//!
//! A stage is shown as it is on the server, because that is what others load. Where modeldeck's gate did not let it be so, the version has a warning: `UNGATED` for
//! one that is in Production by its stage or by alias `production` around modeldeck, `SPLIT` where another one is there too, `UNGATED_SPLIT` for both, and
//! `MIRRORED` for one that a mirror brought, approved where it comes from. Within [`GRACE`] of a change the ledger is believed, because the server's stage follows it.

use super::dto::{self, KeyValue};
use super::fields::{ATTEMPT, NOTE, REVISION, Told, from_millis, tag_changes};
use super::ledger::{Object, ObjectKey, State};
use crate::domain::{
    Alias, ApprovalState, Artifact, Key, ModelName, ModelVersion, ObjectKind, RunId, Stage,
    StageWarning, Tags, Version, run::OUTPUT_LOG,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const KIND: ObjectKind = ObjectKind::ModelVersion;
pub(super) const NAME: &str = "modeldeck.version";
const APPROVAL: &str = "modeldeck.approval";
pub(super) const REGISTERED_BY: &str = "modeldeck.registered_by";
/// The alias that holds Production, in one row that does not race.
pub(super) const PRODUCTION: &str = "production";
/// How long the server's stage may lag behind a change that this process just learned of.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Versions as they are on the server, with the aliases of their models.
#[derive(Debug, Default)]
pub(super) struct OnServer {
    pub(super) versions: Vec<dto::ModelVersion>,
    /// The number that each alias of each model names.
    pub(super) aliases: BTreeMap<(String, String), String>,
}

impl OnServer {
    pub(super) fn find(&self, model: &str, number: &str) -> Option<&dto::ModelVersion> {
        self.versions
            .iter()
            .find(|version| version.name == model && version.version == number)
    }

    fn aliases_of(&self, version: &dto::ModelVersion) -> impl Iterator<Item = &str> {
        self.aliases
            .iter()
            .filter(|((model, _), number)| *model == version.name && **number == version.version)
            .map(|((_, alias), _)| alias.as_str())
    }
}

pub(super) fn key_of(version: &dto::ModelVersion, state: &State) -> ObjectKey {
    let name = state.version_name(&version.name, &version.version);
    ObjectKey::version(&version.name, name)
}

pub(super) fn label(model: &ModelName, version: &Version) -> String {
    format!("{} {}", model.as_str(), version.as_str())
}

/// MLflow's stage; a word of a newer server means none.
fn stage_on_server(version: &dto::ModelVersion) -> Option<Stage> {
    version.current_stage.parse().ok()
}

/// Whether an object was changed through modeldeck so recently that the server may still show what was before: by the clock of whoever
/// changed it, too, because a program that has just begun learns of everything just now.
pub(super) fn is_fresh(object: &Object) -> bool {
    object.seen.elapsed() < GRACE
        && Timestamp::now().duration_since(object.updated_at).abs() < SignedDuration::from_secs(15)
}

/// The stage that shows, and what is not in order about it.
fn stage(
    version: &dto::ModelVersion,
    told: &Told<'_>,
    on_server: &OnServer,
    state: &State,
    has_stages: bool,
) -> (Stage, Option<StageWarning>) {
    let ours: Stage = told.ledger("stage").unwrap_or(Stage::None);
    if told.is_behind || told.object.is_some_and(is_fresh) {
        return (ours, None);
    }
    let shown = stage_on_server(version)
        .filter(|_| has_stages)
        .unwrap_or(ours);
    let name = state.version_name(&version.name, &version.version);
    let was_let_in = state.in_production(&version.name) == Some(name);
    let alias = on_server
        .aliases
        .get(&(version.name.clone(), PRODUCTION.to_owned()));
    let is_named = alias == Some(&version.version);
    let is_there = shown == Stage::Production;
    let others = on_server.versions.iter().any(|other| {
        other.name == version.name
            && other.version != version.version
            && stage_on_server(other) == Some(Stage::Production)
    });
    let is_around = (is_there || is_named) && !was_let_in;
    let is_split = is_there && (others || (alias.is_some() && !is_named));
    let warning = match (is_around, is_split) {
        (true, true) => Some(StageWarning::UngatedSplit),
        (true, false) if is_approved_copy(told) => Some(StageWarning::Mirrored),
        (true, false) => Some(StageWarning::Ungated),
        (false, true) => Some(StageWarning::Split),
        (false, false) => None,
    };
    (shown, warning)
}

/// Whether a mirror made it, of a version that was approved where it comes from: this server's ledger never heard of it, and its tags can be
/// written by anybody, so it is told and not believed.
fn is_approved_copy(told: &Told<'_>) -> bool {
    let is_copy = told.object.is_none() && told.tag(ATTEMPT).is_some();
    is_copy && told.tag(APPROVAL) == Some(ApprovalState::Approved.as_str())
}

/// A version as the server and the ledger tell it.
pub(super) fn build(
    version: &dto::ModelVersion,
    on_server: &OnServer,
    state: &State,
    has_stages: bool,
) -> ModelVersion {
    let key = key_of(version, state);
    let told = Told::new(&version.tags, state, &key);
    let made = from_millis(version.creation_timestamp);
    let (shown, stage_warning) = stage(version, &told, on_server, state, has_stages);
    let run_id: Option<RunId> = told
        .ledger("run_id")
        .unwrap_or_else(|| (!version.run_id.is_empty()).then(|| state.run_id(&version.run_id)));
    ModelVersion {
        model_name: ModelName::trusted(version.name.clone()),
        version: Version::trusted(state.version_name(&version.name, &version.version)),
        stage: shown,
        stage_warning,
        aliases: on_server
            .aliases_of(version)
            .filter(|alias| *alias != PRODUCTION)
            .map(Alias::trusted)
            .collect(),
        artifacts: run_id
            .as_ref()
            .map(|run_id| files_of(run_id, state))
            .unwrap_or_default(),
        run_id,
        source: told
            .ledger("source")
            .unwrap_or_else(|| super::register::told_source(&version.source).map(str::to_owned)),
        metrics: told
            .ledger::<BTreeMap<Key, crate::domain::number::Number>>("metrics")
            .unwrap_or_default()
            .into_iter()
            .map(|(key, number)| (key, number.0))
            .collect(),
        params: told.ledger("params").unwrap_or_default(),
        tags: told.own_tags(),
        description: told
            .text("description", Some(&version.description))
            .or_else(|| told.tag(NOTE).map(str::to_owned))
            .unwrap_or_default(),
        registered_by: told
            .ledger("registered_by")
            .unwrap_or_else(|| version.user_id.clone()),
        checklist: told.ledger("checklist").unwrap_or_default(),
        decisions: told.ledger("decisions").unwrap_or_default(),
        approval: ApprovalState::None,
        approved_by: None,
        approved_at: None,
        approval_notes: None,
        created_at: told.ledger("created_at").unwrap_or(made),
        updated_at: told.object.map_or_else(
            || from_millis(version.last_updated_timestamp),
            |object| object.updated_at,
        ),
        revision: state.revision(&key),
    }
}

/// The files of a run, without its captured output, as the ledger knows them.
fn files_of(run_id: &RunId, state: &State) -> Vec<Artifact> {
    let mut files: Vec<Artifact> = state
        .object(&super::runs::key(run_id))
        .and_then(|run| run.field("artifacts"))
        .unwrap_or_default();
    files.retain(|file| file.path != OUTPUT_LOG);
    files
}

/// The tags that show on MLflow's page what it has no field for; none of them is ever read back as truth.
pub(super) fn carried(version: &ModelVersion) -> Vec<KeyValue> {
    let mut tags = vec![KeyValue::new(
        REGISTERED_BY,
        super::fields::cut(&version.registered_by),
    )];
    if version.approval != ApprovalState::None {
        tags.push(KeyValue::new(APPROVAL, version.approval.as_str()));
    }
    if let Some(approver) = &version.approved_by {
        tags.push(KeyValue::new(
            "modeldeck.approved_by",
            super::fields::cut(approver),
        ));
    }
    let metrics: BTreeMap<&str, crate::domain::number::Number> = version
        .metrics
        .iter()
        .map(|(key, value)| (key.as_str(), crate::domain::number::Number(*value)))
        .collect();
    for (key, value, is_empty) in [
        (
            "modeldeck.metrics",
            super::fields::json_tag(&metrics),
            metrics.is_empty(),
        ),
        (
            "modeldeck.params",
            super::fields::json_tag(&version.params),
            version.params.is_empty(),
        ),
    ] {
        if let Some(value) = value.filter(|_| !is_empty) {
            tags.push(KeyValue::new(key, value));
        }
    }
    tags.extend(version.checklist.iter().filter_map(|item| {
        let key = Key::new(&format!("modeldeck.check.{}", item.name.as_str())).ok()?;
        Some(KeyValue::new(key.as_str(), item.status.as_str()))
    }));
    tags
}

/// What else shows on MLflow's page: the version's own tags, and those of modeldeck's.
pub(super) fn tags_to_write(
    there: &dto::ModelVersion,
    written: &Tags,
    version: &ModelVersion,
) -> (Vec<KeyValue>, Vec<String>) {
    let (mut set, mut removed) = tag_changes(written, &version.tags);
    let carried = carried(version);
    removed.extend(
        there
            .tags
            .iter()
            .filter(|tag| {
                tag.key.starts_with("modeldeck.ap") || tag.key.starts_with("modeldeck.check.")
            })
            .filter(|tag| carried.iter().all(|carried| carried.key != tag.key))
            .map(|tag| tag.key.clone()),
    );
    set.extend(
        carried
            .into_iter()
            .filter(|tag| dto::value_of(&there.tags, &tag.key) != Some(&tag.value)),
    );
    if version.version.as_str() != there.version {
        set.push(KeyValue::new(NAME, version.version.as_str()));
    }
    set.push(KeyValue::new(REVISION, version.revision.to_string()));
    (set, removed)
}
