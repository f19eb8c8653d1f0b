//! An archive that comes as a stream.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufReader, Read};

use sha2::{Digest as _, Sha256};

use super::super::block::{Content, FILLER, Start};
use super::super::header::Header;
use super::super::manifest::Manifest;
use super::super::primitive::{Sizes, Source};
use super::super::toc::{self, Record};
use super::block::{Block, Body, PART};
use super::proof::{self, Last};
use super::{check_start, damaged, label, missing};
use crate::error::Result;

/// An archive that is read in one pass, from standard input or any other stream.
///
/// Bytes that look like no block are an error, as they are for stock `pg_restore`, up to the last block of a record. What
/// follows that is nothing to anybody, unless the archive should end with a manifest: where its standard output is a file,
/// `pg_dump` writes a second table of contents there (PostgreSQL 16 to 18, `src/bin/pg_dump/pg_backup_archiver.c`, `_allocAH`
/// opens standard output for appending, so that `_CloseArchive` of `pg_backup_custom.c` cannot go back).
pub struct StreamArchive {
    header: Header,
    records: Vec<Record>,
    /// For each record with a block: which one it is, and whether its block has come.
    blocks: HashMap<i64, (usize, bool)>,
    /// How many of them have not come.
    left: usize,
    body: Body,
    /// How many bytes header and table of contents have, and their SHA-256.
    head: (u64, [u8; 32]),
    /// The last block that belongs to no record, where the archive should have a manifest.
    last: Option<Last>,
}

/// What was read, and its SHA-256.
struct Hashing<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl fmt::Debug for StreamArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamArchive").field("header", &self.header).finish_non_exhaustive()
    }
}

impl StreamArchive {
    /// Reads header and table of contents.
    ///
    /// # Errors
    /// * `Malformed` if this is no archive that can be read; `Io` if the stream breaks.
    pub fn new(from: impl Read + Send + 'static) -> Result<Self> {
        let from: Box<dyn Read + Send> = Box::new(from);
        let from = Hashing { from: BufReader::with_capacity(PART, from), hash: Sha256::new() };
        let mut source = Source::new(from, 0, Sizes::USUAL);
        let header = Header::read(&mut source)?;
        let records = toc::read(&mut source, header.version)?;
        let at = source.position();
        let Hashing { from, hash } = source.into_inner();
        let with_blocks = records.iter().enumerate().filter(|(_, record)| record.has_block);
        let blocks: HashMap<i64, (usize, bool)> = with_blocks.map(|(at, record)| (record.id, (at, false))).collect();
        let body = Body::new(Source::new(from, at, header.sizes), header.compression)?;
        Ok(Self { header, records, left: blocks.len(), blocks, body, head: (at, hash.finalize().into()), last: None })
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its table of contents.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The next block that belongs to a record; what is left of the one before is passed over. Nothing at the end.
    ///
    /// # Errors
    /// * `Malformed` if there is something else, a second block of a record, or, at the end, a record without the block that
    ///   it should have; `Io` if the stream breaks. Nobody knows where the next block begins then.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>> {
        loop {
            if self.left == 0 && !self.has_manifest() {
                self.body.skip_to_end()?;
                return Ok(None);
            }
            match self.advance()? {
                None => return Ok(None),
                Some((start, at)) if self.blocks.contains_key(&start.id) => return Ok(Some(self.lend(start, at))),
                Some((start, _)) if start.id == FILLER && start.content == Content::Rows && self.has_manifest() => {
                    self.last = self.keep()?;
                }
                Some(_) => {}
            }
        }
    }

    /// Whether the archive should end with a manifest: it is one of ours.
    pub fn has_manifest(&self) -> bool {
        proof::is_promised(&self.records)
    }

    /// What the archive says about itself, once there is no next block; nothing for those of others, which have no manifest.
    ///
    /// # Errors
    /// * As [`FileArchive::manifest`](super::FileArchive::manifest).
    pub fn manifest(&mut self) -> Result<Option<Manifest>> {
        let (length, (head_bytes, head_hash)) = (self.body.position(), self.head);
        match self.last.take() {
            Some(last) => last.manifest(length, head_bytes, &head_hash).map(Some),
            None if self.has_manifest() => Err(proof::lost(length)),
            None => Ok(None),
        }
    }

    /// Reads a block that may be a manifest; nothing if it is too long for one.
    fn keep(&mut self) -> Result<Option<Last>> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.body.piece()? {
            if bytes.len() + piece.len() > Last::LONGEST {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(Last { bytes, ends: self.body.position() }))
    }

    /// The next block, even if it belongs to no record: then its bytes come as they lie there, decoded in no way.
    ///
    /// # Errors
    /// * As [`StreamArchive::next_block`].
    pub fn next_block_of_any(&mut self) -> Result<Option<Block<'_>>> {
        Ok(self.advance()?.map(|(start, at)| self.lend(start, at)))
    }

    fn lend(&mut self, start: Start, at: u64) -> Block<'_> {
        let record = self.blocks.get(&start.id).and_then(|(record, _)| self.records.get(*record));
        let label = record.map_or_else(|| format!("the block {} of no entry", start.id), label);
        Block::lent(&mut self.body, start, at, label)
    }

    /// To the beginning of the next block. Returns where that is.
    fn advance(&mut self) -> Result<Option<(Start, u64)>> {
        let Self { body, blocks, left, records, .. } = self;
        body.skip()?;
        let at = body.position();
        let begun = body.begin(|start| {
            let Some((record, come)) = blocks.get_mut(&start.id) else { return Ok(false) };
            if std::mem::replace(come, true) {
                return Err(damaged(format!("there is a second block for entry {}", start.id), at));
            }
            *left -= 1;
            records.get(*record).map_or(Ok(()), |record| check_start(start, record, at))?;
            Ok(true)
        })?;
        match begun {
            Some(start) => Ok(Some((start, at))),
            None => {
                let without =
                    self.records.iter().find(|record| self.blocks.get(&record.id).is_some_and(|(_, come)| !come));
                without.map_or(Ok(None), |record| Err(missing(record)))
            }
        }
    }
}
