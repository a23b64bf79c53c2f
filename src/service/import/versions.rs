//! The versions of one model, compared with those that are here, and written.
//!
//! Aliases move between versions, so all of a model are settled at once: new versions come in with what nobody holds, and what moves is written with its holder.

use super::experiments::Outcome;
use super::imports_of;
use super::merge::{self, Base, Held};
use super::models::{Fate, ModelDraft, STAGE_PART, VersionDraft};
use super::report::About;
use crate::domain::{
    Alias, ModelName, ModelVersion, ObjectKind, Revision, Stage, Version, run::OUTPUT_LOG,
};
use crate::service::Result;
use crate::service::core::Core;
use crate::service::registry::first_checklist;
use crate::store::{PageRequest, StoreError, VersionQuery, WriteContext};
use std::collections::{BTreeMap, BTreeSet};

/// A version that is here.
struct Here {
    version: ModelVersion,
    base: Base,
    is_changed: bool,
}

pub(super) async fn settle(
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
                about.changed.retain(|remark| remark.part != STAGE_PART);
                update(known, draft, &mut about);
                Fate::Counted(Outcome::Unchanged)
            }
            // A store that is mirrored to a server finds its own versions there.
            Some(known)
                if !known.base.made_it
                    && draft.is_copy
                    && known.version.run_id == draft.version.run_id =>
            {
                about = About::new("model version", draft.version.label());
                about
                    .skipped
                    .push("model versions that were made here, of which the source has a copy");
                Fate::Skipped
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
    let is_left_alone = |version: &Version| {
        let mut both = model.versions.iter().zip(fates);
        both.any(|(draft, (fate, _))| {
            !matches!(fate, Fate::Counted(_)) && draft.version.version == *version
        })
    };
    let mut theirs = model.aliases.clone();
    theirs.retain(|_, version| !is_left_alone(version));
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
