//! What every list has: `--filter`, `--sort`, `--limit`, and a word on stderr when it was cut.

use super::context::Context;
use super::error::{CliError, Result};
use super::output::{Cell, Column, JsonArray, Table};
use crate::domain::{Filter, MetricDirections, Sort, fields, text};
use crate::service;
use crate::store::{ListQuery, Page, PageFrom, PageRequest, Reach};
use clap::Args;
use serde::Serialize;

/// How many rows are asked of the store at once.
const STRETCH: usize = 1_000;

/// How many rows are laid out together; a longer list is printed while it is read.
const LAID_OUT: usize = 5_000;

/// The flags of every list.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Only rows for which all terms hold: word, field:part, field=value, field!=value, field<n, >=, !term.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Sort by a field or metrics.K, params.K, tags.K; times come newest first and metrics best first unless said otherwise.
    #[arg(long, value_name = "KEY[:asc|:desc]")]
    pub sort: Option<String>,

    /// How many rows at most; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

/// The fields that a list can be sorted by.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    pub plain: &'static [&'static str],
    /// Sorted newest first unless said otherwise.
    pub times: &'static [&'static str],
    /// Which of `metrics.`, `params.`, `tags.` it takes.
    pub keyed: &'static [&'static str],
}

impl Fields {
    fn has(&self, field: &str) -> bool {
        self.plain.contains(&field)
            || self.times.contains(&field)
            || self
                .keyed
                .iter()
                .any(|prefix| field.len() > prefix.len() && field.starts_with(prefix))
    }
}

impl ListArgs {
    /// Reads filter and order. A bare word that is no field is a metric's key where the list has metrics.
    ///
    /// A filter that cannot mean what it says is refused, or a script would take its silence for an answer. Keys of metrics, params and
    /// tags are any that objects may carry.
    pub fn query<T: fields::Fields>(
        &self,
        fields: &Fields,
        directions: &MetricDirections,
    ) -> Result<ListQuery> {
        let filter = self.filter()?;
        let keys: Vec<&str> = match T::KEYED {
            [] => Vec::new(),
            _ => filter.fields().collect(),
        };
        if let Some(message) = fields::doubt::<T>(&filter, &keys) {
            return Err(CliError::Usage {
                message,
                hint: None,
            });
        }
        Ok(ListQuery {
            filter,
            sort: self.order(fields, directions)?,
        })
    }

    pub fn filter(&self) -> Result<Filter> {
        Ok(Filter::parse(self.filter.as_deref().unwrap_or_default())
            .map_err(service::ServiceError::from)?)
    }

    pub fn order(&self, fields: &Fields, directions: &MetricDirections) -> Result<Option<Sort>> {
        let Some(text) = &self.sort else {
            return Ok(None);
        };
        let mut sort = Sort::parse(text, |_| false);
        let has_direction = sort.field != *text;
        if !fields.has(&sort.field) {
            if !fields.keyed.contains(&"metrics.") || sort.field.is_empty() {
                return Err(CliError::Usage {
                    message: format!("this list has no field '{}' to sort by", sort.field),
                    hint: Some(format!(
                        "it has {}",
                        [fields.plain, fields.times].concat().join(", ")
                    )),
                });
            }
            sort.field = format!("metrics.{}", sort.field);
        }
        if !has_direction {
            sort.descending = match sort.field.strip_prefix("metrics.") {
                Some(key) => !directions.lower_is_better(key),
                None => fields.times.contains(&sort.field.as_str()),
            };
        }
        Ok(Some(sort))
    }
}

/// Prints a list page by page: as a JSON array while it comes, or as one fitted table.
pub async fn print<T: Serialize>(
    ctx: &Context,
    args: &ListArgs,
    noun: &str,
    columns: &[Column],
    row: impl Fn(&T) -> Vec<Cell>,
    fetch: impl AsyncFn(PageRequest) -> service::Result<Page<T>>,
    count: impl AsyncFnOnce() -> service::Result<u64>,
) -> Result<()> {
    let mut printer = Printer::new(ctx, columns);
    let mut from = PageFrom::Start;
    let mut reach = None;
    loop {
        let left = match args.limit {
            0 => STRETCH,
            limit => (limit - printer.rows).min(STRETCH),
        };
        let page = fetch(PageRequest { from, limit: left }).await?;
        for object in &page.rows {
            printer.push(object, &row)?;
        }
        if let Some(told) = page.reach.as_deref().and_then(told) {
            reach = Some(told);
        }
        let last = page.edges.map(|(_, last)| last);
        match last.filter(|_| page.more_after) {
            Some(last) if args.limit == 0 || printer.rows < args.limit => {
                from = PageFrom::After(last);
            }
            Some(_) => {
                let rows = printer.rows;
                printer.end(noun)?;
                let all = count().await?;
                ctx.out.talk(&format!(
                    "{rows} of {all} {noun} are shown; --limit N shows more, --limit 0 all"
                ));
                tell(ctx, reach.as_deref());
                return Ok(());
            }
            None => {
                printer.narrowed = args.filter.is_some();
                printer.end(noun)?;
                tell(ctx, reach.as_deref());
                return Ok(());
            }
        }
    }
}

/// Who did what of a query on a server, where not all of it was done there.
fn told(reach: &Reach) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    if reach.newest.is_some() || !reach.filtered_here.is_empty() {
        told.extend(reach.order(|count| count.to_string()));
        told.extend(reach.filter());
    }
    let more = match reach.newest {
        Some(_) => "; the server has more: a filter on a metric or an experiment narrows them",
        None => "",
    };
    (!told.is_empty()).then(|| format!("{}{more}", told.join("; ")))
}

fn tell(ctx: &Context, told: Option<&str>) {
    if let Some(told) = told {
        ctx.out.talk(&text::visible(told));
    }
}

/// Prints rows that are all here already.
pub fn print_rows<T: Serialize>(
    ctx: &Context,
    limit: usize,
    noun: &str,
    columns: &[Column],
    row: impl Fn(&T) -> Vec<Cell>,
    rows: &[T],
) -> Result<()> {
    let mut printer = Printer::new(ctx, columns);
    let shown = if limit == 0 {
        rows.len()
    } else {
        limit.min(rows.len())
    };
    for object in &rows[..shown] {
        printer.push(object, &row)?;
    }
    printer.end(noun)?;
    if shown < rows.len() {
        ctx.out.talk(&format!(
            "{shown} of {} {noun} are shown; --limit N shows more, --limit 0 all",
            rows.len()
        ));
    }
    Ok(())
}

/// A list being printed.
pub struct Printer<'a> {
    ctx: &'a Context,
    array: Option<JsonArray>,
    table: Table,
    pub rows: usize,
    /// Whether a filter keeps rows out.
    pub narrowed: bool,
}

impl<'a> Printer<'a> {
    pub fn new(ctx: &'a Context, columns: &[Column]) -> Self {
        Self {
            ctx,
            array: ctx.out.json.then(JsonArray::begin),
            table: Table::new(columns),
            rows: 0,
            narrowed: false,
        }
    }

    pub fn push<T: Serialize>(&mut self, object: &T, row: &impl Fn(&T) -> Vec<Cell>) -> Result<()> {
        self.rows += 1;
        if let Some(array) = &mut self.array {
            return array.push(object);
        }
        self.table.push(row(object));
        if self.table.len() >= LAID_OUT {
            return self.print_stretch();
        }
        Ok(())
    }

    fn print_stretch(&mut self) -> Result<()> {
        let out = &self.ctx.out;
        out.print(&self.table.take_lines(out.width, out.colour))
    }

    pub fn end(mut self, noun: &str) -> Result<()> {
        if let Some(array) = self.array {
            return array.end();
        }
        if self.rows == 0 {
            self.ctx.out.talk(&if self.narrowed {
                format!("no {noun} are let through by the filter")
            } else {
                format!("there are no {noun}")
            });
            return Ok(());
        }
        if !self.table.is_empty() {
            self.print_stretch()?;
        }
        let left_out = self.table.left_out(self.ctx.out.width);
        if !left_out.is_empty() {
            self.ctx.out.talk(&format!(
                "this terminal is too narrow for {}; --json shows everything",
                left_out.join(", ")
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fields = Fields {
        plain: &["name"],
        times: &["started"],
        keyed: &["metrics.", "tags."],
    };

    #[test]
    fn a_bare_key_sorts_the_way_people_mean_it() {
        let order = |text: &str| {
            let args = ListArgs {
                filter: None,
                sort: Some(text.to_owned()),
                limit: 0,
            };
            args.order(&FIELDS, &MetricDirections::default())
                .unwrap()
                .unwrap()
        };
        assert_eq!(order("name"), Sort::ascending("name"));
        assert_eq!(order("started"), Sort::descending("started"));
        assert_eq!(order("started:asc"), Sort::ascending("started"));
        assert_eq!(order("metrics.loss"), Sort::ascending("metrics.loss"));
        assert_eq!(order("auc"), Sort::descending("metrics.auc"));
        assert_eq!(order("loss:desc"), Sort::descending("metrics.loss"));
        assert_eq!(order("tags.team"), Sort::ascending("tags.team"));
    }

    #[test]
    fn an_unknown_field_is_told_with_the_known_ones() {
        let args = ListArgs {
            filter: None,
            sort: Some("nmae".to_owned()),
            limit: 0,
        };
        let fields = Fields {
            keyed: &[],
            ..FIELDS
        };
        let error = args
            .order(&fields, &MetricDirections::default())
            .unwrap_err();
        assert_eq!(error.hint().unwrap(), "it has name, started");
    }
}
