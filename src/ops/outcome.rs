//! What a command returns when it ends well.

use std::path::PathBuf;
use std::time::Duration;

use crate::event::Finding;
use crate::sql::Ident;
use crate::toc::{Data, Entry, RowForm, Section};
use crate::wire::version::ServerVersion;

/// How both sides were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verified {
    /// Not at all.
    None,
    /// The schema, object by object; the number of rows of every table; sequence states; the number of large objects.
    Counts,
    /// What [`Verified::Counts`] does, and a digest over every row of every table and every large object.
    #[default]
    Digests,
}

impl Verified {
    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Counts => "counts",
            Self::Digests => "digests",
        }
    }
}

/// Why an index of the new database needs no REINDEX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEvidence {
    /// The index ("shop.orders_pkey").
    pub index: String,
    /// When this run began to build it, counted from the beginning of the run.
    pub built_at: Duration,
    /// The collations that its keys use, each with the version that the new server's library has ("de_DE.utf8 2.36"),
    /// which is also the version that its catalog records. Empty where no key depends on a collation library.
    pub collations: Vec<String>,
}

/// What an upgrade did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Where the new database is, without a password; of several, the one that the connection string names.
    pub new_url: String,
    /// Where the old one is, without a password.
    pub old_url: String,
    /// The old server's version.
    pub old_version: ServerVersion,
    /// The new server's version.
    pub new_version: ServerVersion,
    /// The databases, the largest first.
    pub databases: Vec<Arrived>,
    /// How both sides were compared.
    pub verified: Verified,
    /// Everything worth telling, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// From beginning to end.
    pub elapsed: Duration,
}

impl Outcome {
    /// The sum over all databases.
    pub fn total(&self, of: impl Fn(&Arrived) -> u64) -> u64 {
        self.databases.iter().map(of).sum()
    }

    /// The indexes of all databases.
    pub fn indexes(&self) -> impl Iterator<Item = &IndexEvidence> {
        self.databases.iter().flat_map(|database| &database.indexes)
    }
}

/// A database that has arrived.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    /// Its name on the new server.
    pub database: String,
    /// Whether it had been there, and what was moved was added to it.
    pub stood: bool,
    /// Tables that hold rows of their own.
    pub tables: u64,
    /// Rows copied.
    pub rows: u64,
    /// Bytes that crossed as COPY data.
    pub bytes: u64,
    /// Large objects copied.
    pub large_objects: u64,
    /// Sequences set.
    pub sequences: u64,
    /// All entries that were made on the new server.
    pub entries: u64,
    /// For every index, why it is fresh.
    pub indexes: Vec<IndexEvidence>,
    /// Tables whose planner statistics were brought from the old server.
    pub carried: u64,
    /// Tables whose planner statistics were collected on the new one.
    pub analyzed: u64,
    /// The archive that was written on the way.
    pub archive: Option<ArchiveFile>,
}

/// An archive that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Its name.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: u64,
    /// How it is compressed ("zstd:3").
    pub codec: String,
}

/// One step of a planned run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// When it has its turn.
    pub section: Section,
    /// "TABLE DATA".
    pub kind: &'static str,
    /// "shop.orders".
    pub name: String,
    /// Bytes on the old server, where that says something.
    pub bytes: Option<u64>,
    /// How many lanes may share it.
    pub parts: u32,
    /// Whether its rows cross in binary form.
    pub binary: bool,
}

impl PlannedStep {
    /// A role that is made.
    pub(super) fn role(role: &Ident) -> Self {
        Self {
            section: Section::PreData,
            kind: "ROLE",
            name: role.as_str().to_owned(),
            bytes: None,
            parts: 1,
            binary: false,
        }
    }

    /// An entry under this name.
    pub(super) fn entry(entry: &Entry, name: String) -> Self {
        let bytes = (entry.weight > 0).then_some(entry.weight);
        let (parts, binary) = match &entry.data {
            Some(Data::Rows(rows)) => (rows.parts, rows.form == RowForm::Binary),
            _ => (1, false),
        };
        Self { section: entry.section, kind: entry.kind.desc(), name, bytes, parts, binary }
    }
}

/// What an upgrade would do: the result of `--dry-run`.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The databases that would be made.
    pub databases: Vec<String>,
    /// Where, without a password.
    pub new_url: String,
    /// From where, without a password.
    pub old_url: String,
    /// The old server's version.
    pub old_version: ServerVersion,
    /// The new server's version.
    pub new_version: ServerVersion,
    /// How many lanes would work.
    pub jobs: usize,
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
    /// Everything worth telling beforehand.
    pub findings: Vec<Finding>,
}
