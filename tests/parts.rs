//! Tables that several lanes share.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Oracle, Program, assert_same};

/// A database with one table that is larger than all others together, with rows on every page gone, and a small one.
fn fill(server: &Server, database: &str) {
    server.create_database(database).unwrap();
    let sql = "CREATE TABLE parent (id int, payload text);
        CREATE TABLE large (f float8) INHERITS (parent); CREATE TABLE small AS SELECT n FROM generate_series(1, 1000) n;
        INSERT INTO parent VALUES (0, 'its own');
        INSERT INTO large SELECT n, repeat(md5(n::text), 45), n / 7.0 FROM generate_series(1, 110000) n;
        DELETE FROM large WHERE id % 5 = 0; CREATE INDEX ON large (id);
        CREATE TABLE wide (id int, t text); ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
        INSERT INTO wide SELECT n, repeat(md5(n::text), 100000) FROM generate_series(1, 3) n";
    server.psql(database, sql).unwrap();
}

#[test]
fn one_large_table_crosses_in_parts() {
    for (old, database) in [(shared(18).unwrap(), "parts_18"), (shared(14).unwrap(), "parts_14")] {
        let new = Server::start(18).unwrap();
        fill(old, database);
        let before = Oracle::of(old, database);
        let upgrade = || Program::upgrade(&old.url(database), &new.url(database));
        upgrade().args(["--dry-run"]).succeed().tells(&["public.large, binary, in 2 parts"]);
        upgrade().args(["--jobs", "1", "--dry-run"]).succeed().tells(&["public.large, binary\n"]);
        upgrade().args(["--format", "text", "--dry-run"]).succeed().tells(&["public.large, in 2 parts"]);
        let ran = upgrade().args(["--log-format", "json"]).succeed();
        let read_back = |part: &str| ran.stdout.lines().any(|line| line.contains("\"verify\"") && line.contains(part));
        assert!(read_back("public.large (1 of 2)") && read_back("public.large (2 of 2)"), "{}", ran.told());
        new.psql("postgres", &format!("DROP DATABASE {database}")).unwrap();
        upgrade().args(["--verify", "counts"]).succeed();
        assert_eq!(Oracle::of(&new, database).data, before.expected_there().data);
    }
}

#[test]
fn what_cannot_be_read_in_parts_stays_whole() {
    let (old, new) = (shared(13).unwrap(), Server::start(18).unwrap());
    fill(old, "parts_13");
    Program::upgrade(&old.url("parts_13"), &new.url("parts_13"))
        .args(["--dry-run"])
        .succeed()
        .tells(&["public.large, binary\n"]);
}

#[test]
fn one_block_of_an_archive_by_several_lanes() {
    let folder = Folder::new("parts-dump");
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    fill(old, "parts_dump");
    let expected = Oracle::of(old, "parts_dump").without_database();
    for (number, (codec, form)) in
        [("zstd:1", "text"), ("gzip:1", "text"), ("zstd:1", "binary")].into_iter().enumerate()
    {
        let archive = folder.path().join(number.to_string());
        let archive_name = archive.to_str().unwrap();
        let dumped = Program::new()
            .args([
                "dump",
                "--log-format",
                "json",
                "--from",
                &old.url("parts_dump"),
                "-Z",
                codec,
                "--format",
                form,
                "--archive",
                archive_name,
            ])
            .succeed();
        dumped.tells(&["public.large (1 of 2)", "public.large (2 of 2)"]);
        Program::new().args(["verify", "--archive", archive_name]).succeed();
        let restore = || {
            let to = new.url(&format!("ours_{number}"));
            Program::new().args(["restore", "--archive", archive_name, "--to", to.as_str()])
        };
        let form_said = if form == "binary" { "public.large, binary, in 2 parts" } else { "public.large, in 2 parts" };
        restore().args(["--dry-run"]).succeed().tells(&[form_said]);
        restore().succeed().tells(&["a digest over every row"]);
        let ours = Oracle::of(&new, &format!("ours_{number}")).without_database();
        assert_eq!(ours.data, expected.data, "{codec}");
        let database = format!("parts_{number}");
        assert_same(codec, &expected, 18, &restored(&archive, &new, &database), 18, &[]);
    }
}

/// Blocks of a stream come in the order of their records, whoever has his part first.
#[test]
fn several_lanes_write_to_standard_output() {
    let folder = Folder::new("parts-stream");
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    fill(old, "parts_stream");
    old.psql("parts_stream", "CREATE TABLE second AS TABLE large").unwrap();
    let archive = folder.path().join("x");
    let mut dump = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    dump.args(["dump", "--from", &old.url("parts_stream"), "-Z", "zstd:1", "-j", "4", "-q", "--archive", "-"]);
    assert!(dump.stdout(File::create(&archive).unwrap()).status().unwrap().success());
    Program::new().args([Path::new("verify"), Path::new("--archive"), &archive]).succeed();
    let expected = Oracle::of(old, "parts_stream").without_database();
    assert_same("a stream", &expected, 18, &restored(&archive, &new, "parts_stream"), 18, &[]);
}

/// Rows that are longer than what is compressed together: the pieces of one are not to be mixed with those of another.
#[test]
fn long_rows_of_several_lanes_stay_in_one_piece() {
    let folder = Folder::new("parts-long");
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    old.create_database("parts_long").unwrap();
    let sql = "CREATE TABLE long (id int, pad text, t text);
        ALTER TABLE long ALTER pad SET STORAGE PLAIN, ALTER t SET STORAGE EXTERNAL;
        INSERT INTO long SELECT n, repeat('x', 2000), repeat(md5(n::text), 300000) FROM generate_series(1, 24) n";
    old.psql("parts_long", sql).unwrap();
    let archive = folder.path().join("long.pgdump");
    let name = archive.to_str().unwrap();
    let dumped = Program::new()
        .args(["dump", "--log-format", "json", "--from", &old.url("parts_long"), "-Z", "zstd:1", "--archive", name])
        .succeed();
    dumped.tells(&["public.long (1 of "]);
    Program::new().args(["verify", "--archive", name]).succeed();
    Program::new().args(["restore", "--archive", name, "--to", &new.url("parts_long")]).succeed();
    assert_eq!(Oracle::of(&new, "parts_long").data, Oracle::of(old, "parts_long").expected_there().data);
}

fn restored(archive: &Path, server: &Server, database: &str) -> Oracle {
    server.create_database(database).unwrap();
    let mut pg_restore = server.client("pg_restore").unwrap();
    let done = pg_restore.args(["--exit-on-error", "-d", database]).arg(archive).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Oracle::of(server, database).without_database()
}
