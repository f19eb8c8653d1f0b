//! The frames that a manifest has of a block, held against its chunks while these are read.

use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::super::manifest::Frame;
use super::super::primitive::Sink as _;
use super::damaged;
use crate::error::Result;

/// Frames, and how far their block is read.
pub(super) struct Frames {
    frames: Arc<[Frame]>,
    /// How many have begun.
    begun: usize,
    /// Where the last one did, with its length.
    at: u64,
    hash: Xxh3,
}

impl Frames {
    pub fn new(frames: Arc<[Frame]>) -> Self {
        Self { frames, begun: 0, at: 0, hash: Xxh3::new() }
    }

    /// A chunk of this length begins here, or none.
    ///
    /// # Errors
    /// * `Malformed` if it is no such frame, or there should be others.
    pub fn begin(&mut self, length: Option<u64>, at: u64) -> Result<()> {
        let frame = self.frames.get(self.begun);
        self.at = at;
        if length == frame.map(|frame| u64::from(frame.stored)) {
            self.begun += usize::from(frame.is_some());
            self.hash.reset();
            return Ok(());
        }
        let (number, count) = (self.begun + 1, self.frames.len());
        let what = match (length, frame) {
            (_, Some(frame)) => format!(
                "frame {number} of {count}: the length that stands before it is damaged; it has {} bytes",
                frame.stored
            ),
            (_, None) => format!("after frame {count} of {count}, the end of the block is damaged"),
        };
        Err(damaged(what, at))
    }

    /// Takes a part of a chunk, the last one perhaps.
    ///
    /// # Errors
    /// * `Malformed` if the chunk is not as it was written.
    pub fn add(&mut self, part: &[u8], is_last: bool) -> Result<()> {
        self.hash.update(part);
        let Some(frame) = self.begun.checked_sub(1).and_then(|number| self.frames.get(number)) else { return Ok(()) };
        if !is_last || self.hash.digest() == frame.hash {
            return Ok(());
        }
        // A sign and four bytes stand before it.
        let end = self.at + 5 + u64::from(frame.stored);
        let what = format!(
            "frame {} of {}, bytes {} to {end}: it is not as it was written (its XXH3 is another one)",
            self.begun,
            self.frames.len(),
            self.at,
        );
        Err(damaged(what, self.at))
    }
}

/// The bytes of a frame, if they and the length before them are those that were written.
pub(in super::super) fn as_written(chunk: &[u8], frame: Frame) -> Result<&[u8], String> {
    let mut expected = Vec::new();
    // Writing to a vector cannot fail, and no frame is longer than a chunk can be.
    let _ = expected.put_int(frame.stored.into());
    let Some(bytes) = chunk.strip_prefix(expected.as_slice()) else {
        return Err(format!("the length that stands before it is damaged; it has {} bytes", frame.stored));
    };
    match xxh3_64(bytes) == frame.hash {
        true => Ok(bytes),
        false => Err("it is not as it was written (its XXH3 is another one)".to_owned()),
    }
}
