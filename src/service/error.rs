//! Why an operation was not done, in words for people and in kinds for programs.

use crate::domain::{InvalidName, Missing, UnknownWord, filter::FilterError, policy::PolicyError};
use crate::store::StoreError;

/// What sort of "no" it was; the command line turns it into an exit code, `--json` into `error.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    Failed,
    Invalid,
    Unusable,
    NotFound,
    AlreadyExists,
    Conflict,
    NotPossible,
    Refused,
    Unauthorized,
    /// No server is there.
    Unreachable,
    /// Another program is where the server should be; programs that ask are told the same as where none is.
    NotMlflow,
    /// The server is there and could not do it now.
    Unavailable,
    Busy,
}

impl ErrorKind {
    /// The word in `error.kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Unusable => "store_unusable",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::NotPossible => "not_possible",
            Self::Refused => "refused_by_policy",
            Self::Unauthorized => "not_authorised",
            Self::Unreachable | Self::NotMlflow => "unreachable",
            Self::Unavailable => "unavailable",
            Self::Busy => "busy",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(transparent)]
    Store(#[from] StoreError),

    /// A value that was given makes no sense; `field` is its name in the payload.
    #[error("{message}")]
    Invalid {
        field: &'static str,
        message: String,
    },

    /// The object is in a state that this does not follow from.
    #[error("{object} is {from}, so it cannot become {to}")]
    TransitionNotAllowed {
        object: String,
        from: &'static str,
        to: &'static str,
        legal: Vec<&'static str>,
    },

    /// The object is in a state in which this cannot be done.
    #[error("{message}")]
    NotPossible { message: String, hint: String },

    /// The gate before Production is shut.
    #[error("version '{version}' may not go to {target}: {}", listed(missing))]
    NotApproved {
        version: String,
        target: String,
        missing: Vec<Missing>,
    },

    /// The object is there, but has no such part.
    #[error("{message}")]
    NoSuchItem { message: String, hint: String },

    /// The policy forbids it to this person.
    #[error("{message}")]
    Refused { message: String, hint: String },

    /// What was seen is not what is there any more.
    #[error("{object} changed since it was looked at: {what}")]
    Changed { object: String, what: String },
}

fn listed(missing: &[Missing]) -> String {
    let lacks: Vec<String> = missing.iter().map(ToString::to_string).collect();
    format!("it lacks: {}", lacks.join("; "))
}

pub type Result<T, E = ServiceError> = std::result::Result<T, E>;

impl ServiceError {
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            message: message.into(),
        }
    }

    /// A step that the graph of an object's states does not have; `legal` are those that it has from there.
    pub(super) fn no_way<S>(object: String, from: S, to: S, legal: &[S]) -> Self
    where
        S: Copy + Into<&'static str>,
    {
        Self::TransitionNotAllowed {
            object,
            from: from.into(),
            to: to.into(),
            legal: legal.iter().map(|next| (*next).into()).collect(),
        }
    }

    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => match error {
                StoreError::NotFound { .. } => ErrorKind::NotFound,
                StoreError::AlreadyExists { .. } => ErrorKind::AlreadyExists,
                StoreError::Conflict { .. } => ErrorKind::Conflict,
                StoreError::Invalid { .. } => ErrorKind::Invalid,
                StoreError::Unsupported { .. } => ErrorKind::NotPossible,
                StoreError::Unauthorized { .. } => ErrorKind::Unauthorized,
                StoreError::ReadOnly { .. } => ErrorKind::Refused,
                StoreError::Busy { .. } => ErrorKind::Busy,
                StoreError::Unreachable { .. } => ErrorKind::Unreachable,
                StoreError::NotMlflow { .. } => ErrorKind::NotMlflow,
                StoreError::Unavailable { .. } => ErrorKind::Unavailable,
                StoreError::Unusable { .. } | StoreError::UnreadableEntry { .. } => {
                    ErrorKind::Unusable
                }
                StoreError::Io { .. } => ErrorKind::Failed,
            },
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::NoSuchItem { .. } => ErrorKind::NotFound,
            Self::TransitionNotAllowed { .. } | Self::NotPossible { .. } => ErrorKind::NotPossible,
            Self::NotApproved { .. } | Self::Refused { .. } => ErrorKind::Refused,
            Self::Changed { .. } => ErrorKind::Conflict,
        }
    }

    /// What to try next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Invalid { .. } => None,
            Self::TransitionNotAllowed { from, legal, .. } if legal.is_empty() => {
                Some(format!("nothing follows {from}"))
            }
            Self::TransitionNotAllowed { from, legal, .. } => {
                Some(format!("from {from} it can become {}", legal.join(" or ")))
            }
            Self::NotPossible { hint, .. }
            | Self::NoSuchItem { hint, .. }
            | Self::Refused { hint, .. } => Some(hint.clone()),
            Self::NotApproved { version, .. } => Some(format!(
                "'modeldeck approval show {version}' tells where it stands; 'modeldeck approval mark' and 'modeldeck approval approve' settle it"
            )),
            Self::Changed { .. } => {
                Some("look at it again and repeat what still applies".to_owned())
            }
        }
    }

    /// The payload field that is wrong, for a form to show the message beside it.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Whether another program was faster, so that reading and judging again may succeed.
    pub fn is_lost_race(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict { .. }))
    }
}

impl From<InvalidName> for ServiceError {
    fn from(error: InvalidName) -> Self {
        Self::Invalid {
            field: error.what,
            message: error.to_string(),
        }
    }
}

impl From<UnknownWord> for ServiceError {
    fn from(error: UnknownWord) -> Self {
        Self::Invalid {
            field: error.what,
            message: error.to_string(),
        }
    }
}

impl From<FilterError> for ServiceError {
    fn from(error: FilterError) -> Self {
        Self::Invalid {
            field: "filter",
            message: error.to_string(),
        }
    }
}

impl From<PolicyError> for ServiceError {
    fn from(error: PolicyError) -> Self {
        Self::Invalid {
            field: "policy",
            message: error.to_string(),
        }
    }
}
