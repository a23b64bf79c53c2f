//! `modeldeck keys`: the keys of the screen, from the table that dispatches them.

use super::error::Result;
use super::output::{Cell, Column, Output, Table};
use crate::tui::keymap;
use clap::Args;

#[derive(Debug, Args)]
pub struct KeysArgs {}

pub(super) fn run(out: &Output, _args: &KeysArgs) -> Result<()> {
    let lines = keymap::table();
    if out.json {
        let lines: Vec<_> = lines
            .iter()
            .map(|line| serde_json::json!({ "context": line.context, "keys": line.keys, "help": line.help }))
            .collect();
        return out.object(&lines);
    }
    let mut table = Table::new(&[
        Column::whole("WHERE"),
        Column::whole("KEYS"),
        Column::text("WHAT"),
    ]);
    for line in lines {
        table.push(vec![
            Cell::shown(line.context),
            Cell::shown(line.keys),
            Cell::shown(line.help),
        ]);
    }
    out.table(&table)
}
