//! Archives of the stock `pg_dump`, restored by us: the judge is the stock `pg_dump` of the new database, and plain SQL.

use std::fs::{self, File};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Oracle, Program, Ran, assert_same, databases, fill, fill_shop, prepare_server};

/// `pgtandem restore` of this archive to there.
fn restore(archive: &Path, to: &str) -> Program {
    let archive = archive.to_str().unwrap();
    Program::new().args(["restore", "--archive", archive, "--to", to])
}

/// `pg_dump -Fc`.
fn dump(server: &Server, database: &str, to: &Path, options: &[&str]) {
    let mut pg_dump = server.client("pg_dump").unwrap();
    pg_dump.args(["-Fc", "-d", database, "-f"]).arg(to).args(options);
    assert!(pg_dump.status().unwrap().success());
}

/// The same through a pipe, so that no offset is known.
fn dump_through_a_pipe(server: &Server, database: &str, to: &Path, options: &[&str]) {
    let mut pg_dump = server.client("pg_dump").unwrap();
    let mut running = pg_dump.args(["-Fc", "-d", database]).args(options).stdout(Stdio::piped()).spawn().unwrap();
    std::io::copy(&mut running.stdout.take().unwrap(), &mut File::create(to).unwrap()).unwrap();
    assert!(running.wait().unwrap().success());
}

/// What `pg_restore` makes of an archive in a database of its own: what is to be expected.
fn restored_by_stock_tools(server: &Server, archive: &Path, database: &str) -> Oracle {
    server.create_database(database).unwrap();
    let mut pg_restore = server.client("pg_restore").unwrap();
    let done = pg_restore.args(["-d", database]).arg(archive).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    // A setting that older servers do not know.
    assert!(done.status.success() || said.contains("transaction_timeout"), "{said}");
    Oracle::of(server, database)
}

/// A database of everything, through an archive, to the server of this major.
fn through_an_archive(from: u32, to: u32, options: &[&str], more: &[&str]) -> Ran {
    let (old, new) = (shared(from).unwrap(), Server::start(to).unwrap());
    let (folder, database) = (Folder::new(&format!("restore-{from}-{to}")), format!("archived_{from}_{to}"));
    prepare_server(&new);
    if !databases(old, &database).contains(&database) {
        fill(old, &database, "roundtrip");
        if from >= 18 {
            // pg_dump 18 does not quote the name of such a constraint.
            let rename = "ALTER TABLE shop.strict_child RENAME CONSTRAINT \"child's\" TO childs";
            old.psql(&database, rename).unwrap();
        }
    }
    let archive = folder.path().join("a.dump");
    dump(old, &database, &archive, options);
    let ran = restore(&archive, &new.url(&database)).args(more).succeed();
    let (before, after) = (Oracle::of(old, &database).expected_there(), Oracle::of(&new, &database));
    assert!(before.tables() > 40, "the test has lost its tables");
    let as_statements = options.contains(&"--inserts");
    if from == to && !as_statements {
        assert_same("old and new", &before, from, &after, to, &[]);
    } else {
        let stock = restored_by_stock_tools(&new, &archive, "by_stock_tools");
        // A statement has no negative zero, nor all digits of a float: stock tools lose them, too.
        match as_statements {
            true => assert_same("the data", &rows_of(&stock), from, &rows_of(&after), to, &[]),
            false => assert_same("the data", &data_of(&before), from, &data_of(&after), to, &[]),
        }
        let of_objects = |oracle: &Oracle| {
            let mut oracle = Oracle { data: Default::default(), ..oracle.clone() };
            oracle.schema.retain(|name, _| !name.contains("DATABASE"));
            oracle
        };
        assert_same("stock tools and we", &of_objects(&stock), to, &of_objects(&after), to, &[]);
    }
    assert_eq!(databases(&new, &database), [database.as_str()], "nothing else is left");
    ran
}

/// The rows alone: the words of definitions differ between majors.
fn data_of(oracle: &Oracle) -> Oracle {
    Oracle { major: oracle.major, schema: Default::default(), data: oracle.data.clone() }
}

/// The same without what the database itself has, which `pg_restore` leaves to `--create`.
fn rows_of(oracle: &Oracle) -> Oracle {
    let mut oracle = data_of(oracle);
    oracle.data.retain(|what, _| what != "database" && !what.starts_with("setting of the database"));
    oracle
}

#[test]
fn from_18_to_18() {
    through_an_archive(18, 18, &[], &[]).tells(&["a digest over every row"]);
}

#[test]
fn from_15_to_18() {
    through_an_archive(15, 18, &["-Z", "zstd:1"], &[]);
}

#[test]
fn from_12_to_18() {
    through_an_archive(12, 18, &["-Z", "lz4"], &[]);
}

#[test]
fn from_12_to_12() {
    through_an_archive(12, 12, &["-Z", "none"], &[]);
}

#[test]
fn rows_as_statements() {
    through_an_archive(17, 17, &["--inserts", "--rows-per-insert", "7"], &[]).tells(&["their number"]);
}

#[test]
fn every_codec_through_a_pipe() {
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    let folder = Folder::new("restore-codecs");
    fill_shop(old, "archived_codecs", 2000);
    let before = Oracle::of(old, "archived_codecs");
    for codec in ["none", "gzip:1", "lz4", "zstd:1"] {
        let archive = folder.path().join("a.dump");
        dump_through_a_pipe(old, "archived_codecs", &archive, &["-Z", codec]);
        restore(&archive, &new.url("archived_codecs")).args(["--jobs", "3"]).succeed();
        assert_same(codec, &before, 0, &Oracle::of(&new, "archived_codecs"), 0, &[]);
        new.psql("postgres", "DROP DATABASE archived_codecs").unwrap();
    }
}

/// A small database, archived.
fn small(name: &str, sql: &str, options: &[&str]) -> (Folder, PathBuf) {
    let (old, folder) = (shared(18).unwrap(), Folder::new(name));
    prepare_server(old);
    old.create_database(name).unwrap();
    old.psql(name, sql).unwrap();
    let archive = folder.path().join("a.dump");
    dump(old, name, &archive, options);
    (folder, archive)
}

#[test]
fn what_stands_in_the_way() {
    let new = Server::start(18).unwrap();
    let (_folder, archive) = small(
        "archived_refused",
        "CREATE TABLE t (a int); ALTER TABLE t OWNER TO alice; GRANT SELECT ON t TO bob;
         CREATE TABLE u (a int); GRANT SELECT ON u TO PUBLIC",
        &[],
    );
    let to = new.url("archived_refused");
    let nothing = || assert_eq!(databases(&new, "archived_refused"), [""; 0]);

    restore(&archive, &to).run().expect(4).tells(&["role alice is missing", "role bob is missing", "--roles create"]);
    nothing();
    restore(&archive, &to).args(["--data-only"]).run().expect(4).tells(&["no such database", "--schema-only"]);
    restore(Path::new("-"), &to).run().expect(1).tells(&["standard input"]);
    restore(&archive.with_extension("none"), &to).run().expect(1).tells(&["cannot open the archive"]);
    nothing();

    restore(&archive, &to).args(["--roles", "create", "--dry-run"]).succeed().tells(&["ROLE", "alice", "public.t"]);
    nothing();
    restore(&archive, &to).args(["--roles", "create"]).succeed().tells(&["role alice", "without a login"]);
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 't'";
    assert_eq!(new.psql("archived_refused", owner).unwrap().trim(), "alice");
    restore(&archive, &to).run().expect(4).tells(&["is not empty"]);

    let other = new.url("archived_refused_2");
    restore(&archive, &other).args(["--no-owner", "--no-privileges"]).succeed();
    assert_eq!(new.psql("archived_refused_2", owner).unwrap().trim(), "postgres");
}

#[test]
fn the_database_takes_another_name() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let (_folder, archive) = small(
        "archived Name",
        "COMMENT ON DATABASE \"archived Name\" IS 'the \"archived Name\"';
         ALTER DATABASE \"archived Name\" SET work_mem TO '5MB';
         ALTER DATABASE \"archived Name\" CONNECTION LIMIT 7; REVOKE CONNECT ON DATABASE \"archived Name\" FROM PUBLIC;
         CREATE TABLE t AS SELECT 1 AS a",
        &[],
    );
    restore(&archive, &new.url("renamed")).succeed();
    let properties = "SELECT datconnlimit, shobj_description(oid, 'pg_database'),
        has_database_privilege('alice', oid, 'CONNECT'), (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid)
        FROM pg_database d WHERE datname = 'renamed'";
    let found = new.psql("postgres", properties).unwrap();
    assert_eq!(found.trim(), "7|the \"archived Name\"|f|{work_mem=5MB}");
    assert_eq!(databases(&new, "archived"), [""; 0]);
}

#[test]
fn a_damaged_archive_leaves_nothing() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let sql = "CREATE TABLE t AS SELECT i, md5(i::text) AS x FROM generate_series(1, 20000) i; CREATE INDEX ON t (x);
        CREATE TABLE u AS SELECT * FROM t; SELECT lo_from_bytea(77777, decode(repeat('ab', 300000), 'hex'))";
    let (folder, archive) = small("archived_damaged", sql, &["-Z", "gzip"]);
    let whole = fs::read(&archive).unwrap();
    let damaged = folder.path().join("damaged.dump");
    let mut tries: Vec<Vec<u8>> = Vec::new();
    let blocks = whole.len() / 4;
    for part in 1..12 {
        tries.push(whole[..whole.len() * part / 12].to_vec());
        let mut flipped = whole.clone();
        // After the table of contents, of which the stock format has no checksum.
        flipped[blocks + (whole.len() - blocks) * part / 13] ^= 0x10;
        tries.push(flipped);
    }
    for (number, bytes) in tries.iter().enumerate() {
        fs::write(&damaged, bytes).unwrap();
        let ran = restore(&damaged, &new.url("archived_damaged")).run();
        assert!(!ran.status.success(), "number {number}: {}", ran.told());
        ran.tells(&[]);
        assert_eq!(databases(&new, "archived_damaged"), [""; 0], "number {number}: {}", ran.told());
    }
    restore(&archive, &new.url("archived_damaged")).succeed();
}

#[test]
fn asked_to_stop() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    // It hangs where the database is being made, and nowhere else.
    let sql = "CREATE FUNCTION slow(i int) RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN IF current_database() ~ 'tandem' THEN PERFORM pg_sleep(600); END IF; RETURN true; END $$;
        CREATE TABLE t (i int CHECK (public.slow(i))); INSERT INTO t VALUES (1)";
    let (_folder, archive) = small("archived_stopped", sql, &[]);
    let running = restore(&archive, &new.url("archived_stopped")).args(["--log-format", "json"]).spawn();
    running.wait_for_lines(10);
    running.signal("INT");
    running.wait().expect(130).tells(&["Nothing was left on the server"]);
    assert_eq!(databases(&new, "archived_stopped"), [""; 0]);
}

#[test]
fn text_under_other_settings() {
    let new = Server::start(18).unwrap();
    prepare_server(&new);
    let sql = "CREATE TABLE t (i int, at timestamptz, b bytea); INSERT INTO t VALUES (1, '2024-07-08 09:10:11+00', '\\x00ff');
        CREATE TABLE u (i int PRIMARY KEY, ats timestamptz[]); INSERT INTO u VALUES (1, ARRAY['2024-07-08 09:10:11+00'::timestamptz]);
        ALTER DATABASE archived_settings SET timezone TO 'Asia/Kolkata'; ALTER DATABASE archived_settings SET bytea_output TO escape";
    let (_folder, archive) = small("archived_settings", sql, &[]);
    let ran = restore(&archive, &new.url("archived_settings")).succeed();
    ran.tells(&["table public.t", "column at, b depends on settings", "table public.u", "column ats depends"]);
    let rows = |server: &Server| server.psql("archived_settings", "TABLE t; TABLE u").unwrap();
    assert_eq!(rows(shared(18).unwrap()), rows(&new));
}

#[test]
fn our_own_archives() {
    let (old, new) = (shared(16).unwrap(), Server::start(18).unwrap());
    prepare_server(&new);
    let folder = Folder::new("restore-own");
    fill(old, "archived_own", "roundtrip");
    let archive = folder.path().join("a.dump");
    let from = old.url("archived_own");
    Program::new().args(["dump", "--from", &from, "--archive", archive.to_str().unwrap()]).succeed();
    restore(&archive, &new.url("archived_own")).succeed();
    let (before, after) = (Oracle::of(old, "archived_own").expected_there(), Oracle::of(&new, "archived_own"));
    assert_same("old and new", &data_of(&before), 16, &data_of(&after), 18, &[]);
}

/// Cases that `pg_restore` restores or not as luck would have it: hashed values belong elsewhere on the new server.
const BY_LUCK: [&str; 1] = ["restored_table_hash_array"];

/// Every case of `testdata/catalog/`, through a stock archive; `PGTANDEM_CASES` picks some. What stock archives cannot restore
/// or lose on the way is for `pg_restore` to say.
#[test]
fn every_case() {
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    let mut failures = Vec::new();
    crate::catalog_cases::each(old, &new, "restored", |database| {
        let folder = Folder::new(&format!("restore-{database}"));
        let archive = folder.path().join("a.dump");
        dump(old, database, &archive, &["--quote-all-identifiers"]);
        let stock = try_stock_tools(&new, &archive, &format!("stock_{database}"));
        let ran = restore(&archive, &new.url(database)).run();
        let done = catch_unwind(|| {
            let (clean, stock) = &stock;
            if !clean && !ran.status.success() && !BY_LUCK.contains(&database) {
                ran.expect(1).tells(&["Nothing was left on the server"]);
                assert_eq!(databases(&new, database), [""; 0]);
                return;
            }
            let ran = ran.expect(0);
            let (mut expected, after) = (Oracle::of(old, database).expected_there(), Oracle::of(&new, database));
            allow_what_stock_tools_make(stock, &mut expected, &after);
            assert_same(&ran.told(), &expected, 0, &after, 0, &[]);
        });
        if let Err(panic) = done {
            let said = panic.downcast::<String>().map_or_else(|_| "it panicked".to_owned(), |text| *text);
            failures.push(format!("{database}\n{said}"));
        }
    });
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n\n"));
}

/// What `pg_restore` makes of an archive, and whether it has met no error.
pub fn try_stock_tools(server: &Server, archive: &Path, database: &str) -> (bool, Oracle) {
    server.create_database(database).unwrap();
    let mut pg_restore = server.client("pg_restore").unwrap();
    let done = pg_restore.args(["-d", database]).arg(archive).stderr(Stdio::null()).status().unwrap();
    (done.success(), Oracle::of(server, database))
}

/// Where we have what the stock tools have, that is what was to be expected, whatever the old side has.
fn allow_what_stock_tools_make(stock: &Oracle, expected: &mut Oracle, after: &Oracle) {
    for (stock, expected, after) in
        [(&stock.schema, &mut expected.schema, &after.schema), (&stock.data, &mut expected.data, &after.data)]
    {
        let names: Vec<String> = stock.keys().chain(expected.keys()).cloned().collect();
        for name in names.into_iter().filter(|name| stock.get(name) == after.get(name)) {
            match stock.get(&name) {
                Some(words) => drop(expected.insert(name, words.clone())),
                None => drop(expected.remove(&name)),
            }
        }
    }
}
