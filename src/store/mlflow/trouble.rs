//! Why no connection came about, in words that help: a name nobody knows, a port nobody listens at, a certificate nobody trusts.
//!
//! The libraries below tell these apart by types and texts of their own; nothing else of modeldeck looks at them.

use super::address::Address;
use super::error::shortened;
use std::error::Error;
use std::io;
use std::time::Duration;

/// What stood in the way, and what to do about it.
pub(super) struct Trouble {
    pub(super) problem: String,
    pub(super) hint: &'static str,
}

impl Trouble {
    pub(super) fn of(error: &reqwest::Error, address: &Address, waited: Duration) -> Self {
        let text = causes(error);
        let is = |kind: io::ErrorKind| io_kinds(error).contains(&kind);
        let lower = text.to_ascii_lowercase();
        let told = |problem: String, hint| Self { problem, hint };
        if lower.contains("dns error") || lower.contains("lookup address") {
            let host = address.name();
            return told(
                format!("the host name '{host}' is not known"),
                "look at its spelling, and whether this host's name service (DNS) answers",
            );
        }
        if is(io::ErrorKind::ConnectionRefused) {
            return told(
                "nobody listens there: connection refused".to_owned(),
                "look at the host and the port, and whether the server runs ('mlflow server --port 5000')",
            );
        }
        if lower.contains("certificate") {
            return told(
                format!("its certificate is not trusted: {text}"),
                "name a PEM file with its authority in MLFLOW_TRACKING_SERVER_CERT_PATH or 'mlflow.server_cert'",
            );
        }
        if error.is_timeout() || is(io::ErrorKind::TimedOut) {
            return told(
                format!("no connection came about within {} s", waited.as_secs_f32()),
                "it may be down, or a firewall may swallow the packets",
            );
        }
        if address.is_encrypted() {
            return told(
                format!("no encrypted connection came about: {text}"),
                "a server without TLS wants an http address",
            );
        }
        told(
            text,
            "look at the address, and whether this host has a network",
        )
    }
}

/// The kinds of all input and output errors beneath an error.
fn io_kinds(error: &dyn Error) -> Vec<io::ErrorKind> {
    let mut kinds = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        kinds.extend(error.downcast_ref::<io::Error>().map(io::Error::kind));
        cause = error.source();
    }
    kinds
}

/// An error with its causes and without its URL, which the caller names.
pub(super) fn causes(error: &reqwest::Error) -> String {
    let mut text = Vec::new();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        text.push(error.to_string());
        cause = error.source();
    }
    if text.is_empty() {
        text.push(if error.is_timeout() {
            "it took too long".to_owned()
        } else {
            "the request failed".to_owned()
        });
    }
    text.dedup();
    shortened(&text.join(": "))
}
