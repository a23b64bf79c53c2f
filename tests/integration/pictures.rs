//! The README's pictures: drawn from the real screen on the demo store, and stale when they no longer look like it.
//!
//! `MODELDECK_DRAW=1 cargo test pictures` draws them anew.

use crate::support::screen::Screen;
use crate::support::svg;
use modeldeck::domain::Identity;
use modeldeck::service::{Clock, ModelLifecycleService, ServiceOptions};
use std::path::Path;

/// The moment at which the pictures were taken.
const NOW: &str = "2026-11-23T16:30:00Z";
const SEED: u64 = 1;

struct Picture {
    file: &'static str,
    size: (u16, u16),
    /// What is pressed to get there.
    keys: &'static str,
    /// What must be seen on it.
    shows: &'static [&'static str],
}

const PICTURES: &[Picture] = &[
    Picture {
        file: "runs.svg",
        size: (120, 36),
        keys: "2",
        shows: &["Runs", "RUNNING", "loss"],
    },
    Picture {
        file: "approvals.svg",
        size: (120, 36),
        keys: "4",
        shows: &["Approvals", "PENDING"],
    },
    Picture {
        file: "deployments.svg",
        size: (120, 36),
        keys: "6",
        shows: &["Deployments", "PRODUCTION", "ACTIVE"],
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_show_the_screen_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("demo.db");
    let now = NOW.parse().unwrap();
    modeldeck::demo::fill(&path, now, SEED).await.unwrap();
    let options = ServiceOptions {
        identity: Identity::new("bob", "gpu-02"),
        clock: Clock::fixed(now),
        ..ServiceOptions::local(&path)
    };
    let service = ModelLifecycleService::open(options).await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screens");
    let mut stale = Vec::new();
    for picture in PICTURES {
        let opened = Screen::open(service.clone(), "demo · local store", picture.size);
        let mut screen = Box::pin(opened).await;
        screen.press(picture.keys).await;
        let frame = screen.frame();
        let text = svg::text(&frame);
        for word in picture.shows {
            assert!(
                text.contains(word),
                "{}: no '{word}' in\n{text}",
                picture.file
            );
        }
        let drawn = svg::draw(&frame);
        let file = folder.join(picture.file);
        if std::env::var_os("MODELDECK_DRAW").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &drawn).unwrap();
        }
        if std::fs::read_to_string(&file).ok().as_deref() != Some(drawn.as_str()) {
            stale.push(format!("{}, which should show\n{text}", picture.file));
        }
    }
    assert!(
        stale.is_empty(),
        "stale pictures; draw them anew with MODELDECK_DRAW=1 cargo test pictures:\n{}",
        stale.join("\n")
    );
}
