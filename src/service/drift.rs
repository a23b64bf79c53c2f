//! Drift events: recorded, counted, acknowledged, resolved.

use super::core::{Core, expect_revision, free_text, required_text};
use super::{Result, ServiceError};
use crate::domain::{
    DriftEvent, DriftEventId, DriftState, Environment, Key, ModelName, ObjectKind, Revision,
    Severity, Version, drift,
};
use crate::store::{DriftKey, DriftQuery, Page, PageRequest, StoreError};

/// A measure that moved.
#[derive(Debug, Clone)]
pub struct NewDriftEvent {
    /// `None` for a fresh one.
    pub event_id: Option<DriftEventId>,
    pub model_name: ModelName,
    pub version: Version,
    pub environment: Option<Environment>,
    pub metric: Key,
    pub baseline: f64,
    pub observed: f64,
    /// `None` to derive it from how far the measure moved.
    pub severity: Option<Severity>,
    pub threshold: Option<f64>,
    pub baseline_size: Option<u64>,
    pub observed_size: Option<u64>,
    pub note: Option<String>,
}

impl NewDriftEvent {
    pub fn new(
        model_name: ModelName,
        version: Version,
        metric: Key,
        baseline: f64,
        observed: f64,
    ) -> Self {
        Self {
            event_id: None,
            model_name,
            version,
            environment: None,
            metric,
            baseline,
            observed,
            severity: None,
            threshold: None,
            baseline_size: None,
            observed_size: None,
            note: None,
        }
    }
}

/// The verbs of drift.
#[derive(Clone)]
pub struct DriftMonitor {
    pub(super) core: Core,
}

impl DriftMonitor {
    /// Records a drift and writes a warning to the log. While an event with the same model, version, environment and metric is unresolved, the record counts on it: it takes
    /// the new value, and its severity only rises.
    pub async fn record(&self, new: NewDriftEvent) -> Result<DriftEvent> {
        if !new.baseline.is_finite() {
            return Err(ServiceError::invalid(
                "baseline",
                "the baseline is not a finite number, so nothing can be compared with it",
            ));
        }
        if new
            .threshold
            .is_some_and(|threshold| !threshold.is_finite())
        {
            return Err(ServiceError::invalid(
                "threshold",
                "the threshold is not a finite number",
            ));
        }
        if let Some(note) = &new.note {
            free_text("note", note)?;
        }
        let new = &new;
        // A new event and a count on an old one race: whichever came second sees the other when it looks again.
        for _ in 0..20 {
            match self.record_once(new).await {
                Err(error)
                    if error.is_lost_race()
                        || (new.event_id.is_none()
                            && matches!(
                                error,
                                ServiceError::Store(StoreError::AlreadyExists { .. })
                            )) => {}
                settled => return settled.inspect(warn),
            }
        }
        self.record_once(new).await.inspect(warn)
    }

    async fn record_once(&self, new: &NewDriftEvent) -> Result<DriftEvent> {
        let ctx = self.core.write("record_drift_event", None)?;
        let (score, derived) = drift::judge(
            &new.metric,
            new.baseline,
            new.observed,
            &self.core.settings.directions,
            &self.core.settings.severity,
        );
        let severity = new.severity.unwrap_or(derived);
        let key = DriftKey {
            model_name: new.model_name.clone(),
            version: new.version.clone(),
            environment: new.environment,
            metric: new.metric.clone(),
        };
        if let Some(mut event) = self.core.store.unresolved_drift_event(&key).await? {
            event.baseline = new.baseline;
            event.observed = new.observed;
            event.score = score;
            event.threshold = new.threshold.or(event.threshold);
            event.baseline_size = new.baseline_size.or(event.baseline_size);
            event.observed_size = new.observed_size.or(event.observed_size);
            event.severity = event.severity.max(severity);
            event.count += 1;
            event.last_seen_at = event.last_seen_at.max(ctx.at);
            event.note = new.note.clone().or(event.note);
            event.updated_at = ctx.at;
            event.revision = self.core.store.replace_drift_event(&event, &ctx).await?;
            return Ok(event);
        }
        let event = DriftEvent {
            event_id: new.event_id.clone().unwrap_or_else(DriftEventId::fresh),
            model_name: key.model_name,
            version: key.version,
            environment: key.environment,
            metric: key.metric,
            baseline: new.baseline,
            observed: new.observed,
            score,
            threshold: new.threshold,
            baseline_size: new.baseline_size,
            observed_size: new.observed_size,
            severity,
            state: DriftState::Open,
            count: 1,
            first_seen_at: ctx.at,
            last_seen_at: ctx.at,
            note: new.note.clone(),
            decided_by: None,
            updated_at: ctx.at,
            revision: Revision::FIRST,
        };
        self.core.store.insert_drift_event(&event, &ctx).await?;
        Ok(event)
    }

    /// Says that somebody is looking at it; it goes on counting.
    pub async fn acknowledge(
        &self,
        event_id: &DriftEventId,
        note: Option<&str>,
        expected: Option<Revision>,
    ) -> Result<DriftEvent> {
        self.core
            .settle(expected, move || {
                self.settle_once(event_id, DriftState::Acknowledged, note, expected)
            })
            .await
    }

    /// Closes it, with a note on how; the next record opens another.
    pub async fn resolve(
        &self,
        event_id: &DriftEventId,
        note: &str,
        expected: Option<Revision>,
    ) -> Result<DriftEvent> {
        required_text("note", note)?;
        self.core
            .settle(expected, move || {
                self.settle_once(event_id, DriftState::Resolved, Some(note), expected)
            })
            .await
    }

    async fn settle_once(
        &self,
        event_id: &DriftEventId,
        state: DriftState,
        note: Option<&str>,
        expected: Option<Revision>,
    ) -> Result<DriftEvent> {
        if let Some(note) = note {
            free_text("note", note)?;
        }
        let action = match state {
            DriftState::Acknowledged => "acknowledge_drift_event",
            _ => "resolve_drift_event",
        };
        let ctx = self.core.write(action, note)?;
        let mut event = self.get(event_id).await?;
        expect_revision(expected, event.revision, || {
            StoreError::conflict(ObjectKind::DriftEvent, event_id)
        })?;
        if !event.state.next().contains(&state) {
            let (object, from) = (format!("drift event '{event_id}'"), event.state);
            return Err(ServiceError::no_way(object, from, state, from.next()));
        }
        event.state = state;
        event.note = note.map(str::to_owned).or(event.note);
        event.decided_by = Some(ctx.identity.person().to_owned());
        event.updated_at = ctx.at;
        event.revision = self.core.store.replace_drift_event(&event, &ctx).await?;
        Ok(event)
    }

    pub async fn get(&self, event_id: &DriftEventId) -> Result<DriftEvent> {
        Ok(self.core.store.drift_event(event_id).await?)
    }

    pub async fn list(&self, query: &DriftQuery, page: &PageRequest) -> Result<Page<DriftEvent>> {
        Ok(self.core.store.drift_events(query, page).await?)
    }

    pub async fn count(&self, query: &DriftQuery) -> Result<u64> {
        Ok(self.core.store.count_drift_events(query).await?)
    }
}

fn warn(event: &DriftEvent) {
    tracing::warn!(
        model = %event.model_name, version = %event.version, metric = %event.metric, severity = %event.severity,
        baseline = event.baseline, observed = event.observed, count = event.count, "drift recorded"
    );
}
