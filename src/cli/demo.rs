//! `modeldeck demo`: a throw-away store full of made-up work, with the screen on it.

use super::context::Context;
use super::error::{CliError, Result};
use super::screen;
use crate::demo::{DemoHome, Filled, fill, simulate};
use crate::domain::text;
use crate::service::{ModelLifecycleService, ServiceOptions, StoreTarget};
use clap::Args;
use serde::Serialize;
use std::path::Path;

/// Look around in a made-up team's two months of work.
///
/// Fills a store of its own in a temporary directory (six experiments, some three hundred runs, models under review, drift, deployments
/// with a rollback in their history), lets two trainings go on in it and opens the screen. Your own store is not touched; the made-up one is removed at the end.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Which story; the same one tells the same.
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// Keep the store and say where it is.
    #[arg(long)]
    keep: bool,
    /// Only make the store, print its path and keep it.
    #[arg(long)]
    fill_only: bool,
}

/// The story that is told unless another is asked for.
const SEED: u64 = 7;

/// What `--fill-only` made, as programs read it.
#[derive(Serialize)]
struct Made<'a> {
    store: &'a Path,
    experiments: usize,
    runs: usize,
}

pub(super) async fn run(ctx: &Context, args: DemoArgs) -> Result<()> {
    if args.fill_only {
        let (home, filled) = make(ctx, args.seed, true).await?;
        let store = home.store();
        let made = Made {
            store: &store,
            experiments: filled.experiments,
            runs: filled.runs,
        };
        return ctx.out.made(&store.to_string_lossy(), &made);
    }
    show(ctx, args.seed, args.keep).await
}

/// The demo as the empty store's screen offers it.
pub(super) async fn open(ctx: &Context) -> Result<()> {
    show(ctx, SEED, false).await
}

async fn show(ctx: &Context, seed: u64, keep: bool) -> Result<()> {
    screen::check()?;
    let (home, filled) = make(ctx, seed, keep).await?;
    let service = ModelLifecycleService::open(ServiceOptions {
        target: StoreTarget::Local(home.store()),
        // A play store is nobody's to mirror.
        tracking: None,
        ..ctx.options()?
    })
    .await?;
    let training = tokio::spawn(simulate(service.clone(), filled.live, seed));
    let options = screen::options(ctx, &home.store());
    let ended = screen::show(service, options).await;
    training.abort();
    if keep {
        let store = home.store();
        ctx.out.talk(&format!(
            "the demo's store is '{}'",
            text::visible(&store.to_string_lossy())
        ));
    }
    screen::exit_of(ended?)
}

async fn make(ctx: &Context, seed: u64, keep: bool) -> Result<(DemoHome, Filled)> {
    let home = DemoHome::make(keep)
        .map_err(|error| CliError::io("make a directory for the demo", error))?;
    if !ctx.out.json {
        ctx.out.talk("making up two months of work …");
    }
    let filled = fill(&home.store(), ctx.out.now, seed).await?;
    Ok((home, filled))
}
