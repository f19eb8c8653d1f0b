//! Bytes, ints, strings and offsets, read from somebody who may lie about them.

use std::io::{self, BufReader, Read, Seek, Write};

use crate::error::{Error, ErrorKind, Result};

/// The longest string that is read, in bytes: a server takes no longer statement (PostgreSQL 18, `MaxAllocSize`).
pub const LONGEST_STRING: u64 = (1 << 30) - 1;

/// How many bytes ints and offsets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of an int, without its sign.
    pub int: u8,
    /// Of an offset, without its state.
    pub offset: u8,
}

impl Sizes {
    /// What everybody writes today.
    pub const USUAL: Self = Self { int: 4, offset: 8 };
}

/// Where the data of a record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Somewhere: the writer could not go back to say where.
    Unknown,
    /// At this byte of the file.
    At(u64),
    /// Nowhere: there is none.
    NoData,
}

/// Reads primitives, and knows how far it has read.
#[derive(Debug)]
pub struct Source<R> {
    from: R,
    at: u64,
    sizes: Sizes,
}

impl<R: Read> Source<R> {
    /// Reads from here; `at` is where that is in the file.
    pub fn new(from: R, at: u64, sizes: Sizes) -> Self {
        Self { from, at, sizes }
    }

    /// How many bytes of the file lie before what is read next.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// What it reads from, which goes on where it has come to.
    pub fn into_inner(self) -> R {
        self.from
    }

    /// How many bytes ints and offsets have from here on.
    pub fn set_sizes(&mut self, sizes: Sizes) {
        self.sizes = sizes;
    }

    /// Exactly as many bytes as there is room for.
    ///
    /// # Errors
    /// * `Malformed` if the file ends before; `Io` if it cannot be read.
    pub fn exact(&mut self, into: &mut [u8], what: &'static str) -> Result<()> {
        self.from.read_exact(into).map_err(|error| self.failed(error, what))?;
        self.at += into.len() as u64;
        Ok(())
    }

    /// One byte.
    ///
    /// # Errors
    /// * As [`Source::exact`].
    pub fn byte(&mut self, what: &'static str) -> Result<u8> {
        let mut byte = [0];
        self.exact(&mut byte, what)?;
        Ok(byte[0])
    }

    /// One byte, or nothing at the end of the file.
    ///
    /// # Errors
    /// * `Io` if it cannot be read.
    pub fn byte_or_end(&mut self, what: &'static str) -> Result<Option<u8>> {
        let mut byte = [0];
        loop {
            match self.from.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => {
                    self.at += 1;
                    return Ok(Some(byte[0]));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error, what)),
            }
        }
    }

    /// A number with a sign. Archives may have wider ints than ours, as long as what they hold is not.
    ///
    /// # Errors
    /// * As [`Source::exact`]; `Malformed` if it does not fit.
    pub fn int(&mut self, what: &'static str) -> Result<i64> {
        let at = self.at;
        let negative = self.byte(what)? != 0;
        let magnitude = self.magnitude(self.sizes.int, what)?;
        let value = i64::try_from(magnitude).map_err(|_| too_large(what, at))?;
        Ok(if negative { -value } else { value })
    }

    fn magnitude(&mut self, size: u8, what: &'static str) -> Result<u64> {
        let at = self.at;
        let mut value = 0u64;
        for place in 0..u32::from(size) {
            let byte = u64::from(self.byte(what)?);
            match 8u32.checked_mul(place).filter(|shift| *shift < u64::BITS) {
                Some(shift) => value |= byte << shift,
                None if byte == 0 => {}
                None => return Err(too_large(what, at)),
            }
        }
        Ok(value)
    }

    /// Bytes with their length before them; `None` is NULL.
    ///
    /// Memory grows with what is there, not with what the length promises.
    ///
    /// # Errors
    /// * As [`Source::int`]; `Malformed` for a length that no string has.
    pub fn string(&mut self, what: &'static str) -> Result<Option<Vec<u8>>> {
        let at = self.at;
        let length = self.int(what)?;
        if length == -1 {
            return Ok(None);
        }
        let length = u64::try_from(length).ok().filter(|length| *length <= LONGEST_STRING);
        let length = length.ok_or_else(|| malformed(format!("the length of {what} makes no sense"), at))?;
        let mut bytes = Vec::new();
        let read = self.from.by_ref().take(length).read_to_end(&mut bytes).map_err(|error| self.failed(error, what))?;
        self.at += read as u64;
        if (read as u64) < length {
            return Err(ends_within(what, self.at));
        }
        Ok(Some(bytes))
    }

    /// An offset.
    ///
    /// # Errors
    /// * As [`Source::int`]; `Malformed` for a state that is not known.
    pub fn offset(&mut self) -> Result<Offset> {
        const WHAT: &str = "the offset of an entry";
        let at = self.at;
        let state = self.byte(WHAT)?;
        let place = self.magnitude(self.sizes.offset, WHAT)?;
        match state {
            1 => Ok(Offset::Unknown),
            2 => Ok(Offset::At(place)),
            3 => Ok(Offset::NoData),
            _ => Err(malformed(format!("{WHAT} has the unknown state {state}"), at)),
        }
    }

    /// Passes over bytes.
    ///
    /// # Errors
    /// * As [`Source::exact`].
    pub fn skip(&mut self, bytes: u64, what: &'static str) -> Result<()> {
        let passed = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink());
        let passed = passed.map_err(|error| self.failed(error, what))?;
        self.at += passed;
        if passed < bytes { Err(ends_within(what, self.at)) } else { Ok(()) }
    }

    /// Passes over everything up to the end.
    ///
    /// # Errors
    /// * `Io` if it cannot be read.
    pub fn skip_to_end(&mut self) -> Result<()> {
        let passed = io::copy(&mut self.from, &mut io::sink());
        self.at += passed.map_err(|error| self.failed(error, "the end of the archive"))?;
        Ok(())
    }

    fn failed(&self, error: io::Error, what: &'static str) -> Error {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return ends_within(what, self.at);
        }
        Error::new(ErrorKind::Io, format!("cannot read {what}, at byte {}", self.at)).with_source(error)
    }
}

impl<R: Read + Seek> Source<BufReader<R>> {
    /// Passes over bytes without reading them. Whether they are there shows when what follows them is read.
    ///
    /// # Errors
    /// * `Malformed` for more than a file can have; `Io` if it is not possible.
    pub(super) fn leap(&mut self, bytes: u64, what: &'static str) -> Result<()> {
        let to = self.at.checked_add(bytes).filter(|to| i64::try_from(*to).is_ok());
        let to = to.ok_or_else(|| ends_within(what, self.at))?;
        let by = i64::try_from(bytes).map_err(|_| ends_within(what, self.at))?;
        self.from.seek_relative(by).map_err(|error| self.failed(error, what))?;
        self.at = to;
        Ok(())
    }
}

/// Writes primitives of the [usual sizes](Sizes::USUAL).
pub trait Sink: Write {
    /// A number with a sign.
    ///
    /// # Errors
    /// * If it does not fit into four bytes, or cannot be written.
    fn put_int(&mut self, value: i64) -> io::Result<()> {
        let magnitude = u32::try_from(value.unsigned_abs())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a number does not fit into an archive"))?;
        self.write_all(&[u8::from(value < 0)])?;
        self.write_all(&magnitude.to_le_bytes())
    }

    /// A string, or NULL.
    ///
    /// # Errors
    /// * If it is too long, or cannot be written.
    fn put_string(&mut self, value: Option<&[u8]>) -> io::Result<()> {
        match value {
            None => self.put_int(-1),
            Some(bytes) => {
                self.put_int(i64::try_from(bytes.len()).unwrap_or(i64::MAX))?;
                self.write_all(bytes)
            }
        }
    }

    /// An offset; every one takes nine bytes, so that it can be put in its place later.
    ///
    /// # Errors
    /// * If it cannot be written.
    fn put_offset(&mut self, offset: Offset) -> io::Result<()> {
        let (state, place) = match offset {
            Offset::Unknown => (1, 0),
            Offset::At(place) => (2, place),
            Offset::NoData => (3, 0),
        };
        self.write_all(&[state])?;
        self.write_all(&place.to_le_bytes())
    }
}

impl<W: Write + ?Sized> Sink for W {}

/// Something about the file is wrong; it stands at this byte.
pub(super) fn malformed(what: impl Into<String>, at: u64) -> Error {
    Error::malformed(format!("{}, at byte {at} of the archive", what.into()))
}

fn too_large(what: &str, at: u64) -> Error {
    malformed(format!("{what} is a number that is too large"), at)
}

fn ends_within(what: &str, at: u64) -> Error {
    Error::malformed(format!("the archive ends within {what}, at byte {at}"))
        .with_hint("The file is cut off. If it was copied or downloaded, do that again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(bytes: &[u8]) -> Source<&[u8]> {
        Source::new(bytes, 0, Sizes::USUAL)
    }

    #[test]
    fn ints() {
        for value in [0, 1, -1, 255, 256, -70_000, i64::from(i32::MAX), i64::from(u32::MAX)] {
            let mut bytes = Vec::new();
            bytes.put_int(value).unwrap();
            assert_eq!(bytes.len(), 5);
            let mut source = source(&bytes);
            assert_eq!(source.int("a number").unwrap(), value);
            assert_eq!(source.position(), 5);
        }
        assert_eq!(source(&[1, 1, 0, 0, 0]).int("a number").unwrap(), -1);
        assert!(Vec::new().put_int(i64::from(u32::MAX) + 1).is_err());
    }

    #[test]
    fn ints_of_other_sizes() {
        let wide = Sizes { int: 12, offset: 8 };
        let bytes = [1, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Source::new(&bytes[..], 0, wide).int("a number").unwrap(), -261);
        let bytes = [0, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
        let error = Source::new(&bytes[..], 0, wide).int("a number").unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
        let narrow = Sizes { int: 2, offset: 8 };
        assert_eq!(Source::new(&[0, 1, 1][..], 0, narrow).int("a number").unwrap(), 257);
    }

    #[test]
    fn strings() {
        for value in [None, Some(&b""[..]), Some(b"a\nb")] {
            let mut bytes = Vec::new();
            bytes.put_string(value).unwrap();
            assert_eq!(source(&bytes).string("a name").unwrap().as_deref(), value);
        }
    }

    #[test]
    fn a_length_that_lies_takes_no_memory() {
        let mut bytes = Vec::new();
        bytes.put_int(LONGEST_STRING as i64).unwrap();
        bytes.extend([b'x'; 100]);
        let error = source(&bytes).string("a name").unwrap_err();
        assert!(error.to_string().contains("ends within a name, at byte 105"), "{error}");
        let mut bytes = Vec::new();
        bytes.put_int(LONGEST_STRING as i64 + 1).unwrap();
        assert!(source(&bytes).string("a name").is_err());
        let mut bytes = Vec::new();
        bytes.put_int(-2).unwrap();
        assert!(source(&bytes).string("a name").is_err());
    }

    #[test]
    fn offsets() {
        for offset in [Offset::Unknown, Offset::At(u64::MAX), Offset::NoData] {
            let mut bytes = Vec::new();
            bytes.put_offset(offset).unwrap();
            assert_eq!(bytes.len(), 9);
            assert_eq!(source(&bytes).offset().unwrap(), offset);
        }
        assert!(source(&[9; 9]).offset().is_err());
    }
}
