//! The digest of rows without some of their columns.

use xxhash_rust::xxh3::Xxh3;

use super::digest::Digest;

/// Digests rows in text form without some of their columns.
pub(super) struct Columns {
    kept: Vec<bool>,
    /// The field that the next byte belongs to, and whether one before it in this row was kept.
    field: usize,
    begun: bool,
    row: Xxh3,
    digest: Digest,
}

impl Columns {
    /// `kept` says of each column whether it counts.
    pub fn new(kept: Vec<bool>) -> Self {
        Self { kept, field: 0, begun: false, row: Xxh3::new(), digest: Digest::default() }
    }

    pub fn add(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr2(b'\t', b'\n', bytes) {
            let (field, rest) = bytes.split_at(end);
            self.part(field);
            let is_row = rest.first() == Some(&b'\n');
            bytes = rest.get(1..).unwrap_or_default();
            self.begun |= self.is_kept();
            self.field += 1;
            if is_row {
                self.row.update(b"\n");
                self.digest.add(self.row.digest128());
                self.row.reset();
                (self.field, self.begun) = (0, false);
            } else if self.begun && self.is_kept() {
                self.row.update(b"\t");
            }
        }
        self.part(bytes);
    }

    /// The digest of the rows so far.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn is_kept(&self) -> bool {
        self.kept.get(self.field) == Some(&true)
    }

    fn part(&mut self, bytes: &[u8]) {
        if self.is_kept() {
            self.row.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    #[test]
    fn rows_without_some_columns() {
        let text = b"1\ta\tx\n2\t\t\\N\n";
        for (kept, rows) in [
            ([true, false, true], [&b"1\tx\n"[..], b"2\t\\N\n"]),
            ([false, true, true], [b"a\tx\n", b"\t\\N\n"]),
            ([true, true, true], [b"1\ta\tx\n", b"2\t\t\\N\n"]),
            ([false, false, true], [b"x\n", b"\\N\n"]),
        ] {
            let mut expected = Digest::default();
            rows.iter().for_each(|row| expected.add(xxh3_128(row)));
            for length in 1..=text.len() {
                let mut columns = Columns::new(kept.to_vec());
                text.chunks(length).for_each(|piece| columns.add(piece));
                assert_eq!(columns.digest(), expected, "{kept:?} in pieces of {length}");
            }
        }
    }
}
