//! Compression of blocks: written in pieces that stand by themselves, read as whatever the stock tools have written.
//!
//! A block is one stream. So that many lanes can write one together, each of them compresses pieces of it on its own
//! ([`Encoder`]), and what they have made is put one after the other in any order, between the head and the tail of an
//! [`Envelope`]:
//!
//! | codec | a piece | head and tail |
//! |---|---|---|
//! | none | the bytes | |
//! | gzip | a part of a deflate stream, ended by a full flush | `78 9c`; an empty last block and the Adler-32 of everything (RFC 1950, RFC 1951) |
//! | lz4 | an LZ4 frame with content size and content checksum | |
//! | zstd | a Zstandard frame with content size and content checksum (RFC 8878) | |
//!
//! A piece goes into a chunk of its own: up to 18, `pg_restore` drops what follows a Zstandard frame in the same chunk
//! (`src/bin/pg_dump/compress_zstd.c`).
//!
//! A [`Decoder`] reads any stream, however it was cut into chunks; a [`FrameDecoder`] reads one piece by itself.

mod decode;
mod encode;
mod lz4;
mod zlib;
mod zstandard;

use std::fmt;
use std::str::FromStr;

pub use decode::{Decoder, FrameDecoder};
pub use encode::{Encoder, Envelope, Frame};

use super::header::Compression;
use crate::error::{Error, Result};

/// The longest piece of content that a decoder hands over at once, in bytes.
pub const PIECE: usize = 256 << 10;

/// How blocks are compressed when they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// zlib, at a level from 1 to 9.
    Gzip(u32),
    /// LZ4.
    Lz4,
    /// Zstandard, at a level from 1 to 22.
    Zstd(i32),
    /// Zstandard at level 3, or at level 2, which is quicker, where pieces of the same block are no larger then.
    ZstdAdapted,
}

impl Codec {
    /// What is taken if nobody says otherwise.
    pub const DEFAULT: Self = Self::ZstdAdapted;
    const GZIP_LEVELS: std::ops::RangeInclusive<u32> = 1..=9;
    const ZSTD_LEVELS: std::ops::RangeInclusive<i32> = 1..=22;

    /// What the header of the archive says.
    pub const fn compression(self) -> Compression {
        match self {
            Self::None => Compression::None,
            Self::Gzip(_) => Compression::Gzip,
            Self::Lz4 => Compression::Lz4,
            Self::Zstd(_) | Self::ZstdAdapted => Compression::Zstd,
        }
    }

    /// The same, unless its level does not exist.
    fn checked(self) -> Result<Self> {
        match self {
            Self::Gzip(level) if !Self::GZIP_LEVELS.contains(&level) => {
                Err(Error::usage(format!("gzip compresses at levels from 1 to 9, not {level}")))
            }
            Self::Zstd(level) if !Self::ZSTD_LEVELS.contains(&level) => {
                Err(Error::usage(format!("zstd compresses at levels from 1 to 22, not {level}")))
            }
            _ => Ok(self),
        }
    }
}

impl Default for Codec {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl FromStr for Codec {
    type Err = Error;

    /// "zstd" (adapted), "zstd:3", "gzip:6", "lz4", "none".
    ///
    /// # Errors
    /// * `Usage` for anything else, with what is possible.
    fn from_str(text: &str) -> Result<Self> {
        let unknown = || {
            Error::usage(format!("\"{text}\" is no way to compress an archive"))
                .with_hint("Possible are zstd, zstd:N with N from 1 to 22, gzip:N with N from 1 to 9, lz4 and none.")
        };
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level.parse().map_err(|_| unknown())?)),
            None => (text, None),
        };
        match (name, level) {
            ("none", None) => Ok(Self::None),
            ("lz4", None) => Ok(Self::Lz4),
            ("gzip", level) => Self::Gzip(level.unwrap_or(6)).checked(),
            ("zstd", None) => Ok(Self::ZstdAdapted),
            ("zstd", Some(level)) => Self::Zstd(i32::try_from(level).map_err(|_| unknown())?).checked(),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Gzip(level) => write!(f, "gzip:{level}"),
            Self::Lz4 => f.write_str("lz4"),
            Self::Zstd(level) => write!(f, "zstd:{level}"),
            Self::ZstdAdapted => f.write_str("zstd"),
        }
    }
}

#[cfg(test)]
mod tests;
