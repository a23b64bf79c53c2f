//! The command line, tried with the real binary.

mod approvals;
mod audit;
mod deployments;
mod drift;
mod experiments;
mod injection;
mod models;
mod output;
mod readme;
mod runs;
mod settings;
mod store;
mod two_users;
mod usage;
