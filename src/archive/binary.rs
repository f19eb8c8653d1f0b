//! Rows in the binary form of COPY (documentation, COPY, "Binary Format"): where each of them ends.
//!
//! [`HEAD`], then the rows, then [`TAIL`]. A row is the number of its fields, in 16 bits, and for each field its length, in 32
//! bits, and so many bytes; a length of -1 is NULL.

use crate::error::{Error, Result};

/// What stands before the rows: the signature, flags of which none is set, and no extension.
pub const HEAD: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands after them: a number of fields that no row has.
pub const TAIL: [u8; 2] = [0xff; 2];

/// Finds the ends of rows in what comes piece by piece.
#[derive(Clone, Debug)]
pub struct Tuples {
    at: At,
    /// Whether head and tail are among what comes.
    is_whole: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
enum At {
    /// The head, of which so many bytes have come.
    Head(usize),
    /// The number of fields, of which so many bytes have come.
    Fields(usize, u32),
    /// The length of a field, of which so many bytes have come; after it so many fields are left.
    Length(usize, u32, u32),
    /// The bytes of a field that are left, and the fields after it.
    Field(usize, u32),
    /// Nothing.
    End,
}

impl Tuples {
    /// For everything, from the head to the tail.
    pub fn whole() -> Self {
        Self { at: At::Head(0), is_whole: true }
    }

    /// For rows alone.
    pub fn rows() -> Self {
        Self { at: At::Fields(0, 0), is_whole: false }
    }

    /// Takes a piece, and tells the offsets in it where a row ends.
    ///
    /// # Errors
    /// * `Malformed` for what is not in this form.
    pub fn add(&mut self, piece: &[u8], mut ends: impl FnMut(usize)) -> Result<()> {
        let mut place = 0;
        while let Some(&byte) = piece.get(place) {
            self.at = match self.at {
                At::Head(come) => {
                    if HEAD.get(come) != Some(&byte) {
                        return Err(Error::malformed("rows in binary form do not begin as they should"));
                    }
                    place += 1;
                    if come + 1 == HEAD.len() { At::Fields(0, 0) } else { At::Head(come + 1) }
                }
                At::Fields(0, _) => {
                    place += 1;
                    At::Fields(1, byte.into())
                }
                At::Fields(_, high) => {
                    place += 1;
                    match high << 8 | u32::from(byte) {
                        0xffff if self.is_whole => At::End,
                        0x8000.. => {
                            return Err(Error::malformed("a row in binary form has a number of fields that cannot be"));
                        }
                        0 => {
                            ends(place);
                            At::Fields(0, 0)
                        }
                        fields => At::Length(0, 0, fields - 1),
                    }
                }
                At::Length(come, length, left) => {
                    place += 1;
                    let length = length << 8 | u32::from(byte);
                    match (come, length) {
                        (0..3, _) => At::Length(come + 1, length, left),
                        (_, u32::MAX | 0) => Self::after_field(left, place, &mut ends),
                        (_, 0x8000_0000..) => {
                            return Err(Error::malformed("a field in binary form has a length that cannot be"));
                        }
                        (_, length) => At::Field(length as usize, left),
                    }
                }
                At::Field(bytes, left) => {
                    let here = bytes.min(piece.len() - place);
                    place += here;
                    match bytes - here {
                        0 => Self::after_field(left, place, &mut ends),
                        more => At::Field(more, left),
                    }
                }
                At::End => return Err(Error::malformed("something follows the end of rows in binary form")),
            };
        }
        Ok(())
    }

    fn after_field(left: u32, place: usize, ends: &mut impl FnMut(usize)) -> At {
        match left.checked_sub(1) {
            Some(left) => At::Length(0, 0, left),
            None => {
                ends(place);
                At::Fields(0, 0)
            }
        }
    }

    /// Whether a row has begun that has not ended.
    pub fn is_open(&self) -> bool {
        !matches!(self.at, At::Head(0) | At::Fields(0, _) | At::End)
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// * `Malformed` if it was not.
    pub fn finish(&self) -> Result<()> {
        match self.at {
            At::End => Ok(()),
            At::Fields(0, _) if !self.is_whole => Ok(()),
            _ => Err(Error::malformed("rows in binary form break off")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where rows end, whatever the pieces are.
    fn ends(mut tuples: Tuples, bytes: &[u8], length: usize) -> Result<Vec<usize>> {
        let (mut found, mut before) = (Vec::new(), 0);
        for piece in bytes.chunks(length) {
            tuples.add(piece, |end| found.push(before + end))?;
            before += piece.len();
        }
        tuples.finish().map(|()| found)
    }

    const ROWS: &[u8] = b"\0\x02\0\0\0\x03abc\xff\xff\xff\xff\0\x01\0\0\0\0\0\0\0\x01\0\0\0\x02\xff\xff";

    #[test]
    fn rows_end_where_their_last_field_does() {
        let whole = [&HEAD[..], ROWS, &TAIL].concat();
        for length in 1..=whole.len() {
            assert_eq!(ends(Tuples::rows(), ROWS, length).unwrap(), [13, 19, 21, 29], "in pieces of {length}");
            assert_eq!(ends(Tuples::whole(), &whole, length).unwrap(), [32, 38, 40, 48], "in pieces of {length}");
            assert_eq!(ends(Tuples::whole(), &[&HEAD[..], &TAIL].concat(), length).unwrap(), [0; 0]);
        }
    }

    #[test]
    fn what_is_no_row_is_said_to_be_none() {
        let whole = [&HEAD[..], ROWS, &TAIL].concat();
        for end in 0..whole.len() {
            assert!(ends(Tuples::whole(), &whole[..end], 7).is_err(), "cut at {end}");
        }
        for absurd in [
            [&whole[..], b"\0"].concat(),
            [&HEAD[..], b"\x80\0"].concat(),
            [&HEAD[..], b"\0\x01\xff\xff\xff\xfe"].concat(),
            b"PGCOPY\n\xff\r\n\0\0\x01".to_vec(),
        ] {
            assert!(ends(Tuples::whole(), &absurd, 5).is_err(), "{absurd:?}");
        }
        assert!(ends(Tuples::rows(), &TAIL, 1).is_err());
    }
}
