use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::*;
use crate::archive::block::{self, Content};
use crate::archive::codec::{Codec, Encoder, Envelope};
use crate::archive::header::{Date, Header, Version};
use crate::archive::manifest::{self, Frame, Manifest};
use crate::archive::primitive::{Offset, Sizes};
use crate::archive::toc::Record;
use crate::archive::write::{Data, Draft, Place, Written};

const CODECS: [Codec; 4] = [Codec::None, Codec::Gzip(6), Codec::Lz4, Codec::Zstd(3)];
const AROUND: Frame = Frame { stored: 0, content: 0, rows: 0, within_row: false, around: true, hash: 0 };
/// Rows in pieces: the second piece ends within a row.
const PIECES: [(&str, u32, bool); 4] =
    [("1\tone\n2\ttwo\n", 2, false), ("3\tthr", 0, false), ("ee\n4\tfour\n", 2, true), ("5\tfive\n", 1, false)];

/// A file that goes with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("pgtandem-verify-{}-{number}", std::process::id())))
    }

    fn with(bytes: &[u8]) -> Self {
        let new = Self::new();
        std::fs::write(&new.0, bytes).unwrap();
        new
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn record(id: i64, desc: &str, tag: &str) -> Record {
    let is_data = desc != manifest::DESC;
    Record {
        has_block: is_data,
        copy: (desc == "TABLE DATA").then(|| b"COPY t FROM stdin;\n".to_vec()),
        ..bare(id, desc, tag)
    }
}

fn bare(id: i64, desc: &str, tag: &str) -> Record {
    Record { section: 3, namespace: Some(b"app".to_vec()), offset: Offset::Unknown, ..Record::new(id, desc, tag) }
}

/// What the writer is told of a table, which need not be so.
#[derive(Clone, Copy)]
struct Told {
    rows: u64,
    digest: u128,
    rows_of_first: u32,
    end: &'static str,
}

fn truth() -> Told {
    let all: String = PIECES.iter().map(|(piece, ..)| *piece).collect();
    let hashes = all.split_inclusive('\n').map(|row| xxh3_128(row.as_bytes()));
    Told { rows: 5, digest: hashes.fold(0, u128::wrapping_add), rows_of_first: 2, end: "\\.\n\n\n" }
}

fn table(data: &mut Data, id: i64, codec: Codec, told: Told) {
    let (mut encoder, mut envelope) = (Encoder::new(codec).unwrap(), Envelope::new(codec));
    data.open(id, Content::Rows).unwrap();
    data.frame(id, envelope.head(), AROUND).unwrap();
    for (n, (piece, rows, within_row)) in PIECES.into_iter().enumerate() {
        let frame = encoder.frame(piece.as_bytes()).unwrap();
        envelope.add(&frame);
        let rows = if n == 0 { told.rows_of_first } else { rows };
        let content = piece.len() as u32;
        data.frame(id, &frame.bytes, Frame { content, rows, within_row, ..Frame::default() }).unwrap();
    }
    let end = encoder.frame(told.end.as_bytes()).unwrap();
    envelope.add(&end);
    data.frame(id, &end.bytes, Frame { content: told.end.len() as u32, ..AROUND }).unwrap();
    data.frame(id, &envelope.tail(), AROUND).unwrap();
    data.close(id, told.rows, Some(told.digest)).unwrap();
}

fn objects(data: &mut Data, id: i64, codec: Codec) {
    data.open(id, Content::LargeObjects).unwrap();
    let (mut out, mut sum) = (Vec::new(), 0u128);
    for (oid, content) in [(501u32, "abc"), (502, ""), (3_000_000_000, "defdefdef")] {
        let (mut encoder, mut envelope) = (Encoder::new(codec).unwrap(), Envelope::new(codec));
        block::put_large_object(&mut out, oid).unwrap();
        block::put_chunk(&mut out, envelope.head()).unwrap();
        if !content.is_empty() {
            let frame = encoder.frame(content.as_bytes()).unwrap();
            envelope.add(&frame);
            block::put_chunk(&mut out, &frame.bytes).unwrap();
        }
        block::put_chunk(&mut out, &envelope.tail()).unwrap();
        block::put_end(&mut out).unwrap();
        let mut hash = Xxh3::new();
        hash.update(&oid.to_be_bytes());
        hash.update(content.as_bytes());
        sum = sum.wrapping_add(hash.digest128());
    }
    data.large_objects(id, &out).unwrap();
    data.close(id, 3, Some(sum)).unwrap();
}

/// Two tables and large objects.
fn archive(codec: Codec, told: Told) -> (Temporary, Written) {
    let header = Header {
        version: Version::NAMED_COMPRESSION,
        sizes: Sizes::USUAL,
        compression: codec.compression(),
        date: Date::default(),
        database: b"shop".to_vec(),
        server: b"18.4".to_vec(),
        writer: b"x".to_vec(),
    };
    let records = vec![
        record(1, "TABLE DATA", "one"),
        record(2, "BLOBS", "BLOBS"),
        record(3, "TABLE DATA", "two"),
        record(4, manifest::DESC, ""),
    ];
    let file = Temporary::new();
    let mut data = Draft::new(header, records).begin(Place::File { path: file.0.clone(), overwrite: false }).unwrap();
    table(&mut data, 1, codec, told);
    objects(&mut data, 2, codec);
    table(&mut data, 3, codec, truth());
    let written = data.finish(Manifest { writer: "us".into(), ..Manifest::default() }).unwrap();
    (file, written)
}

fn look(path: &Path) -> Result<Report> {
    let archive = FileArchive::open(path)?;
    let (tally, jobs) = (Tally::default(), NonZeroUsize::new(2).unwrap());
    let report = verify(&archive, jobs, Watch { tally: &tally, stop: &|| false })?;
    if report.is_whole() {
        assert_eq!(tally.bytes(), archive.length(), "all bytes were looked at, each once");
    }
    Ok(report)
}

fn told(report: &Report) -> String {
    report.faults.iter().map(|fault| format!("{fault}\n")).collect()
}

#[test]
fn what_is_whole_is_whole() {
    for codec in CODECS {
        let (file, written) = archive(codec, truth());
        let report = look(&file.0).unwrap();
        assert!(report.is_whole(), "{codec}: {}", told(&report));
        assert_eq!((report.blocks, report.rows, report.large_objects), (3, 10, 3));
        assert_eq!(report.writer.as_deref(), Some("us"));
        assert_eq!(report.frames, written.blocks.iter().map(|block| block.frames.len() as u64).sum::<u64>());
    }
}

#[test]
fn every_bit_that_is_another_one_is_found_where_it_is() {
    for codec in CODECS {
        let (file, written) = archive(codec, truth());
        let whole = std::fs::read(&file.0).unwrap();
        let names = ["one", "BLOBS", "two"];
        // The codecs differ in frames alone.
        let step = if codec == Codec::Zstd(3) { 1 } else { 3 };
        for at in (0..whole.len()).step_by(step) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            let file = Temporary::with(&bytes);
            // With a table of contents that is no more one there is nothing to look at.
            let Ok(report) = look(&file.0) else {
                assert!((at as u64) < written.blocks[0].offset, "{codec}: flipped at {at}");
                continue;
            };
            assert!(!report.is_whole(), "{codec}: flipped at {at}");
            let at = at as u64;
            let hit = written.blocks.iter().position(|b| (b.offset..b.offset + b.length).contains(&at));
            if let Some(hit) = hit {
                assert_eq!(report.faults.len(), 1, "{codec}: flipped at {at}: {}", told(&report));
                let fault = &report.faults[0];
                assert!(fault.subject.ends_with(names[hit]), "{codec}: flipped at {at}: {fault}");
                assert!(fault.bytes.contains(&at) && !fault.differs, "{codec}: flipped at {at}: {fault}");
            }
        }
    }
}

#[test]
fn cuts_and_what_was_put_in_or_on_are_found() {
    let (file, _) = archive(Codec::Zstd(3), truth());
    let whole = std::fs::read(&file.0).unwrap();
    for at in (0..whole.len()).step_by(2) {
        let cut = Temporary::with(&whole[..at]);
        assert!(look(&cut.0).map_or(true, |report| !report.is_whole()), "cut at {at}");
        if at % 7 == 0 {
            let longer = Temporary::with(&[&whole[..at], b"\0", &whole[at..]].concat());
            assert!(look(&longer.0).map_or(true, |report| !report.is_whole()), "a byte more at {at}");
        }
    }
    let longer = Temporary::with(&[&whole, &b"\0"[..]].concat());
    assert!(told(&look(&longer.0).unwrap()).contains("should end with a manifest"));
}

#[test]
fn a_manifest_that_does_not_speak_of_what_is_there() {
    let truth = truth();
    for codec in CODECS {
        for (wrong, words) in [
            (Told { rows: 6, ..truth }, "holds 5 rows instead of 6"),
            (Told { digest: 7, ..truth }, "digest is another one"),
            (Told { rows_of_first: 1, ..truth }, "2 rows end in it, and 1 by the manifest"),
            (Told { end: "\\.\n\n", ..truth }, "the line that ends the rows"),
        ] {
            let (file, _) = archive(codec, wrong);
            let report = look(&file.0).unwrap();
            assert!(report.faults.iter().all(|fault| fault.differs && fault.subject == "TABLE DATA app.one"));
            assert!(told(&report).contains(words), "{codec}: {}", told(&report));
        }
    }
}

#[test]
fn without_a_manifest_it_is_said_what_cannot_be_told() {
    for codec in CODECS {
        let (file, written) = archive(codec, truth());
        let bytes = std::fs::read(&file.0).unwrap();
        let last = written.blocks.last().unwrap();
        // As somebody else would write it: without manifest, and without the record that speaks of one.
        let mut bytes = bytes[..(last.offset + last.length) as usize].to_vec();
        let at = bytes.windows(manifest::DESC.len()).position(|w| w == manifest::DESC.as_bytes()).unwrap();
        bytes[at] = b'X';
        let report = look(&Temporary::with(&bytes).0).unwrap();
        assert!(report.is_whole(), "{codec}: {}", told(&report));
        assert_eq!((report.rows, report.large_objects, report.unproved.len()), (10, 3, 3));
        // Whoever goes by the table of contents would pass over a block of which it says that there is none.
        let offset = [&[2][..], &last.offset.to_le_bytes()].concat();
        let at = bytes.windows(offset.len()).position(|w| w == offset).unwrap();
        bytes[at] = 3;
        let report = look(&Temporary::with(&bytes).0).unwrap();
        assert!(told(&report).contains("there is no block"), "{codec}: {}", told(&report));
        bytes[at] = 2;
        bytes.pop();
        let report = look(&Temporary::with(&bytes).0).unwrap();
        assert!(told(&report).contains("ends within"), "{codec}: {}", told(&report));
    }
}

#[test]
fn whoever_asks_is_heard() {
    let (file, _) = archive(Codec::Lz4, truth());
    let archive = FileArchive::open(&file.0).unwrap();
    let watch = Watch { tally: &Tally::default(), stop: &|| true };
    let error = verify(&archive, NonZeroUsize::MIN, watch).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
