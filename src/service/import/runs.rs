//! Runs: a few hundred at a time, each with its new points, in one transaction.

use super::draft::{self, RunDraft};
use super::experiments::{Outcome, Target};
use super::history::Comparison;
use super::merge::{self, Base, Held};
use super::report::About;
use super::seen::Seen;
use super::{Early, Job};
use crate::domain::{Key, MetricPoint, ModelRun, RunId, text};
use crate::service::Result;
use crate::store::StoreError;
use crate::store::import::{KnownHistory, KnownRun, RawRun, RunImport, RunWrite, SeriesTail};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// How many points of a history are read with its run, for comparing.
const FIRST_POINTS: usize = 2_000;
/// How often a stretch of runs is judged anew when another program was faster.
const ATTEMPTS: u64 = 30;

/// What becomes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Counted(Outcome),
    Skipped,
    Refused,
}

/// What is written of one run, and what is told of it when it is written.
struct Judged {
    import: Option<RunImport>,
    fate: Fate,
    about: About,
    points: u64,
    comparisons: BTreeMap<Key, Comparison>,
}

impl Job<'_> {
    pub(super) async fn bring_runs(&mut self) -> Result<(), Early> {
        let chosen: Vec<String> = self
            .experiments
            .iter()
            .filter(|(_, target)| matches!(target, Target::Into { .. }))
            .map(|(id, _)| id.clone())
            .collect();
        self.of_runs = Self::unless_stopped(&mut self.stop, self.source.choose(&chosen)).await?;
        loop {
            self.tell_progress();
            let seen = Seen {
                core: self.core,
                whole: self.whole,
            };
            let runs = Self::unless_stopped(&mut self.stop, self.source.next_runs(&seen)).await?;
            if runs.is_empty() {
                return Ok(());
            }
            self.bring_stretch(runs).await?;
        }
    }

    /// Drafts of those that come in; the others are told at once.
    fn drafts(&mut self, runs: Vec<RawRun>) -> Vec<RunDraft> {
        let now = self.core.clock.now();
        let mut drafts = Vec::with_capacity(runs.len());
        for raw in runs {
            if raw.is_deleted {
                self.report.runs.skipped += 1;
                self.report.skip("runs that are deleted at the source");
                continue;
            }
            let Some(Target::Into { name, .. }) = self.experiments.get(&raw.experiment_id) else {
                self.report.runs.skipped += 1;
                self.report
                    .skip("runs whose experiment is not there or did not come in");
                continue;
            };
            let refused = match draft::run(raw, name.clone(), now) {
                Err(about) => about,
                Ok(draft) => match self.met.get(&draft.run.run_id) {
                    // A list that changes while it is read may tell a run twice.
                    Some(other) if *other == draft.source_id => continue,
                    Some(other) => {
                        let mut about = draft.about;
                        about.refuse(
                            "",
                            format!("run '{}' has the same id", text::visible(other)),
                        );
                        Box::new(about)
                    }
                    None => {
                        if draft.run.run_id.as_str() != draft.source_id {
                            self.renamed
                                .insert(draft.source_id.clone(), draft.run.run_id.clone());
                        }
                        self.met
                            .insert(draft.run.run_id.clone(), draft.source_id.clone());
                        drafts.push(draft);
                        continue;
                    }
                },
            };
            self.report.runs.refused += 1;
            refused.tell(&mut self.report);
        }
        drafts
    }

    async fn bring_stretch(&mut self, runs: Vec<RawRun>) -> Result<(), Early> {
        let drafts = self.drafts(runs);
        let ids: Vec<RunId> = drafts
            .iter()
            .map(|draft| draft.run.run_id.clone())
            .collect();
        let mut attempts = 0;
        let judged = loop {
            let known = self.core.store.known_runs(&ids, FIRST_POINTS).await?;
            let mut known: HashMap<RunId, KnownRun> = known
                .into_iter()
                .map(|known| (known.run.run_id.clone(), known))
                .collect();
            let ctx = self.core.write("import_run", Some(&self.reason))?;
            let mut judged = Vec::with_capacity(drafts.len());
            let mut imports = Vec::with_capacity(drafts.len());
            for draft in &drafts {
                let found = known.remove(&draft.run.run_id);
                let mut one = self.judge(draft, found, ctx.at).await?;
                imports.extend(one.import.take());
                judged.push(one);
            }
            if imports.is_empty() {
                break judged;
            }
            match self.core.store.import_runs(imports, &ctx).await {
                Ok(()) => break judged,
                Err(
                    StoreError::Conflict { .. }
                    | StoreError::AlreadyExists { .. }
                    | StoreError::Busy { .. },
                ) if attempts < ATTEMPTS => {
                    attempts += 1;
                    tokio::time::sleep(Duration::from_millis(attempts * 20)).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        for (draft, judged) in drafts.into_iter().zip(judged) {
            let Judged {
                fate,
                about,
                points,
                comparisons,
                ..
            } = judged;
            self.report.points_added += points;
            match fate {
                Fate::Counted(outcome) => {
                    self.report.runs.count(outcome);
                    let rest = RunDraft { about, ..draft };
                    self.bring_rest(rest, comparisons, outcome).await?;
                }
                Fate::Skipped => {
                    self.report.runs.skipped += 1;
                    about.tell(&mut self.report);
                }
                Fate::Refused => {
                    self.report.runs.refused += 1;
                    about.tell(&mut self.report);
                }
            }
        }
        Ok(())
    }

    /// Compares a run with the one that is here.
    async fn judge(
        &self,
        draft: &RunDraft,
        known: Option<KnownRun>,
        now: Timestamp,
    ) -> Result<Judged, Early> {
        let mut about = draft.about.clone();
        let left_alone = |fate, about| Judged {
            import: None,
            fate,
            about,
            points: 0,
            comparisons: BTreeMap::new(),
        };
        let (mut run, mut write, mut histories) =
            (draft.run.clone(), RunWrite::Insert, BTreeMap::new());
        if let Some(known) = known {
            let base = Base::of(&known.imports);
            if !base.made_it {
                let mut about = About::new("run", draft.source_id.as_str());
                about
                    .skipped
                    .push("runs that were made here, of which the source has a copy");
                return Ok(left_alone(Fate::Skipped, about));
            }
            run = known.run;
            // Latest points are the histories' matter, and NaN is like nothing, itself included.
            run.metrics.clear();
            let before = run.clone();
            self.merge(&mut run, draft, &base, &mut about);
            write = if run == before {
                RunWrite::Points
            } else {
                run.updated_at = now;
                RunWrite::Replace
            };
            histories = known.histories;
        } else {
            if self.is_archived(draft) {
                about.refuse(
                    "",
                    format!(
                        "experiment '{}' is ARCHIVED here, so it takes no new runs",
                        run.experiment_name
                    ),
                );
                return Ok(left_alone(Fate::Refused, about));
            }
            run.artifacts = draft
                .files
                .iter()
                .flat_map(|files| files.values().cloned())
                .collect();
        }
        let mut comparisons = BTreeMap::new();
        let (mut tails, mut points) = (Vec::new(), 0);
        for (key, given) in &draft.histories {
            let known = histories.remove(key).unwrap_or_default();
            let mut comparison = Comparison::new(key.clone(), known);
            let tail = compared(self, &run.run_id, &mut comparison, given.clone()).await?;
            points += tail.as_ref().map_or(0, |tail| tail.points.len() as u64);
            tails.extend(tail);
            comparisons.insert(key.clone(), comparison);
        }
        // What is here of keys whose turn comes with the rest.
        for (key, known) in histories {
            comparisons
                .entry(key.clone())
                .or_insert_with(|| Comparison::new(key, known));
        }
        let outcome = match write {
            RunWrite::Insert => Outcome::Added,
            RunWrite::Points if tails.is_empty() => Outcome::Unchanged,
            RunWrite::Points | RunWrite::Replace => Outcome::Updated,
        };
        if !tails.is_empty() {
            run.heartbeat_at = run.heartbeat_at.max(draft.run.heartbeat_at);
        }
        Ok(Judged {
            import: (outcome != Outcome::Unchanged).then_some(RunImport { run, write, tails }),
            fate: Fate::Counted(outcome),
            about,
            points,
            comparisons,
        })
    }

    fn is_archived(&self, draft: &RunDraft) -> bool {
        self.experiments.values().any(|target| {
            matches!(target, Target::Into { name, is_archived: true } if *name == draft.run.experiment_name)
        })
    }

    /// Brings a run up to what the source tells, where nobody changed it here.
    fn merge(&self, run: &mut ModelRun, draft: &RunDraft, base: &Base, about: &mut About) {
        let theirs = &draft.run;
        let changed = "it was changed here";
        match merge::field(
            &run.experiment_name,
            base.field("experiment_name").as_ref(),
            &theirs.experiment_name,
        ) {
            Held::Same => {}
            Held::Theirs if !self.is_archived(draft) => {
                run.experiment_name = theirs.experiment_name.clone();
            }
            Held::Theirs | Held::Ours => about.keep(
                "experiment",
                format!("it stays in experiment '{}'", run.experiment_name),
            ),
        }
        match merge::field(&run.name, base.field("name").as_ref(), &theirs.name) {
            Held::Same => {}
            Held::Theirs => run.name.clone_from(&theirs.name),
            Held::Ours => about.keep("name", changed),
        }
        match merge::field(&run.source, base.field("source").as_ref(), &theirs.source) {
            Held::Same => {}
            Held::Theirs => run.source = theirs.source.clone(),
            Held::Ours => about.keep("source", changed),
        }
        let ended_here = merge::field(&run.status, base.field("status").as_ref(), &theirs.status);
        match ended_here {
            Held::Same => {}
            Held::Theirs if run.status.next().contains(&theirs.status) => {
                run.status = theirs.status;
                run.started_at = run.started_at.or(theirs.started_at);
                run.ended_at = theirs.ended_at;
            }
            Held::Theirs => about.keep(
                "status",
                format!(
                    "a run that is {} does not become {}",
                    run.status, theirs.status
                ),
            ),
            Held::Ours => about.keep("status", changed),
        }
        for (key, value) in &theirs.params {
            match run.params.get(key) {
                Some(written) if written == value => {}
                Some(_) => about.keep(
                    format!("param '{key}'"),
                    "params are written once, and the source has another value now",
                ),
                None => {
                    run.params.insert(key.clone(), value.clone());
                }
            }
        }
        for key in merge::map(&mut run.tags, &base.map("tags"), &theirs.tags) {
            about.keep(format!("tag '{key}'"), changed);
        }
        if let Some(files) = &draft.files {
            let mut ours: draft::Files = run
                .artifacts
                .iter()
                .map(|artifact| (artifact.path.clone(), artifact.clone()))
                .collect();
            for path in merge::map(&mut ours, &base.map("artifacts"), files) {
                about.keep(format!("file '{path}'"), changed);
            }
            let is_same = ours.len() == run.artifacts.len()
                && run
                    .artifacts
                    .iter()
                    .all(|artifact| ours.get(&artifact.path) == Some(artifact));
            if !is_same {
                run.artifacts = ours.into_values().collect();
            }
        }
    }

    /// Brings the points that were too many to come with their run, piece by piece.
    async fn bring_rest(
        &mut self,
        draft: RunDraft,
        mut comparisons: BTreeMap<Key, Comparison>,
        outcome: Outcome,
    ) -> Result<(), Early> {
        let RunDraft {
            run,
            mut keys,
            source_id,
            mut rest,
            mut about,
            ..
        } = draft;
        let mut outcome = outcome;
        while let Some(from) = rest {
            let more = self.source.more_points(&source_id, &from);
            let stretch = match Self::unless_stopped(&mut self.stop, more).await {
                Ok(more) => more,
                Err(early) => {
                    about.tell(&mut self.report);
                    return Err(early);
                }
            };
            rest = stretch.rest;
            for unread in stretch.unread {
                about.refuse(unread.what, unread.why);
            }
            let (mut tails, mut points, mut last) = (Vec::new(), 0, None);
            for (key, given) in keys.map(stretch.histories, &mut about) {
                last = last.max(given.iter().map(|point| point.timestamp).max());
                let comparison = comparisons
                    .entry(key.clone())
                    .or_insert_with(|| Comparison::new(key, KnownHistory::default()));
                let tail = compared(self, &run.run_id, comparison, given).await?;
                points += tail.as_ref().map_or(0, |tail| tail.points.len() as u64);
                tails.extend(tail);
            }
            if tails.is_empty() {
                continue;
            }
            let ctx = self.core.write("import_run", Some(&self.reason))?;
            let import = RunImport {
                run: ModelRun {
                    heartbeat_at: last.filter(|at| *at <= ctx.at),
                    ..run.clone()
                },
                write: RunWrite::Points,
                tails,
            };
            match self.core.store.import_runs(vec![import], &ctx).await {
                Ok(()) => {
                    self.report.points_added += points;
                    if outcome == Outcome::Unchanged {
                        outcome = Outcome::Updated;
                        self.report.runs.unchanged -= 1;
                        self.report.runs.count(outcome);
                    }
                }
                Err(StoreError::Conflict { .. }) => {
                    about.refuse(
                        "metrics",
                        "another program writes the same run; import again for the rest of it",
                    );
                    break;
                }
                Err(error) => {
                    about.tell(&mut self.report);
                    return Err(error.into());
                }
            }
            self.tell_progress();
        }
        about.tell(&mut self.report);
        Ok(())
    }
}

/// The points of a source that are not here, and behind how many they go; `None` where there are none.
async fn compared(
    job: &Job<'_>,
    run_id: &RunId,
    comparison: &mut Comparison,
    given: Vec<MetricPoint>,
) -> Result<Option<SeriesTail>> {
    let after = comparison.length();
    let points = comparison
        .new_ones(job.core.store.as_ref(), run_id, given)
        .await?;
    Ok((!points.is_empty()).then(|| SeriesTail {
        key: comparison.key().clone(),
        after,
        points,
    }))
}
