//! The screen: a pure core (`App`, panes, overlays) with a thin shell around it.

pub mod panes;
pub mod theme;
pub mod widgets;
