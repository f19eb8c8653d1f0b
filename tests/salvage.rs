//! What is whole of archives that are not: it is restored, and what is lost is told.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pgtandem::archive::read::{Block, FileArchive};
use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Program, Ran, databases, prepare_server};

const ROWS: u64 = 100_000;

/// A table that takes several frames, another that refers to it, a third one, and large objects.
const TABLES: &str = "
    CREATE TABLE a_large (i int, x text); INSERT INTO a_large SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 100000) i;
    ALTER TABLE a_large ADD PRIMARY KEY (i);
    CREATE TABLE b_refers (i int REFERENCES a_large); INSERT INTO b_refers SELECT generate_series(1, 100000);
    CREATE TABLE c_small (a int PRIMARY KEY); INSERT INTO c_small SELECT generate_series(1, 9);
    SELECT lo_from_bytea(77777, decode(repeat('ab', 300000), 'hex')); SELECT lo_from_bytea(77778, 'abc')";

fn source() -> &'static Server {
    static FILLED: OnceLock<()> = OnceLock::new();
    let old = shared(18).unwrap();
    FILLED.get_or_init(|| {
        prepare_server(old);
        old.create_database("salvaged_from").unwrap();
        old.psql("salvaged_from", TABLES).unwrap();
    });
    old
}

fn ours(folder: &Folder, codec: &str) -> PathBuf {
    let archive = folder.path().join("ours.dump");
    let to = ["--archive", archive.to_str().unwrap(), "--compress", codec, "--overwrite"];
    Program::new().args(["dump", "--from", &source().url("salvaged_from")]).args(to).succeed();
    archive
}

fn of_pg_dump(folder: &Folder) -> PathBuf {
    let archive = folder.path().join("stock.dump");
    let mut pg_dump = source().client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", "salvaged_from", "-f"]).arg(&archive);
    assert!(pg_dump.status().unwrap().success());
    archive
}

fn restore(archive: &Path, new: &Server, options: &[&str]) -> Ran {
    let to = new.url("salvaged");
    Program::new().args(["restore", "--archive", archive.to_str().unwrap(), "--to", &to]).args(options).run()
}

/// The bytes of the archive from where the block of a table begins to where it ends.
fn block_of(archive: &Path, tag: &str) -> std::ops::Range<usize> {
    let archive = FileArchive::open(archive).unwrap();
    let record = archive.records().iter().find(|record| record.has_block && record.tag == tag.as_bytes()).unwrap();
    let mut block: Block<'_> = archive.block(record).unwrap().unwrap();
    while block.next_piece().unwrap().is_some() {}
    usize::try_from(block.begins_at()).unwrap()..usize::try_from(block.position()).unwrap()
}

fn damage(archive: &Path, at: usize) {
    let mut bytes = fs::read(archive).unwrap();
    bytes[at] ^= 0x10;
    fs::write(archive, bytes).unwrap();
}

fn count(new: &Server, table: &str) -> u64 {
    new.psql("salvaged", &format!("SELECT count(*) FROM {table}")).unwrap().trim().parse().unwrap()
}

/// What is there of the large table is what was there.
fn insist_on_true_rows(new: &Server) {
    let wrong = "SELECT count(*) FROM a_large WHERE i NOT BETWEEN 1 AND 100000 OR x <> md5(i::text) || md5((-i)::text)";
    assert_eq!(new.psql("salvaged", wrong).unwrap().trim(), "0");
}

#[test]
fn frames_that_are_whole() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let folder = Folder::new("salvage-ours");
    for codec in ["none", "gzip:1", "lz4", "zstd:1"] {
        let archive = ours(&folder, codec);
        let block = block_of(&archive, "a_large");
        damage(&archive, block.start + block.len() / 2);
        restore(&archive, &new, &[]).expect(1).tells(&["frame ", "Nothing was left"]);
        assert_eq!(databases(&new, "salvaged"), [""; 0]);

        let ran = restore(&archive, &new, &["--salvage"]).expect(5);
        ran.tells(&["NOT WHOLE", "public.a_large, bytes ", "b_refers_i_fkey: it could not be made"]);
        let told = ran.told();
        let lost = told.split(" rows lost").next().unwrap().rsplit(", ").next().unwrap();
        let (lost, there): (u64, u64) = (lost.parse().unwrap(), count(&new, "a_large"));
        assert!(lost > 0 && there > ROWS / 2, "{there} rows; {told}");
        assert_eq!(there + lost, ROWS, "{told}");
        insist_on_true_rows(&new);
        assert_eq!((count(&new, "b_refers"), count(&new, "c_small")), (ROWS, 9));
        assert_eq!(databases(&new, "salvaged"), ["salvaged"], "nothing else is left");
        new.psql("postgres", "DROP DATABASE salvaged").unwrap();
    }
}

#[test]
fn archives_that_are_cut() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let folder = Folder::new("salvage-cut");
    for archive in [ours(&folder, "zstd:1"), of_pg_dump(&folder)] {
        let block = block_of(&archive, "a_large");
        File::options().write(true).open(&archive).unwrap().set_len((block.start + block.len() / 2) as u64).unwrap();
        restore(&archive, &new, &[]).expect(1);
        assert_eq!(databases(&new, "salvaged"), [""; 0]);
        let ran = restore(&archive, &new, &["--salvage"]).expect(5);
        ran.tells(&["NOT WHOLE", "public.a_large"]);
        let there = count(&new, "a_large");
        assert!(there > 0 && there < ROWS, "{there} rows; {}", ran.told());
        insist_on_true_rows(&new);
        new.psql("postgres", "DROP DATABASE salvaged").unwrap();
        let ran = restore(&archive, &new, &["--salvage", "--log-format", "json"]).expect(5);
        ran.tells(&["\"event\":\"restored\"", "\"losses\":[{", "\"kind\":\"differs\""]);
        new.psql("postgres", "DROP DATABASE salvaged").unwrap();
    }
}

#[test]
fn rows_before_the_damage() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let folder = Folder::new("salvage-stock");
    let whole = fs::read(of_pg_dump(&folder)).unwrap();
    for part in 1..8 {
        let archive = of_pg_dump(&folder);
        let block = block_of(&archive, "a_large");
        fs::write(&archive, &whole).unwrap();
        damage(&archive, block.start + block.len() * part / 8);
        let ran = restore(&archive, &new, &["--salvage"]).expect(5);
        ran.tells(&["NOT WHOLE", "public.a_large"]);
        assert_eq!((count(&new, "b_refers"), count(&new, "c_small")), (ROWS, 9));
        new.psql("postgres", "DROP DATABASE salvaged").unwrap();
    }
}

#[test]
fn large_objects_that_are_whole() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let folder = Folder::new("salvage-objects");
    let archive = ours(&folder, "zstd:1");
    let (mut at, found) = (0, FileArchive::open(&archive).unwrap());
    for record in found.records().iter().filter(|record| record.desc == b"BLOBS") {
        at = usize::try_from(found.find(record).unwrap().unwrap()).unwrap();
    }
    // After the beginning of the block, the OID, and the length of a chunk: within the first object.
    damage(&archive, at + 6 + 5 + 5 + 12);
    let ran = restore(&archive, &new, &["--salvage"]).expect(5);
    ran.tells(&["NOT WHOLE", "large object 77777 is lost"]);
    let objects = "SELECT length(lo_get(77777)), convert_from(lo_get(77778), 'UTF8')";
    assert_eq!(new.psql("salvaged", objects).unwrap().trim(), "0|abc");
    assert_eq!((count(&new, "a_large"), count(&new, "c_small")), (ROWS, 9));
}

#[test]
fn what_is_whole_needs_no_salvage() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let folder = Folder::new("salvage-whole");
    for archive in [ours(&folder, "zstd:1"), of_pg_dump(&folder)] {
        restore(Path::new("-"), &new, &["--salvage"]).expect(2).tells(&["standard input", "into a file"]);
        restore(&archive, &new, &["--salvage"]).expect(0).tells(&["a digest over every row"]);
        assert_eq!((count(&new, "a_large"), count(&new, "b_refers")), (ROWS, ROWS));
        insist_on_true_rows(&new);
        new.psql("postgres", "DROP DATABASE salvaged").unwrap();
    }
}
