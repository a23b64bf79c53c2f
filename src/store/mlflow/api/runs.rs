//! Runs, their params, tags and newest metrics.

use super::PageWalk;
use crate::store::mlflow::client::{Call, Client};
use crate::store::mlflow::dto::{KeyValue, Metric, Nothing, Run, RunAnswer, RunPage};
use crate::store::mlflow::error::ApiResult;
use serde_json::json;

/// The most metrics of one batch, and of a batch altogether.
pub(in crate::store::mlflow) const MOST_METRICS: usize = 1000;
/// The most params, and the most tags, of one batch.
pub(in crate::store::mlflow) const MOST_PAIRS: usize = 100;

/// What a run is made of. The server picks the id, so making one twice makes two.
pub(in crate::store::mlflow) struct NewRun<'a> {
    pub(in crate::store::mlflow) experiment_id: &'a str,
    pub(in crate::store::mlflow) name: &'a str,
    pub(in crate::store::mlflow) start_time: i64,
    pub(in crate::store::mlflow) user_id: &'a str,
    pub(in crate::store::mlflow) tags: &'a [KeyValue],
}

/// Which runs, in which order.
#[derive(Debug, Clone, Default)]
pub(in crate::store::mlflow) struct RunSearch {
    pub(in crate::store::mlflow) experiment_ids: Vec<String>,
    pub(in crate::store::mlflow) filter: String,
    pub(in crate::store::mlflow) order_by: Vec<String>,
}

impl Client {
    pub(in crate::store::mlflow) async fn create_run(&self, new: &NewRun<'_>) -> ApiResult<Run> {
        let body = json!({
            "experiment_id": new.experiment_id,
            "run_name": new.name,
            "start_time": new.start_time,
            "user_id": new.user_id,
            "tags": new.tags,
        });
        let answer: RunAnswer = self
            .call(&Call::post("2.0/mlflow/runs/create", body))
            .await?;
        Ok(answer.run)
    }

    pub(in crate::store::mlflow) async fn get_run(&self, run_id: &str) -> ApiResult<Run> {
        let call = Call::get("2.0/mlflow/runs/get").with("run_id", run_id);
        Ok(self.call::<RunAnswer>(&call).await?.run)
    }

    /// One page of runs, and the token of the next.
    pub(in crate::store::mlflow) async fn search_runs(
        &self,
        search: &RunSearch,
        most: usize,
        token: Option<&str>,
    ) -> ApiResult<(Vec<Run>, Option<String>)> {
        if search.experiment_ids.is_empty() {
            return Ok((Vec::new(), None));
        }
        let body = json!({
            "experiment_ids": search.experiment_ids,
            "filter": search.filter,
            "order_by": search.order_by,
            "run_view_type": "ACTIVE_ONLY",
            "max_results": most,
            "page_token": token,
        });
        let page: RunPage = self
            .call(&Call::search("2.0/mlflow/runs/search", body))
            .await?;
        let token = page.next_page_token.filter(|token| !token.is_empty());
        Ok((page.runs, token))
    }

    /// Runs up to a number of them, and whether there are more.
    pub(in crate::store::mlflow) async fn runs_up_to(
        &self,
        search: &RunSearch,
        most: usize,
    ) -> ApiResult<(Vec<Run>, bool)> {
        let (mut all, mut token, mut walk): (Vec<Run>, Option<String>, _) =
            (Vec::new(), None, PageWalk::default());
        loop {
            let page = (most - all.len()).min(1000);
            let (runs, next) = self.search_runs(search, page, token.as_deref()).await?;
            let ended = runs.is_empty();
            all.extend(runs);
            token = walk.next(next)?;
            if token.is_none() || ended {
                return Ok((all, false));
            }
            if all.len() >= most {
                return Ok((all, true));
            }
        }
    }

    /// Changes a run's status, end and name. An unknown status is ignored by the server without a word, so the caller sends only MLflow's own.
    pub(in crate::store::mlflow) async fn update_run(
        &self,
        run_id: &str,
        status: Option<&str>,
        end_time: Option<i64>,
        name: Option<&str>,
    ) -> ApiResult<()> {
        let mut body = json!({ "run_id": run_id });
        if let Some(status) = status {
            body["status"] = status.into();
        }
        if let Some(end_time) = end_time {
            body["end_time"] = end_time.into();
        }
        if let Some(name) = name {
            body["run_name"] = name.into();
        }
        self.call::<serde_json::Value>(&Call::post("2.0/mlflow/runs/update", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_run(&self, run_id: &str) -> ApiResult<()> {
        self.call::<Nothing>(&Call::post(
            "2.0/mlflow/runs/delete",
            json!({ "run_id": run_id }),
        ))
        .await?;
        Ok(())
    }

    /// Writes a param. It is written once: the same value again is fine, another one is refused.
    pub(in crate::store::mlflow) async fn log_param(
        &self,
        run_id: &str,
        key: &str,
        value: &str,
    ) -> ApiResult<()> {
        let body = json!({ "run_id": run_id, "key": key, "value": value });
        self.call::<Nothing>(&Call::post("2.0/mlflow/runs/log-parameter", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn set_run_tag(
        &self,
        run_id: &str,
        key: &str,
        value: &str,
    ) -> ApiResult<()> {
        let body = json!({ "run_id": run_id, "key": key, "value": value });
        self.call::<Nothing>(&Call::post("2.0/mlflow/runs/set-tag", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_run_tag(
        &self,
        run_id: &str,
        key: &str,
    ) -> ApiResult<()> {
        let body = json!({ "run_id": run_id, "key": key });
        match self
            .call::<Nothing>(&Call::post("2.0/mlflow/runs/delete-tag", body))
            .await
        {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes metrics, params and tags, all or none. Sending the same again changes nothing.
    pub(in crate::store::mlflow) async fn log_batch(
        &self,
        run_id: &str,
        metrics: &[Metric],
        params: &[KeyValue],
        tags: &[KeyValue],
    ) -> ApiResult<()> {
        let body = json!({ "run_id": run_id, "metrics": metrics, "params": params, "tags": tags });
        self.call::<Nothing>(&Call::post("2.0/mlflow/runs/log-batch", body))
            .await?;
        Ok(())
    }
}
