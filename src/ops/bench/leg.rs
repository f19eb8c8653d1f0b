//! What was measured, and how a measurement is told.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::event::{Event, Phase, TaskId};
use crate::ops::report::Phases;

/// What passed by in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flow {
    /// Bytes, before they were compressed if they were.
    pub bytes: u64,
    /// Rows, where there were any.
    pub rows: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl Flow {
    /// Bytes a second; 0 where nothing was measured.
    pub fn speed(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.bytes as f64 / seconds } else { 0.0 }
    }

    /// This one, and then another.
    #[must_use]
    pub fn then(self, other: Self) -> Self {
        Self { elapsed: self.elapsed + other.elapsed, ..self.beside(other) }
    }

    /// This one, and another at the same time.
    #[must_use]
    pub fn beside(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            rows: self.rows.saturating_add(other.rows),
            elapsed: self.elapsed.max(other.elapsed),
        }
    }
}

/// What a leg does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Rows of the user's tables are read, and thrown away as they arrive.
    Read,
    /// Bytes arrive that cost the server next to nothing.
    Wire,
    /// Rows are compressed, by one thread here.
    Compress,
    /// Bytes are written to the disk of the archive, and brought to it (`fsync`).
    Disk,
    /// Rows are written, from memory.
    Write,
    /// Indexes are built. Bytes are those of the indexes.
    Build,
    /// Rows are read back on the new server.
    ReadBack,
    /// Rows go from the old server to the new one.
    Copy,
    /// All of a dump, for samples.
    Dump,
    /// All of an upgrade but its proof, for samples.
    Upgrade,
}

impl Work {
    /// A stable lower-case name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Wire => "wire",
            Self::Compress => "compress",
            Self::Disk => "disk",
            Self::Write => "write",
            Self::Build => "build",
            Self::ReadBack => "read_back",
            Self::Copy => "copy",
            Self::Dump => "dump",
            Self::Upgrade => "upgrade",
        }
    }

    /// Whether several legs are in it.
    pub const fn is_together(self) -> bool {
        matches!(self, Self::Copy | Self::Dump | Self::Upgrade)
    }
}

/// Where a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the old server.
    Old,
    /// On the new one.
    New,
    /// From the one to the other.
    Both,
    /// On this machine.
    Here,
}

impl Place {
    /// A stable lower-case name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Both => "both",
            Self::Here => "here",
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// What was done.
    pub work: Work,
    /// Where.
    pub place: Place,
    /// In which form, or how: "text", "binary", "auto", "zstd:3", "btree, gin"; may be empty.
    pub form: String,
    /// By how many lanes at once.
    pub lanes: usize,
    /// What passed by.
    pub flow: Flow,
    /// Bytes that came out of compressing for each that went in.
    pub ratio: Option<f64>,
}

/// The legs that were measured so far, and who is told.
pub(super) struct Legs<'a, 'p> {
    phases: &'a mut Phases<'p>,
    legs: Vec<Leg>,
}

impl<'a, 'p> Legs<'a, 'p> {
    pub fn new(phases: &'a mut Phases<'p>) -> Self {
        phases.begin(Phase::Measure, None);
        Self { phases, legs: Vec::new() }
    }

    /// Who is told.
    pub fn phases(&mut self) -> &mut Phases<'p> {
        self.phases
    }

    /// Measures something, and tells so. The leg is given without its flow.
    pub async fn measure<T>(&mut self, mut leg: Leg, work: impl Future<Output = Result<(Flow, T)>>) -> Result<T> {
        let task = TaskId(u32::try_from(self.legs.len()).unwrap_or(u32::MAX));
        let begun = Instant::now();
        let label = leg.label();
        self.phases.reporter().event(&Event::TaskStarted { task, phase: Phase::Measure, label, total: 0 });
        let (flow, more) = work.await?;
        let rows = (flow.rows > 0).then_some(flow.rows);
        let done = Event::TaskDone { task, bytes: flow.bytes, rows, elapsed: begun.elapsed() };
        self.phases.reporter().event(&done);
        leg.flow = flow;
        self.legs.push(leg);
        Ok(more)
    }

    /// Adds what is known of the last one besides.
    pub fn last(&mut self) -> Option<&mut Leg> {
        self.legs.last_mut()
    }

    /// All of them, in the order in which they were measured.
    pub fn done(self) -> Vec<Leg> {
        let count = self.legs.len();
        self.phases.end(Phase::Measure, format!("{count} legs"));
        self.legs
    }
}

impl Leg {
    /// One that is not measured yet.
    pub(super) fn of(work: Work, place: Place, form: impl Into<String>, lanes: usize) -> Self {
        Self { work, place, form: form.into(), lanes, flow: Flow::default(), ratio: None }
    }

    fn label(&self) -> String {
        let lanes = if self.lanes > 1 { format!(", {} lanes", self.lanes) } else { String::new() };
        let gap = if self.form.is_empty() { "" } else { " " };
        format!("{}{gap}{} ({}){lanes}", self.work.name().replace('_', " "), self.form, self.place.name())
    }
}
