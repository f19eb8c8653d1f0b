//! pgtandem.
pub mod error;
pub mod event;
pub mod sql;
pub mod toc;
pub mod wire;
