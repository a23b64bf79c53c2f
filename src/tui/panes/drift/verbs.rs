//! What can be done with drift: recorded, acknowledged, resolved.

use crate::domain::drift::is_improvement;
use crate::domain::{
    DriftEvent, DriftState, Environment, Key, ModelName, Severity, Version, number,
};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{NewDriftEvent, Write};
use crate::tui::overlay::confirm::Confirm;
use crate::tui::overlay::form::{Form, Submission};
use crate::tui::panes::guard::{open, optional, words};
use crate::tui::panes::resource::Selected;
use crate::tui::panes::{Allowed, Request};

/// The words of choices that leave something open.
const NOT_TOLD: &str = "not told";
const DERIVED: &str = "by how far it moved";

pub(super) fn changes(action: Action) -> bool {
    matches!(
        action,
        Action::Create | Action::Acknowledge | Action::Resolve
    )
}

pub(super) fn allows(action: Action, selected: &Selected<'_, DriftEvent>) -> Allowed {
    let next = match action {
        Action::Acknowledge => DriftState::Acknowledged,
        Action::Resolve => DriftState::Resolved,
        _ => return Allowed::Yes,
    };
    match selected.current {
        None => Allowed::no("there is no drift event here"),
        Some(event) if !event.state.next().contains(&next) => {
            Allowed::no(format!("it is {} already", event.state))
        }
        Some(_) => Allowed::Yes,
    }
}

pub(super) fn on(action: Action, selected: &Selected<'_, DriftEvent>, env: &Env) -> Vec<Request> {
    match (action, selected.current) {
        (Action::Create, current) => open(record(current, env)),
        (Action::Acknowledge, Some(event)) => open(acknowledge(event, env)),
        (Action::Resolve, Some(event)) => open(resolve(event, env)),
        _ => Vec::new(),
    }
}

fn record(like: Option<&DriftEvent>, env: &Env) -> Form {
    let directions = env.directions.clone();
    let known = |of: fn(&DriftEvent) -> String| like.map(of).unwrap_or_default();
    let environment = like
        .and_then(|event| event.environment)
        .map_or(NOT_TOLD, Environment::as_str);
    let mut environments = vec![NOT_TOLD.to_owned()];
    environments.extend(words(Environment::ALL));
    let mut severities = vec![DERIVED.to_owned()];
    severities.extend(words(Severity::ALL));
    Form::new("Record drift", move |values| {
        let model = values.read("model_name", ModelName::new);
        let version = values.read("version", Version::new);
        let metric = values.read("metric", Key::new);
        let baseline = values.read("baseline", read_number);
        let observed = values.read("observed", read_number);
        let threshold = values.read_given("threshold", read_number);
        let baseline_size = values.read_given("baseline_size", str::parse);
        let observed_size = values.read_given("observed_size", str::parse);
        let mut new = NewDriftEvent::new(model?, version?, metric?, baseline?, observed?);
        new.environment = values.text("environment").parse().ok();
        new.severity = values.text("severity").parse().ok();
        new.threshold = threshold?;
        (new.baseline_size, new.observed_size) = (baseline_size?, observed_size?);
        new.note = optional(values.text("note"));
        if !is_improvement(&new.metric, new.baseline, new.observed, &directions) {
            return Some(Submission::from(Write::RecordDrift(new)));
        }
        let says = format!(
            "{} went from {} to {}, which is better: it improved.",
            new.metric,
            number::short(new.baseline),
            number::short(new.observed)
        );
        let question = Confirm::new("Record an improvement", Write::RecordDrift(new))
            .about(says)
            .about("Drift is what became worse. Are baseline and observed the right way round?");
        Some(Submission::from(question))
    })
    .text(
        "model_name",
        "Model",
        "",
        &known(|event| event.model_name.as_str().to_owned()),
    )
    .text(
        "version",
        "Version",
        "or an alias that it has: champion",
        &known(|event| event.version.as_str().to_owned()),
    )
    .choice(
        "environment",
        "Environment",
        "← and → choose",
        environments,
        environment,
    )
    .text(
        "metric",
        "Metric",
        "accuracy, or a feature and a measure: age/psi",
        &known(|event| event.metric.as_str().to_owned()),
    )
    .text(
        "baseline",
        "Baseline",
        "",
        &known(|event| event.baseline.to_string()),
    )
    .text("observed", "Observed", "", "")
    .choice(
        "severity",
        "Severity",
        "← and → choose",
        severities,
        DERIVED,
    )
    .text("threshold", "Threshold", "may be empty", "")
    .text(
        "baseline_size",
        "Baseline size",
        "samples; may be empty",
        "",
    )
    .text(
        "observed_size",
        "Observed size",
        "samples; may be empty",
        "",
    )
    .text("note", "Note", "may be empty", "")
    .focused(if like.is_some() {
        "observed"
    } else {
        "model_name"
    })
}

fn read_number(text: &str) -> Result<f64, &'static str> {
    number::parse(text).ok_or("this is not a number")
}

fn acknowledge(event: &DriftEvent, env: &Env) -> Form {
    let (event_id, expected) = (event.event_id.clone(), event.revision);
    Form::new("Acknowledge drift", move |values| {
        let note = optional(values.text("note"));
        Some(Submission::from(Write::AcknowledgeDrift(
            event_id.clone(),
            note,
            Some(expected),
        )))
    })
    .about(what(event, env))
    .about("Somebody looks at it; it goes on counting.")
    .text("note", "Note", "who looks at what; may be empty", "")
    .renewed(event.updated_at, |now, _, env| {
        let event = now.drift_event();
        let event = event.filter(|event| event.state.next().contains(&DriftState::Acknowledged));
        event.map(|event| acknowledge(event, env))
    })
}

fn resolve(event: &DriftEvent, env: &Env) -> Form {
    let (event_id, expected) = (event.event_id.clone(), event.revision);
    Form::new("Resolve drift", move |values| {
        let Some(note) = values.given("note") else {
            values.wrong("note", &"say in a few words how it was resolved");
            return None;
        };
        Some(Submission::from(Write::ResolveDrift(
            event_id.clone(),
            note.to_owned(),
            Some(expected),
        )))
    })
    .about(what(event, env))
    .about("The next record of it opens another event.")
    .text("note", "Note", "what was done", "")
    .renewed(event.updated_at, |now, _, env| {
        let event = now.drift_event();
        let event = event.filter(|event| event.state.next().contains(&DriftState::Resolved));
        event.map(|event| resolve(event, env))
    })
}

fn what(event: &DriftEvent, env: &Env) -> String {
    let improved = if super::is_improved(event, env) {
        ": it improved"
    } else {
        ""
    };
    format!(
        "{} of {} {}: {} against {}, {}{improved}.",
        event.metric,
        event.model_name,
        event.version,
        number::short(event.observed),
        number::short(event.baseline),
        event.severity
    )
}
