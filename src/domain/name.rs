//! Names and ids: checked once at the border, then carried as types.

use super::text;
use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in characters; MLflow's limit for keys too.
pub const LONGEST_NAME: usize = 250;

/// Why a text cannot be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} '{}' {problem}", text::visible(given))]
pub struct InvalidName {
    pub what: &'static str,
    pub given: String,
    pub problem: &'static str,
}

/// Checks the rules that every name obeys and brings it to Unicode normal form C.
fn checked(what: &'static str, given: &str) -> Result<String, InvalidName> {
    let wrong = |problem| {
        Err(InvalidName {
            what,
            given: given.chars().take(60).collect(),
            problem,
        })
    };
    if given.is_empty() {
        return wrong("is empty; it needs 1 to 250 characters");
    }
    if given.trim() != given {
        return wrong("starts or ends with a space");
    }
    if given.chars().any(char::is_control) {
        return wrong("has a control character");
    }
    if given.chars().any(text::is_unseen) {
        return wrong("has a character that cannot be seen");
    }
    let name: String = given.nfc().collect();
    if name.chars().count() > LONGEST_NAME {
        return wrong("is longer than 250 characters");
    }
    Ok(name)
}

/// The extra rule of keys, which is MLflow's: a clean relative path of letters, digits and `_ - . : /` or space.
fn checked_key(what: &'static str, given: &str) -> Result<String, InvalidName> {
    let key = checked(what, given)?;
    let wrong = |problem| {
        Err(InvalidName {
            what,
            given: given.to_owned(),
            problem,
        })
    };
    if key
        .chars()
        .any(|c| !(c.is_alphanumeric() || "_-. :/".contains(c)))
    {
        return wrong("may hold letters, digits, space and _ - . : / only");
    }
    if key
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return wrong("is not a clean path: '/' separates parts that are neither empty nor dots");
    }
    Ok(key)
}

/// The extra rule of ids that stand in commands and paths.
fn checked_id(what: &'static str, given: &str) -> Result<String, InvalidName> {
    let id = checked(what, given)?;
    if id.starts_with(['-', '.'])
        || !id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.:".contains(c))
    {
        let problem =
            "may hold ASCII letters, digits and _ - . : only, and not start with '-' or '.'";
        return Err(InvalidName {
            what,
            given: given.to_owned(),
            problem,
        });
    }
    Ok(id)
}

macro_rules! name {
    ($(#[$meta:meta])* $name:ident, $what:literal, $check:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Checks and normalises.
            pub fn new(given: &str) -> Result<Self, InvalidName> {
                $check($what, given).map(Self)
            }

            /// Takes what a store handed out, which was checked when it went in.
            pub fn trusted(stored: impl Into<String>) -> Self {
                Self(stored.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&text::visible(&self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;

            fn from_str(given: &str) -> Result<Self, InvalidName> {
                Self::new(given)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(ExperimentName, "experiment name", checked);
name!(ModelName, "model name", checked);
name!(
    /// The version of a model: given by whoever registers it, else the next number.
    Version, "version", checked_id);
name!(
    /// The key of a metric, a param or a tag.
    Key, "key", checked_key);
name!(
    /// A movable name of one version of a model.
    Alias, "alias", checked_id);
name!(
    /// The name of a checklist item, unique on its version.
    ItemName, "checklist item", checked);
name!(
    /// Made here it is 32 hexadecimal digits that sort by time, as MLflow's ids look; a script may bring its own.
    RunId, "run id", checked_id);
name!(DeploymentId, "deployment id", checked_id);
name!(DriftEventId, "drift event id", checked_id);

/// Checks a run's name, which need not be unique and so has no type of its own.
pub fn run_name(given: &str) -> Result<String, InvalidName> {
    checked("run name", given)
}

/// Checks the name of an owner: a person, a team or whatever else people say.
pub fn owner(given: &str) -> Result<String, InvalidName> {
    checked("owner", given)
}

/// A fresh id: UUID version 7, so that ids sort by the time they were made.
fn fresh() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

impl RunId {
    #[must_use]
    pub fn fresh() -> Self {
        Self(fresh())
    }
}

impl DeploymentId {
    #[must_use]
    pub fn fresh() -> Self {
        Self(fresh())
    }
}

impl DriftEventId {
    #[must_use]
    pub fn fresh() -> Self {
        Self(fresh())
    }
}

/// The last characters of an id, which is where ids made in one second differ.
pub fn short_id(id: &str) -> &str {
    let start = id.char_indices().rev().nth(7).map_or(0, |(at, _)| at);
    &id[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_normalised() {
        assert_eq!(ModelName::new("cafe\u{301}").unwrap().as_str(), "caf\u{e9}");
        assert!(ModelName::new(&"x".repeat(250)).is_ok());
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\u{200b}b",
            "\u{202e}a",
            &"x".repeat(251),
        ] {
            assert!(ModelName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn keys_follow_mlflow() {
        for good in ["loss", "val/auc", "a.b-c_d e:f"] {
            assert!(Key::new(good).is_ok(), "{good}");
        }
        for bad in ["a=b", "a@b", "/a", "a//b", "../a", "."] {
            assert!(Key::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_safe_in_commands_and_paths() {
        assert!(RunId::new("r1").is_ok());
        for bad in ["-r", "../x", "a/b", "a b", ".."] {
            assert!(RunId::new(bad).is_err(), "{bad}");
        }
        assert_eq!(RunId::fresh().as_str().len(), 32);
        assert_eq!(short_id("0123456789"), "23456789");
    }
}
