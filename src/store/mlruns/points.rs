//! Histories of a run: a file for each metric, a line for each point, in the order in which they came.
//!
//! MLflow ends every line when it has written it, so a last line without an end is still being written, or lost its end in a crash. It is told and comes with the
//! import that finds it whole.

use super::keys;
use crate::domain::text::visible;
use crate::domain::{MetricPoint, number};
use crate::store::import::{RawHistory, Rest, Stretch, Unread, raw_point};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Result as Io, Seek as _, SeekFrom};
use std::path::Path;

/// A longer line is no point.
const LONGEST_LINE: u64 = 64 * 1024;

/// Reads points, from where an earlier stretch ended, until there are enough.
pub(super) fn read(folder: &Path, from: Option<&Rest>, most: usize) -> Stretch {
    let mut stretch = Stretch::default();
    let found = keys(folder).unwrap_or_else(|error| {
        stretch.unread.push(Unread {
            what: "metrics".to_owned(),
            why: error.to_string(),
        });
        Vec::new()
    });
    let mut left = most;
    for (key, path) in found {
        let start = match from {
            Some(from) if key < from.key => continue,
            Some(from) if key == from.key => from.at.parse().unwrap_or(0),
            _ => 0,
        };
        if left == 0 {
            stretch.rest = Some(Rest {
                key,
                at: start.to_string(),
            });
            break;
        }
        let part = format!("metric '{}'", visible(&key));
        match read_file(&path, start, left) {
            Err(error) => stretch.unread.push(Unread {
                what: part,
                why: error.to_string(),
            }),
            Ok(file) => {
                left -= file.points.len();
                if let Some(why) = file.problem() {
                    stretch.unread.push(Unread { what: part, why });
                }
                let history: RawHistory = (key.clone(), file.points);
                stretch.histories.push(history);
                if let Some(at) = file.rest {
                    stretch.rest = Some(Rest {
                        key,
                        at: at.to_string(),
                    });
                    break;
                }
            }
        }
    }
    stretch
}

#[derive(Default)]
struct Lines {
    points: Vec<MetricPoint>,
    /// Where the next line begins, when there were points enough.
    rest: Option<u64>,
    bad: u64,
    /// Where the first bad line begins.
    first_bad: u64,
    is_open: bool,
}

impl Lines {
    fn problem(&self) -> Option<String> {
        if self.bad > 0 {
            let (bad, first) = (self.bad, self.first_bad);
            Some(format!(
                "{bad} of its lines are no points of MLflow; the first begins at byte {first}"
            ))
        } else if self.is_open {
            Some("its last line has no end; import again when it is written".to_owned())
        } else {
            None
        }
    }
}

fn read_file(path: &Path, start: u64, most: usize) -> Io<Lines> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::new(file);
    let (mut lines, mut at, mut line) = (Lines::default(), start, Vec::new());
    loop {
        if lines.points.len() >= most {
            lines.rest = Some(at);
            return Ok(lines);
        }
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(lines);
        }
        if line.last() != Some(&b'\n') {
            if read as u64 == LONGEST_LINE {
                lines.bad += 1;
                lines.first_bad = at;
            } else {
                lines.is_open = true;
            }
            // After a line without end there is nothing to read by lines.
            return Ok(lines);
        }
        match point(&line) {
            Some(point) => lines.points.push(point),
            None if line.iter().all(u8::is_ascii_whitespace) => {}
            None => {
                if lines.bad == 0 {
                    lines.first_bad = at;
                }
                lines.bad += 1;
            }
        }
        at += read as u64;
    }
}

/// `TIMESTAMP VALUE [STEP [DATASET DIGEST]]`; the oldest lines have no step.
fn point(line: &[u8]) -> Option<MetricPoint> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let timestamp = words.next()?.parse().ok()?;
    let value = number::parse(words.next()?)?;
    let step = match words.next() {
        Some(step) => step.parse().ok()?,
        None => 0,
    };
    // The largest number is one here: files hold infinity as itself.
    let point = raw_point(value, timestamp, step);
    (words.count() <= 2).then_some(MetricPoint { value, ..point })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_version_are_points() {
        for (line, value, step) in [
            ("1795462333852 -inf 0\n", f64::NEG_INFINITY, 0),
            ("1795462333852 0.25\n", 0.25, 0),
            ("1795462333852 1e-3 -7\n", 1e-3, -7),
            (
                "1795462333852 1.0 9223372036854775807 data digest\n",
                1.0,
                i64::MAX,
            ),
        ] {
            let point = point(line.as_bytes()).unwrap();
            assert_eq!((point.value, point.step), (value, step));
        }
        assert!(point(b"1795462333852 nan 0\n").unwrap().value.is_nan());
        for bad in [
            "x 1 0\n",
            "1\n",
            "1 2 3 4 5 6\n",
            "1 2 x\n",
            "1 2 99999999999999999999\n",
        ] {
            assert!(point(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn stretches_follow_each_other_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("val")).unwrap();
        let lines = |from: i64, to: i64| {
            let lines: Vec<String> = (from..to).map(|n| format!("{n} {n}.5 {n}\n")).collect();
            lines.concat()
        };
        std::fs::write(folder.path().join("a"), lines(0, 10)).unwrap();
        std::fs::write(folder.path().join("val/b"), lines(10, 15) + "15 1").unwrap();
        std::fs::write(
            folder.path().join("z"),
            "nonsense\n\n".to_owned() + &lines(15, 20),
        )
        .unwrap();
        for most in 1..30 {
            let (mut steps, mut rest, mut unread) = (Vec::new(), None, 0);
            loop {
                let stretch = read(folder.path(), rest.as_ref(), most);
                for (_, points) in &stretch.histories {
                    steps.extend(points.iter().map(|point| point.step));
                }
                unread += stretch.unread.len();
                rest = stretch.rest;
                if rest.is_none() {
                    break;
                }
            }
            assert_eq!(steps, (0..20).collect::<Vec<_>>(), "{most}");
            assert_eq!(unread, 2, "{most}");
        }
    }
}
