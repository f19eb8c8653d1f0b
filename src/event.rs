//! What a run tells the outside world: events for what changes, tallies for what grows.
//!
//! Lanes add to the atomics of a [`Tally`] and never wait for anybody. The dispatcher alone owns the [`Reporter`]: it sends
//! the events in order and samples the tallies on a tick.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The phases of a run, in the order in which a user sees them begin. Phases overlap where dependencies allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Logging in to both servers.
    Connect,
    /// Looking for everything that stands in the way.
    Check,
    /// Taking the snapshot, locking the tables, reading the catalog, ordering it.
    Catalog,
    /// Creating what data needs to exist.
    Schema,
    /// Copying rows and large objects.
    Data,
    /// Indexes, constraints, triggers: what comes after the data.
    Indexes,
    /// Planner statistics.
    Analyze,
    /// Measuring how fast something is.
    Measure,
    /// Comparing both sides.
    Verify,
    /// Database-level properties, and the final name.
    Finish,
}

impl Phase {
    /// A short lower-case name, the same for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Check => "check",
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Data => "data",
            Self::Indexes => "indexes",
            Self::Analyze => "analyze",
            Self::Measure => "measure",
            Self::Verify => "verify",
            Self::Finish => "finish",
        }
    }
}

/// A piece of work under way, as named by the dispatcher. Unique within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Note,
    /// Somebody should look at it, now or after the run.
    Warning,
}

/// One thing that a run noticed about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How serious it is.
    pub severity: Severity,
    /// The object, as a user would name it.
    pub subject: String,
    /// What was found, as a lower-case fragment.
    pub text: String,
    /// What to do about it, as a sentence, if anything.
    pub remedy: Option<String>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phase has begun. `total` is the amount of work in bytes, as far as it can be estimated.
    PhaseStarted {
        /// Which phase.
        phase: Phase,
        /// Bytes that the phase will have to move or build; `None` where bytes say nothing.
        total: Option<u64>,
    },
    /// A phase has ended well. `summary` says what was done, in a few words ("42 tables, 1.8 GB").
    PhaseDone {
        /// Which phase.
        phase: Phase,
        /// What was done.
        summary: String,
        /// How long it took from its beginning.
        elapsed: Duration,
    },
    /// Work on one object has begun.
    TaskStarted {
        /// The name of this piece of work in later events.
        task: TaskId,
        /// The phase it belongs to.
        phase: Phase,
        /// The object ("shop.orders").
        label: String,
        /// Bytes that it will move or build, estimated.
        total: u64,
    },
    /// The tick: how far a piece of work has come.
    TaskProgress {
        /// Which piece of work.
        task: TaskId,
        /// Bytes so far, on the scale of the total given at its start.
        done: u64,
    },
    /// Work on one object has ended well.
    TaskDone {
        /// Which piece of work.
        task: TaskId,
        /// Bytes that it has really moved or built.
        bytes: u64,
        /// Rows, where it moved any.
        rows: Option<u64>,
        /// How long it took.
        elapsed: Duration,
    },
    /// The tick: how far a phase has come as a whole.
    PhaseProgress {
        /// Which phase.
        phase: Phase,
        /// Bytes so far, on the scale of the total given at its start.
        done: u64,
    },
    /// Something worth telling.
    Found(Finding),
    /// A server sent a notice or warning of its own while it worked on our statements.
    Notice {
        /// Which server ("old", "new").
        server: &'static str,
        /// The severity that the server gave ("WARNING").
        severity: String,
        /// The text.
        text: String,
    },
    /// The run has been asked to stop and is winding down.
    Cancelling,
}

/// Who listens to a run: progress bars, plain lines, JSON, a test.
///
/// Called by one task only, in order. It must not block for long: the dispatcher waits for it.
pub trait Reporter: Send {
    /// Takes one event.
    fn event(&mut self, event: &Event);

    /// How often the listener wants progress, if at all. The default asks for none.
    fn tick(&self) -> Option<Duration> {
        None
    }
}

/// A reporter that hears nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&mut self, _event: &Event) {}
}

/// Counters that one lane adds to and the dispatcher samples.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: AtomicU64,
    rows: AtomicU64,
}

impl Tally {
    /// Adds what one block carried.
    pub fn add(&self, bytes: u64, rows: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Begins anew.
    pub fn reset(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.rows.store(0, Ordering::Relaxed);
    }

    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}
