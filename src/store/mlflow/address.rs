//! The address of a server, cleaned of secrets before anything else sees it.

use crate::domain::text::visible;
use crate::store::StoreError;
use reqwest::Url;
use secrecy::SecretString;
use std::path::PathBuf;

/// A user and password that stood in an address.
pub(super) struct UserInfo {
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// `http(s)://host[:port][/prefix]`, without user, password, query and fragment, so it may be stored and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(Url);

impl Address {
    /// Reads an address and takes the credentials out of it.
    pub(super) fn parse(given: &str) -> Result<(Self, Option<UserInfo>), StoreError> {
        let wrong = |problem: &str| StoreError::Unusable {
            path: PathBuf::from(shown(given)),
            problem: problem.to_owned(),
            hint: "an MLflow server's address looks like http://host:5000 or https://host/prefix"
                .to_owned(),
        };
        let mut url = Url::parse(given.trim()).map_err(|_not_a_url| {
            let rest = given.trim().split_once("://").map(|(_, rest)| rest);
            wrong(match rest {
                Some("" | "/") => "it is an address without a host",
                _ => "it is not an address",
            })
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it is not an http or https address"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "it has a '?' or '#' part, which an API address has not",
            ));
        }
        let user_info =
            (!url.username().is_empty() || url.password().is_some()).then(|| UserInfo {
                user: decoded(url.username()),
                password: decoded(url.password().unwrap_or_default()).into(),
            });
        let cleaned = url.set_username("").and_then(|()| url.set_password(None));
        cleaned.map_err(|()| wrong("it is not an address that can hold a path"))?;
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&prefix);
        Ok((Self(url), user_info))
    }

    /// The URL of a path below the address; the path is percent-encoded already where it has to be.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}/{path}"));
        url
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the address names this very machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.eq_ignore_ascii_case("localhost")
            || bare
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback())
    }

    /// The host's name or number alone.
    pub(super) fn name(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// `host:port`, as the `Host` header has it.
    pub(super) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&visible(self.0.as_str().trim_end_matches('/')))
    }
}

/// What was given, without what stands before an `@`: for the message about an address that cannot be read.
pub fn shown(given: &str) -> String {
    let (scheme, rest) = given.split_once("://").unwrap_or(("", given));
    let rest = rest.rsplit_once('@').map_or(rest, |(_secret, rest)| rest);
    let whole = if scheme.is_empty() {
        rest.to_owned()
    } else {
        format!("{scheme}://{rest}")
    };
    visible(&whole).into_owned()
}

/// Percent-decodes the parts before the `@`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn credentials_are_taken_out() {
        let (address, user) = Address::parse("http://bob:s%40cret@host:5000/mlflow/").unwrap();
        assert_eq!(address.to_string(), "http://host:5000/mlflow");
        assert_eq!(address.host(), "host:5000");
        let user = user.unwrap();
        assert_eq!(
            (user.user.as_str(), user.password.expose_secret()),
            ("bob", "s@cret")
        );
        assert_eq!(
            address.join("api/2.0/x").as_str(),
            "http://host:5000/mlflow/api/2.0/x"
        );
    }

    #[test]
    fn what_is_no_address_is_told_without_its_secret() {
        for bad in [
            "ftp://bob:secret@host",
            "http://bob:secret@",
            "http://bob:secret@host?x=1",
            "bob:secret@host",
            "",
        ] {
            let error = Address::parse(bad).err().unwrap();
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (given, loopback) in [
            ("http://localhost:5000", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:5000", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example.org", false),
        ] {
            let (address, _) = Address::parse(given).unwrap();
            assert_eq!(address.is_loopback(), loopback, "{given}");
        }
    }
}
