//! The dictionary of metric, param and tag keys.

use super::fault::Result;
use crate::domain::Key;
use rusqlite::{Connection, OptionalExtension as _};

/// The number of a key, given to it now if it is new.
pub(super) fn key_id(connection: &Connection, key: &Key) -> Result<i64> {
    let known = connection
        .prepare_cached("SELECT key_id FROM keys WHERE key = ?1")?
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    connection
        .prepare_cached("INSERT INTO keys (key) VALUES (?1)")?
        .execute([key.as_str()])?;
    Ok(connection.last_insert_rowid())
}
