//! The question before everything that changes production, and other steps that the forms of several tabs share.

use super::Request;
use crate::domain::ModelName;
use crate::tui::env::Env;
use crate::tui::message::Write;
use crate::tui::overlay::Overlay;
use crate::tui::overlay::confirm::Confirm;
use crate::tui::overlay::form::{Form, Submission};

/// The change itself, or, where it changes production, the question that wants the model's name typed.
pub(super) fn guarded(
    production: bool,
    model: &ModelName,
    says: impl Into<String>,
    write: Write,
) -> Submission {
    if production {
        Submission::from(
            Confirm::new("Change production", write)
                .about(says)
                .typing(model.as_str()),
        )
    } else {
        Submission::from(write)
    }
}

/// The change behind a plain question: it changes no production, but takes something out of sight.
pub(super) fn asked(title: &str, says: impl Into<String>, write: Write) -> Submission {
    Submission::from(Confirm::new(title, write).about(says))
}

pub(super) fn open(form: Form) -> Vec<Request> {
    vec![Request::Open(Box::new(Overlay::Form(form)))]
}

/// A free text that may be left empty.
pub(super) fn optional(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What stands below a field for a checklist.
pub(super) const ITEMS: &str = "required items, separated by commas";

/// The items that the policy puts on every checklist, in a sentence; `None` where there are none.
pub(super) fn asked_by_policy(env: &Env) -> Option<String> {
    let items = &env.overview.policy.required_items;
    let names: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The policy puts these on its checklist by itself: {}.",
            names.join(", ")
        )
    })
}

/// The words of a vocabulary, as a choice has them.
pub(super) fn words<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}
