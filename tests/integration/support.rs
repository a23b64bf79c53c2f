//! What tests of the real binary share: a home of their own, and a builder that runs a command and asserts how it ended.

mod command;
pub(crate) mod fault_server;
mod home;
pub(crate) mod mlflow_file;
pub(crate) mod mlflow_server;
pub(crate) mod program;
pub(crate) mod pty;
pub(crate) mod screen;
pub(crate) mod stage;
pub(crate) mod svg;

pub(crate) use command::{Done, Test};
pub(crate) use home::Home;

/// Tests with two persons need two UNIX users, which only root can start programs as.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
