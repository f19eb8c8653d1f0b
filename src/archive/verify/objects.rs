//! Blocks of large objects.

use xxhash_rust::xxh3::Xxh3;

use super::structure::Sound;
use super::{Fault, Job};
use crate::archive::block::{INT_BYTES, START_BYTES};
use crate::archive::primitive::Offset;
use crate::archive::read::Block;
use crate::archive::toc::Record;
use crate::error::Result;

/// Hashes what is in the block, decodes every object, counts and digests them.
pub(super) fn check(job: &Job<'_>, sound: &Sound<'_>) -> Result<()> {
    let (archive, block) = (job.archive, sound.block);
    let range = block.offset..block.offset + block.length;
    let mut hash = Xxh3::new();
    job.bytes(range.start + START_BYTES..range.end - INT_BYTES, |part| hash.update(part))?;
    let as_written = hash.digest() == block.hash;
    let damaged = "the large objects are not as they were written (their XXH3 is another one)";
    let Some(record) = sound.record else {
        // Why has been said already; nobody can decode it.
        if !as_written {
            job.fault(Fault::damage(&sound.label, range, damaged));
        }
        return Ok(());
    };
    let record = Record { offset: Offset::At(block.offset), ..record.clone() };
    let fault = |what: String| Fault { differs: as_written, ..Fault::damage(&sound.label, range.clone(), what) };
    let found = archive.block(&record).and_then(|found| found.map(|found| count(job, found)).transpose());
    let found = match found {
        Ok(_) if !as_written => {
            job.fault(fault(damaged.to_owned()));
            return Ok(());
        }
        Ok(found) => found.unwrap_or_default(),
        Err(error) if as_written => return job.fault_or_end(error, fault),
        Err(error) => return job.fault_or_end(error, |what| fault(format!("{damaged}; {what}"))),
    };
    if found.end != range.end {
        job.fault(fault(format!("its objects end at byte {}", found.end)));
    }
    if found.objects != block.rows {
        job.fault(fault(format!("it holds {} large objects instead of {}", found.objects, block.rows)));
    }
    if block.digest.is_some_and(|digest| digest != found.sum) {
        job.fault(fault(
            "the large objects are not those that the server has sent (their digest is another one)".into(),
        ));
    }
    job.count(0, found.objects, found.content);
    Ok(())
}

#[derive(Default)]
pub(super) struct Found {
    pub objects: u64,
    pub content: u64,
    /// The digest, as the manifest has it.
    pub sum: u128,
    /// Where the block ends.
    pub end: u64,
}

/// Reads all objects of a block.
pub(super) fn count(job: &Job<'_>, mut block: Block<'_>) -> Result<Found> {
    let mut found = Found::default();
    let mut hash = Xxh3::new();
    while let Some(oid) = block.next_object()? {
        hash.reset();
        hash.update(&oid.to_be_bytes());
        while let Some(piece) = block.next_piece()? {
            hash.update(&piece);
            found.content += piece.len() as u64;
            job.passed(0)?;
        }
        found.objects += 1;
        found.sum = found.sum.wrapping_add(hash.digest128());
    }
    found.end = block.position();
    Ok(found)
}
