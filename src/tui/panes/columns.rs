//! Columns that several tabs have, as wide as the names that are there need them.

use super::resource::{Cell, Column};
use crate::domain::{Key, ModelName, Version};
use crate::tui::widgets::text;

/// The longest names are cut however wide the screen is.
const WIDEST: u16 = 60;

/// The model's name; narrow screens cut it at `cap` columns.
pub(super) fn model<T: 'static>(
    rows: &[T],
    cap: u16,
    rank: u8,
    name: fn(&T) -> &ModelName,
) -> Column<T> {
    let whole = widest(rows, |row| name(row).to_string()).clamp(8, WIDEST);
    Column::new("Model", (whole.min(cap), whole), rank, move |row: &T, _| {
        Cell::new(name(row).to_string())
    })
    .squeezes(8)
    .sorts("model", false)
}

/// The version; few have more than three digits.
pub(super) fn version<T: 'static>(rows: &[T], rank: u8, name: fn(&T) -> &Version) -> Column<T> {
    let whole = widest(rows, |row| name(row).to_string()).clamp(4, WIDEST);
    Column::new("Ver.", (whole.min(10), whole), rank, move |row: &T, _| {
        Cell::new(name(row).to_string())
    })
    .squeezes(4)
    .sorts("version", true)
}

/// The keys of a kind among the fields that are to be kept; `None` where none are, so that they are chosen anew.
pub(super) fn kept(fields: &[String], kind: &str) -> Option<Vec<Key>> {
    let keys = fields.iter().filter_map(|field| field.strip_prefix(kind));
    let keys = keys.map(Key::trusted).collect();
    (!fields.is_empty()).then_some(keys)
}

/// The columns that the widest of these texts takes.
pub(super) fn widest<T>(rows: &[T], text_of: impl Fn(&T) -> String) -> u16 {
    let widest = rows.iter().map(|row| text::width(&text_of(row))).max();
    u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX)
}
