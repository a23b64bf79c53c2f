//! The small curves in the list of runs: one for each run that is seen, of one metric for all of them.
//!
//! They are read for the rows on the screen only, and again only when a run measured something new.

use super::headline;
use crate::domain::{Key, ModelRun, RunId};
use crate::tui::message::{Answer, Question};
use crate::tui::panes::resource::{Cell, Column};
use crate::tui::widgets::sparkline::sparkline;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// How many characters a curve has.
const WIDTH: u16 = 8;
/// More curves than this are not kept; a screen shows far fewer.
const MOST: usize = 2_000;

/// How far a history is: the step and moment of its latest point.
type Stamp = (i64, i64);

#[derive(Debug, Clone)]
struct Curve {
    text: String,
    stamp: Stamp,
}

/// The curves that were read.
#[derive(Debug, Default)]
pub(super) struct Curves {
    /// The metric that somebody chose.
    chosen: Option<Key>,
    /// The metric whose curves are known.
    shown: Option<Key>,
    /// Shared with the column that shows them.
    known: Rc<HashMap<RunId, Curve>>,
}

impl Curves {
    /// The metric whose curves are shown.
    pub(super) fn metric(&self) -> Option<&Key> {
        self.shown.as_ref()
    }

    pub(super) fn choose(&mut self, metric: &Key) {
        self.chosen = Some(metric.clone());
    }

    /// The metric that was chosen, else the one that is shown as long as any of these runs has it, else the one that says most of most.
    fn wanted<'a>(&'a self, seen: &[&'a ModelRun]) -> Option<&'a Key> {
        let is_there = |metric: &&Key| seen.iter().any(|run| run.metrics.contains_key(*metric));
        let shown = self.shown.as_ref().filter(is_there);
        self.chosen
            .as_ref()
            .or(shown)
            .or_else(|| common_headline(seen))
    }

    /// Asks for the curves of these runs that are not known as they are now.
    pub(super) fn question(&self, seen: &[&ModelRun]) -> Option<Question> {
        let metric = self.wanted(seen)?;
        let is_shown = self.shown.as_ref() == Some(metric);
        let wanted: Vec<RunId> = seen
            .iter()
            .filter(|run| {
                let known = self.known.get(&run.run_id).filter(|_| is_shown);
                let stamp = stamp(run, metric);
                stamp.is_some() && known.map(|curve| curve.stamp) != stamp
            })
            .map(|run| run.run_id.clone())
            .collect();
        (!wanted.is_empty()).then(|| Question::Curves(metric.clone(), wanted, usize::from(WIDTH)))
    }

    /// Takes curves; `rows` tell how far the histories were.
    pub(super) fn take(&mut self, rows: &[ModelRun], answer: Answer) -> bool {
        let Answer::Curves(metric, curves) = answer else {
            return false;
        };
        if self.shown.as_ref() != Some(&metric) || self.known.len() > MOST {
            self.known = Rc::default();
        }
        let known = Rc::make_mut(&mut self.known);
        for (run_id, values) in curves {
            let run = rows.iter().find(|run| run.run_id == run_id);
            if let Some(stamp) = run.and_then(|run| stamp(run, &metric)) {
                let text = sparkline(&values, usize::from(WIDTH));
                known.insert(run_id, Curve { text, stamp });
            }
        }
        self.shown = Some(metric);
        true
    }
}

fn stamp(run: &ModelRun, metric: &Key) -> Option<Stamp> {
    let point = run.metrics.get(metric)?;
    Some((point.step, point.timestamp.as_millisecond()))
}

/// The metric that says most of most of these runs; by name among equally frequent ones.
fn common_headline<'a>(runs: &[&'a ModelRun]) -> Option<&'a Key> {
    let mut counts: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in runs.iter().filter_map(|run| headline(run)) {
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<(&Key, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.first().map(|(key, _)| *key)
}

/// The column behind that of the metric.
pub(super) fn column(curves: &Curves, rank: u8) -> Column<ModelRun> {
    let known = Rc::clone(&curves.known);
    Column::new("", (WIDTH, WIDTH), rank, move |run: &ModelRun, _| {
        let curve = known.get(&run.run_id);
        Cell::new(curve.map_or("", |curve| curve.text.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::panes::testing;

    #[test]
    fn a_curve_is_asked_for_once_until_its_run_measures_more() {
        let mut run = testing::run("r1", &[("val/loss", 0.5), ("f1", 0.5)]);
        let other = testing::run("r2", &[("f1", 0.5)]);
        let mut curves = Curves::default();
        let asked = |curves: &Curves, run: &ModelRun| match curves.question(&[run, &other]) {
            Some(Question::Curves(metric, wanted, _)) => (metric.to_string(), wanted.len()),
            _ => (String::new(), 0),
        };
        let answer = |metric: &str, run: &ModelRun| {
            let curve = (run.run_id.clone(), vec![1.0, 0.0]);
            Answer::Curves(Key::new(metric).unwrap(), vec![curve])
        };
        curves.take(&[], answer("val/loss", &run));
        assert_eq!(
            asked(&curves, &run),
            ("val/loss".to_owned(), 1),
            "no such row"
        );
        assert!(curves.take(std::slice::from_ref(&run), answer("val/loss", &run)));
        assert_eq!(asked(&curves, &run).1, 0);
        for point in run.metrics.values_mut() {
            point.step += 1;
        }
        assert_eq!(asked(&curves, &run).1, 1);
        curves.choose(&Key::new("f1").unwrap());
        assert_eq!(asked(&curves, &run), ("f1".to_owned(), 2));
    }
}
