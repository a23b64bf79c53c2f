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
}

impl<T> Page<T> {
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            edges: None,
            more_before: false,
            more_after: false,
        }
    }

    /// The same page of other rows.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            rows: self.rows.into_iter().map(change).collect(),
            edges: self.edges,
            more_before: self.more_before,
            more_after: self.more_after,
        }
    }
}
