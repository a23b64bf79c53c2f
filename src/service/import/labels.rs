//! What stands under keys at the source: params, tags, metrics and addresses. No secret comes in, and two keys never become one.

use super::legible;
use super::report::About;
use crate::domain::secret::names_a_secret;
use crate::domain::{Key, MetricPoint, Tags, text, uri};
use crate::service::core::LONGEST_VALUE;
use crate::store::import::{Pair, RawHistory, is_at_the_edge};
use std::collections::HashMap;
use std::collections::btree_map::Entry;

const OWN_TAGS: &str = "modeldeck.";

pub(super) fn value_of<'a>(pairs: &'a [Pair], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(given, _)| given == key)
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

/// Params or tags. `fields` are the keys that become something else.
pub(super) fn labels(pairs: Vec<Pair>, what: &str, fields: &[&str], about: &mut About) -> Tags {
    let mut labels = Tags::new();
    let mut replaced: Vec<(String, Key, String, String)> = Vec::new();
    for (given, value) in pairs {
        if given.starts_with(OWN_TAGS) || fields.contains(&given.as_str()) {
            continue;
        }
        let part = format!("{what} '{}'", legible::shortened(&given));
        if names_a_secret(&given) {
            about.refuse(
                part,
                "it is the name of a secret, and secrets are not stored",
            );
            continue;
        }
        if holds_a_password(&value) {
            about.refuse(
                part,
                "its value holds a user and password, and secrets are not stored",
            );
            continue;
        }
        let key = match legible::name(&given, Key::new) {
            Ok(key) => key,
            Err(error) => {
                about.refuse(part, error.problem);
                continue;
            }
        };
        let value = legible::value(value);
        if let Some(change) = value.change {
            about.change(part.as_str(), change);
        }
        // Keys that stay as they are come first, so that a replacement never takes the place of one.
        match key.change {
            Some(change) => replaced.push((part, key.value, value.value, change)),
            None => insert(&mut labels, key.value, value.value, part, about),
        }
    }
    for (part, key, value, change) in replaced {
        about.change(part.as_str(), format!("{change}; it is '{key}' here"));
        insert(&mut labels, key, value, part, about);
    }
    labels
}

fn insert(labels: &mut Tags, key: Key, value: String, part: String, about: &mut About) {
    match labels.entry(key) {
        Entry::Occupied(taken) => {
            about.refuse(part, format!("another one is '{}' already", taken.key()));
        }
        Entry::Vacant(free) => {
            free.insert(value);
        }
    }
}

/// Whether a text is an address with a password in it.
pub(super) fn holds_a_password(given: &str) -> bool {
    let authority = given
        .split_once("://")
        .map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    authority
        .and_then(|authority| authority.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'))
        || uri::scheme(given).is_some() && uri::secret_parameter(given).is_some()
}

/// The keys of one run's metrics: the same key at the source is always the same key here.
#[derive(Debug, Clone, Default)]
pub(super) struct MetricKeys {
    known: HashMap<String, Option<Key>>,
    taken: HashMap<Key, String>,
}

impl MetricKeys {
    pub(super) fn map(
        &mut self,
        histories: Vec<RawHistory>,
        about: &mut About,
    ) -> Vec<(Key, Vec<MetricPoint>)> {
        let mut mapped = Vec::with_capacity(histories.len());
        for (given, points) in histories {
            let beyond = points
                .iter()
                .filter(|point| is_at_the_edge(point.timestamp))
                .count();
            if beyond > 0 {
                about.change(
                    format!("metric '{}'", legible::shortened(&given)),
                    format!(
                        "{beyond} times are not of the years 1678 to 2261 and were moved there"
                    ),
                );
            }
            if let Some(key) = self.key(&given, about) {
                mapped.push((key, points));
            }
        }
        mapped
    }

    fn key(&mut self, given: &str, about: &mut About) -> Option<Key> {
        if let Some(known) = self.known.get(given) {
            return known.clone();
        }
        let part = format!("metric '{}'", legible::shortened(given));
        let key = match legible::name(given, Key::new) {
            Err(error) => {
                about.refuse(part, error.problem);
                None
            }
            Ok(made) if self.taken.contains_key(&made.value) => {
                about.refuse(part, format!("another one is '{}' already", made.value));
                None
            }
            Ok(made) => {
                if let Some(change) = made.change {
                    about.change(part, format!("{change}; it is '{}' here", made.value));
                }
                self.taken.insert(made.value.clone(), given.to_owned());
                Some(made.value)
            }
        };
        self.known.insert(given.to_owned(), key.clone());
        key
    }
}

/// Where a version's files are; `None`, and told, where the address may not be kept.
pub(super) fn address(given: &str, about: &mut About) -> Option<String> {
    if given.is_empty() {
        return None;
    }
    if uri::has_credentials(given) || uri::secret_parameter(given).is_some() {
        about.refuse(
            "source",
            "it holds a user, a password or a token, and secrets are not stored",
        );
        return None;
    }
    if given.chars().any(|c| c.is_control() || text::is_unseen(c)) || given.trim() != given {
        let shown = text::visible(given.trim()).into_owned();
        about.change(
            "source",
            "it has characters that cannot be seen, which were made visible",
        );
        return Some(legible::value(shown).value);
    }
    if given.chars().count() > LONGEST_VALUE {
        about.refuse(
            "source",
            format!("it is longer than {LONGEST_VALUE} characters"),
        );
        return None;
    }
    Some(given.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags of a run that are fields.
    const FIELDS: &[&str] = &["mlflow.user"];

    fn pairs(given: &[(&str, &str)]) -> Vec<Pair> {
        given
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_not_as_it_was_is_told() {
        let mut about = About::new("run", "r1");
        let labels = labels(
            pairs(&[
                ("lr", "0.1"),
                ("loss\n", "a\0b"),
                ("", "x"),
                ("api_key", "hunter2"),
                ("repo", "https://bob:hunter2@host/x"),
                ("ssh", "ssh://git@host/x"),
                ("mlflow.user", "alice"),
                ("modeldeck.revision", "3"),
            ]),
            "tag",
            FIELDS,
            &mut about,
        );
        let keys: Vec<&str> = labels.keys().map(Key::as_str).collect();
        assert_eq!(keys, ["loss_u000a_", "lr", "ssh"]);
        assert_eq!((about.refused.len(), about.changed.len()), (3, 2));
        let told = format!("{about:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn two_keys_never_become_one() {
        let mut about = About::new("run", "r1");
        let given = pairs(&[("a\n", "replaced"), ("a_u000a_", "its own")]);
        let labels = labels(given, "param", &[], &mut about);
        assert_eq!(labels["a_u000a_"], "its own");
        assert_eq!(about.refused.len(), 1);

        let mut keys = MetricKeys::default();
        let histories = vec![
            ("a_u000a_".to_owned(), Vec::new()),
            ("a\n".to_owned(), Vec::new()),
        ];
        assert_eq!(keys.map(histories, &mut about).len(), 1);
        assert_eq!(about.refused.len(), 2);
    }
}
