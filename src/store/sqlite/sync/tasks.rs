//! What a worker takes from the queue: items with everything they need, as it stands at one moment.

use super::super::column::{count, json, nearest_nanos, signed, to_json};
use super::super::fault::Result;
use super::super::{audit, experiments, metrics, runs, versions};
use super::status;
use crate::domain::{Artifact, Key, ModelRun, ObjectKind, RunId, SyncItem, SyncKind};
use crate::store::SeriesBatch;
use crate::store::sync::{ExperimentOfRun, RemoteCopy, SyncTask, SyncWork, Unsent};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// No item waits for longer than this, so one that seems to was written by a clock that has been set back since.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);

/// The order in which kinds are taken: what others hang on comes first.
const ORDER: [SyncKind; 4] = [
    SyncKind::Experiment,
    SyncKind::Run,
    SyncKind::Artifact,
    SyncKind::ModelVersion,
];

/// Items whose time has come and that hang on nothing that is not there, kind by kind, and of a kind in the order that their objects were made. That order is an index's, so a
/// long queue needs no sorting.
pub(super) fn due(
    connection: &Connection,
    now: Timestamp,
    all: bool,
    under_way: &[i64],
    limit: usize,
) -> Result<Vec<SyncTask>> {
    let mut statement = connection.prepare_cached(&format!(
        "{} WHERE q.kind = ?1 AND q.state <> 'DEAD' AND (?2 OR q.next_try_at <= ?3 OR q.next_try_at > ?4)
            AND q.id NOT IN (SELECT value FROM json_each(?5)) AND {}
         ORDER BY q.object, q.part LIMIT ?6",
        status::columns("q.reason"),
        status::READY
    ))?;
    let mut tasks = Vec::new();
    for kind in ORDER {
        let items = statement.query_map(
            params![
                kind.as_str(),
                all,
                nearest_nanos(now),
                nearest_nanos(now + LONGEST_WAIT),
                to_json(&under_way)?,
                signed((limit - tasks.len()) as u64)
            ],
            status::item_of,
        )?;
        let items: Vec<SyncItem> = items.collect::<rusqlite::Result<_>>()?;
        for item in items {
            tasks.push(task(connection, item)?);
        }
    }
    Ok(tasks)
}

fn task(connection: &Connection, item: SyncItem) -> Result<SyncTask> {
    let (object, changes): (i64, i64) = connection
        .prepare_cached("SELECT object, changes FROM sync_queue WHERE id = ?1")?
        .query_row([item.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let part = item.part.as_deref().unwrap_or_default();
    let copy = copy(connection, item.kind, object, part)?;
    let work = match item.kind {
        SyncKind::Experiment => SyncWork::Experiment {
            experiment: one(experiments::load(connection, &[object])?)?,
        },
        SyncKind::Run => {
            let run = one(runs::load(connection, &[object])?)?;
            let object = experiments::id(connection, &run.experiment_name)?;
            SyncWork::Run {
                experiment: ExperimentOfRun {
                    experiment: one(experiments::load(connection, &[object])?)?,
                    object,
                    copy: self::copy(connection, SyncKind::Experiment, object, "")?,
                },
                is_imported: is_imported(connection, ObjectKind::Run, run.run_id.as_str())?,
                run: Box::new(run),
            }
        }
        SyncKind::Artifact => {
            let run = one(runs::load(connection, &[object])?)?;
            SyncWork::Artifact {
                remote_run: self::copy(connection, SyncKind::Run, object, "")?
                    .map(|copy| copy.remote),
                artifact: artifact_of(&run, part),
                run: Box::new(run),
            }
        }
        SyncKind::ModelVersion => {
            let version = one(versions::load(connection, &[object])?)?;
            let run: Option<i64> = match &version.run_id {
                Some(run_id) => connection
                    .prepare_cached("SELECT id FROM runs WHERE run_id = ?1")?
                    .query_row([run_id.as_str()], |row| row.get(0))
                    .optional()?,
                None => None,
            };
            let remote_run = match run {
                Some(run) => self::copy(connection, SyncKind::Run, run, "")?,
                None => None,
            };
            SyncWork::ModelVersion {
                is_imported: is_imported(connection, ObjectKind::ModelVersion, &item.object)?,
                version: Box::new(version),
                remote_run: remote_run.map(|copy| copy.remote),
            }
        }
    };
    Ok(SyncTask {
        item,
        object,
        changes,
        copy,
        work,
    })
}

fn is_imported(connection: &Connection, kind: ObjectKind, object: &str) -> Result<bool> {
    Ok(!audit::of_imports(connection, kind, object)?.is_empty())
}

fn artifact_of(run: &ModelRun, path: &str) -> Option<Artifact> {
    let found = run.artifacts.iter().find(|artifact| artifact.path == path);
    found.cloned()
}

/// A queue names only what is there, because nothing is ever removed.
fn one<T>(mut found: Vec<T>) -> Result<T> {
    found.pop().ok_or_else(|| {
        crate::store::StoreError::Invalid {
            message: "the queue to MLflow names an object that is not there".to_owned(),
        }
        .into()
    })
}

fn copy(
    connection: &Connection,
    kind: SyncKind,
    object: i64,
    part: &str,
) -> Result<Option<RemoteCopy>> {
    Ok(connection
        .prepare_cached(
            "SELECT remote, sent FROM sync_copies WHERE kind = ?1 AND object = ?2 AND part = ?3",
        )?
        .query_row(params![kind.as_str(), object, part], |row| {
            Ok(RemoteCopy {
                remote: row.get(0)?,
                sent: json(row, 1)?,
            })
        })
        .optional()?)
}

/// Points after the watermark of each history.
pub(super) fn unsent(
    connection: &Connection,
    run_id: &RunId,
    most: usize,
    keys: usize,
) -> Result<Vec<Unsent>> {
    let run = metrics::run_row(connection, run_id)?;
    let mut statement = connection.prepare_cached(
        "SELECT k.key, s.count, ifnull(w.sent, 0) FROM series s
         JOIN keys k ON k.key_id = s.key_id
         LEFT JOIN sync_series w ON w.run = s.run AND w.key_id = s.key_id
         WHERE s.run = ?1 AND s.count > ifnull(w.sent, 0) ORDER BY s.key_id LIMIT ?2",
    )?;
    let behind = statement.query_map(params![run, signed(keys as u64)], |row| {
        Ok((row.get::<_, String>(0)?, count(row, 2)?))
    })?;
    let behind: Vec<(String, u64)> = behind.collect::<rusqlite::Result<_>>()?;
    let (mut unsent, mut left) = (Vec::new(), most);
    for (key, sent) in behind {
        if left == 0 {
            break;
        }
        let key = Key::trusted(key);
        let points = metrics::history(connection, run_id, &key, sent, left)?;
        left -= points.len();
        unsent.push(Unsent {
            sent: sent + points.len() as u64,
            batch: SeriesBatch {
                run_id: run_id.clone(),
                key,
                points,
            },
        });
    }
    Ok(unsent)
}
