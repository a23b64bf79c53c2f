//! Metric histories in SQL: every point in the order it came, the latest one beside it, and summaries of each 16, 256 and 4096.
//!
//! All three are written in one transaction, so a chart never shows what the history has not.

use super::column::{from_nanos, nanos};
use super::fault::Result;
use super::keys::key_id;
use crate::domain::{ChartBucket, Key, MetricChart, MetricPoint, ObjectKind, RunId};
use crate::store::import::KnownHistory;
use crate::store::{SeriesBatch, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;

/// Points in a summary of the first level, and summaries in one of the next.
const FANOUT: u64 = 16;
/// The summaries of the last level hold 4096 points.
const LEVELS: u32 = 3;

/// Points in a summary of a level; level 0 is the points themselves.
const fn points_in(level: u32) -> u64 {
    FANOUT.pow(level)
}

/// The surrogate key of a run.
pub(super) fn run_row(connection: &Connection, run_id: &RunId) -> Result<i64> {
    let found = connection
        .prepare_cached("SELECT id FROM runs WHERE run_id = ?1")?
        .query_row([run_id.as_str()], |row| row.get(0))
        .optional()?;
    Ok(found.ok_or_else(|| StoreError::not_found(ObjectKind::Run, run_id))?)
}

/// What is known of a history beside its points.
struct Series {
    count: u64,
    latest: MetricPoint,
    /// The points since the last whole summary.
    open: Option<ChartBucket>,
}

fn series(connection: &Connection, run: i64, key: i64) -> Result<Option<Series>> {
    Ok(connection
        .prepare_cached(
            "SELECT count, latest_step, latest_ts, latest_value,
                    open_first_step, open_last_step, open_low, open_high, open_last, open_non_finite
             FROM series WHERE run = ?1 AND key_id = ?2",
        )?
        .query_row([run, key], |row| {
            let count = super::column::count(row, 0)?;
            let open = match row.get::<_, Option<i64>>(4)? {
                Some(_) => Some(bucket(row, 4, count % FANOUT)?),
                None => None,
            };
            Ok(Series {
                count,
                latest: point(row, 1)?,
                open,
            })
        })
        .optional()?)
}

/// The latest points of a run's metrics, those of them that have any.
pub(super) fn latest<'a>(
    connection: &Connection,
    run_id: &RunId,
    keys: impl Iterator<Item = &'a Key>,
) -> Result<BTreeMap<Key, MetricPoint>> {
    let run = run_row(connection, run_id)?;
    let mut latest = BTreeMap::new();
    for key in keys {
        if let Some(known) = known_key(connection, key)?
            && let Some(series) = series(connection, run, known)?
        {
            latest.insert(key.clone(), series.latest);
        }
    }
    Ok(latest)
}

/// A point from `step, ts, value`.
pub(super) fn point(row: &Row<'_>, at: usize) -> rusqlite::Result<MetricPoint> {
    Ok(MetricPoint {
        step: row.get(at)?,
        timestamp: from_nanos(row.get(at + 1)?),
        value: super::column::number(row, at + 2)?,
    })
}

/// A summary from `first_step, last_step, low, high, last, non_finite`.
fn bucket(row: &Row<'_>, at: usize, points: u64) -> rusqlite::Result<ChartBucket> {
    let low: Option<f64> = row.get(at + 2)?;
    let high: Option<f64> = row.get(at + 3)?;
    Ok(ChartBucket {
        first_step: row.get(at)?,
        last_step: row.get(at + 1)?,
        range: low.zip(high),
        last: row.get(at + 4)?,
        points,
        non_finite: super::column::count(row, at + 5)?,
    })
}

/// Appends one batch of points; the caller's transaction makes it all or nothing.
pub(super) fn append(connection: &Connection, run: i64, batch: &SeriesBatch) -> Result<()> {
    let Some(first) = batch.points.first() else {
        return Ok(());
    };
    let key = key_id(connection, &batch.key)?;
    let known = series(connection, run, key)?;
    let is_new = known.is_none();
    let mut series = known.unwrap_or(Series {
        count: 0,
        latest: *first,
        open: None,
    });
    let mut insert = connection.prepare_cached(
        "INSERT INTO points (run, key_id, seq, step, ts, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for point in &batch.points {
        insert.execute(params![
            run,
            key,
            super::column::signed(series.count),
            point.step,
            nanos(point.timestamp)?,
            point.value,
        ])?;
        series.count += 1;
        if point.supersedes(&series.latest) {
            series.latest = *point;
        }
        let stretch = ChartBucket::of(point);
        match &mut series.open {
            Some(open) => open.extend(&stretch),
            None => series.open = Some(stretch),
        }
        if series.count.is_multiple_of(FANOUT)
            && let Some(full) = series.open.take()
        {
            write_rollups(connection, run, key, series.count, full)?;
        }
    }
    write_series(connection, run, key, &series, is_new)
}

/// Writes the summary of the last points, and those of higher levels that are full with it.
fn write_rollups(
    connection: &Connection,
    run: i64,
    key: i64,
    count: u64,
    full: ChartBucket,
) -> Result<()> {
    let mut full = full;
    for level in 1..=LEVELS {
        if !count.is_multiple_of(points_in(level)) {
            break;
        }
        let chunk = count / points_in(level) - 1;
        if level > 1 {
            let mut parts = rollups(connection, run, key, level - 1, chunk * FANOUT)?.into_iter();
            if let Some(first) = parts.next() {
                full = first;
            }
            parts.for_each(|part| full.extend(&part));
        }
        connection
            .prepare_cached(
                "INSERT INTO rollups (run, key_id, level, chunk, first_step, last_step, low, high, last, non_finite)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                run,
                key,
                level,
                super::column::signed(chunk),
                full.first_step,
                full.last_step,
                full.range.map(|(low, _)| low),
                full.range.map(|(_, high)| high),
                full.last,
                super::column::signed(full.non_finite),
            ])?;
    }
    Ok(())
}

/// The summaries of a level, from one on.
fn rollups(
    connection: &Connection,
    run: i64,
    key: i64,
    level: u32,
    from: u64,
) -> Result<Vec<ChartBucket>> {
    let mut statement = connection.prepare_cached(
        "SELECT first_step, last_step, low, high, last, non_finite FROM rollups
         WHERE run = ?1 AND key_id = ?2 AND level = ?3 AND chunk >= ?4 ORDER BY chunk",
    )?;
    let found = statement.query_map(
        params![run, key, level, super::column::signed(from)],
        |row| bucket(row, 0, points_in(level)),
    )?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn write_series(
    connection: &Connection,
    run: i64,
    key: i64,
    series: &Series,
    is_new: bool,
) -> Result<()> {
    let sql = if is_new {
        "INSERT INTO series (run, key_id, count, latest_step, latest_ts, latest_value,
             open_first_step, open_last_step, open_low, open_high, open_last, open_non_finite)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    } else {
        "UPDATE series SET count = ?3, latest_step = ?4, latest_ts = ?5, latest_value = ?6,
             open_first_step = ?7, open_last_step = ?8, open_low = ?9, open_high = ?10, open_last = ?11, open_non_finite = ?12
         WHERE run = ?1 AND key_id = ?2"
    };
    let open = series.open;
    connection.prepare_cached(sql)?.execute(params![
        run,
        key,
        super::column::signed(series.count),
        series.latest.step,
        nanos(series.latest.timestamp)?,
        series.latest.value,
        open.map(|open| open.first_step),
        open.map(|open| open.last_step),
        open.and_then(|open| open.range).map(|(low, _)| low),
        open.and_then(|open| open.range).map(|(_, high)| high),
        open.and_then(|open| open.last),
        open.map_or(0, |open| super::column::signed(open.non_finite)),
    ])?;
    Ok(())
}

/// The keys of a run's histories, sorted.
pub(super) fn keys(connection: &Connection, run_id: &RunId) -> Result<Vec<Key>> {
    let run = run_row(connection, run_id)?;
    let mut statement = connection.prepare_cached(
        "SELECT k.key FROM series s JOIN keys k ON k.key_id = s.key_id WHERE s.run = ?1 ORDER BY k.key",
    )?;
    let keys = statement.query_map([run], |row| Ok(Key::trusted(row.get::<_, String>(0)?)))?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

fn known_key(connection: &Connection, key: &Key) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT key_id FROM keys WHERE key = ?1")?
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?)
}

/// How many points a history has.
pub(super) fn count(connection: &Connection, run: i64, key: &Key) -> Result<u64> {
    let found = connection
        .prepare_cached(
            "SELECT s.count FROM series s JOIN keys k ON k.key_id = s.key_id WHERE s.run = ?1 AND k.key = ?2",
        )?
        .query_row(params![run, key.as_str()], |row| super::column::count(row, 0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// The first points of each of a run's histories.
pub(super) fn beginnings(
    connection: &Connection,
    run: i64,
    most: usize,
) -> Result<BTreeMap<Key, KnownHistory>> {
    let mut series = connection.prepare_cached(
        "SELECT k.key, s.key_id, s.count FROM series s JOIN keys k ON k.key_id = s.key_id WHERE s.run = ?1",
    )?;
    let mut points = connection.prepare_cached(
        "SELECT step, ts, value FROM points WHERE run = ?1 AND key_id = ?2 ORDER BY seq LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found = BTreeMap::new();
    let mut rows = series.query([run])?;
    while let Some(row) = rows.next()? {
        let points = points
            .query_map([run, row.get(1)?, most], |row| point(row, 0))?
            .collect::<rusqlite::Result<_>>()?;
        let count = super::column::count(row, 2)?;
        found.insert(
            Key::trusted(row.get::<_, String>(0)?),
            KnownHistory { count, points },
        );
    }
    Ok(found)
}

/// A stretch of a history in the order of arrival.
pub(super) fn history(
    connection: &Connection,
    run_id: &RunId,
    key: &Key,
    skip: u64,
    limit: usize,
) -> Result<Vec<MetricPoint>> {
    let run = run_row(connection, run_id)?;
    let Some(key) = known_key(connection, key)? else {
        return Ok(Vec::new());
    };
    // Sequence numbers have no gaps, so skipping is a seek.
    let mut statement = connection.prepare_cached(
        "SELECT step, ts, value FROM points WHERE run = ?1 AND key_id = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let points = statement.query_map([run, key, super::column::signed(skip), limit], |row| {
        point(row, 0)
    })?;
    Ok(points.collect::<rusqlite::Result<_>>()?)
}

/// The history as a chart: from the coarsest summaries that are still twice as fine as the columns, then from finer ones and at last from
/// points for what they do not cover yet.
pub(super) fn chart(
    connection: &Connection,
    run_id: &RunId,
    metric: &Key,
    columns: usize,
) -> Result<MetricChart> {
    let run = run_row(connection, run_id)?;
    let nothing = || MetricChart::reduce(metric.clone(), [], columns);
    let Some(key) = known_key(connection, metric)? else {
        return Ok(nothing());
    };
    let Some(known) = series(connection, run, key)? else {
        return Ok(nothing());
    };
    let enough = u64::try_from(columns).unwrap_or(u64::MAX).saturating_mul(2);
    let coarsest = (1..=LEVELS)
        .rev()
        .find(|level| known.count / points_in(*level) >= enough)
        .unwrap_or(0);
    let (mut stretches, mut covered) = (Vec::new(), 0);
    for level in (1..=coarsest).rev() {
        stretches.append(&mut rollups(
            connection,
            run,
            key,
            level,
            covered / points_in(level),
        )?);
        covered = known.count / points_in(level) * points_in(level);
    }
    let mut statement = connection.prepare_cached(
        "SELECT step, ts, value FROM points WHERE run = ?1 AND key_id = ?2 AND seq >= ?3 ORDER BY seq",
    )?;
    let mut rows = statement.query([run, key, super::column::signed(covered)])?;
    while let Some(row) = rows.next()? {
        stretches.push(ChartBucket::of(&point(row, 0)?));
    }
    Ok(MetricChart::reduce(metric.clone(), stretches, columns))
}
