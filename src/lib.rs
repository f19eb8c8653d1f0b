//! pgtandem moves a PostgreSQL database from an old server to a new one that runs beside it, over the wire protocol alone.
//!
//! This page is the map. One noun crosses from source to sink: the [`toc::Entry`].
//!
//! ```text
//!   old server                                                               new server
//!       |                                                                        ^
//!   wire::session                                                          wire::session
//!       |                                                                        |
//!   catalog::read ---> plan::select --> order --> catalog::toc --> Toc --> transfer::Sink   (schema)
//!       |                                                           |            |
//!   SnapshotHold                                             plan::schedule      |
//!       |                                                           |            |
//!       +----------- transfer::Mover (COPY out) ------- transfer::run: tasks --> COPY in, indexes, constraints, statistics
//!                          count, digest                            |
//!                                                          events, tallies --> Reporter
//! ```
//!
//! Nothing flows back except events, and once names: what is selected is asked first, then locked, then read. The new
//! database is loaded under a staging name, compared with what the old server sent, and takes its final name last. Where rows
//! go into a database that stands already, a copy of it is loaded in the same way, and takes its place (`ops::standing`).
//!
//! An archive can stand on either side. [`ops::dump`] makes records of the entries ([`archive::records`]), and its lanes
//! ([`transfer::Dumper`]) compress data beside the reading, for the one thread that writes the file ([`archive::write`]).
//! An upgrade can write one on its way ([`transfer::Tee`]), from the same read.
//! [`ops::restore`] makes entries of records ([`archive::entries`]), and its lanes have blocks where others have a session:
//! of a file in any order, of a stream ([`transfer::Stream`]) in its sequence, which the schedule keeps to.
//!
//! # Layers
//!
//! | layer | rooms | may import |
//! |---|---|---|
//! | 0 | [`error`], [`event`], [`toc`], [`mod@sql`] | each other; no I/O, no tokio |
//! | 1 | [`wire`], [`archive`] | layer 0, never each other: the wire knows no file format, the archive no server |
//! | 2 | [`catalog`] | 0, [`wire`] (only reading and row decoding) |
//! | 3 | [`plan`] | 0, [`catalog`]; no async, no I/O |
//! | 4 | [`transfer`] | 0, [`wire`], [`archive`], [`plan`]; not [`catalog`] |
//! | 5 | [`ops`] | everything below; the only place that wires |
//! | 6 | `cli`, `main` | [`ops`], [`event`], [`error`]; the only users of clap, serde_json, terminal_size |
//!
//! A test holds the imports against this table.
//!
//! # Where to begin
//!
//! * A kind of object (policies, say) is one file under [`catalog`]: its query, its decoding, its rendering.
//! * What differs between majors stands in a kind's column list, or as a named capability in [`wire::version`].
//! * What one command does, from beginning to end, is one file under [`ops`]; [`ops::upgrade`] reads like a table of contents.
//!   One run can move several databases: each has its own snapshot, catalog and staging database, and they share the lanes.
//! * [`ops::bench`] measures every part of a way, with lanes as real runs have them; [`plan::forecast`] says what that means.
//! * What runs side by side, and what waits for what, is decided in [`plan::schedule`] and done in [`transfer::run`]; which
//!   tables several lanes share, in [`plan::split`]; in which form rows cross, in [`plan::form`]; how many lanes there are and
//!   what they take of the new server, in [`plan::means`] and [`plan::pace`].
//!
//! # What holds everywhere
//!
//! * SQL text is made through [`mod@sql`] only: a name that was not quoted does not compile.
//! * An [`error::Error`] names what was done, the object, the statement, the SQLSTATE, and what to do; it is printed once.
//! * Memory is bounded: blocks of rows wait in channels that are bounded in bytes, whatever the size of a table or a row.
//! * State lives in the servers: a run that was killed leaves at most staging databases, which the next run replaces
//!   ([`ops::clean`] removes them), settings of the new server, which the comment on such a database tells of (`ops::tuning`),
//!   and roles, which the next run finds as it would have made them.

pub mod archive;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod error;
pub mod event;
pub mod ops;
pub mod plan;
pub mod sql;
pub mod toc;
pub mod transfer;
pub mod wire;
