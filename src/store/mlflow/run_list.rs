//! Lists of runs on servers that may have a hundred thousand of them.
//!
//! MLflow pages by offset, so its pages shift while runs come and go. The list's own order, newest first, is walked by the start time instead, which never changes (it
//! is when the run was made) and which the server can filter by: a page begins at its cursor's time, forwards or backwards, and reading stops when the page is full.
//! What the server's filters can say it leaves out itself; every row is judged again here, because its comparisons are not quite ours.
//!
//! Any other order needs all rows, and the server's own sorting takes minutes on a large store, so the newest [`MOST_SORTED`] are sorted here.

use super::api::RunSearch;
use super::dto::{self, offset_token};
use super::error::During as _;
use super::list::{self, Row, Walk};
use super::runs::{build, key};
use super::store::MlflowStore;
use crate::domain::filter::{Op, Test, number};
use crate::domain::{ModelRun, RunStatus};
use crate::store::{Page, PageFrom, PageRequest, Result, RunQuery, StoreError};
use std::time::{Duration, Instant};

/// The most runs that are sorted or counted one by one: the newest ones.
const MOST_SORTED: usize = 5_000;
/// How many runs are read beyond a page: for those that are left out here.
const AHEAD: usize = 50;

/// How long loaded rows serve further pages: as long as changes of others may go unnoticed anyway.
const KEPT: Duration = Duration::from_secs(2);

/// The rows of a list that were loaded last.
#[derive(Debug)]
pub(super) struct LoadedRuns {
    query: RunQuery,
    most: usize,
    began: Instant,
    /// What was known to be written when the loading began.
    moment: (u64, u64),
    rows: Vec<Row<ModelRun>>,
}

/// Whether two queries let the same rows through, in whichever order.
fn is_same_list(a: &RunQuery, b: &RunQuery) -> bool {
    a.experiment == b.experiment && a.statuses == b.statuses && a.list.filter == b.list.filter
}

/// What a query asks of the server.
struct Scope {
    search: RunSearch,
    experiments: Vec<dto::Experiment>,
    /// Whether the server's filter says all that the query does.
    is_exact: bool,
}

impl MlflowStore {
    async fn scope(&self, query: &RunQuery) -> Result<Scope> {
        let experiments = match &query.experiment {
            Some(name) => match self.find_experiment(name).await {
                Ok(experiment) => vec![experiment],
                Err(StoreError::NotFound { .. }) => Vec::new(),
                Err(error) => return Err(error),
            },
            None => self.known_experiments().await?,
        };
        let terms = pushed(query);
        Ok(Scope {
            is_exact: query.statuses.is_empty() && query.list.filter.is_empty(),
            search: RunSearch {
                experiment_ids: experiments
                    .iter()
                    .map(|experiment| experiment.experiment_id.clone())
                    .collect(),
                filter: terms.join(" AND "),
                order_by: Vec::new(),
            },
            experiments,
        })
    }

    /// Runs as rows, those that the query lets through.
    async fn rows(
        &self,
        runs: &[dto::Run],
        scope: &Scope,
        query: &RunQuery,
    ) -> Result<Vec<Row<ModelRun>>> {
        let ledger = self.ledger().await?;
        let name = |id: &str| {
            scope
                .experiments
                .iter()
                .find(|experiment| experiment.experiment_id == id)
                .map_or("", |experiment| experiment.name.as_str())
        };
        Ok(runs
            .iter()
            .map(|run| {
                let object = build(run, name(&run.info.experiment_id), &ledger.state);
                let known = ledger.state.object(&key(&object.run_id));
                if known.is_none() {
                    self.note_mirrored(&object.run_id, &run.info.run_id);
                }
                Row {
                    number: known
                        .map_or_else(|| foreign_number(&run.info.run_id), |known| known.first_seq),
                    object,
                }
            })
            .filter(|row| query.statuses.is_empty() || query.statuses.contains(&row.object.status))
            .filter(|row| query.list.filter.matches(&row.object))
            .collect())
    }

    pub(super) async fn list_runs(
        &self,
        query: &RunQuery,
        page: &PageRequest,
    ) -> Result<Page<ModelRun>> {
        if query.list.sort.is_some() || page.limit == 0 {
            let rows = self.loaded_rows(query, page).await?;
            return list::page(rows, &query.list, page);
        }
        let scope = self.scope(query).await?;
        let (forwards, from) = match &page.from {
            PageFrom::Start => (true, None),
            PageFrom::End => (false, None),
            PageFrom::After(cursor) | PageFrom::At(cursor) => (true, Some(cursor)),
            PageFrom::Before(cursor) => (false, Some(cursor)),
        };
        let place = from.map(Walk::read).transpose()?;
        let is_in = |row: &Row<ModelRun>| match (&place, &page.from) {
            (None, _) => true,
            (Some(place), PageFrom::At(_)) => place.compare(row).is_ge(),
            (Some(place), PageFrom::After(_)) => place.compare(row).is_gt(),
            (Some(place), _) => place.compare(row).is_lt(),
        };
        let (mut rows, further) = self
            .stretch(&scope, query, place.as_ref(), forwards, page.limit, is_in)
            .await?;
        let behind = match &place {
            None => false,
            // The cursor's own row lies behind an After and a Before.
            Some(place) if matches!(page.from, PageFrom::At(_)) => {
                let before = |row: &Row<ModelRun>| place.compare(row).is_lt();
                let (rows, _) = self
                    .stretch(&scope, query, Some(place), false, 1, before)
                    .await?;
                !rows.is_empty()
            }
            Some(_) => true,
        };
        if !forwards {
            rows.reverse();
        }
        let edges = rows
            .first()
            .zip(rows.last())
            .map(|(first, last)| (Walk::of(first).cursor(), Walk::of(last).cursor()));
        let (more_before, more_after) = if forwards {
            (behind, further)
        } else {
            (further, behind)
        };
        Ok(Page {
            rows: rows.into_iter().map(|row| row.object).collect(),
            edges,
            more_before,
            more_after,
        })
    }

    /// The rows of a list that is ordered here. Pages of one order are asked for in one go, so what was just loaded serves them all until anything is written.
    async fn loaded_rows(
        &self,
        query: &RunQuery,
        page: &PageRequest,
    ) -> Result<Vec<Row<ModelRun>>> {
        let most = if page.limit == 0 && query.list.sort.is_none() {
            usize::MAX
        } else {
            MOST_SORTED
        };
        let began = Instant::now();
        let moment = {
            let seen = self.seen();
            let kept = seen.sorted.as_ref().filter(|kept| {
                kept.began.elapsed() < KEPT
                    && kept.moment == seen.moment()
                    && kept.most == most
                    && is_same_list(&kept.query, query)
            });
            if let Some(kept) = kept {
                return Ok(kept.rows.clone());
            }
            seen.moment()
        };
        let scope = self.scope(query).await?;
        let (runs, more) = self
            .client
            .runs_up_to(&scope.search, most)
            .await
            .during("listing runs")?;
        if more {
            tracing::warn!(
                most,
                "only the newest runs are sorted; a filter or an experiment narrows them"
            );
        }
        let rows = self.rows(&runs, &scope, query).await?;
        self.seen().sorted = Some(LoadedRuns {
            query: query.clone(),
            most,
            began,
            moment,
            rows: rows.clone(),
        });
        Ok(rows)
    }

    /// Reads from a place (or an end) on until there are enough rows, and tells whether there are more. Runs of one moment have no order on the server, so they are read
    /// together and ordered here.
    async fn stretch(
        &self,
        scope: &Scope,
        query: &RunQuery,
        from: Option<&Walk>,
        forwards: bool,
        enough: usize,
        is_in: impl Fn(&Row<ModelRun>) -> bool,
    ) -> Result<(Vec<Row<ModelRun>>, bool)> {
        let mut search = scope.search.clone();
        if let Some(from) = from {
            let op = if forwards { "<=" } else { ">=" };
            let time = format!("attributes.start_time {op} {}", from.millis());
            search.filter = if search.filter.is_empty() {
                time
            } else {
                format!("{} AND {time}", search.filter)
            };
        }
        search.order_by = vec![format!(
            "attributes.start_time {}",
            if forwards { "DESC" } else { "ASC" }
        )];
        let (mut rows, mut token, mut waiting): (
            Vec<Row<ModelRun>>,
            Option<String>,
            Vec<dto::Run>,
        ) = Default::default();
        loop {
            let most = (enough - rows.len().min(enough) + AHEAD).min(1000);
            let (runs, next) = self
                .client
                .search_runs(&search, most, token.as_deref())
                .await
                .during("listing runs")?;
            let is_last = next.is_none() || runs.is_empty() || next == token;
            token = next;
            waiting.extend(runs);
            // The runs of the last moment may go on behind this page.
            let open = waiting
                .last()
                .map(|run| run.info.start_time)
                .filter(|_| !is_last);
            let whole = open.map_or(waiting.len(), |open| {
                waiting.partition_point(|run| run.info.start_time != open)
            });
            let settled: Vec<dto::Run> = waiting.drain(..whole).collect();
            let mut some = self.rows(&settled, scope, query).await?;
            some.retain(&is_in);
            rows.extend(some);
            if is_last || rows.len() > enough {
                rows.sort_by(|a, b| Walk::of(a).compare(b).reverse());
                if !forwards {
                    rows.reverse();
                }
                let further = rows.len() > enough || !is_last;
                rows.truncate(enough);
                return Ok((rows, further));
            }
        }
    }

    pub(super) async fn number_of_runs(&self, query: &RunQuery) -> Result<u64> {
        let scope = self.scope(query).await?;
        let doing = "counting runs";
        let first = if scope.is_exact { 100 } else { 1000 };
        let (runs, token) = self
            .client
            .search_runs(&scope.search, first, None)
            .await
            .during(doing)?;
        let Some(token) = token.filter(|_| runs.len() == first) else {
            return Ok(self.rows(&runs, &scope, query).await?.len() as u64);
        };
        // The server does not count. Where its token is the offset it seems to be, a few questions of one row each find the end.
        if scope.is_exact
            && token.trim_end_matches('=') == offset_token(first).trim_end_matches('=')
        {
            return self.end_of(&scope.search, first).await;
        }
        let (runs, more) = self
            .client
            .runs_up_to(&scope.search, MOST_SORTED)
            .await
            .during(doing)?;
        if more {
            tracing::warn!(most = MOST_SORTED, "only the newest runs are counted");
        }
        Ok(self.rows(&runs, &scope, query).await?.len() as u64)
    }

    /// Finds the number of rows by doubling and halving.
    async fn end_of(&self, search: &RunSearch, known: usize) -> Result<u64> {
        let (mut low, mut high) = (known, known * 2);
        let mut is_open = true;
        while is_open || low < high {
            let middle = if is_open {
                high
            } else {
                low + (high - low) / 2
            };
            let (row, _) = self
                .client
                .search_runs(search, 1, Some(&offset_token(middle)))
                .await
                .during("counting runs")?;
            match (row.is_empty(), is_open) {
                (true, _) => {
                    is_open = false;
                    high = middle;
                }
                (false, true) => {
                    low = middle + 1;
                    high *= 2;
                }
                (false, false) => low = middle + 1,
            }
        }
        Ok(low as u64)
    }
}

/// Orders runs of one moment that the ledger does not know: by their ids, before those that it knows.
fn foreign_number(id: &str) -> i64 {
    let digits = id
        .get(..14)
        .and_then(|digits| i64::from_str_radix(digits, 16).ok());
    digits.unwrap_or(0) - (1 << 60)
}

/// What the server can leave out itself: terms that mean the same there.
fn pushed(query: &RunQuery) -> Vec<String> {
    let mut terms = Vec::new();
    if let [status @ (RunStatus::Running | RunStatus::Pending)] = query.statuses.as_slice() {
        terms.push(format!(
            "attributes.status = '{}'",
            super::runs::word(*status)
        ));
    }
    for term in query.list.filter.terms.iter().filter(|term| !term.negated) {
        let Test::Field { field, op, value } = &term.test else {
            continue;
        };
        let Some(key) = field
            .strip_prefix("metrics.")
            .filter(|key| !key.contains(['`', '"']))
        else {
            continue;
        };
        let op = match op {
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
            Op::Equal | Op::NotEqual | Op::Contains => continue,
        };
        if let Some(value) = number(value).filter(|value| value.is_finite() && value.abs() < 1e300)
        {
            terms.push(format!("metrics.`{key}` {op} {value:?}"));
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Filter;

    #[test]
    fn only_what_means_the_same_is_pushed() {
        let query = |text: &str| {
            let mut query = RunQuery::default();
            query.list.filter = Filter::parse(text).unwrap();
            query
        };
        assert_eq!(
            pushed(&query("metrics.val/auc>0.9 lgbm lr=0.1")),
            ["metrics.`val/auc` > 0.9"]
        );
        for text in ["!metrics.a>1", "metrics.a=1", "metrics.a<inf", "auc>1"] {
            assert!(pushed(&query(text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn tokens_are_as_mlflow_writes_them() {
        assert_eq!(offset_token(100), "eyJvZmZzZXQiOiAxMDB9");
    }
}
