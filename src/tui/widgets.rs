//! Pieces of screen that know ratatui and the theme, and nothing of models, runs or deployments.

pub mod chart;
pub mod clipboard;
pub mod detail;
pub mod form;
pub mod layout;
pub mod sparkline;
pub mod status_bar;
pub mod table;
pub mod text;
pub mod text_input;
