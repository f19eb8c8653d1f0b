//! An archive in a file.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufReader, ErrorKind as IoErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::block::{self, Start};
use super::super::header::Header;
use super::super::manifest::{Frame, Manifest};
use super::super::primitive::{Offset, Sizes, Source};
use super::super::toc::{self, Record};
use super::block::{Block, Body, PART};
use super::place::At;
use super::{check_start, damaged, label, missing};
use crate::error::{Error, ErrorKind, Result};

/// An archive in a file, from which several threads may read several blocks at once.
///
/// Bytes that look like no block are passed over only where stock `pg_restore` does so too: between blocks and after the
/// last one as long as every record tells the offset of its block. Where blocks have to be looked for, they are an error.
/// Blocks that belong to no record are passed over always.
pub struct FileArchive {
    path: PathBuf,
    file: Arc<File>,
    length: u64,
    header: Header,
    records: Vec<Record>,
    blocks_from: u64,
    found: Mutex<Found>,
    /// What the chunks of blocks should be, where that is known.
    frames: HashMap<i64, (u64, Arc<[Frame]>)>,
}

/// What looking for blocks has found so far.
struct Found {
    /// Where the blocks begin of those records that have one; nothing where that is not known yet.
    blocks: HashMap<i64, Option<u64>>,
    /// Where to look on.
    to: u64,
}

impl fmt::Debug for FileArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileArchive").field("path", &self.path).field("header", &self.header).finish_non_exhaustive()
    }
}

impl FileArchive {
    /// Opens an archive and reads its header and its table of contents.
    ///
    /// # Errors
    /// * `Io` if there is no such file, or it cannot be read; `Malformed` if it is no archive that can be read. Says what to
    ///   do about directories, tar archives, scripts and the like.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Self::open_at(&path).map_err(|error| error.about(path.display()))
    }

    fn open_at(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| cannot_open(error.kind()).with_source(error);
        // First, since opening a pipe waits for whoever writes into it.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(directory(path));
        }
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::Io, "the archive is no regular file")
                .with_hint("What is no file can be read through standard input."));
        }
        let file = Arc::new(File::open(path).map_err(failed)?);
        let length = file.metadata().map_err(failed)?.len();
        let mut source = Source::new(BufReader::with_capacity(PART, At::new(Arc::clone(&file), 0)), 0, Sizes::USUAL);
        let header = Header::read(&mut source)?;
        let records = toc::read(&mut source, header.version)?;
        let blocks_from = source.position();
        let blocks = records.iter().filter(|record| record.has_block).map(|record| (record.id, None)).collect();
        let found = Mutex::new(Found { blocks, to: blocks_from });
        Ok(Self { path: path.to_owned(), file, length, header, records, blocks_from, found, frames: HashMap::new() })
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its table of contents.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Takes over the frames of a manifest. From now on rows are held against them while they are read, so that damage is
    /// named by the frame that it is in.
    pub fn expect_frames(&mut self, manifest: &mut Manifest) {
        let with_frames = manifest.blocks.iter_mut().filter(|block| !block.frames.is_empty());
        let frames =
            with_frames.map(|block| (block.id.into(), (block.offset, Arc::from(std::mem::take(&mut block.frames)))));
        self.frames = frames.collect();
    }

    /// Where the block of a record begins, and its frames, where a manifest says so.
    pub(super) fn expected(&self, id: i64) -> Option<(u64, &[Frame])> {
        self.frames.get(&id).map(|(at, frames)| (*at, frames.as_ref()))
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// How long the file was when it was opened, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The byte after the table of contents.
    pub fn blocks_from(&self) -> u64 {
        self.blocks_from
    }

    /// The bytes at a place of the file, whatever they are: a frame, a manifest.
    ///
    /// # Errors
    /// * `Malformed` if the file has none there, or these are more than anybody may ask for at once; `Io` if it cannot be
    ///   read.
    pub fn bytes(&self, at: u64, length: u64) -> Result<Vec<u8>> {
        let located = |error: Error| error.about(self.path.display());
        let end = at.checked_add(length).filter(|end| *end <= self.length);
        if end.is_none() || length > block::LONGEST_CHUNK {
            return Err(located(damaged(format!("there cannot be {length} bytes that are looked for"), at)));
        }
        let mut bytes = Vec::new();
        let read = At::new(Arc::clone(&self.file), at).take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| Error::new(ErrorKind::Io, "cannot read the archive").with_source(error));
        if read.map_err(located)? as u64 != length {
            return Err(located(damaged("the file has become shorter", at)));
        }
        Ok(bytes)
    }

    /// The block of one of its records; nothing if the record has none.
    ///
    /// # Errors
    /// * `Malformed` if it should have one that is not there, or something else stands in its place; `Io` if the file
    ///   cannot be read.
    pub fn block(&self, record: &Record) -> Result<Option<Block<'static>>> {
        let Some(at) = self.find(record).map_err(|error| error.about(label(record)))? else { return Ok(None) };
        let from: Box<dyn Read + Send> = Box::new(At::new(Arc::clone(&self.file), at));
        let input = Source::new(BufReader::with_capacity(PART, from), at, self.header.sizes);
        let mut body = Body::new(input, self.header.compression)?;
        if let Some((_, frames)) = self.frames.get(&record.id) {
            body.hold_against(Arc::clone(frames));
        }
        let begun = body.begin(|start| check_start(start, record, at).map(|()| true));
        match begun.map_err(|error| error.about(label(record)))? {
            Some(start) => Ok(Some(Block::own(body, start, at, label(record)))),
            None => Err(missing(record)),
        }
    }

    /// Where the block of a record begins; nothing if the record has none.
    ///
    /// # Errors
    /// * As [`FileArchive::block`].
    pub fn find(&self, record: &Record) -> Result<Option<u64>> {
        if !record.has_block {
            return Ok(None);
        }
        match record.offset {
            Offset::At(at) if at < self.blocks_from || at >= self.length => {
                let Self { blocks_from, length, .. } = self;
                let what = format!("a block of an archive whose blocks lie from {blocks_from} to {length} cannot be");
                Err(damaged(what, at).about(label(record)))
            }
            Offset::At(at) => Ok(Some(at)),
            Offset::NoData => Err(missing(record)),
            Offset::Unknown => self.look_for(record).map(Some),
        }
    }

    /// Looks through blocks until there is the one of this record, and remembers those before.
    fn look_for(&self, record: &Record) -> Result<u64> {
        // Who else looks for a block waits: it would look at the same ones.
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some(at)) = found.blocks.get(&record.id) {
            return Ok(*at);
        }
        let from = At::new(Arc::clone(&self.file), found.to);
        let mut source = Source::new(BufReader::with_capacity(PART, from), found.to, self.header.sizes);
        loop {
            let at = source.position();
            let Some(Start { content, id }) = block::start(&mut source)? else { return Err(missing(record)) };
            block::skip_with(&mut source, content, |source, length| source.leap(length, "a chunk"))?;
            found.to = source.position();
            if let Some(place) = found.blocks.get_mut(&id)
                && place.replace(at).is_some()
            {
                return Err(damaged(format!("there is a second block for entry {id}"), at));
            }
            if id == record.id {
                return Ok(at);
            }
        }
    }
}

fn cannot_open(kind: IoErrorKind) -> Error {
    let error = Error::new(ErrorKind::Io, "cannot open the archive");
    match kind {
        IoErrorKind::NotFound => error.with_hint("Look at the path: it is taken from the current folder on."),
        _ => error,
    }
}

fn directory(path: &Path) -> Error {
    if path.join("toc.dat").exists() {
        return Error::malformed("this is a directory archive (pg_dump -Fd)").with_hint(
            "pgtandem reads archives in the custom format: dump again with pg_dump -Fc or pgtandem dump. Where the old \
             server is gone, pg_restore -Fd restores the directory into a server, which can be dumped anew.",
        );
    }
    Error::malformed("this is a directory").with_hint("What pgtandem dump and pg_dump -Fc have written can be read.")
}
