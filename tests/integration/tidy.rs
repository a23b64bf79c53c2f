//! The shape of the source, checked by reading it: who may know whom, sizes, and what each file says first.

use std::fs;
use std::path::{Path, PathBuf};

/// Code below `part` may name no module that begins with one of `never`, nor any of these words.
struct Edge {
    part: &'static str,
    never: &'static [&'static str],
}

/// The arrows of architecture.md section 3, as what they forbid.
const EDGES: &[Edge] = &[
    Edge {
        part: "src/domain",
        never: &[
            "crate::store",
            "crate::service",
            "crate::cli",
            "crate::tui",
            "crate::config",
            "crate::logging",
            "crate::ingest",
            "rusqlite",
            "tokio",
            "ratatui",
            "crossterm",
            "clap",
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
        ],
    },
    Edge {
        part: "src/store",
        never: &[
            "crate::service",
            "crate::cli",
            "crate::tui",
            "crate::config",
            "crate::logging",
            "ratatui",
            "clap",
        ],
    },
    Edge {
        part: "src/service",
        never: &[
            "crate::cli",
            "crate::tui",
            "crate::config",
            "crate::logging",
            "rusqlite",
            "ratatui",
            "crossterm",
            "clap",
        ],
    },
    Edge {
        part: "src/demo",
        never: &[
            "crate::cli",
            "crate::tui",
            "crate::config",
            "rusqlite",
            "ratatui",
            "clap",
        ],
    },
    Edge {
        part: "src/ingest",
        never: &[
            "crate::cli",
            "crate::tui",
            "crate::config",
            "rusqlite",
            "ratatui",
            "clap",
        ],
    },
    Edge {
        part: "src/exec",
        never: &[
            "crate::cli",
            "crate::tui",
            "crate::config",
            "rusqlite",
            "ratatui",
            "clap",
        ],
    },
    Edge {
        part: "src/config",
        never: &[
            "crate::cli",
            "crate::tui",
            "crate::logging",
            "rusqlite",
            "ratatui",
            "clap",
        ],
    },
    Edge {
        part: "src/logging",
        never: &["crate::"],
    },
    Edge {
        part: "src/cli",
        never: &[
            "ratatui",
            "rusqlite",
            "crate::store::sqlite",
            "crate::tui::app",
            "crate::tui::panes",
            "crate::tui::widgets",
        ],
    },
    Edge {
        part: "src/tui",
        never: &["crate::cli", "rusqlite", "crate::store::sqlite"],
    },
    Edge {
        part: "src/tui/app",
        never: &["crate::service", "tokio"],
    },
    Edge {
        part: "src/tui/panes",
        never: &["crate::service", "tokio"],
    },
    Edge {
        part: "src/tui/widgets",
        never: &[
            "crate::service",
            "crate::store",
            "tokio",
            "crate::tui::app",
            "crate::tui::panes",
        ],
    },
];

/// What only some files may name.
const ONLY: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/sqlite"]),
    ("ratatui", &["src/tui"]),
    ("color_eyre", &["src/main.rs"]),
    // Only the service's opening names a concrete store, and that of an import's source MLflow's file.
    (
        "crate::store::sqlite",
        &[
            "src/service.rs",
            "src/service/import/open.rs",
            "src/store/sqlite",
            "src/store.rs",
        ],
    ),
];

struct Source {
    /// Relative to the crate, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether it is the file of a module or lies below it.
    fn is_in(&self, part: &str) -> bool {
        self.path == part
            || self.path == format!("{part}.rs")
            || self.path.starts_with(&format!("{part}/"))
    }

    /// The code without comments, and with every nested `use` written out, so that paths can be looked for as text.
    fn paths(&self) -> Vec<String> {
        let code: Vec<&str> = self
            .text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        let code = code.join("\n");
        let mut paths = Vec::new();
        for statement in code.split(';') {
            let is_use = statement
                .lines()
                .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("#["))
                .map(str::trim_start)
                .and_then(|line| {
                    ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
                        .iter()
                        .find_map(|start| line.strip_prefix(start))
                        .map(|_| ())
                });
            if is_use.is_some() {
                let at = statement.find("use ").unwrap() + 4;
                expand("", statement[at..].trim(), &mut paths);
            } else {
                paths.extend(inline_paths(statement));
            }
        }
        paths
    }
}

/// `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some(open) = tree.find('{') else {
        paths.push(format!("{prefix}{}", tree.trim()));
        return;
    };
    let head = format!("{prefix}{}", tree[..open].trim());
    let inner = tree[open + 1..].trim_end().trim_end_matches('}');
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&head, inner[start..at].trim(), paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        expand(&head, inner[start..].trim(), paths);
    }
}

/// Paths that stand in code: words joined by `::`.
fn inline_paths(code: &str) -> Vec<String> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| word.contains("::"))
        .map(|word| word.trim_matches(':').to_owned())
        .collect()
}

fn names(path: &str, module: &str) -> bool {
    match module.strip_suffix("::") {
        Some(_) => path.starts_with(module),
        None => path == module || path.starts_with(&format!("{module}::")),
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source {
                    path: path
                        .strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    assert!(found.len() > 5, "the source is where the test looks for it");
    found
}

#[test]
fn nobody_knows_what_they_must_not() {
    let mut broken = Vec::new();
    for source in sources("src") {
        // Tests may use more than what they test.
        if source.path.ends_with("tests.rs") {
            continue;
        }
        let paths = source.paths();
        for edge in EDGES.iter().filter(|edge| source.is_in(edge.part)) {
            for module in edge.never {
                if let Some(path) = paths.iter().find(|path| names(path, module)) {
                    broken.push(format!(
                        "{} names {path}, and {} must not know {module}",
                        source.path, edge.part
                    ));
                }
            }
        }
        for (module, allowed) in ONLY {
            let may = allowed.iter().any(|part| source.is_in(part));
            if let Some(path) = paths.iter().find(|path| !may && names(path, module)) {
                broken.push(format!(
                    "{} names {path}, which only {} may",
                    source.path,
                    allowed.join(", ")
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_has_an_end() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests"] {
        for source in sources(folder) {
            let lines = source.text.lines().count();
            if lines >= 500 {
                wrong.push(format!(
                    "{} has {lines} lines; look for the second subject in it",
                    source.path
                ));
            }
            if !source.text.starts_with("//! ") {
                wrong.push(format!(
                    "{} does not open with //! and what it is for",
                    source.path
                ));
            }
            if source.path.ends_with("/mod.rs") {
                wrong.push(format!("{} is a mod.rs", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not hold them itself.
    let marks = [
        ["TO", "DO"],
        ["FIX", "ME"],
        ["unimple", "mented!"],
        ["to", "do!("],
        ["#[ig", "nore"],
    ]
    .map(|[a, b]| format!("{a}{b}"));
    let mut found = Vec::new();
    for folder in ["src", "tests"] {
        for source in sources(folder) {
            for mark in &marks {
                if source.text.contains(mark.as_str()) {
                    found.push(format!("{} holds {mark}", source.path));
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn nested_uses_are_read_as_paths() {
    let source = Source {
        path: "src/x.rs".to_owned(),
        text: "//! X.\nuse crate::{\n    domain::{Key, text},\n    store::sqlite::SqliteStore,\n};\npub use a::b;\n// crate::no\nfn f() { let x = crate::service::open(tokio::spawn(1)); }\n".to_owned(),
    };
    let paths = source.paths();
    for path in [
        "crate::domain::Key",
        "crate::domain::text",
        "crate::store::sqlite::SqliteStore",
        "a::b",
        "crate::service::open",
        "tokio::spawn",
    ] {
        assert!(
            paths.iter().any(|found| found == path),
            "{path} in {paths:?}"
        );
    }
    assert!(!paths.iter().any(|path| path.starts_with("crate::no")));
}
