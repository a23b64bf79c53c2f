//! The config file: TOML whose every key has to be known.

use super::{ConfigError, SETTINGS, Settings, Value};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Reads a file over the settings and returns the keys that it set.
pub(super) fn read(path: &Path, settings: &mut Settings) -> Result<Vec<&'static str>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_path_buf(),
        source,
    })?;
    apply(path, &text, settings)
}

pub(super) fn apply(
    path: &Path,
    text: &str,
    settings: &mut Settings,
) -> Result<Vec<&'static str>, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
        path: path.to_path_buf(),
        problem: match error.span() {
            Some(span) => format!("line {}: {}", line(text, span.start), error.message()),
            None => error.message().to_owned(),
        },
    })?;
    let mut found = Vec::new();
    flatten("", document.get_ref(), &mut found);
    let mut keys = Vec::new();
    for (key, at, value) in found {
        let line = line(text, at);
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == key) else {
            return Err(ConfigError::UnknownKey {
                path: path.to_path_buf(),
                line,
                nearest: nearest(&key),
                key,
            });
        };
        let problem = |problem| ConfigError::BadValue {
            place: format!("the config file '{}', line {line}", super::shown(path)),
            key: setting.key,
            problem,
        };
        let kind = (setting.get)(settings);
        let value =
            convert(value, &kind).ok_or_else(|| problem(format!("takes {}", kind.kind())))?;
        setting.assign(settings, &value).map_err(problem)?;
        keys.push(setting.key);
    }
    Ok(keys)
}

/// Lists every leaf with its dotted key and its place in the text. An empty group is listed too, so that a misspelt one is noticed.
fn flatten<'a>(
    prefix: &str,
    table: &'a DeTable<'_>,
    found: &mut Vec<(String, usize, &'a DeValue<'a>)>,
) {
    for (key, value) in table {
        let dotted = format!("{prefix}{}", key.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => {
                let group = format!("{dotted}.");
                let known = SETTINGS
                    .iter()
                    .any(|setting| setting.key.starts_with(&group));
                if known || !inner.is_empty() {
                    flatten(&group, inner, found);
                } else {
                    found.push((dotted, key.span().start, value.get_ref()));
                }
            }
            leaf => found.push((dotted, key.span().start, leaf)),
        }
    }
}

/// The value, if it is of the same kind as `like`.
fn convert(value: &DeValue<'_>, like: &Value) -> Option<Value> {
    match (value, like) {
        (DeValue::String(text), Value::Text(_)) => Some(Value::Text(text.to_string())),
        (DeValue::Boolean(switch), Value::Switch(_)) => Some(Value::Switch(*switch)),
        (DeValue::Float(number), Value::Number(_)) => {
            number.as_str().parse().ok().map(Value::Number)
        }
        (DeValue::Integer(number), Value::Number(_)) => {
            number.as_str().parse().ok().map(Value::Number)
        }
        (DeValue::Array(items), Value::Words(_)) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Value::Words),
        _ => None,
    }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// The known key that was probably meant: the one fewest letters away, or the one with the same last word.
fn nearest(key: &str) -> Option<&'static str> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    SETTINGS
        .iter()
        .map(|setting| {
            let likeness = strsim::jaro_winkler(setting.key, key)
                .max(strsim::jaro_winkler(&last(setting.key), &last(key)));
            (setting.key, likeness)
        })
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .filter(|(_, likeness)| *likeness > 0.7)
        .map(|(key, _)| key)
}
