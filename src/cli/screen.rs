//! `modeldeck` alone: the screen, where there is a terminal to draw it on.

use super::context::Context;
use super::error::{CliError, Result};
use std::io::IsTerminal as _;

pub(super) fn open(_ctx: &Context) -> Result<()> {
    let drawable = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    if !drawable {
        return Err(CliError::Usage {
            message: "the screen needs a terminal, and here is none that it could draw on"
                .to_owned(),
            hint: Some(
                "the command line does the same: 'modeldeck run list', 'modeldeck --help'"
                    .to_owned(),
            ),
        });
    }
    Err(CliError::usage(
        "name a command; 'modeldeck --help' lists them",
    ))
}
