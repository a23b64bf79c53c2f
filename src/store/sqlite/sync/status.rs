//! How the mirror is, and what waits for it, as people are told.

use super::super::column::{count, optional_time, time, word};
use super::super::fault::Result;
use crate::domain::{LeftOutFile, MirrorState, RunId, SyncItem, SyncItemState, SyncStatus};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Whether what an item hangs on is there: its experiment, its run, the versions before it, whose numbers are smaller. What is neither there
/// nor queued is not waited for.
pub(super) const READY: &str = "CASE q.kind
    WHEN 'RUN' THEN
        NOT EXISTS (SELECT 1 FROM runs r JOIN sync_queue w ON w.kind = 'EXPERIMENT' AND w.object = r.experiment_id AND w.part = ''
            WHERE r.id = q.object
                AND NOT EXISTS (SELECT 1 FROM sync_copies c WHERE c.kind = 'EXPERIMENT' AND c.object = r.experiment_id AND c.part = ''))
    WHEN 'ARTIFACT' THEN
        NOT EXISTS (SELECT 1 FROM sync_queue w WHERE w.kind = 'RUN' AND w.object = q.object AND w.part = ''
            AND NOT EXISTS (SELECT 1 FROM sync_copies c WHERE c.kind = 'RUN' AND c.object = q.object AND c.part = ''))
    WHEN 'MODEL_VERSION' THEN
        EXISTS (SELECT 1 FROM sync_copies c WHERE c.kind = 'MODEL_VERSION' AND c.object = q.object AND c.part = '')
        OR (NOT EXISTS (SELECT 1 FROM versions v JOIN runs r ON r.run_id = v.run_id
                JOIN sync_queue w ON w.kind = 'RUN' AND w.object = r.id AND w.part = ''
                WHERE v.id = q.object
                    AND NOT EXISTS (SELECT 1 FROM sync_copies c WHERE c.kind = 'RUN' AND c.object = r.id AND c.part = ''))
            AND NOT EXISTS (SELECT 1 FROM versions v JOIN versions b ON b.model_name = v.model_name AND b.id < v.id
                JOIN sync_queue w ON w.kind = 'MODEL_VERSION' AND w.object = b.id AND w.part = '' AND w.state <> 'DEAD'
                WHERE v.id = q.object
                    AND NOT EXISTS (SELECT 1 FROM sync_copies c WHERE c.kind = 'MODEL_VERSION' AND c.object = b.id AND c.part = '')))
    ELSE 1 END";

/// Items with the names of their objects, which stand in another table for each kind; `reason` is what an item hangs on where that is not there.
pub(super) fn columns(reason: &str) -> String {
    format!(
        "SELECT q.id, q.kind,
            CASE q.kind
                WHEN 'EXPERIMENT' THEN (SELECT name FROM experiments WHERE id = q.object)
                WHEN 'MODEL_VERSION' THEN (SELECT model_name || ' ' || version FROM versions WHERE id = q.object)
                ELSE (SELECT run_id FROM runs WHERE id = q.object) END,
            nullif(q.part, ''), q.state, q.attempts, q.queued_at, q.next_try_at, {reason}
        FROM sync_queue q"
    )
}

/// Items as people see them.
fn shown() -> String {
    let reason = format!(
        "CASE WHEN q.reason IS NULL AND NOT ({READY}) THEN
            CASE q.kind WHEN 'RUN' THEN 'waits for its experiment' WHEN 'ARTIFACT' THEN 'waits for its run'
                ELSE 'waits for its run, or for the versions before it' END
        ELSE q.reason END"
    );
    columns(&reason)
}

pub(super) fn item_of(row: &Row<'_>) -> rusqlite::Result<SyncItem> {
    let state: SyncItemState = word(row, 4)?;
    Ok(SyncItem {
        id: row.get(0)?,
        kind: word(row, 1)?,
        object: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        part: row.get(3)?,
        state,
        attempts: row.get(5)?,
        queued_at: time(row, 6)?,
        next_try_at: Some(time(row, 7)?).filter(|_| state != SyncItemState::Dead),
        reason: row.get(8)?,
    })
}

pub(super) fn item(connection: &Connection, id: i64) -> Result<Option<SyncItem>> {
    Ok(connection
        .prepare_cached(&format!("{} WHERE q.id = ?1", shown()))?
        .query_row([id], item_of)
        .optional()?)
}

pub(super) fn items(connection: &Connection, limit: usize) -> Result<Vec<SyncItem>> {
    let mut statement = connection.prepare_cached(&format!(
        "{} ORDER BY CASE q.state WHEN 'DEAD' THEN 0 WHEN 'RETRY' THEN 1 ELSE 2 END, q.id LIMIT ?1",
        shown()
    ))?;
    let items = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], item_of)?;
    Ok(items.collect::<rusqlite::Result<_>>()?)
}

/// Files that were left out; a copy without an id on the server stands for one.
pub(super) fn left_out(
    connection: &Connection,
    run_id: Option<&RunId>,
    limit: usize,
) -> Result<Vec<LeftOutFile>> {
    let mut statement = connection.prepare_cached(
        "SELECT r.run_id, c.part, c.sent ->> '$.left_out' FROM sync_copies c JOIN runs r ON r.id = c.object
         WHERE c.kind = 'ARTIFACT' AND c.remote = '' AND (?1 IS NULL OR c.object = (SELECT id FROM runs WHERE run_id = ?1))
         ORDER BY c.object, c.part LIMIT ?2",
    )?;
    let files = statement.query_map(
        params![
            run_id.map(RunId::as_str),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
        |row| {
            Ok(LeftOutFile {
                run_id: RunId::trusted(row.get::<_, String>(0)?),
                path: row.get(1)?,
                reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            })
        },
    )?;
    Ok(files.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn read(connection: &Connection) -> Result<SyncStatus> {
    let server = connection
        .prepare_cached(
            "SELECT s.address, s.state, s.problem, s.next_try_at, s.last_success_at, l.holder
             FROM sync_server s LEFT JOIN sync_lease l ON l.id = 1 WHERE s.id = 1",
        )?
        .query_row([], |row| {
            Ok(SyncStatus {
                target: Some(row.get(0)?),
                state: match row.get::<_, String>(1)?.as_str() {
                    "OFFLINE" => MirrorState::Offline,
                    "REFUSED" => MirrorState::Refused,
                    _ => MirrorState::Synced,
                },
                problem: row.get(2)?,
                next_try_at: optional_time(row, 3)?,
                last_success_at: optional_time(row, 4)?,
                worker: row.get(5)?,
                ..SyncStatus::off()
            })
        })
        .optional()?;
    let Some(server) = server else {
        return Ok(SyncStatus::off());
    };
    let (waiting, oldest_at) = connection
        .prepare_cached("SELECT count(*), min(queued_at) FROM sync_queue WHERE state <> 'DEAD'")?
        .query_row([], |row| Ok((count(row, 0)?, optional_time(row, 1)?)))?;
    let dead = connection
        .prepare_cached("SELECT count(*) FROM sync_queue WHERE state = 'DEAD'")?
        .query_row([], |row| count(row, 0))?;
    let state = match server.state {
        MirrorState::Synced if waiting > 0 => MirrorState::Queued,
        state => state,
    };
    Ok(SyncStatus {
        state,
        depth: waiting,
        dead,
        oldest_at,
        ..server
    })
}
