//! `modeldeck model show`, and the parts of it that `approval show` has too.

use super::{approval_cell, relatives, stage_cell};
use crate::cli::context::Context;
use crate::cli::error::Result;
use crate::cli::known;
use crate::cli::meant;
use crate::cli::output::{Cell, Column, Sections, Style, Table, moment, precise};
use crate::domain::{
    Alias, ChecklistStatus, Missing, ModelName, ModelVersion, StageWarning, Verdict, number,
};
use crate::service::VersionName;
use clap::Args;

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_parser = known::model)]
    name: ModelName,
    /// Its name or alias; left out where NAME is NAME@ALIAS.
    version: Option<VersionName>,
}

pub(super) async fn run(ctx: &Context, args: &ShowArgs) -> Result<()> {
    let service = ctx.service().await?;
    let (model, version) =
        meant::model_version(ctx, &service, &args.name, args.version.as_ref()).await?;
    let version = service.get_model_version(&model, &version).await?;
    if ctx.out.json {
        return ctx.out.object(&version);
    }
    let missing = service.approvals().missing(&version).await?;
    let aliases: Vec<&str> = version.aliases.iter().map(Alias::as_str).collect();
    let mut sections = Sections::new(format!("version {}", version.label()));
    sections
        .field("stage", stage_cell(&version))
        .raw(
            "warning",
            version.stage_warning.map_or("", StageWarning::told),
        )
        .field("approval", approval_cell(version.approval))
        .raw("aliases", &aliases.join(" "))
        .raw("registered by", &version.registered_by)
        .field("created", Cell::shown(precise(version.created_at)))
        .optional("run", version.run_id.as_ref())
        .raw("source", version.source.as_deref().unwrap_or_default())
        .field("subject", Cell::shown(version.subject().short()))
        .field("revision", Cell::shown(version.revision));
    sections.text("description", &version.description);
    sections.begin("metrics");
    let mut metrics = Table::new(&[Column::text("KEY"), Column::number("VALUE")]);
    for (key, value) in &version.metrics {
        metrics.push(vec![
            Cell::raw(key.as_str()),
            Cell::shown(number::short(*value)),
        ]);
    }
    sections.table(metrics);
    sections.map("params", &version.params);
    sections.map("tags", &version.tags);
    let mut artifacts = Table::new(&[
        Column::text("PATH"),
        Column::number("BYTES"),
        Column::whole("DIGEST"),
    ]);
    for artifact in &version.artifacts {
        artifacts.push(vec![
            Cell::raw(&artifact.path),
            Cell::shown(artifact.size),
            Cell::raw(&artifact.digest),
        ]);
    }
    sections.begin("artifacts").table(artifacts);
    review(&mut sections, &version, &missing);
    relatives::tell(ctx, &service, &version, &mut sections).await?;
    ctx.out.sections(&sections)
}

/// Checklist, decisions and what is missing.
pub(in crate::cli) fn review(sections: &mut Sections, version: &ModelVersion, missing: &[Missing]) {
    let mut checklist = Table::new(&[
        Column::whole("STATUS"),
        Column::text("ITEM"),
        Column::whole("REQUIRED"),
        Column::text("BY"),
        Column::text("NOTE"),
    ]);
    for item in &version.checklist {
        checklist.push(vec![
            Cell::shown(item.status).styled(match item.status {
                ChecklistStatus::Pending => Style::Plain,
                ChecklistStatus::Approved => Style::Good,
                ChecklistStatus::Rejected => Style::Bad,
            }),
            Cell::raw(item.name.as_str()),
            Cell::shown(if item.required {
                "required"
            } else {
                "optional"
            }),
            Cell::raw(item.decided_by.as_deref().unwrap_or_default()),
            Cell::raw(item.note.as_deref().unwrap_or_default()),
        ]);
    }
    sections.begin("checklist").table(checklist);
    let subject = version.subject();
    let mut decisions = Table::new(&[
        Column::whole("VERDICT"),
        Column::text("BY"),
        Column::whole("AT"),
        Column::whole("CONTENT"),
        Column::text("NOTES"),
    ]);
    for decision in &version.decisions {
        let content = if decision.subject == subject {
            Cell::raw(decision.subject.short())
        } else {
            Cell::raw(&format!("{} (another)", decision.subject.short())).styled(Style::Warn)
        };
        decisions.push(vec![
            Cell::shown(decision.verdict).styled(match decision.verdict {
                Verdict::Approved => Style::Good,
                Verdict::Rejected => Style::Bad,
            }),
            Cell::raw(&decision.approver),
            Cell::shown(moment(decision.at)),
            content,
            Cell::raw(decision.notes.as_deref().unwrap_or_default()),
        ]);
    }
    sections.begin("decisions").table(decisions);
    sections.begin("missing for Production");
    for lack in missing {
        sections.line(Cell::shown(lack));
    }
}
