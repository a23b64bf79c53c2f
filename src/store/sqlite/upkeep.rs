//! `store info` and `store backup`, the audit log's doors, and the change token.

use super::fault::{Fault, Result};
use super::{SqliteStore, audit, copy, files, open};
use crate::domain::{AuditEntry, ObjectKind};
use crate::store::{
    AuditQuery, AuditStore, Capabilities, ChangeToken, Page, PageRequest, StoreError, StoreInfo,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// What is counted, by the name that `store info` gives it.
const COUNTS: &[(&str, &str)] = &[
    ("experiments", "SELECT count(*) FROM experiments"),
    ("runs", "SELECT count(*) FROM runs"),
    ("metric_points", "SELECT ifnull(sum(count), 0) FROM series"),
    ("models", "SELECT count(*) FROM models"),
    ("model_versions", "SELECT count(*) FROM versions"),
    ("drift_events", "SELECT count(*) FROM drift_events"),
    ("deployments", "SELECT count(*) FROM deployments"),
    ("audit_entries", "SELECT count(*) FROM audit"),
];

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_from(&self, seq: i64, limit: usize) -> crate::store::Result<Vec<AuditEntry>> {
        self.read_audit_from(seq, limit).await
    }

    async fn audit_entries(
        &self,
        query: &AuditQuery,
        page: &PageRequest,
    ) -> crate::store::Result<Page<AuditEntry>> {
        self.read_audit_page(query, page).await
    }

    async fn audit_head(&self) -> crate::store::Result<(i64, String)> {
        self.read("reading the audit log", |connection| {
            audit::head(connection)
        })
        .await
    }

    async fn change_token(&self) -> crate::store::Result<ChangeToken> {
        let output = self.output.pulse();
        self.pulse
            .read("looking for changes", move |connection| {
                // Counts the commits of every other connection, this store's writer included.
                let version: i64 = connection
                    .prepare_cached("PRAGMA data_version")?
                    .query_row([], |row| row.get(0))?;
                let mut both = DefaultHasher::new();
                (version, output()).hash(&mut both);
                Ok(ChangeToken(both.finish()))
            })
            .await
    }

    async fn info(&self) -> crate::store::Result<StoreInfo> {
        let (counts, schema_version) = self
            .read("reading about the store", |connection| {
                let ask = |sql: &str| {
                    connection
                        .prepare_cached(sql)?
                        .query_row([], |row| row.get::<_, i64>(0))
                };
                let mut counts = BTreeMap::new();
                for (name, sql) in COUNTS {
                    counts.insert((*name).to_owned(), u64::try_from(ask(sql)?).unwrap_or(0));
                }
                Ok((counts, ask("PRAGMA user_version")?))
            })
            .await?;
        Ok(StoreInfo {
            kind: "local store".to_owned(),
            target: self.path.display().to_string(),
            schema_version,
            engine: format!("SQLite {}", rusqlite::version()),
            size: Some(files::size(&self.path)),
            wal_size: Some(files::size(&files::beside(&self.path, "-wal"))),
            counts,
            read_only: self.capabilities().read_only,
            capabilities: std::collections::BTreeMap::new(),
            counts_default: None,
            credentials: None,
        })
    }

    async fn check_integrity(&self) -> crate::store::Result<Vec<String>> {
        let mut problems = self
            .read("reading the store through", |connection| {
                // The first line is "ok" when there is nothing to tell; ten problems are enough to know.
                let mut statement = connection.prepare("PRAGMA integrity_check(10)")?;
                let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
                let mut problems = lines.collect::<rusqlite::Result<Vec<_>>>()?;
                let mut orphans = connection.prepare("PRAGMA foreign_key_check")?;
                let tables = orphans.query_map([], |row| row.get::<_, String>(0))?;
                for table in tables.take(10) {
                    problems.push(format!(
                        "a row of table {} names one that is not there",
                        table?
                    ));
                }
                Ok(problems)
            })
            .await?;
        problems.retain(|problem| problem != "ok");
        Ok(problems)
    }

    /// The copy is of the database at one moment; captured output lies in files beside it and is not in the copy.
    async fn backup(&self, path: &Path) -> crate::store::Result<Option<PathBuf>> {
        let (source, access) = (self.path.clone(), self.access);
        let output = self.output.directory();
        let path = std::path::absolute(path).map_err(|error| StoreError::Io {
            doing: "looking for the backup's place".to_owned(),
            source: error.into(),
        })?;
        // Not on a lane: a copy of a large store would hold up its readers for seconds.
        let copied = tokio::task::spawn_blocking(move || {
            back_up(&source, access, &path)
                .map(|()| output.is_dir().then_some(output))
                .map_err(|fault| fault.told(&source, "backing up the store"))
        });
        copied
            .await
            .unwrap_or_else(|error| match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(StoreError::Unavailable {
                    retry_after: None,
                    doing: "backing up the store".to_owned(),
                    source: error.into(),
                }),
            })
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_only: self.refusal.as_ref().map(|refusal| refusal.why.clone()),
            near: true,
            curves: true,
        }
    }

    fn writes_at_once(&self) -> usize {
        super::group::MOST
    }
}

fn back_up(source: &Path, access: open::Access, path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(StoreError::AlreadyExists {
            kind: ObjectKind::Store,
            id: path.display().to_string(),
        }
        .into());
    }
    let draft = files::beside(path, &format!(".tmp-{}", std::process::id()));
    copy::copy(&open::reader(source, access)?, source, &draft)?;
    let placed = files::place(&draft, path)
        .map_err(Fault::from)
        .and_then(|()| {
            // The name is as durable as the content only with its directory.
            let directory = path.parent().unwrap_or(Path::new("/"));
            File::open(directory)
                .and_then(|directory| directory.sync_all())
                .map_err(copy::io("writing the directory of", path))
        });
    // Renamed or linked, or of no use.
    let _ = std::fs::remove_file(&draft);
    placed
}
