//! A part of the rows of a block, by the frames that a manifest has of it: several threads can share a block.

use bytes::Bytes;

use super::super::block::{self, INT_BYTES, START_BYTES};
use super::super::codec::FrameDecoder;
use super::super::manifest::Frame;
use super::super::primitive::Sizes;
use super::super::toc::Record;
use super::frames::as_written;
use super::{FileArchive, check_start, damaged, label, missing};
use crate::error::Result;
use crate::toc::Part;

impl FileArchive {
    /// In how many frames the rows of a record are; 0 where that is not known.
    pub fn frame_count(&self, record: i64) -> u32 {
        let expected = self.expected(record).filter(|_| self.header().sizes == Sizes::USUAL);
        expected.map_or(0, |(_, frames)| u32::try_from(frames.len()).unwrap_or(0))
    }

    /// Reads a part of the rows of a record, by its frames: from the first row that begins in them to the last one. `to` is
    /// given pieces of at most [`PIECE`](super::super::codec::PIECE) bytes.
    ///
    /// # Errors
    /// * `Malformed` for a frame that is not as it was written, with its place; `Io` if the file cannot be read; what `to`
    ///   returns.
    pub fn part(&self, record: &Record, part: Part, to: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        self.read_part(record, part, to).map_err(|error| error.about(label(record)))
    }

    fn read_part(&self, record: &Record, part: Part, to: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        let Some((begun, frames)) = self.expected(record.id) else { return Err(missing(record)) };
        let Some(start) = block::start(&mut self.source(begun))? else { return Err(missing(record)) };
        check_start(start, record, begun)?;
        let (first, end) = (border(frames, part), border(frames, part.next()));
        let mut decoder = FrameDecoder::new(self.header().compression)?;
        let mut at = begun + START_BYTES;
        for (number, frame) in frames.iter().enumerate().take(end) {
            let length = INT_BYTES + u64::from(frame.stored);
            if number >= first && !frame.around {
                let chunk = self.bytes(at, length)?;
                let placed = |what: &str| {
                    format!("frame {} of {}, bytes {at} to {}: {what}", number + 1, frames.len(), at + length)
                };
                let bytes = as_written(&chunk, *frame).map_err(|what| damaged(placed(&what), at))?;
                decoder.decode(bytes, frame.content.into(), &mut |piece| to(Bytes::copy_from_slice(piece)))?;
            }
            at += length;
        }
        Ok(())
    }
}

/// The frame that a part begins with, which begins with a row; where there is none, the number of frames.
fn border(frames: &[Frame], part: Part) -> usize {
    let from = usize::try_from(part.begins_at(frames.len() as u64)).unwrap_or(usize::MAX);
    let begins = frames.iter().enumerate().skip(from).find(|(_, frame)| !frame.within_row);
    begins.map_or(frames.len(), |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_begin_with_a_row_and_meet() {
        let frame = |within_row| Frame { within_row, ..Frame::default() };
        let frames: Vec<Frame> = [false, false, true, true, false, true, false].map(frame).to_vec();
        for of in 1..10 {
            let borders: Vec<usize> = (0..=of).map(|number| border(&frames, Part { number, of })).collect();
            assert_eq!((borders[0], borders[of as usize]), (0, frames.len()), "{of}");
            assert!(borders.windows(2).all(|pair| pair[0] <= pair[1]), "{borders:?}");
            assert!(borders.iter().all(|at| frames.get(*at).is_none_or(|frame| !frame.within_row)), "{borders:?}");
        }
    }
}
