//! Models and their versions: registered from the best runs, reviewed by somebody else, some promoted.

use super::chance::Chance;
use super::experiments::{Trained, Training, label};
use super::plan::{Person, Plan, Step, later};
use super::subjects::SUBJECTS;
use crate::domain::{
    Alias, ChecklistStatus, ItemName, ModelName, RunId, Stage, Verdict, Version, build_checklist,
};
use crate::service::{ChecklistMark, ModelVersionUpdate, NewDecision, NewModelVersion};
use jiff::Timestamp;

/// How far a version came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Reviewed, approved, promoted to Production, and archived when the next one came.
    Production,
    /// Approved and waiting for its day.
    Approved,
    /// In Staging with half of its checklist done.
    HalfDone,
    /// Nobody has looked at it yet.
    Untouched,
    /// Rejected by an approver.
    Rejected,
    /// Approved, and its numbers corrected afterwards.
    Stale,
    /// Given up without a review.
    GivenUp,
}

pub(super) struct Model {
    pub(super) name: &'static str,
    pub(super) subject: usize,
    /// In hours before the present.
    versions: &'static [(f64, Fate)],
}

pub(super) const MODELS: [Model; 6] = [
    Model {
        name: "fraud-detector",
        subject: 0,
        versions: &[
            (1_200.0, Fate::Production),
            (900.0, Fate::Production),
            (560.0, Fate::Production),
            (330.0, Fate::Production),
            (150.0, Fate::Production),
            (31.0, Fate::HalfDone),
            (4.0, Fate::Untouched),
        ],
    },
    Model {
        name: "churn-model",
        subject: 1,
        versions: &[
            (1_000.0, Fate::Production),
            (640.0, Fate::GivenUp),
            (300.0, Fate::Production),
            (60.0, Fate::Stale),
        ],
    },
    Model {
        name: "demand-forecaster",
        subject: 2,
        versions: &[
            (1_010.0, Fate::Production),
            (720.0, Fate::Rejected),
            (410.0, Fate::Production),
            (90.0, Fate::Rejected),
            (12.0, Fate::HalfDone),
        ],
    },
    Model {
        name: "ticket-router",
        subject: 3,
        versions: &[
            (800.0, Fate::Production),
            (210.0, Fate::Approved),
            (8.0, Fate::Untouched),
        ],
    },
    Model {
        name: "defect-finder",
        subject: 4,
        versions: &[
            (700.0, Fate::Production),
            (430.0, Fate::GivenUp),
            (240.0, Fate::Production),
            (36.0, Fate::Approved),
        ],
    },
    Model {
        name: "credit-scorer",
        subject: 5,
        versions: &[(1_150.0, Fate::Production), (650.0, Fate::Production)],
    },
];

/// What the policy asks of every version.
const REQUIRED: [&str; 3] = ["bias review", "load test", "model card"];

/// How many hours after its registration something happens to a version.
const MARKS: [f64; 3] = [1.5, 2.5, 5.0];
const DECISION: f64 = 7.0;
const STAGING: f64 = 1.0;
pub(super) const PRODUCTION: f64 = 23.0;

/// A version as those who deploy it know it.
pub(super) struct Made {
    pub(super) model: usize,
    pub(super) version: Version,
    pub(super) at: Timestamp,
    pub(super) fate: Fate,
}

pub(super) fn plan(plan: &mut Plan, chance: &mut Chance, trained: &Training) -> Vec<Made> {
    let policy = (
        "production.required_items",
        "bias review,load test,model card",
    );
    plan.add(
        plan.ago(1_441.0),
        Person::Carol,
        Step::Policy(policy.0, policy.1),
    );
    let mut made = Vec::new();
    for (place, model) in MODELS.iter().enumerate() {
        for (number, (hours, fate)) in model.versions.iter().enumerate() {
            let at = plan.ago(*hours);
            let version = Version::trusted((number + 1).to_string());
            one(plan, chance, trained, place, &version, at, *fate);
            made.push(Made {
                model: place,
                version,
                at,
                fate: *fate,
            });
        }
    }
    made
}

fn one(
    plan: &mut Plan,
    chance: &mut Chance,
    trained: &Training,
    place: usize,
    version: &Version,
    at: Timestamp,
    fate: Fate,
) {
    let model = &MODELS[place];
    let owner = SUBJECTS[model.subject].owner;
    let name = ModelName::trusted(model.name);
    let run_id = best_before(trained, model.subject, at);
    let extra = (model.subject == 5).then(|| ItemName::trusted("regulator notified"));
    let extra_item = extra.clone();
    let new = NewModelVersion {
        version: Some(version.clone()),
        source: run_id
            .as_ref()
            .map(|run_id| format!("s3://models/{}/{}", model.name, run_id.as_str())),
        run_id,
        tags: [label(
            "framework",
            ["lightgbm", "catboost", "torch", "torch", "torch", "sklearn"][model.subject],
        )]
        .into(),
        description: description(fate).to_owned(),
        checklist: build_checklist(extra, ChecklistStatus::Pending),
        ..NewModelVersion::new(name.clone())
    };
    plan.add(at, owner, Step::Register(Box::new(new)));
    let reviewer = reviewer(owner, chance);
    let done = match fate {
        Fate::Untouched | Fate::GivenUp => 0,
        Fate::HalfDone => 2,
        Fate::Rejected => 1,
        Fate::Production | Fate::Approved | Fate::Stale => 3,
    };
    let required = REQUIRED
        .iter()
        .map(|item| ItemName::trusted(*item))
        .take(done);
    let items: Vec<ItemName> = required.chain(extra_item.filter(|_| done == 3)).collect();
    for (item, hours) in items.into_iter().zip(MARKS.into_iter().chain([6.0])) {
        let note = note_on(item.as_str()).map(str::to_owned);
        let mark = ChecklistMark {
            item,
            status: ChecklistStatus::Approved,
            note,
        };
        plan.add(
            later(at, hours),
            reviewer,
            Step::Mark(name.clone(), version.clone(), mark),
        );
    }
    if matches!(fate, Fate::GivenUp) {
        let step = Step::SetStage(
            name,
            version.clone(),
            Stage::Archived,
            "the next one is better",
        );
        plan.add(later(at, 50.0), owner, step);
        return;
    }
    if matches!(fate, Fate::Untouched) {
        return;
    }
    if fate != Fate::Rejected {
        let step = Step::SetStage(
            name.clone(),
            version.clone(),
            Stage::Staging,
            "to be tried on copied traffic",
        );
        plan.add(later(at, STAGING), owner, step);
    }
    if fate == Fate::HalfDone {
        let step = Step::SetAlias(name, version.clone(), Alias::trusted("challenger"));
        plan.add(later(at, STAGING + 0.1), owner, step);
        return;
    }
    decide_and_after(plan, (&name, version), at, fate, (owner, reviewer));
}

fn decide_and_after(
    plan: &mut Plan,
    (name, version): (&ModelName, &Version),
    at: Timestamp,
    fate: Fate,
    (owner, reviewer): (Person, Person),
) {
    let rejected = fate == Fate::Rejected;
    let decision = NewDecision {
        verdict: if rejected { Verdict::Rejected } else { Verdict::Approved },
        notes: Some(
            if rejected {
                "worse than the version before it for the smallest stores; see the error by store size"
            } else {
                "numbers checked against the run, load test repeated"
            }
            .to_owned(),
        ),
        subject: None,
    };
    plan.add(
        later(at, DECISION),
        reviewer,
        Step::Decide(name.clone(), version.clone(), decision),
    );
    if fate == Fate::Stale {
        let update = ModelVersionUpdate {
            metrics: [(crate::domain::Key::trusted("val/auc"), 0.858)].into(),
            reason: Some("measured again without the leaked column".to_owned()),
            ..ModelVersionUpdate::default()
        };
        let step = Step::ChangeVersion(name.clone(), version.clone(), Box::new(update));
        plan.add(later(at, DECISION + 20.0), owner, step);
    }
    if fate == Fate::Production {
        let step = Step::SetStage(
            name.clone(),
            version.clone(),
            Stage::Production,
            "approved, a week in Staging without a finding",
        );
        plan.add(later(at, PRODUCTION), owner, step);
        let step = Step::SetAlias(name.clone(), version.clone(), Alias::trusted("champion"));
        plan.add(later(at, PRODUCTION + 0.05), owner, step);
    }
}

/// Somebody who did not register it.
fn reviewer(owner: Person, chance: &mut Chance) -> Person {
    let others: Vec<Person> = Person::ALL
        .into_iter()
        .filter(|person| *person != owner)
        .collect();
    chance.one_of(&others)
}

fn best_before(trained: &Training, subject: usize, at: Timestamp) -> Option<RunId> {
    trained
        .runs
        .iter()
        .filter(|run| run.subject == subject && run.completed && run.ended_at < at)
        .max_by(|a: &&Trained, b: &&Trained| a.skill.total_cmp(&b.skill))
        .map(|run| run.run_id.clone())
}

fn note_on(item: &str) -> Option<&'static str> {
    match item {
        "bias review" => Some("no group off by more than 2 points"),
        "load test" => Some("p99 61 ms at 400 requests/s"),
        _ => None,
    }
}

fn description(fate: Fate) -> &'static str {
    match fate {
        Fate::Production => "Best run so far, trained on the whole quarter.",
        Fate::Approved => "Same features, deeper; ready when the release window opens.",
        Fate::HalfDone => "New features from the payment stream.",
        Fate::Untouched => "Retrained overnight by the schedule.",
        Fate::Rejected => "Smaller and quicker, a little less exact.",
        Fate::Stale => "With the support history of each customer.",
        Fate::GivenUp => "An experiment that went nowhere.",
    }
}
