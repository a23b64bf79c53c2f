//! The forms of runs: logging one by hand, adding to it, ending it, and registering a version from it.

use crate::domain::text::visible;
use crate::domain::{
    ChecklistStatus, ExperimentName, ModelName, ModelRun, RunStatus, Version, build_checklist,
};
use crate::tui::env::Env;
use crate::tui::message::{NewModelVersion, NewRun, RunUpdate, Write};
use crate::tui::overlay::form::Form;
use crate::tui::panes::{guard, pairs};

const PAIRS: &str = "key=value, several with spaces between them";
const METRICS: &str = "loss=0.31 auc=0.93@10, the step behind the @";

fn words(statuses: impl IntoIterator<Item = RunStatus>) -> Vec<String> {
    statuses
        .into_iter()
        .map(|status| status.to_string())
        .collect()
}

/// A run that was done elsewhere, or is about to be.
pub(super) fn log(experiment: &str) -> Form {
    Form::new("Log a run", |values| {
        let experiment = values.read("experiment", ExperimentName::new);
        let params = values.read("params", pairs::texts);
        let metrics = values.read("metrics", pairs::metrics);
        let tags = values.read("tags", pairs::texts);
        let status = values.read("status", str::parse::<RunStatus>);
        Some(
            Write::LogRun(NewRun {
                name: values.given("name").map(str::to_owned),
                status: status?,
                params: params?,
                metrics: metrics?,
                tags: tags?,
                ..NewRun::new(experiment?)
            })
            .into(),
        )
    })
    .text(
        "experiment",
        "Experiment",
        "it must be there already",
        experiment,
    )
    .text("name", "Name", "empty for one made from its id", "")
    .choice(
        "status",
        "Status",
        "left and right choose",
        words(RunStatus::ALL.iter().copied()),
        RunStatus::Completed.as_str(),
    )
    .text("params", "Params", PAIRS, "")
    .text("metrics", "Metrics", METRICS, "")
    .text("tags", "Tags", PAIRS, "")
    .focused(if experiment.is_empty() {
        "experiment"
    } else {
        "name"
    })
}

/// What may be changed of a run, and what may be added to it.
pub(super) fn edit(run: &ModelRun) -> Form {
    let before = run.clone();
    Form::new(
        format!("Edit run '{}'", visible(&run.name)),
        move |values| {
            let params = values.read("params", pairs::texts);
            let metrics = values.read("metrics", pairs::metrics);
            let tags = values.read("tags", pairs::texts)?;
            let (set_tags, remove_tags) = pairs::difference(&before.tags, &tags);
            let update = RunUpdate {
                name: values.changed("name").map(str::to_owned),
                params: params?,
                metrics: metrics?,
                set_tags,
                remove_tags,
                reason: values.given("reason").map(str::to_owned),
                expected: Some(before.revision),
                ..RunUpdate::default()
            };
            Some(Write::UpdateRun(before.run_id.clone(), update).into())
        },
    )
    .text("name", "Name", "it need not be unique", &run.name)
    .text("metrics", "Add metrics", METRICS, "")
    .text(
        "params",
        "Add params",
        "key=value; one that is there keeps its value",
        "",
    )
    .merged(
        pairs::merge,
        "tags",
        "Tags",
        "key=value, several with spaces between them; what is left out is removed",
        &pairs::write_texts(&run.tags),
    )
    .text("reason", "Reason", "for the audit log, may be empty", "")
    .renewed(run.updated_at, |now, _, _| now.run().map(edit))
}

/// How a run ended. One that is silent for too long is offered as KILLED.
pub(super) fn end(run: &ModelRun, env: &Env) -> Form {
    let (run_id, revision) = (run.run_id.clone(), run.revision);
    let statuses = run.status.next().iter().copied();
    let stale = super::silence(run, env);
    let first = if stale.is_some() {
        RunStatus::Killed
    } else {
        RunStatus::Completed
    };
    let form = Form::new(format!("End run '{}'", visible(&run.name)), move |values| {
        let status = values.read("status", str::parse::<RunStatus>)?;
        let update = RunUpdate {
            status: Some(status),
            reason: values.given("reason").map(str::to_owned),
            expected: Some(revision),
            ..RunUpdate::default()
        };
        Some(Write::UpdateRun(run_id.clone(), update).into())
    })
    .intent(
        "status",
        "Becomes",
        "left and right choose; a run that ended stays as it ended",
        words(statuses.filter(|status| status.is_final())),
        first.as_str(),
    )
    .text("reason", "Reason", "for the audit log, may be empty", "")
    .renewed(run.updated_at, |now, _, env| {
        let run = now.run().filter(|run| !run.status.is_final());
        run.map(|run| end(run, env))
    });
    match stale {
        Some(silence) => form.about(format!(
            "It says RUNNING, but has been silent for {}.",
            crate::tui::env::span(silence)
        )),
        None => form.about(format!("It is {}.", run.status)),
    }
}

/// A model version from what the run measured and left.
pub(super) fn register(run: &ModelRun, env: &Env) -> Form {
    let run_id = run.run_id.clone();
    Form::new(
        format!("Register a version from run '{}'", visible(&run.name)),
        move |values| {
            let model = values.read("model", ModelName::new);
            let version = values.read_given("version", Version::new);
            let tags = values.read("tags", pairs::texts);
            let items = values.read("checklist", pairs::items);
            Some(
                Write::RegisterVersion(NewModelVersion {
                    checklist: build_checklist(items?, ChecklistStatus::Pending),
                    version: version?,
                    run_id: Some(run_id.clone()),
                    source: values.given("source").map(str::to_owned),
                    tags: tags?,
                    description: values.text("description").to_owned(),
                    ..NewModelVersion::new(model?)
                })
                .into(),
            )
        },
    )
    .about("Its latest metrics, its params and its artifacts come along.")
    .about_if(guard::asked_by_policy(env))
    .text(
        "model",
        "Model",
        "its name; made if it is new",
        run.experiment_name.as_str(),
    )
    .text("version", "Version", "empty for the next number", "")
    .text(
        "description",
        "Description",
        "what an approver should know",
        "",
    )
    .text(
        "source",
        "Source",
        "where the artifact lies: s3://…, /models/…",
        "",
    )
    .text("tags", "Tags", PAIRS, "")
    .text("checklist", "Checklist", guard::ITEMS, "")
}
