//! The remote store: any server that speaks MLflow's REST API.

mod address;
mod api;
mod auth;
mod capabilities;
mod client;
mod dto;
mod error;
mod tls;

pub use auth::MlflowEnvironment;
pub use capabilities::ServerCapabilities;
pub use client::Deadlines;
