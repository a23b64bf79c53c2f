//! Drift events: in the ledger alone, with a readable run for each in experiment `modeldeck/drift`.

use super::fields::snapshot;
use super::ledger::{ObjectKey, State};
use super::list::{self, Row};
use super::store::{MlflowStore, changed, made, same_revision};
use crate::domain::{DriftEvent, DriftEventId, DriftState, ObjectKind, Revision};
use crate::store::{
    DriftKey, DriftQuery, DriftStore, Page, PageRequest, Result, StoreError, WriteContext,
};
use async_trait::async_trait;

const KIND: ObjectKind = ObjectKind::DriftEvent;

fn key(event_id: &DriftEventId) -> ObjectKey {
    ObjectKey::new(KIND, event_id.as_str())
}

fn measure(event: &DriftEvent) -> DriftKey {
    DriftKey {
        model_name: event.model_name.clone(),
        version: event.version.clone(),
        environment: event.environment,
        metric: event.metric.clone(),
    }
}

/// The event of a measure that is not resolved.
fn unresolved<'a>(state: &'a State, key: &DriftKey) -> Option<&'a DriftEvent> {
    state
        .drift
        .values()
        .find(|event| event.state != DriftState::Resolved && measure(event) == *key)
}

fn taken(event_id: &DriftEventId) -> StoreError {
    StoreError::AlreadyExists {
        kind: KIND,
        id: event_id.as_str().to_owned(),
    }
}

/// *Already exists* when the measure has another unresolved event.
fn only_one(state: &State, event: &DriftEvent) -> Result<()> {
    if event.state == DriftState::Resolved {
        return Ok(());
    }
    match unresolved(state, &measure(event)) {
        Some(other) if other.event_id != event.event_id => Err(taken(&other.event_id)),
        _ => Ok(()),
    }
}

impl MlflowStore {
    async fn listed_drift(&self, query: &DriftQuery) -> Result<Vec<Row<DriftEvent>>> {
        let ledger = self.ledger().await?;
        let state = &ledger.state;
        Ok(state
            .drift
            .values()
            .filter(|row| {
                query
                    .model
                    .as_ref()
                    .is_none_or(|model| *model == row.model_name)
            })
            .filter(|row| {
                query
                    .version
                    .as_ref()
                    .is_none_or(|version| *version == row.version)
            })
            .filter(|row| {
                query
                    .severity
                    .is_none_or(|severity| severity == row.severity)
            })
            .filter(|row| query.states.is_empty() || query.states.contains(&row.state))
            .map(|row| Row {
                number: state
                    .object(&key(&row.event_id))
                    .map_or(0, |object| object.first_seq),
                object: row.clone(),
            })
            .collect())
    }
}

#[async_trait]
impl DriftStore for MlflowStore {
    async fn insert_drift_event(&self, event: &DriftEvent, ctx: &WriteContext) -> Result<()> {
        self.version_on_server(&event.model_name, &event.version)
            .await?;
        let after = snapshot(KIND, event);
        self.append(ctx, |state| {
            if state.drift.contains_key(&event.event_id) {
                return Err(taken(&event.event_id));
            }
            only_one(state, event)?;
            Ok((vec![made(key(&event.event_id), None, after.clone())], ()))
        })
        .await?;
        self.show_drift(event).await;
        Ok(())
    }

    async fn replace_drift_event(
        &self,
        event: &DriftEvent,
        ctx: &WriteContext,
    ) -> Result<Revision> {
        let next = event.revision.next();
        self.append(ctx, |state| {
            let id = event.event_id.as_str();
            let stored = state
                .drift
                .get(&event.event_id)
                .ok_or_else(|| StoreError::not_found(KIND, id))?;
            same_revision(KIND, id, event.revision, stored.revision)?;
            only_one(state, event)?;
            let draft = changed(
                key(&event.event_id),
                next,
                snapshot(KIND, stored),
                snapshot(KIND, event),
            );
            Ok((vec![draft], ()))
        })
        .await?;
        self.show_drift(event).await;
        Ok(next)
    }

    async fn drift_event(&self, event_id: &DriftEventId) -> Result<DriftEvent> {
        let ledger = self.ledger().await?;
        let found = ledger.state.drift.get(event_id).cloned();
        found.ok_or_else(|| StoreError::not_found(KIND, event_id.as_str()))
    }

    async fn unresolved_drift_event(&self, key: &DriftKey) -> Result<Option<DriftEvent>> {
        let ledger = self.ledger().await?;
        Ok(unresolved(&ledger.state, key).cloned())
    }

    async fn drift_events(
        &self,
        query: &DriftQuery,
        page: &PageRequest,
    ) -> Result<Page<DriftEvent>> {
        list::page(self.listed_drift(query).await?, &query.list, page)
    }

    async fn count_drift_events(&self, query: &DriftQuery) -> Result<u64> {
        Ok(list::count(&self.listed_drift(query).await?, &query.list))
    }
}
