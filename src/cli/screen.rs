//! `modeldeck` alone: the screen, where there is a terminal to draw it on.

use super::context::Context;
use super::demo;
use super::error::{CliError, Result};
use crate::config::ScreenSettings;
use crate::domain::text;
use crate::service::{ErrorKind, ModelLifecycleService, StoreTarget};
use crate::tui::theme::{Theme, ThemeName};
use crate::tui::{self, Ended, TuiError, TuiOptions};
use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::Path;
use std::time::Duration;

pub(super) async fn open(ctx: &Context) -> Result<()> {
    // Looked at before the store is opened, which would be made.
    check()?;
    let target = ctx.loaded.target()?;
    let mut options = TuiOptions {
        offer_demo: true,
        ..options(ctx, &target.name())
    };
    let ended = match &target {
        StoreTarget::Local(_) => show(ctx.service_on_first_use().await?, options).await?,
        // A server is not waited for: the screen tells how it comes along.
        StoreTarget::Remote(address) => {
            options.title = format!("{address} · MLflow");
            let ended = tui::connect(ctx.options()?, options).await;
            ended.map_err(|error| told(&error))?
        }
    };
    match ended {
        Ended::Demo => demo::open(ctx).await,
        ended => exit_of(ended),
    }
}

/// Whether there is a terminal to draw on.
pub(super) fn check() -> Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(told(&TuiError::NotATerminal));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(told(&TuiError::DumbTerminal));
    }
    Ok(())
}

pub(super) async fn show(service: ModelLifecycleService, options: TuiOptions) -> Result<Ended> {
    let worker = service.sync().start();
    let ended = tui::run(service, options).await;
    if let Some(worker) = worker {
        worker.stop().await;
    }
    ended.map_err(|error| told(&error))
}

/// How the program ends after the screen has.
pub(super) fn exit_of(ended: Ended) -> Result<()> {
    match ended {
        Ended::Quit | Ended::Demo => Ok(()),
        // As shells tell of a program that a signal ended.
        Ended::Signal(signal) => Err(CliError::Exit(
            u8::try_from(128 + signal).unwrap_or(u8::MAX),
        )),
    }
}

pub(super) fn options(ctx: &Context, store: &Path) -> TuiOptions {
    let screen = &ctx.loaded.settings.screen;
    TuiOptions {
        title: title(store),
        mouse: screen.mouse,
        strip: screen.live_strip,
        refresh: Duration::try_from(screen.refresh).unwrap_or(Duration::from_millis(100)),
        theme: theme(screen, std::env::var_os("NO_COLOR").as_deref()),
        ..TuiOptions::default()
    }
}

fn theme(screen: &ScreenSettings, no_color: Option<&OsStr>) -> Theme {
    let name: ThemeName = screen.theme.parse().unwrap_or_default();
    Theme::of(name.under(no_color))
}

/// `fraud-prod · local store`; the default store needs no name.
fn title(path: &Path) -> String {
    match path.file_stem() {
        Some(name) if name != "modeldeck" => {
            format!("{} · local store", text::visible(&name.to_string_lossy()))
        }
        _ => "local store".to_owned(),
    }
}

fn told(error: &TuiError) -> CliError {
    let (message, hint) = (error.to_string(), error.hint().map(str::to_owned));
    match error {
        TuiError::NotATerminal | TuiError::DumbTerminal => CliError::Usage { message, hint },
        TuiError::Terminal(_) | TuiError::Unfinished => CliError::Told {
            kind: ErrorKind::Failed,
            message,
            hint,
        },
        TuiError::NotConnected(failure) => CliError::Told {
            kind: failure.kind,
            message,
            hint,
        },
        TuiError::Refused(failures) => CliError::Told {
            kind: failures
                .first()
                .map_or(ErrorKind::Failed, |failure| failure.kind),
            message,
            hint,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, THEMES};

    #[test]
    fn the_themes_of_the_settings_are_those_of_the_screen() {
        let words: Vec<&str> = ThemeName::ALL.iter().map(|name| name.as_str()).collect();
        assert_eq!(words, THEMES);
        let screen = Settings::default().screen;
        assert_eq!(theme(&screen, None).name, ThemeName::Default);
        assert_eq!(theme(&screen, Some(OsStr::new("1"))).name, ThemeName::Mono);
    }

    #[test]
    fn a_store_is_called_by_its_file() {
        assert_eq!(
            title(Path::new("/srv/fraud-prod.db")),
            "fraud-prod · local store"
        );
        assert_eq!(title(Path::new("/x/modeldeck.db")), "local store");
    }
}
