//! Whether everything lies where the manifest says, and nothing else does.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::super::block::{self, Content, FILLER, INT_BYTES, START_BYTES};
use super::super::large_object;
use super::super::manifest::{self, Block, END_BYTES, FOOTER_BYTES};
use super::super::primitive::{Offset, Sink as _, Sizes};
use super::super::read::{Proof, label};
use super::super::toc::Record;
use super::{Fault, Job, LONGEST_FRAME};
use crate::error::Result;

/// A block whose parts fit together in the manifest.
pub(super) struct Sound<'a> {
    pub block: &'a Block,
    /// Which one of the manifest it is.
    pub number: usize,
    /// Its record, if the table of contents has it, and its beginning and its end are whole.
    pub record: Option<&'a Record>,
    pub content: Content,
    pub label: String,
}

/// Looks at everything but the contents of blocks; those that can be looked at are returned.
pub(super) fn check<'a>(job: &Job<'a>, proof: &'a Proof) -> Result<Vec<Sound<'a>>> {
    head(job, proof)?;
    let records: HashMap<i64, &Record> = job.archive.records().iter().map(|record| (record.id, record)).collect();
    let (mut sound, mut next) = (Vec::new(), proof.manifest.head_bytes);
    let mut met = HashSet::new();
    for (number, block) in proof.manifest.blocks.iter().enumerate() {
        let record = records.get(&i64::from(block.id)).copied();
        let name = record.map_or_else(|| format!("block of entry {}", block.id), label);
        let end = block.offset.checked_add(block.length).filter(|end| *end <= proof.body_at);
        let range = block.offset.min(proof.body_at)..end.unwrap_or(proof.body_at);
        if block.offset != next || end.is_none() || !met.insert(i64::from(block.id)) {
            let what = format!("the manifest lets this block begin here, and the one before it ends at byte {next}");
            job.fault(Fault::differs(&name, range.clone(), what));
            // What overlaps would be looked at again and again.
            if end.is_none() || block.offset < next {
                continue;
            }
        }
        next = range.end;
        let content = content(block, record);
        entry(job, block, record, &name);
        match parts(block, content) {
            Ok(()) => {
                let record = if ends(job, block, content, &name)? { record } else { None };
                sound.push(Sound { block, number, record, content, label: name });
            }
            Err(what) => job.fault(Fault::differs(&name, range, what)),
        }
    }
    for record in records.values().filter(|record| record.has_block && !met.contains(&record.id)) {
        let what = "it should have data, and the manifest has no block of it";
        job.fault(Fault::differs(label(record), 0..proof.manifest.head_bytes, what));
    }
    manifest_block(job, proof, next)?;
    Ok(sound)
}

/// Header and table of contents.
fn head(job: &Job<'_>, proof: &Proof) -> Result<()> {
    let (archive, said) = (job.archive, proof.manifest.head_bytes);
    let head = archive.blocks_from();
    let mut faults = Vec::new();
    if said != head {
        faults.push(format!("they end at byte {head}, and by the manifest at byte {said}"));
    }
    if archive.header().sizes != Sizes::USUAL {
        faults.push("numbers have sizes of which no archive with a manifest is".to_owned());
    }
    let mut hash = Sha256::new();
    job.bytes(0..said.min(proof.body_at), |part| hash.update(part))?;
    if proof.manifest.head_hash != *hash.finalize() {
        faults.push("they are not as they were written (their SHA-256 is another one)".to_owned());
    }
    for what in faults {
        job.fault(Fault::damage("header and table of contents", 0..head, what));
    }
    Ok(())
}

/// What a block holds, by its record, or by what the manifest says of it.
fn content(block: &Block, record: Option<&Record>) -> Content {
    let objects = match record {
        Some(record) => record.desc == large_object::CONTENTS,
        None => block.frames.is_empty(),
    };
    if objects { Content::LargeObjects } else { Content::Rows }
}

/// Whether the table of contents says of the block what the manifest says.
fn entry(job: &Job<'_>, block: &Block, record: Option<&Record>, name: &str) {
    let what = match record.map(|record| (record.has_block, record.offset)) {
        None => "the table of contents has no such entry".to_owned(),
        Some((false, _)) => "by the table of contents the entry has no data".to_owned(),
        Some((true, Offset::At(at))) if at != block.offset => {
            format!("by the table of contents the block begins at byte {at}")
        }
        Some((true, Offset::NoData)) => "by the table of contents there are no data".to_owned(),
        // One that was written into a pipe does not know.
        Some((true, Offset::At(_) | Offset::Unknown)) => return,
    };
    job.fault(Fault::differs(name, block.offset..block.offset.saturating_add(block.length), what));
}

/// Whether the parts of a block make up the whole.
fn parts(block: &Block, content: Content) -> Result<(), String> {
    if let Some(frame) = block.frames.iter().find(|f| f.stored.max(f.content) > LONGEST_FRAME || f.stored == 0) {
        return Err(format!("the manifest speaks of a frame of {} bytes", frame.stored.max(frame.content)));
    }
    let frames: u64 = block.frames.iter().map(|frame| INT_BYTES + u64::from(frame.stored)).sum();
    let least = START_BYTES + frames + INT_BYTES;
    match content {
        Content::Rows if least != block.length => {
            Err(format!("its frames take {least} bytes, and the block {} by the manifest", block.length))
        }
        Content::LargeObjects if !block.frames.is_empty() || block.length < least => {
            Err("the manifest says of large objects what cannot be".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the first bytes of a block and its last ones are as they should be.
fn ends(job: &Job<'_>, block: &Block, content: Content, name: &str) -> Result<bool> {
    let mut whole = true;
    let (mut start, mut end) = (Vec::new(), Vec::new());
    // Writing to a vector cannot fail.
    let _ = block::put_start(&mut start, content, block.id.into());
    let _ = block::put_end(&mut end);
    let last = block.offset + block.length - INT_BYTES;
    for (at, expected, what) in [
        (block.offset, start, "the beginning of the block is damaged: its type or its number is another one"),
        (last, end, "the end of the block is damaged"),
    ] {
        whole &= same(job, at, &expected, name, what)?;
    }
    Ok(whole)
}

/// The block that holds the manifest: it follows the last one, and nothing is between.
fn manifest_block(job: &Job<'_>, proof: &Proof, begins: u64) -> Result<()> {
    let mut expected = Vec::new();
    let _ = block::put_start(&mut expected, Content::Rows, FILLER);
    let _ = expected.put_int(i64::try_from(proof.body).unwrap_or(i64::MAX).saturating_add(FOOTER_BYTES as i64));
    let at = proof.body_at.saturating_sub(expected.len() as u64);
    if at != begins {
        let what = format!("between the last block and the manifest is what neither knows, or they overlap ({at})");
        job.fault(Fault::differs("manifest", begins.min(at)..begins.max(at), what));
    }
    same(job, at, &expected, "manifest", "the beginning of its block is damaged")?;
    let pointers = job.archive.records().iter().filter(|record| record.desc == manifest::DESC.as_bytes());
    for record in pointers {
        if let Offset::At(told) = record.offset
            && told != at
        {
            let what = format!("by the table of contents it begins at byte {told}");
            job.fault(Fault::differs("manifest", at..job.archive.length(), what));
        }
    }
    job.passed(proof.body + (FOOTER_BYTES + END_BYTES) as u64)
}

/// Whether these bytes stand there.
fn same(job: &Job<'_>, at: u64, expected: &[u8], name: &str, what: &str) -> Result<bool> {
    let mut there = Vec::new();
    job.archive.read_into(at, expected.len(), &mut there)?;
    if there != expected {
        job.fault(Fault::damage(name, at..at + expected.len() as u64, what));
    }
    job.passed(expected.len() as u64)?;
    Ok(there == expected)
}
