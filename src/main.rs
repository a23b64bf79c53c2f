//! The program: error hooks, then the command line in the library, then an exit code.

use std::io::IsTerminal as _;
use std::panic;
use std::process::ExitCode;

fn main() -> ExitCode {
    install_panic_report();
    panic::catch_unwind(|| modeldeck::cli::main(std::env::args_os())).unwrap_or(ExitCode::FAILURE)
}

/// Makes color-eyre tell of panics, which are bugs; errors are told by the command line itself. The log gets the panic first.
fn install_panic_report() {
    let plain = !std::io::stderr().is_terminal()
        || std::env::var_os("NO_COLOR").is_some_and(|word| !word.is_empty());
    let hooks = color_eyre::config::HookBuilder::default()
        .display_env_section(false)
        .panic_section("This is a bug in modeldeck; please report it with the lines above.");
    let hooks = if plain {
        hooks.theme(color_eyre::config::Theme::new())
    } else {
        hooks
    };
    if hooks.install().is_err() {
        return;
    }
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tracing::error!(location = ?info.location(), "panic: {info}");
        report(info);
    }));
}
