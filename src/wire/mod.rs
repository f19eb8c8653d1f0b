//! The wire: connections to PostgreSQL servers. Knows no file format and no catalog.

pub mod version;
