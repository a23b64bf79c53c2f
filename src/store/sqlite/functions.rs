//! What SQL cannot do by itself: the filter language's comparisons and people's order of versions, as functions of the connection.
//!
//! Text is compared by the domain's own code, so that a filter means the same on the screen and in the store.

use crate::domain::filter::{self, FieldValue, Op};
use crate::domain::registry::natural_order;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Result};
use std::borrow::Cow;

/// The operators in the order of their numbers in SQL.
const OPS: [Op; 7] = [
    Op::Contains,
    Op::Equal,
    Op::NotEqual,
    Op::Less,
    Op::LessOrEqual,
    Op::Greater,
    Op::GreaterOrEqual,
];

/// The number of an operator as `filter_text` takes it.
pub(super) fn op_number(op: Op) -> i64 {
    OPS.iter()
        .position(|known| *known == op)
        .and_then(|at| i64::try_from(at).ok())
        .expect("every operator is in the table")
}

pub(super) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("filter_text", 3, flags, |ctx| filter_text(ctx))?;
    connection.create_scalar_function("text_number", 1, flags, |ctx| {
        Ok(text(ctx, 0).and_then(filter::number))
    })?;
    connection.create_scalar_function("json_number", 1, flags, |ctx| Ok(json_number(ctx)))?;
    connection.create_collation("as_counted", natural_order)
}

fn text<'a>(ctx: &'a Context<'_>, at: usize) -> Option<&'a str> {
    ctx.get_raw(at).as_str_or_null().ok().flatten()
}

/// `filter_text(text, operator, value)`: whether a text of an object holds in a filter's term; NULL never does.
fn filter_text(ctx: &Context<'_>) -> Result<bool> {
    let (Some(found), Some(value)) = (text(ctx, 0), text(ctx, 2)) else {
        return Ok(false);
    };
    let op = usize::try_from(ctx.get::<i64>(1)?)
        .ok()
        .and_then(|at| OPS.get(at).copied())
        .unwrap_or(Op::Equal);
    // By far the most common question, answered without copying either text.
    if op == Op::Contains && found.is_ascii() && value.is_ascii() {
        return Ok(contains_ascii(found.as_bytes(), value.as_bytes()));
    }
    Ok(FieldValue::Text(Cow::Borrowed(found)).compares(op, value))
}

fn contains_ascii(text: &[u8], part: &[u8]) -> bool {
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

/// The number in a JSON value as [`crate::domain::number`] writes it; NULL for NaN and for what is none.
fn json_number(ctx: &Context<'_>) -> Option<f64> {
    match ctx.get_raw(0) {
        ValueRef::Real(value) => Some(value),
        #[expect(
            clippy::cast_precision_loss,
            reason = "JSON numbers are floating-point numbers here"
        )]
        ValueRef::Integer(value) => Some(value as f64),
        ValueRef::Text(_) => text(ctx, 0).and_then(filter::number),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}
