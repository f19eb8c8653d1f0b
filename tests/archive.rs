//! The format of archives, held against those of the stock tools.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::process::Stdio;

use pgtandem::archive::header::{Compression, Header, Version};
use pgtandem::archive::primitive::{Offset, Sizes, Source};
use pgtandem::archive::{block, toc};
use pgtandem_lab::{Server, shared};

use crate::support::{Folder, fill};

/// A database with everything, dumped by `pg_dump -Fc`, into a file or through a pipe.
fn dumped(old: &Server, to: &Path, options: &[&str], through_a_pipe: bool) {
    let mut pg_dump = old.client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", "archive_format"]).args(options);
    if through_a_pipe {
        let mut running = pg_dump.stdout(Stdio::piped()).spawn().unwrap();
        std::io::copy(&mut running.stdout.take().unwrap(), &mut File::create(to).unwrap()).unwrap();
        assert!(running.wait().unwrap().success());
    } else {
        assert!(pg_dump.arg("-f").arg(to).status().unwrap().success());
    }
}

/// What an archive is made of: header, records, and where each block begins.
fn taken_apart(file: &Path) -> (Header, Vec<toc::Record>, Vec<(i64, u64)>) {
    let mut source = Source::new(BufReader::new(File::open(file).unwrap()), 0, Sizes::USUAL);
    let header = Header::read(&mut source).unwrap();
    let records = toc::read(&mut source, header.version).unwrap();
    let mut blocks = Vec::new();
    loop {
        let at = source.position();
        let Some(begun) = block::start(&mut source).unwrap() else { break };
        block::skip(&mut source, begun.content).unwrap();
        blocks.push((begun.id, at));
    }
    assert_eq!(source.position(), file.metadata().unwrap().len(), "all of the file was read");
    (header, records, blocks)
}

#[test]
fn stock_archives_are_read_and_written_alike() {
    let old = shared(18).unwrap();
    fill(old, "archive_format", "roundtrip");
    let folder = Folder::new("archive-format");
    let codecs = [
        ("none", Compression::None),
        ("gzip:1", Compression::Gzip),
        ("lz4", Compression::Lz4),
        ("zstd:1", Compression::Zstd),
    ];
    for (number, (codec, compression)) in codecs.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.dump"));
        let piped = number % 2 == 1;
        dumped(old, &file, &["-Z", codec], piped);
        let (header, records, blocks) = taken_apart(&file);
        assert_eq!((header.version, header.compression, header.sizes), (Version(16), compression, Sizes::USUAL));
        assert_eq!(header.database, b"archive_format");

        // What is written of it is what was there.
        let mut bytes = Vec::new();
        header.write(&mut bytes).unwrap();
        toc::write(&records, header.version, &mut bytes).unwrap();
        let mut there = vec![0; bytes.len()];
        File::open(&file).unwrap().read_exact(&mut there).unwrap();
        let differing = there.iter().zip(&bytes).position(|(there, here)| there != here);
        assert_eq!(differing, None, "{codec}: where header and table of contents come out otherwise");

        // Blocks are where the records say.
        let with_blocks: Vec<&toc::Record> = records.iter().filter(|record| record.has_block).collect();
        assert!(with_blocks.len() > 10, "{codec}: there are only {} blocks", with_blocks.len());
        let told: BTreeSet<(i64, u64)> = with_blocks
            .iter()
            .filter_map(|record| match record.offset {
                Offset::At(at) => Some((record.id, at)),
                _ => None,
            })
            .collect();
        if piped {
            assert!(told.is_empty(), "{codec}: a pipe cannot go back");
            assert_eq!(blocks.len(), with_blocks.len());
        } else {
            assert_eq!(told, blocks.into_iter().collect(), "{codec}");
        }
    }
}
