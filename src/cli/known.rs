//! Names of objects that are there already, as arguments.
//!
//! Colleagues make objects on a server with MLflow's client, whose names need not obey the rules that names made here obey: control characters, invisible ones, names
//! that are longer. Such an object is addressed by its name as it is, or as lists show it (`evil␛[31m`). A name that holds one of the signs that stand for a
//! hidden character is given as it is shown, too.

use crate::domain::{ExperimentName, InvalidName, ModelName, text};

/// The name of a model that is there.
pub fn model(given: &str) -> Result<ModelName, InvalidName> {
    known(given, ModelName::new, ModelName::trusted)
}

/// The name of an experiment that is there.
pub fn experiment(given: &str) -> Result<ExperimentName, InvalidName> {
    known(given, ExperimentName::new, |name| {
        ExperimentName::trusted(name)
    })
}

fn known<T>(
    given: &str,
    new: impl Fn(&str) -> Result<T, InvalidName>,
    trusted: impl Fn(String) -> T,
) -> Result<T, InvalidName> {
    if let Some(meant) = text::hidden(given) {
        return Ok(trusted(meant));
    }
    new(given).or_else(|error| {
        if given.is_empty() {
            Err(error)
        } else {
            Ok(trusted(given.to_owned()))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_as_it_is_and_as_it_is_shown() {
        for (given, meant) in [
            ("fraud", "fraud"),
            ("evil\u{1b}[31m model", "evil\u{1b}[31m model"),
            ("evil␛[31m model", "evil\u{1b}[31m model"),
            ("a⟨U+202E⟩b", "a\u{202e}b"),
            ("a⟨b", "a⟨b"),
        ] {
            assert_eq!(model(given).unwrap().as_str(), meant, "{given:?}");
        }
        assert!(experiment("").is_err());
    }
}
