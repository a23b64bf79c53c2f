//! MLflow's own SQLite file as a source of an import: opened for reading only, of 2.x and 3.x alike.
//!
//! MLflow keeps its file in rollback-journal mode, where whoever reads holds up whoever writes. So every question is one short read of a bounded number of
//! rows, and nothing is held open between two. What stands in the file is not trusted: any column may hold anything, and the schema's own functions are not run.

mod cell;
mod registry;
mod runs;

use super::lane::Lane;
use crate::store::import::{
    ImportSource, RawExperiment, RawModel, RawRun, Rest, SeenRuns, Stretch,
};
use crate::store::{Result, StoreError};
use async_trait::async_trait;
use cell::{Cells as _, text_or_empty};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a read waits for MLflow to end a write. MLflow itself waits 20 seconds.
const BUSY: Duration = Duration::from_secs(20);

/// What the file must hold to be MLflow's.
const TABLES: [&str; 6] = [
    "experiments",
    "runs",
    "metrics",
    "params",
    "tags",
    "alembic_version",
];

/// What the file may hold that has no place here.
const BEYOND: [(&str, &str); 6] = [
    ("dataset inputs of runs", "inputs"),
    ("logged models", "logged_models"),
    ("traces", "trace_info"),
    ("evaluation datasets", "evaluation_datasets"),
    ("scorers", "scorers"),
    ("webhooks", "webhooks"),
];

/// What differs between the layouts of MLflow's versions.
#[derive(Debug, Clone, Default)]
struct Layout {
    tables: BTreeSet<String>,
    has_workspaces: bool,
}

/// The file, read on a thread of its own.
pub struct MlflowFile {
    path: PathBuf,
    lane: Lane,
    layout: Layout,
    chosen: BTreeSet<String>,
    /// The last run that was handed out.
    last: i64,
}

impl MlflowFile {
    /// Opens a file, and says what it is where it is not MLflow's.
    pub async fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let of_lane = path.clone();
        let lane = Lane::new("mlflow-read", 1, path.clone(), None, move || {
            connect(&of_lane).map_err(|error| told(&error, &of_lane))
        });
        let mut file = Self {
            path,
            lane,
            layout: Layout::default(),
            chosen: BTreeSet::new(),
            last: 0,
        };
        file.layout = file.read(layout).await?;
        let lacks = TABLES
            .iter()
            .find(|table| !file.layout.tables.contains(**table));
        if let Some(table) = lacks {
            let ours = file.layout.tables.contains("audit_head");
            return Err(StoreError::Unusable {
                path: file.path,
                problem: if ours {
                    "it is a store of modeldeck, not of MLflow".to_owned()
                } else {
                    format!("it is not MLflow's: it has no table '{table}'")
                },
                hint: if ours {
                    "name it with --store to use it, or copy it with 'modeldeck store backup'"
                } else {
                    "name MLflow's database, which is called mlflow.db unless somebody called it otherwise"
                }
                .to_owned(),
            });
        }
        Ok(file)
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path.clone();
        self.lane
            .read("reading MLflow's database", move |connection| {
                let read = connection
                    .transaction()
                    .and_then(|moment| job(&moment))
                    .map_err(|error| told(&error, &path))?;
                Ok(read)
            })
            .await
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON;")?;
    Ok(connection)
}

fn told(error: &rusqlite::Error, path: &Path) -> StoreError {
    let unusable = |problem: String, hint: &str| StoreError::Unusable {
        path: path.to_owned(),
        problem,
        hint: hint.to_owned(),
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy {
            doing: "reading MLflow's database".to_owned(),
        },
        Some(ErrorCode::NotADatabase) => unusable(
            "it is no SQLite database".to_owned(),
            "name MLflow's database, its 'mlruns' folder, or the address of its server",
        ),
        Some(ErrorCode::DatabaseCorrupt) => unusable(
            format!("it is damaged ({error})"),
            "MLflow's own copy or a backup of it may be sound",
        ),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            unusable(
                format!("it cannot be opened for reading ({error})"),
                "look at its permissions; after a crash of MLflow, start its server once, or import a copy of it with the files beside it",
            )
        }
        _ => unusable(
            format!("it is not as MLflow's databases are ({error})"),
            "MLflow 2.22 and all of 3.x are read; 'mlflow db upgrade' brings an older one forward",
        ),
    }
}

fn layout(connection: &Connection) -> rusqlite::Result<Layout> {
    // A view under a table's name could be anything.
    let tables = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<BTreeSet<String>>>()?;
    let workspaces: i64 = connection.query_row(
        "SELECT count(*) FROM pragma_table_info('experiments') WHERE name = 'workspace'",
        [],
        |row| row.get(0),
    )?;
    Ok(Layout {
        has_workspaces: workspaces > 0,
        tables,
    })
}

/// The column that tells the workspace, for a table that may have none.
fn workspace_of(layout: &Layout) -> &'static str {
    if layout.has_workspaces {
        "workspace"
    } else {
        "''"
    }
}

/// A workspace as objects tell it: the default one is none.
fn named_workspace(given: String) -> String {
    if given == "default" {
        String::new()
    } else {
        given
    }
}

fn experiments(connection: &Connection, layout: &Layout) -> rusqlite::Result<Vec<RawExperiment>> {
    let mut tags: HashMap<String, Vec<(String, String)>> = HashMap::new();
    if layout.tables.contains("experiment_tags") {
        let mut statement =
            connection.prepare("SELECT experiment_id, key, value FROM experiment_tags")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let pair = (text_or_empty(row, 1)?, text_or_empty(row, 2)?);
            tags.entry(text_or_empty(row, 0)?).or_default().push(pair);
        }
    }
    let workspace = workspace_of(layout);
    let mut statement = connection.prepare(&format!(
        "SELECT experiment_id, name, lifecycle_stage, creation_time, {workspace} FROM experiments ORDER BY experiment_id"
    ))?;
    let rows = statement.query_map([], |row| {
        let id = text_or_empty(row, 0)?;
        Ok(RawExperiment {
            name: text_or_empty(row, 1)?,
            is_deleted: row.get_ref(2)?.to_words().as_deref() == Some("deleted"),
            created_at: row.get_ref(3)?.to_whole(),
            workspace: named_workspace(text_or_empty(row, 4)?),
            tags: tags.remove(&id).unwrap_or_default(),
            id,
        })
    })?;
    rows.collect()
}

fn beyond(connection: &Connection, layout: &Layout) -> rusqlite::Result<Vec<(&'static str, u64)>> {
    let mut found = Vec::new();
    for (kind, table) in BEYOND {
        if layout.tables.contains(table) {
            let count: i64 =
                connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })?;
            found.push((kind, u64::try_from(count).unwrap_or(0)));
        }
    }
    Ok(found)
}

#[async_trait]
impl ImportSource for MlflowFile {
    fn name(&self) -> String {
        let path = crate::domain::text::visible(&self.path.to_string_lossy()).into_owned();
        format!("MLflow database '{path}'")
    }

    async fn experiments(&mut self) -> Result<Vec<RawExperiment>> {
        let layout = self.layout.clone();
        self.read(move |connection| experiments(connection, &layout))
            .await
    }

    async fn choose(&mut self, experiment_ids: &[String]) -> Result<Option<u64>> {
        self.chosen = experiment_ids.iter().cloned().collect();
        self.last = 0;
        let count: i64 = self
            .read(|connection| {
                connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
            })
            .await?;
        Ok(u64::try_from(count).ok())
    }

    async fn next_runs(&mut self, _seen: &dyn SeenRuns) -> Result<Vec<RawRun>> {
        let beside = self.path.parent().map(Path::to_owned).unwrap_or_default();
        loop {
            let last = self.last;
            let (heads, is_end) = self
                .read(move |connection| runs::heads(connection, last))
                .await?;
            let Some(newest) = heads.last().map(|head| head.row) else {
                return Ok(Vec::new());
            };
            let wanted: Vec<runs::Head> = heads
                .into_iter()
                .filter(|head| self.chosen.contains(&head.run.experiment_id))
                .collect();
            let (found, read_to) = self
                .read(move |connection| runs::fill(connection, wanted))
                .await?;
            self.last = read_to.unwrap_or(newest);
            if found.is_empty() && !is_end {
                continue;
            }
            // Looking at folders takes its time, and nobody's database is held meanwhile.
            let beside = beside.clone();
            let listed = tokio::task::spawn_blocking(move || runs::with_files(found, &beside));
            return Ok(listed.await.unwrap_or_else(|error| {
                // Nobody aborts it, so it can only have panicked.
                std::panic::resume_unwind(error.into_panic())
            }));
        }
    }

    async fn more_points(&mut self, run_id: &str, rest: &Rest) -> Result<Stretch> {
        let (run_id, after) = (run_id.to_owned(), rest.at.parse().unwrap_or(i64::MAX));
        self.read(move |connection| runs::points(connection, &run_id, after, runs::MOST_POINTS))
            .await
    }

    async fn models(&mut self) -> Result<Vec<RawModel>> {
        if !self.layout.tables.contains("registered_models") {
            return Ok(Vec::new());
        }
        let layout = self.layout.clone();
        self.read(move |connection| registry::models(connection, &layout))
            .await
    }

    async fn beyond(&mut self) -> Result<Vec<(&'static str, u64)>> {
        let layout = self.layout.clone();
        self.read(move |connection| beyond(connection, &layout))
            .await
    }
}
