//! The remote store: any server that speaks MLflow's REST API, so that a team shares one truth on the engine it already runs.
//!
//! Experiments, runs, registered models, versions, stages and aliases are MLflow's own objects; what MLflow has no object for is in the `ledger`, which also orders
//! all changes that modeldeck makes. The layers, from the wire up: `client` and `auth` (HTTP), `dto` (wire types), `api` (endpoints), `ledger`, and one file for each
//! part of the [`Store`](crate::store::Store) trait. Nothing outside this folder names HTTP or MLflow's words.

mod address;
mod api;
mod audit;
mod auth;
mod capabilities;
mod client;
mod copies;
mod deployments;
mod drift;
mod dto;
mod error;
mod experiments;
mod fields;
mod files;
mod histories;
mod intent;
mod ledger;
mod list;
mod mend;
mod metrics;
mod mirror;
mod output;
mod points;
mod projection;
mod pulse;
mod register;
mod registry;
mod run_fields;
mod run_list;
mod run_store;
mod runs;
mod side_by_side;
mod source;
mod store;
mod tls;
mod trouble;
mod version_drafts;
mod versions;

pub use address::shown as shown_address;
pub use auth::MlflowEnvironment;
pub use capabilities::ServerCapabilities;
pub use client::Deadlines;
pub use copies::MlflowCopies;
pub use source::MlflowSource;
pub use store::{MlflowOptions, MlflowStore};

use ledger::repeated;
