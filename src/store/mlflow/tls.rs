//! Certificates as MLflow's own client takes them, and a client builder that works on machines without any.

use super::address::Address;
use super::auth::MlflowEnvironment;
use super::error::unusable;
use crate::store::StoreError;
use reqwest::{Certificate, ClientBuilder, Identity};

/// A builder with the crypto provider installed and the certificates of the environment.
pub(super) fn builder(
    address: &Address,
    environment: &MlflowEnvironment,
) -> Result<ClientBuilder, StoreError> {
    // Whoever was first has installed the same one.
    let _installed_already = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder();
    if !address.is_encrypted() {
        // A machine without any certificate cannot build a client otherwise, and none is needed here.
        return Ok(builder.tls_certs_only([]));
    }
    let (insecure, bundle) = (
        environment.is_on("MLFLOW_TRACKING_INSECURE_TLS"),
        environment.get("MLFLOW_TRACKING_SERVER_CERT_PATH"),
    );
    if insecure && bundle.is_some() {
        return Err(unusable(
            &address.to_string(),
            "MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH are both set",
            "unset one of them; the second is the safe one",
        ));
    }
    let read = |variable: &str, path: &str| {
        std::fs::read(path).map_err(|error| {
            unusable(
                &address.to_string(),
                format!(
                    "{variable} names '{}': {error}",
                    crate::domain::text::visible(path)
                ),
                "name a file in PEM form that you may read",
            )
        })
    };
    let unreadable = |variable: &'static str| {
        let target = address.to_string();
        move |_error: reqwest::Error| {
            unusable(
                &target,
                format!("the file that {variable} names holds nothing in PEM form that fits"),
                "name a file in PEM form",
            )
        }
    };
    let mut builder = builder;
    if insecure {
        tracing::warn!("certificates are not checked, because MLFLOW_TRACKING_INSECURE_TLS is set");
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    if let Some(path) = bundle {
        let variable = "MLFLOW_TRACKING_SERVER_CERT_PATH";
        let pem = read(variable, path)?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(unreadable(variable))?;
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(path) = environment.get("MLFLOW_TRACKING_CLIENT_CERT_PATH") {
        let variable = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
        let pem = read(variable, path)?;
        builder = builder.identity(Identity::from_pem(&pem).map_err(unreadable(variable))?);
    }
    Ok(builder)
}
