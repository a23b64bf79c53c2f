//! Text from outside is harmless in every output: nothing that a terminal obeys, and no two names that look alike.

use crate::support::{Done, Home};

/// What a hostile name, note or value may hold.
const CORPUS: &[&str] = &[
    "a\u{1b}[2J\u{1b}[31mb",
    "a\rb",
    "a\nerror: forged\nhint: obey",
    "a\u{7}\u{8}b",
    "a\u{1b}]52;c;ZXZpbA==\u{7}b",
    "a\u{1b}]0;title\u{1b}\\b",
    "a\u{9b}2Jb\u{90}q\u{9c}",
    "ad\u{200b}min",
    "ad\u{202e}nim\u{2066}",
    "a\u{2028}b\u{2029}c\u{85}d",
    "a\u{7f}b\u{feff}\u{e0041}",
    "a\u{a0}b\u{3000}c\u{2800}",
];

fn harmless(text: &str, what: &str) {
    for c in text.chars() {
        let bad = (c.is_control() && c != '\n') || modeldeck::domain::text::is_unseen(c);
        assert!(!bad, "{what}: {c:?} in {text:?}");
    }
}

fn check(done: &Done, what: &str) {
    harmless(&done.stdout, what);
    harmless(&done.stderr, what);
    assert!(
        !done
            .stderr
            .lines()
            .skip(1)
            .any(|line| line.starts_with("error:")),
        "{what}: a forged line in {:?}",
        done.stderr
    );
}

/// A command that has to succeed, and to say nothing harmful.
fn deck(home: &Home, args: &[&str]) -> String {
    let done = home.deck(args).success();
    check(&done, &format!("{args:?}"));
    done.stdout.trim_end().to_owned()
}

/// Puts a text wherever free text may stand, and returns the ids of a drift event and a deployment.
fn write_everywhere(home: &Home, text: &str) -> (String, String) {
    let tag = format!("k={text}");
    for args in [
        &[
            "experiment",
            "create",
            "e",
            "--description",
            text,
            "--tag",
            &tag,
        ][..],
        &[
            "experiment",
            "update",
            "e",
            "--reason",
            text,
            "--description",
            text,
        ],
        &[
            "run",
            "log",
            "--experiment",
            "e",
            "--run-id",
            "r1",
            "--param",
            &tag,
            "--tag",
            &tag,
            "--metric",
            "m=1",
        ],
        &[
            "run",
            "log",
            "--experiment",
            "e",
            "--run-id",
            "r2",
            "--param",
            "k=1",
        ],
        &[
            "model",
            "register",
            "m",
            "--description",
            text,
            "--param",
            &tag,
            "--tag",
            &tag,
            "--item",
            "i",
        ],
        &["model", "stage", "m", "1", "Staging", "--reason", text],
        &[
            "approval", "mark", "m", "1", "i", "approved", "--note", text,
        ],
        &["approval", "reject", "m", "1", "--notes", text],
        &["policy", "set", "production.quorum", "2", "--reason", text],
    ] {
        deck(home, args);
    }
    let record = "drift record --model m --version 1 --metric a --baseline 1 --observed 0.5 --note";
    let event = deck(home, &record.split(' ').chain([text]).collect::<Vec<_>>());
    deck(home, &["drift", "ack", &event, "--note", text]);
    let create = "deployment create --model m --version 1 --environment dev --endpoint http://h";
    let flags = ["--endpoint-option", &tag, "--reason", text];
    let deployment = deck(home, &create.split(' ').chain(flags).collect::<Vec<_>>());
    (event, deployment)
}

#[test]
fn free_texts_are_shown_harmlessly_everywhere() {
    for text in CORPUS {
        let home = Home::new();
        let (event, deployment) = write_everywhere(&home, text);
        for args in [
            &["experiment", "list"][..],
            &["experiment", "show", "e"],
            &["run", "list"],
            &["run", "show", "r1"],
            &["run", "compare", "r1", "r2"],
            &["model", "list"],
            &["model", "show", "m", "1"],
            &["approval", "list", "--all"],
            &["approval", "show", "m", "1"],
            &["drift", "list"],
            &["drift", "show", &event],
            &["deployment", "list"],
            &["deployment", "show", &deployment],
            &["audit", "list"],
            &["run", "list", "--filter", &format!("\"{text}\"")],
        ] {
            deck(&home, args);
            let json = home.deck(args).args(["--json"]).success();
            check(&json, &format!("{args:?} --json"));
            json.json();
        }
        // The text itself is kept as it was given.
        assert_eq!(home.json("run show r1")["params"]["k"], *text);
        let shown = deck(&home, &["run", "show", "r1"]);
        assert!(!shown.contains(&format!("k  {text}\n")), "{shown}");
    }
}

#[test]
fn names_with_such_characters_are_refused_and_shown_harmlessly() {
    for text in CORPUS {
        let home = Home::new();
        home.run("experiment create e");
        home.run("model register m");
        for args in [
            &["experiment", "create", text][..],
            &["experiment", "show", text],
            &["experiment", "create", "x", "--owner", text],
            &["run", "log", "--experiment", "e", "--name", text],
            &["run", "log", "--experiment", "e", "--run-id", text],
            &[
                "run",
                "log",
                "--experiment",
                "e",
                "--param",
                &format!("{text}=1"),
            ],
            &[
                "run",
                "log",
                "--experiment",
                "e",
                "--metric",
                &format!("m={text}"),
            ],
            &["run", "show", text],
            &["run", "list", "--status", text],
            &["run", "list", "--sort", text],
            &["run", "list", "--limit", text],
            &["model", "register", text],
            &["model", "register", "m", "--version", text],
            &["model", "register", "m", "--source", text],
            &["model", "alias", "m", "1", text],
            &["approval", "add", "m", "1", text],
            &["drift", "show", text],
            &["deployment", "show", text],
            &["policy", "set", text, "1"],
            &["policy", "set", "production.quorum", text],
            &[text],
            &["run", text],
            &["run", "list", text],
            &[&format!("--{text}")],
            &["--config", text, "run", "list"],
        ] {
            // A bare word may be a metric's key to sort by, and a colleague's experiment on a server may have any name; every other one is refused, and all
            // are harmless.
            let code = match args {
                ["run", "list", "--sort", _] => 0,
                ["experiment", "show", _] => 5,
                _ => 2,
            };
            let done = home.deck(args).code(code);
            check(&done, &format!("{args:?}"));
            let json = home.deck(["--json"]).args(args);
            check(&json.code(code), &format!("{args:?} --json"));
        }
    }
}

#[test]
fn a_path_with_such_characters_is_shown_harmlessly() {
    for text in CORPUS {
        let home = Home::new();
        let path = format!("dir/{}", text.replace('/', ""));
        check(
            &home
                .deck(["--store", &path, "experiment", "create", "e"])
                .success(),
            "create",
        );
        check(
            &home.deck(["--store", &path, "store", "info"]).success(),
            "info",
        );
        check(&home.deck(["--store", &path, "doctor"]).success(), "doctor");
        check(&home.deck(["--store", &path, "config"]).success(), "config");
        check(
            &home.deck(["--store", &path, "config", "--json"]).success(),
            "config --json",
        );
        check(&home.deck(["store", "init", &path]).code(6), "init");
    }
}
