//! Approvals: what must be shown, who decided, and where a version stands.

use super::core::{Core, expect_revision, free_text, is_same, required_text};
use super::registry::{ModelRegistry, conflict};
use super::{Result, Review, ServiceError};
use crate::domain::{
    ChecklistStatus, Decision, DeploymentChecklistItem, ItemName, Missing, ModelName, ModelVersion,
    ObjectKind, Policy, Revision, Subject, Verdict, Version,
};
use crate::store::{Page, PageRequest, StoreError, VersionQuery, WriteContext};

/// An item to put on a checklist.
#[derive(Debug, Clone)]
pub struct NewChecklistItem {
    pub name: ItemName,
    pub required: bool,
}

/// How an item of a checklist shall stand.
#[derive(Debug, Clone)]
pub struct ChecklistMark {
    pub item: ItemName,
    pub status: ChecklistStatus,
    pub note: Option<String>,
}

/// An approver's verdict, with what they saw when they gave it.
#[derive(Debug, Clone)]
pub struct NewDecision {
    pub verdict: Verdict,
    /// Required to reject.
    pub notes: Option<String>,
    /// The subject that was on the approver's screen; with it, a version that changed since is a conflict.
    pub subject: Option<Subject>,
}

/// The verbs of approval.
#[derive(Clone)]
pub struct ApprovalManager {
    pub(super) core: Core,
    pub(super) registry: ModelRegistry,
}

impl ApprovalManager {
    /// Puts an item on a version's checklist.
    pub async fn append_item(
        &self,
        model_name: &ModelName,
        version: &Version,
        item: &NewChecklistItem,
    ) -> Result<ModelVersion> {
        self.append_items(model_name, version, std::slice::from_ref(item))
            .await
    }

    /// Puts items on a version's checklist, all or none.
    pub async fn append_items(
        &self,
        model_name: &ModelName,
        version: &Version,
        items: &[NewChecklistItem],
    ) -> Result<ModelVersion> {
        self.change(
            model_name,
            version,
            None,
            "append_checklist_item",
            None,
            move |version, _, _| items.iter().try_for_each(|item| append(version, item)),
        )
        .await
    }

    /// Marks items of a checklist, all or none; `approval_notes` goes into the audit log as the reason.
    pub async fn mark(
        &self,
        model_name: &ModelName,
        version: &Version,
        marks: &[ChecklistMark],
        approval_notes: Option<&str>,
        expected: Option<Revision>,
    ) -> Result<ModelVersion> {
        self.change(
            model_name,
            version,
            expected,
            "mark_checklist_status",
            approval_notes,
            move |version, ctx, _| {
                for mark in marks {
                    if let Some(note) = &mark.note {
                        free_text("note", note)?;
                    }
                    let label = version.label();
                    let names: Vec<String> = version
                        .checklist
                        .iter()
                        .map(|item| format!("'{}'", item.name))
                        .collect();
                    let Some(item) = version
                        .checklist
                        .iter_mut()
                        .find(|item| item.name == mark.item)
                    else {
                        let message =
                            format!("checklist item '{}' is not on version '{label}'", mark.item);
                        let hint = if names.is_empty() {
                            "its checklist is empty".to_owned()
                        } else {
                            format!("its items are {}", names.join(", "))
                        };
                        return Err(ServiceError::NoSuchItem { message, hint });
                    };
                    let person = ctx.identity.person();
                    let by_them = item.decided_by.as_deref().is_none_or(|by| by == person);
                    if item.status == mark.status && item.note == mark.note && by_them {
                        continue;
                    }
                    item.status = mark.status;
                    item.note.clone_from(&mark.note);
                    let decided = mark.status != ChecklistStatus::Pending;
                    item.decided_by = decided.then(|| person.to_owned());
                    item.decided_at = decided.then_some(ctx.at);
                }
                Ok(())
            },
        )
        .await
    }

    /// Records a verdict on exactly the content that is there. Whoever registered the version may reject it, but not approve it
    /// unless the policy says so.
    pub async fn decide(
        &self,
        model_name: &ModelName,
        version: &Version,
        decision: &NewDecision,
    ) -> Result<ModelVersion> {
        if let Some(notes) = &decision.notes {
            free_text("notes", notes)?;
        }
        if decision.verdict == Verdict::Rejected {
            required_text("notes", decision.notes.as_deref().unwrap_or_default())?;
        }
        let action = match decision.verdict {
            Verdict::Approved => "approve",
            Verdict::Rejected => "reject",
        };
        self.change(model_name, version, None, action, decision.notes.as_deref(), move |version, ctx, policy| {
            let subject = version.subject();
            if let Some(seen) = decision.subject.as_ref().filter(|seen| **seen != subject) {
                return Err(ServiceError::Changed {
                    object: format!("version '{}'", version.label()),
                    what: format!("its content was {} and is {}", seen.short(), subject.short()),
                });
            }
            let approver = ctx.identity.person();
            if decision.verdict == Verdict::Approved && approver == version.registered_by && !policy.self_approval {
                return Err(ServiceError::Refused {
                    message: format!("'{}' registered version '{}', so somebody else has to approve it", crate::domain::text::visible(approver), version.label()),
                    hint: "for people who work alone: 'modeldeck policy set production.self_approval true'".to_owned(),
                });
            }
            if let Some(before) = version.last_decision_of(approver)
                && before.verdict == decision.verdict
                && before.subject == subject
                && (decision.notes.is_none() || before.notes == decision.notes)
            {
                return Err(ServiceError::NotPossible {
                    message: format!(
                        "'{}' {} exactly this content of version '{}' already",
                        crate::domain::text::visible(approver),
                        match before.verdict { Verdict::Approved => "approved", Verdict::Rejected => "rejected" },
                        version.label()
                    ),
                    hint: "that decision stands; the other verdict takes it back, and notes of their own are recorded beside it".to_owned(),
                });
            }
            version.decisions.push(Decision {
                approver: approver.to_owned(),
                verdict: decision.verdict,
                at: ctx.at,
                notes: decision.notes.clone(),
                subject,
            });
            Ok(())
        })
        .await
    }

    /// Reads a version, changes it by a rule and writes it where that changed something.
    async fn change<R>(
        &self,
        model_name: &ModelName,
        version: &Version,
        expected: Option<Revision>,
        action: &'static str,
        reason: Option<&str>,
        rule: R,
    ) -> Result<ModelVersion>
    where
        R: Fn(&mut ModelVersion, &WriteContext, &Policy) -> Result<()> + Send + Sync,
    {
        let rule = &rule;
        self.core
            .settle(expected, move || async move {
                let ctx = self.core.write(action, reason)?;
                let policy = self.core.policy().await?;
                let mut version = self.registry.get(model_name, version).await?;
                expect_revision(expected, version.revision, || conflict(&version))?;
                let found = version.clone();
                rule(&mut version, &ctx, &policy)?;
                if is_same(&found, &version) {
                    return Ok(version);
                }
                version.updated_at = ctx.at;
                let revisions = self
                    .core
                    .store
                    .replace_versions(std::slice::from_ref(&version), None, &ctx)
                    .await?;
                version.revision = revisions[0];
                version.derive_approval(&policy);
                Ok(version)
            })
            .await
    }

    /// The versions that were asked about and still wait for something: PENDING and STALE ones that are not archived, the longest waiting
    /// first.
    pub async fn queue(&self) -> Result<Vec<ModelVersion>> {
        let waiting = self
            .reviews(true, &VersionQuery::default(), &PageRequest::all())
            .await?;
        Ok(waiting.map(|review| review.version).rows)
    }

    /// The versions that were asked about, or only those that still wait, each with how far its approvals are. Beside what is stored they
    /// can be filtered and sorted by `approval`, `items` (the share of required ones that are APPROVED), `approvals` and `waiting`.
    pub async fn reviews(
        &self,
        waiting: bool,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<Review>> {
        let query = asked_about(query);
        self.registry.reviews(waiting, &query, page).await
    }

    pub async fn count_reviews(&self, waiting: bool, query: &VersionQuery) -> Result<u64> {
        let query = asked_about(query);
        self.registry.count_reviews(waiting, &query).await
    }

    /// Every version that has a checklist or a decision.
    pub async fn list(
        &self,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelVersion>> {
        self.registry.list(&asked_about(query), page).await
    }

    pub async fn count(&self, query: &VersionQuery) -> Result<u64> {
        self.registry.count(&asked_about(query)).await
    }

    /// What a version lacks for Production.
    pub async fn missing(&self, version: &ModelVersion) -> Result<Vec<Missing>> {
        Ok(version.missing_for_production(&self.core.policy().await?))
    }

    pub async fn policy(&self) -> Result<Policy> {
        self.core.policy().await
    }

    /// Changes one setting of the policy.
    pub async fn set_policy(&self, key: &str, value: &str, reason: Option<&str>) -> Result<Policy> {
        self.core
            .settle(None, move || async move {
                let ctx = self.core.write("set_policy", reason)?;
                let (policy, revision) = self.core.store.policy().await?;
                let found = policy;
                let policy = found.with(key, value)?;
                if policy == found {
                    return Ok(policy);
                }
                self.core
                    .store
                    .replace_policy(&policy, revision, &ctx)
                    .await?;
                Ok(policy)
            })
            .await
    }
}

/// The same query, of versions that have a checklist or a decision.
fn asked_about(query: &VersionQuery) -> VersionQuery {
    VersionQuery {
        in_review: true,
        ..query.clone()
    }
}

fn append(version: &mut ModelVersion, item: &NewChecklistItem) -> Result<()> {
    if version
        .checklist
        .iter()
        .any(|known| known.name == item.name)
    {
        return Err(StoreError::AlreadyExists {
            kind: ObjectKind::ModelVersion,
            id: format!("{} checklist item {}", version.label(), item.name),
        }
        .into());
    }
    version.checklist.push(DeploymentChecklistItem {
        name: item.name.clone(),
        required: item.required,
        status: ChecklistStatus::Pending,
        decided_by: None,
        decided_at: None,
        note: None,
    });
    Ok(())
}
