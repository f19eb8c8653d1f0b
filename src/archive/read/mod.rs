//! Reading archives: our own and those of stock `pg_dump`, from a file in any order, or from a stream in one pass.
//!
//! A [`FileArchive`] finds the [`Block`] of a record by the offset that the record tells, or by looking through the blocks;
//! several threads may read several blocks at once. A [`StreamArchive`] goes from block to block as they come. Either way
//! the content of a block comes in pieces of at most [`PIECE`](super::codec::PIECE) bytes, so that memory is bounded whatever
//! the size of a block, a chunk or a row, and whatever the bytes promise.

mod block;
mod file;
mod frames;
mod part;
mod place;
mod proof;
mod salvage;
mod stream;

pub use block::Block;
pub use file::FileArchive;
pub(super) use frames::as_written;
pub(super) use proof::Proof;
pub use salvage::Lost;
pub use stream::StreamArchive;

use super::block::{Content, Start};
use super::primitive::malformed;
use super::toc::Record;
use crate::error::{Error, Result};

/// How a record is named in messages: "TABLE DATA app.orders".
pub fn label(record: &Record) -> String {
    let text = String::from_utf8_lossy;
    let schema = record.namespace.as_deref().filter(|schema| !schema.is_empty());
    let schema = schema.map(|schema| text(schema) + ".").unwrap_or_default();
    format!("{} {schema}{}", text(&record.desc), text(&record.tag))
}

/// A block begins at `at` that is to be the one of this record.
fn check_start(start: Start, record: &Record, at: u64) -> Result<()> {
    if start.id != record.id {
        let what = format!("where the block of entry {} should be, that of {} begins", record.id, start.id);
        return Err(damaged(what, at).about(label(record)));
    }
    let expected = if record.desc == b"BLOBS" { Content::LargeObjects } else { Content::Rows };
    if start.content != expected {
        let what = format!("the block of entry {} is of another type than the entry", record.id);
        return Err(damaged(what, at).about(label(record)));
    }
    Ok(())
}

fn missing(record: &Record) -> Error {
    Error::malformed(format!("the archive has no data for entry {}, which should have some", record.id))
        .about(label(record))
        .with_hint("The file is cut off or damaged. If it was copied or downloaded, do that again.")
}

pub(super) fn damaged(what: impl Into<String>, at: u64) -> Error {
    malformed(what, at).with_hint("The file is damaged. If it was copied or downloaded, do that again.")
}

#[cfg(test)]
mod tests;
