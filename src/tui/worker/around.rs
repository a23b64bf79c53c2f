//! The page around one row of a list: where the row lies is asked with a list of that row alone, whose place means the same in the whole one.
//!
//! A store that does not know the place there gives the beginning of the list instead, as for a row that is gone.

use super::reads::rows;
use crate::service::{ErrorKind, ModelLifecycleService, Result};
use crate::store::{Cursor, Page, PageFrom, PageRequest};
use crate::tui::message::{ListOf, Rows};

pub(super) async fn around(
    service: &ModelLifecycleService,
    list: &ListOf,
    only: &ListOf,
    limit: usize,
) -> Result<Rows> {
    let start = PageRequest::first(limit);
    let row = rows(service, only, &PageRequest::first(1)).await?;
    let Some(place) = place(&row) else {
        return rows(service, list, &start).await;
    };
    match beside(service, list, &place, limit).await {
        Err(error) if error.kind() == ErrorKind::Invalid => rows(service, list, &start).await,
        found => found,
    }
}

async fn beside(
    service: &ModelLifecycleService,
    list: &ListOf,
    place: &Cursor,
    limit: usize,
) -> Result<Rows> {
    let before = PageRequest {
        from: PageFrom::Before(place.clone()),
        limit: limit / 2,
    };
    let from = PageRequest {
        from: PageFrom::At(place.clone()),
        limit: limit - limit / 2,
    };
    let before = rows(service, list, &before).await?;
    Ok(joined(before, rows(service, list, &from).await?))
}

/// The same for a page of any kind.
macro_rules! each {
    ($rows:expr, $page:ident => $what:expr) => {
        match $rows {
            Rows::Experiments($page) => $what,
            Rows::Runs($page) => $what,
            Rows::Versions($page) => $what,
            Rows::Reviews($page) => $what,
            Rows::DriftEvents($page) => $what,
            Rows::Deployments($page) => $what,
        }
    };
}

fn place(rows: &Rows) -> Option<Cursor> {
    let edges = each!(rows, page => page.edges.as_ref());
    edges.map(|(first, _)| first.clone())
}

/// Two pages of one list as one; the second begins where the first ends.
fn joined(before: Rows, from: Rows) -> Rows {
    match (before, from) {
        (Rows::Experiments(a), Rows::Experiments(b)) => Rows::Experiments(join(a, b)),
        (Rows::Runs(a), Rows::Runs(b)) => Rows::Runs(join(a, b)),
        (Rows::Versions(a), Rows::Versions(b)) => Rows::Versions(join(a, b)),
        (Rows::Reviews(a), Rows::Reviews(b)) => Rows::Reviews(join(a, b)),
        (Rows::DriftEvents(a), Rows::DriftEvents(b)) => Rows::DriftEvents(join(a, b)),
        (Rows::Deployments(a), Rows::Deployments(b)) => Rows::Deployments(join(a, b)),
        (_, from) => from,
    }
}

fn join<T>(mut before: Page<T>, from: Page<T>) -> Page<T> {
    let edges = match (before.edges, from.edges) {
        (Some((first, _)), Some((_, last))) => Some((first, last)),
        (edges, None) | (None, edges) => edges,
    };
    before.rows.extend(from.rows);
    Page {
        rows: before.rows,
        edges,
        more_before: before.more_before,
        more_after: from.more_after,
        reach: from.reach,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ExperimentName, Filter, Sort};
    use crate::service::{NewExperiment, ServiceOptions};
    use crate::store::{ExperimentQuery, ListQuery};

    fn list(filter: Filter, sort: Option<Sort>) -> ListOf {
        ListOf::Experiments(ExperimentQuery {
            list: ListQuery { filter, sort },
            ..ExperimentQuery::default()
        })
    }

    #[tokio::test]
    async fn a_row_has_its_neighbours_around_it_in_every_order() {
        let directory = tempfile::tempdir().unwrap();
        let options = ServiceOptions::local(directory.path().join("store.db"));
        let service = ModelLifecycleService::open(options).await.unwrap();
        for nth in 0..20 {
            let name = ExperimentName::new(&format!("e{nth:02}")).unwrap();
            let new = NewExperiment::new(name);
            service.create_experiment(new).await.unwrap();
        }
        let names = async |id: &str, filter: &str, sort: Option<Sort>| {
            let only = list(Filter::default().and_equal("name", id), sort.clone());
            let list = list(Filter::parse(filter).unwrap(), sort);
            let found = around(&service, &list, &only, 4).await.unwrap();
            let Rows::Experiments(page) = found else {
                panic!("{found:?}");
            };
            let names = page.rows.iter().map(|row| row.name.as_str().to_owned());
            (names.collect::<Vec<_>>(), page.more_before, page.more_after)
        };
        let expected = |rows: &[&str]| rows.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            names("e10", "", None).await,
            (expected(&["e12", "e11", "e10", "e09"]), true, true)
        );
        assert_eq!(
            names("e10", "", Some(Sort::ascending("name"))).await,
            (expected(&["e08", "e09", "e10", "e11"]), true, true)
        );
        assert_eq!(
            names("e19", "", None).await,
            (expected(&["e19", "e18"]), false, true)
        );
        assert_eq!(
            names("gone", "", None).await,
            (expected(&["e19", "e18", "e17", "e16"]), false, true)
        );
        assert_eq!(
            names("e10", "!e10 !e09", None).await,
            (expected(&["e12", "e11", "e08", "e07"]), true, true),
            "where it would be"
        );
    }
}
