//! What the fuzz targets have in common.

mod bounds;
pub mod reading;
pub mod seal;
