//! `modeldeck store …`: the store as a thing.

mod import;

use super::context::Context;
use super::error::{CliError, Result};
use super::output::{Cell, Sections, Style};
use crate::domain::{text, uri};
use crate::service::{ModelLifecycleService, ServiceOptions, StoreTarget};
use crate::store::StoreInfo;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a store; prints its path.
    Init(InitArgs),
    /// Show where the store is, its sizes and counts.
    Info(InfoArgs),
    /// Write a verified copy while others go on writing; prints its path.
    Backup(BackupArgs),
    Import(import::ImportArgs),
}

#[derive(Debug, Args)]
pub struct InitArgs {
    path: PathBuf,
    /// The group of users that shares it; without one it is yours alone.
    #[arg(long)]
    group: Option<String>,
}

#[derive(Debug, Args)]
pub struct InfoArgs {}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// A file that is not there yet.
    path: PathBuf,
}

pub(super) async fn run(ctx: &Context, verb: Verb) -> Result<()> {
    match verb {
        Verb::Init(args) => init(ctx, args).await,
        Verb::Info(_) => {
            let service = ctx.service().await?;
            let info = service.store_info().await?;
            let mirror = service.sync().status().await?;
            if ctx.out.json {
                let mut document = serde_json::json!(info);
                document["mirror"] = serde_json::json!(mirror);
                return ctx.out.object(&document);
            }
            super::sync::other_address(ctx, service.sync()).await?;
            let mut sections = sections(&info);
            if let Some(lines) = super::sync::brief(&mirror, ctx.out.now) {
                sections.begin("mirror");
                for (what, value) in lines {
                    sections.field(what, Cell::shown(value));
                }
            }
            ctx.out.sections(&sections)
        }
        Verb::Backup(args) => backup(ctx, &args.path).await,
        Verb::Import(args) => import::run(ctx, args).await,
    }
}

async fn init(ctx: &Context, args: InitArgs) -> Result<()> {
    if ctx.globals.read_only {
        return Err(CliError::usage(
            "'store init' makes a store, so it does not go with --read-only",
        ));
    }
    let written = args.path.to_string_lossy();
    if uri::scheme(&written).is_some() {
        return Err(CliError::usage("'store init' takes the path of a file"));
    }
    ModelLifecycleService::init_local(&args.path, args.group.as_deref())?;
    if !ctx.out.json {
        return ctx.out.print(&format!("{}\n", text::visible(&written)));
    }
    let options = ServiceOptions {
        target: StoreTarget::Local(args.path),
        ..ctx.options()?
    };
    let info = ModelLifecycleService::open(options)
        .await?
        .store_info()
        .await?;
    ctx.out.object(&info)
}

async fn backup(ctx: &Context, path: &Path) -> Result<()> {
    let service = ctx.service().await?;
    // Drawn on stderr, and only when that is a terminal.
    let spinner = indicatif::ProgressBar::new_spinner().with_message("copying the store");
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let copied = service.backup(path).await;
    spinner.finish_and_clear();
    let left_out = copied?.map(|directory| directory.to_string_lossy().into_owned());
    let size = std::fs::metadata(path)
        .map_err(|error| CliError::io("look at the backup", error))?
        .len();
    let written = path.to_string_lossy();
    if let Some(directory) = left_out.as_deref().filter(|_| !ctx.out.json) {
        ctx.out.talk(&format!(
            "the captured output of runs is not in it; copy the directory '{}' as well",
            text::visible(directory)
        ));
    }
    ctx.out.made(
        &written,
        &serde_json::json!({ "path": written, "size": size, "left_out": left_out }),
    )
}

fn sections(info: &StoreInfo) -> Sections {
    let is_server = !info.capabilities.is_empty();
    let mut sections = Sections::new(info.kind.as_str());
    sections
        .raw(if is_server { "address" } else { "path" }, &info.target)
        .raw("engine", &info.engine)
        .field("layout", Cell::shown(info.schema_version));
    for (what, size) in [("size", info.size), ("write-ahead log", info.wal_size)] {
        if let Some(size) = size {
            sections.field(what, Cell::shown(bytes(size)));
        }
    }
    if let Some(credentials) = &info.credentials {
        sections.raw("credentials", credentials);
    }
    if let Some(why) = &info.read_only {
        sections.field("takes no writes", Cell::raw(why).styled(Style::Warn));
    }
    if is_server {
        sections.begin("the server has");
        for (what, can) in &info.capabilities {
            sections.pair(&what.replace('_', " "), if *can { "yes" } else { "no" });
        }
    }
    sections.begin("counts");
    for (kind, count) in &info.counts {
        let mut told = count.to_string();
        if kind == "experiments" && info.counts_default == Some(true) {
            told.push_str(", MLflow's own 'Default' among them");
        }
        sections.pair(&kind.replace('_', " "), &told);
    }
    sections
}

/// `1.2 MiB`, and the exact number for small sizes.
fn bytes(size: u64) -> String {
    let mut unit = 0;
    let mut whole = size;
    let mut tenths = 0;
    while whole >= 1024 && unit < 4 {
        tenths = whole % 1024 * 10 / 1024;
        whole /= 1024;
        unit += 1;
    }
    let name = ["bytes", "KiB", "MiB", "GiB", "TiB"][unit];
    if unit == 0 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenths} {name} ({size} bytes)")
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(bytes(1_536), "1.5 KiB (1536 bytes)");
        assert_eq!(bytes(3 << 30), "3.0 GiB (3221225472 bytes)");
    }
}
