//! modeldeck: the life of a machine-learning model, from experiment to production and back, in one terminal.

pub mod domain;
pub mod store;
