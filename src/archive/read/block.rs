//! One block, decoded piece by piece.

use std::fmt;
use std::io::{BufReader, Read};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bytes::Bytes;

use super::super::block::{self, Content, Start};
use super::super::codec::{Decoder, PIECE};
use super::super::header::Compression;
use super::super::manifest::Frame;
use super::super::primitive::Source;
use super::frames::Frames;
use crate::error::{Error, Result};

/// How much of a chunk is in memory at once, in bytes.
pub(super) const PART: usize = 64 << 10;
/// The same where a chunk is to be proved before anything of it is decoded: no frame that we write is longer.
const WHOLE: usize = 8 << 20;

/// What blocks are read from.
pub(super) type Input = Source<BufReader<Box<dyn Read + Send>>>;

/// The block of a record: rows, statements, or large objects.
///
/// Rows and statements come out of [`Block::next_piece`]; so does each large object after [`Block::next_object`] has given
/// its OID. Rows that `pg_dump` has written in text form end with a line `\.` and two empty ones, as they do in its scripts.
pub struct Block<'a> {
    body: Held<'a>,
    start: Start,
    at: u64,
    label: String,
}

/// A block of a file has its own input; those of a stream have one after the other.
enum Held<'a> {
    Own(Box<Body>),
    Lent(&'a mut Body),
}

impl Deref for Held<'_> {
    type Target = Body;

    fn deref(&self) -> &Body {
        match self {
            Self::Own(body) => body,
            Self::Lent(body) => body,
        }
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Body {
        match self {
            Self::Own(body) => body,
            Self::Lent(body) => body,
        }
    }
}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("start", &self.start).field("at", &self.at).finish_non_exhaustive()
    }
}

impl Block<'static> {
    pub(super) fn own(body: Body, start: Start, at: u64, label: String) -> Self {
        Self { body: Held::Own(Box::new(body)), start, at, label }
    }
}

impl<'a> Block<'a> {
    pub(super) fn lent(body: &'a mut Body, start: Start, at: u64, label: String) -> Self {
        Self { body: Held::Lent(body), start, at, label }
    }

    /// What it holds, and the number of its record.
    pub fn start(&self) -> Start {
        self.start
    }

    /// The byte of the archive at which it begins.
    pub fn begins_at(&self) -> u64 {
        self.at
    }

    /// How many bytes of the archive lie before what is read next.
    pub fn position(&self) -> u64 {
        self.body.input.position()
    }

    /// The OID of the next large object; what is left of the one before is passed over. Nothing after the last one, nor for
    /// a block of rows.
    ///
    /// # Errors
    /// * `Malformed` if the block is damaged or cut off; `Io` if it cannot be read.
    pub fn next_object(&mut self) -> Result<Option<u32>> {
        self.body.object().map_err(|error| self.located(error))
    }

    /// The next piece of the rows or of the large object, of at most [`PIECE`] bytes; nothing after the last one.
    ///
    /// # Errors
    /// * `Malformed` if the block is damaged or cut off; `Io` if it cannot be read. The rest of the rows or of the large
    ///   object is lost then; another object, or another block, may be whole.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>> {
        self.body.piece().map_err(|error| self.located(error))
    }

    fn located(&self, error: Error) -> Error {
        let Self { label, at, .. } = self;
        error.about(format!("{label}, whose block begins at byte {at}, before byte {}", self.position()))
    }
}

/// Where a block is read from, and how far it is read.
pub(super) struct Body {
    input: Input,
    decoder: Decoder,
    /// For blocks that belong to no record.
    copier: Decoder,
    plain: bool,
    place: Place,
    content: Content,
    failed: bool,
    /// What its chunks should be, if that is known.
    frames: Option<Frames>,
    /// A part of a chunk lies here up to `end`; what is before `taken` is decoded.
    part: Vec<u8>,
    taken: usize,
    end: usize,
    piece: Vec<u8>,
}

/// What comes next in a block.
#[derive(Clone, Copy)]
enum Place {
    /// The OID of a large object.
    Object,
    /// So many bytes of a chunk, then other chunks.
    Chunks(u64),
    /// Nothing.
    End,
}

impl Body {
    /// Before a block.
    pub(super) fn new(input: Input, compression: Compression) -> Result<Self> {
        Ok(Self {
            input,
            decoder: Decoder::new(compression)?,
            copier: Decoder::new(Compression::None)?,
            plain: false,
            place: Place::End,
            content: Content::Rows,
            failed: false,
            frames: None,
            part: vec![0; PART],
            taken: 0,
            end: 0,
            piece: Vec::new(),
        })
    }

    /// Holds the next block, which is one of rows, against these frames.
    pub(super) fn hold_against(&mut self, frames: Arc<[Frame]>) {
        self.frames = Some(Frames::new(frames));
    }

    /// Reads the beginning of the next block, which is to be decoded if `known` says so, else copied.
    pub(super) fn begin(&mut self, known: impl FnOnce(Start) -> Result<bool>) -> Result<Option<Start>> {
        self.skip()?;
        let Some(start) = block::start(&mut self.input)? else { return Ok(None) };
        self.plain = !known(start)?;
        self.content = start.content;
        self.place = match start.content {
            Content::Rows => Place::Chunks(0),
            Content::LargeObjects => Place::Object,
        };
        Ok(Some(start))
    }

    pub(super) fn position(&self) -> u64 {
        self.input.position()
    }

    /// Passes over what is left of the block, and all that follows it.
    pub(super) fn skip_to_end(&mut self) -> Result<()> {
        self.skip()?;
        self.input.skip_to_end()
    }

    /// Passes over what is left of the block.
    pub(super) fn skip(&mut self) -> Result<()> {
        self.skip_chunks()?;
        if let Place::Object = self.place {
            block::skip(&mut self.input, Content::LargeObjects)?;
        }
        self.place = Place::End;
        Ok(())
    }

    /// Passes over what is left of the rows or of a large object.
    fn skip_chunks(&mut self) -> Result<()> {
        if let Place::Chunks(left) = self.place {
            self.input.skip(left, "a chunk")?;
            block::skip(&mut self.input, Content::Rows)?;
            self.end_chunks();
        }
        self.forget()
    }

    /// Nothing of what was read so far is to be decoded.
    fn forget(&mut self) -> Result<()> {
        self.failed = false;
        (self.taken, self.end) = (0, 0);
        self.decoder.reset()
    }

    fn end_chunks(&mut self) {
        self.place = match self.content {
            Content::Rows => Place::End,
            Content::LargeObjects => Place::Object,
        };
    }

    fn object(&mut self) -> Result<Option<u32>> {
        if self.content == Content::Rows {
            return Ok(None);
        }
        self.skip_chunks()?;
        if !matches!(self.place, Place::Object) {
            return Ok(None);
        }
        let oid = block::large_object(&mut self.input)?;
        self.place = if oid.is_some() { Place::Chunks(0) } else { Place::End };
        Ok(oid)
    }

    pub(super) fn piece(&mut self) -> Result<Option<Bytes>> {
        if self.failed {
            return Err(Error::malformed("what was damaged cannot be read on"));
        }
        if !matches!(self.place, Place::Chunks(_)) {
            return Ok(None);
        }
        let filled = self.fill_piece().inspect_err(|_| self.failed = true)?;
        Ok(match filled {
            0 => None,
            PIECE => Some(Bytes::from(std::mem::take(&mut self.piece))),
            // A short one takes no more memory than it needs.
            filled => Some(Bytes::copy_from_slice(&self.piece[..filled])),
        })
    }

    /// Decodes until the piece is full or the stream at its end.
    fn fill_piece(&mut self) -> Result<usize> {
        if self.piece.is_empty() {
            self.piece = vec![0; PIECE];
        }
        let mut filled = 0;
        loop {
            let decoder = if self.plain { &mut self.copier } else { &mut self.decoder };
            let mut input = &self.part[self.taken..self.end];
            filled += decoder.fill(&mut input, &mut self.piece[filled..])?;
            self.taken = self.end - input.len();
            if filled == PIECE {
                return Ok(filled);
            }
            if !self.next_part()? {
                let decoder = if self.plain { &mut self.copier } else { &mut self.decoder };
                decoder.finish()?;
                return Ok(filled);
            }
        }
    }

    /// Reads on in the chunk or the next one; false after the last.
    fn next_part(&mut self) -> Result<bool> {
        let Place::Chunks(mut left) = self.place else { return Ok(false) };
        if left == 0 {
            let at = self.input.position();
            let chunk = block::chunk(&mut self.input)?;
            if let Some(frames) = &mut self.frames {
                frames.begin(chunk, at)?;
            }
            match chunk {
                Some(length) => left = length,
                None => {
                    self.end_chunks();
                    return Ok(false);
                }
            }
        }
        let now = left.min(if self.frames.is_some() { WHOLE } else { PART } as u64);
        if self.part.len() < now as usize {
            self.part.resize(now as usize, 0);
        }
        (self.taken, self.end) = (0, 0);
        self.input.exact(&mut self.part[..now as usize], "a chunk")?;
        self.end = now as usize;
        self.place = Place::Chunks(left - now);
        if let Some(frames) = &mut self.frames {
            frames.add(&self.part[..self.end], left == now)?;
        }
        Ok(true)
    }
}
