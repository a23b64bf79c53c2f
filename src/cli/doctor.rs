//! `modeldeck doctor`: looks at everything that the program stands on, and ends by the worst it found.

pub mod check;
pub mod files;
pub mod store;

use super::args::Globals;
use super::context::{Context, read_settings};
use super::error::{CliError, Result};
use super::output::{Cell, Output, Style};
use crate::config::{Loaded, Paths};
use check::{Check, Status};
use clap::Args;
use std::io::IsTerminal as _;

#[derive(Debug, Args)]
pub struct DoctorArgs {}

pub(super) async fn run(globals: &Globals, out: &Output, _args: &DoctorArgs) -> Result<()> {
    let mut checks = Vec::new();
    let loaded = config(globals, &mut checks);
    let ctx = Context {
        out: out.clone(),
        loaded,
        globals: globals.clone(),
    };
    store::look(&ctx, &mut checks).await;
    files::log(&ctx, &mut checks);
    terminal(&mut checks);
    clock(&ctx, &mut checks);
    if out.json {
        out.object(&checks)?;
    } else {
        for check in &checks {
            out.print(&line(check, out.colour))?;
        }
    }
    match checks.iter().map(Check::code).max() {
        Some(code) if code > 0 => Err(CliError::Exit(code)),
        _ => Ok(()),
    }
}

fn line(check: &Check, colour: bool) -> String {
    let style = match check.status {
        Status::Ok => Style::Good,
        Status::Warning => Style::Warn,
        Status::Fail => Style::Bad,
    };
    let status = Cell::shown(format!("{:7}", check.status.as_str())).styled(style);
    let mut line = format!(
        "{}  {:12}  {}\n",
        status.painted(colour),
        check.check,
        super::error::harmless(&check.message)
    );
    if let Some(hint) = &check.hint {
        let hint = super::error::harmless(hint);
        line.extend([" ".repeat(23).as_str(), &hint, "\n"]);
    }
    line
}

/// Reads the settings; broken ones are told, and the rest is looked at with the defaults.
fn config(globals: &Globals, checks: &mut Vec<Check>) -> Loaded {
    match read_settings(globals) {
        Ok(loaded) => {
            checks.push(Check::ok(
                "config",
                match &loaded.file {
                    Some(path) => format!("'{}' is sound", path.display()),
                    None => "there is no config file; the defaults hold".to_owned(),
                },
            ));
            loaded
        }
        Err(error) => {
            checks.push(Check::fail(
                "config",
                error.code(),
                error.sentence(),
                error.hint(),
            ));
            let mut loaded = Loaded::defaults(Paths::of_this_user());
            if let Some(store) = &globals.store {
                loaded.settings.store.path.clone_from(store);
            }
            loaded
        }
    }
}

fn terminal(checks: &mut Vec<Check>) {
    let term = std::env::var("TERM").unwrap_or_default();
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .is_some_and(|value| value.to_lowercase().replace('-', "").contains("utf8"));
    checks.push(if !std::io::stdout().is_terminal() {
        Check::ok(
            "terminal",
            "stdout is no terminal; commands work, the screen does not",
        )
    } else if term.is_empty() || term == "dumb" {
        Check::warning(
            "terminal",
            "TERM is not set or 'dumb', so the screen cannot be drawn",
            "set TERM to what your terminal is, for example xterm-256color",
        )
    } else if !utf8 {
        Check::warning(
            "terminal",
            "the locale is not UTF-8, so letters and frames may look wrong",
            "set LANG to a UTF-8 locale, for example C.UTF-8",
        )
    } else {
        let size = crossterm::terminal::size()
            .map(|(columns, rows)| format!(", {columns}x{rows}"))
            .unwrap_or_default();
        Check::ok("terminal", format!("{term}{size}"))
    });
}

/// A clock before the program was written makes histories useless.
fn clock(ctx: &Context, checks: &mut Vec<Check>) {
    let written: jiff::Timestamp = "2026-11-01T00:00:00Z".parse().expect("a fixed time");
    checks.push(if ctx.out.now < written {
        Check::warning(
            "clock",
            format!("the clock says {}, which is in the past", ctx.out.now),
            "set the clock, or times in the store will be wrong",
        )
    } else {
        Check::ok("clock", super::output::precise(ctx.out.now))
    });
}
