//! Writing an archive: [`Draft`], then [`Data`], then a whole file.
//!
//! Many blocks may be open at once, and a block has to lie in one piece. One of them owns the tail of the file: what it is
//! given goes there at once. The others wait in memory, and what is too much for that in a nameless file beside the archive;
//! when the tail is free, what is whole follows first, in the order in which it was begun, then the largest of those that are
//! still open takes the tail over.
//!
//! A file has a temporary name until it is whole. A stream cannot be gone back in: its table of contents does not say where
//! blocks lie, and they lie in the order of their records.

mod out;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::block::{self, Content, FILLER};
use super::header::Header;
use super::manifest::{self, Frame, Manifest};
use super::primitive::Offset;
use super::toc::{self, Record};
use crate::error::{Error, Result};
pub use out::insist_on_room;
use out::{Out, Spool};

/// How much of a block waits in memory, in bytes, before it goes to a file of its own.
const SPOOL_BYTES: usize = 8 << 20;

/// Where an archive goes.
pub enum Place {
    /// A file, which appears under this name when it is whole.
    File {
        /// Its final name.
        path: PathBuf,
        /// Whether one that is there may be replaced.
        overwrite: bool,
    },
    /// Somewhere that takes bytes one after the other.
    Stream(Box<dyn Write + Send>),
}

/// An archive of which everything is known but its data.
pub struct Draft {
    header: Header,
    records: Vec<Record>,
}

/// An archive that takes data.
pub struct Data {
    header: Header,
    records: Vec<Record>,
    out: Out,
    blocks: BTreeMap<i64, Block>,
    /// How many blocks have been opened.
    opened: usize,
    /// The block that owns the tail.
    owner: Option<i64>,
    /// In a stream, the blocks that are still to come, in their order.
    turns: Option<VecDeque<i64>>,
    /// The blocks that are whole, in the order in which they lie.
    written: Vec<manifest::Block>,
    head_bytes: u64,
    head_hash: [u8; 32],
}

/// What has been written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the file.
    pub bytes: u64,
    /// The blocks, in the order in which they lie.
    pub blocks: Vec<manifest::Block>,
}

/// A block that is not whole yet.
struct Block {
    content: Content,
    about: manifest::Block,
    hash: Xxh3,
    waiting: Vec<u8>,
    spool: Option<Spool>,
    closed: bool,
    /// Which one it was to be opened.
    number: usize,
}

impl Draft {
    /// An archive with these records. Those that have a block say so ([`Record::has_block`]); one of the kind
    /// [`manifest::DESC`] is the manifest's.
    pub fn new(header: Header, records: Vec<Record>) -> Self {
        Self { header, records }
    }

    /// Begins to write.
    ///
    /// # Errors
    ///
    /// * `Refused` if there is such a file, or another run is writing it;
    /// * `Io` if it cannot be made.
    pub fn begin(mut self, place: Place) -> Result<Data> {
        for record in &mut self.records {
            record.offset = if record.has_block { Offset::Unknown } else { Offset::NoData };
        }
        let with_blocks = self.records.iter().filter(|record| record.has_block).map(|record| record.id);
        let turns = matches!(place, Place::Stream(_)).then(|| with_blocks.collect());
        let head = head(&self.header, &self.records)?;
        let mut out = Out::open(place)?;
        out.write(&head)?;
        Ok(Data {
            header: self.header,
            records: self.records,
            out,
            blocks: BTreeMap::new(),
            opened: 0,
            owner: None,
            turns,
            written: Vec::new(),
            head_bytes: head.len() as u64,
            head_hash: Sha256::digest(&head).into(),
        })
    }
}

/// Header and table of contents.
fn head(header: &Header, records: &[Record]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let written = header.write(&mut bytes).and_then(|()| toc::write(records, header.version, &mut bytes));
    written
        .map_err(|error| Error::malformed("the table of contents does not fit into an archive").with_source(error))?;
    Ok(bytes)
}

impl Data {
    /// Begins the block of a record.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written.
    pub fn open(&mut self, id: i64, content: Content) -> Result<()> {
        let number = u32::try_from(id).map_err(|_| Error::malformed("a record with an impossible number"))?;
        let about = manifest::Block { id: number, ..manifest::Block::default() };
        let (hash, waiting) = (Xxh3::new(), Vec::new());
        let number = self.opened;
        self.opened += 1;
        self.blocks.insert(id, Block { content, about, hash, waiting, spool: None, closed: false, number });
        self.hand_on()
    }

    /// Adds a frame to a block of rows: one chunk. `frame` tells how many bytes and rows are in it.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written.
    pub fn frame(&mut self, id: i64, bytes: &[u8], frame: Frame) -> Result<()> {
        let mut chunk = Vec::with_capacity(5 + bytes.len());
        block::put_chunk(&mut chunk, bytes).map_err(|error| self.out.failed(error))?;
        let stored = u32::try_from(bytes.len()).map_err(|_| Error::malformed("a chunk of an archive is too long"))?;
        let block = self.block(id)?;
        if stored > 0 {
            block.about.frames.push(Frame { stored, hash: xxh3_64(bytes), ..frame });
        }
        self.append(id, &chunk)
    }

    /// Adds large objects to a block of them, with everything that stands around them.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written.
    pub fn large_objects(&mut self, id: i64, bytes: &[u8]) -> Result<()> {
        self.block(id)?.hash.update(bytes);
        self.append(id, bytes)
    }

    /// Ends a block.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written.
    pub fn close(&mut self, id: i64, rows: u64, digest: Option<u128>) -> Result<()> {
        let block = self.block(id)?;
        block.closed = true;
        block.about.rows = rows;
        block.about.digest = digest;
        if block.content == Content::LargeObjects {
            block.about.hash = block.hash.digest();
        }
        if self.owner == Some(id) {
            self.end_owner()?;
        }
        self.hand_on()
    }

    /// Takes back all that a block was given: it can be opened once more.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be taken back, as from a stream.
    pub fn abandon(&mut self, id: i64) -> Result<()> {
        let Some(block) = self.blocks.remove(&id) else { return Ok(()) };
        if self.owner == Some(id) {
            self.out.rewind(block.about.offset)?;
            self.owner = None;
        }
        self.hand_on()
    }

    /// Whether all that the block was given has gone out of memory.
    pub fn is_out(&self, id: i64) -> bool {
        self.blocks.get(&id).is_none_or(|block| block.waiting.is_empty())
    }

    /// Makes the file whole: `manifest` gets what only the writer knows. A file gets its name.
    ///
    /// # Errors
    ///
    /// * `Malformed` if a block is missing;
    /// * `Io` if it cannot be written.
    pub fn finish(mut self, mut manifest: Manifest) -> Result<Written> {
        let missing = self
            .records
            .iter()
            .find(|record| record.has_block && !self.written.iter().any(|block| i64::from(block.id) == record.id));
        if let Some(record) = missing {
            let tag = String::from_utf8_lossy(&record.tag);
            return Err(Error::malformed(format!("nobody has written the data of {tag}; this is a bug")));
        }
        let manifest_begins = self.out.at;
        if self.out.is_seekable() {
            self.put_in_order(manifest_begins);
            let head = head(&self.header, &self.records)?;
            self.head_hash = Sha256::digest(&head).into();
            self.out.rewrite_head(&head)?;
        }
        manifest.head_bytes = self.head_bytes;
        manifest.head_hash = self.head_hash;
        manifest.blocks.clone_from(&self.written);
        let mut around = Vec::new();
        let begun = block::put_start(&mut around, Content::Rows, FILLER);
        begun.map_err(|error| self.out.failed(error))?;
        // The chunk's length, a sign and four bytes, stands before the body.
        let body_begins = manifest_begins + around.len() as u64 + 5;
        let body = manifest.write(body_begins)?;
        let put = block::put_chunk(&mut around, &body).and_then(|()| block::put_end(&mut around));
        put.map_err(|error| self.out.failed(error))?;
        self.out.write(&around)?;
        let bytes = self.out.at;
        self.out.publish()?;
        Ok(Written { bytes, blocks: self.written })
    }

    /// Says where blocks lie, and lets the records of data stand in the order of their blocks, for who reads from a stream.
    fn put_in_order(&mut self, manifest_begins: u64) {
        let place: HashMap<i64, (usize, u64)> =
            self.written.iter().enumerate().map(|(n, block)| (i64::from(block.id), (n, block.offset))).collect();
        for record in &mut self.records {
            if let Some((_, offset)) = place.get(&record.id) {
                record.offset = Offset::At(*offset);
            } else if record.desc == manifest::DESC.as_bytes() {
                record.offset = Offset::At(manifest_begins);
            }
        }
        let at: Vec<usize> = (0..self.records.len()).filter(|&n| self.records[n].has_block).collect();
        let mut sorted: Vec<Record> = at.iter().map(|&n| self.records[n].clone()).collect();
        sorted.sort_by_key(|record| place.get(&record.id).map(|(n, _)| *n));
        for (n, record) in at.into_iter().zip(sorted) {
            self.records[n] = record;
        }
    }

    fn block(&mut self, id: i64) -> Result<&mut Block> {
        self.blocks
            .get_mut(&id)
            .ok_or_else(|| Error::malformed("nobody has opened this block of the archive; this is a bug"))
    }

    fn append(&mut self, id: i64, bytes: &[u8]) -> Result<()> {
        if self.owner == Some(id) {
            return self.out.write(bytes);
        }
        let spools = self.turns.is_none();
        let Some(block) = self.blocks.get_mut(&id) else { return Ok(()) };
        block.waiting.extend_from_slice(bytes);
        if spools && block.waiting.len() > SPOOL_BYTES {
            let spool = match &mut block.spool {
                Some(spool) => spool,
                none => none.insert(Spool { file: self.out.spool()?, bytes: 0 }),
            };
            spool.file.write_all(&block.waiting).map_err(|error| self.out.failed(error))?;
            spool.bytes += block.waiting.len() as u64;
            block.waiting = Vec::new();
        }
        Ok(())
    }

    /// Gives the tail to whom it belongs next, as long as nobody has it.
    fn hand_on(&mut self) -> Result<()> {
        while self.owner.is_none() {
            let next = match &mut self.turns {
                Some(turns) => turns.front().copied().filter(|id| self.blocks.contains_key(id)),
                None => {
                    let size = |block: &Block| {
                        block.waiting.len() as u64 + block.spool.as_ref().map_or(0, |spool| spool.bytes)
                    };
                    // Whole ones in the order in which they were begun: what was begun after another was whole follows it.
                    let whole = self.blocks.iter().filter(|(_, block)| block.closed);
                    let whole = whole.min_by_key(|(_, block)| block.number);
                    whole.or_else(|| self.blocks.iter().max_by_key(|(_, block)| size(block))).map(|(id, _)| *id)
                }
            };
            let Some(id) = next else { break };
            if let Some(turns) = &mut self.turns {
                turns.pop_front();
            }
            self.give_tail(id)?;
        }
        Ok(())
    }

    fn give_tail(&mut self, id: i64) -> Result<()> {
        let Some(block) = self.blocks.get_mut(&id) else { return Ok(()) };
        self.owner = Some(id);
        block.about.offset = self.out.at;
        let (content, waiting, spool) = (block.content, std::mem::take(&mut block.waiting), block.spool.take());
        let closed = block.closed;
        let mut start = Vec::new();
        block::put_start(&mut start, content, id).map_err(|error| self.out.failed(error))?;
        self.out.write(&start)?;
        if let Some(spool) = spool {
            self.out.take(spool)?;
        }
        self.out.write(&waiting)?;
        if closed { self.end_owner() } else { Ok(()) }
    }

    fn end_owner(&mut self) -> Result<()> {
        let Some(mut block) = self.owner.take().and_then(|id| self.blocks.remove(&id)) else { return Ok(()) };
        let mut end = Vec::new();
        block::put_end(&mut end).map_err(|error| self.out.failed(error))?;
        self.out.write(&end)?;
        block.about.length = self.out.at - block.about.offset;
        self.written.push(block.about);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
