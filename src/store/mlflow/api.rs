//! MLflow's endpoints, one file a domain: paths, field names and limits, and nothing of what they are used for.

mod artifacts;
mod experiments;
mod metrics;
mod registry;
mod runs;

pub(super) use artifacts::ArtifactRoot;
pub(super) use runs::{MOST_METRICS, MOST_PAIRS, NewRun, RunSearch};

use super::error::{ApiError, ApiResult};

/// The most pages that one walk through a list takes: a server that hands out the same page for ever must not be followed.
const MOST_PAGES: usize = 10_000;

/// Follows page tokens and notices a loop.
#[derive(Default)]
struct PageWalk {
    last: Option<String>,
    pages: usize,
}

impl PageWalk {
    /// The token of the next page, `None` at the end.
    fn next(&mut self, token: Option<String>) -> ApiResult<Option<String>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        self.pages += 1;
        if self.last.as_ref() == Some(&token) || self.pages > MOST_PAGES {
            return Err(ApiError::Garbled {
                problem: "the server hands out the same page again and again".to_owned(),
            });
        }
        self.last = Some(token.clone());
        Ok(Some(token))
    }
}
