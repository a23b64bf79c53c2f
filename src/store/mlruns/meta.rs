//! The top level of a `meta.yaml`: names with one value each. What is nested in it stands in files of its own as well, and is passed over.
//!
//! Only events of the YAML are looked at and nothing is built of them, so a file that names itself a thousand times costs no more than its length.

use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read as _, Result as Io};
use std::path::Path;

/// MLflow's own are below a kilobyte, but for descriptions.
const LONGEST: u64 = 1024 * 1024;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Meta(BTreeMap<String, String>);

impl Meta {
    pub(super) fn read(path: &Path) -> Io<Self> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(Error::new(ErrorKind::FileTooLarge, "it is too long"));
        }
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Io<Self> {
        let (mut depth, mut found, mut key) = (0_usize, BTreeMap::new(), None);
        for event in Parser::new_from_str(text) {
            let (event, _) = event.map_err(|error| {
                Error::new(
                    ErrorKind::InvalidData,
                    format!("it is no sound YAML: {error}"),
                )
            })?;
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    depth += 1;
                    // What is nested is the value of the name before it.
                    if depth == 2 {
                        key = None;
                    }
                }
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                Event::Scalar(text, style, ..) if depth == 1 => match key.take() {
                    None => key = Some(text.into_owned()),
                    Some(name) => {
                        let is_null = style == ScalarStyle::Plain
                            && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                        if !is_null {
                            found.insert(name, text.into_owned());
                        }
                    }
                },
                Event::Alias(_) if depth == 1 => key = None,
                _ => {}
            }
        }
        Ok(Self(found))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a name; empty where there is none.
    pub(super) fn text(&self, name: &str) -> String {
        self.0.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let meta = Meta::parse(
            "aliases:\n  champion: '1'\nlist:\n- a\n- b: c\ndescription: 'desc\n\n  of: model'\nend_time: null\nexperiment_id: '0'\nname: fraud \u{fc}n\u{ef}\nquoted: \"\\e[2J\\u202e\"\nrun_name: 'first: ''quoted'''\nstart_time: 1795462333843\ntags: []\nword: 'null'\n",
        )
        .unwrap();
        for (name, text) in [
            ("description", "desc\nof: model"),
            ("name", "fraud \u{fc}n\u{ef}"),
            ("quoted", "\u{1b}[2J\u{202e}"),
            ("run_name", "first: 'quoted'"),
            ("experiment_id", "0"),
            ("word", "null"),
            ("tags", ""),
            ("aliases", ""),
        ] {
            assert_eq!(meta.text(name), text, "{name}");
        }
        assert_eq!(meta.whole("start_time"), Some(1_795_462_333_843));
        assert!(meta.whole("end_time").is_none() && !meta.has("end_time"));
    }

    #[test]
    fn what_is_no_yaml_is_an_error_and_no_panic() {
        for bad in ["a: [", "\t:", "'", "{{{{", "&a *a", "- ]", "a: b: c", "\0"] {
            let _whatever = Meta::parse(bad);
        }
        assert!(Meta::parse("a: [").is_err());
        let names: Vec<String> = (0..1000)
            .map(|n| format!("b{n}: &b{n} [*a,*a]\n"))
            .collect();
        let bomb = format!("a: &a [x,x]\n{}", names.concat());
        assert!(Meta::parse(&bomb).is_ok_and(|meta| !meta.has("a")));
        let deep = "[".repeat(200_000);
        assert!(Meta::parse(&deep).is_err());
    }
}
