//! Rows of a block that is damaged, as far as they are whole: those of all frames that are as they were written.

use std::ops::Range;

use bytes::Bytes;

use super::super::block::{INT_BYTES, LONGEST_CHUNK, START_BYTES};
use super::super::codec::FrameDecoder;
use super::super::manifest::Frame;
use super::super::toc::Record;
use super::FileArchive;
use super::frames::as_written;
use crate::error::{Error, Result};

/// What is lost of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The bytes of the file that are damaged.
    pub bytes: Range<u64>,
    /// How many rows are lost with them, if that is known.
    pub rows: Option<u64>,
    /// What is wrong, as a lower-case fragment.
    pub what: String,
}

/// A frame, where it lies, and what of it is whole.
struct Part {
    frame: Frame,
    bytes: Range<u64>,
    /// What is wrong with it.
    wrong: Option<String>,
    /// The row that has begun before it, or that goes on after it, is lost.
    headless: bool,
    tailless: bool,
}

impl FileArchive {
    /// The rows of a block whose frames are known, without what marks their end, in pieces. Only whole rows come, and of what
    /// is lost `lose` hears. Nothing if the frames are not known.
    ///
    /// The block is read twice, so that a row which runs into damage is known before its beginning is handed over.
    ///
    /// # Errors
    /// * `Io` if the file cannot be read; those of `to`.
    pub fn salvage_rows(
        &self,
        record: &Record,
        to: &mut dyn FnMut(Bytes) -> Result<()>,
        lose: &mut dyn FnMut(Lost),
    ) -> Result<Option<()>> {
        let Some((begins, frames)) = self.expected(record.id) else { return Ok(None) };
        let mut parts = Vec::with_capacity(frames.len());
        // A hostile manifest may have it that the block begins at the end of all numbers.
        let (mut at, mut buffer) = (begins.saturating_add(START_BYTES), Vec::new());
        for &frame in frames {
            let bytes = at..at.saturating_add(INT_BYTES + u64::from(frame.stored));
            at = bytes.end;
            let wrong = self.chunk(&bytes, frame, &mut buffer)?.err();
            parts.push(Part { frame, bytes, wrong, headless: false, tailless: false });
        }
        let also_lost = find_torn(&mut parts);
        let mut decoder = FrameDecoder::new(self.header().compression)?;
        for (part, torn) in parts.iter().zip(also_lost) {
            if let Some(what) = &part.wrong {
                let rows = Some(u64::from(part.frame.rows) + torn);
                lose(Lost { bytes: part.bytes.clone(), rows, what: what.clone() });
            } else if !part.frame.around {
                // It was whole a moment ago.
                let chunk = self.chunk(&part.bytes, part.frame, &mut buffer)?.map_err(Error::malformed)?;
                let mut cut = Cut::new(part);
                decoder.decode(chunk, part.frame.content.into(), &mut |piece| match cut.whole(piece) {
                    [] => Ok(()),
                    rows => to(Bytes::copy_from_slice(rows)),
                })?;
            }
        }
        Ok(Some(()))
    }

    /// The bytes of a frame; what is wrong with them is the inner error.
    fn chunk<'a>(
        &self,
        bytes: &Range<u64>,
        frame: Frame,
        buffer: &'a mut Vec<u8>,
    ) -> Result<std::result::Result<&'a [u8], String>> {
        let length = bytes.end - bytes.start;
        if bytes.end > self.length() || length > LONGEST_CHUNK {
            return Ok(Err("the file ends before it does".to_owned()));
        }
        self.read_into(bytes.start, usize::try_from(length).unwrap_or_default(), buffer)?;
        Ok(as_written(buffer, frame))
    }
}

/// Finds the rows that run through damage, and tells of each part how many rows are lost with it that do not end in it.
fn find_torn(parts: &mut [Part]) -> Vec<u64> {
    let mut lost = vec![0; parts.len()];
    let goes_on = |parts: &[Part], place: usize| parts.get(place + 1).is_some_and(|next| next.frame.within_row);
    let mut begins = 0;
    while begins < parts.len() {
        if !goes_on(parts, begins) {
            begins += 1;
            continue;
        }
        let mut ends = begins + 1;
        while parts[ends].frame.rows == 0 && goes_on(parts, ends) {
            ends += 1;
        }
        let wrong = (begins..=ends).rev().find(|place| parts[*place].wrong.is_some());
        if let Some(wrong) = wrong {
            parts[begins..ends].iter_mut().for_each(|part| part.tailless = true);
            parts[begins + 1..=ends].iter_mut().for_each(|part| part.headless = true);
            lost[wrong] += u64::from(parts[ends].wrong.is_none());
        }
        begins = ends;
    }
    lost
}

/// Leaves out what belongs to torn rows.
struct Cut {
    /// What comes belongs to a row that has begun before.
    headless: bool,
    /// How many rows come to their end, if what follows the last of them is torn.
    left: Option<u32>,
}

impl Cut {
    fn new(part: &Part) -> Self {
        Self { headless: part.headless, left: part.tailless.then_some(part.frame.rows) }
    }

    fn whole<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let mut from = 0;
        if self.headless {
            let Some(end) = memchr::memchr(b'\n', piece) else { return &[] };
            self.headless = false;
            self.left = self.left.map(|left| left.saturating_sub(1));
            from = end + 1;
        }
        let rows = piece.get(from..).unwrap_or_default();
        let Some(left) = &mut self.left else { return rows };
        let mut to = 0;
        for end in memchr::memchr_iter(b'\n', rows) {
            if *left == 0 {
                break;
            }
            *left -= 1;
            to = end + 1;
        }
        match *left {
            0 => rows.get(..to).unwrap_or_default(),
            _ => rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames by what is in them; those with an exclamation mark are damaged.
    fn salvaged(frames: &[&str]) -> (String, Vec<u64>) {
        let mut open = false;
        let part = |text: &&str| {
            let content = text.trim_start_matches('!');
            let rows = content.matches('\n').count() as u32;
            let within_row = std::mem::replace(&mut open, !content.ends_with('\n'));
            let wrong = text.starts_with('!').then(|| "damaged".to_owned());
            let frame = Frame { rows, within_row, ..Frame::default() };
            Part { frame, bytes: 0..0, wrong, headless: false, tailless: false }
        };
        let mut parts: Vec<Part> = frames.iter().map(part).collect();
        let torn = find_torn(&mut parts);
        let whole: Vec<_> = parts.iter().zip(frames).filter(|(part, _)| part.wrong.is_none()).collect();
        let mut out: Vec<String> = Vec::new();
        for length in 1..20 {
            let mut text = Vec::new();
            for (part, frame) in &whole {
                let mut cut = Cut::new(part);
                frame.as_bytes().chunks(length).for_each(|piece| text.extend_from_slice(cut.whole(piece)));
            }
            out.push(String::from_utf8(text).unwrap());
        }
        assert!(out.windows(2).all(|pair| pair[0] == pair[1]), "{out:?}");
        let lost = parts.iter().zip(torn).filter(|(part, _)| part.wrong.is_some());
        (out.swap_remove(0), lost.map(|(part, torn)| u64::from(part.frame.rows) + torn).collect())
    }

    #[test]
    fn only_whole_rows_are_salvaged() {
        for (frames, rows, lost) in [
            (&["a\nb\n", "!c\n", "d\n"][..], "a\nb\nd\n", &[1][..]),
            (&["a\nb", "!b\nc\n", "d\n"], "a\nd\n", &[2]),
            (&["a\n", "!b\nc", "c\nd\n"], "a\nd\n", &[2]),
            (&["a\nb", "b", "!b", "b\nc\n"], "a\nc\n", &[1]),
            (&["a\nb", "!b", "b", "b\nc\nd"], "a\nc\nd", &[1]),
            (&["a\nb", "b\nc", "!c\n"], "a\nbb\n", &[1]),
            (&["!a\nb", "b\nc", "!c\nd\n"], "", &[2, 2]),
            (&["!a", "!a\nb\n", "c\n"], "c\n", &[0, 2]),
            (&["a", "a", "a\n"], "aaa\n", &[]),
        ] {
            assert_eq!(salvaged(frames), (rows.to_owned(), lost.to_vec()), "{frames:?}");
        }
    }
}
