//! Archives without a manifest: what can be told of them.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::super::block::{self, Content};
use super::super::header::Compression;
use super::super::primitive::Offset;
use super::super::read::{Block, label};
use super::super::toc::Record;
use super::{Fault, Job, objects};
use crate::archive::block::END_OF_ROWS;
use crate::error::Result;

/// Where each block lies, by the number of its record, and how far the blocks could be followed.
pub(super) struct Walk {
    blocks: HashMap<i64, Range<u64>>,
    whole: bool,
}

/// Goes from block to block up to the last one of a record. What follows that is nothing to anybody: where its standard output
/// is a file, `pg_dump` leaves a second table of contents there.
pub(super) fn walk(job: &Job<'_>) -> Result<Walk> {
    let archive = job.archive;
    let mut source = archive.source(archive.blocks_from());
    let known: HashSet<i64> = archive.records().iter().map(|record| record.id).collect();
    let mut walk = Walk { blocks: HashMap::new(), whole: true };
    let expected = archive.records().iter().filter(|record| record.has_block).count();
    while walk.blocks.len() < expected {
        let at = source.position();
        let next = block::start(&mut source).and_then(|start| {
            let Some(start) = start else { return Ok(None) };
            block::skip_with(&mut source, start.content, |source, length| source.leap(length, "a chunk"))?;
            Ok(Some(start.id))
        });
        match next {
            Ok(None) => break,
            Ok(Some(id)) => {
                let range = at..source.position();
                if known.contains(&id)
                    && let Some(before) = walk.blocks.insert(id, range.clone())
                {
                    let what = format!("a second block for entry {id}; the first one begins at byte {}", before.start);
                    job.fault(Fault::damage(name(job, id), range, what));
                }
            }
            Err(error) => {
                walk.whole = false;
                job.fault_or_end(error, |what| Fault::damage("blocks", at..archive.length(), what))?;
                break;
            }
        }
        job.passed(0)?;
    }
    job.passed(archive.blocks_from())?;
    Ok(walk)
}

fn name(job: &Job<'_>, id: i64) -> String {
    let record = job.archive.records().iter().find(|record| record.id == id);
    record.map_or_else(|| format!("block of entry {id}"), label)
}

/// Decodes the block of a record to its end.
pub(super) fn check(job: &Job<'_>, record: &Record, walk: &Walk) -> Result<()> {
    let place = walk.blocks.get(&record.id);
    let name = label(record);
    let range = match (place, record.offset) {
        (Some(place), _) => place.clone(),
        (None, Offset::At(at)) => at..job.archive.length().max(at),
        (None, _) if walk.whole => 0..job.archive.length(),
        // What could not be followed has been said, and this may lie there.
        (None, _) => job.archive.blocks_from()..job.archive.length(),
    };
    let differs = match (place, record.offset) {
        (Some(place), Offset::At(at)) if place.start != at => {
            Some(format!("by the table of contents the block begins at byte {at}"))
        }
        // Whoever restores it would pass it over.
        (Some(_), Offset::NoData) => Some("by the table of contents there is no block".to_owned()),
        _ => None,
    };
    if let Some(what) = differs {
        job.fault(Fault::differs(&name, range.clone(), what));
    }
    let record = match place {
        Some(place) => &Record { offset: Offset::At(place.start), ..record.clone() },
        None => record,
    };
    let read = job.archive.block(record).and_then(|found| found.map_or(Ok(()), |found| read(job, record, found)));
    job.passed(place.map_or(0, |place| place.end - place.start))?;
    read.or_else(|error| job.fault_or_end(error, |what| Fault::damage(&name, range, what)))
}

fn read(job: &Job<'_>, record: &Record, mut block: Block<'_>) -> Result<()> {
    if block.start().content == Content::LargeObjects {
        let found = objects::count(job, block)?;
        job.count(0, found.objects, found.content);
        return Ok(());
    }
    let (mut lines, mut content, mut last) = (0u64, 0u64, Vec::new());
    while let Some(piece) = block.next_piece()? {
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        content += piece.len() as u64;
        last.extend_from_slice(&piece[piece.len().saturating_sub(END_OF_ROWS.len())..]);
        last.drain(..last.len().saturating_sub(END_OF_ROWS.len()));
        job.passed(0)?;
    }
    // Statements have no such line, and rows in binary form another end.
    let copied = record.copy.as_deref().filter(|copy| !copy.is_empty());
    let text = copied.is_some_and(|copy| copy.ends_with(b"FROM stdin;\n"));
    if text && last != END_OF_ROWS {
        return Err(crate::archive::read::damaged("the line that ends the rows is not there", block.position()));
    }
    let around = if text { END_OF_ROWS } else { b"" };
    let newlines = around.iter().filter(|byte| **byte == b'\n').count() as u64;
    job.count(lines.saturating_sub(newlines), 0, content.saturating_sub(around.len() as u64));
    Ok(())
}

/// What stock archives do not tell.
pub(super) fn unproved(compression: Compression) -> Vec<String> {
    let data = match compression {
        Compression::None => "rows and large objects have no checksums: bytes of them that are others cannot be told",
        Compression::Gzip => "rows and large objects have checksums of 32 bits (Adler-32), which are right",
        Compression::Lz4 | Compression::Zstd => {
            "pg_dump gives rows and large objects no checksums: bytes that are others show only where they cannot be decoded"
        }
    };
    let counts = "the archive has no manifest: whether all entries, rows and large objects are in it cannot be told";
    let contents = "the table of contents has no checksum: it can be read, and what it says cannot be proved";
    [counts, contents, data].map(str::to_owned).to_vec()
}
