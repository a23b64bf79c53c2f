//! The queue of the mirror in SQL: what a change queues, how it is told, and what people decide about it.
//!
//! What a worker takes is in `tasks`, what it records in `record`. Without a tracked server nothing is queued.

mod record;
mod status;
mod tasks;

use super::column::{from_nanos, nanos};
use super::fault::Result;
use super::{SqliteStore, audit};
use crate::domain::{
    Artifact, LeftOutFile, MlflowLink, ObjectKind, RunId, SyncItem, SyncItemState, SyncKind,
    SyncState, SyncStatus,
};
use crate::store::sync::{
    SyncLease, SyncRecord, SyncStore, SyncTask, SyncVerdict, TrackedServer, Unsent,
};
use crate::store::{StoreError, WriteContext};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

/// Points of a run that is being written gather for so long, so that a training is not followed point by point.
const GATHER: SignedDuration = SignedDuration::from_secs(1);

/// What brings something into the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Brings what was DEAD to life again: the change may be the cure.
    Change,
    /// Data that comes all the time; it leaves what is DEAD in peace.
    Data,
}

fn put(
    connection: &Connection,
    (kind, object, part): (SyncKind, i64, &str),
    cause: Cause,
    at: Timestamp,
) -> Result<()> {
    let (at, due) = match cause {
        Cause::Change => (nanos(at)?, nanos(at)?),
        Cause::Data => (nanos(at)?, nanos(at + GATHER)?),
    };
    connection
        .prepare_cached(
            "INSERT INTO sync_queue (kind, object, part, state, changes, attempts, queued_at, next_try_at)
             SELECT ?1, ?2, ?3, 'QUEUED', 1, 0, ?4, ?5 WHERE EXISTS (SELECT 1 FROM sync_server)
             ON CONFLICT (kind, object, part) DO UPDATE SET
                 changes = changes + 1,
                 next_try_at = CASE
                     WHEN state = 'QUEUED' THEN min(next_try_at, excluded.next_try_at)
                     WHEN state = 'DEAD' AND ?6 THEN excluded.next_try_at
                     ELSE next_try_at END,
                 attempts = iif(state = 'DEAD' AND ?6, 0, attempts),
                 reason = iif(state = 'DEAD' AND ?6, NULL, reason),
                 state = iif(state = 'DEAD' AND ?6, 'QUEUED', state)",
        )?
        .execute(params![
            kind.as_str(),
            object,
            part,
            at,
            due,
            cause == Cause::Change
        ])?;
    Ok(())
}

/// Queues the copy of an object that changed.
pub(super) fn queue(
    connection: &Connection,
    kind: SyncKind,
    object: i64,
    at: Timestamp,
) -> Result<()> {
    put(connection, (kind, object, ""), Cause::Change, at)
}

/// Queues the copy of a run that changed, and those of its files that are new.
pub(super) fn queue_run(
    connection: &Connection,
    id: i64,
    before: &[Artifact],
    after: &[Artifact],
    at: Timestamp,
) -> Result<()> {
    queue(connection, SyncKind::Run, id, at)?;
    for artifact in after.iter().filter(|artifact| !before.contains(artifact)) {
        let object = (SyncKind::Artifact, id, artifact.path.as_str());
        put(connection, object, Cause::Change, at)?;
    }
    Ok(())
}

/// Queues new points of a run.
pub(super) fn queue_points(connection: &Connection, id: i64, at: Timestamp) -> Result<()> {
    put(connection, (SyncKind::Run, id, ""), Cause::Data, at)
}

/// How far the copies of runs are, for those that have one or shall have one.
pub(super) fn links(connection: &Connection, ids: &str) -> Result<Vec<(i64, MlflowLink)>> {
    let mut statement = connection.prepare_cached(
        "SELECT j.value, c.remote, q.state FROM json_each(?1) j
         LEFT JOIN sync_copies c ON c.kind = 'RUN' AND c.object = j.value AND c.part = ''
         LEFT JOIN sync_queue q ON q.kind = 'RUN' AND q.object = j.value AND q.part = ''
         WHERE c.remote IS NOT NULL OR q.state IS NOT NULL",
    )?;
    let links = statement.query_map([ids], |row| {
        let state = match super::column::optional_word::<SyncItemState>(row, 2)? {
            None => SyncState::Synced,
            Some(SyncItemState::Dead) => SyncState::Dead,
            Some(SyncItemState::Queued | SyncItemState::Retry) => SyncState::Queued,
        };
        let run_id = row.get(1)?;
        Ok((row.get(0)?, MlflowLink { run_id, state }))
    })?;
    Ok(links.collect::<rusqlite::Result<_>>()?)
}

fn tracked(connection: &Connection) -> Result<Option<TrackedServer>> {
    Ok(connection
        .prepare_cached(
            "SELECT address, fingerprint, failures, next_try_at,
                (SELECT identity FROM audit WHERE kind = 'STORE' AND object = 'sync' ORDER BY seq DESC LIMIT 1)
             FROM sync_server WHERE id = 1",
        )?
        .query_row([], |row| {
            Ok(TrackedServer {
                address: row.get(0)?,
                fingerprint: row.get(1)?,
                failures: row.get(2)?,
                next_try_at: super::column::optional_time(row, 3)?,
                // Who it was is only told; an entry that cannot be read is the audit log's trouble.
                set_by: row
                    .get::<_, Option<String>>(4)?
                    .and_then(|identity| serde_json::from_str(&identity).ok()),
            })
        })
        .optional()?)
}

/// Queues everything that is in the store: what hung on a server that was lost, or what was there before the first one.
const QUEUE_ALL: &str = "
    INSERT OR IGNORE INTO sync_queue (kind, object, part, state, changes, attempts, queued_at, next_try_at)
        SELECT 'EXPERIMENT', id, '', 'QUEUED', 1, 0, ?1, ?1 FROM experiments ORDER BY id;
    INSERT OR IGNORE INTO sync_queue (kind, object, part, state, changes, attempts, queued_at, next_try_at)
        SELECT 'RUN', id, '', 'QUEUED', 1, 0, ?1, ?1 FROM runs ORDER BY id;
    INSERT OR IGNORE INTO sync_queue (kind, object, part, state, changes, attempts, queued_at, next_try_at)
        SELECT 'ARTIFACT', r.id, a.value ->> '$.path', 'QUEUED', 1, 0, ?1, ?1 FROM runs r, json_each(r.artifacts) a ORDER BY r.id;
    INSERT OR IGNORE INTO sync_queue (kind, object, part, state, changes, attempts, queued_at, next_try_at)
        SELECT 'MODEL_VERSION', id, '', 'QUEUED', 1, 0, ?1, ?1 FROM versions ORDER BY id";

fn track(
    connection: &Connection,
    address: &str,
    anew: bool,
    ctx: &WriteContext,
) -> Result<TrackedServer> {
    let before = tracked(connection)?;
    if let Some(known) = &before
        && !anew
        && (known.fingerprint.is_some() || known.address == address)
    {
        return Ok(known.clone());
    }
    connection.execute_batch(
        "DELETE FROM sync_server; DELETE FROM sync_queue; DELETE FROM sync_copies; DELETE FROM sync_series;",
    )?;
    connection.execute(
        "INSERT INTO sync_server (id, address, state, failures) VALUES (1, ?1, 'ONLINE', 0)",
        [address],
    )?;
    // Whoever carries things over at this moment carries them to another server, and records nothing of that any more.
    connection.execute(
        "UPDATE sync_lease SET token = token + 1, holder = NULL, expires_at = 0 WHERE id = 1",
        [],
    )?;
    for statement in QUEUE_ALL.split(';') {
        connection.execute(statement, [nanos(ctx.at)?])?;
    }
    audit::record(
        connection,
        ctx,
        ObjectKind::Store,
        "sync".to_owned(),
        before.map_or(
            Value::Null,
            |known| json!({"address": known.address, "fingerprint": known.fingerprint}),
        ),
        json!({"address": address}),
    )?;
    Ok(tracked(connection)?.expect("it was written just now"))
}

fn judge(
    connection: &Connection,
    id: i64,
    verdict: SyncVerdict,
    ctx: &WriteContext,
) -> Result<SyncItem> {
    let item = status::item(connection, id)?.ok_or_else(|| StoreError::Invalid {
        message: format!("there is no item {id} in the queue to MLflow; it may be copied by now"),
    })?;
    let after = match verdict {
        SyncVerdict::Retry => {
            connection.execute(
                "UPDATE sync_queue SET state = 'QUEUED', attempts = 0, reason = NULL, next_try_at = ?2 WHERE id = ?1",
                params![id, nanos(ctx.at)?],
            )?;
            if item.state == SyncItemState::Dead {
                // Where the copy was deleted, another is made; where it was not, it is found again.
                connection.execute(
                    "DELETE FROM sync_series WHERE run = (SELECT object FROM sync_queue WHERE id = ?1 AND kind = 'RUN')",
                    [id],
                )?;
                connection.execute(
                    "DELETE FROM sync_copies WHERE (kind, object, part) = (SELECT kind, object, part FROM sync_queue WHERE id = ?1)",
                    [id],
                )?;
            }
            json!({"sync": SyncItemState::Queued})
        }
        SyncVerdict::Drop => {
            connection.execute("DELETE FROM sync_queue WHERE id = ?1", [id])?;
            json!({"sync": "DROPPED"})
        }
    };
    let kind = match item.kind {
        SyncKind::Experiment => ObjectKind::Experiment,
        SyncKind::Run | SyncKind::Artifact => ObjectKind::Run,
        SyncKind::ModelVersion => ObjectKind::ModelVersion,
    };
    let before = json!({"sync": item.state, "artifact": item.part, "refused": item.reason});
    audit::record(connection, ctx, kind, item.object.clone(), before, after)?;
    Ok(item)
}

#[async_trait]
impl SyncStore for SqliteStore {
    fn can_be_mirrored(&self) -> bool {
        true
    }

    async fn tracked_server(&self) -> crate::store::Result<Option<TrackedServer>> {
        self.read("reading about the mirror", tracked).await
    }

    async fn track_server(
        &self,
        address: &str,
        anew: bool,
        ctx: &WriteContext,
    ) -> crate::store::Result<TrackedServer> {
        let (address, ctx) = (address.to_owned(), ctx.clone());
        self.write("setting up the mirror", move |tx| {
            track(tx, &address, anew, &ctx)
        })
        .await
    }

    async fn sync_status(&self) -> crate::store::Result<SyncStatus> {
        self.read("reading about the mirror", status::read).await
    }

    async fn sync_items(&self, limit: usize) -> crate::store::Result<Vec<SyncItem>> {
        self.read("listing what waits for the mirror", move |connection| {
            status::items(connection, limit)
        })
        .await
    }

    async fn files_left_out(
        &self,
        run_id: Option<&RunId>,
        limit: usize,
    ) -> crate::store::Result<Vec<LeftOutFile>> {
        let run_id = run_id.cloned();
        self.read("listing files that were not mirrored", move |connection| {
            status::left_out(connection, run_id.as_ref(), limit)
        })
        .await
    }

    async fn judge_sync_item(
        &self,
        id: i64,
        verdict: SyncVerdict,
        ctx: &WriteContext,
    ) -> crate::store::Result<SyncItem> {
        let ctx = ctx.clone();
        self.write("deciding about an item of the mirror", move |tx| {
            judge(tx, id, verdict, &ctx)
        })
        .await
    }

    async fn store_id(&self) -> crate::store::Result<String> {
        self.read("reading about the mirror", |connection| {
            Ok(
                connection
                    .query_row("SELECT store_id FROM store_identity", [], |row| row.get(0))?,
            )
        })
        .await
    }

    async fn sync_lease(&self) -> crate::store::Result<SyncLease> {
        self.read("reading the mirror's lease", |connection| {
            Ok(connection
                .prepare_cached("SELECT token, holder, expires_at FROM sync_lease WHERE id = 1")?
                .query_row([], |row| {
                    Ok(SyncLease {
                        token: row.get(0)?,
                        holder: row.get(1)?,
                        expires_at: from_nanos(row.get(2)?),
                    })
                })?)
        })
        .await
    }

    async fn take_sync_lease(
        &self,
        holder: &str,
        from: Option<i64>,
        now: Timestamp,
        until: Timestamp,
    ) -> crate::store::Result<Option<i64>> {
        let holder = holder.to_owned();
        self.write("taking the mirror's lease", move |tx| {
            let changed = tx.execute(
                "UPDATE sync_lease SET token = token + 1, holder = ?1, expires_at = ?2
                 WHERE id = 1 AND (holder IS NULL OR expires_at <= ?3 OR token = ?4)",
                params![holder, nanos(until)?, nanos(now)?, from],
            )?;
            if changed == 0 {
                return Ok(None);
            }
            Ok(Some(tx.query_row(
                "SELECT token FROM sync_lease WHERE id = 1",
                [],
                |row| row.get(0),
            )?))
        })
        .await
    }

    async fn keep_sync_lease(&self, token: i64, until: Timestamp) -> crate::store::Result<bool> {
        self.write("keeping the mirror's lease", move |tx| {
            let kept = tx.execute(
                "UPDATE sync_lease SET expires_at = ?2 WHERE id = 1 AND token = ?1 AND holder IS NOT NULL",
                params![token, nanos(until)?],
            )?;
            Ok(kept == 1)
        })
        .await
    }

    async fn release_sync_lease(&self, token: i64) -> crate::store::Result<()> {
        self.write("giving the mirror's lease up", move |tx| {
            tx.execute(
                "UPDATE sync_lease SET holder = NULL, expires_at = 0 WHERE id = 1 AND token = ?1",
                [token],
            )?;
            Ok(())
        })
        .await
    }

    async fn due_sync_tasks(
        &self,
        now: Timestamp,
        all: bool,
        under_way: &[i64],
        limit: usize,
    ) -> crate::store::Result<Vec<SyncTask>> {
        let under_way = under_way.to_vec();
        self.read("reading what waits for the mirror", move |connection| {
            tasks::due(connection, now, all, &under_way, limit)
        })
        .await
    }

    async fn unsent_points(
        &self,
        run_id: &RunId,
        points: usize,
        keys: usize,
    ) -> crate::store::Result<Vec<Unsent>> {
        let run_id = run_id.clone();
        self.read("reading points for the mirror", move |connection| {
            tasks::unsent(connection, &run_id, points, keys)
        })
        .await
    }

    async fn kept_output(&self, run_id: &RunId) -> crate::store::Result<Option<std::fs::File>> {
        self.output.file(run_id).await
    }

    async fn record_sync(
        &self,
        token: i64,
        at: Timestamp,
        records: &[SyncRecord],
    ) -> crate::store::Result<bool> {
        let records = records.to_vec();
        self.write("recording what was mirrored", move |tx| {
            record::all(tx, token, at, &records)
        })
        .await
    }
}
