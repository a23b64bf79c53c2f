//! Pages of a list: where one starts, and where the ones beside it do.

/// A place in an ordered list, meaningful only to the store and the order that gave it: it means the same under another filter. It stays
/// valid while rows come and go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub String);

/// Where a page lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageFrom {
    Start,
    /// The last page.
    End,
    /// The rows behind a row.
    After(Cursor),
    /// The rows just before a row.
    Before(Cursor),
    /// The row itself (or where it was) and those behind it.
    At(Cursor),
}

/// Which rows are asked for. Rows always come in the order of the query, whichever way the page was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub from: PageFrom,
    /// How many at the most; 0 for all.
    pub limit: usize,
}

impl PageRequest {
    pub fn first(limit: usize) -> Self {
        Self {
            from: PageFrom::Start,
            limit,
        }
    }

    pub fn all() -> Self {
        Self::first(0)
    }
}

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// The places of the first and the last row; `None` for a page without rows.
    pub edges: Option<(Cursor, Cursor)>,
    pub more_before: bool,
    pub more_after: bool,
    /// Who did what of the query; `None` from a store that does all of it where the rows are.
    pub reach: Option<Box<Reach>>,
}

/// Which part of a query the server did and which was done here, on rows that it sent, and whether all of them were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Terms of the filter.
    pub filtered_there: Vec<String>,
    pub filtered_here: Vec<String>,
    pub sorted_here: bool,
    /// Only so many of the newest rows were looked at; there are more.
    pub newest: Option<usize>,
    /// Rows that are judged here are counted among so many of the newest at most.
    pub counts: Option<usize>,
}

impl Reach {
    /// How the rows got their order, in words, where that is worth telling.
    pub fn order(&self, count: impl Fn(u64) -> String) -> Option<String> {
        let newest = self.newest.map(|newest| count(newest as u64));
        match (self.sorted_here, newest) {
            (true, Some(newest)) => Some(format!("newest {newest} sorted here")),
            (true, None) => Some("all sorted here".to_owned()),
            (false, Some(newest)) => Some(format!("newest {newest} only")),
            (false, None) => None,
        }
    }

    /// Whether both left rows out.
    pub fn is_shared(&self) -> bool {
        !self.filtered_there.is_empty() && !self.filtered_here.is_empty()
    }

    /// Who left rows out, in words.
    pub fn filter(&self) -> Option<String> {
        match (
            self.filtered_there.as_slice(),
            self.filtered_here.as_slice(),
        ) {
            ([], []) => None,
            ([], _) => Some("filtered here".to_owned()),
            (_, []) => Some("filtered by the server".to_owned()),
            (there, here) => Some(format!(
                "by the server {}, here {}",
                there.join(" "),
                here.join(" ")
            )),
        }
    }
}

impl<T> Page<T> {
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            edges: None,
            more_before: false,
            more_after: false,
            reach: None,
        }
    }

    /// The same page of other rows.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(change).collect(),
            edges: self.edges,
            more_before: self.more_before,
            more_after: self.more_after,
            reach: self.reach,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_what_is_told_in_a_few_words() {
        let mut reach = Reach::default();
        let told = |reach: &Reach| (reach.order(|count| count.to_string()), reach.filter());
        assert_eq!(told(&reach), (None, None));
        reach.sorted_here = true;
        reach.filtered_here.push("lr=0.1".to_owned());
        assert_eq!(
            told(&reach),
            (
                Some("all sorted here".to_owned()),
                Some("filtered here".to_owned())
            )
        );
        reach.newest = Some(5_000);
        reach.filtered_there.push("metrics.auc>0.9".to_owned());
        assert_eq!(
            told(&reach),
            (
                Some("newest 5000 sorted here".to_owned()),
                Some("by the server metrics.auc>0.9, here lr=0.1".to_owned())
            )
        );
    }
}
