//! The story by keys alone, each person at a terminal of their own, while a third one watches.

use super::{APPROVER, CHECKED_BY_APPROVER, CHECKED_BY_ENGINEER, ENGINEER, GROUP, Host, mirrored};
use crate::support::is_root;
use crate::support::pty::Pty;
use std::path::Path;
use std::time::Duration;

/// A person in front of the screen.
pub(super) struct Screen {
    pub(super) pty: Pty,
}

const HOME_KEY: &str = "\u{1b}[H";
const RIGHT: &str = "\u{1b}[C";
const TAB: &str = "\t";
const BACK_TAB: &str = "\u{1b}[Z";
const CLEAR: &str = "\u{15}";
pub(super) const ENTER: &str = "\r";
pub(super) const ESC: &str = "\u{1b}";

/// Becomes another user and then the program.
const AS_USER: &str = "import os,sys\nos.setgroups([])\nos.setgid(int(sys.argv[1]))\nos.setuid(int(sys.argv[2]))\nos.execv(sys.argv[3], sys.argv[3:])";

impl Screen {
    fn of(host: &Host, name: &str, uid: u32, flags: &[&str]) -> Self {
        let (program, store) = (env!("CARGO_BIN_EXE_modeldeck"), host.store.as_str());
        let path = std::env::var("PATH").unwrap();
        let home = host.home.path().join(name);
        let tracked = host.tracked();
        let mut environment = vec![("PATH", path.as_str())];
        environment.extend(tracked.as_deref().map(|uri| ("MLFLOW_TRACKING_URI", uri)));
        let opened = [&["--store", store], flags].concat();
        let size = (150, 45);
        let pty = if is_root() {
            let (group, user) = (GROUP.to_string(), uid.to_string());
            let arguments = [&["-c", AS_USER, &group, &user, program], &opened[..]].concat();
            Pty::start(Path::new("python3"), &arguments, &environment, &home, size)
        } else {
            Pty::start(Path::new(program), &opened, &environment, &home, size)
        };
        let screen = Self { pty };
        screen.sees("Experiments · 1");
        screen
    }

    pub(super) fn sees(&self, text: &str) {
        self.pty.wait_for(text);
    }

    pub(super) fn sees_no_more(&self, text: &str) {
        let what = format!("no '{text}'");
        self.pty.wait_until(&what, |pty| !pty.text().contains(text));
    }

    pub(super) fn press(&mut self, keys: &str) {
        self.pty.send(keys);
    }

    /// Opens a tab and goes to its first row.
    fn open(&mut self, tab: &str, title: &str) {
        self.press(tab);
        self.sees(title);
        // On a server the rows may come after their number.
        if !title.ends_with(" 0") {
            self.sees("▸ ");
        }
        self.press(HOME_KEY);
    }

    /// Waits for the row of the newest version and goes to it.
    fn selects_first(&mut self, version: &str) {
        self.sees(&format!("iris     {version} "));
        self.press(HOME_KEY);
        self.sees(&format!("▸ iris     {version} "));
    }

    /// Presses a key for a form, and again where it was taken for the rest of what was typed into the form before.
    fn asks_for(&mut self, key: &str, title: &str) {
        for _ in 0..4 {
            self.press(key);
            let is_there = |pty: &Pty| pty.text().contains(title);
            if self.pty.comes_about(Duration::from_secs(12), is_there) {
                return;
            }
        }
        self.sees(title);
    }

    /// Opens a form, types into it and sends it.
    fn fill(&mut self, key: &str, title: &str, typed: &[&str]) {
        self.asks_for(key, title);
        for keys in typed {
            self.press(keys);
        }
        self.press(ENTER);
    }

    /// The same, and then types the model's name, as every change of production asks.
    fn fill_and_confirm(&mut self, key: &str, title: &str, typed: &[&str]) {
        self.fill(key, title, typed);
        self.sees("Change production");
        self.pty.type_by_hand("iris");
        self.sees("Enter does it to 'iris'");
        // Enter right behind a letter would be the end of a pasted line, so a hand's moment lies between; the letter is seen already.
        std::thread::sleep(Duration::from_millis(150));
        self.press(ENTER);
        self.sees_no_more("Change production");
        self.sees_no_more(title);
    }
}

#[test]
fn two_persons_take_a_model_to_production_and_back_by_keys() {
    story(&Host::local());
}

#[test]
fn they_do_it_on_a_server_by_keys() {
    if let Some(host) = Host::on_server() {
        story(&host);
    }
}

pub(super) fn story(host: &Host) {
    host.train();
    let mut engineer = Screen::of(host, "engineer", ENGINEER, &[]);
    let mut approver = is_root().then(|| Screen::of(host, "approver", APPROVER, &[]));
    let mut watcher = Screen::of(host, "watcher", APPROVER, &["--read-only"]);
    watcher.open("6", "Deployments · 0");

    // The three side by side.
    engineer.open("2", "Runs · 3");
    engineer.sees("▸ best");
    // A mark moves on to the next row.
    engineer.press("   ");
    engineer.sees("3 marked");
    engineer.press("c");
    engineer.sees("Compare 3 runs");
    engineer.sees("0.9467 ★");
    engineer.press(ESC);
    engineer.sees_no_more("Compare 3 runs");
    engineer.press("u");

    for (version, run) in [("1", "fair"), ("2", "best")] {
        register(&mut engineer, version, run);
        review(host, &mut engineer, approver.as_mut(), version);
        deploy(&mut engineer, version);
        watcher.sees(&format!("Deployments · {version}"));
        if version == "1" {
            mirrored::server_comes_before_the_eyes_of(&mut engineer, host);
        }
    }

    // The drift that was really measured.
    let measured = host.evaluate();
    engineer.open("5", "Drift · 0");
    let (baseline, observed) = (measured.untouched.to_string(), measured.shifted.to_string());
    let typed = [
        "iris", TAB, "2", TAB, RIGHT, RIGHT, RIGHT, TAB, "accuracy", TAB, &baseline, TAB, &observed,
    ];
    engineer.fill("a", "Record drift", &typed);
    engineer.sees("Drift · 1");
    engineer.sees("CRITICAL");

    engineer.open("6", "Deployments · 2");
    engineer.fill_and_confirm("b", "Roll back iris 2", &["accuracy fell"]);
    watcher.sees("Deployments · 3");
    watcher.sees("FAILED");

    let serving = host.json(&["deployment", "list", "--status", "ACTIVE"]);
    assert_eq!(serving.as_array().unwrap().len(), 1);
    assert_eq!(
        (&serving[0]["version"], &serving[0]["environment"]),
        (&"1".into(), &"PRODUCTION".into())
    );
    assert_eq!(serving[0]["reason"], "accuracy fell");
    let drift = host.json(&["drift", "list"]);
    assert_eq!(drift[0]["environment"], "PRODUCTION");
    assert_eq!(drift[0]["observed"], measured.shifted);
    let log = host.audit();
    assert!(
        log.iter()
            .any(|(action, _)| action == "roll_back_deployment")
    );
    engineer.press("q");
    engineer.pty.end();
}

/// From the run to a version with a checklist in Staging.
fn register(engineer: &mut Screen, version: &str, run: &str) {
    engineer.press("2");
    engineer.press("/");
    engineer.press(&format!("name={run}"));
    engineer.sees("Runs · 1 of 3");
    engineer.press(ENTER);
    engineer.press(HOME_KEY);
    engineer.sees(&format!("▸ {run} "));
    let title = format!("Register a version from run '{run}'");
    engineer.fill("r", &title, &[]);
    engineer.sees_no_more(&title);
    engineer.press(ESC);
    engineer.sees("Runs · 3");

    engineer.open("3", &format!("Registry · {version}"));
    engineer.selects_first(version);
    for item in [CHECKED_BY_ENGINEER, CHECKED_BY_APPROVER] {
        let title = format!("Add to the checklist of iris {version}");
        engineer.fill("i", &title, &[item]);
        engineer.sees_no_more(&title);
    }
}

/// Each shows their item, and the second person approves.
fn review(host: &Host, engineer: &mut Screen, approver: Option<&mut Screen>, version: &str) {
    let title = format!("Mark an item of iris {version}");
    engineer.open("4", "Approvals · 1");
    engineer.fill("m", &title, &["in the wiki"]);
    engineer.sees_no_more(&title);
    match approver {
        Some(approver) => {
            approver.open("4", "Approvals · 1");
            approver.sees("in the wiki");
            approver.fill("m", &title, &["page 3"]);
            approver.sees_no_more(&title);
            approver.sees("page 3");
            let title = format!("Approve iris {version}");
            approver.fill_and_confirm("a", &title, &["numbers repeated"]);
        }
        None => host.approve("iris", version),
    }
    engineer.sees("Approvals · 0");
}

/// To Production, and to the environment PRODUCTION.
fn deploy(engineer: &mut Screen, version: &str) {
    engineer.open("3", &format!("Registry · {version}"));
    engineer.selects_first(version);
    // What the other one did a moment ago may be on its way still; a form on older rows is refused.
    engineer.sees_no_more("◆ PENDING");
    let title = format!("Set the stage of iris {version}");
    engineer.fill_and_confirm("t", &title, &[RIGHT]);

    let before = version.parse::<u32>().unwrap() - 1;
    engineer.open("6", &format!("Deployments · {before}"));
    // Where there is a deployment already, the form begins with its model and version, and asks where to.
    let typed: &[&str] = if before == 0 {
        &["iris", TAB, version, TAB, RIGHT, RIGHT]
    } else {
        &[BACK_TAB, CLEAR, version, TAB, RIGHT, RIGHT]
    };
    engineer.fill_and_confirm("a", "Deploy a version", typed);
    engineer.sees(&format!("Deployments · {version}"));
    engineer.sees("○ PENDING");
    engineer.press(HOME_KEY);
    engineer.sees("▸ ○ PENDING");
    let title = format!("Make iris {version} in PRODUCTION ACTIVE");
    engineer.fill_and_confirm("A", &title, &[]);
}
