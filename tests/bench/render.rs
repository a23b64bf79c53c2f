//! A frame of the Runs tab at 200x60 with 100,000 runs behind it; the target is under a millisecond.
//!
//! The core is asked and answered as by a store with so many runs; what is measured is state to buffer, and a key to buffer.

use jiff::{SignedDuration, Timestamp};
use modeldeck::domain::{
    ChartBucket, ExperimentName, Key, MetricChart, MetricPoint, ModelRun, Revision, RunId,
    RunSource, RunStatus,
};
use modeldeck::service::Overview;
use modeldeck::store::{Cursor, OutputTail, Page, PageFrom};
use modeldeck::tui::app::{App, Labels};
use modeldeck::tui::env::Env;
use modeldeck::tui::message::{Answer, Effect, Moment, Msg, Question, Rows, RunMore};
use modeldeck::tui::panes::Tab;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use std::collections::BTreeMap;
use std::time::Duration;

const RUNS: usize = 100_000;
const SIZE: (u16, u16) = (200, 60);

fn main() {
    divan::main();
}

fn moment() -> Moment {
    Moment {
        at: "2026-11-23T12:00:00Z".parse().expect("a time"),
        elapsed: Duration::from_secs(1),
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn run(nth: usize) -> ModelRun {
    let started: Timestamp =
        moment().at - SignedDuration::from_mins(i64::try_from(nth).expect("it is small"));
    let status = RunStatus::ALL[nth % RunStatus::ALL.len()];
    let keys = ["loss", "val/auc", "val/loss", "f1"];
    let metrics = keys.iter().enumerate().map(|(at, key)| {
        let point = MetricPoint {
            value: (nth % 997) as f64 / 1_000.0 + at as f64,
            step: 1_000,
            timestamp: started,
        };
        (Key::trusted(*key), point)
    });
    let params = ["lr", "depth", "batch"];
    ModelRun {
        run_id: RunId::trusted(format!("{nth:032x}")),
        experiment_name: ExperimentName::trusted("fraud"),
        name: format!("lgbm-{nth}"),
        status,
        params: params
            .iter()
            .map(|key| (Key::trusted(*key), format!("0.{nth}")))
            .collect(),
        metrics: metrics.collect(),
        tags: BTreeMap::new(),
        artifacts: Vec::new(),
        source: RunSource::default(),
        created_at: started,
        started_at: Some(started),
        ended_at: None,
        heartbeat_at: Some(started),
        mlflow: None,
        updated_at: started,
        revision: Revision::FIRST,
    }
}

/// The core, and everything that it asks answered.
struct Screen {
    app: App,
    buffer: Buffer,
}

impl Screen {
    fn new() -> Self {
        let app = App::new(Env::default(), Labels::default(), Tab::Runs, true);
        let buffer = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        let mut screen = Self { app, buffer };
        let effects = screen.app.start(moment(), SIZE.0, SIZE.1);
        screen.answer(effects);
        screen
    }

    fn send(&mut self, msg: Msg) {
        let effects = self.app.update(moment(), msg);
        self.answer(effects);
    }

    fn press(&mut self, code: KeyCode) {
        self.send(Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Ask {
                lane,
                ticket,
                question,
            } = effect
            {
                let answer = Ok(answer(*question));
                self.send(Msg::Answer {
                    lane,
                    ticket,
                    answer,
                });
            }
        }
    }

    fn draw(&mut self) {
        self.buffer.reset();
        self.app.draw(&mut self.buffer);
    }
}

fn answer(question: Question) -> Answer {
    match question {
        Question::Page(_, request) => {
            let place = |cursor: &Cursor| cursor.0.parse::<usize>().expect("a number");
            let from = match &request.from {
                PageFrom::Start => 0,
                PageFrom::End => RUNS - request.limit,
                PageFrom::After(cursor) => place(cursor) + 1,
                PageFrom::At(cursor) => place(cursor),
                PageFrom::Before(cursor) => place(cursor).saturating_sub(request.limit),
            };
            let until = (from + request.limit).min(RUNS);
            Answer::Rows(Rows::Runs(Page {
                rows: (from..until).map(run).collect(),
                edges: Some((Cursor(from.to_string()), Cursor((until - 1).to_string()))),
                more_before: from > 0,
                more_after: until < RUNS,
                reach: None,
            }))
        }
        Question::Count { .. } => Answer::Count {
            matching: RUNS as u64,
            all: RUNS as u64,
        },
        Question::Curves(metric, run_ids, columns) => {
            let curve = |run_id| (run_id, vec![0.5; columns]);
            Answer::Curves(metric, run_ids.into_iter().map(curve).collect())
        }
        Question::Run(question) => Answer::Run(Box::new(RunMore {
            chart: question
                .metric
                .map(|metric| chart(metric, question.columns)),
            output: OutputTail {
                bytes: b"epoch 1 loss 0.5\n".repeat(900),
                total: 15_300,
            },
            ..RunMore::default()
        })),
        _ => Answer::Overview(Box::new(Overview {
            running: 4,
            running_runs: (0..4).map(run).collect(),
            ..Overview::default()
        })),
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn chart(metric: Key, columns: usize) -> MetricChart {
    let points = (0..1_000_i64).map(|step| {
        ChartBucket::of(&MetricPoint {
            value: 1.0 / (1.0 + step as f64 * 0.01),
            step,
            timestamp: moment().at,
        })
    });
    MetricChart::reduce(metric, points, columns)
}

#[divan::bench]
fn frame(bencher: divan::Bencher<'_, '_>) {
    let mut screen = Screen::new();
    bencher.bench_local(|| screen.draw());
}

#[divan::bench]
fn key_and_frame(bencher: divan::Bencher<'_, '_>) {
    let mut screen = Screen::new();
    let mut down = true;
    bencher.bench_local(|| {
        screen.press(KeyCode::Char(if down { 'j' } else { 'k' }));
        down = !down;
        screen.draw();
    });
}

#[divan::bench]
fn refresh_and_frame(bencher: divan::Bencher<'_, '_>) {
    let mut screen = Screen::new();
    screen.press(KeyCode::End);
    bencher.bench_local(|| {
        screen.send(Msg::Changed);
        screen.draw();
    });
}
