use std::io::{self, Cursor};
use std::sync::{Arc, Mutex};

use super::super::codec::{Codec, Encoder, Envelope};
use super::super::header::{Date, Version};
use super::super::primitive::Sizes;
use super::super::read::{FileArchive, StreamArchive};
use super::out::BUFFER_BYTES;
use super::*;
use crate::error::ErrorKind;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgtandem-write-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, overwrite: bool) -> Place {
        Place::File { path: self.0.join("a.pgdump"), overwrite }
    }

    fn names(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A stream that can be looked at.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn draft(ids: &[i64]) -> Draft {
    let header = Header {
        version: Version::NAMED_COMPRESSION,
        sizes: Sizes::USUAL,
        compression: Codec::None.compression(),
        date: Date::default(),
        database: b"d".to_vec(),
        server: b"18.1".to_vec(),
        writer: b"w".to_vec(),
    };
    let data = ids.iter().map(|id| Record { has_block: true, ..Record::new(*id, "TABLE DATA", &format!("t{id}")) });
    let manifest = Record::new(1000, manifest::DESC, "");
    Draft::new(header, data.chain([manifest]).collect())
}

/// Gives a block a piece of so many bytes.
fn give(data: &mut Data, id: i64, byte: u8, bytes: usize) {
    let mut encoder = Encoder::new(Codec::None).unwrap();
    let frame = encoder.frame(&vec![byte; bytes]).unwrap();
    let about = Frame { content: u32::try_from(bytes).unwrap(), rows: 1, ..Frame::default() };
    data.frame(id, &frame.bytes, about).unwrap();
}

fn open(data: &mut Data, id: i64) {
    data.open(id, Content::Rows).unwrap();
    let head = Envelope::new(Codec::None).head().to_vec();
    data.frame(id, &head, Frame { around: true, ..Frame::default() }).unwrap();
}

/// The bytes of a block: how many of which.
fn runs(block: &mut super::super::read::Block<'_>) -> Vec<(u8, usize)> {
    let mut runs: Vec<(u8, usize)> = Vec::new();
    while let Some(piece) = block.next_piece().unwrap() {
        for byte in piece {
            match runs.last_mut() {
                Some((last, count)) if *last == byte => *count += 1,
                _ => runs.push((byte, 1)),
            }
        }
    }
    runs
}

fn read(folder: &Folder) -> Vec<(i64, Vec<(u8, usize)>)> {
    let archive = FileArchive::open(folder.0.join("a.pgdump")).unwrap();
    let records = archive.records().iter().filter(|record| record.has_block);
    records.map(|record| (record.id, runs(&mut archive.block(record).unwrap().unwrap()))).collect()
}

#[test]
fn blocks_that_are_given_by_turns_lie_in_one_piece() {
    let folder = Folder::new("turns");
    let mut data = draft(&[1, 2, 3]).begin(folder.file(false)).unwrap();
    [3, 1, 2].into_iter().for_each(|id| open(&mut data, id));
    // The third waits in a file of its own when it has too much for memory; nobody but the process can see that.
    for _ in 0..3 {
        give(&mut data, 1, b'a', 100);
        give(&mut data, 2, b'b', SPOOL_BYTES / 2 + 1);
        give(&mut data, 3, b'c', 7);
    }
    assert_eq!(folder.names(), ["a.pgdump.part"]);
    [2, 1, 3].into_iter().for_each(|id| data.close(id, 3, None).unwrap());
    let written = data.finish(Manifest::default()).unwrap();
    assert_eq!(folder.names(), ["a.pgdump"]);
    assert_eq!(written.bytes, std::fs::metadata(folder.0.join("a.pgdump")).unwrap().len());
    let order: Vec<u32> = written.blocks.iter().map(|block| block.id).collect();
    // The records of data stand in the order of their blocks.
    let expected = [(1, vec![(b'a', 300)]), (2, vec![(b'b', 3 * (SPOOL_BYTES / 2 + 1))]), (3, vec![(b'c', 21)])];
    let found = read(&folder);
    assert_eq!(found.iter().map(|(id, _)| u32::try_from(*id).unwrap()).collect::<Vec<_>>(), order);
    assert_eq!(order[0], 3, "the first one owns the tail until it is whole");
    for one in &expected {
        assert!(found.contains(one), "{one:?} in {found:?}");
    }
}

#[test]
fn what_was_abandoned_can_be_given_again() {
    let folder = Folder::new("abandoned");
    let mut data = draft(&[1, 2]).begin(folder.file(false)).unwrap();
    open(&mut data, 1);
    give(&mut data, 1, b'x', BUFFER_BYTES + 1);
    open(&mut data, 2);
    give(&mut data, 2, b'y', 10);
    // The first one owns the tail, and what waits has it next; then the other way round.
    data.abandon(1).unwrap();
    open(&mut data, 1);
    give(&mut data, 1, b'a', 5);
    data.abandon(2).unwrap();
    open(&mut data, 2);
    give(&mut data, 2, b'b', 6);
    data.close(2, 1, None).unwrap();
    data.close(1, 1, None).unwrap();
    data.finish(Manifest::default()).unwrap();
    assert_eq!(read(&folder), [(1, vec![(b'a', 5)]), (2, vec![(b'b', 6)])]);
}

#[test]
fn a_stream_has_the_order_of_its_records() {
    let stream = Shared::default();
    let mut data = draft(&[1, 2, 3]).begin(Place::Stream(Box::new(stream.clone()))).unwrap();
    for id in [3, 2, 1] {
        open(&mut data, id);
        give(&mut data, id, b'0' + u8::try_from(id).unwrap(), 4);
        data.close(id, 1, None).unwrap();
    }
    assert!(data.abandon(7).is_ok(), "nobody has opened it");
    data.finish(Manifest::default()).unwrap();
    let bytes = stream.0.lock().unwrap().clone();
    let mut archive = StreamArchive::new(Cursor::new(bytes)).unwrap();
    for id in [1, 2, 3] {
        let mut block = archive.next_block().unwrap().unwrap();
        assert_eq!(runs(&mut block), [(b'0' + id, 4)]);
    }
}

#[test]
fn nothing_is_left_of_what_is_not_whole() {
    let folder = Folder::new("dropped");
    let mut data = draft(&[1, 2]).begin(folder.file(false)).unwrap();
    open(&mut data, 1);
    let second = draft(&[1]).begin(folder.file(false)).err().unwrap();
    assert_eq!(second.kind(), ErrorKind::Refused, "{second}");
    data.close(1, 0, None).unwrap();
    let missing = data.finish(Manifest::default()).err().unwrap();
    assert!(missing.to_string().contains("t2"), "{missing}");
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    std::fs::write(folder.0.join("a.pgdump"), "precious").unwrap();
    assert_eq!(draft(&[]).begin(folder.file(false)).err().unwrap().kind(), ErrorKind::Refused);
    draft(&[]).begin(folder.file(true)).unwrap().finish(Manifest::default()).unwrap();
    assert!(read(&folder).is_empty());
}
