//! Registered models, their versions, stages and aliases.

use super::PageWalk;
use crate::store::mlflow::client::{Call, Client};
use crate::store::mlflow::dto::{
    KeyValue, ModelVersion, ModelVersionAnswer, ModelVersionPage, Nothing, RegisteredModel,
    RegisteredModelAnswer, RegisteredModelPage,
};
use crate::store::mlflow::error::{ApiError, ApiResult};
use reqwest::Method;
use serde_json::{Value, json};

impl Client {
    pub(in crate::store::mlflow) async fn create_model(&self, name: &str) -> ApiResult<()> {
        let call = Call::post(
            "2.0/mlflow/registered-models/create",
            json!({ "name": name }),
        );
        self.call::<Value>(&call).await?;
        Ok(())
    }

    /// A model with its aliases.
    pub(in crate::store::mlflow) async fn get_model(
        &self,
        name: &str,
    ) -> ApiResult<RegisteredModel> {
        let call = Call::get("2.0/mlflow/registered-models/get").with("name", name);
        Ok(self
            .call::<RegisteredModelAnswer>(&call)
            .await?
            .registered_model)
    }

    /// All models with their aliases.
    pub(in crate::store::mlflow) async fn search_models(&self) -> ApiResult<Vec<RegisteredModel>> {
        let (mut all, mut token, mut walk): (Vec<RegisteredModel>, Option<String>, _) =
            (Vec::new(), None, PageWalk::default());
        loop {
            let mut call =
                Call::get("2.0/mlflow/registered-models/search").with("max_results", "1000");
            if let Some(token) = &token {
                call = call.with("page_token", token.as_str());
            }
            let page: RegisteredModelPage = self.call(&call).await?;
            all.extend(page.registered_models);
            token = walk.next(page.next_page_token)?;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// Makes the next version of a model. The server numbers it, so making one twice makes two.
    pub(in crate::store::mlflow) async fn create_version(
        &self,
        name: &str,
        source: &str,
        run_id: Option<&str>,
        description: &str,
        tags: &[KeyValue],
    ) -> ApiResult<ModelVersion> {
        let mut body =
            json!({ "name": name, "source": source, "description": description, "tags": tags });
        if let Some(run_id) = run_id {
            body["run_id"] = run_id.into();
        }
        let answer: ModelVersionAnswer = self
            .call(&Call::post("2.0/mlflow/model-versions/create", body))
            .await?;
        Ok(answer.model_version)
    }

    /// All versions that a filter lets through.
    pub(in crate::store::mlflow) async fn search_versions(
        &self,
        filter: &str,
    ) -> ApiResult<Vec<ModelVersion>> {
        let (mut all, mut token, mut walk): (Vec<ModelVersion>, Option<String>, _) =
            (Vec::new(), None, PageWalk::default());
        loop {
            let mut call =
                Call::get("2.0/mlflow/model-versions/search").with("max_results", "5000");
            if !filter.is_empty() {
                call = call.with("filter", filter);
            }
            if let Some(token) = &token {
                call = call.with("page_token", token.as_str());
            }
            let page: ModelVersionPage = self.call(&call).await?;
            all.extend(page.model_versions);
            token = walk.next(page.next_page_token)?;
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    pub(in crate::store::mlflow) async fn get_version(
        &self,
        name: &str,
        number: &str,
    ) -> ApiResult<ModelVersion> {
        let call = Call::get("2.0/mlflow/model-versions/get")
            .with("name", name)
            .with("version", number);
        Ok(self.call::<ModelVersionAnswer>(&call).await?.model_version)
    }

    pub(in crate::store::mlflow) async fn describe_version(
        &self,
        name: &str,
        number: &str,
        description: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "version": number, "description": description });
        self.call::<Value>(&Call::change(
            Method::PATCH,
            "2.0/mlflow/model-versions/update",
            body,
        ))
        .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_version(
        &self,
        name: &str,
        number: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "version": number });
        self.call::<Nothing>(&Call::change(
            Method::DELETE,
            "2.0/mlflow/model-versions/delete",
            body,
        ))
        .await?;
        Ok(())
    }

    /// Moves a version to a stage and leaves all others where they are: the server's own way of archiving them races.
    pub(in crate::store::mlflow) async fn transition_stage(
        &self,
        name: &str,
        number: &str,
        stage: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "version": number, "stage": stage, "archive_existing_versions": false });
        self.call::<Value>(&Call::post(
            "2.0/mlflow/model-versions/transition-stage",
            body,
        ))
        .await?;
        Ok(())
    }

    /// Whether the server still has stages; asked with a request that names nothing, so nothing can happen.
    pub(in crate::store::mlflow) async fn has_stages(&self) -> ApiResult<bool> {
        let call = Call::search("2.0/mlflow/model-versions/transition-stage", json!({}));
        match self.call::<Value>(&call).await {
            Err(error) if error.is_no_route() => Ok(false),
            Err(ApiError::Refused {
                status: 400..=499, ..
            }) => Ok(true),
            Ok(_) => Err(ApiError::NotMlflow {
                problem: "it answers yes to what MLflow refuses".to_owned(),
            }),
            Err(error) => Err(error),
        }
    }

    pub(in crate::store::mlflow) async fn set_version_tag(
        &self,
        name: &str,
        number: &str,
        key: &str,
        value: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "version": number, "key": key, "value": value });
        self.call::<Nothing>(&Call::post("2.0/mlflow/model-versions/set-tag", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_version_tag(
        &self,
        name: &str,
        number: &str,
        key: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "version": number, "key": key });
        match self
            .call::<Nothing>(&Call::change(
                Method::DELETE,
                "2.0/mlflow/model-versions/delete-tag",
                body,
            ))
            .await
        {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives an alias to a version, taking it from whichever had it; one row, so this does not race.
    pub(in crate::store::mlflow) async fn set_alias(
        &self,
        name: &str,
        alias: &str,
        number: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "alias": alias, "version": number });
        self.call::<Nothing>(&Call::post("2.0/mlflow/registered-models/alias", body))
            .await?;
        Ok(())
    }

    pub(in crate::store::mlflow) async fn delete_alias(
        &self,
        name: &str,
        alias: &str,
    ) -> ApiResult<()> {
        let body = json!({ "name": name, "alias": alias });
        self.call::<Nothing>(&Call::change(
            Method::DELETE,
            "2.0/mlflow/registered-models/alias",
            body,
        ))
        .await?;
        Ok(())
    }
}
