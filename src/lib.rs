//! pgtandem.

pub mod catalog;
pub mod error;
pub mod event;
pub mod sql;
pub mod toc;
pub mod wire;
