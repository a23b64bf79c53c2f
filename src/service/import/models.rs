//! Registered models: all versions and aliases of one at a time.
//!
//! What a version is made of (source, run, metrics, params) is what people approve, so it comes in once and never changes by an import. MLflow's models have a description
//! and tags of their own, which nothing here has; they come in as tags of each version.

use super::draft;
use super::experiments::Outcome;
use super::labels;
use super::legible;
use super::report::About;
use super::versions::settle;
use super::{Early, Job};
use crate::domain::{
    Alias, ApprovalState, ModelName, ModelVersion, Params, Revision, RunId, Stage, Version, text,
};
use crate::service::core::Core;
use crate::store::import::{RawModel, RawVersion};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const IS_PROMPT: &str = "mlflow.prompt.is_prompt";
const DELETED: &str = "Deleted_Internal";
/// The tag that tells of a stage which an import does not give.
const STAGE: &str = "mlflow.stage";
/// What remarks about the stage are filed under.
pub(super) const STAGE_PART: &str = "stage";
/// The alias that stands for the stage where MLflow has none.
const PRODUCTION: &str = "production";

#[derive(Debug, Clone)]
pub(super) struct VersionDraft {
    pub(super) version: ModelVersion,
    /// It is in Production at the source.
    pub(super) is_production: bool,
    /// A modeldeck wrote it there.
    pub(super) is_copy: bool,
    pub(super) about: About,
}

#[derive(Debug, Clone)]
pub(super) struct ModelDraft {
    pub(super) name: ModelName,
    pub(super) versions: Vec<VersionDraft>,
    pub(super) aliases: BTreeMap<Alias, Version>,
    pub(super) about: About,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Counted(Outcome),
    Skipped,
    Refused,
}

impl Job<'_> {
    pub(super) async fn bring_models(&mut self, models: Vec<RawModel>) -> Result<(), Early> {
        let mut names: HashMap<ModelName, String> = HashMap::new();
        for raw in models {
            self.look_up().await?;
            if labels::value_of(&raw.tags, IS_PROMPT)
                .is_some_and(|is| is.eq_ignore_ascii_case("true"))
            {
                self.report
                    .skip("prompts, which MLflow keeps among its models");
                continue;
            }
            let Some(model) = self.draft_model(raw, &mut names) else {
                continue;
            };
            let (core, reason, model) = (self.core, self.reason.as_str(), &model);
            let (fates, about) = core
                .settle(None, move || settle(core, reason, model))
                .await?;
            for (fate, about) in fates {
                match fate {
                    Fate::Counted(outcome) => self.report.model_versions.count(outcome),
                    Fate::Skipped => self.report.model_versions.skipped += 1,
                    Fate::Refused => self.report.model_versions.refused += 1,
                }
                about.tell(&mut self.report);
            }
            about.tell(&mut self.report);
        }
        Ok(())
    }

    fn draft_model(
        &mut self,
        raw: RawModel,
        names: &mut HashMap<ModelName, String>,
    ) -> Option<ModelDraft> {
        let given = draft::in_workspace(&raw.workspace, &raw.name);
        let mut about = About::new("model", given.as_str());
        for unread in &raw.unread {
            about.refuse(unread.what.as_str(), unread.why.as_str());
        }
        let made = legible::name(&given, ModelName::new);
        let refused = match &made {
            Err(error) => Some(error.to_string()),
            Ok(name) => names
                .insert(name.value.clone(), given.clone())
                .map(|other| format!("model '{}' has the same name here", text::visible(&other))),
        };
        let name = match (made, refused) {
            (Ok(name), None) => name,
            (_, reason) => {
                about.refuse("", reason.unwrap_or_default());
                self.report.model_versions.refused += raw.versions.len() as u64;
                about.tell(&mut self.report);
                return None;
            }
        };
        if let Some(change) = name.change {
            about.change("name", format!("{change}; it is '{}' here", name.value));
        }
        let name = name.value;
        if raw.versions.is_empty() {
            self.report.skip("models without versions");
            about.tell(&mut self.report);
            return None;
        }
        let of_model = of_model(&raw);
        let mut versions: Vec<VersionDraft> = Vec::with_capacity(raw.versions.len());
        let mut numbers: HashMap<String, Version> = HashMap::new();
        for version in raw.versions {
            if version.stage == DELETED {
                self.report.model_versions.skipped += 1;
                self.report
                    .skip("model versions that are deleted at the source");
                continue;
            }
            let number = version.version.clone();
            let mut version = version;
            if let Some(run_id) = self.renamed.get(&version.run_id) {
                run_id.as_str().clone_into(&mut version.run_id);
            }
            let taken = |name: &Version| {
                versions
                    .iter()
                    .any(|version| version.version.version == *name)
            };
            match draft_version(version, &name, &of_model, self.core, &taken) {
                Ok(version) => {
                    numbers.insert(number, version.version.version.clone());
                    versions.push(version);
                }
                Err(about) => {
                    self.report.model_versions.refused += 1;
                    about.tell(&mut self.report);
                }
            }
        }
        let mut aliases = BTreeMap::new();
        for (alias, number) in raw.aliases {
            let came_down = versions.iter_mut().find(|draft| {
                draft.is_production && numbers.get(&number) == Some(&draft.version.version)
            });
            if let Some(draft) = came_down.filter(|_| alias == PRODUCTION) {
                // It would say of the version what the gate has not.
                draft.about.change(
                    STAGE_PART,
                    format!("alias '{PRODUCTION}' is left out, because it comes in as Staging"),
                );
                continue;
            }
            let part = format!("alias '{alias}'");
            match (Alias::new(&alias), numbers.get(&number)) {
                (Err(error), _) => about.refuse(part, error.problem),
                (Ok(_), None) => about.refuse(part, "the version that it names did not come in"),
                (Ok(alias), Some(version)) => {
                    aliases.insert(alias, version.clone());
                }
            }
        }
        Some(ModelDraft {
            name,
            versions,
            aliases,
            about,
        })
    }
}

/// What MLflow keeps of the model itself, as tags for its versions.
fn of_model(raw: &RawModel) -> Vec<(String, String)> {
    let description = Some((
        "mlflow.model.description".to_owned(),
        raw.description.clone(),
    ))
    .filter(|(_, text)| !text.is_empty());
    let tags = raw
        .tags
        .iter()
        .filter(|(key, _)| !key.starts_with("modeldeck."))
        .map(|(key, value)| (format!("mlflow.model.tag.{key}"), value.clone()));
    description.into_iter().chain(tags).collect()
}

fn draft_version(
    raw: RawVersion,
    model_name: &ModelName,
    of_model: &[(String, String)],
    core: &Core,
    taken: &dyn Fn(&Version) -> bool,
) -> Result<VersionDraft, Box<About>> {
    let mut about = About::new(
        "model version",
        format!("{} {}", model_name.as_str(), raw.version),
    );
    let given = labels::value_of(&raw.tags, "modeldeck.version").unwrap_or(&raw.version);
    let version = match Version::new(given) {
        Ok(version) if taken(&version) => {
            about.refuse("", format!("another version is '{version}' already"));
            return Err(Box::new(about));
        }
        Ok(version) => version,
        Err(error) => {
            about.refuse("", error.to_string());
            return Err(Box::new(about));
        }
    };
    let now = core.clock.now();
    let is_copy = labels::value_of(&raw.tags, "modeldeck.registered_by").is_some();
    let mut tags = raw.tags;
    tags.extend(of_model.iter().cloned());
    let user = if raw.user.is_empty() {
        labels::value_of(&tags, "modeldeck.registered_by").map(str::to_owned)
    } else {
        Some(raw.user)
    };
    tags.extend(user.map(|user| ("mlflow.user".to_owned(), user)));
    let at_source: Stage = raw.stage.parse().unwrap_or(Stage::None);
    let is_production = at_source == Stage::Production;
    let stage = if is_production {
        tags.retain(|(key, _)| key != STAGE);
        tags.push((STAGE.to_owned(), Stage::Production.to_string()));
        about.change(
            STAGE_PART,
            "it is in Production there and comes in as Staging; approve and promote it here",
        );
        Stage::Staging
    } else {
        at_source
    };
    let run_id = Some(raw.run_id).filter(|id| !id.is_empty());
    let run_id = run_id.and_then(|id| match RunId::new(&id) {
        Ok(run_id) => Some(run_id),
        Err(error) => {
            about.refuse("run", error.to_string());
            None
        }
    });
    let description = legible::free_text(raw.description);
    if let Some(change) = description.change {
        about.change("description", change);
    }
    let created_at =
        draft::time(raw.created_at, "created", &mut about).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(VersionDraft {
        version: ModelVersion {
            model_name: model_name.clone(),
            version,
            stage,
            stage_warning: None,
            aliases: BTreeSet::new(),
            run_id,
            source: labels::address(&raw.source, &mut about),
            metrics: BTreeMap::new(),
            params: Params::new(),
            tags: labels::labels(tags, "tag", &[], &mut about),
            description: description.value,
            registered_by: core.identity.person().to_owned(),
            artifacts: Vec::new(),
            checklist: Vec::new(),
            decisions: Vec::new(),
            approval: ApprovalState::None,
            approved_by: None,
            approved_at: None,
            approval_notes: None,
            created_at,
            updated_at: now,
            revision: Revision::FIRST,
        },
        is_production,
        is_copy,
        about,
    })
}
