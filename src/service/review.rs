//! Lists of versions by what is derived: how each stands with its approvals, and filters and orders by that.
//!
//! No store knows the policy, so these lists are read whole under everything that a store can filter and order by, judged, and then
//! filtered, ordered and paged here. That is for lists of up to a few thousand; a longer one is refused in words.

use super::registry::ModelRegistry;
use super::{Result, ServiceError};
use crate::domain::fields::{Field, Fields};
use crate::domain::filter::{FieldValue, Filterable, Op, Term, Test};
use crate::domain::{
    ApprovalState, ChecklistStatus, Filter, Missing, ModelVersion, Policy, Sort, Stage, number,
};
use crate::store::{Cursor, ListQuery, Page, PageFrom, PageRequest, StoreError, VersionQuery};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;

/// More versions than this are not judged for one filter or order by what is derived.
const MOST: usize = 5_000;

/// The fields that are derived: the approval state, the share of required items that are APPROVED, how many approvals count, and since
/// when somebody is asked to decide.
const DERIVED: &[&str] = &["approval", "items", "approvals", "waiting"];

/// A version, and how far its approvals are under the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    pub version: ModelVersion,
    /// Required items that are APPROVED, and all that are required, by the checklist or by the policy.
    pub items: (usize, usize),
    /// Approvals that count, and how many the policy wants.
    pub approvals: (usize, usize),
    /// Whether the policy lets whoever registered it approve it.
    pub self_approval: bool,
}

impl Review {
    fn of(mut version: ModelVersion, policy: &Policy) -> Self {
        version.derive_approval(policy);
        let missing = version.missing_for_production(policy);
        let open = missing
            .iter()
            .filter(|lack| matches!(lack, Missing::Item { .. } | Missing::AbsentItem { .. }));
        let is_required = |item: &&crate::domain::DeploymentChecklistItem| {
            item.required || policy.required_items.contains(&item.name)
        };
        let done = version.checklist.iter().filter(is_required);
        let done = done
            .filter(|item| item.status == ChecklistStatus::Approved)
            .count();
        let need = usize::from(policy.quorum);
        let lack = missing.iter().find_map(|lack| match lack {
            Missing::Approvals { have, need } => Some((*have, *need)),
            _ => None,
        });
        Self {
            items: (done, done + open.count()),
            approvals: lack.unwrap_or((need, need)),
            self_approval: policy.self_approval,
            version,
        }
    }

    /// Whether it was asked about and still waits for something. What is archived waits for nothing.
    pub fn is_waiting(&self) -> bool {
        self.version.stage != Stage::Archived && self.waiting_since().is_some()
    }

    /// Since when somebody is asked to decide: since it was registered, or since it changed under a decision.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        match self.version.approval {
            ApprovalState::Pending => Some(self.version.created_at),
            ApprovalState::Stale => Some(self.version.updated_at),
            ApprovalState::None | ApprovalState::Approved | ApprovalState::Rejected => None,
        }
    }

    /// What it is ordered by under a derived field; nothing comes last.
    fn key(&self, field: &str) -> Option<f64> {
        if field == "approval" {
            let rank = ApprovalState::ALL
                .iter()
                .position(|state| *state == self.version.approval);
            return rank.map(|rank| number::from_count(rank as u64));
        }
        match self.field(field).first() {
            Some(FieldValue::Number(value)) => Some(*value),
            Some(FieldValue::Time(at)) => Some(at.as_duration().as_secs_f64()),
            Some(FieldValue::Text(_)) | None => None,
        }
    }
}

impl Filterable for Review {
    fn words(&self) -> Vec<Cow<'_, str>> {
        self.version.words()
    }

    fn field(&self, field: &str) -> Vec<FieldValue<'_>> {
        let count = |count: usize| number::from_count(count as u64);
        match field {
            "items" => {
                let (done, required) = self.items;
                let share = count(done) / count(required);
                (required > 0)
                    .then_some(FieldValue::Number(share))
                    .into_iter()
                    .collect()
            }
            "approvals" => vec![FieldValue::Number(count(self.approvals.0))],
            "waiting" => self
                .waiting_since()
                .map(FieldValue::Time)
                .into_iter()
                .collect(),
            field => self.version.field(field),
        }
    }
}

impl Fields for Review {
    const FIELDS: &'static [&'static [Field]] = ModelVersion::FIELDS;
    const KEYED: &'static [&'static str] = ModelVersion::KEYED;
}

/// What of a list a store can answer, and what is judged here.
struct Parts {
    stored: ListQuery,
    derived: Filter,
    order: Option<Sort>,
}

impl Parts {
    fn of(list: &ListQuery) -> Self {
        let is_derived = |term: &Term| matches!(&term.test, Test::Field { field, .. } if DERIVED.contains(&field.as_str()));
        let (derived, stored) = list.filter.terms.iter().cloned().partition(is_derived);
        let sort = list.sort.clone();
        let (order, sort) = match sort {
            Some(sort) if DERIVED.contains(&sort.field.as_str()) => (Some(sort), None),
            sort => (None, sort),
        };
        Self {
            stored: ListQuery {
                filter: Filter { terms: stored },
                sort,
            },
            derived: Filter { terms: derived },
            order,
        }
    }
}

/// Whether a list is filtered or ordered by what is derived, so that no store can answer it.
pub(super) fn is_derived(list: &ListQuery) -> bool {
    let parts = Parts::of(list);
    parts.order.is_some() || !parts.derived.is_empty()
}

impl ModelRegistry {
    /// Versions with how far their approvals are; `waiting` leaves those that wait for something, the longest waiting first unless the query sorts.
    pub(super) async fn reviews(
        &self,
        waiting: bool,
        query: &VersionQuery,
        page: &PageRequest,
    ) -> Result<Page<Review>> {
        if waiting || is_derived(&query.list) {
            return paged(self.judged(waiting, query).await?, page);
        }
        let policy = self.core.policy().await?;
        let page = self.core.store.versions(query, page).await?;
        Ok(page.map(|version| Review::of(version, &policy)))
    }

    pub(super) async fn count_reviews(&self, waiting: bool, query: &VersionQuery) -> Result<u64> {
        if waiting || is_derived(&query.list) {
            return Ok(self.judged(waiting, query).await?.len() as u64);
        }
        Ok(self.core.store.count_versions(query).await?)
    }

    async fn judged(&self, waiting: bool, query: &VersionQuery) -> Result<Vec<Review>> {
        let parts = Parts::of(&query.list);
        let policy = self.core.policy().await?;
        let mut query = VersionQuery {
            list: parts.stored,
            ..query.clone()
        };
        if waiting {
            // What is archived waits for nothing, and with the years it is most of what was ever asked about.
            query.list.filter.terms.push(Term {
                negated: true,
                test: Test::Field {
                    field: "stage".to_owned(),
                    op: Op::Equal,
                    value: Stage::Archived.as_str().to_owned(),
                },
            });
        }
        // Those that wait are few among those that were asked about, and are always judged all.
        let most = if query.in_review { 0 } else { MOST };
        let page = self
            .core
            .store
            .versions(&query, &PageRequest::first(most))
            .await?;
        if page.more_after {
            return Err(ServiceError::NotPossible {
                message: format!(
                    "approvals are judged version by version, and these are more than {MOST}"
                ),
                hint: "narrow the list first, for example with model:NAME or stage:Staging"
                    .to_owned(),
            });
        }
        let mut reviews: Vec<Review> = page
            .rows
            .into_iter()
            .map(|version| Review::of(version, &policy))
            .filter(|review| !waiting || review.is_waiting())
            .filter(|review| parts.derived.matches(review))
            .collect();
        match &parts.order {
            Some(order) => reviews.sort_by(|a, b| compare(a, b, order)),
            None if waiting && query.list.sort.is_none() => {
                reviews.reverse();
                reviews.sort_by_key(Review::waiting_since);
            }
            None => {}
        }
        Ok(reviews)
    }
}

/// Rows without a value come last in both directions, as in every store; equal ones stay in the order they came in, newest first.
fn compare(a: &Review, b: &Review, sort: &Sort) -> Ordering {
    match (a.key(&sort.field), b.key(&sort.field)) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) if sort.descending => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
    }
}

/// A row's place: where it was, and which row it is, so that it is found again when others come and go.
#[derive(Serialize, Deserialize)]
struct Place {
    at: usize,
    label: String,
}

impl Place {
    fn read(cursor: &Cursor) -> Result<Self> {
        serde_json::from_str(&cursor.0).map_err(|_not_ours| {
            let message = "this place in the list belongs to another list or order".to_owned();
            StoreError::Invalid { message }.into()
        })
    }

    /// Where the row is now, or where it was; and whether it is there.
    fn find(&self, reviews: &[Review]) -> (usize, bool) {
        let is_it = |review: &Review| review.version.label() == self.label;
        if reviews.get(self.at).is_some_and(is_it) {
            return (self.at, true);
        }
        match reviews.iter().position(is_it) {
            Some(at) => (at, true),
            None => (self.at.min(reviews.len()), false),
        }
    }

    fn of(at: usize, reviews: &[Review]) -> Cursor {
        let place = Self {
            at,
            label: reviews[at].version.label(),
        };
        Cursor(serde_json::to_string(&place).expect("a number and a text are plain JSON"))
    }
}

/// The page of a list that is here as a whole.
fn paged(reviews: Vec<Review>, request: &PageRequest) -> Result<Page<Review>> {
    let all = reviews.len();
    let limit = if request.limit == 0 {
        all
    } else {
        request.limit
    };
    let (from, until) = match &request.from {
        PageFrom::Start => (0, limit),
        PageFrom::End => (all.saturating_sub(limit), all),
        PageFrom::At(cursor) => {
            let (at, _) = Place::read(cursor)?.find(&reviews);
            (at, at.saturating_add(limit))
        }
        PageFrom::After(cursor) => {
            let (at, is_there) = Place::read(cursor)?.find(&reviews);
            let from = at + usize::from(is_there);
            (from, from.saturating_add(limit))
        }
        PageFrom::Before(cursor) => {
            let (at, _) = Place::read(cursor)?.find(&reviews);
            (at.saturating_sub(limit), at)
        }
    };
    let until = until.min(all);
    let edges = (from < until).then(|| (Place::of(from, &reviews), Place::of(until - 1, &reviews)));
    let mut rows = reviews;
    rows.truncate(until);
    let rows = rows.split_off(from.min(until));
    Ok(Page {
        rows,
        edges,
        more_before: from > 0,
        more_after: until < all,
    })
}

#[cfg(test)]
mod tests;
