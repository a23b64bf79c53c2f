//! One line, one event: what training code says, in plain words.
//!
//! Reads bytes into borrowed structs and checks what can be checked without a store. Unknown fields are left alone, so that a line
//! may say more than modeldeck understands; an unknown event is not.

mod fields;

use super::number_words;
use fields::{Labels, Millisecond, Scalar, Step, Text};
use serde::Deserialize;
use std::borrow::Cow;

/// What a line says. Ids and keys are as given; whoever records the event checks them as names.
#[derive(Debug, PartialEq)]
pub enum Event<'a> {
    /// Begins a run, or takes one up again.
    Run(RunEvent<'a>),
    Metric(MetricEvent<'a>),
    Param {
        run_id: Option<Cow<'a, str>>,
        key: Cow<'a, str>,
        value: String,
    },
    Tag {
        run_id: Option<Cow<'a, str>>,
        key: Cow<'a, str>,
        value: String,
    },
    Artifact {
        run_id: Option<Cow<'a, str>>,
        path: Cow<'a, str>,
        size: u64,
        digest: String,
    },
    Heartbeat {
        run_id: Option<Cow<'a, str>>,
    },
    End {
        run_id: Option<Cow<'a, str>>,
        status: Option<Cow<'a, str>>,
    },
}

#[derive(Debug, PartialEq)]
pub struct RunEvent<'a> {
    pub run_id: Option<Cow<'a, str>>,
    pub experiment: Option<Cow<'a, str>>,
    pub name: Option<Cow<'a, str>>,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
}

#[derive(Debug, PartialEq)]
pub struct MetricEvent<'a> {
    pub run_id: Option<Cow<'a, str>>,
    pub key: Cow<'a, str>,
    pub value: f64,
    pub step: Option<i64>,
    /// Milliseconds since 1970.
    pub timestamp: Option<i64>,
}

impl Event<'_> {
    /// The run that it is of, as the line names it.
    pub fn run_id(&self) -> Option<&Cow<'_, str>> {
        match self {
            Self::Run(run) => run.run_id.as_ref(),
            Self::Metric(metric) => metric.run_id.as_ref(),
            Self::Param { run_id, .. }
            | Self::Tag { run_id, .. }
            | Self::Artifact { run_id, .. }
            | Self::Heartbeat { run_id }
            | Self::End { run_id, .. } => run_id.as_ref(),
        }
    }

    /// The event without its line.
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let own_id = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        match self {
            Self::Run(run) => Event::Run(RunEvent {
                run_id: own_id(run.run_id),
                experiment: own_id(run.experiment),
                name: own_id(run.name),
                params: run.params,
                tags: run.tags,
            }),
            Self::Metric(metric) => Event::Metric(MetricEvent {
                run_id: own_id(metric.run_id),
                key: own(metric.key),
                value: metric.value,
                step: metric.step,
                timestamp: metric.timestamp,
            }),
            Self::Param { run_id, key, value } => Event::Param {
                run_id: own_id(run_id),
                key: own(key),
                value,
            },
            Self::Tag { run_id, key, value } => Event::Tag {
                run_id: own_id(run_id),
                key: own(key),
                value,
            },
            Self::Artifact {
                run_id,
                path,
                size,
                digest,
            } => Event::Artifact {
                run_id: own_id(run_id),
                path: own(path),
                size,
                digest,
            },
            Self::Heartbeat { run_id } => Event::Heartbeat {
                run_id: own_id(run_id),
            },
            Self::End { run_id, status } => Event::End {
                run_id: own_id(run_id),
                status: own_id(status),
            },
        }
    }
}

/// The events by their names, as help texts list them.
pub const EVENTS: [&str; 7] = [
    "run",
    "metric",
    "param",
    "tag",
    "artifact",
    "heartbeat",
    "end",
];

/// Why a line is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEvent {
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but not of these events; somebody else's line, perhaps.
    #[error("{0}")]
    Unknown(String),
    #[error("{0}")]
    Bad(String),
}

/// Parses a line and shows the event to `see`. Events borrow from the line, or from a copy in which bare `NaN`s are quoted.
pub fn parse<T>(line: &[u8], see: impl FnOnce(Event<'_>) -> T) -> Result<T, NoEvent> {
    match Raw::read(line) {
        Ok(raw) => Ok(see(raw.event()?)),
        Err(error) => match number_words::quoted(line) {
            Some(line) => match Raw::read(&line) {
                Ok(raw) => Ok(see(raw.event()?)),
                Err(error) => Err(blamed(&line, error)),
            },
            None => Err(blamed(line, error)),
        },
    }
}

/// A field of the wrong type is bad only in an event; in somebody else's JSON it is none of our business.
fn blamed(line: &[u8], error: NoEvent) -> NoEvent {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow)]
        event: Text<'a>,
    }
    match (&error, serde_json::from_slice::<Kind<'_>>(line)) {
        (NoEvent::Bad(_), Ok(kind)) if EVENTS.contains(&&*kind.event.0) => error,
        (NoEvent::Bad(_), Ok(kind)) => unknown(&kind.event.0),
        (NoEvent::Bad(_), Err(_)) => NoEvent::Unknown(NO_FIELD.to_owned()),
        _ => error,
    }
}

const NO_FIELD: &str = "it has no field 'event'";

fn unknown(event: &str) -> NoEvent {
    let shown: String = event.chars().take(60).collect();
    NoEvent::Unknown(format!(
        "'{}' is not an event; it is one of {}",
        crate::domain::text::visible(&shown),
        EVENTS.join(", ")
    ))
}

/// Every field that any event has.
#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(borrow)]
    run_id: Option<Text<'a>>,
    #[serde(borrow)]
    experiment: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Scalar<'a>>,
    step: Option<Step>,
    timestamp: Option<Millisecond>,
    params: Option<Labels>,
    tags: Option<Labels>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    path: Option<Text<'a>>,
    size: Option<u64>,
    #[serde(borrow)]
    digest: Option<Text<'a>>,
}

impl<'a> Raw<'a> {
    fn read(line: &'a [u8]) -> Result<Self, NoEvent> {
        serde_json::from_slice(line).map_err(|error| {
            // A line of its own is always 'line 1' to the parser, which would only confuse.
            let told = error.to_string();
            let told = told
                .rsplit_once(" at line ")
                .map_or(told.as_str(), |(what, _)| what);
            let told = format!("{told} (at byte {})", error.column());
            if error.is_data() {
                NoEvent::Bad(told)
            } else {
                NoEvent::NotJson(told)
            }
        })
    }

    fn event(self) -> Result<Event<'a>, NoEvent> {
        let Some(kind) = &self.event else {
            return Err(NoEvent::Unknown(NO_FIELD.to_owned()));
        };
        let run_id = self.run_id.map(|text| text.0);
        let key = || needed(self.key, "key", &kind.0);
        Ok(match &*kind.0 {
            "run" => Event::Run(RunEvent {
                run_id,
                experiment: self.experiment.map(|text| text.0),
                name: self.name.map(|text| text.0),
                params: self.params.unwrap_or_default().0,
                tags: self.tags.unwrap_or_default().0,
            }),
            "metric" => Event::Metric(MetricEvent {
                run_id,
                key: key()?,
                value: self
                    .value
                    .ok_or_else(|| {
                        NoEvent::Bad(
                            "a metric needs a 'value'; one that is no number is written \"NaN\""
                                .to_owned(),
                        )
                    })?
                    .measured()?,
                step: self.step.map(|step| step.0),
                timestamp: self.timestamp.map(|timestamp| timestamp.0),
            }),
            "param" => Event::Param {
                run_id,
                key: key()?,
                value: self.value.ok_or_else(|| lacks("value", "param"))?.text(),
            },
            "tag" => Event::Tag {
                run_id,
                key: key()?,
                value: self.value.ok_or_else(|| lacks("value", "tag"))?.text(),
            },
            "artifact" => Event::Artifact {
                run_id,
                path: needed(self.path, "path", "artifact")?,
                size: self.size.ok_or_else(|| lacks("size", "artifact"))?,
                digest: digest(&needed(self.digest, "digest", "artifact")?)?,
            },
            "heartbeat" => Event::Heartbeat { run_id },
            "end" => Event::End {
                run_id,
                status: self.status.map(|text| text.0),
            },
            other => return Err(unknown(other)),
        })
    }
}

fn lacks(field: &str, kind: &str) -> NoEvent {
    let article = if kind.starts_with(['a', 'e']) {
        "an"
    } else {
        "a"
    };
    NoEvent::Bad(format!("{article} {kind} needs a '{field}'"))
}

fn needed<'a>(text: Option<Text<'a>>, field: &str, kind: &str) -> Result<Cow<'a, str>, NoEvent> {
    text.map(|text| text.0).ok_or_else(|| lacks(field, kind))
}

/// `sha256:` may be left out.
fn digest(given: &str) -> Result<String, NoEvent> {
    let hex = given.strip_prefix("sha256:").unwrap_or(given);
    if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(format!("sha256:{}", hex.to_ascii_lowercase()))
    } else {
        Err(NoEvent::Bad(
            "the 'digest' is not sha256: and 64 hexadecimal digits".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests;
