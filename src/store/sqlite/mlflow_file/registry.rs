//! Registered models in MLflow's file.

use super::cell::{Cells as _, text_or_empty};
use super::{Layout, named_workspace, workspace_of};
use crate::store::import::{Pair, RawModel, RawVersion};
use rusqlite::{Connection, Row};
use std::collections::HashMap;

/// Workspace and name, as they stand in the file.
type Place = (String, String);

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok((text_or_empty(row, 0)?, text_or_empty(row, 1)?))
}

/// Pairs of models, by their model, where the file has such a table.
fn pairs_of_models(
    connection: &Connection,
    layout: &Layout,
    table: &str,
    columns: &str,
) -> rusqlite::Result<HashMap<Place, Vec<Pair>>> {
    let mut found: HashMap<Place, Vec<Pair>> = HashMap::new();
    if layout.tables.contains(table) {
        let workspace = workspace_of(layout);
        let mut statement =
            connection.prepare(&format!("SELECT {workspace}, name, {columns} FROM {table}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let pair = (text_or_empty(row, 2)?, text_or_empty(row, 3)?);
            found.entry(place(row)?).or_default().push(pair);
        }
    }
    Ok(found)
}

fn tags_of_versions(
    connection: &Connection,
    layout: &Layout,
) -> rusqlite::Result<HashMap<(Place, String), Vec<Pair>>> {
    let mut found: HashMap<(Place, String), Vec<Pair>> = HashMap::new();
    if layout.tables.contains("model_version_tags") {
        let workspace = workspace_of(layout);
        let mut statement = connection.prepare(&format!(
            "SELECT {workspace}, name, version, key, value FROM model_version_tags ORDER BY key"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let pair = (text_or_empty(row, 3)?, text_or_empty(row, 4)?);
            let version = (place(row)?, text_or_empty(row, 2)?);
            found.entry(version).or_default().push(pair);
        }
    }
    Ok(found)
}

fn versions(
    connection: &Connection,
    layout: &Layout,
) -> rusqlite::Result<HashMap<Place, Vec<RawVersion>>> {
    let mut tags = tags_of_versions(connection, layout)?;
    let mut found: HashMap<Place, Vec<RawVersion>> = HashMap::new();
    if !layout.tables.contains("model_versions") {
        return Ok(found);
    }
    let workspace = workspace_of(layout);
    let mut statement = connection.prepare(&format!(
        "SELECT {workspace}, name, version, creation_time, description, user_id, current_stage, source, run_id
         FROM model_versions ORDER BY version"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = place(row)?;
        let version = text_or_empty(row, 2)?;
        let of_version = tags.remove(&(place.clone(), version.clone()));
        found.entry(place).or_default().push(RawVersion {
            created_at: row.get_ref(3)?.to_whole(),
            description: text_or_empty(row, 4)?,
            user: text_or_empty(row, 5)?,
            stage: text_or_empty(row, 6)?,
            source: text_or_empty(row, 7)?,
            run_id: text_or_empty(row, 8)?,
            tags: of_version.unwrap_or_default(),
            version,
        });
    }
    Ok(found)
}

pub(super) fn models(connection: &Connection, layout: &Layout) -> rusqlite::Result<Vec<RawModel>> {
    let mut tags = pairs_of_models(connection, layout, "registered_model_tags", "key, value")?;
    let mut aliases = pairs_of_models(
        connection,
        layout,
        "registered_model_aliases",
        "alias, version",
    )?;
    let mut versions = versions(connection, layout)?;
    let workspace = workspace_of(layout);
    let mut statement = connection.prepare(&format!(
        "SELECT {workspace}, name, description FROM registered_models ORDER BY name"
    ))?;
    let rows = statement.query_map([], |row| {
        let place = place(row)?;
        Ok(RawModel {
            description: text_or_empty(row, 2)?,
            tags: tags.remove(&place).unwrap_or_default(),
            aliases: aliases.remove(&place).unwrap_or_default(),
            versions: versions.remove(&place).unwrap_or_default(),
            unread: Vec::new(),
            name: place.1,
            workspace: named_workspace(place.0),
        })
    })?;
    rows.collect()
}
