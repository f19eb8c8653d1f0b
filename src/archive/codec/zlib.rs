//! Reading zlib streams, and parts of deflate streams.

use flate2::{Decompress, FlushDecompress, Status};

use super::decode::damaged;
use crate::error::Result;

/// What a full flush leaves: a stored block without content, whose header may share a byte with what is before.
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];

/// Reads a zlib stream to its end, or a part of a deflate stream that ends with a full flush.
pub(super) struct Inflater {
    inflate: Decompress,
    /// Whether it is a whole stream, with header and checksum.
    stream: bool,
    /// Whether the stream has ended, and its checksum is right.
    ended: bool,
    /// The last bytes that were taken.
    last: [u8; FLUSHED.len()],
}

impl Inflater {
    pub(super) fn stream() -> Self {
        Self { inflate: Decompress::new(true), stream: true, ended: false, last: [0; 4] }
    }

    pub(super) fn segment() -> Self {
        Self { inflate: Decompress::new(false), stream: false, ended: false, last: [0; 4] }
    }

    pub(super) fn reset(&mut self) {
        self.inflate.reset(self.stream);
        (self.ended, self.last) = (false, [0; 4]);
    }

    pub(super) fn is_whole(&self) -> bool {
        if self.stream { self.ended } else { self.last == FLUSHED }
    }

    pub(super) fn fill(&mut self, input: &mut &[u8], to: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < to.len() {
            if self.ended {
                if input.is_empty() {
                    break;
                }
                return Err(damaged("the compressed data go on after their end"));
            }
            let before = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(input, &mut to[filled..], FlushDecompress::None)
                .map_err(|error| damaged("the compressed data are damaged").with_source(error))?;
            // Neither is more than there was.
            let taken = (self.inflate.total_in() - before.0) as usize;
            let made = (self.inflate.total_out() - before.1) as usize;
            self.remember(&input[..taken]);
            *input = &input[taken..];
            filled += made;
            if status == Status::StreamEnd {
                if !self.stream {
                    return Err(damaged("a part of the compressed data ends the whole"));
                }
                self.ended = true;
            } else if taken == 0 && made == 0 {
                break;
            }
        }
        Ok(filled)
    }

    fn remember(&mut self, taken: &[u8]) {
        let keep = self.last.len();
        if taken.len() >= keep {
            self.last.copy_from_slice(&taken[taken.len() - keep..]);
        } else {
            self.last.rotate_left(taken.len());
            self.last[keep - taken.len()..].copy_from_slice(taken);
        }
    }
}
