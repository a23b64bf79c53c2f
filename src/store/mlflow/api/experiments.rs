//! Experiments.

use super::PageWalk;
use crate::store::mlflow::client::{Call, Client};
use crate::store::mlflow::dto::{
    CreatedExperiment, Experiment, ExperimentAnswer, ExperimentPage, ExperimentProof, KeyValue,
    Nothing,
};
use crate::store::mlflow::error::{ApiError, ApiResult};
use serde_json::json;

impl Client {
    /// Makes an experiment and returns its id; the name is unique, among deleted ones too.
    pub(in crate::store::mlflow) async fn create_experiment(
        &self,
        name: &str,
        tags: &[KeyValue],
    ) -> ApiResult<String> {
        let call = Call::post(
            "2.0/mlflow/experiments/create",
            json!({ "name": name, "tags": tags }),
        );
        Ok(self.call::<CreatedExperiment>(&call).await?.experiment_id)
    }

    /// Finds an experiment by its name, deleted ones too.
    pub(in crate::store::mlflow) async fn experiment_by_name(
        &self,
        name: &str,
    ) -> ApiResult<Experiment> {
        let call = Call::get("2.0/mlflow/experiments/get-by-name").with("experiment_name", name);
        Ok(self.call::<ExperimentAnswer>(&call).await?.experiment)
    }

    /// All experiments that are not deleted, newest first.
    pub(in crate::store::mlflow) async fn all_experiments(&self) -> ApiResult<Vec<Experiment>> {
        let (mut all, mut token, mut walk) = (Vec::new(), None, PageWalk::default());
        loop {
            let body =
                json!({ "max_results": 1000, "view_type": "ACTIVE_ONLY", "page_token": token });
            let page: ExperimentPage = self
                .call(&Call::search("2.0/mlflow/experiments/search", body))
                .await?;
            all.extend(page.experiments);
            token = walk.next(page.next_page_token)?;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// One experiment or none: the cheapest question that proves the API.
    pub(in crate::store::mlflow) async fn any_experiment(&self) -> ApiResult<Option<Experiment>> {
        let body = json!({ "max_results": 1, "view_type": "ACTIVE_ONLY" });
        let page: ExperimentProof = self
            .call(&Call::search("2.0/mlflow/experiments/search", body))
            .await?;
        if page.experiments.is_none() && !page.others.is_empty() {
            return Err(ApiError::NotMlflow {
                problem: "it answers with JSON that is not MLflow's".to_owned(),
            });
        }
        Ok(page.experiments.unwrap_or_default().into_iter().next())
    }

    pub(in crate::store::mlflow) async fn rename_experiment(
        &self,
        id: &str,
        name: &str,
    ) -> ApiResult<()> {
        let body = json!({ "experiment_id": id, "new_name": name });
        self.call::<Nothing>(&Call::post("2.0/mlflow/experiments/update", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_experiment(&self, id: &str) -> ApiResult<()> {
        let call = Call::post(
            "2.0/mlflow/experiments/delete",
            json!({ "experiment_id": id }),
        );
        self.call::<Nothing>(&call).await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn set_experiment_tag(
        &self,
        id: &str,
        key: &str,
        value: &str,
    ) -> ApiResult<()> {
        let body = json!({ "experiment_id": id, "key": key, "value": value });
        self.call::<Nothing>(&Call::post(
            "2.0/mlflow/experiments/set-experiment-tag",
            body,
        ))
        .await?;
        Ok(())
    }
}
