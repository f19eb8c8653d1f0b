//! An archive that is written on the way of an upgrade: it holds what the old server held, and the new server gets the same
//! as without it.

use std::fs;
use std::path::Path;
use std::process::Command;

use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Oracle, Program, assert_same, databases, fill, fill_shop, prepare_server};

fn upgrade(old: &Server, new: &Server, database: &str, archive: &Path) -> Program {
    Program::upgrade(&old.url(database), &new.url(database)).args([Path::new("--archive"), archive])
}

fn verified(archive: &Path) {
    Program::new().args([Path::new("verify"), Path::new("--archive"), archive]).succeed().tells(&["whole"]);
}

/// What stock tools make of it.
fn restored(archive: &Path, server: &Server, database: &str) -> Oracle {
    server.create_database(database).unwrap();
    let mut pg_restore = server.client("pg_restore").unwrap();
    let done = pg_restore.args(["--exit-on-error", "-j2", "-d", database]).arg(archive).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Oracle::of(server, database)
}

#[test]
fn both_hold_what_the_old_server_held() {
    let folder = Folder::new("tee-15");
    let (old, new) = (shared(15).unwrap(), Server::start(18).unwrap());
    let (database, archive) = ("tee_everything", folder.path().join("all.pgdump"));
    prepare_server(&new);
    fill(old, database, "roundtrip");
    let before = Oracle::of(old, database);
    let in_archive = before.clone().without_database().data;
    upgrade(old, &new, database, &archive).succeed().tells(&["archive", "all.pgdump", "by zstd;"]);
    assert_eq!(Oracle::of(&new, database).data, before.expected_there().data);
    verified(&archive);
    // What a dump writes restores as that of the upgrade does.
    let dumped = folder.path().join("dumped.pgdump");
    Program::new().args(["dump", "--from", &old.url(database), "--archive"]).args([&dumped]).succeed();
    let (by_upgrade, by_dump) = (restored(&archive, &new, "by_upgrade"), restored(&dumped, &new, "by_dump"));
    let (by_upgrade, by_dump) = (by_upgrade.without_database(), by_dump.without_database());
    assert_same("archives", &by_dump, 0, &by_upgrade, 0, &[]);
    assert!(by_upgrade.tables() > 40, "the test has lost its tables");
    assert_eq!(by_upgrade.data, in_archive);
}

#[test]
fn without_digests_the_archive_has_them_all_the_same() {
    let folder = Folder::new("tee-unverified");
    let (old, new) = (shared(12).unwrap(), Server::start(18).unwrap());
    let (database, archive) = ("tee_unverified", folder.path().join("shop.pgdump"));
    old.create_database(database).unwrap();
    // The function finds its table by the path of the database alone: the rows have a second turn.
    let sql = format!(
        "SET check_function_bodies TO off; CREATE SCHEMA s; SET search_path TO s; CREATE TABLE s.largest (n int); ALTER DATABASE {database} SET search_path = s;
         CREATE FUNCTION s.fits(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT NOT EXISTS (SELECT FROM largest WHERE n < $1)';
         CREATE TABLE s.checked (n int CHECK (s.fits(n)), f float8 DEFAULT 0.1, t text DEFAULT repeat('x', 3000));
         INSERT INTO s.checked (n, f) SELECT n, n / 3.0 FROM generate_series(1, 2000) n;
         SELECT lo_from_bytea(4711, 'large')"
    );
    old.psql(database, &sql).unwrap();
    for (number, verify) in ["counts", "none", "digests"].into_iter().enumerate() {
        let archive = archive.with_extension(verify);
        let (from, to) = (old.url(database), new.url(&format!("tee_unverified_{number}")));
        let ran = Program::upgrade(&from, &to).args(["--verify", verify, "--archive"]).args([&archive]).succeed();
        ran.tells(&["search_path"]);
        verified(&archive);
        let to = new.url(&format!("restored_{verify}"));
        let ran = Program::new().args(["restore", "--to", &to, "--archive"]).args([&archive]).succeed();
        ran.tells(&["a digest over every row"]);
    }
}

#[test]
fn each_database_has_a_file_of_its_own() {
    let folder = Folder::new("tee-all");
    let (old, new) = (Server::start(15).unwrap(), Server::start(18).unwrap());
    for name in ["first", "Second /one"] {
        old.create_database(name).unwrap();
        old.psql(name, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS n").unwrap();
    }
    Program::upgrade(&old.url("first"), &new.url("first"))
        .args(["--all-databases", "--archive"])
        .args([folder.path()])
        .succeed();
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["Second%20%2Fone.pgdump", "first.pgdump"]);
    names.iter().for_each(|name| verified(&folder.path().join(name)));
}

/// The program where no file may be longer than that: writing fails as it does on a volume that is full.
fn limited(kilobytes: u32, args: &[&str]) -> std::process::Output {
    let script = format!("ulimit -f {}; trap '' XFSZ; exec \"$0\" \"$@\"", kilobytes * 2);
    Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_pgtandem")]).args(args).output().unwrap()
}

#[test]
fn a_disk_that_fails_fails_the_run_or_not() {
    let folder = Folder::new("tee-full");
    let (old, new) = (Server::start(18).unwrap(), Server::start(18).unwrap());
    fill_shop(&old, "shop", 60_000);
    let before = Oracle::of(&old, "shop");
    let archive = folder.path().join("shop.pgdump");
    let (from, to) = (old.url("shop"), new.url("shop"));
    let args = ["upgrade", "--from", &from, "--to", &to, "--archive", archive.to_str().unwrap()];

    let ran = limited(2000, &args);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write the archive") && said.contains("nothing was left on the new one"), "{said}");
    assert_eq!(databases(&new, "shop"), [""; 0]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let ran = limited(2000, &[&args[..], &["--archive-optional"]].concat());
    let said = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("could NOT be written") && said.contains("cannot write the archive"), "{said}");
    assert_same("the new database", &before, 0, &Oracle::of(&new, "shop"), 0, &[]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn interrupted_or_refused_nothing_is_left_of_it() {
    let folder = Folder::new("tee-refused");
    let (old, new) = (Server::start(18).unwrap(), Server::start(18).unwrap());
    fill_shop(&old, "shop", 60_000);
    let archive = folder.path().join("shop.pgdump");
    let upgrade = || upgrade(&old, &new, "shop", &archive);
    for archive in ["-", "--archive-optional"] {
        Program::upgrade(&old.url("shop"), &new.url("shop")).args(["--archive", archive]).run().expect(2);
    }
    upgrade().args(["--compat", "14", "--compress", "zstd"]).run().expect(2).tells(&["before 16"]);
    fs::write(&archive, "precious").unwrap();
    upgrade().run().expect(4).tells(&["exists already", "--overwrite", "nothing was written"]);
    upgrade().args(["--dry-run"]).run().expect(4).tells(&["exists already"]);

    let mut running = upgrade().args(["--overwrite", "--log-format", "json"]).spawn();
    running.wait_for_lines(40);
    assert!(running.is_running());
    running.signal("INT");
    running.wait().expect(130);
    assert_eq!(fs::read(&archive).unwrap(), b"precious");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(databases(&new, "shop"), [""; 0]);

    upgrade().args(["--overwrite"]).succeed();
    verified(&archive);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
