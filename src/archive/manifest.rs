//! The manifest: what an archive of ours says about itself, so that it can be proved whole without any server.
//!
//! Stock tools pass over it: it is the last block, under the number [`FILLER`](super::block::FILLER), and the record that points at it has neither
//! a definition nor a name that they show. Archives without one are those of others.
//!
//! # The format, byte by byte
//!
//! The block holds one chunk: the body, then the footer of [`FOOTER_BYTES`] bytes. The block's end, an int 0, is the end of the
//! file. So whoever reads from the end finds 5 zero bytes, the footer before them, and the body before that.
//!
//! Numbers in the manifest have a fixed width, the least significant byte first: u8, u32, u64, u128. A text is a u32, its
//! length in bytes, and then so many bytes of UTF-8. A list is a u32, how many there are, and then each of them.
//!
//! The footer: u64 length of the body; u64 length of the whole file; 32 bytes SHA-256 of the body; 8 bytes `PGTANDEM`.
//!
//! The body:
//!
//! | field | form | |
//! |---|---|---|
//! | version | u32 | of the manifest: 1 |
//! | head | u64, 32 bytes | how many bytes the header and the table of contents have, and their SHA-256 |
//! | writer, snapshot, encoding | 3 texts | "pgtandem 0.1.0"; the name of the snapshot that was read; the encoding of all texts |
//! | settings | list of 2 texts | under which rows were written: `DateStyle` and the like, and their values |
//! | findings | list: u8, text, text, text | 1 for a warning, else 0; the object; what was found; what to do, or nothing |
//! | hints | list: u32, text, list of u32, u64 | what a record cannot say: its number; a condition without which it is not made, or nothing; the records that it locks; its size on the old server |
//! | blocks | list | in the order in which they lie in the file |
//!
//! The digest is the sum, modulo 2^128, of the XXH3-128 of each row with its end, as the server has sent it; for large objects, of
//! each object's OID (4 bytes, the most significant first) and contents. What stands around rows is none of them.
//!
//! A block: u32 its record; u64 where it begins; u64 its length; u64 rows (or large objects); u128 digest; u8 whether there is a
//! digest; u64 hash; list of frames. A frame is one chunk: u32 bytes stored, u32 bytes before compression, u32 rows that end in
//! it, u8 flags (1: begins within a row; 2: not rows but what stands around them), u64 XXH3 of the stored bytes. A block of large objects
//! has no frames, but u64 XXH3 of all that lies between its beginning and its end; in a block of rows that is 0.
//!
//! # Changelog
//!
//! * 1: the first.

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// The version that is written.
pub const VERSION: u32 = 1;
/// The length of the footer.
pub const FOOTER_BYTES: usize = 8 + 8 + 32 + 8;
/// What the footer ends with.
pub const MAGIC: &[u8; 8] = b"PGTANDEM";
/// What the record that points at a manifest makes.
pub const DESC: &str = "ARCHIVE MANIFEST";
/// What follows the footer: the end of the block.
pub const END_BYTES: usize = 5;

/// What an archive says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// How many bytes the header and the table of contents have.
    pub head_bytes: u64,
    /// SHA-256 of the header and the table of contents.
    pub head_hash: [u8; 32],
    /// Who wrote it ("pgtandem 0.1.0").
    pub writer: String,
    /// The name of the snapshot that was read.
    pub snapshot: String,
    /// The encoding of all texts ("UTF8").
    pub encoding: String,
    /// Settings under which rows were written, and their values.
    pub settings: Vec<(String, String)>,
    /// What was noticed.
    pub findings: Vec<Remark>,
    /// What records cannot say.
    pub hints: Vec<Hint>,
    /// The blocks, in the order in which they lie in the file.
    pub blocks: Vec<Block>,
}

/// Something that was noticed about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remark {
    /// Whether somebody should look at it.
    pub warning: bool,
    /// The object.
    pub subject: String,
    /// What was found.
    pub text: String,
    /// What to do about it, or nothing.
    pub remedy: String,
}

/// What a record cannot say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The number of the record.
    pub id: u32,
    /// An expression that is true where it is to be made, or nothing.
    pub condition: String,
    /// The numbers of the records of relations that it locks.
    pub locks: Vec<u32>,
    /// Bytes on the old server.
    pub weight: u64,
}

/// A block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The number of its record.
    pub id: u32,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it takes, from its first byte to its end.
    pub length: u64,
    /// Rows, or large objects.
    pub rows: u64,
    /// The digest of all rows, as the server sent them.
    pub digest: Option<u128>,
    /// XXH3 of all that lies between its beginning and its end, for a block of large objects; else 0.
    pub hash: u64,
    /// Its chunks, for a block of rows.
    pub frames: Vec<Frame>,
}

/// A chunk that can be decompressed by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Bytes in the file, without the length before them.
    pub stored: u32,
    /// Bytes before compression.
    pub content: u32,
    /// Rows that end in it.
    pub rows: u32,
    /// Whether it begins within a row.
    pub within_row: bool,
    /// Whether it holds no rows but what stands around them: the line that ends a COPY, the beginning of a zlib stream.
    pub around: bool,
    /// XXH3 of the bytes in the file.
    pub hash: u64,
}

impl Manifest {
    /// The bytes of body and footer; `at` is where the body begins in the file.
    ///
    /// # Errors
    ///
    /// If something has more parts than can be counted.
    pub fn write(&self, at: u64) -> Result<Vec<u8>> {
        let mut out = Writer(Vec::new());
        out.u32(VERSION);
        out.u64(self.head_bytes);
        out.0.extend(self.head_hash);
        for text in [&self.writer, &self.snapshot, &self.encoding] {
            out.text(text)?;
        }
        out.list(&self.settings, |out, (name, value)| {
            out.text(name)?;
            out.text(value)
        })?;
        out.list(&self.findings, |out, finding| {
            out.0.push(finding.warning.into());
            out.text(&finding.subject)?;
            out.text(&finding.text)?;
            out.text(&finding.remedy)
        })?;
        out.list(&self.hints, |out, hint| {
            out.u32(hint.id);
            out.text(&hint.condition)?;
            out.list(&hint.locks, |out, id| {
                out.u32(*id);
                Ok(())
            })?;
            out.u64(hint.weight);
            Ok(())
        })?;
        out.list(&self.blocks, |out, block| block.write(out))?;
        let mut bytes = out.0;
        let length = bytes.len() as u64;
        let hash = Sha256::digest(&bytes);
        bytes.extend(length.to_le_bytes());
        let file = at + length + (FOOTER_BYTES + END_BYTES) as u64;
        bytes.extend(file.to_le_bytes());
        bytes.extend(hash);
        bytes.extend(MAGIC);
        Ok(bytes)
    }

    /// Reads a body, whose hash has been [proved](Footer::proves).
    ///
    /// # Errors
    ///
    /// `Malformed` for a version that is not known, or what makes no sense.
    pub fn read(body: &[u8]) -> Result<Self> {
        let mut from = Reader(body);
        let version = from.u32()?;
        if version != VERSION {
            return Err(Error::malformed(format!("version {version} of the archive's manifest is not known"))
                .with_hint("The archive was made by a newer pgtandem, which can read it. Stock pg_restore can, too."));
        }
        let manifest = Self {
            head_bytes: from.u64()?,
            head_hash: from.array()?,
            writer: from.text()?,
            snapshot: from.text()?,
            encoding: from.text()?,
            settings: from.list(|from| Ok((from.text()?, from.text()?)))?,
            findings: from.list(|from| {
                Ok(Remark { warning: from.u8()? != 0, subject: from.text()?, text: from.text()?, remedy: from.text()? })
            })?,
            hints: from.list(|from| {
                let (id, condition) = (from.u32()?, from.text()?);
                Ok(Hint { id, condition, locks: from.list(Reader::u32)?, weight: from.u64()? })
            })?,
            blocks: from.list(Block::read)?,
        };
        match from.0.is_empty() {
            true => Ok(manifest),
            false => Err(senseless()),
        }
    }

    /// The block of a record. Who asks for many puts them into a map.
    pub fn block(&self, id: i64) -> Option<&Block> {
        self.blocks.iter().find(|block| i64::from(block.id) == id)
    }
}

/// What a manifest ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// How many bytes the body has.
    pub body: u64,
    /// How many bytes the file has.
    pub file: u64,
    hash: [u8; 32],
}

impl Footer {
    /// Reads the last [`FOOTER_BYTES`] + [`END_BYTES`] bytes of a file; nothing if it is not one of ours.
    pub fn read(end: &[u8]) -> Option<Self> {
        let footer = end.strip_suffix(&[0; END_BYTES])?.strip_suffix(MAGIC)?;
        let mut from = Reader(footer);
        let footer = Self { body: from.u64().ok()?, file: from.u64().ok()?, hash: from.array().ok()? };
        from.0.is_empty().then_some(footer)
    }

    /// Whether this is the body that it was written with.
    pub fn proves(&self, body: &[u8]) -> bool {
        self.body == body.len() as u64 && self.hash == *Sha256::digest(body)
    }
}

impl Block {
    /// Bytes of rows before compression; not known for large objects.
    pub fn content(&self) -> Option<u64> {
        let rows = self.frames.iter().filter(|frame| !frame.around);
        (!self.frames.is_empty()).then(|| rows.map(|frame| u64::from(frame.content)).sum())
    }

    fn write(&self, out: &mut Writer) -> Result<()> {
        out.u32(self.id);
        for number in [self.offset, self.length, self.rows] {
            out.u64(number);
        }
        out.0.extend(self.digest.unwrap_or_default().to_le_bytes());
        out.0.push(self.digest.is_some().into());
        out.u64(self.hash);
        out.list(&self.frames, |out, frame| {
            for number in [frame.stored, frame.content, frame.rows] {
                out.u32(number);
            }
            out.0.push(u8::from(frame.within_row) | u8::from(frame.around) << 1);
            out.u64(frame.hash);
            Ok(())
        })
    }

    fn read(from: &mut Reader<'_>) -> Result<Self> {
        let (id, offset, length, rows) = (from.u32()?, from.u64()?, from.u64()?, from.u64()?);
        let digest = u128::from_le_bytes(from.array()?);
        let digest = (from.u8()? != 0).then_some(digest);
        let hash = from.u64()?;
        let frames = from.list(|from| {
            let (stored, content, rows, flags) = (from.u32()?, from.u32()?, from.u32()?, from.u8()?);
            let (within_row, around) = (flags & 1 != 0, flags & 2 != 0);
            Ok(Frame { stored, content, rows, within_row, around, hash: from.u64()? })
        })?;
        Ok(Self { id, offset, length, rows, digest, hash, frames })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u32(&mut self, number: u32) {
        self.0.extend(number.to_le_bytes());
    }

    fn u64(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.length(text.len())?;
        self.0.extend(text.as_bytes());
        Ok(())
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T) -> Result<()>) -> Result<()> {
        self.length(items.len())?;
        items.iter().try_for_each(|item| each(self, item))
    }

    fn length(&mut self, length: usize) -> Result<()> {
        self.u32(u32::try_from(length).map_err(|_| Error::malformed("an archive with more than can be counted"))?);
        Ok(())
    }
}

/// Memory grows with what is there, not with what a length promises.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(senseless)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| senseless())
    }

    fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<String> {
        let length = self.u32()? as usize;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| senseless())
    }

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.u32()?).map(|_| each(self)).collect()
    }
}

fn senseless() -> Error {
    Error::malformed("the archive's manifest makes no sense")
        .with_hint("Stock pg_restore does without it, and can restore what is whole of the archive.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let frame = Frame { stored: 5, content: 9, rows: 2, within_row: true, around: false, hash: u64::MAX };
        let around = Frame { around: true, ..Frame::default() };
        Manifest {
            head_bytes: 77,
            head_hash: [3; 32],
            writer: "pgtandem".into(),
            snapshot: "0-1".into(),
            encoding: "UTF8".into(),
            settings: vec![("DateStyle".into(), "ISO".into())],
            findings: vec![Remark { warning: true, subject: "t".into(), text: "x".into(), remedy: String::new() }],
            hints: vec![Hint { id: 4, condition: "true".into(), locks: vec![1, 2], weight: 1 << 40 }],
            blocks: vec![
                Block {
                    id: 9,
                    offset: 100,
                    length: 50,
                    rows: 2,
                    digest: Some(u128::MAX),
                    hash: 0,
                    frames: vec![frame, around],
                },
                Block { id: 10, digest: None, hash: 7, ..Block::default() },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = manifest().write(1000).unwrap();
        let (body, footer) = bytes.split_at(bytes.len() - FOOTER_BYTES);
        let end = [footer, &[0; END_BYTES]].concat();
        let footer = Footer::read(&end).unwrap();
        assert_eq!((footer.body, footer.file), (body.len() as u64, 1000 + (bytes.len() + END_BYTES) as u64));
        assert!(footer.proves(body));
        assert_eq!(Manifest::read(body).unwrap(), manifest());
    }

    #[test]
    fn a_byte_more_or_less_or_another_one_is_found() {
        let bytes = manifest().write(0).unwrap();
        let (body, footer) = bytes.split_at(bytes.len() - FOOTER_BYTES);
        let footer = Footer::read(&[footer, &[0; END_BYTES]].concat()).unwrap();
        for at in 0..body.len() {
            let mut flipped = body.to_vec();
            flipped[at] ^= 4;
            assert!(!footer.proves(&flipped), "flipped at {at}");
            assert!(!footer.proves(&body[..at]), "cut at {at}");
            // Nobody reads it then; but if somebody did, it would be no disaster.
            let _ = Manifest::read(&flipped);
            assert!(Manifest::read(&body[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn other_files_have_none() {
        assert_eq!(Footer::read(&[0; FOOTER_BYTES + END_BYTES]), None);
        assert_eq!(Footer::read(b"short"), None);
    }
}
