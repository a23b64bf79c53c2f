//! The remote store beyond the contract: races, faults, and what MLflow's own client sees and makes.

mod connecting;
mod faults;
mod histories;
mod interop;
mod killed;
mod losses;
mod mirrored;
mod permissions;
mod pulse;
mod races;
mod screen;

use crate::support::mlflow_server::Server;
use modeldeck::domain::Identity;
use modeldeck::service::{Clock, ModelLifecycleService, ServiceOptions};
use modeldeck::store::mlflow::{MlflowOptions, MlflowStore};
use std::sync::Arc;

/// A client of its own: nothing that another one knows is known to it.
async fn client(uri: &str) -> Arc<MlflowStore> {
    Arc::new(
        MlflowStore::open(uri, MlflowOptions::default())
            .await
            .unwrap(),
    )
}

/// A person at a client of their own.
async fn person(server: &Server, name: &str) -> ModelLifecycleService {
    person_at(&server.uri(), name).await
}

async fn person_at(uri: &str, name: &str) -> ModelLifecycleService {
    let mut options = ServiceOptions::local("unused");
    options.identity = Identity::new(name, "gpu-07");
    options.clock = Clock::system();
    ModelLifecycleService::with_store(client(uri).await, options)
}
