//! The tabs: one small file each, and what their words look like.

pub mod marks;
