//! What a worker records, each step in the transaction that also makes sure that the worker still holds the lease.

use super::super::column::{nanos, signed, to_json};
use super::super::fault::Result;
use super::super::keys::key_id;
use crate::domain::SyncItemState;
use crate::store::sync::SyncRecord;
use jiff::Timestamp;
use rusqlite::{Connection, params};

/// Records all, or nothing where the lease is somebody else's.
pub(super) fn all(
    connection: &Connection,
    token: i64,
    at: Timestamp,
    records: &[SyncRecord],
) -> Result<bool> {
    let held: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM sync_lease WHERE id = 1 AND token = ?1 AND holder IS NOT NULL)",
        )?
        .query_row([token], |row| row.get(0))?;
    if held {
        for record in records {
            one(connection, at, record)?;
        }
    }
    Ok(held)
}

fn one(connection: &Connection, at: Timestamp, record: &SyncRecord) -> Result<()> {
    match record {
        SyncRecord::Copied {
            kind,
            object,
            part,
            copy,
        } => {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO sync_copies (kind, object, part, remote, sent) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    kind.as_str(),
                    object,
                    part,
                    copy.remote,
                    to_json(&copy.sent)?
                ])?;
        }
        SyncRecord::Points { object, unsent } => {
            for unsent in unsent {
                connection
                    .prepare_cached(
                        "INSERT INTO sync_series (run, key_id, sent) VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET sent = max(sent, excluded.sent)",
                    )?
                    .execute(params![
                        object,
                        key_id(connection, &unsent.batch.key)?,
                        signed(unsent.sent)
                    ])?;
            }
        }
        SyncRecord::Done {
            item,
            changes,
            next_try_at,
        } => {
            let gone = connection
                .prepare_cached("DELETE FROM sync_queue WHERE id = ?1 AND changes = ?2")?
                .execute([item, changes])?;
            if gone == 0 {
                connection
                    .prepare_cached(
                        "UPDATE sync_queue SET state = 'QUEUED', attempts = 0, reason = NULL, queued_at = ?2, next_try_at = ?3
                         WHERE id = ?1",
                    )?
                    .execute(params![item, nanos(at)?, nanos(*next_try_at)?])?;
            }
            connection
                .prepare_cached("UPDATE sync_server SET last_success_at = ?1")?
                .execute([nanos(at)?])?;
        }
        SyncRecord::Online { .. } | SyncRecord::Offline { .. } => server(connection, record)?,
        SyncRecord::Failed {
            item,
            state,
            attempts,
            next_try_at,
            reason,
        } => {
            connection
                .prepare_cached(
                    "UPDATE sync_queue SET state = ?2, attempts = ?3, next_try_at = ?4, reason = ?5 WHERE id = ?1",
                )?
                .execute(params![
                    item,
                    state.as_str(),
                    attempts,
                    nanos(*next_try_at)?,
                    reason
                ])?;
            if *state == SyncItemState::Dead {
                tracing::warn!(item, reason, "an item of the mirror is DEAD");
            }
        }
    }
    Ok(())
}

/// What was learned of the server itself.
fn server(connection: &Connection, record: &SyncRecord) -> Result<()> {
    match record {
        SyncRecord::Online {
            fingerprint,
            address,
        } => {
            connection
                .prepare_cached(
                    "UPDATE sync_server SET fingerprint = ?1, address = ?2, state = 'ONLINE', problem = NULL, failures = 0, next_try_at = NULL",
                )?
                .execute(params![fingerprint, address])?;
        }
        SyncRecord::Offline {
            refused,
            problem,
            failures,
            next_try_at,
        } => {
            connection
                .prepare_cached(
                    "UPDATE sync_server SET state = ?1, problem = ?2, failures = ?3, next_try_at = ?4",
                )?
                .execute(params![
                    if *refused { "REFUSED" } else { "OFFLINE" },
                    problem,
                    failures,
                    nanos(*next_try_at)?
                ])?;
        }
        _ => {}
    }
    Ok(())
}
