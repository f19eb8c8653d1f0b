//! A lane: what one worker does its work with, one task at a time.

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::pipe::Copied;
use crate::error::{Error, Result};
use crate::event::Tally;
use crate::plan::schedule::Work;
use crate::toc::Toc;
use crate::wire::session::Canceller;

/// A way from where entries come from to where they go. Each kind of run has its own.
pub trait Lane: Send {
    /// What ends the statements that the lane runs, on whichever servers.
    fn cancellers(&self) -> Vec<Canceller>;

    /// The process on the new server that works for this lane, if there is a new server.
    fn sink_pid(&self) -> Option<i32>;

    /// How many processes of the new server may help with each index build from now on (`max_parallel_maintenance_workers`).
    fn set_helpers(&mut self, _helpers: usize) {}

    /// Does one piece of work. `tally` hears how far it has come.
    ///
    /// # Errors
    ///
    /// What went wrong; names the entry. [`Cancelled`](crate::error::ErrorKind::Cancelled) if `cancel` was.
    fn work<'a>(
        &'a mut self,
        toc: &'a Toc,
        work: Work,
        tally: &'a Tally,
        cancel: &'a CancellationToken,
    ) -> BoxFuture<'a, Result<Deed>>;
}

/// What a task has brought about, and how.
#[derive(Debug)]
pub struct Deed {
    /// What.
    pub effect: Effect,
    /// Whether it took the search path of the old database.
    pub by_path: bool,
}

/// What a task has brought about.
#[derive(Debug)]
pub enum Effect {
    /// Statements ran.
    Made,
    /// There is nothing here to make it on: see [`Entry::only_if`](crate::toc::Entry::only_if).
    PassedOver,
    /// The server refuses it, and that is no reason to end: see [`Entry::is_on_extension`](crate::toc::Entry::is_on_extension).
    LeftOut(Error),
    /// Data was copied.
    Copied(Copied),
    /// Data was read back.
    ReadBack(Copied),
    /// Planner statistics were brought from the old server.
    Carried,
    /// Planner statistics were collected here.
    Analyzed,
}
