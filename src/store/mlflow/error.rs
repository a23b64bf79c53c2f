//! What a server answered when it did not do what was asked, and what that means for the store.
//!
//! MLflow says no in JSON, its web framework in HTML, its security layer in plain text, and a proxy before it in whatever it likes. The
//! code in the JSON decides, never the message, which may hold SQL. What matters most for a change is whether it may have been done: see
//! [`ApiError::outcome_is_unknown`].

use crate::domain::{ObjectKind, text::visible};
use crate::store::StoreError;
use std::path::PathBuf;
use std::time::Duration;

/// The longest piece of a server's text that is shown.
const SHOWN: usize = 300;
/// The longest piece of what its database said.
const DETAILS: usize = 100;

#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// MLflow said no in its own words.
    #[error("MLflow answered {code}: {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
        /// How long the server asks to be left alone.
        wait: Option<Duration>,
    },

    /// Somebody on the way said no: the framework, the security layer, a proxy.
    #[error("the server answered {status}: {message}")]
    Status {
        status: u16,
        message: String,
        /// How long the server asks to be left alone.
        wait: Option<Duration>,
    },

    /// The address redirects.
    #[error("the server redirects to '{target}'")]
    Redirected { target: String },

    /// An answer that no MLflow server gives.
    #[error("{problem}")]
    NotMlflow { problem: String },

    /// A complete answer that makes no sense where MLflow is known to be.
    #[error("{problem}")]
    Garbled { problem: String },

    /// Nothing was sent.
    #[error("no connection: {problem}")]
    Unreachable {
        target: String,
        problem: String,
        hint: &'static str,
    },

    /// The request went out, and no whole answer came back.
    #[error("no whole answer: {problem}")]
    Unanswered { target: String, problem: String },

    /// Refused before anything was sent.
    #[error(transparent)]
    Local(#[from] StoreError),
}

pub(super) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// MLflow's code for this error.
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// How long the server asks to be left alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Refused { wait, .. } | Self::Status { wait, .. } => *wait,
            _ => None,
        }
    }

    /// The object is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.code() == "RESOURCE_DOES_NOT_EXIST"
    }

    /// The name is taken. A lost race for one shows the database's own constraint instead.
    pub(super) fn is_taken(&self) -> bool {
        self.code() == "RESOURCE_ALREADY_EXISTS"
            || matches!(self, Self::Refused { code, message, .. } if code == "BAD_REQUEST" && message.to_uppercase().contains("UNIQUE"))
    }

    /// In short words what the server's database refused, where it was the database: its own words stand at the end, without the SQL.
    pub(super) fn of_database(&self) -> Option<String> {
        let Self::Refused { message, .. } = self else {
            return None;
        };
        told_by_database(message)
            .map(|details| format!("the server's database does not take it; details: {details}"))
    }

    /// MLflow understood and would not: asking again changes nothing.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self.code(), "INVALID_PARAMETER_VALUE" | "BAD_REQUEST")
    }

    /// The server has no such route.
    pub(super) fn is_no_route(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 404 | 405,
                ..
            }
        ) || matches!(self, Self::Refused { status: 404 | 405 | 501, code, .. } if matches!(code.as_str(), "ENDPOINT_NOT_FOUND" | "NOT_IMPLEMENTED" | "NOT_FOUND"))
    }

    /// For a change: it may have been done, so that only looking can tell.
    pub(super) fn outcome_is_unknown(&self) -> bool {
        match self {
            Self::Unanswered { .. } | Self::Garbled { .. } | Self::NotMlflow { .. } => true,
            Self::Refused { status, code, .. } => {
                *status >= 500 && code != "TEMPORARILY_UNAVAILABLE" && *status != 501
            }
            Self::Status { status, .. } => *status >= 500 || *status == 408,
            Self::Redirected { .. } | Self::Unreachable { .. } | Self::Local(_) => false,
        }
    }

    /// Asking the same again soon may help.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unanswered { .. } => true,
            Self::Refused { status, .. } | Self::Status { status, .. } => {
                matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
            }
            _ => false,
        }
    }

    /// The same error in the store's words.
    pub(super) fn during(self, doing: impl Into<String>) -> StoreError {
        let doing = doing.into();
        match self {
            Self::Local(error) => error,
            Self::Refused { status: 401, .. } | Self::Status { status: 401, .. } => StoreError::Unauthorized {
                message: format!("{doing}: the server does not know who you are"),
                hint: "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN".to_owned(),
            },
            Self::Refused { status: 403, .. } | Self::Status { status: 403, .. } => StoreError::Unauthorized {
                message: format!("{doing}: the server does not permit it to you"),
                hint: "somebody who manages permissions on that server can grant it".to_owned(),
            },
            Self::Refused { status: 400..=499, ref message, .. } if self.is_invalid() => StoreError::Invalid {
                message: match self.of_database() {
                    Some(told) => format!("{doing}: {told}"),
                    None => format!("{doing}: MLflow does not take it: {}", shortened(message)),
                },
            },
            Self::Status { status: 413, .. } => StoreError::Invalid {
                message: format!("{doing}: it is larger than the server takes"),
            },
            Self::Unreachable { target, problem, hint } => StoreError::Unreachable {
                target,
                problem,
                hint: hint.to_owned(),
            },
            Self::Unanswered { target, problem } => StoreError::Unreachable {
                target,
                problem: format!("{doing}: no whole answer came: {problem}"),
                hint: "it may be down, overloaded or cut off; look whether its page opens".to_owned(),
            },
            other => StoreError::Unavailable {
                doing,
                retry_after: other.wait(),
                source: Box::new(other),
            },
        }
    }

    /// The same error of a change: one whose outcome nobody knows says so.
    pub(super) fn during_change(self, doing: impl Into<String>) -> StoreError {
        let doing = doing.into();
        if self.outcome_is_unknown() {
            return StoreError::Unavailable {
                doing: format!(
                    "{doing}; the answer was lost, so it may or may not have been done: look before you repeat it"
                ),
                retry_after: self.wait(),
                source: Box::new(self),
            };
        }
        self.during(doing)
    }

    /// The same error about one object: what is missing and what is taken get their own kinds.
    pub(super) fn about(
        self,
        kind: ObjectKind,
        id: &(impl ToString + ?Sized),
        doing: &str,
    ) -> StoreError {
        if self.is_missing() {
            StoreError::not_found(kind, id)
        } else if self.is_taken() {
            StoreError::AlreadyExists {
                kind,
                id: id.to_string(),
            }
        } else {
            self.during(doing)
        }
    }
}

/// Words for the answers that people meet when the address or the server is not set up.
pub(super) fn unusable(
    target: &str,
    problem: impl Into<String>,
    hint: impl Into<String>,
) -> StoreError {
    StoreError::Unusable {
        path: PathBuf::from(target),
        problem: problem.into(),
        hint: hint.into(),
    }
}

/// The beginning of a server's text on one line, safe to show.
pub(super) fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(SHOWN).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    visible(&cut).into_owned()
}

/// What a database told through SQLAlchemy, without the advice before it and the SQL after it; `None` for MLflow's own words.
fn told_by_database(message: &str) -> Option<String> {
    let is_of_database = ["[SQL:", "sqlalche.me", "Query-invoked autoflush"]
        .iter()
        .any(|mark| message.contains(mark));
    if !is_of_database {
        return None;
    }
    let after = message
        .rsplit_once("prematurely)")
        .map_or(message, |(_, after)| after);
    let before = after.split("[SQL:").next().unwrap_or(after);
    let before = before.split("(Background on").next().unwrap_or(before);
    let line = shortened(before);
    let mut cut: String = line.chars().take(DETAILS).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    Some(cut)
}

/// The words of an HTML page, without its tags.
pub(super) fn words_of_html(page: &str) -> String {
    let mut words = String::new();
    let mut inside = false;
    for c in page.chars().take(4_000) {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                words.push(' ');
            }
            c if !inside => words.push(c),
            _ => {}
        }
    }
    shortened(&words)
}

/// Adds what was being done to an error of the API.
pub(super) trait During<T> {
    fn during(self, doing: impl Into<String>) -> Result<T, StoreError>;
    fn during_change(self, doing: impl Into<String>) -> Result<T, StoreError>;
    fn about(
        self,
        kind: ObjectKind,
        id: &(impl ToString + ?Sized),
        doing: &str,
    ) -> Result<T, StoreError>;
}

impl<T> During<T> for ApiResult<T> {
    fn during(self, doing: impl Into<String>) -> Result<T, StoreError> {
        self.map_err(|error| error.during(doing))
    }

    fn during_change(self, doing: impl Into<String>) -> Result<T, StoreError> {
        self.map_err(|error| error.during_change(doing))
    }

    fn about(
        self,
        kind: ObjectKind,
        id: &(impl ToString + ?Sized),
        doing: &str,
    ) -> Result<T, StoreError> {
        self.map_err(|error| error.about(kind, id, doing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> ApiError {
        ApiError::Refused {
            status,
            code: code.to_owned(),
            message: "(sqlite3.IntegrityError) UNIQUE constraint failed".to_owned(),
            wait: None,
        }
    }

    #[test]
    fn only_a_no_is_a_no() {
        for (error, unknown) in [
            (refused(400, "INVALID_PARAMETER_VALUE"), false),
            (refused(503, "TEMPORARILY_UNAVAILABLE"), false),
            (refused(500, "INTERNAL_ERROR"), true),
            (
                ApiError::Status {
                    status: 502,
                    message: String::new(),
                    wait: None,
                },
                true,
            ),
            (
                ApiError::Status {
                    status: 403,
                    message: String::new(),
                    wait: None,
                },
                false,
            ),
            (
                ApiError::Unreachable {
                    target: String::new(),
                    problem: String::new(),
                    hint: "",
                },
                false,
            ),
            (
                ApiError::Unanswered {
                    target: String::new(),
                    problem: String::new(),
                },
                true,
            ),
        ] {
            assert_eq!(error.outcome_is_unknown(), unknown, "{error}");
        }
    }

    #[test]
    fn a_lost_race_for_a_name_is_a_taken_name() {
        assert!(refused(400, "BAD_REQUEST").is_taken());
        assert!(refused(400, "RESOURCE_ALREADY_EXISTS").is_taken());
        assert!(!refused(400, "INVALID_PARAMETER_VALUE").is_taken());
    }

    #[test]
    fn a_database_is_told_without_its_sql() {
        let message = "(raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block if this flush is occurring prematurely)\n(sqlite3.IntegrityError) UNIQUE constraint failed: metrics.key, metrics.timestamp\n[SQL: INSERT INTO metrics (key) VALUES (?)]\n[parameters: ('loss',)]\n(Background on this error at: https://sqlalche.me/e/20/gkpj)";
        assert_eq!(
            told_by_database(message).as_deref(),
            Some(
                "(sqlite3.IntegrityError) UNIQUE constraint failed: metrics.key, metrics.timestamp"
            )
        );
        assert_eq!(told_by_database("Metric name is missing"), None);
    }

    #[test]
    fn pages_are_told_by_their_words() {
        let page = "<!doctype html>\n<title>502 Bad Gateway</title><h1>nginx\u{1b}[2J</h1>";
        assert_eq!(words_of_html(page), "502 Bad Gateway nginx␛[2J");
    }
}
