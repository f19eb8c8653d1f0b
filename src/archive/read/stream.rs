//! An archive that comes as a stream.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufReader, Read};

use super::super::block::Start;
use super::super::header::Header;
use super::super::primitive::{Sizes, Source};
use super::super::toc::{self, Record};
use super::block::{Block, Body, PART};
use super::{check_start, damaged, label, missing};
use crate::error::Result;

/// An archive that is read in one pass, from standard input or any other stream.
///
/// Bytes that look like no block are an error, as they are for stock `pg_restore`, wherever they stand.
pub struct StreamArchive {
    header: Header,
    records: Vec<Record>,
    /// For each record with a block: which one it is, and whether its block has come.
    blocks: HashMap<i64, (usize, bool)>,
    body: Body,
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
        let mut source = Source::new(BufReader::with_capacity(PART, from), 0, Sizes::USUAL);
        let header = Header::read(&mut source)?;
        let records = toc::read(&mut source, header.version)?;
        let with_blocks = records.iter().enumerate().filter(|(_, record)| record.has_block);
        let blocks = with_blocks.map(|(at, record)| (record.id, (at, false))).collect();
        let body = Body::new(source, header.compression)?;
        Ok(Self { header, records, blocks, body })
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
            match self.advance()? {
                None => return Ok(None),
                Some((start, at)) if self.blocks.contains_key(&start.id) => return Ok(Some(self.lend(start, at))),
                Some(_) => {}
            }
        }
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
        let Self { body, blocks, records, .. } = self;
        body.skip()?;
        let at = body.position();
        let begun = body.begin(|start| {
            let Some((record, come)) = blocks.get_mut(&start.id) else { return Ok(false) };
            if std::mem::replace(come, true) {
                return Err(damaged(format!("there is a second block for entry {}", start.id), at));
            }
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
