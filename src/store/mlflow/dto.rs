//! MLflow's objects as they travel. Fields that are not read are not named, words are kept as words, and numbers are read leniently, so that another
//! version of the server surprises nobody. Nothing here knows the domain; `convert` does.

mod lenient;
mod whole;

pub(super) use whole::{Entry, EntryPage, WholeModel, WholeModelPage};

use serde::{Deserialize, Serialize};

/// A key with a value: tags and params of every kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyValue {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl KeyValue {
    pub(super) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

/// A page token of MLflow's own stores, as they write it.
pub(super) fn offset_token(offset: usize) -> String {
    super::auth::base64(format!("{{\"offset\": {offset}}}").as_bytes())
}

/// The value of a key.
pub(super) fn value_of<'a>(pairs: &'a [KeyValue], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|pair| pair.key == key)
        .map(|pair| pair.value.as_str())
}

#[derive(Debug, Clone, Deserialize)]
#[expect(clippy::struct_field_names, reason = "MLflow's own names")]
pub(super) struct Experiment {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) experiment_id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) lifecycle_stage: String,
    #[serde(default)]
    pub(super) artifact_location: String,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) creation_time: i64,
    #[serde(default)]
    pub(super) tags: Vec<KeyValue>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    pub(super) info: RunInfo,
    #[serde(default)]
    pub(super) data: RunData,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RunInfo {
    pub(super) run_id: String,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) experiment_id: String,
    #[serde(default)]
    pub(super) run_name: String,
    #[serde(default)]
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) start_time: i64,
    #[serde(default, deserialize_with = "lenient::optional_integer")]
    pub(super) end_time: Option<i64>,
    #[serde(default)]
    pub(super) artifact_uri: String,
    #[serde(default)]
    pub(super) lifecycle_stage: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct RunData {
    pub(super) metrics: Vec<Metric>,
    pub(super) params: Vec<KeyValue>,
    pub(super) tags: Vec<KeyValue>,
}

/// A point of a metric. Infinity comes back as the largest number there is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Metric {
    pub(super) key: String,
    #[serde(
        default,
        deserialize_with = "lenient::number",
        serialize_with = "lenient::write_number"
    )]
    pub(super) value: f64,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) timestamp: i64,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) step: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct File {
    pub(super) path: String,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) file_size: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RegisteredModel {
    pub(super) name: String,
    #[serde(default)]
    pub(super) aliases: Vec<ModelAlias>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ModelAlias {
    pub(super) alias: String,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) version: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ModelVersion {
    pub(super) name: String,
    #[serde(deserialize_with = "lenient::text")]
    pub(super) version: String,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) creation_timestamp: i64,
    #[serde(default, deserialize_with = "lenient::integer")]
    pub(super) last_updated_timestamp: i64,
    #[serde(default)]
    pub(super) current_stage: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) source: String,
    #[serde(default)]
    pub(super) run_id: String,
    #[serde(default)]
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) tags: Vec<KeyValue>,
}

/// An answer that holds nothing of interest.
#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

/// Declares an answer with one field.
macro_rules! answer {
    ($name:ident, $field:ident: $type:ty) => {
        #[derive(Debug, Deserialize)]
        pub(super) struct $name {
            pub(super) $field: $type,
        }
    };
}

/// Declares a page of a list: no field at all when it is empty.
macro_rules! page {
    ($name:ident, $field:ident: $type:ty) => {
        #[derive(Debug, Deserialize)]
        pub(super) struct $name {
            #[serde(default)]
            pub(super) $field: Vec<$type>,
            #[serde(default)]
            pub(super) next_page_token: Option<String>,
        }
    };
}

answer!(ExperimentAnswer, experiment: Experiment);
answer!(RunAnswer, run: Run);
answer!(RegisteredModelAnswer, registered_model: RegisteredModel);
answer!(ModelVersionAnswer, model_version: ModelVersion);
page!(ExperimentPage, experiments: Experiment);
page!(RunPage, runs: Run);
page!(MetricPage, metrics: Metric);
page!(RegisteredModelPage, registered_models: RegisteredModel);
page!(ModelVersionPage, model_versions: ModelVersion);

/// A page of experiments, with what else is in it: without experiments a page of MLflow's is empty.
#[derive(Debug, Deserialize)]
pub(super) struct ExperimentProof {
    #[serde(default)]
    pub(super) experiments: Option<Vec<Experiment>>,
    #[serde(default, rename = "next_page_token")]
    _next_page_token: Option<String>,
    #[serde(flatten)]
    pub(super) others: serde_json::Map<String, serde_json::Value>,
}

/// The files of one folder; no server gives them in pages.
#[derive(Debug, Deserialize)]
pub(super) struct FilePage {
    #[serde(default)]
    pub(super) files: Vec<File>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CreatedExperiment {
    #[serde(deserialize_with = "lenient::text")]
    pub(super) experiment_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_versions_write_is_read() {
        let run: Run = serde_json::from_str(
            r#"{"info":{"run_id":"r","experiment_id":7,"status":"DREAMING","start_time":"1795425534380","end_time":null,"new":{}},
                "data":{"metrics":[{"key":"a","value":"NaN","timestamp":"5","step":1.0},{"key":"b","value":"Infinity"},
                {"key":"c","value":1.7976931348623157e308},{"key":"d","value":null}]},"inputs":{}}"#,
        )
        .unwrap();
        assert_eq!(run.info.experiment_id, "7");
        assert_eq!(run.info.status, "DREAMING");
        assert_eq!(run.info.start_time, 1_795_425_534_380);
        assert!(run.info.end_time.is_none());
        let values: Vec<f64> = run.data.metrics.iter().map(|metric| metric.value).collect();
        assert!(values[0].is_nan() && values[3].is_nan());
        assert_eq!(values[1..3], [f64::INFINITY, f64::INFINITY]);
        assert_eq!(
            (run.data.metrics[0].timestamp, run.data.metrics[0].step),
            (5, 1)
        );
        let empty: RunPage = serde_json::from_str("{}").unwrap();
        assert!(empty.runs.is_empty() && empty.next_page_token.is_none());
    }

    #[test]
    fn numbers_are_written_as_mlflow_reads_them() {
        let metric = |value| Metric {
            key: "k".to_owned(),
            value,
            timestamp: 1,
            step: -2,
        };
        for (value, text) in [
            (0.1, "0.1"),
            (f64::NAN, "\"NaN\""),
            (f64::NEG_INFINITY, "\"-Infinity\""),
        ] {
            let json = serde_json::to_string(&metric(value)).unwrap();
            assert_eq!(
                json,
                format!(r#"{{"key":"k","value":{text},"timestamp":1,"step":-2}}"#)
            );
        }
    }
}
