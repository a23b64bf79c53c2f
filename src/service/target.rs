//! Which store is meant: a file here or a server. Opens neither.

use std::path::PathBuf;

/// Which store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreTarget {
    /// A SQLite file; made on first use.
    Local(PathBuf),
    /// An MLflow server.
    Remote(ServerAddress),
}

impl StoreTarget {
    /// As the store is named again to another program, or shown: without any user and password.
    pub fn name(&self) -> PathBuf {
        match self {
            Self::Local(path) => path.clone(),
            Self::Remote(address) => address.to_string().into(),
        }
    }
}

/// The address of a server as it was given; a user and password in it are used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl ServerAddress {
    pub fn new(given: impl Into<String>) -> Self {
        Self(given.into())
    }

    /// With whatever is in it: for connecting, and for nothing else.
    pub(super) fn given(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::store::mlflow::shown_address(&self.0))
    }
}

impl std::fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}
