//! Digests of sets of rows.

use std::fmt;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::archive::binary::{HEAD, TAIL};
use crate::wire::tap::{Block, Format};

/// A digest of a set of rows that does not depend on their order: the sum (modulo 2^128) of the xxh3-128 of each row.
///
/// A sum and not an exclusive or, so that two equal rows do not cancel each other. It finds what got lost, doubled or
/// changed by accident; it is no proof against somebody who makes up rows for the purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest {
    /// How many rows.
    pub rows: u64,
    /// The sum of their hashes.
    pub sum: u128,
}

impl Digest {
    /// Adds one row, given its xxh3-128.
    pub fn add(&mut self, hash: u128) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash);
    }

    /// Adds the rows of another digest: that of a part of the same table, say.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

impl fmt::Display for Digest {
    /// The sum, in 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

/// Digests the rows of one COPY TO STDOUT, block by block, in the order in which the blocks come.
///
/// What counts is the bytes of each row as the server sends it, so digests are comparable where both sides were read in the
/// same form, with the same columns, by servers that print the types alike (and under the same settings).
pub struct RowDigester {
    digest: Digest,
    /// The row that has begun in an earlier block.
    row: Xxh3,
    row_is_open: bool,
    /// Bytes to be left out before the first row.
    skip: usize,
    /// The hash of what is no row, if there is such a thing.
    no_row: Option<u128>,
}

impl RowDigester {
    /// For rows of this form.
    pub fn new(format: Format) -> Self {
        let (skip, no_row) = match format {
            Format::Text => (0, None),
            Format::Binary => (HEAD.len(), Some(xxh3_128(&TAIL))),
        };
        Self { digest: Digest::default(), row: Xxh3::new(), row_is_open: false, skip, no_row }
    }

    /// Takes the next block.
    pub fn add(&mut self, block: &Block) {
        let mut from = 0;
        for &end in &block.ends {
            let end = end as usize;
            let hash = {
                let part = self.unskipped(block.bytes.get(from..end).unwrap_or_default());
                if std::mem::take(&mut self.row_is_open) {
                    self.row.update(part);
                    self.row.digest128()
                } else {
                    xxh3_128(part)
                }
            };
            if self.no_row != Some(hash) {
                self.digest.add(hash);
            }
            from = end;
        }
        let rest = self.unskipped(block.bytes.get(from..).unwrap_or_default());
        if rest.is_empty() {
            return;
        }
        if !std::mem::replace(&mut self.row_is_open, true) {
            self.row.reset();
        }
        self.row.update(rest);
    }

    fn unskipped<'a>(&mut self, part: &'a [u8]) -> &'a [u8] {
        let skip = self.skip.min(part.len());
        self.skip -= skip;
        part.get(skip..).unwrap_or_default()
    }

    /// The digest of the rows that have come to their end.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A small generator of numbers (xorshift64*), the same on every run.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, limit: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
        }
    }

    fn some_rows(numbers: &mut Numbers) -> Vec<Vec<u8>> {
        let row = |numbers: &mut Numbers| {
            let length = if numbers.below(20) == 0 { numbers.below(5000) } else { numbers.below(40) };
            (0..length).map(|_| numbers.below(256) as u8).collect()
        };
        (0..1 + numbers.below(60)).map(|_| row(numbers)).collect()
    }

    /// The rows in blocks with random borders.
    fn cut(rows: &[Vec<u8>], longest: usize, numbers: &mut Numbers) -> Vec<Block> {
        let bytes = Bytes::from(rows.concat());
        let mut ends = rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        });
        let mut next_end = ends.next();
        let (mut blocks, mut from) = (Vec::new(), 0);
        while from < bytes.len() || next_end.is_some() {
            let to = bytes.len().min(from + 1 + numbers.below(longest));
            let mut block = Block { bytes: bytes.slice(from..to), ends: Vec::new() };
            while let Some(end) = next_end.filter(|end| *end <= to) {
                // An end at the border may belong to the next block too, as long as nothing follows.
                block.ends.push((end - from) as u32);
                next_end = ends.next();
            }
            blocks.push(block);
            from = to;
        }
        blocks
    }

    fn digest(format: Format, blocks: &[Block]) -> Digest {
        let mut digester = RowDigester::new(format);
        blocks.iter().for_each(|block| digester.add(block));
        digester.digest()
    }

    #[test]
    fn independent_of_borders_and_order() {
        let mut numbers = Numbers(0x5eed);
        for round in 0..300 {
            let mut rows = some_rows(&mut numbers);
            let mut expected = Digest::default();
            rows.iter().for_each(|row| expected.add(xxh3_128(row)));
            for longest in [1, 7, 300, 100_000] {
                let blocks = cut(&rows, longest, &mut numbers);
                assert_eq!(digest(Format::Text, &blocks), expected, "round {round}, blocks up to {longest}");
                for i in (1..rows.len()).rev() {
                    rows.swap(i, numbers.below(i + 1));
                }
            }
            // The same rows in two parts.
            let (some, rest) = rows.split_at(numbers.below(rows.len() + 1));
            let mut both = digest(Format::Text, &cut(some, 50, &mut numbers));
            both.merge(&digest(Format::Text, &cut(rest, 50, &mut numbers)));
            assert_eq!(both, expected);
        }
    }

    #[test]
    fn equal_rows_count_and_changes_show() {
        let of = |rows: &[&[u8]]| {
            let rows: Vec<Vec<u8>> = rows.iter().map(|row| row.to_vec()).collect();
            digest(Format::Text, &cut(&rows, 10, &mut Numbers(1)))
        };
        let once = of(&[b"a\n"]);
        assert_ne!(of(&[b"a\n", b"a\n"]), of(&[]));
        assert_ne!(of(&[b"a\n", b"a\n"]), once);
        assert_ne!(of(&[b"a\n", b"a\n"]), of(&[b"b\n", b"b\n"]));
        assert_ne!(of(&[b"ab\n", b"c\n"]), of(&[b"a\n", b"bc\n"]));
        assert_eq!(of(&[]).to_string(), "0".repeat(32));
        assert_eq!(once.to_string().len(), 32);
    }

    #[test]
    fn header_and_trailer_of_binary_form_are_no_rows() {
        let mut numbers = Numbers(7);
        let header: Vec<u8> = [&b"PGCOPY\n\xff\r\n\0"[..], &[0; 8]].concat();
        assert_eq!(header.len(), HEAD.len());
        for rows in [vec![], vec![vec![0, 0]], vec![vec![0, 1, 255, 255, 255, 255]; 3]] {
            let mut expected = Digest::default();
            rows.iter().for_each(|row: &Vec<u8>| expected.add(xxh3_128(row)));
            let mut frames = [rows.clone(), vec![TAIL.to_vec()]].concat();
            frames[0] = [header.clone(), frames[0].clone()].concat();
            for longest in [1, 5, 1000] {
                assert_eq!(digest(Format::Binary, &cut(&frames, longest, &mut numbers)), expected);
            }
        }
    }
}
