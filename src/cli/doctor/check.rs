//! What a look at one thing found.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    Warning,
    Fail,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fail => "fail",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    pub status: Status,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit code that a failure asks for.
    #[serde(skip)]
    code: u8,
}

impl Check {
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            message: message.into(),
            hint: None,
            code: 0,
        }
    }

    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Warning,
            hint: Some(hint.into()),
            ..Self::ok(check, message)
        }
    }

    pub fn fail(
        check: &'static str,
        code: u8,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        Self {
            status: Status::Fail,
            hint,
            code: code.max(1),
            ..Self::ok(check, message)
        }
    }

    /// 0 unless it failed.
    pub fn code(&self) -> u8 {
        self.code
    }
}
