//! A screen for tests: the real app over a world of plain objects, without store, runtime or terminal.

mod objects;

pub(in crate::tui) use objects::{deployment, event, run, version};

use crate::domain::{AuditEntry, Identity, ModelVersion, ObjectKind, Version, VersionComparison};
use crate::store::Page;
use crate::tui::app::{App, Labels};
use crate::tui::env::Env;
use crate::tui::message::{
    Answer, DeploymentMore, DriftMore, Effect, ErrorKind, ExperimentMore, Failure, ListOf,
    Meanwhile, Moment, Msg, Object, Overview, Question, Review, Rows, RunMore, SyncMore, Ticket,
    VersionMore, Write, Written,
};
use crate::tui::panes::Tab;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;
use std::time::Duration;

/// The time of every test.
pub(in crate::tui) fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// What there is to be asked for.
#[derive(Default, Clone)]
pub(in crate::tui) struct World {
    pub versions: Vec<ModelVersion>,
    pub self_approval: bool,
    pub events: Vec<crate::domain::DriftEvent>,
    pub deployments: Vec<crate::domain::Deployment>,
    pub version_more: VersionMore,
    pub drift_more: DriftMore,
    pub deployment_more: DeploymentMore,
    pub overview: Overview,
}

impl World {
    fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Page(list, _) | Question::Around { list, .. } => {
                Answer::Rows(self.rows(list))
            }
            Question::Count { matching, .. } => {
                let count = match matching {
                    ListOf::Versions(_) | ListOf::Reviews { .. } => self.versions.len(),
                    ListOf::DriftEvents(_) => self.events.len(),
                    ListOf::Deployments(_) => self.deployments.len(),
                    ListOf::Experiments(_) | ListOf::Runs(_) => 0,
                } as u64;
                Answer::Count {
                    matching: count,
                    all: count,
                }
            }
            Question::Overview => Answer::Overview(Box::new(self.overview.clone())),
            Question::Version(..) => Answer::Version(Box::new(self.version_more.clone())),
            Question::Drift(_) => Answer::Drift(Box::new(self.drift_more.clone())),
            Question::Deployment(_) => Answer::Deployment(Box::new(self.deployment_more.clone())),
            Question::Comparison(model, versions) => {
                Answer::Comparison(Box::new(VersionComparison::of(
                    model.clone(),
                    &self.named(versions),
                    &Env::default().directions,
                )))
            }
            Question::Experiment(_) => Answer::Experiment(Box::<ExperimentMore>::default()),
            Question::Run(_) => Answer::Run(Box::<RunMore>::default()),
            Question::Runs(_) => Answer::Runs(Vec::new()),
            Question::Curves(metric, runs, _) => {
                let curves = runs.iter().map(|run_id| (run_id.clone(), Vec::new()));
                Answer::Curves(metric.clone(), curves.collect())
            }
            Question::Sync => Answer::Sync(Box::new(SyncMore {
                status: self.overview.sync.clone(),
                items: Vec::new(),
                is_on_server: false,
            })),
        }
    }

    fn named(&self, versions: &[Version]) -> Vec<ModelVersion> {
        let known = self.versions.iter();
        known
            .filter(|known| versions.contains(&known.version))
            .cloned()
            .collect()
    }

    fn rows(&self, list: &ListOf) -> Rows {
        fn page<T>(rows: Vec<T>) -> Page<T> {
            Page {
                rows,
                ..Page::empty()
            }
        }
        match list {
            ListOf::Versions(_) => Rows::Versions(page(self.versions.clone())),
            ListOf::Reviews { .. } => {
                let reviews = self.versions.iter().cloned();
                Rows::Reviews(page(reviews.map(|version| self.review(version)).collect()))
            }
            ListOf::DriftEvents(_) => Rows::DriftEvents(page(self.events.clone())),
            ListOf::Deployments(_) => Rows::Deployments(page(self.deployments.clone())),
            ListOf::Experiments(_) => Rows::Experiments(Page::empty()),
            ListOf::Runs(_) => Rows::Runs(Page::empty()),
        }
    }

    fn review(&self, version: ModelVersion) -> Review {
        let required = version.checklist.iter().filter(|item| item.required);
        let done = required
            .clone()
            .filter(|item| item.status == crate::domain::ChecklistStatus::Approved);
        Review {
            items: (done.count(), required.count()),
            approvals: (usize::from(version.approved_by.is_some()), 1),
            self_approval: self.self_approval,
            version,
        }
    }
}

/// The app with somebody at the keys.
pub(in crate::tui) struct Screen {
    app: App,
    world: World,
    now: Moment,
    size: (u16, u16),
    /// Every question that was asked, the newest last.
    pub asked: Vec<Question>,
    /// Changes that nobody answered yet.
    pub writes: Vec<(Ticket, Write)>,
}

impl Screen {
    /// The tab as alice sees it.
    pub(in crate::tui) fn open(tab: Tab, world: World, (width, height): (u16, u16)) -> Self {
        Self::with_env(tab, world, (width, height), |_| {})
    }

    pub(in crate::tui) fn with_env(
        tab: Tab,
        world: World,
        (width, height): (u16, u16),
        change: impl FnOnce(&mut Env),
    ) -> Self {
        let now = Moment {
            at: noon(),
            elapsed: Duration::from_secs(10),
        };
        let mut env = Env {
            now,
            person: "alice".to_owned(),
            ..Env::default()
        };
        change(&mut env);
        let labels = Labels {
            store: "local store".to_owned(),
            person: "alice@gpu-07".to_owned(),
        };
        let mut screen = Self {
            app: App::new(env, labels, tab, true),
            world,
            now,
            size: (width, height),
            asked: Vec::new(),
            writes: Vec::new(),
        };
        let effects = screen.app.start(now, width, height);
        screen.settle(effects);
        screen
    }

    fn settle(&mut self, mut effects: Vec<Effect>) {
        while let Some(effect) = effects.pop() {
            match effect {
                Effect::Ask {
                    lane,
                    ticket,
                    question,
                } => {
                    let answer = Ok(self.world.answer(&question));
                    self.asked.push(*question);
                    let msg = Msg::Answer {
                        lane,
                        ticket,
                        answer,
                    };
                    effects.extend(self.app.update(self.now, msg));
                }
                Effect::Write { ticket, write } => self.writes.push((ticket, *write)),
                _ => {}
            }
        }
    }

    fn send(&mut self, msg: Msg) {
        let effects = self.app.update(self.now, msg);
        self.settle(effects);
        let effects = self.app.update(self.now, Msg::Drawn);
        self.settle(effects);
        self.now.elapsed += Duration::from_secs(1);
    }

    /// Presses keys one after the other, each given by its name or as a character.
    pub(in crate::tui) fn press(&mut self, keys: &[&str]) -> &mut Self {
        for key in keys {
            let code = match *key {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "tab" => KeyCode::Tab,
                "down" => KeyCode::Down,
                "up" => KeyCode::Up,
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "backspace" => KeyCode::Backspace,
                "space" => KeyCode::Char(' '),
                letter => KeyCode::Char(letter.chars().next().unwrap()),
            };
            self.send(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        self
    }

    /// Types a text letter by letter.
    pub(in crate::tui) fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.send(Msg::Key(KeyEvent::new(
                KeyCode::Char(c),
                KeyModifiers::NONE,
            )));
        }
        self
    }

    pub(in crate::tui) fn paste(&mut self, text: &str) -> &mut Self {
        self.send(Msg::Paste(text.to_owned()));
        self
    }

    /// The only change that was asked for; it is answered by [`Self::refuse`] or [`Self::accept`].
    pub(in crate::tui) fn write(&self) -> &Write {
        assert_eq!(self.writes.len(), 1, "{:?}\n{}", self.writes, self.text());
        &self.writes[0].1
    }

    pub(in crate::tui) fn refuse(&mut self, failure: Failure) {
        let (ticket, _) = self.writes.remove(0);
        self.send(Msg::Written {
            ticket,
            result: Err(failure),
        });
    }

    /// Refuses it because somebody else was faster.
    pub(in crate::tui) fn outrun(&mut self, object: Object, change: (Value, Value)) {
        let entry = AuditEntry {
            seq: 9,
            at: noon(),
            identity: Identity::new("carol", "gpu-09"),
            action: "update".to_owned(),
            kind: ObjectKind::ModelVersion,
            object: "it".to_owned(),
            before: change.0,
            after: change.1,
            reason: None,
            prev_hash: String::new(),
            hash: String::new(),
        };
        self.refuse(Failure {
            kind: ErrorKind::Conflict,
            message: "it was changed meanwhile".to_owned(),
            hint: Some("look at it again".to_owned()),
            field: None,
            causes: Vec::new(),
            meanwhile: Some(Box::new(Meanwhile {
                object,
                history: vec![entry],
            })),
        });
    }

    pub(in crate::tui) fn accept(&mut self, id: &str) {
        let (ticket, _) = self.writes.remove(0);
        let written = Written {
            said: "done".to_owned(),
            hint: None,
            id: id.to_owned(),
        };
        self.send(Msg::Written {
            ticket,
            result: Ok(written),
        });
    }

    /// What is on the screen, without spaces at the ends of lines.
    pub(in crate::tui) fn text(&self) -> String {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buf = Buffer::empty(area);
        self.app.draw(&mut buf);
        let lines = (0..area.height).map(|y| {
            let line: String = (0..area.width).map(|x| buf[(x, y)].symbol()).collect();
            line.trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Fails with the whole screen unless this is to be seen.
    pub(in crate::tui) fn sees(&self, part: &str) -> &Self {
        let text = self.text();
        assert!(
            text.contains(part),
            "'{part}' is not on the screen:\n{text}"
        );
        self
    }
}
