//! What an archive in a file says about itself: its [`Manifest`], found from the end.

use std::io::{BufReader, Read, Seek};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::super::manifest::{self, END_BYTES, FOOTER_BYTES, Footer, Manifest};
use super::super::primitive::Source;
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
        match manifest.head_hash == *Sha256::digest(&head) {
            true => Ok(Some(manifest)),
            false => Err(Error::malformed("the archive's header or table of contents is not as it was written")
                .about(self.path().display())
                .with_hint(WHAT_TO_DO)),
        }
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
            let promised = self.records().iter().any(|record| record.desc == manifest::DESC.as_bytes());
            return if promised { Err(self.lost()) } else { Ok(None) };
        };
        if footer.file != self.length() {
            let what = format!("the archive had {} bytes when it was written, and has {}", footer.file, self.length());
            return Err(Error::malformed(what).with_hint(WHAT_TO_DO));
        }
        let room = self.length() - around;
        let body_at = room.checked_sub(footer.body).filter(|at| *at >= self.blocks_from());
        let Some(body_at) = body_at.filter(|_| footer.body <= LONGEST_BODY) else {
            return Err(damaged(format!("the archive's manifest cannot have {} bytes", footer.body), room));
        };
        let body = self.bytes(body_at, footer.body)?;
        if !footer.proves(&body) {
            let what = "the archive's manifest is not as it was written (its SHA-256 is another one)";
            return Err(damaged(what, body_at));
        }
        Ok(Some(Proof { manifest: Manifest::read(&body)?, body_at, body: footer.body }))
    }

    fn lost(&self) -> Error {
        let what = format!(
            "the archive should end with a manifest, and ends at byte {} with something else; it was cut off, or something \
             was put after it, or its end is damaged",
            self.length()
        );
        Error::malformed(what).with_hint(WHAT_TO_DO)
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
