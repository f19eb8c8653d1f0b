//! Blocks: what lies after the table of contents. Chunks of bytes, compressed or not, under the number of a record.

use std::io::{self, Read, Write};

use super::primitive::{Sink, Source, malformed};
use crate::error::Result;

/// How many bytes the beginning of a block takes, in archives of ours.
pub(super) const START_BYTES: u64 = 6;
/// How many the length of a chunk takes, and the end of a block.
pub(super) const INT_BYTES: u64 = 5;

/// The number of a record that no archive has, for a block that is there for its place alone.
pub const FILLER: i64 = i32::MAX as i64;
/// The longest chunk that is read into memory, in bytes; what the stock tools write is far shorter.
pub const LONGEST_CHUNK: u64 = 1 << 30;

/// What ends the rows of a table in text form, as `pg_dump` writes it (PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`,
/// `dumpTableData_copy`).
pub const END_OF_ROWS: &[u8] = b"\\.\n\n\n";

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Rows, or statements that insert them.
    Rows,
    /// Large objects, one after the other.
    LargeObjects,
}

impl Content {
    const fn byte(self) -> u8 {
        match self {
            Self::Rows => 1,
            Self::LargeObjects => 3,
        }
    }
}

/// How a block begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// What it holds.
    pub content: Content,
    /// The record that it belongs to.
    pub id: i64,
}

/// Reads the beginning of a block; nothing at the end of the file.
///
/// # Errors
/// * `Malformed` if something else stands here.
pub fn start(source: &mut Source<impl Read>) -> Result<Option<Start>> {
    let at = source.position();
    let content = match source.byte_or_end("a block")? {
        None => return Ok(None),
        Some(1) => Content::Rows,
        Some(3) => Content::LargeObjects,
        Some(other) => return Err(malformed(format!("there is no block of type {other}"), at)),
    };
    Ok(Some(Start { content, id: source.int("the number of a block")? }))
}

/// The length of the next chunk, whose bytes have to be read or skipped then; nothing after the last one.
///
/// # Errors
/// * `Malformed` if it has no such length.
pub fn chunk(source: &mut Source<impl Read>) -> Result<Option<u64>> {
    let at = source.position();
    match source.int("the length of a chunk")? {
        0 => Ok(None),
        length => match u64::try_from(length) {
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(malformed(format!("a chunk of {length} bytes makes no sense"), at)),
        },
    }
}

/// The OID of the next large object of a block, whose chunks follow; nothing after the last one.
///
/// # Errors
/// * `Malformed` if it is no OID.
pub fn large_object(source: &mut Source<impl Read>) -> Result<Option<u32>> {
    let at = source.position();
    let number = source.int("the OID of a large object")?;
    // Those from 2^31 on have passed through a signed int.
    let oid = u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned));
    match oid {
        Some(0) => Ok(None),
        Some(oid) => Ok(Some(oid)),
        None => Err(malformed(format!("there is no large object {number}"), at)),
    }
}

/// Passes over what is left of a block after its beginning.
///
/// # Errors
/// * `Malformed` if its chunks make no sense, or the file ends before they do.
pub fn skip(source: &mut Source<impl Read>, content: Content) -> Result<()> {
    skip_with(source, content, |source, length| source.skip(length, "a chunk"))
}

/// The same, with another way over the bytes of a chunk.
pub(super) fn skip_with<R: Read>(
    source: &mut Source<R>,
    content: Content,
    mut pass: impl FnMut(&mut Source<R>, u64) -> Result<()>,
) -> Result<()> {
    let mut skip_chunks = |source: &mut Source<R>| {
        while let Some(length) = chunk(source)? {
            pass(source, length)?;
        }
        Ok(())
    };
    match content {
        Content::Rows => skip_chunks(source),
        Content::LargeObjects => {
            while large_object(source)?.is_some() {
                skip_chunks(source)?;
            }
            Ok(())
        }
    }
}

/// Writes the beginning of a block.
///
/// # Errors
/// * If it cannot be written.
pub fn put_start(mut to: impl Write, content: Content, id: i64) -> io::Result<()> {
    to.write_all(&[content.byte()])?;
    to.put_int(id)
}

/// Writes one chunk; none if there are no bytes, since that would end the block.
///
/// # Errors
/// * If it is too long, or cannot be written.
pub fn put_chunk(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    // Readers keep the length in a signed int.
    let length = i32::try_from(bytes.len())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a chunk of an archive is too long"))?;
    to.put_int(length.into())?;
    to.write_all(bytes)
}

/// Writes the OID before the chunks of a large object.
///
/// # Errors
/// * If it cannot be written.
pub fn put_large_object(mut to: impl Write, oid: u32) -> io::Result<()> {
    to.put_int(oid.cast_signed().into())
}

/// Ends the chunks of a table or of a large object, or the large objects of a block.
///
/// # Errors
/// * If it cannot be written.
pub fn put_end(mut to: impl Write) -> io::Result<()> {
    to.put_int(0)
}

#[cfg(test)]
mod tests {
    use super::super::primitive::Sizes;
    use super::*;

    fn source(bytes: &[u8]) -> Source<&[u8]> {
        Source::new(bytes, 0, Sizes::USUAL)
    }

    #[test]
    fn rows() {
        let mut bytes = Vec::new();
        put_start(&mut bytes, Content::Rows, 42).unwrap();
        put_chunk(&mut bytes, b"abc").unwrap();
        put_chunk(&mut bytes, b"").unwrap();
        put_chunk(&mut bytes, b"defg").unwrap();
        put_end(&mut bytes).unwrap();
        let mut source = source(&bytes);
        assert_eq!(start(&mut source).unwrap(), Some(Start { content: Content::Rows, id: 42 }));
        assert_eq!(chunk(&mut source).unwrap(), Some(3));
        source.skip(3, "a chunk").unwrap();
        assert_eq!(chunk(&mut source).unwrap(), Some(4));
        source.skip(4, "a chunk").unwrap();
        assert_eq!(chunk(&mut source).unwrap(), None);
        assert_eq!(start(&mut source).unwrap(), None);
    }

    #[test]
    fn large_objects_and_what_cannot_be_one() {
        let mut bytes = Vec::new();
        put_start(&mut bytes, Content::LargeObjects, 7).unwrap();
        for oid in [16_400, 3_000_000_000] {
            put_large_object(&mut bytes, oid).unwrap();
            put_chunk(&mut bytes, b"abc").unwrap();
            put_end(&mut bytes).unwrap();
        }
        put_end(&mut bytes).unwrap();
        let mut whole = source(&bytes);
        let begun = start(&mut whole).unwrap().unwrap();
        skip(&mut whole, begun.content).unwrap();
        assert_eq!(start(&mut whole).unwrap(), None);
        let mut each = source(&bytes);
        start(&mut each).unwrap();
        assert_eq!(large_object(&mut each).unwrap(), Some(16_400));
        skip(&mut each, Content::Rows).unwrap();
        assert_eq!(large_object(&mut each).unwrap(), Some(3_000_000_000));
        for cut in 1..bytes.len() {
            let mut source = source(&bytes[..cut]);
            let done = start(&mut source).and_then(|begun| skip(&mut source, begun.unwrap().content));
            assert!(done.is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        assert!(start(&mut source(b"\x02")).is_err());
        assert!(start(&mut source(b"\x01\0")).is_err());
        assert!(chunk(&mut source(&[1, 5, 0, 0, 0])).is_err());
        // The length is there, the bytes are not.
        assert!(skip(&mut source(&[0, 0xff, 0xff, 0xff, 0x7f, 1]), Content::Rows).is_err());
    }
}
