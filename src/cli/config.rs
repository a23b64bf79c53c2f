//! `modeldeck config`: the settings that hold, where each came from, and where files are.

use super::context::Context;
use super::error::Result;
use super::output::{Cell, Column, Sections, Style, Table};
use crate::config::{Origin, SETTINGS, Value, redacted};
use clap::Args;
use std::path::Path;

#[derive(Debug, Args)]
pub struct ConfigArgs {}

/// A value without the password of an address in it.
fn shown(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => redacted(text).into(),
        value => value.to_json(),
    }
}

pub(super) fn run(ctx: &Context, _args: &ConfigArgs) -> Result<()> {
    let loaded = &ctx.loaded;
    let places = [
        ("store", loaded.target().ok().map(|target| target.name())),
        (
            "config_file",
            loaded
                .file
                .clone()
                .or_else(|| loaded.paths.config_file.clone()),
        ),
        ("log_file", loaded.paths.log_file.clone()),
    ];
    if ctx.out.json {
        let settings: Vec<_> = SETTINGS
            .iter()
            .map(|setting| {
                serde_json::json!({
                    "key": setting.key,
                    "value": shown(&(setting.get)(&loaded.settings)),
                    "origin": loaded.origin(setting.key).as_str(),
                    "env": setting.env,
                    "help": setting.help,
                })
            })
            .collect();
        let places: serde_json::Map<String, serde_json::Value> = places
            .into_iter()
            .map(|(name, path)| {
                let path = path.map(|path| path.to_string_lossy().into_owned());
                (name.to_owned(), path.into())
            })
            .collect();
        return ctx
            .out
            .object(&serde_json::json!({ "settings": settings, "paths": places }));
    }
    let mut table = Table::new(&[
        Column::whole("SETTING"),
        Column::text("VALUE"),
        Column::whole("FROM"),
        Column::whole("ENVIRONMENT VARIABLE"),
    ]);
    for setting in SETTINGS {
        let origin = loaded.origin(setting.key);
        let value = redacted(&(setting.get)(&loaded.settings).to_string());
        table.push(vec![
            Cell::shown(setting.key),
            Cell::raw(&value),
            Cell::shown(origin.as_str()).styled(match origin {
                Origin::Default => Style::Dim,
                _ => Style::Plain,
            }),
            Cell::shown(setting.env),
        ]);
    }
    ctx.out.table(&table)?;
    let mut sections = Sections::new("\nfiles");
    for (name, path) in &places {
        let missing = name == &"config_file" && loaded.file.is_none();
        let shown = path
            .as_deref()
            .map(Path::to_string_lossy)
            .unwrap_or_default();
        let mut cell = Cell::raw(&shown);
        if missing && !shown.is_empty() {
            cell = Cell::raw(&format!("{shown} (not there)")).styled(Style::Dim);
        }
        sections.field(name, cell);
    }
    ctx.out.sections(&sections)
}
