//! Histories of metrics.

use super::PageWalk;
use crate::store::mlflow::client::{Call, Client};
use crate::store::mlflow::dto::{Metric, MetricPage};
use crate::store::mlflow::error::ApiResult;

/// How many points are asked for at once; 2.22 gives all of them whatever is asked.
const PAGE: usize = 25_000;

impl Client {
    /// The history of one metric from a page on, by timestamp, step and value. Empty for a run or key that is not there.
    pub(in crate::store::mlflow) async fn metric_history(
        &self,
        run_id: &str,
        key: &str,
        from: Option<String>,
    ) -> ApiResult<Vec<Metric>> {
        let (mut all, mut token, mut walk) = (Vec::new(), from, PageWalk::default());
        loop {
            let mut call = Call::get("2.0/mlflow/metrics/get-history")
                .with("run_id", run_id)
                .with("metric_key", key)
                .with("max_results", PAGE.to_string());
            if let Some(token) = &token {
                call = call.with("page_token", token.as_str());
            }
            let page: MetricPage = self.call(&call).await?;
            let ended = page.metrics.is_empty();
            all.extend(page.metrics);
            token = walk.next(page.next_page_token)?;
            if token.is_none() || ended {
                return Ok(all);
            }
        }
    }
}
