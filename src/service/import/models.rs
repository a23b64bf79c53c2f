//! Registered models: all versions and aliases of one at a time.
//!
//! What a version is made of (source, run, metrics, params) is what people approve, so it comes in once and never changes by an import. MLflow's models have a description
//! and tags of their own, which nothing here has; they come in as tags of each version.

use super::draft;
use super::experiments::Outcome;
use super::labels;
use super::legible;
use super::merge::{self, Base, Held};
use super::report::About;
use super::{Early, Job, imports_of};
use crate::domain::{
    Alias, ApprovalState, ModelName, ModelVersion, ObjectKind, Params, Revision, RunId, Stage,
    Version, run::OUTPUT_LOG, text,
};
use crate::service::Result;
use crate::service::core::Core;
use crate::service::registry::first_checklist;
use crate::store::import::{RawModel, RawVersion};
use crate::store::{PageRequest, StoreError, VersionQuery, WriteContext};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const IS_PROMPT: &str = "mlflow.prompt.is_prompt";
const DELETED: &str = "Deleted_Internal";
/// The tag that tells of a stage which an import does not give.
const STAGE: &str = "mlflow.stage";

#[derive(Debug, Clone)]
struct VersionDraft {
    version: ModelVersion,
    /// It is in Production at the source.
    is_production: bool,
    about: About,
}

#[derive(Debug, Clone)]
struct ModelDraft {
    name: ModelName,
    versions: Vec<VersionDraft>,
    aliases: BTreeMap<Alias, Version>,
    about: About,
}

/// What became of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Counted(Outcome),
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
        let mut about = About::new("model", text::visible(&given));
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
            let part = format!("alias '{}'", text::visible(&alias));
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
        format!("{model_name} {}", text::visible(&raw.version)),
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
            "stage",
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
        about,
    })
}

/// A version that is here.
struct Here {
    version: ModelVersion,
    base: Base,
    is_changed: bool,
}

async fn settle(
    core: &Core,
    reason: &str,
    model: &ModelDraft,
) -> Result<(Vec<(Fate, About)>, About)> {
    let ctx = core.write("import_model_version", Some(reason))?;
    let mut here = read(core, &ctx, &model.name).await?;
    let mut about = model.about.clone();
    let mut fates = Vec::with_capacity(model.versions.len());
    let mut new: Vec<ModelVersion> = Vec::new();
    for draft in &model.versions {
        let mut about = draft.about.clone();
        let known = here
            .iter_mut()
            .find(|known| known.version.version == draft.version.version);
        let fate = match known {
            Some(known) if known.base.made_it && is_same(&known.version, &draft.version) => {
                // Told when it came in, and tag 'mlflow.stage' tells it since.
                about.changed.retain(|remark| remark.part != "stage");
                update(known, draft, &mut about);
                Fate::Counted(Outcome::Unchanged)
            }
            Some(known) => {
                let why = if known.base.made_it {
                    "another version of this name came from another source"
                } else {
                    "another version of this name was registered here"
                };
                about.refuse("", why);
                Fate::Refused
            }
            None => {
                new.push(complete(core, &ctx, draft).await?);
                Fate::Counted(Outcome::Added)
            }
        };
        fates.push((fate, about));
    }
    let ours = held(&here);
    let holders = holders(&here, model, &fates, &mut about);
    let of = |version: &Version| -> BTreeSet<Alias> {
        let own = holders.iter().filter(|(_, holder)| *holder == version);
        own.map(|(alias, _)| alias.clone()).collect()
    };
    for version in &mut new {
        // One that another version still holds moves in the step below, with its holder.
        version.aliases = of(&version.version);
        version.aliases.retain(|alias| !ours.contains_key(alias));
        core.store
            .insert_version(version, &ctx)
            .await
            .map_err(as_race)?;
        version.revision = Revision::FIRST;
    }
    let mut changed: Vec<ModelVersion> = Vec::new();
    for known in &mut here {
        let aliases = of(&known.version.version);
        if aliases != known.version.aliases {
            known.version.aliases = aliases;
            known.is_changed = true;
        }
        if known.is_changed {
            known.version.updated_at = ctx.at;
            changed.push(known.version.clone());
        }
    }
    for version in new {
        let aliases = of(&version.version);
        if aliases != version.aliases {
            changed.push(ModelVersion { aliases, ..version });
        }
    }
    if !changed.is_empty() {
        core.store.replace_versions(&changed, None, &ctx).await?;
    }
    for (draft, (fate, _)) in model.versions.iter().zip(&mut fates) {
        let is_changed = here
            .iter()
            .any(|known| known.is_changed && known.version.version == draft.version.version);
        if is_changed && *fate == Fate::Counted(Outcome::Unchanged) {
            *fate = Fate::Counted(Outcome::Updated);
        }
    }
    Ok((fates, about))
}

/// The versions that hold aliases here.
fn held(here: &[Here]) -> BTreeMap<Alias, Version> {
    let mut held = BTreeMap::new();
    for Here { version, .. } in here {
        let aliases = version.aliases.iter().cloned();
        held.extend(aliases.map(|alias| (alias, version.version.clone())));
    }
    held
}

/// The versions that shall hold aliases: the source's, where nobody moved them here.
fn holders(
    here: &[Here],
    model: &ModelDraft,
    fates: &[(Fate, About)],
    about: &mut About,
) -> BTreeMap<Alias, Version> {
    let mut base = BTreeMap::new();
    for known in here {
        let written = known.base.map::<Alias, bool>("aliases");
        let version = &known.version.version;
        base.extend(written.into_keys().map(|alias| (alias, version.clone())));
    }
    let is_refused = |version: &Version| {
        let mut both = model.versions.iter().zip(fates);
        both.any(|(draft, (fate, _))| *fate == Fate::Refused && draft.version.version == *version)
    };
    let mut theirs = model.aliases.clone();
    theirs.retain(|_, version| !is_refused(version));
    let mut holders = held(here);
    for alias in merge::map(&mut holders, &base, &theirs) {
        about.keep(format!("alias '{alias}'"), "it was changed here");
    }
    holders
}

/// Whether a version that came in before is this one: MLflow changes neither of these.
fn is_same(ours: &ModelVersion, theirs: &ModelVersion) -> bool {
    (&ours.source, ours.created_at) == (&theirs.source, theirs.created_at)
}

/// Somebody registered it in this moment: a race like any other.
fn as_race(error: StoreError) -> StoreError {
    match error {
        StoreError::AlreadyExists { kind, id } => StoreError::conflict(kind, &id),
        error => error,
    }
}

async fn read(core: &Core, ctx: &WriteContext, model: &ModelName) -> Result<Vec<Here>> {
    let query = VersionQuery {
        model: Some(model.clone()),
        ..VersionQuery::default()
    };
    let versions = core.store.versions(&query, &PageRequest::all()).await?.rows;
    let mut here = Vec::with_capacity(versions.len());
    for version in versions {
        // As the audit log names a version.
        let object = format!("{} {}", model.as_str(), version.version.as_str());
        let entries = imports_of(core, ObjectKind::ModelVersion, ctx.action, &object).await?;
        here.push(Here {
            base: Base::of(&entries),
            version,
            is_changed: false,
        });
    }
    Ok(here)
}

/// A new version with what its run tells and what the policy asks for.
async fn complete(core: &Core, ctx: &WriteContext, draft: &VersionDraft) -> Result<ModelVersion> {
    let mut version = draft.version.clone();
    version.checklist = first_checklist(&core.policy().await?, &[], ctx)?;
    let Some(run_id) = &version.run_id else {
        return Ok(version);
    };
    match core.store.run(run_id).await {
        Ok(run) => {
            version.metrics = run
                .metrics
                .iter()
                .map(|(key, point)| (key.clone(), point.value))
                .collect();
            version.params = run.params;
            version.artifacts = run.artifacts;
            version
                .artifacts
                .retain(|artifact| artifact.path != OUTPUT_LOG);
            Ok(version)
        }
        Err(StoreError::NotFound { .. }) => Ok(version),
        Err(error) => Err(error.into()),
    }
}

/// Brings a version up to what the source tells, where nobody changed it here.
fn update(known: &mut Here, draft: &VersionDraft, about: &mut About) {
    let Here {
        version,
        base,
        is_changed,
    } = known;
    // NaN is like nothing, itself included.
    let metrics = std::mem::take(&mut version.metrics);
    let before = version.clone();
    let theirs = &draft.version;
    let was: Option<String> = base.field("description");
    match merge::field(&version.description, was.as_ref(), &theirs.description) {
        Held::Same => {}
        Held::Theirs => version.description.clone_from(&theirs.description),
        Held::Ours => about.keep("description", "it was changed here"),
    }
    let is_settled = draft.is_production && version.stage == Stage::Production;
    match merge::field(&version.stage, base.field("stage").as_ref(), &theirs.stage) {
        Held::Same => {}
        Held::Theirs => version.stage = theirs.stage,
        Held::Ours if is_settled => {}
        Held::Ours => about.keep("stage", format!("it is {} here", version.stage)),
    }
    for key in merge::map(&mut version.tags, &base.map("tags"), &theirs.tags) {
        about.keep(format!("tag '{key}'"), "it was changed here");
    }
    *is_changed = *version != before;
    version.metrics = metrics;
}
