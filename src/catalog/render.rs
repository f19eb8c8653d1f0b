//! From objects to entries.
use super::*;
/// The table of contents.
pub fn toc(_catalog: &Catalog) -> crate::toc::Toc { Default::default() }
