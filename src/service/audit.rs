//! The audit log, read and verified.

use super::Result;
use super::core::Core;
use crate::domain::audit::ChainCheck;
use crate::domain::{AuditEntry, AuditFault, ObjectKind};
use crate::store::{AuditQuery, Page, PageRequest, StoreError};

/// How many entries are read at once.
const STRETCH: usize = 5_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditVerification {
    /// How many entries are sound, from the first on.
    pub entries: i64,
    /// The hash of the last sound one; whoever keeps it elsewhere can tell later whether the log was written anew.
    pub head: String,
    /// The first fault, where there is one.
    pub fault: Option<AuditFault>,
}

/// The reader of the audit log.
#[derive(Clone)]
pub struct AuditLog {
    pub(super) core: Core,
}

impl AuditLog {
    /// Newest first.
    pub async fn list(&self, query: &AuditQuery, page: &PageRequest) -> Result<Page<AuditEntry>> {
        Ok(self.core.store.audit_entries(query, page).await?)
    }

    /// Everything that happened to one object, newest first.
    pub async fn history(
        &self,
        kind: ObjectKind,
        object: &str,
        limit: usize,
    ) -> Result<Vec<AuditEntry>> {
        let query = AuditQuery {
            kind: Some(kind),
            object: Some(object.to_owned()),
            ..AuditQuery::default()
        };
        Ok(self
            .core
            .store
            .audit_entries(&query, &PageRequest::first(limit))
            .await?
            .rows)
    }

    /// Follows the chain from the first entry to the head; `progress` is told how far it is.
    pub async fn verify(&self, mut progress: impl FnMut(i64) + Send) -> Result<AuditVerification> {
        let mut check = ChainCheck::default();
        // The head is read first: entries written while this runs lie behind it.
        let (head_seq, head_hash) = self.core.store.audit_head().await?;
        let mut fault = None;
        'log: loop {
            let next = check.seq + 1;
            let stretch = match self.core.store.audit_from(next, STRETCH).await {
                Err(StoreError::UnreadableEntry { seq, .. }) => {
                    fault = Some(if seq == next {
                        AuditFault::Edited { seq }
                    } else {
                        AuditFault::Gap { seq: next }
                    });
                    break;
                }
                stretch => stretch?,
            };
            if stretch.is_empty() {
                break;
            }
            for entry in &stretch {
                if entry.seq > head_seq && check.seq == head_seq {
                    break 'log;
                }
                if let Err(found) = check.follow(entry) {
                    fault = Some(found);
                    break 'log;
                }
            }
            progress(check.seq);
        }
        if fault.is_none() {
            fault = check.finish(head_seq, &head_hash).err();
        }
        Ok(AuditVerification {
            entries: check.seq,
            head: check.hash,
            fault,
        })
    }
}
