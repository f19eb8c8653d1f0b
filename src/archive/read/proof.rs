//! What an archive says about itself: its [`Manifest`], found from the end of a file, or met at the end of a stream.

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::manifest::{self, END_BYTES, FOOTER_BYTES, Footer, Manifest};
use super::super::primitive::Source;
use super::super::toc::Record;
use super::block::PART;
use super::place::At;
use super::{FileArchive, damaged};
use crate::error::{Error, ErrorKind, Result};

/// The longest manifest that is read, in bytes without its footer: that of an archive of about 25 TB.
const LONGEST_BODY: u64 = 512 << 20;
/// What everybody stands by who reads a manifest.
const WHAT_TO_DO: &str = "The file is damaged or cut off. If it was copied or downloaded, do that again.";

/// A manifest, and where it lies.
pub(in super::super) struct Proof {
    /// What it says.
    pub manifest: Manifest,
    /// Where its body begins.
    pub body_at: u64,
    /// How many bytes the body has.
    pub body: u64,
}

impl FileArchive {
    /// What the archive says about itself; nothing for those of others, which have no manifest.
    ///
    /// That the blocks are as it says has to be looked at: see [`verify`](super::super::verify).
    ///
    /// # Errors
    /// * `Malformed` if the archive should have one and it is not there, or not as it was written, or the file is longer or
    ///   shorter than it was, or if it is about another header or table of contents; `Io` if it cannot be read.
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        let Some(Proof { manifest, .. }) = self.proof()? else { return Ok(None) };
        let head = self.bytes(0, manifest.head_bytes)?;
        let checked = insist_on_head(&manifest, manifest.head_bytes, &Sha256::digest(&head).into());
        checked.map_err(|error| error.about(self.path().display()))?;
        Ok(Some(manifest))
    }

    /// The same, with the place.
    pub(in super::super) fn proof(&self) -> Result<Option<Proof>> {
        self.read_proof().map_err(|error| error.about(self.path().display()))
    }

    fn read_proof(&self) -> Result<Option<Proof>> {
        let around = (FOOTER_BYTES + END_BYTES) as u64;
        let footer = match self.length().checked_sub(around) {
            Some(at) => Footer::read(&self.bytes(at, around)?),
            None => None,
        };
        let Some(footer) = footer else {
            return if is_promised(self.records()) { Err(lost(self.length())) } else { Ok(None) };
        };
        insist_on_length(&footer, self.length())?;
        let room = self.length() - around;
        let body_at = room.checked_sub(footer.body).filter(|at| *at >= self.blocks_from());
        let Some(body_at) = body_at.filter(|_| footer.body <= LONGEST_BODY) else {
            return Err(damaged(format!("the archive's manifest cannot have {} bytes", footer.body), room));
        };
        let body = self.bytes(body_at, footer.body)?;
        Ok(Some(Proof { manifest: proved(&footer, &body, body_at)?, body_at, body: footer.body }))
    }

    /// Reads on from a place of the file.
    pub(in super::super) fn source(&self, at: u64) -> Source<BufReader<impl Read + Seek + use<>>> {
        let from = BufReader::with_capacity(PART, At::new(Arc::clone(self.file()), at));
        Source::new(from, at, self.header().sizes)
    }

    /// Reads so many bytes from a place of the file into a buffer, which is made as long as that.
    pub(in super::super) fn read_into(&self, at: u64, length: usize, buffer: &mut Vec<u8>) -> Result<()> {
        buffer.resize(length, 0);
        let mut from = At::new(Arc::clone(self.file()), at);
        from.read_exact(buffer).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => damaged("the file has become shorter", at),
            _ => Error::new(ErrorKind::Io, "cannot read the archive").about(self.path().display()).with_source(error),
        })
    }
}

/// What the last block of a stream holds.
pub(super) struct Last {
    /// The body of a manifest, then its footer.
    pub bytes: Vec<u8>,
    /// The byte after the block.
    pub ends: u64,
}

impl Last {
    /// The longest one that is kept, in bytes.
    pub const LONGEST: usize = LONGEST_BODY as usize + FOOTER_BYTES;

    /// The manifest of a stream of so many bytes, in which this was the last block.
    ///
    /// # Errors
    /// * As [`FileArchive::manifest`].
    pub fn manifest(mut self, length: u64, head_bytes: u64, head_hash: &[u8; 32]) -> Result<Manifest> {
        self.bytes.extend([0; END_BYTES]);
        let around = self.bytes.len().checked_sub(FOOTER_BYTES + END_BYTES);
        let Some((body, footer)) = around.and_then(|at| self.bytes.split_at_checked(at)) else {
            return Err(lost(length));
        };
        let footer = Footer::read(footer).filter(|_| self.ends == length).ok_or_else(|| lost(length))?;
        insist_on_length(&footer, length)?;
        let body_at = length.saturating_sub((body.len() + FOOTER_BYTES + END_BYTES) as u64);
        let manifest = proved(&footer, body, body_at)?;
        insist_on_head(&manifest, head_bytes, head_hash)?;
        Ok(manifest)
    }
}

/// Whether the table of contents says that there is a manifest.
pub(super) fn is_promised(records: &[Record]) -> bool {
    records.iter().any(|record| record.desc == manifest::DESC.as_bytes())
}

/// There is no manifest at the end, which is at this byte.
pub(super) fn lost(end: u64) -> Error {
    let what = format!(
        "the archive should end with a manifest, and ends at byte {end} with something else; it was cut off, or something \
         was put after it, or its end is damaged"
    );
    Error::malformed(what).with_hint(WHAT_TO_DO)
}

fn insist_on_length(footer: &Footer, length: u64) -> Result<()> {
    if footer.file == length {
        return Ok(());
    }
    let what = format!("the archive had {} bytes when it was written, and has {length}", footer.file);
    Err(Error::malformed(what).with_hint(WHAT_TO_DO))
}

fn insist_on_head(manifest: &Manifest, head_bytes: u64, head_hash: &[u8; 32]) -> Result<()> {
    if (manifest.head_bytes, &manifest.head_hash) == (head_bytes, head_hash) {
        return Ok(());
    }
    Err(Error::malformed("the archive's header or table of contents is not as it was written").with_hint(WHAT_TO_DO))
}

fn proved(footer: &Footer, body: &[u8], at: u64) -> Result<Manifest> {
    match footer.proves(body) {
        true => Manifest::read(body),
        false => Err(damaged("the archive's manifest is not as it was written (its SHA-256 is another one)", at)),
    }
}
