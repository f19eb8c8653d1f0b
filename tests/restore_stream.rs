//! Archives that come through standard input, restored by us in one pass.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgtandem::archive::header::Header;
use pgtandem::archive::primitive::{Sizes, Source};
use pgtandem::archive::read::StreamArchive;
use pgtandem::archive::toc;
use pgtandem_lab::{Server, shared};

use crate::support::{
    Folder, Oracle, Program, Ran, assert_same, databases, fill, fill_shop, install_extension, prepare_server,
};

/// `pgtandem restore --archive -` to there.
fn restore(to: &str) -> Program {
    Program::new().args(["restore", "--archive", "-", "--to", to])
}

/// The same with what one program writes, through a pipe.
fn piped(mut from: Command, to: Program) -> Ran {
    let mut writer = from.stdout(Stdio::piped()).spawn().unwrap();
    let ran = to.stdin(writer.stdout.take().unwrap()).run();
    writer.wait().unwrap();
    ran
}

fn pg_dump(server: &Server, database: &str, options: &[&str]) -> Command {
    let mut pg_dump = server.client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", database]).args(options);
    pg_dump
}

fn pgtandem_dump(from: &str, options: &[&str]) -> Command {
    let mut dump = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    dump.args(["dump", "--from", from, "--archive", "-", "--quiet"]).args(options);
    dump
}

/// A database of SQL, and an archive of it, by whom it is to be.
fn archived(name: &str, sql: &str, ours: bool) -> (Folder, PathBuf) {
    let (old, folder) = (shared(18).unwrap(), Folder::new(name));
    prepare_server(old);
    old.create_database(name).unwrap();
    old.psql(name, sql).unwrap();
    let archive = folder.path().join("a.dump");
    let mut dump = if ours { pgtandem_dump(&old.url(name), &[]) } else { pg_dump(old, name, &[]) };
    assert!(dump.stdout(File::create(&archive).unwrap()).status().unwrap().success());
    (folder, archive)
}

fn rows_of(server: &Server, database: &str, sql: &str) -> String {
    server.psql(database, sql).unwrap().trim().to_owned()
}

#[test]
fn everything_of_pg_dump_through_a_pipe() {
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    prepare_server(&new);
    fill(old, "streamed", "roundtrip");
    // pg_dump 18 does not quote the name of such a constraint.
    old.psql("streamed", "ALTER TABLE shop.strict_child RENAME CONSTRAINT \"child's\" TO childs").unwrap();
    let before = Oracle::of(old, "streamed").expected_there();
    assert!(before.tables() > 40, "the test has lost its tables");
    for (jobs, options) in [("4", &[][..]), ("1", &["-Z", "zstd:1"])] {
        let ran = piped(pg_dump(old, "streamed", options), restore(&new.url("streamed")).args(["--jobs", jobs]));
        ran.expect(0).tells(&["a digest over every row"]);
        assert_same("old and new", &before, 0, &Oracle::of(&new, "streamed"), 0, &[]);
        assert_eq!(databases(&new, "streamed"), ["streamed"], "nothing else is left");
        new.psql("postgres", "DROP DATABASE streamed").unwrap();
    }
}

#[test]
fn everything_of_ours_through_a_pipe_and_from_a_file() {
    let (old, new) = (shared(16).unwrap(), Server::start(18).unwrap());
    prepare_server(&new);
    let folder = Folder::new("stream-own");
    fill(old, "streamed_own", "roundtrip");
    let before = Oracle::of(old, "streamed_own").expected_there();
    let data = |oracle: &Oracle| Oracle { schema: Default::default(), ..oracle.clone() };
    let arrived = || {
        let after = Oracle::of(&new, "streamed_own");
        assert_same("old and new", &data(&before), 16, &data(&after), 18, &[]);
        new.psql("postgres", "DROP DATABASE streamed_own").unwrap();
    };
    let url = old.url("streamed_own");
    piped(pgtandem_dump(&url, &["--jobs", "3"]), restore(&new.url("streamed_own"))).expect(0);
    arrived();
    // Its blocks lie as they came to be whole, and its table of contents has them in that order.
    let archive = folder.path().join("a.dump");
    Program::new().args(["dump", "--from", &url, "--archive", archive.to_str().unwrap()]).succeed();
    restore(&new.url("streamed_own")).stdin(File::open(&archive).unwrap()).succeed();
    arrived();
}

#[test]
fn rows_as_statements_in_a_stream() {
    let (old, new) = (shared(17).unwrap(), Server::start(17).unwrap());
    fill_shop(old, "streamed_inserts", 500);
    let before = Oracle::of(old, "streamed_inserts");
    let dump = pg_dump(old, "streamed_inserts", &["--inserts", "--rows-per-insert", "7"]);
    piped(dump, restore(&new.url("streamed_inserts"))).expect(0).tells(&["their number"]);
    assert_same("old and new", &before, 0, &Oracle::of(&new, "streamed_inserts"), 0, &[]);
}

const SOME_TABLES: &str = "
    CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 20000) i; CREATE INDEX ON t (x);
    CREATE TABLE u AS SELECT * FROM t; CREATE TABLE w (a int PRIMARY KEY); INSERT INTO w SELECT generate_series(1, 9);
    SELECT lo_from_bytea(77777, decode(repeat('ab', 300000), 'hex'))";

/// The end of what matters: of the last block, or of the manifest.
fn blocks_end(archive: &Path, whole: &[u8]) -> usize {
    let mut stream = StreamArchive::new(File::open(archive).unwrap()).unwrap();
    if stream.has_manifest() {
        return whole.len();
    }
    let mut end = 0;
    while let Some(mut block) = stream.next_block().unwrap() {
        while block.next_piece().unwrap().is_some() {}
        while block.next_object().unwrap().is_some() {}
        end = usize::try_from(block.position()).unwrap();
    }
    end
}

#[test]
fn a_stream_that_is_cut_or_damaged_leaves_nothing() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    for ours in [false, true] {
        let name = format!("streamed_damaged_{ours}");
        let (folder, archive) = archived(&name, SOME_TABLES, ours);
        let (whole, damaged) = (fs::read(&archive).unwrap(), folder.path().join("damaged.dump"));
        let try_it = |bytes: &[u8]| {
            fs::write(&damaged, bytes).unwrap();
            restore(&new.url(&name)).args(["--jobs", "3"]).stdin(File::open(&damaged).unwrap()).run()
        };
        let end = blocks_end(&archive, &whole);
        let cuts = (0..10).map(|part| end * part / 10).chain([end - 1]);
        for cut in cuts {
            let ran = try_it(&whole[..cut]).expect(1);
            ran.tells(&["standard input"][..usize::from(cut == 0)]);
            assert_eq!(databases(&new, &name), [""; 0], "cut at {cut}: {}", ran.told());
        }
        let blocks = end / 4;
        for part in 1..8 {
            let mut flipped = whole.clone();
            flipped[blocks + (end - blocks) * part / 9] ^= 0x10;
            let ran = try_it(&flipped);
            assert!(!ran.status.success(), "part {part}: {}", ran.told());
            ran.tells(&[]);
            assert_eq!(databases(&new, &name), [""; 0], "part {part}: {}", ran.told());
        }
        try_it(&whole).expect(0);
        // Stock archives may have anything after their end: where its standard output is a file, pg_dump leaves something there.
        let again = new.url(&format!("{name}_2"));
        fs::write(&damaged, [whole.as_slice(), b"x"].concat()).unwrap();
        let ran = restore(&again).stdin(File::open(&damaged).unwrap()).run();
        if ours {
            ran.expect(1).tells(&["Nothing was left"]);
        } else {
            ran.expect(0);
        }
    }
}

#[test]
fn some_tables_of_a_stream() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    for ours in [false, true] {
        let name = format!("streamed_part_{ours}");
        let (folder, archive) = archived(&name, SOME_TABLES, ours);
        restore(&new.url(&name)).args(["-t", "w"]).stdin(File::open(&archive).unwrap()).succeed();
        let there = "SELECT string_agg(relname, ',' ORDER BY relname), (SELECT sum(a) FROM w) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        assert_eq!(rows_of(&new, &name, there), "w|45");
        new.psql("postgres", &format!("DROP DATABASE {name}")).unwrap();

        // A list in another order: data come as the stream has them.
        let list = Program::new().args(["list", archive.to_str().unwrap()]).succeed().stdout;
        let (comments, entries): (Vec<&str>, Vec<&str>) = list.lines().partition(|line| line.starts_with(';'));
        let lines = comments.into_iter().chain(entries.into_iter().rev()).map(|line| format!("{line}\n"));
        let path = folder.path().join("list");
        fs::write(&path, lines.collect::<String>()).unwrap();
        let use_list = ["--use-list", path.to_str().unwrap()];
        restore(&new.url(&name)).args(use_list).stdin(File::open(&archive).unwrap()).succeed();
        let counts = "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), (SELECT count(*) FROM w),
            (SELECT count(*) FROM pg_largeobject_metadata)";
        assert_eq!(rows_of(&new, &name, counts), "20000|20000|9|1");
    }
}

/// The records with data change places, and their blocks stay where they are.
fn out_of_order(archive: &Path, to: &Path) {
    let mut source = Source::new(BufReader::new(File::open(archive).unwrap()), 0, Sizes::USUAL);
    let header = Header::read(&mut source).unwrap();
    let mut records = toc::read(&mut source, header.version).unwrap();
    let places: Vec<usize> = (0..records.len()).filter(|place| records[*place].has_block).collect();
    records.swap(places[0], places[1]);
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    toc::write(&records, header.version, &mut bytes).unwrap();
    bytes.extend(fs::read(archive).unwrap().split_off(usize::try_from(source.position()).unwrap()));
    fs::write(to, bytes).unwrap();
}

#[test]
fn blocks_in_another_order() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let (folder, archive) = archived("streamed_order", SOME_TABLES, false);
    let other = folder.path().join("other.dump");
    out_of_order(&archive, &other);
    let ran = restore(&new.url("streamed_order")).stdin(File::open(&other).unwrap()).run().expect(1);
    ran.tells(&["before others that stand before them", "Give the archive as a file", "Nothing was left"]);
    assert_eq!(databases(&new, "streamed_order"), [""; 0]);
    let file = ["restore", "--archive", other.to_str().unwrap(), "--to", &new.url("streamed_order")];
    Program::new().args(file).succeed();
}

#[test]
fn text_under_other_settings_in_a_stream() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let sql = "CREATE TABLE t (i int, at timestamptz, b bytea); INSERT INTO t VALUES (1, '2024-07-08 09:10:11+00', '\\x00ff');
        CREATE TABLE u (i int PRIMARY KEY, ats timestamptz[]); INSERT INTO u VALUES (1, ARRAY['2024-07-08 09:10:11+00'::timestamptz]);
        CREATE TABLE v (at timestamptz); INSERT INTO v VALUES ('2024-07-08 09:10:11+00');
        ALTER DATABASE streamed_settings SET timezone TO 'Asia/Kolkata'; ALTER DATABASE streamed_settings SET bytea_output TO escape";
    let (_folder, archive) = archived("streamed_settings", sql, false);
    let ran = restore(&new.url("streamed_settings")).stdin(File::open(&archive).unwrap()).succeed();
    ran.tells(&["table public.t", "column at, b depends on settings", "table public.u", "column ats depends"]);
    let rows = |server: &Server| rows_of(server, "streamed_settings", "TABLE t; TABLE u; TABLE v");
    assert_eq!(rows(shared(18).unwrap()), rows(&new));
}

/// A CHECK that needs the search path of its database: the rows are sent once more, under that.
#[test]
fn rows_that_need_the_search_path() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let sql = |rows: u32| {
        format!(
            "CREATE TABLE factor (name text PRIMARY KEY, by int); INSERT INTO factor VALUES ('a', 2);
             CREATE FUNCTION known(text) RETURNS boolean LANGUAGE plpgsql AS
                $$BEGIN RETURN EXISTS (SELECT FROM factor WHERE name = left($1, 1)); END$$;
             CREATE TABLE used (name text CHECK (known(name)));
             INSERT INTO used SELECT 'a' || repeat(md5(n::text), 30) FROM generate_series(1, {rows}) n;
             CREATE TABLE zlast AS SELECT generate_series(1, 10) AS a"
        )
    };
    for (name, rows, ours) in [("streamed_path", 10, false), ("streamed_path_own", 2000, true)] {
        let (_folder, archive) = archived(name, &sql(rows), ours);
        restore(&new.url(name)).stdin(File::open(&archive).unwrap()).succeed();
        let counts = rows_of(&new, name, "SELECT (SELECT count(*) FROM used), (SELECT count(*) FROM zlast)");
        assert_eq!(counts, format!("{rows}|10"));
    }
}

/// Rows of an extension's tables, of which the new server's version has not all.
#[test]
fn tables_of_extensions() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let old = Server::start(15).unwrap();
    prepare_server(&old);
    install_extension(&old, "tandem_moving", "1.0");
    install_extension(&new, "tandem_moving", "2.0");
    old.create_database("streamed_ext").unwrap();
    old.psql("streamed_ext", "CREATE EXTENSION tandem_settings; CREATE EXTENSION tandem_moving VERSION '1.0'").unwrap();
    let rows =
        "INSERT INTO setting VALUES ('mine', 'x'); INSERT INTO setting_history (name, value) VALUES ('mine', 'y')";
    old.psql("streamed_ext", rows).unwrap();
    let url = old.url("streamed_ext");
    let folder = Folder::new("stream-ext");
    let archive = folder.path().join("a.dump");
    Program::new().args(["dump", "--from", &url, "--archive", archive.to_str().unwrap()]).succeed();
    let from_file = ["restore", "--archive", archive.to_str().unwrap(), "--to", &new.url("streamed_ext_file")];
    let by_file = Program::new().args(from_file).succeed();
    let by_stream = piped(pgtandem_dump(&url, &[]), restore(&new.url("streamed_ext"))).expect(0);
    let (file, stream) = (Oracle::of(&new, "streamed_ext_file"), Oracle::of(&new, "streamed_ext"));
    let told = format!("{}\n{}", by_file.told(), by_stream.told());
    assert_same(
        &told,
        &Oracle { schema: Default::default(), ..file },
        0,
        &Oracle { schema: Default::default(), ..stream },
        0,
        &[],
    );
}

#[test]
fn asked_to_stop_while_the_stream_is_silent() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let (_folder, archive) = archived("streamed_silent", SOME_TABLES, false);
    let whole = fs::read(&archive).unwrap();
    for part in [0, whole.len() / 2] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let to = restore(&new.url("streamed_silent")).args(["--log-format", "json"]);
        let running = to.stdin(reader).spawn();
        writer.write_all(&whole[..part]).unwrap();
        running.wait_for_lines(if part == 0 { 1 } else { 10 });
        running.signal("INT");
        running.wait().expect(130);
        assert_eq!(databases(&new, "streamed_silent"), [""; 0]);
        drop(writer);
    }
}

/// What is damaged in an archive of ours is named while it is restored from a file: the table, the frame and its bytes.
#[test]
fn damage_is_named_by_its_frame() {
    let (new, old) = (Server::start(18).unwrap(), shared(18).unwrap());
    prepare_server(&new);
    old.create_database("framed").unwrap();
    let sql = "CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 100000) i";
    old.psql("framed", sql).unwrap();
    let folder = Folder::new("framed");
    for codec in ["none", "gzip:1", "lz4", "zstd:1"] {
        let archive = folder.path().join(format!("{codec}.dump"));
        let to = ["--archive", archive.to_str().unwrap(), "--compress", codec];
        Program::new().args(["dump", "--from", &old.url("framed")]).args(to).succeed();
        let mut bytes = fs::read(&archive).unwrap();
        // Within the rows, whatever the codec.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        fs::write(&archive, bytes).unwrap();
        let ran = Program::new()
            .args(["restore", "--archive", archive.to_str().unwrap(), "--to", &new.url("framed")])
            .run()
            .expect(1);
        ran.tells(&["frame ", "bytes ", "it is not as it was written", "public.t", "Nothing was left"]);
        assert_eq!(databases(&new, "framed"), [""; 0]);
    }
}
