//! The bytes of archives that are written here, by a reader of its own: nothing of pgtandem reads them. Stock tools would pass
//! over some of what is held against the format here, such as a second frame in a chunk, whose rows they lose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::process::Command;

use pgtandem_lab::shared;

use crate::dump::dump;
use crate::support::{Folder, fill};

/// The number of blocks that stand for nothing that is restored.
const FILLER: i64 = i32::MAX as i64;

/// The primitive types of the format, with numbers and offsets of the usual sizes.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = self.bytes.get(self.at..self.at + length);
        self.at += length;
        taken.unwrap_or_else(|| panic!("it ends {} bytes too early", self.at - self.bytes.len()))
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn int(&mut self) -> i64 {
        let sign = if self.byte() == 0 { 1 } else { -1 };
        sign * i64::from(u32::from_le_bytes(self.take(4).try_into().unwrap()))
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int()).ok()?;
        Some(self.take(length))
    }

    /// The chunks up to the number 0 behind them.
    fn chunks(&mut self) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        loop {
            match self.int() {
                0 => return chunks,
                length => chunks.push(self.take(usize::try_from(length).expect("a chunk of less than nothing"))),
            }
        }
    }
}

/// A record of the table of contents, as far as it leads to a block.
struct Entry {
    id: i64,
    has_block: bool,
    desc: Vec<u8>,
    needs: Vec<i64>,
    state: u8,
    at: u64,
}

fn entry(from: &mut Reader<'_>, minor: u8) -> Entry {
    let (id, has_block) = (from.int(), from.int() != 0);
    // The catalog, the object and the tag, of which none may be missing.
    (0..3).for_each(|_| assert!(from.text().is_some(), "entry {id} lacks a text that stock tools rely on"));
    let desc = from.text().unwrap().to_vec();
    let section = from.int();
    assert!((1..=4).contains(&section), "entry {id} is in section {section}");
    // The definition, what removes it, COPY, the schema, the tablespace, and since 1.14 the access method.
    (0..if minor >= 14 { 6 } else { 5 }).for_each(|_| {
        from.text();
    });
    from.text();
    assert_eq!(from.text(), Some(&b"false"[..]), "entry {id} has OIDs");
    let number = |text: &[u8]| std::str::from_utf8(text).unwrap().parse().unwrap();
    let needs = std::iter::from_fn(|| from.text()).map(number).collect();
    let state = from.byte();
    Entry { id, has_block, desc, needs, state, at: u64::from_le_bytes(from.take(8).try_into().unwrap()) }
}

/// Insists that a chunk is one zstd frame, all of it, with a checksum and the size of its content (RFC 8878, 3.1.1).
fn assert_one_frame(chunk: &[u8], what: &str) {
    let mut frame = Reader { bytes: chunk, at: 0 };
    assert_eq!(frame.take(4), [0x28, 0xb5, 0x2f, 0xfd], "{what} is no frame");
    let flags = frame.byte();
    let (size, single, checksum, dictionary) = (flags >> 6, flags & 0x20 != 0, flags & 4 != 0, flags & 3);
    assert!(checksum && (size > 0 || single), "{what} lacks its checksum or size");
    assert_eq!(dictionary, 0, "{what} needs a dictionary");
    if !single {
        let exponent = 10 + (frame.byte() >> 3);
        assert!(exponent <= 27, "{what} needs a window that stock tools refuse");
    }
    frame.take(1 << size);
    loop {
        let header = frame.take(3);
        let header = u32::from_le_bytes([header[0], header[1], header[2], 0]);
        // A run of one byte is but that byte.
        frame.take(if header >> 1 & 3 == 1 { 1 } else { header as usize >> 3 });
        if header & 1 != 0 {
            break;
        }
    }
    frame.take(4);
    assert_eq!(frame.at, chunk.len(), "{what}: something follows the frame, which stock tools lose");
}

/// Takes an archive apart, down to the frames.
fn assert_well_formed(bytes: &[u8], what: &str, seekable: bool) {
    let mut from = Reader { bytes, at: 0 };
    assert_eq!(from.take(5), b"PGDMP");
    let (major, minor, _) = (from.byte(), from.byte(), from.byte());
    assert_eq!((major, from.take(3)), (1, &[4, 8, 1][..]), "{what}");
    let zstd = if minor >= 15 { from.byte() == 3 } else { from.int() == i64::MAX };
    from.take(7 * 5);
    (0..3).for_each(|_| assert!(from.text().is_some()));
    let entries: Vec<Entry> = (0..from.int()).map(|_| entry(&mut from, minor)).collect();
    let ids: BTreeSet<i64> = entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, (1..=entries.len() as i64).collect(), "{what}: numbers are there once, and without gaps");
    assert!(entries.iter().flat_map(|entry| &entry.needs).all(|need| ids.contains(need)), "{what}: needs what is not");

    let mut blocks: BTreeMap<i64, u64> = BTreeMap::new();
    let mut order = Vec::new();
    while from.at < bytes.len() {
        let at = from.at as u64;
        let (kind, id) = (from.byte(), from.int());
        let mut chunks = 0;
        match kind {
            1 => {
                for chunk in from.chunks() {
                    chunks += 1;
                    if zstd && id != FILLER {
                        assert_one_frame(chunk, &format!("{what}: chunk {chunks} of block {id}"));
                    }
                }
            }
            3 => {
                while from.int() != 0 {
                    for chunk in from.chunks() {
                        chunks += 1;
                        if zstd {
                            assert_one_frame(chunk, &format!("{what}: chunk {chunks} of the objects in block {id}"));
                        }
                    }
                }
            }
            other => panic!("{what}: a block of the kind {other} at {at}"),
        }
        if id != FILLER {
            assert!(blocks.insert(id, at).is_none(), "{what}: block {id} comes twice");
            order.push(id);
        }
    }
    let with_blocks: Vec<&Entry> = entries.iter().filter(|entry| entry.has_block).collect();
    assert!(
        with_blocks.len() > 40 && with_blocks.iter().any(|entry| entry.desc == b"BLOBS"),
        "{what} has lost its rows"
    );
    assert_eq!(
        with_blocks.iter().map(|entry| entry.id).collect::<Vec<_>>(),
        order,
        "{what}: blocks are in another order"
    );
    for entry in with_blocks {
        match seekable {
            true => {
                assert_eq!((entry.state, Some(&entry.at)), (2, blocks.get(&entry.id)), "{what}: entry {}", entry.id)
            }
            false => assert_eq!(entry.state, 1, "{what}: entry {}", entry.id),
        }
    }
}

#[test]
fn every_byte_is_where_it_belongs() {
    let (server, folder) = (shared(18).unwrap(), Folder::new("archive-layout"));
    fill(server, "archive_layout", "roundtrip");
    let large = "CREATE TABLE public.layout_large AS SELECT n, md5(n::text) AS text FROM generate_series(1, 60000) n;
        CREATE TABLE public.layout_wide AS SELECT repeat('long', 2000000) AS text FROM generate_series(1, 2)";
    server.psql("archive_layout", large).unwrap();
    let forms: [&[&str]; 6] = [
        &[],
        &["--compress", "none"],
        &["--compress", "gzip"],
        &["--compress", "lz4"],
        &["--compress", "zstd:19"],
        &["--compat", "14"],
    ];
    for (number, form) in forms.into_iter().enumerate() {
        let archive = folder.path().join(number.to_string());
        dump(server, "archive_layout", &archive, &[&["-j", "4"], form].concat());
        assert_well_formed(&fs::read(&archive).unwrap(), &format!("{form:?}"), true);
    }
    let streamed = folder.path().join("streamed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    command.args(["dump", "--from", &server.url("archive_layout"), "--archive", "-", "-q", "-j", "4"]);
    assert!(command.stdout(File::create(&streamed).unwrap()).status().unwrap().success());
    assert_well_formed(&fs::read(&streamed).unwrap(), "to standard output", false);
}

#[test]
fn frames_that_stock_tools_would_lose_are_found() {
    let frame = |content: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x24, 1, 9, 0, 0, content][..], &[0; 4]].concat();
    assert_one_frame(&frame(b'a'), "one");
    let whole = frame(b'a');
    let wrong = [
        [frame(b'a'), frame(b'b')].concat(),
        whole[..whole.len() - 1].to_vec(),
        [&whole[..4], &[0x20], &whole[5..]].concat(),
        [b"\x50\x2a\x4d\x18", &whole[4..]].concat(),
    ];
    for (number, chunk) in wrong.into_iter().enumerate() {
        assert!(std::panic::catch_unwind(|| assert_one_frame(&chunk, "wrong")).is_err(), "number {number}");
    }
}
