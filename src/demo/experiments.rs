//! Some three hundred runs of the six lines of work.

use super::chance::Chance;
use super::curves::{Curve, rounded};
use super::plan::{Plan, Step, later};
use super::simulation::LiveRun;
use super::subjects::{SUBJECTS, Subject};
use crate::domain::{
    Artifact, ExperimentName, ExperimentStatus, Key, MetricPoint, Params, RunId, RunSource,
    RunStatus,
};
use crate::service::{ExperimentUpdate, NewExperiment, NewMetric, NewRun, RunUpdate};
use crate::store::SeriesBatch;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A run as the other planners need it.
pub(super) struct Trained {
    pub(super) run_id: RunId,
    pub(super) subject: usize,
    pub(super) ended_at: Timestamp,
    /// How good it became, from 0 to 1.
    pub(super) skill: f64,
    pub(super) completed: bool,
}

pub(super) struct Training {
    pub(super) runs: Vec<Trained>,
    pub(super) live: Vec<LiveRun>,
}

pub(super) fn plan(plan: &mut Plan, chance: &mut Chance) -> Training {
    let mut training = Training {
        runs: Vec::new(),
        live: Vec::new(),
    };
    for (place, subject) in SUBJECTS.iter().enumerate() {
        let made_at = plan.ago(subject.span.0 + 2.0);
        let new = NewExperiment {
            description: subject.description.to_owned(),
            tags: [label("team", subject.team)].into(),
            ..NewExperiment::new(name(subject))
        };
        plan.add(made_at, subject.owner, Step::Experiment(Box::new(new)));
        for number in 0..subject.runs {
            #[expect(clippy::cast_precision_loss, reason = "runs are few")]
            let progress = number as f64 / (subject.runs - 1) as f64;
            let hours = subject.span.0 + (subject.span.1 - subject.span.0) * progress;
            // The last ones keep their distance from the present.
            let hours = (hours + chance.between(-6.0, 6.0)).clamp(subject.span.1, subject.span.0);
            let began = plan.ago(hours);
            past_run(plan, chance, &mut training, place, number, progress, began);
        }
        if subject.status != ExperimentStatus::Active {
            let update = ExperimentUpdate {
                status: Some(subject.status),
                reason: Some("in production, nothing left to try".to_owned()),
                ..ExperimentUpdate::default()
            };
            let at = plan.ago(subject.span.1 - 30.0);
            let step = Step::ChangeExperiment(name(subject), Box::new(update));
            plan.add(at, subject.owner, step);
        }
    }
    // Two that run now, one that has fallen silent, one that waits for a machine.
    for (place, minutes) in [(0, 26.0), (4, 9.0)] {
        open_run(plan, chance, &mut training, place, minutes, 0.0);
    }
    open_run(plan, chance, &mut training, 3, 205.0, 167.0);
    training.live.truncate(2);
    let at = plan.ago(0.4);
    let (run, _) = new_run(chance, 2, SUBJECTS[2].runs + 1, at);
    let waiting = NewRun {
        status: RunStatus::Pending,
        ..run
    };
    plan.add(at, SUBJECTS[2].owner, Step::Begin(Box::new(waiting)));
    training
}

/// How a run in the past ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Completed,
    StoppedEarly,
    BlewUp,
    Crashed,
    Killed,
}

fn past_run(
    plan: &mut Plan,
    chance: &mut Chance,
    training: &mut Training,
    place: usize,
    number: usize,
    progress: f64,
    began: Timestamp,
) {
    let subject = &SUBJECTS[place];
    let (new, rate) = new_run(chance, place, number + 1, began);
    let outcome = match chance.share() {
        _ if rate > 0.2 && chance.happens(0.5) => Outcome::BlewUp,
        x if x < 0.05 => Outcome::Crashed,
        x if x < 0.11 => Outcome::Killed,
        x if x < 0.25 => Outcome::StoppedEarly,
        _ => Outcome::Completed,
    };
    // A team gets better with time, but not every day.
    let skill = (0.72 + 0.24 * progress + chance.noise() * 0.045).clamp(0.45, 1.0);
    let planned = chance.whole(40, 80);
    let steps = match outcome {
        Outcome::Completed => planned,
        Outcome::StoppedEarly => planned * 3 / 5,
        Outcome::BlewUp => chance.whole(12, 30),
        Outcome::Crashed | Outcome::Killed => chance.whole(3, 25),
    };
    let mut curves = curves(subject, chance, skill, planned);
    if outcome == Outcome::BlewUp {
        for curve in &mut curves[..3] {
            curve.blows_up_at = Some(steps - 3);
        }
    }
    let minutes_a_step = chance.between(0.4, 2.6);
    #[expect(clippy::cast_precision_loss, reason = "steps are few")]
    let ended_at = later(began, (steps as f64 + 1.0) * minutes_a_step / 60.0);
    let mut metrics = Vec::new();
    for step in 1..=steps {
        #[expect(clippy::cast_precision_loss, reason = "steps are few")]
        let at = later(began, step as f64 * minutes_a_step / 60.0);
        for curve in &curves {
            metrics.push(NewMetric {
                key: Key::trusted(curve.key),
                value: curve.value(step, chance),
                step: Some(step),
                timestamp: Some(at),
            });
        }
    }
    let completed = matches!(outcome, Outcome::Completed | Outcome::StoppedEarly);
    let run_id = new.run_id.clone().expect("the demo chooses its ids");
    let source = RunSource {
        exit_code: match outcome {
            Outcome::Completed | Outcome::StoppedEarly => Some(0),
            Outcome::BlewUp | Outcome::Crashed => Some(1),
            Outcome::Killed => None,
        },
        signal: (outcome == Outcome::Killed).then_some(15),
        wall_seconds: Some(ended_at.duration_since(began).as_secs_f64()),
        ..new.source.clone()
    };
    let mut update = RunUpdate {
        status: Some(match outcome {
            Outcome::Completed | Outcome::StoppedEarly => RunStatus::Completed,
            Outcome::BlewUp | Outcome::Crashed => RunStatus::Failed,
            Outcome::Killed => RunStatus::Killed,
        }),
        source: Some(source),
        ..RunUpdate::default()
    };
    match outcome {
        Outcome::StoppedEarly => update.set_tags.extend([label("stopped", "early")]),
        Outcome::BlewUp => update.set_tags.extend([label("reason", "loss is NaN")]),
        Outcome::Crashed => update
            .set_tags
            .extend([label("reason", "CUDA out of memory")]),
        Outcome::Completed | Outcome::Killed => {}
    }
    if completed {
        update.artifacts.push(Artifact {
            path: "model/model.bin".to_owned(),
            size: u64::try_from(chance.whole(180_000, 48_000_000)).expect("it is positive"),
            digest: chance.digest(),
        });
    }
    // Only the newest runs have their output still.
    if number + 6 > subject.runs {
        let text = output(&new, &metrics, curves.len(), outcome);
        plan.add(
            later(began, 0.01),
            subject.owner,
            Step::Output(run_id.clone(), text),
        );
    }
    update.metrics = metrics;
    plan.add(began, subject.owner, Step::Begin(Box::new(new)));
    plan.add(
        ended_at,
        subject.owner,
        Step::End(run_id.clone(), Box::new(update)),
    );
    training.runs.push(Trained {
        run_id,
        subject: place,
        ended_at,
        skill,
        completed,
    });
}

/// A run that began so many minutes ago and was last heard of so many minutes ago.
fn open_run(
    plan: &mut Plan,
    chance: &mut Chance,
    training: &mut Training,
    place: usize,
    began: f64,
    silent: f64,
) {
    let subject = &SUBJECTS[place];
    let began_at = plan.ago(began / 60.0);
    let (new, _) = new_run(chance, place, subject.runs + 2, began_at);
    let run_id = new.run_id.clone().expect("the demo chooses its ids");
    let curves = curves(subject, chance, 0.97, 160);
    let steps = chance.whole(34, 48);
    let last = plan.ago(silent / 60.0);
    let mut batches: BTreeMap<&str, Vec<MetricPoint>> = BTreeMap::new();
    for step in 1..=steps {
        #[expect(clippy::cast_precision_loss, reason = "steps are few")]
        let at = later(
            last,
            -((steps - step) as f64) * (began - silent) / 60.0 / (steps as f64 + 1.0),
        );
        for curve in &curves {
            batches.entry(curve.key).or_default().push(MetricPoint {
                value: curve.value(step, chance),
                step,
                timestamp: at,
            });
        }
    }
    let text = format!(
        "$ {}\nstep {steps}\n",
        new.source.command.clone().unwrap_or_default()
    );
    plan.add(began_at, subject.owner, Step::Begin(Box::new(new)));
    plan.add(
        later(began_at, 0.001),
        subject.owner,
        Step::Output(run_id.clone(), text),
    );
    let batches = batches.into_iter().map(|(key, points)| SeriesBatch {
        run_id: run_id.clone(),
        key: Key::trusted(key),
        points,
    });
    plan.add(last, subject.owner, Step::Points(batches.collect()));
    training.live.push(LiveRun {
        run_id,
        curves,
        next_step: steps + 1,
    });
}

fn curves(subject: &Subject, chance: &mut Chance, skill: f64, steps: i64) -> Vec<Curve> {
    #[expect(clippy::cast_precision_loss, reason = "steps are few")]
    let steps = steps as f64;
    subject
        .shapes
        .iter()
        .map(|shape| Curve::of(shape, chance, skill, steps))
        .collect()
}

/// A run as its script begins it, and its learning rate.
fn new_run(chance: &mut Chance, place: usize, number: usize, at: Timestamp) -> (NewRun, f64) {
    let subject = &SUBJECTS[place];
    let family = chance.one_of(&subject.families);
    let rate = chance.one_of(&[0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.3]);
    let (batch, depth) = (chance.one_of(&[32, 64, 128, 256]), chance.whole(3, 12));
    let dropout = rounded(chance.one_of(&[0.0, 0.1, 0.2, 0.3]));
    let seed = chance.whole(1, 999);
    let param = |key: &str, value: String| (Key::trusted(key), value);
    let params: Params = [
        param("lr", rate.to_string()),
        param("batch_size", batch.to_string()),
        param("depth", depth.to_string()),
        param("dropout", dropout.to_string()),
        param("seed", seed.to_string()),
        param("model", family.to_owned()),
    ]
    .into();
    let identity = subject.owner.identity();
    let commit = chance.digest();
    let new = NewRun {
        run_id: Some(RunId::trusted(chance.id(at))),
        name: Some(format!("{family}-{number}")),
        params,
        tags: [label(
            "dataset",
            if number > 30 { "2025-q3" } else { "2025-q2" },
        )]
        .into(),
        source: RunSource {
            command: Some(format!(
                "python3 {} --model {family} --lr {rate} --seed {seed}",
                subject.script
            )),
            git_commit: commit.get(7..47).map(str::to_owned),
            host: Some(identity.host),
            directory: Some(format!("/home/{0}/{1}", identity.user, subject.experiment)),
            user: Some(identity.user),
            pid: u32::try_from(chance.whole(2_000, 60_000)).ok(),
            ..RunSource::default()
        },
        ..NewRun::new(name(subject))
    };
    (new, rate)
}

fn output(new: &NewRun, metrics: &[NewMetric], keys: usize, outcome: Outcome) -> String {
    let mut lines = vec![format!(
        "$ {}",
        new.source.command.clone().unwrap_or_default()
    )];
    for step in metrics.chunks(keys) {
        let values: Vec<String> = step
            .iter()
            .take(3)
            .map(|metric| format!("{} {:.4}", metric.key, metric.value))
            .collect();
        let number = step[0].step.unwrap_or_default();
        lines.push(format!("step {number:>3}  {}", values.join("  ")));
    }
    lines.push(
        match outcome {
            Outcome::Completed => "done, model saved to model/model.bin",
            Outcome::StoppedEarly => "no better for 8 steps, stopping early",
            Outcome::BlewUp => "RuntimeError: loss is NaN",
            Outcome::Crashed => "torch.OutOfMemoryError: CUDA out of memory",
            Outcome::Killed => "Terminated",
        }
        .to_owned(),
    );
    lines.join("\n") + "\n"
}

fn name(subject: &Subject) -> ExperimentName {
    ExperimentName::trusted(subject.experiment)
}

pub(super) fn label(key: &str, value: &str) -> (Key, String) {
    (Key::trusted(key), value.to_owned())
}
