//! Archives that are written here, restored by the stock `pg_restore` in every way that it has: the judge of what arrives is
//! the stock `pg_dump`, and plain SQL.

use std::fs::{self, File};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pgtandem::archive::read::FileArchive;
use pgtandem_lab::{Server, shared};

use crate::restore::try_stock_tools;
use crate::support::{Folder, Oracle, Program, assert_same, databases, fill, fill_shop};

/// A way to restore an archive with stock tools.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// With these options.
    Options(&'static [&'static str]),
    /// From standard input, which cannot be gone back in.
    Stdin,
    /// To a script that `psql` runs.
    Script,
    /// By a list of all entries.
    List,
}

pub const WAYS: [Way; 6] =
    [Way::Options(&[]), Way::Options(&["-j2"]), Way::Options(&["-1"]), Way::Stdin, Way::Script, Way::List];

pub fn dump(server: &Server, database: &str, to: &Path, options: &[&str]) {
    Program::new()
        .args(["dump", "--from", &server.url(database), "--archive"])
        .args([to])
        .args(options.iter().copied())
        .succeed();
}

pub fn insist(what: &str, output: &Output) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{what}: {}\n{errors}", output.status);
}

/// The archive, restored into a database of this name on the server.
fn restore(archive: &Path, server: &Server, database: &str, way: Way) -> Oracle {
    restore_with(|program| server.client(program).unwrap(), archive, server, database, way)
}

/// The same with the programs of a client.
pub fn restore_with(
    client: impl Fn(&str) -> Command,
    archive: &Path,
    server: &Server,
    database: &str,
    way: Way,
) -> Oracle {
    server.create_database(database).unwrap();
    let pg_restore = || {
        let mut command = client("pg_restore");
        command.args(["--exit-on-error", "-d", database]);
        command
    };
    let output = match way {
        Way::Options(options) => pg_restore().args(options).arg(archive).output(),
        Way::Stdin => pg_restore().stdin(File::open(archive).unwrap()).output(),
        Way::List => {
            let list = archive.with_extension("list");
            let listed = client("pg_restore").arg("-l").arg(archive).output().unwrap();
            fs::write(&list, listed.stdout).unwrap();
            pg_restore().arg("-L").arg(list).arg(archive).output()
        }
        Way::Script => {
            let script = archive.with_extension("sql");
            let made = client("pg_restore").arg("-f").args([&script, archive]).output().unwrap();
            insist("the script", &made);
            let mut psql = client("psql");
            psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f"]).arg(script);
            psql.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().and_then(std::process::Child::wait_with_output)
        }
    };
    insist(&format!("{way:?}"), &output.unwrap());
    Oracle::of(server, database)
}

/// A database with everything, on a server of the newest major.
fn with_everything(database: &str) -> &'static Server {
    let server = shared(18).unwrap();
    fill(server, database, "roundtrip");
    server
}

#[test]
fn stock_tools_restore_it_in_every_way() {
    let folder = Folder::new("dump-ways");
    let (old, archive) = (with_everything("dump_ways"), folder.path().join("ways.pgdump"));
    let new = Server::start(18).unwrap();
    crate::support::prepare_server(&new);
    let expected = Oracle::of(old, "dump_ways");
    dump(old, "dump_ways", &archive, &["-j4"]);
    for (number, way) in WAYS.into_iter().enumerate() {
        let after = restore(&archive, &new, &format!("dump_ways_{number}"), way);
        assert_same(&format!("{way:?}"), &expected.clone().without_database(), 18, &after.without_database(), 18, &[]);
    }
    assert_same("the old database", &expected, 18, &Oracle::of(old, "dump_ways"), 18, &[]);
}

#[test]
fn every_codec_and_the_form_that_older_readers_know() {
    let folder = Folder::new("dump-codecs");
    let old = with_everything("dump_codecs");
    let new = Server::start(18).unwrap();
    crate::support::prepare_server(&new);
    let expected = Oracle::of(old, "dump_codecs").without_database();
    let ways: [&[&str]; 6] = [
        &["--compress", "none"],
        &["--compress", "gzip:1"],
        &["--compress", "lz4"],
        &["--compress", "zstd:9", "-j1"],
        &["--compat", "14"],
        &["--compat", "14", "--compress", "none"],
    ];
    for (number, options) in ways.into_iter().enumerate() {
        let archive = folder.path().join(format!("{number}.pgdump"));
        dump(old, "dump_codecs", &archive, options);
        let version = if options.contains(&"--compat") { 14 } else { 15 };
        assert_eq!(fs::read(&archive).unwrap()[..7], [b'P', b'G', b'D', b'M', b'P', 1, version], "{options:?}");
        let after = restore(&archive, &new, &format!("dump_codecs_{number}"), Way::Options(&["-j2"]));
        assert_same(&format!("{options:?}"), &expected, 18, &after.without_database(), 18, &[]);
    }
}

#[test]
fn the_database_with_its_properties() {
    let folder = Folder::new("dump-create");
    let (old, archive) = (with_everything("dump_create"), folder.path().join("create.pgdump"));
    let settings = "ALTER DATABASE dump_create SET work_mem = '7MB'; COMMENT ON DATABASE dump_create IS 'It''s one';
        ALTER DATABASE dump_create OWNER TO shop_owner; REVOKE ALL ON DATABASE dump_create FROM public";
    old.psql("postgres", settings).unwrap();
    let new = Server::start(18).unwrap();
    crate::support::prepare_server(&new);
    let expected = Oracle::of(old, "dump_create");
    dump(old, "dump_create", &archive, &[]);
    let made = new.client("pg_restore").unwrap().args(["--create", "-e", "-d", "postgres"]).arg(&archive).output();
    insist("--create", &made.unwrap());
    assert_same("--create", &expected, 18, &Oracle::of(&new, "dump_create"), 18, &[]);
}

#[test]
fn to_standard_output_and_from_standard_input() {
    let folder = Folder::new("dump-stdout");
    let (old, archive) = (with_everything("dump_stdout"), folder.path().join("stdout.pgdump"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    command.args(["dump", "--from", &old.url("dump_stdout"), "--archive", "-", "-j3", "-q"]);
    let output = command.stdout(File::create(&archive).unwrap()).output().unwrap();
    insist("dump to standard output", &output);
    let new = Server::start(18).unwrap();
    crate::support::prepare_server(&new);
    let expected = Oracle::of(old, "dump_stdout").without_database();
    for (number, way) in [Way::Stdin, Way::Options(&["-j2"])].into_iter().enumerate() {
        let after = restore(&archive, &new, &format!("dump_stdout_{number}"), way);
        assert_same(&format!("{way:?}"), &expected, 18, &after.without_database(), 18, &[]);
    }
}

#[test]
fn large_tables_side_by_side() {
    let folder = Folder::new("dump-large");
    let (old, new) = (Server::start(18).unwrap(), Server::start(18).unwrap());
    fill_shop(&old, "shop", 60_000);
    // Rows longer than what is compressed together, and more of them than wait in memory.
    old.psql("shop", "CREATE TABLE wide AS SELECT n, repeat(md5(n::text), 300000) AS t FROM generate_series(1, 4) n")
        .unwrap();
    let expected = Oracle::of(&old, "shop").without_database();
    for (codec, to) in [("zstd", "zstd.pgdump"), ("none", "none.pgdump")] {
        let archive = folder.path().join(to);
        dump(&old, "shop", &archive, &["-j4", "--compress", codec]);
        let after = restore(&archive, &new, &format!("shop_{codec}"), Way::Stdin);
        assert_same(codec, &expected, 18, &after.without_database(), 18, &[]);
    }
    let left: Vec<PathBuf> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// Nothing makes such a table in the archive, so that a foreign key has to say itself that it waits for the rows: `pg_restore
/// -j` and our lanes go by that.
#[test]
fn foreign_keys_wait_for_the_rows_of_an_extensions_table() {
    let (server, folder) = (shared(18).unwrap(), Folder::new("dump-extension"));
    crate::support::prepare_server(server);
    server.create_database("dump_extension").unwrap();
    server.psql_file("dump_extension", &crate::support::testdata("catalog/extension/attached.sql")).unwrap();
    let archive = folder.path().join("x.pgdump");
    dump(server, "dump_extension", &archive, &[]);
    let archive = FileArchive::open(&archive).unwrap();
    let find = |desc: &str, tag: &str| {
        let found = archive.records().iter().find(|r| r.desc == desc.as_bytes() && r.tag == tag.as_bytes());
        found.unwrap_or_else(|| panic!("there is no {desc} {tag}"))
    };
    for (key, table) in [("ours ours_id_fkey", "setting_history"), ("ours ours_name_fkey", "setting")] {
        let rows = find("TABLE DATA", table).id;
        assert!(find("FK CONSTRAINT", key).needs.contains(&rows), "{key} does not need the rows of {table}");
    }
}

#[test]
fn killed_at_ten_points_nothing_has_the_final_name() {
    const POINTS: usize = 10;
    let folder = Folder::new("dump-killed");
    let (old, archive) = (Server::start(18).unwrap(), folder.path().join("shop.pgdump"));
    fill_shop(&old, "shop", 60_000);
    let url = old.url("shop");
    let again = || {
        Program::new()
            .args(["dump", "--log-format", "json", "--overwrite", "--from", &url, "--archive"])
            .args([&archive])
    };
    let undisturbed = again().succeed().stdout.lines().count();
    let mut cut_short = 0;
    for point in 0..POINTS {
        fs::remove_file(&archive).unwrap();
        let mut running = again().spawn();
        running.wait_for_lines(undisturbed * (2 * point + 1) / (2 * POINTS));
        cut_short += usize::from(running.is_running());
        running.signal("KILL");
        if !running.wait().status.success() {
            // Killed at the very end, it has its name already, and is whole.
            if archive.exists() {
                Program::new().args(["verify", "--archive"]).args([&archive]).succeed();
            }
            again().succeed();
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["shop.pgdump"], "point {point}");
    }
    assert!(cut_short > POINTS / 2, "only {cut_short} runs were killed before they ended");
    assert_eq!(databases(&old, "shop"), ["shop"]);
}

#[test]
fn what_stands_in_the_way() {
    let folder = Folder::new("dump-refused");
    let server = shared(18).unwrap();
    server.create_database("dump_refused").unwrap();
    let (archive, url) = (folder.path().join("there.pgdump"), server.url("dump_refused"));
    let to = |path: &Path| Program::new().args(["dump", "--from", &url, "--archive"]).args([path]);
    fs::write(&archive, "precious").unwrap();
    to(&archive).run().expect(4).tells(&["exists already", "--overwrite"]);
    assert_eq!(fs::read(&archive).unwrap(), b"precious");
    to(folder.path()).run().expect(4).tells(&["is a folder"]);
    to(&folder.path().join("none").join("x")).run().expect(1).tells(&["cannot write the archive", "Make its folder"]);
    to(&folder.path().join("x")).args(["--compat", "14", "--compress", "zstd"]).run().expect(2).tells(&["before 16"]);
    to(&folder.path().join("x")).args(["--compress", "zstd:99"]).run().expect(2).tells(&["1 to 22"]);
    to(&archive).args(["--overwrite"]).succeed();
    assert!(fs::read(&archive).unwrap().starts_with(b"PGDMP"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Every case of `testdata/catalog/`, through an archive of ours that stock tools restore; `PGTANDEM_CASES` picks some. Where
/// they meet errors with an archive of their own, they may meet some with ours. It takes its time: `PGTANDEM_ALL_MAJORS` asks
/// for it.
#[test]
fn every_case_if_asked_for() {
    if std::env::var_os("PGTANDEM_ALL_MAJORS").is_none() {
        return;
    }
    let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
    let mut failures = Vec::new();
    crate::catalog_cases::each(old, &new, "dumped", |database| {
        let folder = Folder::new(&format!("dump-{database}"));
        let (ours, stock) = (folder.path().join("ours"), folder.path().join("stock"));
        let mut pg_dump = old.client("pg_dump").unwrap();
        let done = pg_dump.args(["-Fc", "-d", database, "-f"]).arg(&stock).stderr(Stdio::null()).status().unwrap();
        let done = done.success() && try_stock_tools(&new, &stock, &format!("stock_{database}")).0;
        let tried = catch_unwind(|| {
            dump(old, database, &ours, &[]);
            let name = format!("ours_{database}");
            new.create_database(&name).unwrap();
            let restored = new.client("pg_restore").unwrap().args(["-d", &name]).arg(&ours).output().unwrap();
            let said = String::from_utf8_lossy(&restored.stderr).into_owned();
            assert!(restored.status.success() || !done, "{said}");
            let expected = Oracle::of(old, database).expected_there().without_database();
            if done {
                assert_same(&said, &expected, 0, &Oracle::of(&new, &name).without_database(), 0, &[]);
            }
        });
        if let Err(panic) = tried {
            let said = panic.downcast::<String>().map_or_else(|_| "it panicked".to_owned(), |text| *text);
            failures.push(format!("{database}\n{said}"));
        }
    });
    assert!(failures.is_empty(), "{} cases failed:\n{}", failures.len(), failures.join("\n\n"));
}
