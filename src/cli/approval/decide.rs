//! `modeldeck approval approve` and `reject`.

use super::still_missing;
use crate::cli::context::Context;
use crate::cli::error::{CliError, Result};
use crate::cli::known;
use crate::cli::meant;
use crate::domain::{ModelName, ModelVersion, Subject, Verdict};
use crate::service::{NewDecision, VersionName};
use clap::Args;

/// Fewer digits would not tell two contents apart.
const SHORTEST_DIGEST: usize = 8;

#[derive(Debug, Args)]
pub struct ApproveArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name or alias; left out where NAME is NAME@ALIAS.
    version: Option<VersionName>,
    #[arg(long)]
    notes: Option<String>,
    /// The subject that you saw ('approval show'), 8 digits at least; if it is another by now, nothing is approved.
    #[arg(long, value_name = "DIGEST")]
    subject: Option<String>,
}

#[derive(Debug, Args)]
pub struct RejectArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name or alias; left out where NAME is NAME@ALIAS.
    version: Option<VersionName>,
    /// Why.
    #[arg(long)]
    notes: String,
}

pub(super) async fn approve(ctx: &Context, args: ApproveArgs) -> Result<()> {
    let service = ctx.service().await?;
    let (model, version) =
        meant::model_version(ctx, &service, &args.name, args.version.as_ref()).await?;
    let subject = match args.subject {
        Some(seen) => {
            let version = service.get_model_version(&model, &version).await?;
            Some(subject_meant(&version, &seen)?)
        }
        None => None,
    };
    let decision = NewDecision {
        verdict: Verdict::Approved,
        notes: args.notes,
        subject,
    };
    let version = service
        .approvals()
        .decide(&model, &version, &decision)
        .await?;
    let missing = still_missing(&service, &version).await?;
    if ctx.out.json && !missing.is_empty() {
        ctx.out.talk(&format!("the approval is recorded{missing}"));
    }
    let sentence = format!(
        "version '{}' is {}{missing}",
        version.label(),
        version.approval
    );
    ctx.out.changed(&version, &sentence)
}

pub(super) async fn reject(ctx: &Context, args: RejectArgs) -> Result<()> {
    let decision = NewDecision {
        verdict: Verdict::Rejected,
        notes: Some(args.notes),
        subject: None,
    };
    let service = ctx.service().await?;
    let (model, version) =
        meant::model_version(ctx, &service, &args.name, args.version.as_ref()).await?;
    let version = service
        .approvals()
        .decide(&model, &version, &decision)
        .await?;
    let sentence = format!("version '{}' is {}", version.label(), version.approval);
    ctx.out.changed(&version, &sentence)
}

/// The subject that a prefix means: the version's own where it fits, else what was typed, for the service to refuse.
fn subject_meant(version: &ModelVersion, seen: &str) -> Result<Subject> {
    let digits = seen.strip_prefix("sha256:").unwrap_or(seen).to_lowercase();
    if digits.len() < SHORTEST_DIGEST || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(CliError::Usage {
            message: format!("--subject takes {SHORTEST_DIGEST} to 64 hexadecimal digits"),
            hint: Some(format!(
                "'modeldeck approval show {}' shows them",
                version.label()
            )),
        });
    }
    let subject = version.subject();
    if subject
        .as_str()
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.starts_with(&digits))
    {
        return Ok(subject);
    }
    Ok(Subject::trusted(format!("sha256:{digits}")))
}
