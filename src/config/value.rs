//! A setting's value as files and the environment write it; knows no setting.

use std::fmt;

/// The kinds of values that settings have. A duration is a text (`10m`).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Switch(bool),
    Words(Vec<String>),
}

impl Value {
    /// Reads a value of the same kind as `like` from plain text, as environment variables give it.
    pub fn from_text(text: &str, like: &Self) -> Result<Self, String> {
        Ok(match like {
            Self::Text(_) => Self::Text(text.to_owned()),
            Self::Number(_) => Self::Number(
                text.trim()
                    .parse()
                    .map_err(|_error: std::num::ParseFloatError| "takes a number".to_owned())?,
            ),
            Self::Switch(_) => Self::Switch(match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => true,
                "false" | "no" | "off" | "0" => false,
                _ => return Err("takes true or false".to_owned()),
            }),
            Self::Words(_) => Self::Words(
                text.split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
        })
    }

    /// What a value of this kind is called.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Number(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::Words(_) => "a list of texts",
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Switch(switch) => (*switch).into(),
            Self::Words(words) => words.clone().into(),
        }
    }
}

/// As TOML writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", toml::Value::from(text.as_str())),
            Self::Number(number) => write!(f, "{}", toml::Value::from(*number)),
            Self::Switch(switch) => write!(f, "{switch}"),
            Self::Words(words) => write!(f, "{}", toml::Value::from(words.clone())),
        }
    }
}
