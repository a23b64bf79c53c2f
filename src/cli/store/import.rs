//! `modeldeck store import`: what an MLflow server, its database or its folder holds, into the local store.

use crate::cli::context::Context;
use crate::cli::error::{CliError, Result};
use crate::cli::output::{Cell, Sections, Style};
use crate::domain::text;
use crate::service::import::{
    ImportFailure, ImportManager, ImportProgress, ImportReport, Remark, Remarks, Tally,
};
use crate::service::{ErrorKind, ServiceError, StoreTarget};
use crate::store::StoreError;
use crate::store::import::ImportSource;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How many of a kind are told one by one to people; `--json` tells all.
const LISTED: usize = 20;

/// Bring experiments, runs, histories and models of MLflow into this store.
///
/// SOURCE is the address of an MLflow server (http://host:5000), MLflow's SQLite file (mlflow.db, also while a server writes it), or an mlruns folder. Nothing is
/// changed there.
///
/// Again and again: runs keep their ids, so a repetition adds what is new and doubles nothing. What was changed here is kept, and told. What is deleted there is left out. Names
/// and values that cannot be kept as they are become ones that can and are told; what cannot come in is told with its id, the rest goes on, and the exit code is 1.
///
/// No version comes into Production: one that is there comes in as Staging, with the tag mlflow.stage, to be approved and promoted here. Files are noted by
/// path and size and stay where they are.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// An address, a file or a folder.
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Read every history of a server again, also of runs that ended and whose latest points are here.
    #[arg(long)]
    whole: bool,
}

pub(super) async fn run(ctx: &Context, args: ImportArgs) -> Result<()> {
    if matches!(ctx.loaded.target()?, StoreTarget::Remote(_)) {
        return Err(CliError::Told {
            kind: ErrorKind::NotPossible,
            message: "objects of an MLflow server are imported into a local store, and this store is on a server".to_owned(),
            hint: Some("name a local one with --store FILE".to_owned()),
        });
    }
    let stop = crate::cli::ingest::stop_signal()?;
    // A slip in the source makes no store. Where nothing is to be changed, that is said first.
    let source = if ctx.globals.read_only {
        None
    } else {
        Some(open(ctx, &args.source).await?)
    };
    let service = ctx.service_on_first_use().await?;
    let (Some(mut source), None) = (source, service.read_only()) else {
        let why = service.read_only().unwrap_or_default();
        return Err(CliError::Told {
            kind: ErrorKind::Refused,
            message: format!("nothing is changed here: {why}"),
            hint: None,
        });
    };
    let bar = progress();
    let show = |progress: ImportProgress| {
        bar.set_message(match progress.of_runs {
            Some(of) => format!("{} of {of} runs, {} points", progress.runs, progress.points),
            None => format!("{} runs, {} points", progress.runs, progress.points),
        });
    };
    let imports = service.imports().whole(args.whole);
    let ended = imports.run(source.as_mut(), stop, &show).await;
    bar.finish_and_clear();
    match ended {
        Ok(report) => {
            tell(ctx, &report)?;
            match report.signal {
                Some(signal) => Err(CliError::Exit(u8::try_from(128 + signal).unwrap_or(1))),
                None if report.refused.count > 0 => Err(CliError::Exit(1)),
                None => Ok(()),
            }
        }
        Err(ImportFailure { report, error }) => {
            tell(ctx, &report)?;
            ctx.out
                .talk("stopped before the end; what was written stays, and a repetition goes on");
            Err(error.into())
        }
    }
}

async fn open(ctx: &Context, source: &str) -> Result<Box<dyn ImportSource>> {
    ImportManager::open_source(source, &ctx.loaded.settings.mlflow)
        .await
        .map_err(of_source)
}

/// What cannot be read is not the store that this program keeps.
fn of_source(error: ServiceError) -> CliError {
    match error {
        ServiceError::Store(StoreError::Unusable {
            path,
            problem,
            hint,
        }) => CliError::Told {
            kind: ErrorKind::Unusable,
            message: format!(
                "'{}' cannot be imported: {problem}",
                text::visible(&path.to_string_lossy())
            ),
            hint: Some(hint),
        },
        error => error.into(),
    }
}

/// Drawn on stderr, and only when that is a terminal.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} importing: {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn tell(ctx: &Context, report: &ImportReport) -> Result<()> {
    if ctx.out.json {
        return ctx.out.object(report);
    }
    ctx.out.sections(&sections(report))
}

fn sections(report: &ImportReport) -> Sections {
    let mut sections = Sections::new(format!("imported from {}", report.source));
    for (kind, tally) in [
        ("experiments", report.experiments),
        ("runs", report.runs),
        ("model versions", report.model_versions),
    ] {
        sections.field(kind, Cell::shown(counted(tally)));
    }
    sections.field(
        "points",
        Cell::shown(format!("{} added", report.points_added)),
    );
    if report.signal.is_some() {
        let why = "stopped before the end; a repetition goes on";
        sections.field("state", Cell::shown(why).styled(Style::Warn));
    }
    for (title, counts) in [
        ("left out", &report.skipped),
        (
            "not imported, modeldeck has no place for it",
            &report.beyond,
        ),
    ] {
        if !counts.is_empty() {
            sections.begin(title);
            for (what, count) in counts {
                sections.pair(what, &count.to_string());
            }
        }
    }
    list(&mut sections, "kept as it is here", &report.kept);
    list(&mut sections, "came in changed", &report.changed);
    list(&mut sections, "refused", &report.refused);
    sections
}

fn counted(tally: Tally) -> String {
    let parts = [
        (tally.added, "added"),
        (tally.updated, "updated"),
        (tally.unchanged, "unchanged"),
        (tally.skipped, "left out"),
        (tally.refused, "refused"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    }
}

fn list(sections: &mut Sections, title: &str, remarks: &Remarks) {
    if remarks.count == 0 {
        return;
    }
    sections.begin(title);
    for Remark {
        kind,
        id,
        part,
        message,
    } in remarks.list.iter().take(LISTED)
    {
        let name = if part.is_empty() {
            format!("{kind} {id}")
        } else {
            format!("{kind} {id}, {part}")
        };
        // A message may name something that was made visible already.
        sections.sentence(&name, message);
    }
    let more = remarks.count.saturating_sub(LISTED as u64);
    if more > 0 {
        sections.pair("and more", &format!("{more}; --json lists them"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_tells_only_what_there_is() {
        let tally = Tally {
            added: 3,
            refused: 1,
            ..Tally::default()
        };
        assert_eq!(counted(tally), "3 added, 1 refused");
        assert_eq!(counted(Tally::default()), "none");
    }
}
