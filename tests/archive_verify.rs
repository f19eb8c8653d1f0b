//! `pgtandem verify --archive`: whatever happens to an archive is found, and named.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use pgtandem::archive::manifest::Manifest;
use pgtandem::archive::read::FileArchive;
use pgtandem::archive::verify::{Report, Watch, verify};
use pgtandem::error::Result;
use pgtandem::event::Tally;
use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Program, Ran, fill};

/// A large table, and rows longer than a frame usually is.
const LARGE: &str = "
    CREATE TABLE public.verify_large AS SELECT n, md5(n::text) AS text FROM generate_series(1, 60000) n;
    CREATE TABLE public.verify_wide AS
        SELECT n, (SELECT string_agg(md5((n * m)::text), '') FROM generate_series(1, 150000) m) AS text
        FROM generate_series(1, 1) n;
";

/// A small generator of numbers (xorshift64*), the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % limit
    }
}

fn filled(database: &str) -> &'static Server {
    let server = shared(18).unwrap();
    fill(server, database, "roundtrip");
    server.psql(database, LARGE).unwrap();
    server
}

/// `pgtandem dump`.
fn dumped(server: &Server, database: &str, folder: &Folder, more: &[&str]) -> PathBuf {
    let file = folder.path().join(format!("{}.pgdump", more.concat().replace(':', "-")));
    let archive = ["dump", "--from", &server.url(database), "--archive", file.to_str().unwrap()];
    Program::new().args(archive).args(more).succeed();
    file
}

fn verified(file: &Path, more: &[&str]) -> Ran {
    Program::new().args(["verify", "--archive", file.to_str().unwrap(), "--progress", "none"]).args(more).run()
}

fn look(file: &Path) -> Result<Report> {
    let tally = Tally::default();
    verify(&FileArchive::open(file)?, NonZeroUsize::new(2).unwrap(), Watch { tally: &tally, stop: &|| false })
}

/// The name of what the block holds in which this byte lies.
fn name_of(file: &FileArchive, manifest: &Manifest, at: u64) -> Option<String> {
    let block = manifest.blocks.iter().find(|block| (block.offset..block.offset + block.length).contains(&at))?;
    let record = file.records().iter().find(|record| record.id == i64::from(block.id)).unwrap();
    Some(String::from_utf8_lossy(&record.tag).into_owned())
}

/// Flips bits and cuts the end off; all of it has to be found, in the right table.
fn damage(whole: &Path, folder: &Folder, flips: usize, cuts: usize) {
    let opened = FileArchive::open(whole).unwrap();
    let manifest = opened.manifest().unwrap().unwrap();
    let bytes = fs::read(whole).unwrap();
    let (mut numbers, file) = (Numbers(0x5eed), folder.path().join("damaged"));
    let mut in_blocks = 0;
    for n in 0..flips {
        // Half of them anywhere, the others not in the largest tables alone.
        let at = match manifest.blocks.get(numbers.below(manifest.blocks.len())) {
            Some(block) if n % 2 == 0 => block.offset as usize + numbers.below(block.length as usize),
            _ => numbers.below(bytes.len()),
        };
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << numbers.below(8);
        fs::write(&file, flipped).unwrap();
        let looked = look(&file);
        if let Some(name) = name_of(&opened, &manifest, at as u64) {
            let faults = looked.unwrap().faults;
            in_blocks += 1;
            assert!(
                faults.iter().any(|fault| fault.subject.ends_with(&name) && fault.bytes.contains(&(at as u64))),
                "flipped at {at} in {name}: {faults:?}"
            );
        } else {
            assert!(looked.map_or(true, |report| !report.is_whole()), "flipped at {at}");
        }
    }
    assert!(in_blocks > flips / 2, "only {in_blocks} flips were in blocks");
    for _ in 0..cuts {
        let at = numbers.below(bytes.len());
        fs::write(&file, &bytes[..at]).unwrap();
        assert!(look(&file).map_or(true, |report| !report.is_whole()), "cut at {at} of {}", bytes.len());
    }
}

#[test]
fn two_hundred_flips_and_fifty_cuts_are_found() {
    let (server, folder) = (filled("archive_verify"), Folder::new("archive-verify"));
    let file = dumped(server, "archive_verify", &folder, &[]);
    verified(&file, &[]).expect(0).tells(&["is whole", "every byte", "rows"]);
    damage(&file, &folder, 200, 50);
}

#[test]
fn each_codec_and_one_that_was_piped() {
    let (server, folder) = (filled("archive_verify_codecs"), Folder::new("archive-verify-codecs"));
    for codec in [
        &["--compress", "none"][..],
        &["--compat", "14"],
        &["--compress", "lz4"],
        &["--compress", "zstd:1"],
        &["--format", "binary", "--compat", "14"],
        &["--format", "binary", "--compress", "zstd:1"],
    ] {
        let file = dumped(server, "archive_verify_codecs", &folder, codec);
        let json = verified(&file, &["--json", "-j", "3"]).expect(0).stdout;
        let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
        assert_eq!((&last["event"], &last["whole"]), (&"verified".into(), &true.into()), "{json}");
        assert!(last["rows"].as_u64() > Some(60_000) && last["large_objects"].as_u64() > Some(0), "{json}");
        damage(&file, &folder, 30, 5);
    }
    let piped = folder.path().join("piped");
    let mut dump = std::process::Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    dump.args(["dump", "--from", &server.url("archive_verify_codecs"), "--archive", "-", "--progress", "none"]);
    assert!(dump.stdout(fs::File::create(&piped).unwrap()).status().unwrap().success());
    verified(&piped, &[]).expect(0).tells(&["is whole", "every byte"]);
    damage(&piped, &folder, 20, 5);
}

#[test]
fn what_is_damaged_is_named() {
    let (server, folder) = (filled("archive_verify_named"), Folder::new("archive-verify-named"));
    let file = dumped(server, "archive_verify_named", &folder, &[]);
    let opened = FileArchive::open(&file).unwrap();
    let record = opened.records().iter().find(|r| r.tag == b"verify_large" && r.has_block).unwrap();
    let manifest = opened.manifest().unwrap().unwrap();
    let block = manifest.block(record.id).unwrap().clone();
    let mut bytes = fs::read(&file).unwrap();
    bytes[block.offset as usize + 100] ^= 8;
    fs::write(&file, bytes).unwrap();
    let frames =
        format!("TABLE DATA public.verify_large, frame 1 of {}, bytes {} to ", block.frames.len(), block.offset + 6);
    verified(&file, &[]).expect(1).tells(&["is not whole", &frames, "not as it was written", "hint: "]);
    let json = verified(&file, &["--json"]).expect(1);
    let lines: Vec<serde_json::Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = lines.iter().find(|line| line["event"] == "verified").unwrap();
    assert_eq!(
        (&told["whole"], &told["faults"][0]["subject"]),
        (&false.into(), &"TABLE DATA public.verify_large".into())
    );
    assert_eq!(lines.last().unwrap()["event"], "error");
    // The sizes in a list are those of the manifest.
    let list = Program::new().args(["list", file.to_str().unwrap()]).succeed().stdout;
    assert!(list.contains(";\trows 60000, size "), "{list}");
    Program::new().args(["verify", "--archive", "-"]).run().expect(2).tells(&["standard input"]);
}

#[test]
fn stock_archives_are_whole_as_far_as_they_tell() {
    let (server, folder) = (filled("archive_verify_stock"), Folder::new("archive-verify-stock"));
    for (codec, words) in
        [("none", "have no checksums"), ("gzip:1", "Adler-32"), ("lz4", "no checksums"), ("zstd:1", "no checksums")]
    {
        let file = folder.path().join(codec.replace(':', "-"));
        crate::archive_list::dump(server, "archive_verify_stock", &file, &["-Z", codec]);
        verified(&file, &[]).expect(0).tells(&["can be read to its end", "there is no manifest", words]);
        let bytes = fs::read(&file).unwrap();
        let mut numbers = Numbers(7);
        for _ in 0..10 {
            let at = numbers.below(bytes.len());
            fs::write(&file, &bytes[..at]).unwrap();
            assert!(look(&file).map_or(true, |report| !report.is_whole()), "{codec} cut at {at}");
        }
        fs::write(&file, &bytes[..bytes.len() - 40]).unwrap();
        verified(&file, &[]).expect(1).tells(&["is not whole", "ends within"]);
    }
}

/// Where its standard output is a file, pg_dump leaves a second table of contents after the last block.
#[test]
fn a_stock_archive_that_was_redirected_is_whole() {
    let (server, folder) = (shared(18).unwrap(), Folder::new("archive-verify-redirected"));
    server.create_database("archive_verify_redirected").unwrap();
    server.psql("archive_verify_redirected", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS a").unwrap();
    let file = folder.path().join("a.dump");
    let mut pg_dump = server.client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", "archive_verify_redirected"]).stdout(fs::File::create(&file).unwrap());
    assert!(pg_dump.status().unwrap().success());
    verified(&file, &[]).expect(0).tells(&["1,000 rows"]);
}
