//! What can be done with a version that waits for a decision; the Registry offers the first steps too.

use super::{ALL, Review};
use crate::domain::{ChecklistStatus, ItemName, ModelVersion, Verdict};
use crate::tui::env::Env;
use crate::tui::keymap::Action;
use crate::tui::message::{ChecklistMark, NewChecklistItem, NewDecision, VersionMore, Write};
use crate::tui::overlay::form::{Form, Submission};
use crate::tui::panes::guard::{guarded, open, optional, words};
use crate::tui::panes::resource::Selected;
use crate::tui::panes::{Allowed, Jump, Request, Scope, Tab};

pub(in crate::tui::panes) fn changes(action: Action) -> bool {
    matches!(
        action,
        Action::AddItem | Action::MarkItem | Action::Approve | Action::Reject
    )
}

pub(super) fn allows(action: Action, selected: &Selected<'_, Review>, env: &Env) -> Allowed {
    if action == Action::ShowAll {
        return Allowed::Yes;
    }
    let Some(review) = selected.current else {
        return Allowed::no("no version waits here");
    };
    match action {
        Action::MarkItem if review.version.checklist.is_empty() => {
            Allowed::no("its checklist is empty; 'i' adds an item")
        }
        Action::Approve if !review.self_approval && is_own(&review.version, env) => {
            Allowed::no("you registered it, so somebody else has to approve it")
        }
        _ => Allowed::Yes,
    }
}

/// Whether the person on the screen registered it.
pub(in crate::tui::panes) fn is_own(version: &ModelVersion, env: &Env) -> bool {
    version.registered_by == env.person
}

pub(super) fn on(action: Action, selected: &Selected<'_, Review>, _: &Env) -> Vec<Request> {
    if action == Action::ShowAll {
        return vec![Request::Jump(other_half(selected.scope))];
    }
    let Some(version) = selected.current.map(|review| &review.version) else {
        return Vec::new();
    };
    match action {
        Action::AddItem => open(add_item(version)),
        Action::MarkItem => open(mark_item(version, selected.chosen.as_deref())),
        Action::Approve => open(approve(version, selected.more)),
        Action::Reject => open(reject(version)),
        _ => Vec::new(),
    }
}

/// From those that wait to all, and back.
fn other_half(scope: &Scope) -> Jump {
    let scope = if scope.is_empty() {
        Scope::new("waiting and decided").with(ALL, "all")
    } else {
        Scope::default()
    };
    Jump::to(Tab::Approvals, scope)
}

pub(in crate::tui::panes) fn add_item(version: &ModelVersion) -> Form {
    let (model, name) = (version.model_name.clone(), version.version.clone());
    Form::new(
        format!("Add to the checklist of {}", version.label()),
        move |values| {
            let item = values.read("item", ItemName::new)?;
            let new = NewChecklistItem {
                name: item,
                required: values.text("required") == "yes",
            };
            Some(Submission::from(Write::AppendItem(
                model.clone(),
                name.clone(),
                new,
            )))
        },
    )
    .text("item", "Item", "what has to be shown: bias review", "")
    .choice(
        "required",
        "Required",
        "whether Production needs it APPROVED",
        words(&["yes", "no"]),
        "yes",
    )
}

fn mark_item(version: &ModelVersion, chosen: Option<&str>) -> Form {
    let (model, name) = (version.model_name.clone(), version.version.clone());
    let judged_on = version.revision;
    let checklist = version.checklist.clone();
    let items: Vec<String> = version
        .checklist
        .iter()
        .map(|item| item.name.as_str().to_owned())
        .collect();
    let first = version
        .checklist
        .iter()
        .find(|item| {
            chosen.map_or(item.status == ChecklistStatus::Pending, |chosen| {
                item.name.as_str() == chosen
            })
        })
        .or(version.checklist.first());
    let (item, status, note) = first.map_or(("", ChecklistStatus::Approved, ""), |item| {
        let next = match item.status {
            ChecklistStatus::Pending | ChecklistStatus::Rejected => ChecklistStatus::Approved,
            ChecklistStatus::Approved => ChecklistStatus::Pending,
        };
        (
            item.name.as_str(),
            next,
            item.note.as_deref().unwrap_or_default(),
        )
    });
    Form::new(
        format!("Mark an item of {}", version.label()),
        move |values| {
            let item = values.read("item", ItemName::new);
            let status = values.read("status", str::parse::<ChecklistStatus>);
            // The note that stood there belongs to the item that the form began with.
            let known = || {
                let mut known = checklist.iter();
                known.find(|item| item.name.as_str() == values.text("item"))
            };
            let note = match values.changed("note") {
                Some(typed) => optional(typed),
                None => known().and_then(|item| item.note.clone()),
            };
            Some(Submission::from(Write::MarkItems {
                model_name: model.clone(),
                version: name.clone(),
                marks: vec![ChecklistMark {
                    item: item?,
                    status: status?,
                    note,
                }],
                notes: None,
                expected: Some(judged_on),
            }))
        },
    )
    .intent("item", "Item", "← and → choose", items, item)
    .intent(
        "status",
        "Status",
        "← and → choose; PENDING takes a mark back",
        words(ChecklistStatus::ALL),
        status.as_str(),
    )
    .text(
        "note",
        "Note",
        "what was seen, or why it does not apply; may be empty",
        note,
    )
    .focused("note")
    .renewed(version.updated_at, |now, values, _| {
        let (version, _) = now.version()?;
        Some(mark_item(version, Some(values.text("item"))))
    })
}

pub(in crate::tui::panes) fn approve(version: &ModelVersion, more: Option<&VersionMore>) -> Form {
    let form = decision(version, Verdict::Approved);
    let open_items = version
        .checklist
        .iter()
        .filter(|item| item.required && item.status != ChecklistStatus::Approved);
    let form = open_items.fold(form, |form, item| {
        form.about(format!("✗ Item '{}' is {}.", item.name, item.status))
    });
    match more {
        Some(more)
            if more
                .drift
                .iter()
                .any(|event| event.state != crate::domain::DriftState::Resolved) =>
        {
            form.about("▲ There is unresolved drift of this version.")
        }
        _ => form,
    }
}

pub(in crate::tui::panes) fn reject(version: &ModelVersion) -> Form {
    decision(version, Verdict::Rejected)
}

/// The decision is about the content that is on the screen now: if another one is there when it arrives, it is refused.
fn decision(version: &ModelVersion, verdict: Verdict) -> Form {
    let seen = version.updated_at;
    let (model, name, subject) = (
        version.model_name.clone(),
        version.version.clone(),
        version.subject(),
    );
    let label = version.label();
    let (title, help, asks) = match verdict {
        Verdict::Approved => (
            format!("Approve {label}"),
            "what speaks for it; may be empty",
            "approves",
        ),
        Verdict::Rejected => (
            format!("Reject {label}"),
            "what speaks against it",
            "rejects",
        ),
    };
    let about = format!("This {asks} exactly the content {}.", subject.short());
    let says = format!("This {asks} {label} for Production.");
    Form::new(title, move |values| {
        let notes = optional(values.text("notes"));
        if verdict == Verdict::Rejected && notes.is_none() {
            values.wrong("notes", &"say why in a few words");
        }
        let decision = NewDecision {
            verdict,
            notes,
            subject: Some(subject.clone()),
        };
        let write = Write::Decide(model.clone(), name.clone(), decision);
        Some(guarded(true, &model, says.clone(), write))
    })
    .about(about)
    .text("notes", "Notes", help, "")
    .renewed(seen, move |now, _, _| {
        let (version, more) = now.version()?;
        Some(match verdict {
            Verdict::Approved => approve(version, Some(more)),
            Verdict::Rejected => reject(version),
        })
    })
}
