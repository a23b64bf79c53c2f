//! The audit log, which is the ledger itself, and the store as a whole.

use super::error::During as _;
use super::ledger::Ledger;
use super::store::MlflowStore;
use crate::domain::AuditEntry;
use crate::domain::audit::ChainCheck;
use crate::store::{
    AuditQuery, AuditStore, Capabilities, ChangeToken, Cursor, Page, PageFrom, PageRequest, Result,
    StoreError, StoreInfo,
};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// The version of the ledger's layout.
const LAYOUT: i64 = 1;

fn place(cursor: &Cursor) -> Result<i64> {
    cursor
        .0
        .parse()
        .map_err(|_not_a_number| StoreError::Invalid {
            message: "this place in the list belongs to another list or order".to_owned(),
        })
}

/// One page of entries that are ordered oldest first, shown newest first.
fn page(entries: &[&Arc<AuditEntry>], request: &PageRequest) -> Result<Page<AuditEntry>> {
    let newest_first: Vec<_> = entries.iter().rev().collect();
    let most = if request.limit == 0 {
        newest_first.len()
    } else {
        request.limit
    };
    let behind = |seq: i64, inclusive: bool| {
        newest_first.partition_point(|entry| entry.seq > seq || (inclusive && entry.seq == seq))
    };
    let (start, end) = match &request.from {
        PageFrom::Start => (0, most),
        PageFrom::End => (newest_first.len().saturating_sub(most), newest_first.len()),
        PageFrom::After(cursor) => {
            let start = behind(place(cursor)?, true);
            (start, start.saturating_add(most))
        }
        PageFrom::At(cursor) => {
            let start = behind(place(cursor)?, false);
            (start, start.saturating_add(most))
        }
        PageFrom::Before(cursor) => {
            let end = behind(place(cursor)?, false);
            (end.saturating_sub(most), end)
        }
    };
    let end = end.min(newest_first.len());
    let rows: Vec<AuditEntry> = newest_first[start.min(end)..end]
        .iter()
        .map(|entry| entry.as_ref().clone())
        .collect();
    let cursor = |entry: &AuditEntry| Cursor(entry.seq.to_string());
    Ok(Page {
        edges: rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (cursor(first), cursor(last))),
        more_before: start > 0,
        more_after: end < newest_first.len(),
        reach: None,
        rows,
    })
}

#[async_trait]
impl AuditStore for MlflowStore {
    async fn audit_from(&self, seq: i64, limit: usize) -> Result<Vec<AuditEntry>> {
        let ledger = self.ledger().await?;
        let entries = &ledger.state.audit;
        let start = entries.partition_point(|entry| entry.seq < seq);
        Ok(entries[start..]
            .iter()
            .take(limit)
            .map(|entry| entry.as_ref().clone())
            .collect())
    }

    async fn audit_entries(
        &self,
        query: &AuditQuery,
        request: &PageRequest,
    ) -> Result<Page<AuditEntry>> {
        let ledger = self.ledger().await?;
        let entries: Vec<&Arc<AuditEntry>> = ledger
            .state
            .audit
            .iter()
            .filter(|entry| query.kind.is_none_or(|kind| kind == entry.kind))
            .filter(|entry| {
                query
                    .object
                    .as_ref()
                    .is_none_or(|object| *object == entry.object)
            })
            .filter(|entry| {
                query
                    .action
                    .as_ref()
                    .is_none_or(|action| *action == entry.action)
            })
            .filter(|entry| query.filter.matches(entry.as_ref()))
            .collect();
        page(&entries, request)
    }

    /// The server keeps no head beside the log; what this process saw last stands for it.
    async fn audit_head(&self) -> Result<(i64, String)> {
        let ledger = self.ledger().await?;
        Ok((ledger.state.seq(), ledger.state.head.clone()))
    }

    async fn change_token(&self) -> Result<ChangeToken> {
        self.feel_pulse().await
    }

    async fn info(&self) -> Result<StoreInfo> {
        let experiments = self.known_experiments().await?;
        let counts_default = experiments
            .iter()
            .any(|experiment| experiment.experiment_id == "0");
        let experiments = experiments.len() as u64;
        let versions = self
            .client
            .search_versions("")
            .await
            .during("counting versions")?
            .len() as u64;
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        let counts = BTreeMap::from([
            ("experiments".to_owned(), experiments),
            ("model_versions".to_owned(), versions),
            ("drift_events".to_owned(), state.drift.len() as u64),
            ("deployments".to_owned(), state.deployments.len() as u64),
            ("audit_entries".to_owned(), state.audit.len() as u64),
            (
                "ledger_entries".to_owned(),
                u64::try_from(state.next).unwrap_or(0),
            ),
        ]);
        Ok(StoreInfo {
            kind: "remote store".to_owned(),
            target: self.client.address().to_string(),
            schema_version: LAYOUT,
            engine: self.server.engine(),
            size: None,
            wal_size: None,
            counts,
            read_only: None,
            capabilities: self.server.listed(),
            counts_default: Some(counts_default),
            credentials: Some(self.client.auth().source().to_owned()),
        })
    }

    /// Reads the whole ledger anew from the server and compares it with what this process took from it before.
    async fn check_integrity(&self) -> Result<Vec<String>> {
        let known = self.ledger().await?;
        let mut fresh = Ledger::default();
        fresh.read(&self.client, Instant::now()).await?;
        let mut problems = Vec::new();
        let mut check = ChainCheck::default();
        for entry in &fresh.state.audit {
            if let Err(fault) = check.follow(entry) {
                problems.push(format!("audit log: {fault}"));
                break;
            }
        }
        for (there, before) in fresh.state.audit.iter().zip(&known.state.audit) {
            if there.hash != before.hash {
                problems.push(format!(
                    "ledger: entry {} is not the one that was read before",
                    before.seq
                ));
                break;
            }
        }
        if fresh.state.seq() < known.state.seq() {
            problems.push(format!(
                "ledger: it ends at entry {} and had {}",
                fresh.state.seq(),
                known.state.seq()
            ));
        }
        Ok(problems)
    }

    async fn backup(&self, _path: &std::path::Path) -> Result<Option<std::path::PathBuf>> {
        Err(StoreError::Unsupported {
            what: "be backed up from here".to_owned(),
            why: "its data is in the server's database; whoever runs the server backs that up"
                .to_owned(),
        })
    }

    fn writes_at_once(&self) -> usize {
        super::side_by_side::AT_ONCE
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            read_only: None,
            near: false,
            curves: self.server.pages_histories(),
        }
    }
}
