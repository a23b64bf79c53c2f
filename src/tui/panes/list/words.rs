//! What is typed about fields: whether a filter and an order name something that the rows have, and what is near where they do not.

use super::ListPane;
use crate::domain::fields::{self, Takes};
use crate::domain::text::visible;
use crate::domain::{Filter, Sort};
use crate::tui::env::Env;
use crate::tui::panes::resource::Resource;

/// How many rows are looked at for a key that has no column.
const SAMPLE: usize = 400;

impl<T: Resource> ListPane<T> {
    /// The keys that have columns, without what stands before them.
    fn keys(&self) -> Vec<&str> {
        let fields = self
            .columns
            .iter()
            .filter_map(|column| column.field.as_deref());
        let keys =
            fields.filter_map(|field| T::KEYED.iter().find_map(|kind| field.strip_prefix(kind)));
        keys.collect()
    }

    /// Whether any of the loaded rows has a value there.
    pub(super) fn rows_have(&self, field: &str) -> bool {
        let mut rows = self.window.rows().iter().take(SAMPLE);
        rows.any(|row| !row.field(field).is_empty())
    }

    /// Why a filter hardly means what it says.
    pub(super) fn doubt(&self, filter: &Filter) -> Option<String> {
        let mut keys = self.keys();
        keys.extend(self.known.iter().map(String::as_str));
        // Where no row was ever seen nobody knows which keys there are.
        let has_keys = !T::KEYED.is_empty();
        let is_unknown = has_keys && self.known.is_empty() && self.window.rows().is_empty();
        keys.extend(
            filter
                .fields()
                .filter(|field| is_unknown || has_keys && self.rows_have(field)),
        );
        fields::doubt::<T>(filter, &keys)
    }

    /// Says beside the filter being typed what is to be said of it, and holds a word back that is on its way to a field.
    pub(super) fn judge_filter(&mut self) {
        if let Some(doubt) = self.doubt(self.filtering.wanted()) {
            // What is doubted may become something while it is typed; the list waits for that.
            let mut before = self.filtering.wanted().clone();
            before.terms.pop();
            let is_last = self.doubt(&before).is_none();
            return self.filtering.say(doubt, is_last);
        }
        let Some(word) = self.filtering.last_word().map(str::to_lowercase) else {
            return;
        };
        let wanted = self.filtering.wanted();
        if self.window.rows().iter().any(|row| wanted.matches(row)) {
            return;
        }
        let names = fields::all::<T>().map(|field| field.name);
        let begun = names
            .chain(self.keys())
            .find(|name| name.to_lowercase().starts_with(&word));
        if let Some(name) = begun {
            let hint = match fields::find::<T>(name).map(|field| field.takes) {
                Some(Takes::Words(words)) => {
                    format!("{name}: is one of {}", words().join(", "))
                }
                Some(Takes::Text) => format!("{name}:part looks in {name}"),
                Some(Takes::Time) => format!("{name}>2026-11-01 takes a date"),
                Some(Takes::Number) | None => format!("{0}>0.9, {0}=… take a value", visible(name)),
            };
            self.filtering.say(hint, true);
        }
    }

    pub(super) fn read_order(&self, text: &str, env: &Env) -> Result<Sort, String> {
        let mut sort = Sort::parse(text, |_| false);
        let is_told = sort.field != text;
        let own = |field: &str| {
            let mut columns = self.columns.iter();
            columns.find(|column| column.field.as_deref() == Some(field))
        };
        if fields::find::<T>(&sort.field).is_none() && !fields::names_a_key::<T>(&sort.field) {
            let kinds = T::KEYED.iter();
            let keyed: Vec<String> = kinds.map(|kind| format!("{kind}{}", sort.field)).collect();
            // As its column has it, so that the head shows the order; a rarer key is asked for among all kinds.
            match keyed.iter().find(|field| own(field).is_some()) {
                Some(field) => sort.field.clone_from(field),
                None if !keyed.is_empty() && self.rows_have(&sort.field) => {}
                None => return Err(fields::unknown::<T>(&sort.field, self.keys())),
            }
        }
        if !is_told {
            let takes = fields::find::<T>(&sort.field).map(|field| field.takes);
            sort.descending = match (own(&sort.field), takes) {
                (Some(column), _) => column.descending_first,
                (None, Some(takes)) => matches!(takes, Takes::Time | Takes::Number),
                // Of what is better lower, the least comes first.
                (None, None) => !env.directions.lower_is_better(&sort.field),
            };
        }
        Ok(sort)
    }

    /// That no row has what the list is sorted by, where that is so: rows without a value come last.
    pub(super) fn sorted_by_nothing(&self) -> Option<String> {
        let sort = self.sort.as_ref()?;
        let first = self.window.rows().first()?;
        let (_, several) = T::NOUNS;
        let has_none = T::knows(&sort.field) && first.field(&sort.field).is_empty();
        (!self.window.more_before() && has_none).then(|| {
            let field = visible(&sort.field);
            format!("none of these {several} has '{field}', so they are not in its order")
        })
    }
}
