//! The flags that say where a deployment is reached and how its health is asked for.

use crate::cli::error::{CliError, Result};
use crate::cli::parse::words;
use crate::domain::{Endpoint, HealthCheck, HealthProtocol};
use clap::Args;
use std::collections::BTreeMap;

#[derive(Debug, Args)]
pub struct HealthArgs {
    /// Where it is reached: http://, https://, tcp:// or grpc://.
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// An option of the endpoint; again for more.
    #[arg(long = "endpoint-option", value_name = "K=V", value_parser = option)]
    options: Vec<(String, String)>,
    /// Which question its health check asks.
    #[arg(long, value_name = "PROTOCOL", value_parser = words!(HealthProtocol), ignore_case = true)]
    health: Option<HealthProtocol>,
    /// The path that is asked for.
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
    /// Seconds between two questions.
    #[arg(long, value_name = "SECONDS")]
    health_period: Option<u32>,
    /// Seconds until a question counts as failed.
    #[arg(long, value_name = "SECONDS")]
    health_timeout: Option<u32>,
    /// How many good answers make it HEALTHY.
    #[arg(long, value_name = "N")]
    success_threshold: Option<u32>,
    /// How many bad answers make it UNHEALTHY.
    #[arg(long, value_name = "N")]
    failure_threshold: Option<u32>,
}

fn option(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it is not written K=V".to_owned()),
    }
}

impl HealthArgs {
    /// The endpoint as it shall be, if a flag speaks of it; options are added to those that are there.
    pub(super) fn endpoint(&self, found: Option<&Endpoint>) -> Result<Option<Endpoint>> {
        if self.endpoint.is_none() && self.options.is_empty() {
            return Ok(None);
        }
        let Some(url) = self
            .endpoint
            .clone()
            .or_else(|| found.map(|endpoint| endpoint.url.clone()))
        else {
            return Err(CliError::usage(
                "--endpoint-option needs an endpoint; name it with --endpoint",
            ));
        };
        let mut options: BTreeMap<String, String> = found
            .map(|endpoint| endpoint.options.clone())
            .unwrap_or_default();
        options.extend(self.options.iter().cloned());
        Ok(Some(Endpoint { url, options }))
    }

    /// The health check as it shall be, if a flag speaks of it.
    pub(super) fn check(&self, found: Option<&HealthCheck>) -> Result<Option<HealthCheck>> {
        let Self {
            endpoint: _,
            options: _,
            health,
            health_path,
            health_period,
            health_timeout,
            success_threshold,
            failure_threshold,
        } = self;
        let numbers = [
            health_period,
            health_timeout,
            success_threshold,
            failure_threshold,
        ];
        if health.is_none()
            && health_path.is_none()
            && numbers.iter().all(|number| number.is_none())
        {
            return Ok(None);
        }
        let mut check = match (health, found) {
            (Some(protocol), Some(found)) => HealthCheck {
                protocol: *protocol,
                ..found.clone()
            },
            (Some(protocol), None) => HealthCheck::new(*protocol),
            (None, Some(found)) => found.clone(),
            (None, None) => {
                return Err(CliError::usage(
                    "a health check needs a protocol; name it with --health",
                ));
            }
        };
        if health_path.is_some() {
            check.path.clone_from(health_path);
        }
        for (given, field) in [
            (health_period, &mut check.period_seconds),
            (health_timeout, &mut check.timeout_seconds),
            (success_threshold, &mut check.success_threshold),
            (failure_threshold, &mut check.failure_threshold),
        ] {
            if let Some(given) = given {
                *field = *given;
            }
        }
        Ok(Some(check))
    }
}
