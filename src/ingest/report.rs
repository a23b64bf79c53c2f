//! What became of a stream: told to people and programs when it ended.

use super::Tally;
use serde::Serialize;

/// How many bad lines are told one by one; the others are only counted.
pub const LISTED: usize = 20;

/// A line that was not recorded, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadLine {
    pub line: u64,
    pub message: String,
}

/// What was read and what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IngestReport {
    /// Lines read, empty ones too.
    pub lines: u64,
    #[serde(flatten)]
    pub written: Tally,
    pub bad_lines: u64,
    /// The first [`LISTED`] of them.
    pub bad: Vec<BadLine>,
    /// What is to be said of artifacts that were recorded, and whose files a server did not get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_uploaded: Vec<String>,
    /// The signal that ended the reading before the end of the stream.
    pub signal: Option<i32>,
}

impl IngestReport {
    pub(super) fn add_bad(&mut self, line: u64, message: String) -> Option<&BadLine> {
        self.bad_lines += 1;
        if self.bad.len() >= LISTED {
            return None;
        }
        self.bad.push(BadLine { line, message });
        self.bad.last()
    }
}
