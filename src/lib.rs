//! modeldeck: the life of a machine-learning model, from experiment to production and back, in one terminal.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        reason = "a test that unwraps fails with its line"
    )
)]

pub mod cli;
pub mod config;
pub mod domain;
pub mod ingest;
pub mod logging;
pub mod service;
pub mod store;
pub mod tui;
