//! The doctor's look at the store: it never makes one, and never changes one.

use super::check::Check;
use super::files;
use crate::cli::audit::sound;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{exit, sync};
use crate::domain::MirrorState;
use crate::service::{ErrorKind, ModelLifecycleService, ServiceOptions, StoreTarget};
use indicatif::ProgressBar;
use std::time::Duration;

pub(super) async fn look(ctx: &Context, checks: &mut Vec<Check>) {
    let options = match ctx.options() {
        Ok(options) => options,
        Err(error) => return checks.push(failed("store", &error)),
    };
    let path = match options.target.clone() {
        StoreTarget::Local(path) => path,
        StoreTarget::Remote(_) => return look_at_server(options, checks).await,
    };
    checks.push(match ModelLifecycleService::network_file_system(&path) {
        None => Check::ok("file system", "it is on a disk of this host"),
        Some(name) => Check::fail(
            "file system",
            exit::code_of(ErrorKind::Unusable),
            format!(
                "'{}' is on {name}, where several writers would damage a store",
                path.display()
            ),
            Some("name a path on a local disk with --store or MODELDECK_STORE".to_owned()),
        ),
    });
    if !path.exists() {
        checks.push(Check::ok(
            "store",
            format!(
                "'{}' is not there yet; the first change makes it",
                path.display()
            ),
        ));
        files::directory(&path, checks);
        return;
    }
    // Opened for reading first: a doctor who changes the patient would hide what is wrong.
    let reading = ServiceOptions {
        read_only: true,
        ..options
    };
    let service = match ModelLifecycleService::open(reading).await {
        Ok(service) => service,
        Err(error) => {
            checks.push(failed("store", &error.into()));
            files::modes(&path, checks);
            return;
        }
    };
    match service.store_info().await {
        Ok(info) => {
            checks.push(Check::ok(
                "store",
                format!("'{}' opens, layout {}", info.target, info.schema_version),
            ));
            checks.push(Check::ok("engine", info.engine));
        }
        Err(error) => checks.push(failed("store", &error.into())),
    }
    files::modes(&path, checks);
    files::directory(&path, checks);
    mirror(ctx, &service, checks).await;
    // Drawn on stderr, and only when that is a terminal.
    let spinner = ProgressBar::new_spinner().with_message("reading every page of the store");
    spinner.enable_steady_tick(Duration::from_millis(100));
    integrity(&service, checks).await;
    spinner.set_message("reading the audit log");
    audit(&service, &spinner, checks).await;
    spinner.finish_and_clear();
}

/// A server has no file: it answers, and its ledger is sound.
async fn look_at_server(options: ServiceOptions, checks: &mut Vec<Check>) {
    let service = match ModelLifecycleService::open(options).await {
        Ok(service) => service,
        Err(error) => return checks.push(failed("store", &error.into())),
    };
    match service.store_info().await {
        Ok(info) => {
            checks.push(Check::ok("store", format!("'{}' answers", info.target)));
            checks.push(Check::ok("engine", info.engine));
            let listed = |wanted: bool| -> String {
                let those = info.capabilities.iter().filter(|(_, can)| **can == wanted);
                let names: Vec<String> = those.map(|(what, _)| what.replace('_', " ")).collect();
                names.join(", ")
            };
            let (has, lacks) = (listed(true), listed(false));
            let lacks = if lacks.is_empty() {
                String::new()
            } else {
                format!("; without {lacks}")
            };
            checks.push(Check::ok("server", format!("with {has}{lacks}")));
            let credentials = info.credentials.unwrap_or_default();
            checks.push(Check::ok("credentials", credentials));
        }
        Err(error) => checks.push(failed("store", &error.into())),
    }
    // Drawn on stderr, and only when that is a terminal.
    let spinner = ProgressBar::new_spinner().with_message("reading the ledger");
    spinner.enable_steady_tick(Duration::from_millis(100));
    checks.push(match service.check_integrity().await {
        Ok(problems) if problems.is_empty() => {
            Check::ok("ledger", "it was read whole and is sound")
        }
        Ok(problems) => Check::fail(
            "ledger",
            exit::code_of(ErrorKind::Unusable),
            problems.join("; "),
            Some(
                "somebody changed it on the server by hand; nothing is repaired silently"
                    .to_owned(),
            ),
        ),
        Err(error) => failed("ledger", &error.into()),
    });
    spinner.set_message("reading the audit log");
    audit(&service, &spinner, checks).await;
    spinner.finish_and_clear();
}

/// The mirror, where there is one. Nothing is sent: a doctor only looks.
async fn mirror(ctx: &Context, service: &ModelLifecycleService, checks: &mut Vec<Check>) {
    let (status, other) = match (
        service.sync().status().await,
        service.sync().other_address().await,
    ) {
        (Ok(status), Ok(other)) => (status, other),
        (Err(error), _) | (_, Err(error)) => return checks.push(failed("mirror", &error.into())),
    };
    let Some(lines) = sync::brief(&status, ctx.out.now) else {
        if let Some(given) = service.sync().tracking() {
            checks.push(Check::ok(
                "mirror",
                format!("the next command begins to mirror the store to '{given}'"),
            ));
        }
        return;
    };
    let told: Vec<String> = lines
        .iter()
        .map(|(what, value)| match *what {
            "address" | "state" => value.clone(),
            what => format!("{what} {value}"),
        })
        .collect();
    let told = told.join(", ");
    checks.push(match status.state {
        _ if other.is_some() => Check::warning("mirror", told, other.unwrap_or_default()),
        MirrorState::Offline | MirrorState::Refused => Check::warning(
            "mirror",
            told,
            status
                .problem
                .unwrap_or_else(|| "'modeldeck sync status' tells more".to_owned()),
        ),
        _ if status.dead > 0 => Check::warning(
            "mirror",
            told,
            "'modeldeck sync status' lists what is DEAD; 'sync retry' and 'sync drop' settle it",
        ),
        _ => Check::ok("mirror", told),
    });
}

async fn integrity(service: &ModelLifecycleService, checks: &mut Vec<Check>) {
    checks.push(match service.check_integrity().await {
        Ok(problems) if problems.is_empty() => Check::ok("integrity", "every page was read and is sound"),
        Ok(problems) => Check::fail(
            "integrity",
            exit::code_of(ErrorKind::Unusable),
            format!("the file is damaged: {}", problems.join("; ")),
            Some(
                "copy it away before anything else, and restore the last backup; nothing is repaired silently"
                    .to_owned(),
            ),
        ),
        Err(error) => failed("integrity", &error.into()),
    });
}

async fn audit(service: &ModelLifecycleService, spinner: &ProgressBar, checks: &mut Vec<Check>) {
    let told = |seq| spinner.set_message(format!("{seq} entries of the audit log are sound"));
    checks.push(match service.audit().verify(told).await {
        Ok(found) => match found.fault {
            None => Check::ok("audit", sound(found.entries)),
            Some(fault) => Check::fail(
                "audit",
                exit::code_of(ErrorKind::Unusable),
                fault.to_string(),
                Some("'modeldeck audit verify' tells more".to_owned()),
            ),
        },
        Err(error) => failed("audit", &error.into()),
    });
}

fn failed(check: &'static str, error: &CliError) -> Check {
    Check::fail(check, error.code(), error.sentence(), error.hint())
}
