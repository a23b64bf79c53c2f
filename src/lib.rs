//! modeldeck: the life of a machine-learning model, from experiment to production and back, in one terminal.
//!
//! # How it is built
//!
//! A pure core with a thin shell, in layers that know only what stands to their left:
//!
//! ```text
//! domain  <-  store  <-  service  <-  cli
//!                              ^---  tui::worker  ->  (messages)  ->  tui::app  ->  tui::panes  ->  tui::widgets
//! ```
//!
//! * [`domain`] is the vocabulary and the pure rules: no IO, no clock.
//! * [`store`] is a trait, six small ones in fact, and what keeps its promises: a local SQLite file. Every write is one transaction
//!   with its audit entry and names the revision that it read.
//! * [`service`] holds the operations. Rules are judged here and nowhere else, so the screen and the command line cannot disagree.
//!
//! Where this differs from the guide it was built by (`architecture.md`): domain types derive `serde`, because their JSON is the
//! product's one documented JSON, shown by `--json` and kept in the audit log; a wire format of a server is another matter and stays with its store.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test that unwraps fails with its line"
    )
)]

pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod exec;
pub mod ingest;
pub mod logging;
pub mod service;
pub mod store;
pub mod tui;
