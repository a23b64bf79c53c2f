//! All tests that stand outside the library, in one binary so that linking stays fast.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails with its line"
)]

mod app;
mod cli;
mod demo;
mod exec;
mod import;
mod ingest;
mod mlflow;
mod pictures;
mod readme_keys;
mod screens;
mod service;
mod store_contract;
mod store_faults;
mod story;
mod support;
mod sync;
mod tidy;
mod tui_pty;
