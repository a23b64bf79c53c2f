//! Which fields each kind of object has, what each takes, and what is near to a word that is none of them.
//!
//! The names are those of `filterable` and of `store::query`. Which keys objects carry is not known here: whoever asks tells.

use super::filter::{self, Filter, Op, Term, Test};
use super::text::visible;
use super::{
    ApprovalState, Deployment, DeploymentStatus, DriftEvent, DriftState, Environment,
    ExperimentStatus, Health, ModelExperiment, ModelRun, ModelVersion, RunStatus, Severity, Stage,
};

/// What a field is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    Text,
    /// The words of a vocabulary.
    Words(fn() -> Vec<&'static str>),
    Number,
    Time,
}

/// A field to filter and sort by.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub takes: Takes,
}

const fn field(name: &'static str, takes: Takes) -> Field {
    Field { name, takes }
}

const fn text(name: &'static str) -> Field {
    field(name, Takes::Text)
}

pub const fn number(name: &'static str) -> Field {
    field(name, Takes::Number)
}

pub const fn time(name: &'static str) -> Field {
    field(name, Takes::Time)
}

macro_rules! words {
    ($name:literal, $vocabulary:ty) => {
        field(
            $name,
            Takes::Words(|| {
                <$vocabulary>::ALL
                    .iter()
                    .map(|word| word.as_str())
                    .collect()
            }),
        )
    };
}

/// A kind of object that has fields.
pub trait Fields {
    /// Its fields, in groups so that a kind can have those of another and more.
    const FIELDS: &'static [&'static [Field]];
    /// What a key may have before it: `metrics.`, `params.`, `tags.`.
    const KEYED: &'static [&'static str];
}

impl Fields for ModelExperiment {
    const FIELDS: &'static [&'static [Field]] = &[&[
        text("name"),
        text("description"),
        text("owner"),
        words!("status", ExperimentStatus),
        time("created"),
        time("updated"),
    ]];
    const KEYED: &'static [&'static str] = &["tags."];
}

impl Fields for ModelRun {
    const FIELDS: &'static [&'static [Field]] = &[&[
        text("name"),
        text("run_id"),
        text("experiment"),
        words!("status", RunStatus),
        text("user"),
        text("host"),
        time("created"),
        time("started"),
        time("heartbeat"),
        time("ended"),
        time("updated"),
    ]];
    const KEYED: &'static [&'static str] = &["metrics.", "params.", "tags."];
}

/// The fields of a version, which other kinds have too.
pub const OF_A_VERSION: &[Field] = &[
    text("model"),
    text("version"),
    words!("stage", Stage),
    words!("approval", ApprovalState),
    text("alias"),
    text("run_id"),
    text("source"),
    text("registered_by"),
    text("description"),
    time("created"),
    time("updated"),
];

/// What is judged of a version under the policy, beside its approval state. No store and no version alone knows it.
pub const OF_A_REVIEW: &[Field] = &[number("items"), number("approvals"), time("waiting")];

impl Fields for ModelVersion {
    const FIELDS: &'static [&'static [Field]] = &[OF_A_VERSION, OF_A_REVIEW];
    const KEYED: &'static [&'static str] = &["metrics.", "params.", "tags."];
}

impl Fields for DriftEvent {
    const FIELDS: &'static [&'static [Field]] = &[&[
        text("event_id"),
        text("model"),
        text("version"),
        words!("environment", Environment),
        text("metric"),
        words!("severity", Severity),
        words!("state", DriftState),
        number("baseline"),
        number("observed"),
        number("score"),
        number("count"),
        time("first_seen"),
        time("last_seen"),
        text("note"),
    ]];
    const KEYED: &'static [&'static str] = &[];
}

impl Fields for Deployment {
    const FIELDS: &'static [&'static [Field]] = &[&[
        text("deployment_id"),
        text("model"),
        text("version"),
        words!("environment", Environment),
        words!("status", DeploymentStatus),
        words!("health", Health),
        text("endpoint"),
        text("deployed_by"),
        text("reason"),
        text("rollback_from"),
        time("created"),
        time("since"),
        time("activated"),
        time("ended"),
    ]];
    const KEYED: &'static [&'static str] = &[];
}

/// All fields of a kind.
pub fn all<T: Fields>() -> impl Iterator<Item = &'static Field> + Clone {
    T::FIELDS.iter().copied().flatten()
}

/// The field with this name.
pub fn find<T: Fields>(name: &str) -> Option<&'static Field> {
    all::<T>().find(|field| field.name == name)
}

/// Whether a name says by what stands before it that it is a key.
pub fn names_a_key<T: Fields>(name: &str) -> bool {
    let mut kinds = T::KEYED.iter();
    kinds.any(|kind| name.len() > kind.len() && name.starts_with(kind))
}

/// The word that is most like another, where one is like it at all.
pub fn nearest<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_lowercase(), &word);
    among
        .into_iter()
        // A single letter is like too many words.
        .filter(|known| known.len() > 1)
        .map(|known| (likeness(known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

/// That there is no field of a name, and which is near to it. `keys` are those that objects are known to carry.
pub fn unknown<'a, T: Fields>(name: &str, keys: impl IntoIterator<Item = &'a str>) -> String {
    let names = all::<T>().map(|field| field.name);
    let hint = match nearest(name, names.clone().chain(keys)) {
        Some(near) => format!("'{}' is near", visible(near)),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("there is no field '{}'; {hint}", visible(name))
}

/// Why a filter hardly means what it says: a field that nothing has, or a value that its field cannot have. `keys` are those
/// that objects are known to carry.
pub fn doubt<T: Fields>(filter: &Filter, keys: &[&str]) -> Option<String> {
    filter
        .terms
        .iter()
        .find_map(|term| doubt_of_term::<T>(term, keys))
}

fn doubt_of_term<T: Fields>(term: &Term, keys: &[&str]) -> Option<String> {
    let Test::Field { field, op, value } = &term.test else {
        return None;
    };
    let Some(known) = find::<T>(field) else {
        let is_key = names_a_key::<T>(field) || keys.contains(&field.as_str());
        return (!is_key).then(|| unknown::<T>(field, keys.iter().copied()));
    };
    if value.is_empty() {
        return None;
    }
    let is_order = !matches!(op, Op::Contains | Op::Equal | Op::NotEqual);
    match known.takes {
        Takes::Words(words) => {
            let words = words();
            let fits = |word: &&str| match op {
                Op::Contains => word.to_lowercase().contains(&value.to_lowercase()),
                _ => word.eq_ignore_ascii_case(value),
            };
            if is_order {
                return Some(format!("{field} takes ':' and '=' only"));
            }
            let is_one = words.iter().any(fits);
            (!is_one).then(|| {
                format!(
                    "{field} is none of '{}'; it is {}",
                    visible(value),
                    words.join(", ")
                )
            })
        }
        Takes::Number if filter::number(value).is_none() => Some(format!(
            "{field} is a number, and '{}' is none",
            visible(value)
        )),
        Takes::Time if filter::time(value).is_none() => Some(format!(
            "{field} is a time, and '{}' is none: 2026-11-01",
            visible(value)
        )),
        Takes::Text if is_order => Some(format!("{field} is a text, so < and > mean nothing")),
        Takes::Text | Takes::Number | Takes::Time => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubted(filter: &str) -> Option<String> {
        doubt::<ModelRun>(&Filter::parse(filter).unwrap(), &["val/auc", "lr"])
    }

    #[test]
    fn what_means_something_is_not_doubted() {
        for filter in [
            "lgbm",
            "status:run",
            "status=running !status:failed",
            "status!=failed",
            "val/auc>0.9 lr>=0.01",
            "metrics.rare>1 tags.team=",
            "started>2026-11-01",
            "user=",
        ] {
            assert_eq!(doubted(filter), None, "{filter}");
        }
    }

    #[test]
    fn what_means_nothing_is_told_with_what_is_near() {
        for (filter, told) in [
            ("stauts:running", "'status' is near"),
            ("val/acu>0.9", "'val/auc' is near"),
            ("zzz=1", "there are name, run_id"),
            ("status:foo", "it is PENDING, RUNNING"),
            ("status>3", "takes ':' and '='"),
            ("started:yesterday", "2026-11-01"),
            ("name>3", "is a text"),
        ] {
            let doubt = doubted(filter).unwrap_or_default();
            assert!(doubt.contains(told), "{filter}: {doubt}");
        }
        let score = Filter::parse("score:high").unwrap();
        let doubt = doubt::<DriftEvent>(&score, &[]).unwrap();
        assert!(doubt.contains("is a number"), "{doubt}");
    }

    #[test]
    fn objects_answer_to_their_own_fields() {
        use crate::domain::filter::Filterable as _;
        let event: DriftEvent = serde_json::from_value(serde_json::json!({
            "event_id": "1", "model_name": "fraud", "version": "1", "environment": "DEV", "metric": "accuracy",
            "baseline": 1.0, "observed": 0.5, "score": 0.5, "threshold": null, "baseline_size": null, "observed_size": null,
            "severity": "HIGH", "state": "OPEN", "count": 1, "first_seen_at": "2026-11-01T00:00:00Z",
            "last_seen_at": "2026-11-01T00:00:00Z", "note": "x", "decided_by": null, "updated_at": "2026-11-01T00:00:00Z", "revision": 1,
        }))
        .unwrap();
        for field in all::<DriftEvent>() {
            assert_eq!(event.field(field.name).len(), 1, "{}", field.name);
        }
    }
}
