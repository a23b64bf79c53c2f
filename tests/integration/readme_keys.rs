//! The README's table of keys is the table that dispatches; it is written anew with `MODELDECK_DRAW=1 cargo test readme_keys`.

use modeldeck::tui::keymap;
use std::fmt::Write as _;

const BEGIN: &str = "<!-- keys: made from the table that dispatches them -->\n";
const END: &str = "<!-- keys end -->\n";

fn section() -> String {
    let mut section = String::from("| where | keys | what |\n|---|---|---|\n");
    let mut before = "";
    for line in keymap::table() {
        // A context is named once; what follows belongs to it.
        let place = if line.context == before {
            ""
        } else {
            line.context
        };
        before = line.context;
        let keys = line.keys.replace('|', "\\|");
        writeln!(section, "| {place} | {keys} | {} |", line.help).unwrap();
    }
    section
}

#[test]
fn the_readme_tells_every_key_as_it_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (head, rest) = readme.split_once(BEGIN).expect("the keys begin");
    let (told, tail) = rest.split_once(END).expect("the keys end");
    let section = section();
    if std::env::var_os("MODELDECK_DRAW").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{section}{END}{tail}")).unwrap();
        return;
    }
    assert_eq!(
        told, section,
        "write them anew: MODELDECK_DRAW=1 cargo test readme_keys"
    );
}
