//! Objects with the fields that only an import reads.

use super::{KeyValue, ModelAlias, lenient};
use serde::Deserialize;

/// A model with what MLflow keeps of the model itself.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::store::mlflow) struct WholeModel {
    pub(in crate::store::mlflow) name: String,
    #[serde(default)]
    pub(in crate::store::mlflow) description: String,
    #[serde(default)]
    pub(in crate::store::mlflow) tags: Vec<KeyValue>,
    #[serde(default)]
    pub(in crate::store::mlflow) aliases: Vec<ModelAlias>,
}

#[derive(Debug, Deserialize)]
pub(in crate::store::mlflow) struct WholeModelPage {
    #[serde(default)]
    pub(in crate::store::mlflow) registered_models: Vec<WholeModel>,
    #[serde(default)]
    pub(in crate::store::mlflow) next_page_token: Option<String>,
}

/// A file or a folder of a run.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::store::mlflow) struct Entry {
    pub(in crate::store::mlflow) path: String,
    #[serde(default)]
    pub(in crate::store::mlflow) is_dir: bool,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(in crate::store::mlflow) file_size: i64,
}

#[derive(Debug, Deserialize)]
pub(in crate::store::mlflow) struct EntryPage {
    #[serde(default)]
    pub(in crate::store::mlflow) files: Vec<Entry>,
}
