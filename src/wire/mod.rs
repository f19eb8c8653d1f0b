//! The wire: connections to PostgreSQL servers. Knows no file format and no catalog.
//!
//! [`conninfo`] says where to and how, [`session`] is one login; rows of tables go past the client library through
//! [`tap`] and [`copy`].

mod cancel;
mod connect;
pub mod conninfo;
pub mod copy;
mod driver;
mod failure;
pub mod host;
pub mod large_object;
pub mod passfile;
mod refusal;
pub mod secret;
mod service;
pub mod session;
mod settings;
pub mod snapshot;
mod stream;
pub mod tap;
mod tls;
mod verify;
pub mod version;
mod x509;
