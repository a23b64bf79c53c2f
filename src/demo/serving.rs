//! What serves and what drifted: deployments with a rollback in their history, and drift events in every state.

use super::chance::Chance;
use super::models::{Fate, MODELS, Made, PRODUCTION};
use super::plan::{Person, Plan, Step, later};
use super::subjects::SUBJECTS;
use crate::domain::{
    DeploymentId, DeploymentStatus, DriftEventId, Endpoint, Environment, HealthCheck,
    HealthProtocol, Key, ModelName, Severity, Stage, Version,
};
use crate::service::{NewDeployment, NewDriftEvent, Rollback};
use jiff::Timestamp;

/// The version of `fraud-detector` that was bad in production.
const BAD: &str = "4";

pub(super) fn plan(plan: &mut Plan, chance: &mut Chance, versions: &[Made]) {
    for made in versions {
        let model = &MODELS[made.model];
        let person = SUBJECTS[model.subject].owner;
        match made.fate {
            Fate::Production => {
                let staging = later(made.at, 1.5);
                deploy(plan, chance, made, Environment::Staging, staging, person);
                let live = later(made.at, PRODUCTION + 0.5);
                let id = deploy(plan, chance, made, Environment::Production, live, person);
                if model.subject == 0 && made.version.as_str() == BAD {
                    roll_back(plan, chance, made, &id, later(live, 30.0));
                }
            }
            Fate::Approved => {
                let at = later(made.at, 2.0);
                deploy(plan, chance, made, Environment::Staging, at, person);
            }
            Fate::HalfDone => {
                let at = later(made.at, 1.2);
                deploy(plan, chance, made, Environment::Dev, at, person);
            }
            Fate::Stale => {
                let at = later(made.at, 3.0);
                let id = create(plan, chance, made, Environment::Staging, at, person);
                let why = "the container ran out of memory while it loaded the model";
                let step = Step::Move(id, DeploymentStatus::Failed, why);
                plan.add(later(at, 0.2), person, step);
            }
            Fate::Untouched | Fate::Rejected | Fate::GivenUp => {}
        }
    }
    // One that is on its way.
    if let Some(made) = versions
        .iter()
        .rfind(|made| made.model == 4 && made.fate == Fate::Approved)
    {
        let at = plan.ago(0.3);
        create(
            plan,
            chance,
            made,
            Environment::Production,
            at,
            Person::Alice,
        );
    }
    drifts(plan, chance);
}

/// Makes a deployment and, a little later, lets it serve.
fn deploy(
    plan: &mut Plan,
    chance: &mut Chance,
    made: &Made,
    environment: Environment,
    at: Timestamp,
    person: Person,
) -> DeploymentId {
    let id = create(plan, chance, made, environment, at, person);
    let step = Step::Move(
        id.clone(),
        DeploymentStatus::Active,
        "answers, smoke test passed",
    );
    plan.add(later(at, chance.between(0.05, 0.2)), person, step);
    id
}

fn create(
    plan: &mut Plan,
    chance: &mut Chance,
    made: &Made,
    environment: Environment,
    at: Timestamp,
    person: Person,
) -> DeploymentId {
    let model = MODELS[made.model].name;
    let id = DeploymentId::trusted(chance.id(at));
    let place = environment.as_str().to_ascii_lowercase();
    let new = NewDeployment {
        deployment_id: Some(id.clone()),
        endpoint: Some(Endpoint {
            url: format!("https://{model}.{place}.example.net/v1"),
            options: [("replicas".to_owned(), chance.whole(1, 6).to_string())].into(),
        }),
        health_check: Some(HealthCheck {
            path: Some("/v2/health/ready".to_owned()),
            ..HealthCheck::new(HealthProtocol::Kserve)
        }),
        reason: Some(format!("version {} to {place}", made.version)),
        ..NewDeployment::new(ModelName::trusted(model), made.version.clone(), environment)
    };
    plan.add(at, person, Step::Deploy(Box::new(new)));
    id
}

/// The night when version 4 lost a quarter of the fraud.
fn roll_back(plan: &mut Plan, chance: &mut Chance, made: &Made, bad: &DeploymentId, at: Timestamp) {
    let model = ModelName::trusted(MODELS[made.model].name);
    let rollback = Rollback {
        expected: None,
        to: None,
        reason: "recall fell from 0.79 to 0.58 after the card issuer changed its codes".to_owned(),
        deployment_id: Some(DeploymentId::trusted(chance.id(at))),
    };
    plan.add(at, Person::Bob, Step::RollBack(bad.clone(), rollback));
    let before = Version::trusted("3");
    let step = Step::SetStage(model, before, Stage::Production, "back after the rollback");
    plan.add(later(at, 0.1), Person::Bob, step);
}

/// One drift: what moved, when and how often it was seen, and what was said about it.
struct Drift {
    model: usize,
    version: &'static str,
    metric: &'static str,
    baseline: f64,
    observed: f64,
    /// For a measure of a feature; a performance metric's follows from its loss.
    severity: Option<Severity>,
    seen: &'static [f64],
    acknowledged: Option<(f64, &'static str)>,
    resolved: Option<(f64, &'static str)>,
}

#[rustfmt::skip]
const DRIFTS: [Drift; 9] = [
    Drift { model: 0, version: "4", metric: "recall_at_1pct", baseline: 0.79, observed: 0.58, severity: None,
        seen: &[301.0, 295.0, 289.0, 279.0], acknowledged: Some((288.0, "looking at the issuer codes")), resolved: Some((270.0, "rolled back to version 3")) },
    Drift { model: 0, version: "5", metric: "recall_at_1pct", baseline: 0.80, observed: 0.69, severity: None,
        seen: &[9.0, 6.0, 3.0, 0.7], acknowledged: None, resolved: None },
    Drift { model: 0, version: "5", metric: "amount/psi", baseline: 0.05, observed: 0.19, severity: Some(Severity::Medium),
        seen: &[28.0, 4.0], acknowledged: Some((3.5, "salary week, expected to pass by Friday")), resolved: None },
    Drift { model: 1, version: "3", metric: "precision", baseline: 0.72, observed: 0.66, severity: None,
        seen: &[52.0, 28.0, 4.2], acknowledged: Some((50.0, "the spring campaign brought other customers")), resolved: None },
    Drift { model: 2, version: "3", metric: "val/rmse", baseline: 11.9, observed: 12.3, severity: None,
        seen: &[140.0, 116.0, 92.0, 68.0, 44.0, 20.0], acknowledged: None, resolved: None },
    Drift { model: 3, version: "1", metric: "val/f1", baseline: 0.86, observed: 0.80, severity: None,
        seen: &[400.0, 376.0], acknowledged: None, resolved: Some((350.0, "a new product name was missing in the glossary")) },
    Drift { model: 4, version: "3", metric: "brightness/psi", baseline: 0.02, observed: 0.31, severity: Some(Severity::High),
        seen: &[75.0, 51.0, 27.0, 3.1], acknowledged: Some((74.0, "lamp 2 is to be replaced on Monday")), resolved: None },
    Drift { model: 4, version: "3", metric: "val/accuracy", baseline: 0.981, observed: 0.741, severity: None,
        seen: &[1.6, 0.4], acknowledged: None, resolved: None },
    Drift { model: 5, version: "2", metric: "val/gini", baseline: 0.58, observed: 0.54, severity: None,
        seen: &[33.0], acknowledged: None, resolved: None },
];

fn drifts(plan: &mut Plan, chance: &mut Chance) {
    for drift in &DRIFTS {
        let model = &MODELS[drift.model];
        let watcher = SUBJECTS[model.subject].owner;
        let first = plan.ago(drift.seen[0]);
        let id = DriftEventId::trusted(chance.id(first));
        for (time, hours) in drift.seen.iter().enumerate() {
            let new = NewDriftEvent {
                event_id: Some(id.clone()),
                environment: Some(Environment::Production),
                severity: drift.severity,
                baseline_size: Some(20_000),
                observed_size: Some(4_000 + 250 * time as u64),
                ..NewDriftEvent::new(
                    ModelName::trusted(model.name),
                    Version::trusted(drift.version),
                    Key::trusted(drift.metric),
                    drift.baseline,
                    drift.observed,
                )
            };
            plan.add(plan.ago(*hours), watcher, Step::Drift(Box::new(new)));
        }
        if let Some((hours, note)) = drift.acknowledged {
            plan.add(
                plan.ago(hours),
                watcher,
                Step::Acknowledge(id.clone(), note),
            );
        }
        if let Some((hours, note)) = drift.resolved {
            plan.add(plan.ago(hours), watcher, Step::Resolve(id, note));
        }
    }
}
