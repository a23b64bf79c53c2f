//! Runs in MLflow's file, in the order in which they were made, and their points in the order in which they came.
//!
//! Both orders are those of SQLite's own row numbers, which stand in every index of the file, so the next rows are always found without sorting.

use super::cell::{Cells as _, text_or_empty};
use crate::store::import::{Pair, RawHistory, RawRun, Rest, Stretch, Unread, files, raw_point};
use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::path::Path;

/// How many runs are read at once.
const MOST_RUNS: usize = 200;
/// How many points are read at once, of all these runs together.
pub(super) const MOST_POINTS: usize = 50_000;

/// A run before its parts are read.
pub(super) struct Head {
    pub(super) row: i64,
    pub(super) run: RawRun,
    artifact_uri: String,
}

/// The next runs after a row number, and whether these are the last.
pub(super) fn heads(connection: &Connection, after: i64) -> rusqlite::Result<(Vec<Head>, bool)> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, run_uuid, experiment_id, lifecycle_stage, name, user_id, status, start_time, end_time, artifact_uri
         FROM runs WHERE rowid > ?1 ORDER BY rowid LIMIT ?2",
    )?;
    let limit = i64::try_from(MOST_RUNS).unwrap_or(i64::MAX);
    let heads: Vec<Head> = statement
        .query_map([after, limit], |row| {
            Ok(Head {
                row: row.get(0)?,
                artifact_uri: text_or_empty(row, 9)?,
                run: RawRun {
                    id: text_or_empty(row, 1)?,
                    experiment_id: text_or_empty(row, 2)?,
                    is_deleted: row.get_ref(3)?.to_words().as_deref() == Some("deleted"),
                    name: text_or_empty(row, 4)?,
                    user: text_or_empty(row, 5)?,
                    status: text_or_empty(row, 6)?,
                    started_at: row.get_ref(7)?.to_whole(),
                    ended_at: row.get_ref(8)?.to_whole(),
                    ..RawRun::default()
                },
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let is_end = heads.len() < MOST_RUNS;
    Ok((heads, is_end))
}

/// Reads the parts of runs until there are points enough; then the row number of the last run is told, after which the next ones are read again.
pub(super) fn fill(
    connection: &Connection,
    heads: Vec<Head>,
) -> rusqlite::Result<(Vec<Head>, Option<i64>)> {
    let (mut filled, mut left) = (Vec::with_capacity(heads.len()), MOST_POINTS);
    for mut head in heads {
        if left == 0 {
            let last = filled.last().map(|head: &Head| head.row);
            return Ok((filled, last));
        }
        if !head.run.is_deleted {
            head.run.params = pairs(connection, "params", &head.run.id)?;
            head.run.tags = pairs(connection, "tags", &head.run.id)?;
            let stretch = points(connection, &head.run.id, 0, left)?;
            let read: usize = stretch
                .histories
                .iter()
                .map(|(_, points)| points.len())
                .sum();
            left = left.saturating_sub(read);
            head.run.histories = stretch.histories;
            head.run.rest = stretch.rest;
            if head.run.id.is_empty() {
                head.run.unread.push(Unread {
                    what: String::new(),
                    why: "it has no id".to_owned(),
                });
            }
        }
        filled.push(head);
    }
    Ok((filled, None))
}

fn pairs(connection: &Connection, table: &str, run_id: &str) -> rusqlite::Result<Vec<Pair>> {
    connection
        .prepare_cached(&format!(
            "SELECT key, value FROM {table} WHERE run_uuid = ?1 ORDER BY key"
        ))?
        .query_map([run_id], |row| {
            Ok((text_or_empty(row, 0)?, text_or_empty(row, 1)?))
        })?
        .collect()
}

/// Points of a run after a row number, by their metrics, and where they go on.
pub(super) fn points(
    connection: &Connection,
    run_id: &str,
    after: i64,
    most: usize,
) -> rusqlite::Result<Stretch> {
    let mut statement = connection.prepare_cached(
        "SELECT rowid, key, value, timestamp, step, is_nan FROM metrics
         WHERE run_uuid = ?1 AND rowid > ?2 ORDER BY rowid LIMIT ?3",
    )?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![run_id, after, limit])?;
    let (mut histories, mut places): (Vec<RawHistory>, HashMap<String, usize>) =
        (Vec::new(), HashMap::new());
    let (mut read, mut last) = (0, after);
    while let Some(row) = rows.next()? {
        read += 1;
        last = row.get(0)?;
        let key = row.get_ref(1)?.to_words().unwrap_or_default();
        let place = if let Some(place) = places.get(&*key) {
            *place
        } else {
            places.insert(key.clone().into_owned(), histories.len());
            histories.push((key.into_owned(), Vec::new()));
            histories.len() - 1
        };
        let is_nan = row.get_ref(5)?.to_whole().is_some_and(|is_nan| is_nan != 0);
        let value = if is_nan {
            f64::NAN
        } else {
            row.get_ref(2)?.to_number()
        };
        histories[place].1.push(raw_point(
            value,
            row.get_ref(3)?.to_whole().unwrap_or(0),
            row.get_ref(4)?.to_whole().unwrap_or(0),
        ));
    }
    let rest = (read == most).then(|| Rest {
        key: String::new(),
        at: last.to_string(),
    });
    Ok(Stretch {
        histories,
        rest,
        unread: Vec::new(),
    })
}

/// Adds what can be seen of the runs' files.
pub(super) fn with_files(heads: Vec<Head>, beside: &Path) -> Vec<RawRun> {
    heads
        .into_iter()
        .map(|head| {
            let mut run = head.run;
            if !run.is_deleted {
                run.files = files::list(&head.artifact_uri, &run.id, beside);
            }
            run
        })
        .collect()
}
