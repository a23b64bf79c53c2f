//! Pieces of screen that know ratatui and the theme, and nothing of models, runs or deployments.

pub mod chart;
pub mod clipboard;
pub mod detail;
pub mod layout;
pub mod sparkline;
pub mod text;
pub mod text_input;
