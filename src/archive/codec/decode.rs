//! Decompressing, in pieces that are bounded whatever the bytes promise.

use std::fmt;

use super::lz4::Lz4;
use super::zlib::Inflater;
use super::zstandard::Zstandard;
use super::{Compression, PIECE};
use crate::error::{Error, Result};

/// Decodes one stream after another: the chunks of a table, or of one large object.
///
/// Memory: the window of a Zstandard frame, 128 MiB at most; 8 MiB at most with lz4; 32 KiB with gzip.
#[derive(Debug)]
pub struct Decoder {
    method: Method,
    piece: Vec<u8>,
}

enum Method {
    None,
    Gzip(Inflater),
    Lz4(Lz4),
    Zstd(Zstandard),
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Gzip(_) => "Gzip",
            Self::Lz4(_) => "Lz4",
            Self::Zstd(_) => "Zstd",
        })
    }
}

impl Decoder {
    /// Gets ready for a stream.
    ///
    /// # Errors
    /// * `Io` if there is no memory for it.
    pub fn new(compression: Compression) -> Result<Self> {
        let method = match compression {
            Compression::None => Method::None,
            Compression::Gzip => Method::Gzip(Inflater::stream()),
            Compression::Lz4 => Method::Lz4(Lz4::default()),
            Compression::Zstd => Method::Zstd(Zstandard::new()?),
        };
        Ok(Self { method, piece: Vec::new() })
    }

    /// Decodes from the front of `input`, which moves on over what was taken, and returns how much of `to` is filled. If
    /// `to` is full, more may wait: call again, with what is left of `input` even if that is nothing. If it is not, all of
    /// the input was taken.
    ///
    /// # Errors
    /// * `Malformed` if the stream is damaged, or goes on after its end.
    pub fn fill(&mut self, input: &mut &[u8], to: &mut [u8]) -> Result<usize> {
        match &mut self.method {
            Method::None => {
                let length = input.len().min(to.len());
                let (now, later) = input.split_at(length);
                to[..length].copy_from_slice(now);
                *input = later;
                Ok(length)
            }
            Method::Gzip(inflater) => inflater.fill(input, to),
            Method::Lz4(lz4) => lz4.fill(input, to),
            Method::Zstd(zstandard) => zstandard.fill(input, to),
        }
    }

    /// Decodes all of `chunk`, which may end anywhere in the stream, and hands over what is in it in pieces of at most
    /// [`PIECE`] bytes.
    ///
    /// # Errors
    /// * As [`Decoder::fill`], and what `to` returns.
    pub fn decode(&mut self, chunk: &[u8], to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut piece = std::mem::take(&mut self.piece);
        if piece.is_empty() {
            piece = vec![0; PIECE];
        }
        let decoded = self.decode_by(chunk, &mut piece, to);
        self.piece = piece;
        decoded
    }

    fn decode_by(&mut self, mut chunk: &[u8], piece: &mut [u8], to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        loop {
            let filled = self.fill(&mut chunk, piece)?;
            if filled > 0 {
                to(&piece[..filled])?;
            }
            if filled < piece.len() {
                return Ok(());
            }
        }
    }

    /// Ends a stream, after which the next one can begin.
    ///
    /// # Errors
    /// * `Malformed` if the stream ends in the middle of a frame, or without its checksum.
    pub fn finish(&mut self) -> Result<()> {
        let whole = match &self.method {
            Method::None => true,
            Method::Gzip(inflater) => inflater.is_whole(),
            Method::Lz4(lz4) => lz4.is_whole(),
            Method::Zstd(zstandard) => zstandard.is_whole(),
        };
        self.reset()?;
        if whole { Ok(()) } else { Err(damaged("the compressed data end too early")) }
    }

    /// Forgets a stream that was not read to its end.
    ///
    /// # Errors
    /// * `Io` if the library fails, which it has no reason to.
    pub fn reset(&mut self) -> Result<()> {
        match &mut self.method {
            Method::None => {}
            Method::Gzip(inflater) => inflater.reset(),
            Method::Lz4(lz4) => lz4.reset(),
            Method::Zstd(zstandard) => zstandard.reset()?,
        }
        Ok(())
    }

    /// How many frames have ended.
    fn frames(&self) -> u64 {
        match &self.method {
            Method::None | Method::Gzip(_) => 1,
            Method::Lz4(lz4) => lz4.frames(),
            Method::Zstd(zstandard) => zstandard.frames(),
        }
    }
}

/// Decodes frames by themselves, as an [`Encoder`](super::Encoder) has made them: the way to one part of a table without
/// those before it.
///
/// What is in a frame of gzip or of an archive that is not compressed has no checksum: compare another one.
#[derive(Debug)]
pub struct FrameDecoder(Decoder);

impl FrameDecoder {
    /// Gets ready.
    ///
    /// # Errors
    /// * `Io` if there is no memory for it.
    pub fn new(compression: Compression) -> Result<Self> {
        Ok(Self(match compression {
            Compression::Gzip => Decoder { method: Method::Gzip(Inflater::segment()), piece: Vec::new() },
            _ => Decoder::new(compression)?,
        }))
    }

    /// Decodes one frame, whose content has to be as long as `content` says, and hands it over in pieces of at most
    /// [`PIECE`] bytes.
    ///
    /// # Errors
    /// * `Malformed` if this is not exactly one whole frame with so much in it; what `to` returns. Pieces may have been
    ///   handed over before.
    pub fn decode(&mut self, bytes: &[u8], content: u64, to: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        self.0.reset()?;
        let mut passed = 0u64;
        self.0.decode(bytes, &mut |piece| {
            passed += piece.len() as u64;
            if passed > content {
                return Err(damaged(format!("a frame holds more than the {content} bytes that it should")));
            }
            to(piece)
        })?;
        let frames = self.0.frames();
        self.0.finish()?;
        if passed < content {
            return Err(damaged(format!("a frame holds {passed} bytes instead of {content}")));
        }
        if frames != 1 {
            return Err(damaged(format!("where one frame should be, there are {frames}")));
        }
        Ok(())
    }
}

/// What is compressed does not come out whole.
pub(super) fn damaged(what: impl Into<String>) -> Error {
    Error::malformed(what.into()).with_hint("The file is damaged. If it was copied or downloaded, do that again.")
}
