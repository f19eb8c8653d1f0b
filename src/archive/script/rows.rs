//! The rows of a table in a script.

use std::io::Write;

use super::failed;
use crate::archive::read::Block;
use crate::error::{Error, Result};

/// What ends the rows of a COPY for `psql`, and the two empty lines that `pg_dump` puts after it.
const END: &[u8] = b"\\.\n\n\n";
/// How binary rows begin (documentation of 18, "COPY", "Binary Format").
const BINARY: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// Writes the rows that a COPY takes, and their end, whether the block has it or not.
pub(super) fn copy(block: &mut Block<'_>, out: &mut impl Write) -> Result<()> {
    let mut rows = Rows::default();
    while let Some(piece) = block.next_piece()? {
        rows.take(&piece, out)?;
    }
    rows.end(out)
}

/// Writes the statements that insert rows.
pub(super) fn statements(block: &mut Block<'_>, out: &mut impl Write) -> Result<()> {
    while let Some(piece) = block.next_piece()? {
        insist_on_text(&piece)?;
        out.write_all(&piece).map_err(failed)?;
    }
    out.write_all(b"\n").map_err(failed)
}

/// How far rows have come. A line `\.` ends them: what else there is would be statements for `psql`.
#[derive(Debug)]
struct Rows {
    place: Place,
    /// The first bytes, until it is clear that they are not binary.
    first: Option<Vec<u8>>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { place: Place::LineStart, first: Some(Vec::new()) }
    }
}

/// What was read of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing.
    LineStart,
    /// A backslash, which is not written yet.
    Backslash,
    /// A backslash and a dot, which are not written yet.
    Dot,
    /// Those and a carriage return.
    DotReturn,
    /// Something else.
    Within,
    /// The end was read.
    Ended,
}

impl Rows {
    fn take(&mut self, piece: &[u8], out: &mut impl Write) -> Result<()> {
        match self.first.take() {
            Some(mut first) => {
                first.extend(piece);
                if BINARY.starts_with(&first) && first.len() < BINARY.len() {
                    self.first = Some(first);
                    return Ok(());
                }
                if first.starts_with(BINARY) {
                    return Err(Error::malformed(
                        "the archive holds these rows in binary form, which no script can hold",
                    )
                    .with_hint("pgtandem restore and pg_restore -d can restore it."));
                }
                self.lines(&first, out)
            }
            None => self.lines(piece, out),
        }
    }

    /// Writes what is rows; what might be their end waits.
    fn lines(&mut self, piece: &[u8], out: &mut impl Write) -> Result<()> {
        insist_on_text(piece)?;
        let mut rest = piece;
        while let Some((&first, after)) = rest.split_first() {
            let waiting: &[u8] = match self.place {
                Place::Backslash => b"\\",
                Place::Dot => b"\\.",
                Place::DotReturn => b"\\.\r",
                _ => b"",
            };
            self.place = match (self.place, first) {
                (Place::Ended, b'\n' | b'\r') | (Place::Dot | Place::DotReturn, b'\n') => Place::Ended,
                (Place::Ended, _) => {
                    return Err(Error::malformed("the archive has rows after their end")
                        .with_hint("The file is damaged, or was made to do harm."));
                }
                (Place::LineStart, b'\\') => Place::Backslash,
                (Place::Backslash, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotReturn,
                _ => {
                    // Up to the end of the line at once.
                    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
                    let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    out.write_all(waiting).and_then(|()| out.write_all(line)).map_err(failed)?;
                    self.place = if line.ends_with(b"\n") { Place::LineStart } else { Place::Within };
                    rest = after;
                    continue;
                }
            };
            rest = after;
        }
        Ok(())
    }

    fn end(mut self, out: &mut impl Write) -> Result<()> {
        if let Some(first) = self.first.take() {
            self.lines(&first, out)?;
        }
        let before: &[u8] = match self.place {
            Place::LineStart | Place::Ended | Place::Dot | Place::DotReturn => b"",
            Place::Backslash => b"\\\n",
            Place::Within => b"\n",
        };
        out.write_all(before).and_then(|()| out.write_all(END)).map_err(failed)
    }
}

/// Neither text rows nor statements have zero bytes; `psql` would end a line there.
fn insist_on_text(piece: &[u8]) -> Result<()> {
    match piece.contains(&0) {
        true => Err(Error::malformed("the data has a zero byte, which no script can have")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]]) -> Result<String> {
        let (mut rows, mut out) = (Rows::default(), Vec::new());
        for piece in pieces {
            rows.take(piece, &mut out)?;
        }
        rows.end(&mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn rows_end_once_however_they_are_cut() {
        let whole: &[u8] = b"1\tx\\\\.\n\\N\n\\.x\n\\\\.\n\n\\.\n\n\n";
        let expected = String::from_utf8(whole.to_vec()).unwrap();
        for cut in 0..whole.len() {
            assert_eq!(written(&[&whole[..cut], &whole[cut..]]).unwrap(), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(written(&bytes).unwrap(), expected);
    }

    #[test]
    fn an_end_that_is_missing_is_added() {
        assert_eq!(written(&[]).unwrap(), "\\.\n\n\n");
        assert_eq!(written(&[b"1\n"]).unwrap(), "1\n\\.\n\n\n");
        assert_eq!(written(&[b"1"]).unwrap(), "1\n\\.\n\n\n");
        assert_eq!(written(&[b"1\n\\."]).unwrap(), "1\n\\.\n\n\n");
        assert_eq!(written(&[b"1\n\\.\r\n"]).unwrap(), "1\n\\.\n\n\n");
        assert_eq!(written(&[b"PGCOPY\n"]).unwrap(), "PGCOPY\n\\.\n\n\n");
    }

    #[test]
    fn what_no_script_can_hold_is_refused() {
        let after = written(&[b"1\n\\.\n", b"DROP TABLE x;\n"]).unwrap_err();
        assert!(after.to_string().contains("rows after their end"), "{after}");
        let binary = written(&[b"PGCOPY", b"\n\xff\r\n\0\0\0\0\0"]).unwrap_err();
        assert!(binary.to_string().contains("binary"), "{binary}");
        assert!(written(&[b"a\0b\n"]).is_err());
    }
}
