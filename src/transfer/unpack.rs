//! What is in the blocks of an archive: rows, statements, large objects.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::blocks::{Blocks, Reading};
use super::columns::Columns;
use super::digest::Digest;
use super::salvage::Wreck;
use crate::archive::binary::{HEAD, TAIL, Tuples};
use crate::archive::read::{Block as Packed, FileArchive};
use crate::archive::toc::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::lex::Ends;
use crate::toc::{Part, RowForm};
use crate::wire::large_object::Chunk;
use crate::wire::tap::{Block, Format};

/// How many bytes of statements are sent at once, if they are not longer.
const BATCH: usize = 256 << 10;
/// The longest statement, in bytes: a server takes no longer message.
const LONGEST_STATEMENT: usize = 1 << 30;

/// The rows of a block: in text form without what marks their end, in binary form as a server takes them.
pub(super) struct UnpackedRows {
    reading: Reading<Block>,
    form: RowForm,
    rows: u64,
    /// Which columns count for a digest of a part of each row, and that.
    part: Option<(Vec<bool>, Columns)>,
}

impl UnpackedRows {
    /// Begins to read. `part` says of each column whether it counts for [`UnpackedRows::part`].
    pub fn start(blocks: &Blocks, record: &Record, form: RowForm, part: Option<Vec<bool>>) -> Self {
        let read = move |block: &mut Packed<'_>, hand_over: &mut dyn FnMut(Block) -> Result<()>| {
            let mut ends = RowEnds::of(form);
            while let Some(piece) = block.next_piece()? {
                let block = ends.add(piece)?;
                if !block.bytes.is_empty() {
                    hand_over(block)?;
                }
            }
            ends.finish()
        };
        let salvage = move |wreck: &Wreck<'_>, hand_over: &mut dyn FnMut(Block) -> Result<()>| match form {
            RowForm::Text => wreck.rows(hand_over),
            // What follows damage cannot be told apart: all of them, or none.
            RowForm::Binary => {
                let mut ends = RowEnds::of(form);
                wreck.as_it_is(|piece| hand_over(ends.add(piece)?))?;
                ends.finish()
            }
        };
        let reading = Reading::start(blocks, record, read, salvage);
        Self { reading, form, rows: 0, part: part.map(|kept| (kept.clone(), Columns::new(kept))) }
    }

    /// Begins to read a part of the rows of an archive that tells where its frames lie.
    pub fn start_part(archive: &Arc<FileArchive>, record: &Record, part: Part, form: RowForm) -> Self {
        let (archive, record) = (Arc::clone(archive), record.clone());
        let around = |bytes: &'static [u8]| Block { bytes: Bytes::from_static(bytes), ends: Vec::new() };
        let reading = Reading::beside(move |hand_over| {
            let mut ends = RowEnds::of_part(form);
            if form == RowForm::Binary {
                hand_over(around(&HEAD))?;
            }
            let mut take = |piece| match ends.add(piece)? {
                block if block.bytes.is_empty() => Ok(()),
                block => hand_over(block),
            };
            archive.part(&record, part, &mut take)?;
            ends.finish_part()?;
            if form == RowForm::Binary { hand_over(around(&TAIL)) } else { Ok(()) }
        });
        Self { reading, form, rows: 0, part: None }
    }

    pub async fn next(&mut self) -> Result<Option<Block>> {
        let block = self.reading.next().await?;
        if let Some(block) = &block {
            self.rows += block.ends.len() as u64;
            if let Some((_, columns)) = &mut self.part {
                columns.add(&block.bytes);
            }
        }
        Ok(block)
    }

    /// Their form.
    pub fn format(&self) -> Format {
        match self.form {
            RowForm::Text => Format::Text,
            RowForm::Binary => Format::Binary,
        }
    }

    /// How many have come to their end.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The digest of the columns that count.
    pub fn part(&self) -> Option<Digest> {
        self.part.as_ref().map(|(_, columns)| columns.digest())
    }

    /// Begins anew, if what has come is still there.
    pub fn rewind(&mut self) -> bool {
        self.rows = 0;
        self.part = self.part.take().map(|(kept, _)| (kept.clone(), Columns::new(kept)));
        self.reading.rewind()
    }
}

/// Finds the ends of rows.
enum RowEnds {
    Text(Lines),
    Binary(Tuples),
}

impl RowEnds {
    /// In all that a block holds.
    fn of(form: RowForm) -> Self {
        match form {
            RowForm::Text => Self::Text(Lines::default()),
            RowForm::Binary => Self::Binary(Tuples::whole()),
        }
    }

    /// In rows alone.
    fn of_part(form: RowForm) -> Self {
        match form {
            RowForm::Text => Self::Text(Lines::default()),
            RowForm::Binary => Self::Binary(Tuples::rows()),
        }
    }

    fn add(&mut self, piece: Bytes) -> Result<Block> {
        let tuples = match self {
            Self::Text(lines) => return lines.add(piece),
            Self::Binary(tuples) => tuples,
        };
        let (mut ends, mut too_long) = (Vec::new(), false);
        tuples.add(&piece, |end| match u32::try_from(end) {
            Ok(end) => ends.push(end),
            Err(_) => too_long = true,
        })?;
        match too_long {
            true => Err(Error::malformed("a piece of rows is too long")),
            false => Ok(Block { bytes: piece, ends }),
        }
    }

    fn finish(&self) -> Result<()> {
        match self {
            Self::Text(lines) => lines.finish(),
            Self::Binary(tuples) => tuples.finish(),
        }
    }

    fn finish_part(&self) -> Result<()> {
        match self {
            Self::Text(lines) => lines.finish_part(),
            Self::Binary(tuples) => tuples.finish(),
        }
    }
}

/// What stands after the rows (PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`, `dumpTableData_copy`); empty lines follow. No row
/// looks like it, since backslashes are doubled in rows.
const END: &[u8] = b"\\.\n";

/// Finds rows in the text form of COPY, and their end.
#[derive(Default)]
pub(super) struct Lines {
    /// The beginning of a line that may be the end.
    held: BytesMut,
    /// What comes next is not the beginning of a line.
    within: bool,
    ended: bool,
}

impl Lines {
    pub fn add(&mut self, piece: Bytes) -> Result<Block> {
        let bytes = if self.held.is_empty() {
            piece
        } else {
            let mut whole = self.held.split();
            whole.extend_from_slice(&piece);
            whole.freeze()
        };
        let (mut ends, mut begun, mut kept) = (Vec::new(), 0, 0);
        if !self.ended {
            for at in memchr::memchr_iter(b'\n', &bytes) {
                if !self.within && bytes.get(begun..=at) == Some(END) {
                    self.ended = true;
                    begun = at + 1;
                    break;
                }
                (self.within, begun, kept) = (false, at + 1, at + 1);
                ends.push(u32::try_from(begun).map_err(|_| Error::malformed("a piece of rows is too long"))?);
            }
        }
        let rest = bytes.get(begun..).unwrap_or_default();
        if self.ended {
            if rest.iter().any(|byte| *byte != b'\n') {
                return Err(Error::malformed("something follows the end of the rows"));
            }
        } else if !self.within && !rest.is_empty() && END.starts_with(rest) {
            self.held.extend_from_slice(rest);
        } else {
            self.within |= !rest.is_empty();
            kept = bytes.len();
        }
        Ok(Block { bytes: bytes.slice(..kept), ends })
    }

    /// A part ends with a row, and not with the end of all.
    fn finish_part(&self) -> Result<()> {
        match self.ended || self.within || !self.held.is_empty() {
            true => Err(Error::malformed("a part of the rows does not end where one of them does")),
            false => Ok(()),
        }
    }

    pub fn finish(&self) -> Result<()> {
        if self.ended { Ok(()) } else { Err(Error::malformed("the rows break off: their end is not marked")) }
    }
}

/// The large objects of a block, as far as they are wanted.
pub(super) struct UnpackedObjects(Reading<Chunk>);

/// Hands over the large object that a block has come to.
pub(super) fn hand_over_object(
    block: &mut Packed<'_>,
    oid: u32,
    hand_over: &mut dyn FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    let mut offset = 0;
    while let Some(bytes) = block.next_piece()? {
        let length = bytes.len() as u64;
        hand_over(Chunk { oid, offset, bytes, last: false })?;
        offset += length;
    }
    hand_over(Chunk { oid, offset, bytes: Bytes::new(), last: true })
}

impl UnpackedObjects {
    pub fn start(blocks: &Blocks, record: &Record, wanted: &[u32]) -> Self {
        let salvaged = wanted.to_vec();
        let mut wanted: HashSet<u32> = wanted.iter().copied().collect();
        let read = move |block: &mut Packed<'_>, hand_over: &mut dyn FnMut(Chunk) -> Result<()>| {
            while let Some(oid) = block.next_object()? {
                if !wanted.remove(&oid) {
                    continue;
                }
                hand_over_object(block, oid, hand_over)?;
            }
            match wanted.iter().min() {
                None => Ok(()),
                Some(oid) => Err(Error::new(
                    ErrorKind::Malformed,
                    format!("{} large objects, {oid} among them, have no contents in the archive", wanted.len()),
                )),
            }
        };
        Self(Reading::start(blocks, record, read, move |wreck, hand_over| wreck.objects(&salvaged, hand_over)))
    }

    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        self.0.next().await
    }

    /// Begins anew, if what has come is still there.
    pub fn rewind(&mut self) -> bool {
        self.0.rewind()
    }
}

/// The statements of a block, some at a time.
pub(super) struct UnpackedStatements(Reading<String>);

impl UnpackedStatements {
    pub fn start(blocks: &Blocks, record: &Record, backslashes: bool) -> Self {
        let read = move |block: &mut Packed<'_>, hand_over: &mut dyn FnMut(String) -> Result<()>| {
            let mut statements = Statements::new(backslashes);
            while let Some(piece) = block.next_piece()? {
                if let Some(batch) = statements.add(&piece)? {
                    hand_over(batch)?;
                }
            }
            statements.finish()?.map_or(Ok(()), hand_over)
        };
        let salvage = move |wreck: &Wreck<'_>, hand_over: &mut dyn FnMut(String) -> Result<()>| {
            let mut statements = Statements::new(backslashes);
            wreck.pieces(|piece| statements.add(&piece)?.map_or(Ok(()), &mut *hand_over))?;
            Some(statements.batch()?).filter(|batch| !batch.is_empty()).map_or(Ok(()), hand_over)
        };
        Self(Reading::start(blocks, record, read, salvage))
    }

    pub async fn next(&mut self) -> Result<Option<String>> {
        self.0.next().await
    }

    /// Begins anew, if what has come is still there.
    pub fn rewind(&mut self) -> bool {
        self.0.rewind()
    }
}

/// Collects statements to batches.
struct Statements {
    ends: Ends,
    open: Vec<u8>,
    /// Up to here there are whole statements.
    whole: usize,
}

impl Statements {
    fn new(backslashes: bool) -> Self {
        Self { ends: Ends::new(backslashes), open: Vec::new(), whole: 0 }
    }

    fn add(&mut self, piece: &[u8]) -> Result<Option<String>> {
        let mut ends = Vec::new();
        self.ends.add(piece, &mut ends);
        if let Some(last) = ends.last() {
            self.whole = self.open.len() + last;
        }
        self.open.extend_from_slice(piece);
        if self.open.len() > LONGEST_STATEMENT {
            return Err(Error::malformed("a statement of the archive is longer than any server takes"));
        }
        if self.whole < BATCH { Ok(None) } else { self.batch().map(Some) }
    }

    fn batch(&mut self) -> Result<String> {
        let rest = self.open.split_off(self.whole);
        self.whole = 0;
        text(std::mem::replace(&mut self.open, rest))
    }

    fn finish(mut self) -> Result<Option<String>> {
        let batch = self.batch()?;
        if !self.ends.is_closed() || !text(self.open)?.trim().is_empty() {
            return Err(Error::malformed("the statements that insert rows break off"));
        }
        Ok((!batch.is_empty()).then_some(batch))
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| {
        Error::malformed("statements of the archive are not in UTF-8")
            .with_hint("Restore it with pg_restore, or dump the database again with --encoding UTF8.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows and their ends, however the bytes come.
    fn lines(text: &[u8], length: usize) -> Result<(Vec<u8>, usize)> {
        let (mut lines, mut out, mut rows) = (Lines::default(), Vec::new(), 0);
        for piece in text.chunks(length) {
            let block = lines.add(Bytes::copy_from_slice(piece))?;
            assert!(block.ends.iter().all(|end| block.bytes[*end as usize - 1] == b'\n'));
            rows += block.ends.len();
            out.extend_from_slice(&block.bytes);
        }
        lines.finish()?;
        Ok((out, rows))
    }

    #[test]
    fn rows_end_where_it_says_so() {
        for (text, rows) in [
            (&b"\\.\n\n\n"[..], 0),
            (b"a\n\\.\n\n\n", 1),
            (b"\n\n\\N\n\\.\n\n\n", 3),
            (b"\\\\.\na\\.\n\\N\tb\n\\.\n\n\n", 3),
            (b"x\\.\n\\.\n", 1),
        ] {
            for length in 1..=text.len() {
                let (out, counted) = lines(text, length).unwrap();
                let end = text.len() - text.windows(3).rev().position(|w| w == END).unwrap() - 3;
                assert_eq!((out.as_slice(), counted), (&text[..end], rows), "in pieces of {length}");
            }
        }
        for text in [&b""[..], b"a\n", b"\\.", b"a\n\\.\nb\n", b"a\\.\n"] {
            for length in 1..=text.len().max(1) {
                assert!(lines(text, length).is_err(), "{text:?} in pieces of {length}");
            }
        }
    }

    #[test]
    fn statements_come_whole() {
        let one = format!("INSERT INTO t VALUES ('a;{}');\n", "\u{fc}".repeat(1000));
        let text = one.repeat(500);
        for length in [7, 1000, 300_000] {
            let (mut statements, mut out) = (Statements::new(false), Vec::new());
            for piece in text.as_bytes().chunks(length) {
                out.extend(statements.add(piece).unwrap());
            }
            out.extend(statements.finish().unwrap());
            assert!(out.len() > 1 && out.iter().all(|batch| batch.trim_end().ends_with("');")), "{length}");
            assert_eq!(out.concat().trim_end(), text.trim_end());
        }
        for cut in ["INSERT INTO t VALUES ('a", "INSERT INTO t VALUES (1)", "x; \"; y"] {
            let mut statements = Statements::new(false);
            statements.add(cut.as_bytes()).unwrap();
            assert!(statements.finish().is_err(), "{cut}");
        }
    }
}
