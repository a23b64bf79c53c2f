//! Who does something: the operating-system user, where they sit, and what they claim.

use serde::{Deserialize, Serialize};

/// A person as the store records them.
///
/// Only [`Identity::user`] decides who is who: the claim (`--as NAME`) stands beside it and never makes another
/// person of one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The login name of the operating-system user, or `uid:N` for one without a name.
    pub user: String,
    /// The host the program ran on.
    pub host: String,
    /// The address that an SSH session came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_client: Option<String>,
    /// The name given with `--as`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}

impl Identity {
    /// An identity without SSH client and claim.
    pub fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            host: host.into(),
            ssh_client: None,
            claim: None,
        }
    }

    /// The name by which decisions and registrations are compared.
    pub fn person(&self) -> &str {
        &self.user
    }
}

impl std::fmt::Display for Identity {
    /// `alice@gpu-07`, and the claim behind it where there is one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}@{}",
            super::text::visible(&self.user),
            super::text::visible(&self.host)
        )?;
        if let Some(claim) = &self.claim {
            write!(f, " as {}", super::text::visible(claim))?;
        }
        Ok(())
    }
}
