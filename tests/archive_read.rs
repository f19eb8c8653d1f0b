//! Archives of the stock tools, read: what comes out is what `pg_restore` gets out of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use pgtandem::archive::block::{self, Content};
use pgtandem::archive::codec::{Codec, Encoder, Envelope, PIECE};
use pgtandem::archive::header::Header;
use pgtandem::archive::primitive::Offset;
use pgtandem::archive::read::{Block, FileArchive, StreamArchive};
use pgtandem::archive::toc::{self, Record};
use pgtandem::error::Result;
use pgtandem_lab::{Server, shared};

use crate::support::Folder;
use crate::support::fill;

const CODECS: [&str; 5] = ["none", "gzip:6", "lz4", "zstd:3", "zstd:long"];

/// What is small, empty, and larger than any piece or chunk.
const SIZES: &str = "
    CREATE TABLE public.size_none (a int, b text);
    CREATE TABLE public.size_large (a int, b text);
    INSERT INTO public.size_large SELECT n, repeat(md5(n::text), n % 50) FROM generate_series(1, 3000) n;
    CREATE TABLE public.size_wide (a text);
    INSERT INTO public.size_wide SELECT string_agg(md5(n::text), '') FROM generate_series(1, 60000) n;
    SELECT lo_from_bytea(50001, '');
    SELECT lo_from_bytea(50002, '\\x00ff');
    SELECT lo_from_bytea(50003, (SELECT string_agg(sha256(n::text::bytea), '') FROM generate_series(1, 40000) n));
    SELECT lo_from_bytea(3000000000, 'abc');
";

fn filled(server: &Server, database: &str) {
    fill(server, database, "roundtrip");
    server.psql(database, SIZES).unwrap();
}

/// Makes an archive, in a file or through a pipe.
fn dumped(server: &Server, database: &str, to: &Path, options: &[&str], through_a_pipe: bool) {
    let mut pg_dump = server.client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", database]).args(options);
    if through_a_pipe {
        let mut running = pg_dump.stdout(Stdio::piped()).spawn().unwrap();
        std::io::copy(&mut running.stdout.take().unwrap(), &mut File::create(to).unwrap()).unwrap();
        assert!(running.wait().unwrap().success());
    } else {
        assert!(pg_dump.arg("-f").arg(to).status().unwrap().success());
    }
}

fn output(command: &mut Command) -> Vec<u8> {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

fn pieces(block: &mut Block<'_>) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(piece) = block.next_piece()? {
        assert!(!piece.is_empty() && piece.len() <= PIECE);
        all.extend_from_slice(&piece);
    }
    Ok(all)
}

/// What an archive holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Held {
    /// The rows or statements by the numbers of their records.
    rows: BTreeMap<i64, Vec<u8>>,
    /// The large objects by OID.
    objects: BTreeMap<u32, Vec<u8>>,
}

impl Held {
    fn take(&mut self, mut block: Block<'_>) -> Result<()> {
        match block.start().content {
            Content::Rows => {
                let rows = pieces(&mut block)?;
                self.rows.insert(block.start().id, rows);
            }
            Content::LargeObjects => {
                while let Some(oid) = block.next_object()? {
                    let object = pieces(&mut block)?;
                    assert!(self.objects.insert(oid, object).is_none(), "the large object {oid} comes twice");
                }
            }
        }
        Ok(())
    }

    fn of_file<'a>(file: &FileArchive, records: impl Iterator<Item = &'a Record>) -> Result<Self> {
        let mut held = Self::default();
        for record in records {
            if let Some(block) = file.block(record)? {
                held.take(block)?;
            }
        }
        Ok(held)
    }

    fn of_stream(path: &Path) -> Result<Self> {
        let mut archive = StreamArchive::new(File::open(path).unwrap())?;
        let mut held = Self::default();
        while let Some(block) = archive.next_block()? {
            held.take(block)?;
        }
        Ok(held)
    }

    /// The rows are those of the script that `pg_restore` makes, in the same order, and the script has no others.
    fn assert_as_in_script(&self, file: &FileArchive, script: &[u8]) {
        let mut rest = script;
        for record in file.records().iter().filter(|record| record.desc == b"TABLE DATA") {
            let mut text = record.copy.clone().unwrap_or_default();
            text.extend(&self.rows[&record.id]);
            let tag = String::from_utf8_lossy(&record.tag);
            let at = find(rest, &text).unwrap_or_else(|| panic!("the script does not have the rows of {tag}"));
            let between = &rest[..at];
            assert_eq!(find(between, b"\nCOPY "), None, "before {tag}");
            rest = &rest[at + text.len()..];
        }
        assert_eq!(find(rest, b"\nCOPY "), None);
    }

    fn assert_objects_of(&self, server: &Server, database: &str) {
        let sql = "SELECT oid, md5(lo_get(oid)), length(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid";
        let there = server.psql(database, sql).unwrap();
        assert!(there.lines().count() >= 4, "{there}");
        let mut here = String::new();
        for (oid, object) in &self.objects {
            let sql = format!("SELECT md5('\\x{}'::bytea)", hex(object));
            let md5 = server.psql(database, &sql).unwrap();
            here.push_str(&format!("{oid}|{}|{}\n", md5.trim(), object.len()));
        }
        assert_eq!(here, there);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let (first, rest) = what.split_first()?;
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if text[from..].starts_with(rest) {
            return Some(from - 1);
        }
    }
    None
}

#[test]
fn stock_archives_hold_what_pg_restore_finds_in_them() {
    let old = shared(18).unwrap();
    filled(old, "archive_read");
    let folder = Folder::new("read");
    let mut all: Vec<(String, Held)> = Vec::new();
    for codec in CODECS {
        for piped in [false, true] {
            let name = format!("{codec}{}", if piped { " through a pipe" } else { "" });
            let path = folder.path().join("archive");
            dumped(old, "archive_read", &path, &["-Z", codec], piped);
            let file = FileArchive::open(&path).unwrap();
            let told = file.records().iter().any(|record| matches!(record.offset, Offset::At(_)));
            assert_eq!(told, !piped);
            let held = Held::of_file(&file, file.records().iter()).unwrap();
            let with_blocks =
                file.records().iter().filter(|record| record.has_block && record.desc != b"BLOBS").count();
            assert!(with_blocks > 30 && held.rows.len() == with_blocks, "{name}: {with_blocks}");
            assert!(Held::of_stream(&path).unwrap() == held, "{name}: the stream has something else");
            let script = output(old.client("pg_restore").unwrap().args(["-a", "-f", "-"]).arg(&path));
            held.assert_as_in_script(&file, &script);
            if all.is_empty() {
                held.assert_objects_of(old, "archive_read");
            }
            all.push((name, held));
        }
    }
    for (name, held) in &all[1..] {
        assert!(*held == all[0].1, "{name}: other content than {}", all[0].0);
    }
}

/// Writes rows or a large object, in many frames that were made in another order.
fn encoded(content: &[u8], codec: Codec, to: &mut Vec<u8>) {
    let mut encoder = Encoder::new(codec).unwrap();
    let pieces: Vec<&[u8]> = content.chunks(100_000).collect();
    let mut frames: Vec<_> = pieces.iter().rev().map(|piece| encoder.frame(piece).unwrap()).collect();
    frames.reverse();
    let mut envelope = Envelope::new(codec);
    block::put_chunk(&mut *to, envelope.head()).unwrap();
    for frame in &frames {
        envelope.add(frame);
        block::put_chunk(&mut *to, &frame.bytes).unwrap();
    }
    block::put_chunk(&mut *to, &envelope.tail()).unwrap();
    block::put_end(&mut *to).unwrap();
}

/// The same archive in another codec.
fn recoded(file: &FileArchive, codec: Codec) -> Vec<u8> {
    let mut bytes = Vec::new();
    Header { compression: codec.compression(), ..file.header().clone() }.write(&mut bytes).unwrap();
    let mut records = file.records().to_vec();
    for record in records.iter_mut().filter(|record| record.has_block) {
        record.offset = Offset::Unknown;
    }
    toc::write(&records, file.header().version, &mut bytes).unwrap();
    for record in file.records() {
        let Some(mut block) = file.block(record).unwrap() else { continue };
        let content = block.start().content;
        block::put_start(&mut bytes, content, record.id).unwrap();
        if content == Content::Rows {
            encoded(&pieces(&mut block).unwrap(), codec, &mut bytes);
        } else {
            while let Some(oid) = block.next_object().unwrap() {
                block::put_large_object(&mut bytes, oid).unwrap();
                encoded(&pieces(&mut block).unwrap(), codec, &mut bytes);
            }
            block::put_end(&mut bytes).unwrap();
        }
    }
    bytes
}

/// What `pg_restore` makes of an archive, without the words that are other ones each time.
fn script(server: &Server, path: &Path) -> Vec<u8> {
    let script = output(server.client("pg_restore").unwrap().args(["-f", "-"]).arg(path));
    let random = |line: &&[u8]| line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict ");
    script.split_inclusive(|byte| *byte == b'\n').filter(|line| !random(line)).flatten().copied().collect()
}

#[test]
fn pg_restore_reads_what_is_compressed_here() {
    let old = shared(18).unwrap();
    filled(old, "archive_read_recoded");
    let folder = Folder::new("recoded");
    let path = folder.path().join("archive");
    dumped(old, "archive_read_recoded", &path, &["-Z", "zstd:1"], false);
    let file = FileArchive::open(&path).unwrap();
    let expected = script(old, &path);
    for codec in [Codec::None, Codec::Gzip(1), Codec::Gzip(9), Codec::Lz4, Codec::Zstd(3), Codec::Zstd(19)] {
        let path = folder.path().join("recoded");
        std::fs::write(&path, recoded(&file, codec)).unwrap();
        assert!(script(old, &path) == expected, "{codec}: the script is another one");
    }
}

#[test]
fn statements_instead_of_rows() {
    let old = shared(18).unwrap();
    filled(old, "archive_read_inserts");
    let folder = Folder::new("inserts");
    for (codec, options) in [("gzip", "--inserts"), ("lz4", "--column-inserts"), ("zstd", "--rows-per-insert=7")] {
        let path = folder.path().join("archive");
        dumped(old, "archive_read_inserts", &path, &["-Z", codec, options], false);
        let file = FileArchive::open(&path).unwrap();
        assert!(file.records().iter().all(|record| record.copy.is_none()));
        let held = Held::of_file(&file, file.records().iter()).unwrap();
        assert!(held.rows.values().any(|text| find(text, b"INSERT INTO public.size_large").is_some()));
        assert!(Held::of_stream(&path).unwrap() == held, "{codec}: the stream has something else");
        let script = output(old.client("pg_restore").unwrap().args(["-a", "-f", "-"]).arg(&path));
        held.assert_as_in_script(&file, &script);
    }
}

#[test]
fn several_threads_read_one_file_in_any_order() {
    let old = shared(18).unwrap();
    filled(old, "archive_read_threads");
    let folder = Folder::new("threads");
    for piped in [false, true] {
        let path = folder.path().join("archive");
        dumped(old, "archive_read_threads", &path, &["-Z", "zstd"], piped);
        let file = Arc::new(FileArchive::open(&path).unwrap());
        let expected = Held::of_stream(&path).unwrap();
        let lanes: Vec<_> = (0..4)
            .map(|lane| {
                let file = Arc::clone(&file);
                std::thread::spawn(move || {
                    let mut order: Vec<usize> = (0..file.records().len()).collect();
                    // Each thread has an order of its own: forwards, backwards, and by remainders.
                    match lane {
                        0 => {}
                        1 => order.reverse(),
                        _ => order.sort_by_key(|at| (at * 7919 * lane) % 31),
                    }
                    Held::of_file(&file, order.iter().map(|at| &file.records()[*at])).unwrap()
                })
            })
            .collect();
        for lane in lanes {
            assert!(lane.join().unwrap() == expected);
        }
    }
}

#[test]
fn a_cut_archive_is_an_error_wherever_it_is_cut() {
    let old = shared(18).unwrap();
    fill(old, "archive_read_cut", "roundtrip");
    old.psql("archive_read_cut", "SELECT lo_from_bytea(n, n::text::bytea) FROM generate_series(50001, 50020) n")
        .unwrap();
    let folder = Folder::new("cut");
    for (codec, piped) in [("none", true), ("gzip:1", false), ("lz4", true), ("zstd:1", false)] {
        let path = folder.path().join("archive");
        dumped(old, "archive_read_cut", &path, &["-Z", codec], piped);
        let whole = std::fs::read(&path).unwrap();
        let places = (0..30).map(|n| whole.len() * n / 30).chain([whole.len() - 1, whole.len() - 5, whole.len() - 6]);
        for cut in places {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let done = FileArchive::open(&path).and_then(|file| Held::of_file(&file, file.records().iter()));
            let error = done.map(drop).expect_err(&format!("{codec}: cut at {cut} of {}", whole.len()));
            assert!(error.hint().is_some(), "{codec}: cut at {cut}: {error}");
            let error = Held::of_stream(&path).map(drop).expect_err(&format!("{codec}: cut at {cut}"));
            assert!(error.hint().is_some(), "{codec}: cut at {cut}: {error}");
        }
    }
}

#[test]
fn archives_of_other_kinds_are_named() {
    let old = shared(18).unwrap();
    old.create_database("archive_read_kinds").unwrap();
    old.psql("archive_read_kinds", "CREATE TABLE a (b int)").unwrap();
    let folder = Folder::new("kinds");
    for (format, name) in [("-Fd", "a directory archive"), ("-Ft", "a tar archive"), ("-Fp", "looks like a script")] {
        let path = folder.path().join(format);
        let mut pg_dump = old.client("pg_dump").unwrap();
        output(pg_dump.args([format, "-d", "archive_read_kinds", "-f"]).arg(&path));
        let error = FileArchive::open(&path).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.hint().is_some());
    }
    let error = FileArchive::open(folder.path().join("-Fd/toc.dat")).unwrap_err();
    assert!(error.to_string().contains("directory archive"), "{error}");
}
