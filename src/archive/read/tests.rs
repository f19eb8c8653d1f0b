use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::block::{self, Content, FILLER};
use super::super::codec::{Codec, Encoder, Envelope, PIECE};
use super::super::header::{Compression, Date, Header, Version};
use super::super::primitive::{Offset, Sizes};
use super::super::toc::{self, Record};
use super::*;

const CODECS: [Codec; 4] = [Codec::None, Codec::Gzip(6), Codec::Lz4, Codec::Zstd(3)];

/// A file that goes with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(bytes: &[u8]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("pgtandem-read-{}-{number}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An archive with a block for each id, large objects for those that are even; in the order that `blocks` says.
struct Draft {
    codec: Codec,
    ids: Vec<i64>,
    blocks: Vec<Part>,
    told: bool,
}

#[derive(Clone, Copy)]
enum Part {
    Block(i64),
    Filler,
    Raw,
}

fn is_large_objects(id: i64) -> bool {
    id % 2 == 0
}

fn content(id: i64, object: u32) -> Vec<u8> {
    let length = usize::try_from(id).unwrap() * 60_000 + object as usize;
    (0..length).map(|at| (at as i64 * id + (at as i64 >> 7)) as u8).collect()
}

fn objects(id: i64) -> Vec<u32> {
    (1..=id as u32).map(|object| object * 1000).collect()
}

impl Draft {
    fn new(codec: Codec, ids: &[i64]) -> Self {
        Self { codec, ids: ids.to_vec(), blocks: ids.iter().copied().map(Part::Block).collect(), told: true }
    }

    fn stream(&self, content: &[u8], to: &mut Vec<u8>) {
        let (mut encoder, mut envelope) = (Encoder::new(self.codec).unwrap(), Envelope::new(self.codec));
        block::put_chunk(&mut *to, envelope.head()).unwrap();
        for piece in content.chunks(30_000) {
            let frame = encoder.frame(piece).unwrap();
            envelope.add(&frame);
            block::put_chunk(&mut *to, &frame.bytes).unwrap();
        }
        block::put_chunk(&mut *to, &envelope.tail()).unwrap();
        block::put_end(&mut *to).unwrap();
    }

    fn block(&self, id: i64, to: &mut Vec<u8>) {
        if is_large_objects(id) {
            block::put_start(&mut *to, Content::LargeObjects, id).unwrap();
            for object in objects(id) {
                block::put_large_object(&mut *to, object).unwrap();
                self.stream(&content(id, object), to);
            }
            block::put_end(&mut *to).unwrap();
        } else {
            block::put_start(&mut *to, Content::Rows, id).unwrap();
            self.stream(&content(id, 0), to);
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut records: Vec<Record> = self.ids.iter().map(|id| record(*id, Offset::Unknown)).collect();
        records.push(Record { has_block: false, ..record(99, Offset::NoData) });
        let head = |records: &[Record]| {
            let mut bytes = Vec::new();
            header(self.codec.compression()).write(&mut bytes).unwrap();
            toc::write(records, Version(16), &mut bytes).unwrap();
            bytes
        };
        let begin = head(&records).len();
        let mut blocks = Vec::new();
        for part in &self.blocks {
            let at = (begin + blocks.len()) as u64;
            match part {
                Part::Block(id) => {
                    if let Some(record) = records.iter_mut().find(|record| record.id == *id && self.told) {
                        record.offset = Offset::At(at);
                    }
                    self.block(*id, &mut blocks);
                }
                Part::Filler => {
                    block::put_start(&mut blocks, Content::Rows, FILLER).unwrap();
                    block::put_chunk(&mut blocks, &[7; 100_000]).unwrap();
                    block::put_end(&mut blocks).unwrap();
                }
                Part::Raw => blocks.extend([0; 50]),
            }
        }
        let mut bytes = head(&records);
        bytes.extend(blocks);
        bytes
    }
}

fn header(compression: Compression) -> Header {
    Header {
        version: Version(16),
        sizes: Sizes::USUAL,
        compression,
        date: Date::default(),
        database: b"shop".to_vec(),
        server: b"18.4".to_vec(),
        writer: b"18.4".to_vec(),
    }
}

fn record(id: i64, offset: Offset) -> Record {
    let desc = if is_large_objects(id) { "BLOBS" } else { "TABLE DATA" };
    Record {
        has_block: true,
        section: 3,
        namespace: Some(b"app".to_vec()),
        offset,
        ..Record::new(id, desc, &format!("t{id}"))
    }
}

fn pieces(block: &mut Block<'_>) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = block.next_piece()? {
        assert!(!piece.is_empty() && piece.len() <= PIECE);
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// Reads a block to its end, and holds its content against what was written.
fn check(mut block: Block<'_>) -> Result<()> {
    let id = block.start().id;
    if block.start().content == Content::Rows {
        assert_eq!(block.next_object()?, None);
        assert!(pieces(&mut block)? == content(id, 0), "{id}");
    } else {
        let mut met = Vec::new();
        while let Some(object) = block.next_object()? {
            met.push(object);
            // Some are passed over, whole or in part.
            match object / 1000 % 3 {
                0 => {}
                1 => assert!(block.next_piece()?.is_some()),
                _ => assert!(pieces(&mut block)? == content(id, object), "{id} {object}"),
            }
        }
        assert_eq!(met, objects(id));
    }
    assert_eq!(block.next_piece()?, None);
    Ok(())
}

fn read_file(file: &FileArchive, ids: &[i64]) -> Result<()> {
    for id in ids {
        let record = file.records().iter().find(|record| record.id == *id).unwrap();
        check(file.block(record)?.unwrap())?;
    }
    Ok(())
}

fn read_stream(bytes: &[u8]) -> Result<Vec<i64>> {
    let mut archive = StreamArchive::new(Cursor::new(bytes.to_vec()))?;
    let mut met = Vec::new();
    while let Some(block) = archive.next_block()? {
        met.push(block.start().id);
        check(block)?;
    }
    Ok(met)
}

#[test]
fn blocks_in_any_order_told_or_not() {
    for codec in CODECS {
        for told in [true, false] {
            let mut draft = Draft::new(codec, &[1, 2, 3, 4, 5]);
            draft.told = told;
            draft.blocks = [Part::Filler, Part::Block(4), Part::Block(1), Part::Filler, Part::Filler, Part::Block(5)]
                .into_iter()
                .chain([Part::Block(3), Part::Block(2), Part::Filler])
                .collect();
            let bytes = draft.bytes();
            let temporary = Temporary::new(&bytes);
            let file = Arc::new(FileArchive::open(&temporary.0).unwrap());
            std::thread::scope(|scope| {
                for ids in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 3, 1, 5, 3]] {
                    let file = Arc::clone(&file);
                    scope.spawn(move || read_file(&file, &ids).unwrap());
                }
            });
            let without = file.records().last().unwrap();
            assert!(file.block(without).unwrap().is_none());
            assert_eq!(read_stream(&bytes).unwrap(), [4, 1, 5, 3, 2]);
        }
    }
}

#[test]
fn what_is_not_read_is_passed_over() {
    let mut draft = Draft::new(Codec::Zstd(3), &[1, 2, 3, 4]);
    draft.blocks.insert(1, Part::Filler);
    let bytes = draft.bytes();
    let mut archive = StreamArchive::new(Cursor::new(bytes)).unwrap();
    let mut met = Vec::new();
    while let Some(mut block) = archive.next_block_of_any().unwrap() {
        met.push(block.start().id);
        match block.start().id {
            FILLER => assert!(pieces(&mut block).unwrap() == [7; 100_000]),
            1 | 3 => {
                block.next_piece().unwrap();
            }
            4 => {
                block.next_object().unwrap();
                block.next_piece().unwrap();
            }
            _ => {}
        }
    }
    assert_eq!(met, [1, FILLER, 2, 3, 4]);
}

#[test]
fn bytes_that_are_no_block() {
    // As stock pg_restore does it: where offsets are told nobody looks, else it is an error once it is met.
    let mut draft = Draft::new(Codec::Lz4, &[1, 2, 3]);
    draft.blocks.insert(1, Part::Raw);
    draft.blocks.push(Part::Raw);
    for told in [true, false] {
        draft.told = told;
        let bytes = draft.bytes();
        let temporary = Temporary::new(&bytes);
        let done = read_file(&FileArchive::open(&temporary.0).unwrap(), &[3, 2, 1]);
        assert_eq!(done.is_ok(), told);
        let error = read_stream(&bytes).unwrap_err();
        assert!(error.to_string().contains("no block of type 0"), "{error}");
    }
}

#[test]
fn a_block_that_is_missing_comes_twice_or_stands_elsewhere() {
    let told = |error: Error| format!("{error} {}", error.hint().unwrap_or_default());
    let mut draft = Draft::new(Codec::Gzip(1), &[1, 3]);
    draft.told = false;
    draft.blocks.pop();
    let temporary = Temporary::new(&draft.bytes());
    let error = told(read_file(&FileArchive::open(&temporary.0).unwrap(), &[3]).unwrap_err());
    assert!(error.contains("no data for entry 3") && error.contains("TABLE DATA app.t3"), "{error}");
    let error = told(read_stream(&draft.bytes()).unwrap_err());
    assert!(error.contains("no data for entry 3"), "{error}");

    draft.blocks = vec![Part::Block(1), Part::Block(1), Part::Block(3)];
    let temporary = Temporary::new(&draft.bytes());
    let error = told(read_file(&FileArchive::open(&temporary.0).unwrap(), &[3]).unwrap_err());
    assert!(error.contains("second block for entry 1"), "{error}");
    assert!(told(read_stream(&draft.bytes()).unwrap_err()).contains("second block for entry 1"));

    draft = Draft::new(Codec::None, &[1, 2, 3]);
    let temporary = Temporary::new(&draft.bytes());
    let file = FileArchive::open(&temporary.0).unwrap();
    let [one, two, three, ..] = file.records() else { panic!() };
    let elsewhere = |offset| file.block(&Record { offset, ..one.clone() }).unwrap_err().to_string();
    assert!(elsewhere(two.offset).contains("that of 2 begins"), "{}", elsewhere(two.offset));
    for at in [0, file.blocks_from() - 1, file.length(), u64::MAX] {
        assert!(elsewhere(Offset::At(at)).contains("cannot be"), "{}", elsewhere(Offset::At(at)));
    }
    assert!(elsewhere(Offset::NoData).contains("no data for entry 1"));
    let other = Record { desc: b"BLOBS".to_vec(), ..three.clone() };
    assert!(file.block(&other).unwrap_err().to_string().contains("another type"));
}

#[test]
fn cuts_are_found() {
    for codec in CODECS {
        for is_told in [true, false] {
            let mut draft = Draft::new(codec, &[1, 2, 3]);
            draft.told = is_told;
            let bytes = draft.bytes();
            for cut in (0..bytes.len()).step_by(bytes.len() / 15).chain(bytes.len() - 9..bytes.len()) {
                let temporary = Temporary::new(&bytes[..cut]);
                let done = FileArchive::open(&temporary.0).and_then(|file| read_file(&file, &[1, 2, 3]));
                assert!(done.is_err(), "{codec} cut at {cut} of {}", bytes.len());
                assert!(read_stream(&bytes[..cut]).is_err(), "{codec} cut at {cut} of {}", bytes.len());
            }
        }
    }
}

/// Reads whatever is there; how many bytes came out.
fn drain(mut block: Block<'_>) -> Result<usize> {
    let mut length = pieces(&mut block)?.len();
    while block.next_object()?.is_some() {
        length += pieces(&mut block)?.len();
    }
    Ok(length)
}

#[test]
fn flips_are_errors_or_nothing_but_no_panic() {
    for codec in CODECS {
        let mut draft = Draft::new(codec, &[1, 2]);
        for told in [true, false] {
            draft.told = told;
            let whole = draft.bytes();
            // All of the head, and some of the rest.
            for at in (0..500).chain((500..whole.len()).step_by(whole.len() / 50)) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                let temporary = Temporary::new(&bytes);
                if let Ok(file) = FileArchive::open(&temporary.0) {
                    for record in file.records() {
                        let _ = file.block(record).and_then(|block| block.map(drain).transpose());
                    }
                }
                if let Ok(mut archive) = StreamArchive::new(Cursor::new(bytes)) {
                    while let Ok(Some(block)) = archive.next_block_of_any() {
                        let _ = drain(block);
                    }
                }
            }
        }
    }
}

#[test]
fn damage_is_found_where_it_is_and_the_rest_is_read() {
    let draft = Draft::new(Codec::Zstd(3), &[1, 3]);
    let mut bytes = draft.bytes();
    let temporary = Temporary::new(&bytes);
    let file = FileArchive::open(&temporary.0).unwrap();
    let at = file.find(&file.records()[0]).unwrap().unwrap();
    bytes[at as usize + 30] ^= 0x10;
    let temporary = Temporary::new(&bytes);
    let file = FileArchive::open(&temporary.0).unwrap();
    let mut block = file.block(&file.records()[0]).unwrap().unwrap();
    let error = pieces(&mut block).unwrap_err().to_string();
    assert!(error.contains(&format!("TABLE DATA app.t1, whose block begins at byte {at}")), "{error}");
    assert!(block.next_piece().is_err(), "nothing comes after damage");
    read_file(&file, &[3]).unwrap();

    let mut stream = StreamArchive::new(Cursor::new(bytes)).unwrap();
    let mut block = stream.next_block().unwrap().unwrap();
    assert!(pieces(&mut block).is_err());
    check(stream.next_block().unwrap().unwrap()).unwrap();
    assert!(stream.next_block().unwrap().is_none());
}

#[test]
fn bytes_at_a_place() {
    let temporary = Temporary::new(&Draft::new(Codec::None, &[1]).bytes());
    let file = FileArchive::open(&temporary.0).unwrap();
    assert_eq!(file.bytes(0, 5).unwrap(), b"PGDMP");
    assert_eq!(file.bytes(file.length(), 0).unwrap(), b"");
    assert!(file.bytes(file.length() - 1, 2).is_err());
    assert!(file.bytes(u64::MAX, 2).is_err());
    assert!(file.bytes(0, u64::MAX).is_err());
}

#[test]
fn what_cannot_be_opened_is_told() {
    let told = |path: &std::path::Path| {
        let error = FileArchive::open(path).unwrap_err();
        format!("{error} {}", error.hint().unwrap_or_default())
    };
    let folder = std::env::temp_dir().join(format!("pgtandem-read-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    assert!(told(&folder).contains("this is a directory:"), "{}", told(&folder));
    std::fs::write(folder.join("toc.dat"), "PGDMP").unwrap();
    assert!(told(&folder).contains("pg_dump -Fc"), "{}", told(&folder));
    let gone = folder.join("gone");
    assert!(told(&gone).contains("gone: No such file"), "{}", told(&gone));
    let script = Temporary::new(b"-- a script");
    assert!(told(&script.0).contains("psql"));
    std::fs::remove_dir_all(&folder).unwrap();
}
