//! `upgrade`: a database moves from the old server to the new one.

use std::num::NonZeroUsize;

use tokio_util::sync::CancellationToken;

use super::{Outcome, Plan, Verified};
use crate::error::{Error, Result};
use crate::event::Reporter;
use crate::wire::conninfo::ConnInfo;

/// What to do about sessions that are connected to the old database, apart from our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writers {
    /// Refuse to start, and list them: what they write from now on would be lost.
    #[default]
    Refuse,
    /// Go on. The new database holds what the snapshot holds.
    Allow,
}

/// The options of an upgrade.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The old database.
    pub from: ConnInfo,
    /// The new one: the name that it will bear.
    pub to: ConnInfo,
    /// How many lanes work side by side; `None` for a number that suits most machines.
    pub jobs: Option<NonZeroUsize>,
    /// How both sides are compared.
    pub verify: Verified,
    /// What to do about other sessions.
    pub writers: Writers,
}

impl Upgrade {
    /// Finds out what a run would do, and writes nothing.
    ///
    /// # Errors
    ///
    /// As for [`Upgrade::run`], as far as they can be known beforehand.
    pub async fn plan(&self, _reporter: &mut dyn Reporter, _cancel: CancellationToken) -> Result<Plan> {
        Err(Error::usage("not yet"))
    }

    /// Moves the database.
    ///
    /// # Errors
    ///
    /// - `Connect` where a server cannot be reached;
    /// - `Refused` where something stands in the way, with all of it in one error; nothing was written;
    /// - `Differs` where verification found a difference;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. The old server is as it was; the new one has
    ///   at most a staging database, which the next run replaces.
    pub async fn run(&self, _reporter: &mut dyn Reporter, _cancel: CancellationToken) -> Result<Outcome> {
        Err(Error::usage("not yet"))
    }
}
