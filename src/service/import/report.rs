//! What became of an import: counted, and told one by one where something is not as it was at the source.

use serde::Serialize;
use std::collections::BTreeMap;

/// More than this many are only counted.
const LISTED: usize = 10_000;

/// What became of the objects of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub added: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub skipped: u64,
    pub refused: u64,
}

impl Tally {
    pub fn total(&self) -> u64 {
        self.added + self.updated + self.unchanged + self.skipped + self.refused
    }
}

/// Something of one object that is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// `experiment`, `run`, `model`, `model version`.
    pub kind: &'static str,
    /// The object's id or name at the source, as it is there; so is the name of a part. Whoever shows them makes them visible.
    pub id: String,
    /// Which part of it; empty for all of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub part: String,
    pub message: String,
}

/// A list that has an end, and a count that has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Remarks {
    pub count: u64,
    pub list: Vec<Remark>,
}

impl Remarks {
    pub(super) fn add(&mut self, remark: Remark) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push(remark);
        }
    }
}

/// What was read and what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    pub source: String,
    pub experiments: Tally,
    pub runs: Tally,
    pub model_versions: Tally,
    pub points_added: u64,
    /// What cannot come in, whole objects and parts of them.
    pub refused: Remarks,
    /// What came in under another name, or cut.
    pub changed: Remarks,
    /// What was changed here since, or made here, and so was left as it is.
    pub kept: Remarks,
    /// Objects that were left out, by the reason.
    pub skipped: BTreeMap<String, u64>,
    /// What the source holds and modeldeck has no place for.
    pub beyond: BTreeMap<String, u64>,
    /// The signal that ended the import before its end.
    pub signal: Option<i32>,
}

impl ImportReport {
    pub(super) fn skip(&mut self, reason: impl Into<String>) {
        *self.skipped.entry(reason.into()).or_default() += 1;
    }
}

/// Collects what is to be told of one object.
#[derive(Debug, Clone)]
pub(super) struct About {
    kind: &'static str,
    id: String,
    pub(super) refused: Vec<Remark>,
    pub(super) changed: Vec<Remark>,
    pub(super) kept: Vec<Remark>,
    pub(super) skipped: Vec<&'static str>,
}

impl About {
    pub(super) fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            refused: Vec::new(),
            changed: Vec::new(),
            kept: Vec::new(),
            skipped: Vec::new(),
        }
    }

    fn remark(&self, part: impl Into<String>, message: impl Into<String>) -> Remark {
        Remark {
            kind: self.kind,
            id: self.id.clone(),
            part: part.into(),
            message: message.into(),
        }
    }

    pub(super) fn refuse(&mut self, part: impl Into<String>, message: impl Into<String>) {
        let remark = self.remark(part, message);
        self.refused.push(remark);
    }

    pub(super) fn change(&mut self, part: impl Into<String>, message: impl Into<String>) {
        let remark = self.remark(part, message);
        self.changed.push(remark);
    }

    pub(super) fn keep(&mut self, part: impl Into<String>, message: impl Into<String>) {
        let remark = self.remark(part, message);
        self.kept.push(remark);
    }

    /// Hands everything over to the report.
    pub(super) fn tell(self, report: &mut ImportReport) {
        self.refused
            .into_iter()
            .for_each(|remark| report.refused.add(remark));
        self.changed
            .into_iter()
            .for_each(|remark| report.changed.add(remark));
        self.kept
            .into_iter()
            .for_each(|remark| report.kept.add(remark));
        self.skipped
            .into_iter()
            .for_each(|reason| report.skip(reason));
    }
}
