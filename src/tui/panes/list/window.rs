//! A stretch of a long list: the rows that are loaded, and how to get those beside them.
//!
//! Rows come in pages with a cursor at both ends. The window grows at either end and is trimmed at the other, so that a list of any length
//! costs a bounded amount of memory. It knows nothing of selection, filters or drawing.

use crate::store::{Cursor, Page, PageFrom, PageRequest};

/// How many rows are asked for at once.
pub(super) const PAGE: usize = 200;
/// More rows than this are not kept.
const MOST: usize = 2_000;

/// Which rows were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetch {
    /// The beginning of a list, instead of what is there.
    Start,
    /// Its end, instead of what is there.
    End,
    /// The rows around one, instead of what is there.
    Around,
    /// What is there, anew, from the `first` row of a page on.
    Anew {
        first: usize,
    },
    After,
    Before,
}

/// Rows between two cursors.
#[derive(Debug)]
struct Segment {
    rows: usize,
    first: Cursor,
    last: Cursor,
}

#[derive(Debug)]
pub(super) struct Window<T> {
    rows: Vec<T>,
    segments: Vec<Segment>,
    more_before: bool,
    more_after: bool,
    /// How many rows of the whole list lie before the first one, where that is known.
    before: Option<u64>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            segments: Vec::new(),
            more_before: false,
            more_after: false,
            before: None,
        }
    }
}

impl<T> Window<T> {
    pub(super) fn rows(&self) -> &[T] {
        &self.rows
    }

    pub(super) fn more_before(&self) -> bool {
        self.more_before
    }

    pub(super) fn more_after(&self) -> bool {
        self.more_after
    }

    /// The place of the first row in the whole list, where that is known.
    pub(super) fn before(&self) -> Option<u64> {
        if self.more_before {
            self.before
        } else {
            Some(0)
        }
    }

    /// The request for more rows in a direction; `None` where there are none.
    pub(super) fn request(
        &self,
        fetch: Fetch,
        seen: std::ops::Range<usize>,
    ) -> Option<PageRequest> {
        let (from, limit) = match fetch {
            Fetch::Start => (PageFrom::Start, PAGE),
            Fetch::End => (PageFrom::End, PAGE),
            Fetch::After if self.more_after => {
                (PageFrom::After(self.segments.last()?.last.clone()), PAGE)
            }
            Fetch::Before if self.more_before => {
                (PageFrom::Before(self.segments.first()?.first.clone()), PAGE)
            }
            // Around what is not known here.
            Fetch::After | Fetch::Before | Fetch::Around => return None,
            Fetch::Anew { first } => {
                let limit = seen.end.saturating_sub(first) + PAGE / 2;
                let limit = limit.clamp(PAGE, MOST);
                // At the start, what is new before the first row belongs to the window too.
                if first == 0 && !self.more_before {
                    (PageFrom::Start, limit)
                } else {
                    (PageFrom::At(self.segment_at(first)?.first.clone()), limit)
                }
            }
        };
        Some(PageRequest { from, limit })
    }

    /// From where to read anew so that the rows seen, and some before them, are there.
    pub(super) fn anew(&self, seen: &std::ops::Range<usize>) -> Fetch {
        let wanted = seen.start.saturating_sub(PAGE / 4);
        let mut first = 0;
        let mut at = 0;
        for segment in &self.segments {
            if at > wanted {
                break;
            }
            first = at;
            at += segment.rows;
        }
        if self.segments.is_empty() {
            Fetch::Start
        } else {
            Fetch::Anew { first }
        }
    }

    fn segment_at(&self, row: usize) -> Option<&Segment> {
        let mut at = 0;
        self.segments.iter().find(|segment| {
            at += segment.rows;
            row < at
        })
    }

    /// Takes an answer in. Returns how far the rows that stay moved, to be added to places in the window; `None` when all were replaced.
    pub(super) fn take(
        &mut self,
        fetch: Fetch,
        page: Page<T>,
        total: Option<u64>,
    ) -> Option<isize> {
        let segment = page.edges.map(|(first, last)| Segment {
            rows: page.rows.len(),
            first,
            last,
        });
        let added = page.rows.len();
        match fetch {
            Fetch::Start | Fetch::End | Fetch::Around | Fetch::Anew { .. } => {
                let before = match fetch {
                    Fetch::Anew { first } => self.before().map(|before| before + first as u64),
                    Fetch::Around => None,
                    Fetch::End => total.map(|total| total.saturating_sub(added as u64)),
                    _ => Some(0),
                };
                *self = Self {
                    rows: page.rows,
                    segments: segment.into_iter().collect(),
                    more_before: page.more_before,
                    more_after: page.more_after,
                    before,
                };
                None
            }
            Fetch::After => {
                self.rows.extend(page.rows);
                self.segments.extend(segment);
                self.more_after = page.more_after;
                Some(self.trim_front())
            }
            Fetch::Before => {
                self.before = self
                    .before
                    .map(|before| before.saturating_sub(added as u64));
                self.rows.splice(0..0, page.rows);
                if let Some(segment) = segment {
                    self.segments.insert(0, segment);
                }
                self.more_before = page.more_before;
                self.trim_back();
                Some(isize::try_from(added).unwrap_or(isize::MAX))
            }
        }
    }

    fn trim_front(&mut self) -> isize {
        let mut moved = 0;
        while self.rows.len() > MOST && self.segments.len() > 2 {
            let gone = self.segments.remove(0).rows;
            self.before = self.before().map(|before| before + gone as u64);
            self.rows.drain(..gone);
            self.more_before = true;
            moved -= isize::try_from(gone).unwrap_or(isize::MAX);
        }
        moved
    }

    fn trim_back(&mut self) {
        while self.rows.len() > MOST && self.segments.len() > 2 {
            let gone = self.segments.pop().map_or(0, |segment| segment.rows);
            self.rows.truncate(self.rows.len() - gone);
            self.more_after = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(from: u32, rows: u32, of: u32) -> Page<u32> {
        let cursor = |row: u32| Cursor(row.to_string());
        Page {
            rows: (from..from + rows).collect(),
            edges: (rows > 0).then(|| (cursor(from), cursor(from + rows - 1))),
            more_before: from > 0,
            more_after: from + rows < of,
            reach: None,
        }
    }

    /// Answers a request as a store with the numbers below `of` would.
    fn answer(request: &PageRequest, of: u32) -> Page<u32> {
        let limit = u32::try_from(request.limit).unwrap().min(of);
        let row = |cursor: &Cursor| cursor.0.parse::<u32>().unwrap();
        let from = match &request.from {
            PageFrom::Start => 0,
            PageFrom::End => of - limit,
            PageFrom::After(cursor) => row(cursor) + 1,
            PageFrom::At(cursor) => row(cursor),
            PageFrom::Before(cursor) => row(cursor).saturating_sub(limit),
        };
        let until = match &request.from {
            PageFrom::Before(cursor) => row(cursor),
            _ => (from + limit).min(of),
        };
        page(from, until - from, of)
    }

    #[test]
    fn walking_down_and_up_keeps_rows_in_order_and_bounded() {
        let of = 10_000;
        let mut window = Window::default();
        let mut step = |fetch| {
            let Some(request) = window.request(fetch, 0..50) else {
                return false;
            };
            let page = answer(&request, of);
            window.take(fetch, page, Some(u64::from(of)));
            let rows = window.rows();
            assert!(rows.len() <= MOST + PAGE, "{}", rows.len());
            assert!(rows.windows(2).all(|pair| pair[0] + 1 == pair[1]));
            assert_eq!(window.before(), Some(u64::from(rows[0])));
            true
        };
        assert!(step(Fetch::Start));
        while step(Fetch::After) {}
        while step(Fetch::Before) {}
        assert!(step(Fetch::End));
        assert_eq!(window.rows().last(), Some(&(of - 1)));
    }

    #[test]
    fn reading_anew_covers_what_is_seen_and_something_before() {
        let mut window = Window::default();
        for fetch in [Fetch::Start, Fetch::After, Fetch::After, Fetch::After] {
            let request = window.request(fetch, 0..0).unwrap();
            window.take(fetch, answer(&request, 1_000), None);
        }
        let seen = 500..550;
        let fetch = window.anew(&seen);
        assert_eq!(fetch, Fetch::Anew { first: 400 });
        let request = window.request(fetch, seen).unwrap();
        assert_eq!(request.from, PageFrom::At(Cursor("400".to_owned())));
        window.take(fetch, answer(&request, 1_000), None);
        assert_eq!(window.before(), Some(400));
        assert!(window.rows().contains(&549) && window.more_before());
    }

    #[test]
    fn at_the_start_what_is_new_comes_in() {
        let mut window = Window::default();
        window.take(Fetch::Start, page(0, 200, 1_000), None);
        let fetch = window.anew(&(0..40));
        assert_eq!(window.request(fetch, 0..40).unwrap().from, PageFrom::Start);
    }
}
