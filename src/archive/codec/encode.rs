//! Compressing: pieces that stand by themselves, and what holds them together.

use flate2::{Compress, FlushCompress};
use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
use std::fmt;
use std::io::Write as _;
use zlib_rs::adler32::{adler32, adler32_combine};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::Codec;
use crate::error::{Error, ErrorKind, Result};

/// The Adler-32 of nothing (RFC 1950).
const ADLER_OF_NOTHING: u32 = 1;
/// The first two bytes of a zlib stream with a window of 32 KiB.
const ZLIB_HEAD: &[u8] = &[0x78, 0x9c];
/// A deflate block without content that says that it is the last one.
const LAST_DEFLATE_BLOCK: [u8; 2] = [3, 0];

/// The largest buffer that is kept for the next piece, in bytes.
const LARGEST_KEPT: usize = 16 << 20;

/// A piece of a block's stream that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What goes into one chunk. Empty only where nothing was put in and nothing is compressed.
    pub bytes: Vec<u8>,
    /// How many bytes it holds when it is decoded.
    pub content: u64,
    /// The Adler-32 of the content with gzip, else 1.
    pub adler: u32,
}

/// Compresses pieces, each by itself. A lane has one of its own, whose buffers are used again and again.
pub struct Encoder {
    method: Method,
    buffer: Vec<u8>,
}

enum Method {
    None,
    Gzip(Compress),
    Lz4,
    Zstd(Compressor<'static>),
    Adapted(Adapted),
}

/// The usual level, and a lower one that is quicker. Where text is mostly numbers the lower one makes pieces that are as small:
/// so one piece of so many is compressed by both.
struct Adapted {
    usual: Compressor<'static>,
    lower: Option<Compressor<'static>>,
    other: Vec<u8>,
    /// Pieces until the next trial.
    left: u32,
    is_lower: bool,
}

/// The two levels.
const USUAL_LEVEL: i32 = 3;
const LOWER_LEVEL: i32 = 2;
/// One trial for so many pieces.
const PIECES_A_TRIAL: u32 = 16;
/// Smaller pieces tell nothing, and cost nothing, in bytes.
const SMALLEST_TRIED: usize = 128 << 10;

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    /// Gets ready.
    ///
    /// # Errors
    /// * `Usage` for a level that does not exist; `Io` if there is no memory for it.
    pub fn new(codec: Codec) -> Result<Self> {
        let method = match codec.checked()? {
            Codec::None => Method::None,
            Codec::Gzip(level) => Method::Gzip(Compress::new(flate2::Compression::new(level), false)),
            Codec::Lz4 => Method::Lz4,
            Codec::Zstd(level) => Method::Zstd(compressor(level).map_err(failed)?),
            Codec::ZstdAdapted => Method::Adapted(Adapted::new().map_err(failed)?),
        };
        Ok(Self { method, buffer: Vec::new() })
    }

    /// Compresses one piece.
    ///
    /// # Errors
    /// * `Io` if the library fails, which it has no reason to.
    pub fn frame(&mut self, content: &[u8]) -> Result<Frame> {
        let mut adler = ADLER_OF_NOTHING;
        self.buffer.clear();
        let bytes = match &mut self.method {
            Method::None => content.to_vec(),
            Method::Gzip(deflate) => {
                adler = adler32(ADLER_OF_NOTHING, content);
                segment(deflate, content, &mut self.buffer)?;
                self.made()
            }
            Method::Lz4 => lz4(content).map_err(failed)?,
            Method::Zstd(compressor) => {
                zstd(compressor, content, &mut self.buffer).map_err(failed)?;
                self.made()
            }
            Method::Adapted(adapted) => {
                adapted.compress(content, &mut self.buffer).map_err(failed)?;
                self.made()
            }
        };
        Ok(Frame { bytes, content: content.len() as u64, adler })
    }

    /// What is in the buffer, without the room that it did not need.
    fn made(&mut self) -> Vec<u8> {
        if self.buffer.capacity() <= LARGEST_KEPT {
            return self.buffer.clone();
        }
        // One long row must not weigh on all that come after it.
        let mut made = std::mem::take(&mut self.buffer);
        made.shrink_to_fit();
        made
    }
}

impl Adapted {
    fn new() -> std::io::Result<Self> {
        let usual = compressor(USUAL_LEVEL)?;
        Ok(Self { usual, lower: None, other: Vec::new(), left: 0, is_lower: false })
    }

    fn compress(&mut self, content: &[u8], to: &mut Vec<u8>) -> std::io::Result<()> {
        if content.len() < SMALLEST_TRIED || content.len() > LARGEST_KEPT {
            return zstd(&mut self.usual, content, to);
        }
        let lower = match &mut self.lower {
            Some(lower) => lower,
            none => none.insert(compressor(LOWER_LEVEL)?),
        };
        if self.left > 0 {
            self.left -= 1;
            return zstd(if self.is_lower { lower } else { &mut self.usual }, content, to);
        }
        zstd(&mut self.usual, content, to)?;
        self.other.clear();
        zstd(lower, content, &mut self.other)?;
        self.left = PIECES_A_TRIAL - 1;
        self.is_lower = self.other.len() <= to.len();
        if self.is_lower {
            std::mem::swap(to, &mut self.other);
        }
        Ok(())
    }
}

fn zstd(compressor: &mut Compressor<'_>, content: &[u8], to: &mut Vec<u8>) -> std::io::Result<()> {
    to.reserve(zstd::compress_bound(content.len()));
    compressor.compress_to_buffer(content, to).map(drop)
}

fn compressor(level: i32) -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
    Ok(compressor)
}

/// A part of a deflate stream that refers to nothing before it, and after which another one can begin.
fn segment(deflate: &mut Compress, content: &[u8], to: &mut Vec<u8>) -> Result<()> {
    deflate.reset();
    let mut rest = content;
    loop {
        to.reserve(rest.len() / 2 + (32 << 10));
        let before = deflate.total_in();
        deflate.compress_vec(rest, to, FlushCompress::Full).map_err(failed)?;
        let taken = usize::try_from(deflate.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        // With room left, the flush is complete.
        if rest.is_empty() && to.len() < to.capacity() {
            return Ok(());
        }
    }
}

fn lz4(content: &[u8]) -> Result<Vec<u8>, lz4_flex::frame::Error> {
    let size = if content.len() <= 64 << 10 { BlockSize::Max64KB } else { BlockSize::Max1MB };
    let info = FrameInfo::new().block_size(size).content_size(Some(content.len() as u64)).content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(content)?;
    encoder.finish()
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Io, "cannot compress").with_source(error)
}

/// What stands before and after the frames of one block, or of one large object.
#[derive(Clone, Debug)]
pub struct Envelope {
    zlib: bool,
    adler: u32,
}

impl Envelope {
    /// Around no frames yet.
    pub fn new(codec: Codec) -> Self {
        Self { zlib: matches!(codec, Codec::Gzip(_)), adler: ADLER_OF_NOTHING }
    }

    /// What stands before the first frame; may be nothing.
    pub fn head(&self) -> &'static [u8] {
        if self.zlib { ZLIB_HEAD } else { &[] }
    }

    /// Takes note of the frame that follows those before.
    pub fn add(&mut self, frame: &Frame) {
        if self.zlib {
            self.adler = adler32_combine(self.adler, frame.adler, frame.content);
        }
    }

    /// What stands after the last frame; may be nothing. A zlib stream has head and tail even if there is nothing between.
    pub fn tail(&self) -> Vec<u8> {
        if !self.zlib {
            return Vec::new();
        }
        let mut tail = LAST_DEFLATE_BLOCK.to_vec();
        tail.extend(self.adler.to_be_bytes());
        tail
    }
}
