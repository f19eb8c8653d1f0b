//! The move: what a source sends becomes what a sink holds.
//!
//! [`run`] is the dispatcher. It takes tasks from a [`Schedule`](crate::plan::schedule::Schedule), gives them to lanes, and
//! is the only one that talks to the reporter. A [`Lane`] is a way from a source to a sink; that of a [`Mover`] has one session
//! on the new server, and one on the old, inside the one snapshot, or an archive.

mod archivist;
mod blocks;
mod columns;
mod digest;
mod dumper;
mod framer;
mod lane;
mod large_object;
mod monitor;
mod mover;
mod object_framer;
mod packed;
mod path;
mod pipe;
mod progress;
pub mod run;
mod salvage;
mod sink;
mod source;
mod statistics;
mod stream;
mod tee;
mod unpack;
mod worker;

pub use archivist::{Archivist, Desk};
pub use blocks::Blocks;
pub use digest::{Digest, RowDigester};
pub use dumper::Dumper;
pub use lane::{Deed, Effect, Lane};
pub use large_object::{copy_large_objects, digest_large_objects};
pub use mover::Mover;
pub use packed::Packed;
pub use pipe::{Copied, DigestMode, copy_table, digest_table};
pub use run::{Checked, Database, Moved, Transfer};
pub use salvage::{Loss, Losses};
pub use sink::{Sink, copy_in};
pub use source::{copy_out, copy_part};
pub use stream::Stream;
pub use tee::Tee;
pub use worker::OpenLane;
