//! `modeldeck policy …`, made from the policy's own table.

use super::context::Context;
use super::error::Result;
use super::output::{Cell, Column, Table};
use crate::domain::policy::POLICY_KEYS;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the rules of this store.
    Show(ShowArgs),
    /// Change a rule, for everybody on this store.
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {}

#[derive(Debug, Args)]
pub struct SetArgs {
    key: String,
    value: String,
    /// Why, for the audit log.
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    let service = ctx.service().await?;
    match verb {
        Verb::Show(_) => {
            let policy = service.approvals().policy().await?;
            if ctx.out.json {
                return ctx.out.object(&policy);
            }
            let mut table = Table::new(&[
                Column::whole("RULE"),
                Column::text("VALUE"),
                Column::text("MEANING"),
            ]);
            for setting in POLICY_KEYS {
                table.push(vec![
                    Cell::shown(setting.key),
                    Cell::raw(&(setting.get)(&policy)),
                    Cell::shown(setting.help),
                ]);
            }
            ctx.out.table(&table)
        }
        Verb::Set(args) => {
            let found = service.approvals().policy().await?;
            let policy = service
                .approvals()
                .set_policy(&args.key, &args.value, args.reason.as_deref())
                .await?;
            let value = POLICY_KEYS
                .iter()
                .find(|setting| setting.key == args.key)
                .map(|setting| (setting.get)(&policy))
                .unwrap_or_default();
            let unchanged = if policy == found {
                "nothing changed: "
            } else {
                ""
            };
            let sentence = format!("{unchanged}{} is '{value}'", args.key);
            ctx.out.changed(&policy, &sentence)
        }
    }
}
