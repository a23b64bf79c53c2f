//! What can be done with a version in the registry.

use crate::domain::{
    Alias, ChecklistStatus, Key, ModelName, ModelVersion, RunId, Stage, Version, build_checklist,
};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{
    Answer, ModelVersionUpdate, NewModelVersion, Question, StageChange, VersionMore, Write,
};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::form::{Form, Submission};
use crate::tui::overlay::reader::Reader;
use crate::tui::panes::guard::{self, asked, guarded, open, optional, words};
use crate::tui::panes::resource::Selected;
use crate::tui::panes::{Allowed, Request, approvals, pairs, sections};
use crate::tui::widgets::detail::{Detail, Section};
use std::collections::BTreeMap;

pub(super) fn changes(action: Action) -> bool {
    matches!(
        action,
        Action::Register | Action::Edit | Action::SetStage | Action::SetAlias | Action::RemoveAlias
    ) || approvals::verbs::changes(action)
}

pub(super) fn allows(action: Action, selected: &Selected<'_, ModelVersion>, env: &Env) -> Allowed {
    if action == Action::Register {
        return Allowed::Yes;
    }
    if action == Action::Compare {
        return match compared(selected) {
            Ok(_) => Allowed::Yes,
            Err(why) => Allowed::no(why),
        };
    }
    let Some(version) = selected.current else {
        return Allowed::no("there is no version here");
    };
    match action {
        Action::RemoveAlias if version.aliases.is_empty() => {
            Allowed::no(format!("version '{}' has no alias", version.label()))
        }
        Action::Approve
            if approvals::verbs::is_own(version, env) && !env.overview.policy.self_approval =>
        {
            Allowed::no("you registered it, so somebody else has to approve it")
        }
        _ => Allowed::Yes,
    }
}

pub(super) fn on(action: Action, selected: &Selected<'_, ModelVersion>, env: &Env) -> Vec<Request> {
    match (action, selected.current) {
        (Action::Register, current) => open(register(current, env)),
        (Action::Compare, _) => compare(selected),
        (Action::Edit, Some(version)) => open(edit(version)),
        (Action::SetStage, Some(version)) => open(set_stage(version, selected.more)),
        (Action::SetAlias, Some(version)) => open(set_alias(version)),
        (Action::RemoveAlias, Some(version)) => open(remove_alias(version)),
        (Action::AddItem, Some(version)) => open(approvals::verbs::add_item(version)),
        (Action::Approve, Some(version)) => open(approvals::verbs::approve(version, selected.more)),
        (Action::Reject, Some(version)) => open(approvals::verbs::reject(version)),
        _ => Vec::new(),
    }
}

/// The marked versions, if they can be compared.
fn compared<'a>(
    selected: &'a Selected<'_, ModelVersion>,
) -> Result<(&'a ModelName, Vec<Version>), String> {
    let [first, rest @ ..] = selected.marked else {
        return Err("mark two or more versions of one model with space, then compare".to_owned());
    };
    if rest.is_empty() {
        return Err("one version is marked; mark another of the same model".to_owned());
    }
    if let Some(other) = rest
        .iter()
        .find(|other| other.model_name != first.model_name)
    {
        return Err(format!(
            "'{}' and '{}' are different models; 'u' takes all marks away",
            first.model_name, other.model_name
        ));
    }
    let mut versions: Vec<Version> = selected
        .marked
        .iter()
        .map(|marked| marked.version.clone())
        .collect();
    versions.sort_by(|a, b| crate::domain::registry::natural_order(a.as_str(), b.as_str()));
    Ok((&first.model_name, versions))
}

fn compare(selected: &Selected<'_, ModelVersion>) -> Vec<Request> {
    let Ok((model, versions)) = compared(selected) else {
        return Vec::new();
    };
    let title = format!(
        "{model}: {} versions side by side, ★ is the best",
        versions.len()
    );
    let columns = versions.len();
    let question = Question::Comparison(model.clone(), versions);
    let reader = Reader::new(
        title,
        question,
        columns,
        |answer, skipped, env| match answer {
            Answer::Comparison(comparison) => Some(Detail {
                title: String::new(),
                sections: vec![
                    Section::new("").table(sections::comparison(comparison, skipped, env)),
                ],
            }),
            _ => None,
        },
    );
    vec![Request::Open(Box::new(Overlay::Reader(reader)))]
}

fn register(like: Option<&ModelVersion>, env: &Env) -> Form {
    let model = like.map_or("", |version| version.model_name.as_str());
    Form::new("Register a model version", |values| {
        let model = values.read("model_name", ModelName::new);
        let version = values.read_given("version", Version::new);
        let run_id = values.read_given("run_id", RunId::new);
        let metrics = values.read("metrics", version_metrics);
        let tags = values.read("tags", pairs::texts);
        let items = values.read("checklist", pairs::items);
        let mut new = NewModelVersion::new(model?);
        (new.version, new.run_id) = (version?, run_id?);
        new.source = values.given("source").map(str::to_owned);
        values.text("description").clone_into(&mut new.description);
        (new.metrics, new.tags) = (metrics?, tags?);
        new.checklist = build_checklist(items?, ChecklistStatus::Pending);
        Some(Submission::from(Write::RegisterVersion(new)))
    })
    .about_if(guard::asked_by_policy(env))
    .text("model_name", "Model", "a new or known model", model)
    .text("version", "Version", "empty for the next number", "")
    .text(
        "run_id",
        "Run",
        "its metrics, params and files come along; may be empty",
        "",
    )
    .text(
        "source",
        "Source",
        "where the model's files are: s3://…; may be empty",
        "",
    )
    .text("description", "Description", "", "")
    .text(
        "metrics",
        "Metrics",
        "auc=0.93 loss=0.2; stronger than the run's",
        "",
    )
    .text("tags", "Tags", "team=risk kind=lgbm", "")
    .text("checklist", "Checklist", guard::ITEMS, "")
    .focused(if like.is_some() {
        "version"
    } else {
        "model_name"
    })
}

/// Metrics of a version have no steps.
fn version_metrics(text: &str) -> Result<BTreeMap<Key, f64>, String> {
    let metrics = pairs::metrics(text)?.into_iter();
    Ok(metrics.map(|metric| (metric.key, metric.value)).collect())
}

fn edit(version: &ModelVersion) -> Form {
    let (model, name, expected) = (
        version.model_name.clone(),
        version.version.clone(),
        version.revision,
    );
    let decided = !version.decisions.is_empty();
    let (tags, written) = (version.tags.clone(), pairs::write_texts(&version.tags));
    let form = Form::new(format!("Edit version {}", version.label()), move |values| {
        let metrics = values.read("metrics", version_metrics);
        let (set_tags, remove_tags) = pairs::difference(&tags, &values.read("tags", pairs::texts)?);
        let source = values.changed("source");
        if source.is_some_and(str::is_empty) {
            values.wrong("source", &"cannot be emptied");
        }
        let update = ModelVersionUpdate {
            description: values.changed("description").map(str::to_owned),
            source: source.map(str::to_owned),
            metrics: metrics?,
            set_tags,
            remove_tags,
            reason: values.given("reason").map(str::to_owned),
            expected: Some(expected),
        };
        Some(Submission::from(Write::UpdateVersion(
            model.clone(),
            name.clone(),
            update,
        )))
    });
    let form = if decided {
        form.about("Another source or metric makes the decisions on this version stale.")
    } else {
        form
    };
    form.text("description", "Description", "", &version.description)
        .text(
            "source",
            "Source",
            "where the model's files are",
            version.source.as_deref().unwrap_or_default(),
        )
        .text("metrics", "Metrics", "auc=0.93: to add or change", "")
        .merged(
            pairs::merge,
            "tags",
            "Tags",
            "key=value, several with spaces between them",
            &written,
        )
        .text(
            "reason",
            "Reason",
            "why, for the audit log; may be empty",
            "",
        )
        .renewed(version.updated_at, |now, _, _| {
            now.version().map(|(version, _)| edit(version))
        })
}

fn set_stage(version: &ModelVersion, more: Option<&VersionMore>) -> Form {
    let (from, label) = (version.stage, version.label());
    let (model, name, expected) = (
        version.model_name.clone(),
        version.version.clone(),
        version.revision,
    );
    let mut form = Form::new(format!("Set the stage of {label}"), move |values| {
        let stage: Stage = values.read("stage", str::parse)?;
        let reason = optional(values.text("reason"));
        let change = StageChange {
            reason,
            expected: Some(expected),
        };
        let says = format!("{label} goes from stage {from} to {stage}.");
        let write = Write::SetStage(model.clone(), name.clone(), stage, change);
        let production = stage != from && (stage == Stage::Production || from == Stage::Production);
        if stage == Stage::Archived && from != Stage::Archived && !production {
            return Some(asked("Archive a version", says, write));
        }
        Some(guarded(production, &model, says, write))
    })
    .about(format!("It is in stage {from}."));
    if let Some(more) = more {
        if let Some(holder) = more
            .production
            .as_ref()
            .filter(|holder| holder.version != version.version)
        {
            form = form.about(format!(
                "To Production it sends version {} to Archived.",
                holder.version
            ));
        }
        for lack in &more.missing {
            form = form.about(format!("✗ Production lacks: {lack}."));
        }
    }
    let next = match from {
        Stage::None => Stage::Staging,
        Stage::Staging => Stage::Production,
        Stage::Production | Stage::Archived => Stage::Archived,
    };
    form.intent(
        "stage",
        "Stage",
        "← and → choose",
        words(Stage::ALL),
        next.as_str(),
    )
    .text(
        "reason",
        "Reason",
        "why, for the audit log; may be empty",
        "",
    )
    .renewed(version.updated_at, |now, _, _| {
        let (version, more) = now.version()?;
        Some(set_stage(version, Some(more)))
    })
}

fn set_alias(version: &ModelVersion) -> Form {
    let (model, name) = (version.model_name.clone(), version.version.clone());
    Form::new(
        format!("Give {} an alias", version.label()),
        move |values| {
            let alias = values.read("alias", Alias::new)?;
            Some(Submission::from(Write::SetAlias(
                model.clone(),
                name.clone(),
                alias,
            )))
        },
    )
    .about("The version of this model that has it now loses it.")
    .text("alias", "Alias", "champion", "")
}

fn remove_alias(version: &ModelVersion) -> Form {
    let (model, name) = (version.model_name.clone(), version.version.clone());
    let aliases: Vec<String> = version
        .aliases
        .iter()
        .map(|alias| alias.as_str().to_owned())
        .collect();
    let first = aliases.first().cloned().unwrap_or_default();
    Form::new(
        format!("Take an alias from {}", version.label()),
        move |values| {
            let alias = values.read("alias", Alias::new)?;
            Some(Submission::from(Write::RemoveAlias(
                model.clone(),
                name.clone(),
                alias,
            )))
        },
    )
    .choice("alias", "Alias", "← and → choose", aliases, &first)
}
