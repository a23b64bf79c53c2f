//! The table of keys holds what is promised of it.

use super::*;
use std::collections::HashSet;

#[test]
fn every_key_parses_and_none_is_bound_twice_in_a_context() {
    let mut seen = HashSet::new();
    for binding in BINDINGS {
        assert!(!binding.keys.is_empty(), "{:?}", binding.action);
        for spelled in binding.keys {
            let keys = key::sequence(spelled).unwrap();
            assert!(keys.len() <= 2, "{spelled}");
            assert!(
                seen.insert((binding.context, keys)),
                "'{spelled}' twice in {:?}",
                binding.context
            );
        }
    }
}

#[test]
fn no_key_is_the_beginning_of_another_in_its_context() {
    for (context, keys) in Keymap::default().actions.keys() {
        let prefix = (*context, keys[..keys.len() - 1].to_vec());
        assert!(
            keys.len() == 1 || !Keymap::default().actions.contains_key(&prefix),
            "{keys:?} in {context:?} can never be typed"
        );
    }
}

#[test]
fn help_is_a_short_phrase_in_lower_case() {
    for binding in BINDINGS {
        let first = binding.help.chars().next().unwrap();
        assert!(!first.is_uppercase(), "{}", binding.help);
        assert!(!binding.help.ends_with('.'), "{}", binding.help);
        assert!(binding.help.len() <= 50, "{}", binding.help);
        let hint = binding.hint.unwrap_or_default();
        assert!(hint.len() <= 10 && hint.to_lowercase() == hint, "{hint}");
    }
}

#[test]
fn nothing_that_matters_needs_a_key_that_keyboards_hide() {
    for binding in BINDINGS {
        let reachable = binding
            .keys
            .iter()
            .any(|keys| !keys.contains(['[', ']', '{', '}', '\\', '`', '~', '@', '#', '|', '^']));
        assert!(reachable, "{:?}", binding.keys);
    }
}

#[test]
fn the_topmost_context_that_knows_a_key_has_it() {
    let keymap = Keymap::default();
    let keys = |spelled| key::sequence(spelled).unwrap();
    let contexts = [Context::Runs, Context::List, Context::Screen];
    assert_eq!(
        keymap.lookup(&contexts, &keys("r")),
        Found::Action(Action::Register)
    );
    assert_eq!(
        keymap.lookup(&[Context::List, Context::Screen], &keys("r")),
        Found::Nothing
    );
    assert_eq!(keymap.lookup(&contexts, &keys("g")), Found::Begins);
    assert_eq!(
        keymap.lookup(&contexts, &keys("g g")),
        Found::Action(Action::First)
    );
    assert_eq!(keymap.lookup(&contexts, &keys("g z")), Found::Nothing);
}

#[test]
fn the_table_for_people_shows_every_binding() {
    let table = table();
    assert_eq!(table.len(), BINDINGS.len());
    assert!(
        table
            .iter()
            .any(|line| line.keys == "j, ↓" && line.help == "next row")
    );
}
