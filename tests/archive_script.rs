//! `pgtandem script`: what `psql` makes of it is what the stock `pg_restore` makes of the archive.

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use pgtandem::archive::header::Header;
use pgtandem::archive::primitive::{Offset, Sizes, Source};
use pgtandem::archive::toc::{self, Record};
use pgtandem_lab::{Server, shared};

use crate::archive_list::{HOSTILE, dump, output};
use crate::support::{Folder, Oracle, Program, assert_same, fill, fill_shop, prepare_server};

/// A database with nothing in it, whatever there was.
fn anew(server: &Server, database: &str) {
    server.psql("postgres", &format!("DROP DATABASE IF EXISTS {database}")).unwrap();
    server.create_database(database).unwrap();
}

/// `pgtandem script`.
fn script(archive: &Path, options: &[&str]) -> Vec<u8> {
    output(Command::new(env!("CARGO_BIN_EXE_pgtandem")).arg("script").args(options).arg(archive))
}

/// Runs a script as its help says; it has to go well.
#[track_caller]
fn run(server: &Server, database: &str, script: &[u8]) {
    let (ok, told) = tried(server, database, script);
    assert!(ok, "{told}");
}

fn tried(server: &Server, database: &str, script: &[u8]) -> (bool, String) {
    let folder = Folder::new(&format!("archive-script-{database}"));
    let file = folder.path().join("script.sql");
    fs::write(&file, script).unwrap();
    let mut psql = server.client("psql").unwrap();
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, "-f"]).arg(&file).stdout(Stdio::null());
    let ran = psql.output().unwrap();
    (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// Insists that a script of ours makes what the script of `pg_restore` makes, in a database of this name.
#[track_caller]
fn same_as_stock(server: &Server, database: &str, archive: &Path, ours: &[&str], stock: &[&str]) -> Oracle {
    let mut pg_restore = server.client("pg_restore").unwrap();
    let stock = output(pg_restore.args(["-f", "-"]).args(stock).arg(archive));
    anew(server, database);
    run(server, database, &stock);
    let expected = Oracle::of(server, database);
    anew(server, database);
    run(server, database, &script(archive, ours));
    let found = Oracle::of(server, database);
    assert_same(database, &expected, 18, &found, 18, &[]);
    assert!(!Path::new("/tmp/pgtandem_y").exists(), "a name has become a command");
    found
}

#[test]
fn everything_arrives_as_with_stock_tools() {
    let new = shared(18).unwrap();
    prepare_server(new);
    let folder = Folder::new("archive-script");
    for (major, codec) in [(18, "zstd"), (15, "gzip"), (12, "none")] {
        let (old, file) = (shared(major).unwrap(), folder.path().join(format!("{major}.dump")));
        fill(old, "archive_script", "roundtrip");
        old.psql("archive_script", HOSTILE).unwrap();
        // Here pg_dump forgets to quote the name of a constraint, so that its archive can be restored by nobody.
        old.psql("archive_script", "DROP TABLE IF EXISTS shop.strict_child").unwrap();
        dump(old, "archive_script", &file, &["-Z", codec]);
        let found = same_as_stock(new, &format!("archive_script_{major}"), &file, &[], &[]);
        assert!(found.tables() > 20, "there are only {} tables", found.tables());
    }
}

#[test]
fn rows_as_statements_and_from_standard_input() {
    let server = shared(18).unwrap();
    fill_shop(server, "archive_script_inserts", 500);
    server.psql("archive_script_inserts", HOSTILE).unwrap();
    let folder = Folder::new("archive-script-inserts");
    let file = folder.path().join("inserts.dump");
    dump(server, "archive_script_inserts", &file, &["--rows-per-insert=50", "-Z", "lz4"]);
    same_as_stock(server, "archive_script_inserted", &file, &[], &[]);
    dump(server, "archive_script_inserts", &file, &["-Z", "zstd"]);
    let mut pgtandem = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    let piped = output(pgtandem.args(["script", "-"]).stdin(File::open(&file).unwrap()));
    assert!(without_keys(&piped) == without_keys(&script(&file, &[])), "a stream gives another script than its file");
    // The same with an archive of our own.
    let own = folder.path().join("own.dump");
    let from = server.url("archive_script_inserts");
    Program::new().args(["dump", "--from", &from, "--archive", own.to_str().unwrap()]).succeed();
    same_as_stock(server, "archive_script_own", &own, &[], &[]);
}

/// A script, but for the key of its restricted mode.
fn without_keys(script: &[u8]) -> String {
    let text = String::from_utf8(script.to_vec()).unwrap();
    let of_key = |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    text.lines().filter(of_key).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_database_can_be_made_too() {
    const NAME: &str = "archive script's \"x\" \\host";
    let server = shared(18).unwrap();
    prepare_server(server);
    let quoted = NAME.replace('"', "\"\"");
    let remake = format!("DROP DATABASE IF EXISTS \"{quoted}\"");
    server.psql("postgres", &remake).unwrap();
    server.psql("postgres", &format!("CREATE DATABASE \"{quoted}\" OWNER alice TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")).unwrap();
    let settings = format!(
        "SET client_encoding = 'UTF8'; CREATE TABLE \"B\u{fc}cher\" (t text); INSERT INTO \"B\u{fc}cher\" VALUES ('\u{e4}');
         ALTER TABLE \"B\u{fc}cher\" OWNER TO alice; COMMENT ON DATABASE \"{quoted}\" IS 'x';
         ALTER DATABASE \"{quoted}\" SET work_mem = '7MB'; REVOKE CONNECT ON DATABASE \"{quoted}\" FROM PUBLIC"
    );
    server.psql(NAME, &settings).unwrap();
    let folder = Folder::new("archive-script-create");
    let file = folder.path().join("create.dump");
    dump(server, NAME, &file, &["-C"]);
    let expected = Oracle::of(server, NAME);
    server.psql("postgres", &remake).unwrap();
    run(server, "postgres", &script(&file, &["-C"]));
    assert_same("created", &expected, 18, &Oracle::of(server, NAME), 18, &[]);
    server.psql("postgres", &remake).unwrap();
}

#[test]
fn a_part_arrives_as_with_stock_tools() {
    let server = crate::selection::filled(18);
    let folder = Folder::new("archive-script-part");
    let file = folder.path().join("part.dump");
    dump(server, "selection", &file, &[]);
    let cases: [(&str, &[&str], &[&str]); 4] = [
        ("owners", &["-O", "-x"], &["-O", "-x"]),
        ("schema", &["-s"], &["-s"]),
        ("sections", &["--section", "pre-data", "--section", "data"], &["--section", "pre-data", "--section", "data"]),
        ("excluded", &["-N", "user_of", "-N", "\"Mixed\"*"], &["-N", "user_of"]),
    ];
    for (name, ours, stock) in cases {
        // Stock tools fill materialized views even where definitions alone are wanted, and take pattern for names.
        let database = format!("archive_script_{name}");
        if ["schema", "excluded"].contains(&name) {
            server.create_database(&database).unwrap();
            run(server, &database, &script(&file, ours));
            let _ = stock;
            continue;
        }
        same_as_stock(server, &database, &file, ours, stock);
    }
    let empty = server.psql(
        "archive_script_schema",
        "SELECT count(*) FROM alone.t1; SELECT relispopulated FROM pg_class WHERE relname = 'm'",
    );
    assert_eq!(empty.unwrap().lines().collect::<Vec<_>>(), ["0", "f"]);
    let gone =
        "SELECT count(*) FROM pg_namespace WHERE nspname IN ('user_of', 'Mixed.Case'); SELECT count(*) FROM alone.t1";
    assert_eq!(server.psql("archive_script_excluded", gone).unwrap().lines().collect::<Vec<_>>(), ["0", "2"]);
    let told = Program::new().args(["script", "-t", "alone.t1", "-t", "nothing", file.to_str().unwrap()]).succeed();
    told.tells(&["TABLE alone.t1: it needs SCHEMA alone", "pattern nothing: it matches nothing"]);
}

/// An archive like another, with its records changed and blocks of its own.
fn changed(archive: &Path, to: &Path, change: impl Fn(&mut Record), blocks: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let mut source = Source::new(BufReader::new(File::open(archive).unwrap()), 0, Sizes::USUAL);
    let header = Header::read(&mut source).unwrap();
    let mut records = toc::read(&mut source, header.version).unwrap();
    for record in &mut records {
        record.offset = if record.has_block { Offset::Unknown } else { Offset::NoData };
        change(record);
    }
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    toc::write(&records, header.version, &mut bytes).unwrap();
    let mut rest = fs::read(archive).unwrap();
    bytes.extend(blocks(rest.split_off(usize::try_from(source.position()).unwrap())));
    fs::write(to, bytes).unwrap();
}

#[test]
fn an_archive_gives_psql_no_commands() {
    let server = shared(18).unwrap();
    server.create_database("archive_script_evil").unwrap();
    server.psql("archive_script_evil", "CREATE TABLE t (a text); INSERT INTO t VALUES ('harmless row')").unwrap();
    let folder = Folder::new("archive-script-evil");
    let at = |name: &str| folder.path().join(name);
    let (file, evil, proof) = (at("file"), at("evil"), at("proof"));
    dump(server, "archive_script_evil", &file, &["-Z", "none"]);
    let shell = format!("\n\\! touch {}\n", proof.display());
    let inject = |field: &dyn Fn(&mut Record) -> &mut Option<Vec<u8>>| {
        let change = |record: &mut Record| {
            if record.desc == b"TABLE" {
                field(record).get_or_insert_default().extend(shell.as_bytes());
            }
        };
        changed(&file, &evil, change, |blocks| blocks);
        anew(server, "archive_script_evil");
        let (_, told) = tried(server, "archive_script_evil", &script(&evil, &[]));
        assert!(!proof.exists(), "the archive has run a command: {told}");
        told
    };
    assert!(inject(&|record| &mut record.definition).contains("restricted"));
    for field in [
        (|record: &mut Record| -> &mut Option<Vec<u8>> { &mut record.owner })
            as fn(&mut Record) -> &mut Option<Vec<u8>>,
        |record| &mut record.namespace,
        |record| &mut record.tablespace,
        |record| &mut record.table_am,
    ] {
        assert!(!inject(&field).contains("restricted"), "a name has left its quotes");
    }
    // Rows that end, and then go on as something else.
    let row = b"harmless row\n";
    let end = |blocks: Vec<u8>| {
        let place = blocks.windows(row.len()).position(|bytes| bytes == row).unwrap();
        let mut blocks = blocks;
        blocks[place..place + row.len()].copy_from_slice(b"\\.\nSELECT 1;\n");
        blocks
    };
    changed(&file, &evil, |_| {}, end);
    let ran =
        Program::new().args(["script", "-o", at("out.sql").to_str().unwrap(), evil.to_str().unwrap()]).run().expect(1);
    ran.tells(&["rows after their end", "TABLE DATA public.t"]);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_file_is_there_when_it_is_whole() {
    let server = shared(18).unwrap();
    server.create_database("archive_script_file").unwrap();
    server
        .psql("archive_script_file", "CREATE TABLE t AS SELECT repeat('x', 100) FROM generate_series(1, 5000)")
        .unwrap();
    let folder = Folder::new("archive-script-file");
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    dump(server, "archive_script_file", at("dump").as_ref(), &["-Z", "none"]);
    let bytes = fs::read(at("dump")).unwrap();
    fs::write(at("cut"), &bytes[..bytes.len() - 1000]).unwrap();
    let pgtandem = |more: &[&str]| Program::new().args([&["script"], more].concat()).run();
    pgtandem(&["-o", &at("out"), &at("cut")]).expect(1).tells(&["ends within", "TABLE DATA public.t"]);
    assert!(!Path::new(&at("out")).exists() && !Path::new(&at("out.part")).exists());
    pgtandem(&["-o", &at("out"), &at("dump")]).expect(0);
    assert!(without_keys(&fs::read(at("out")).unwrap()) == without_keys(&script(at("dump").as_ref(), &[])));
    pgtandem(&["-o", &at("out"), &at("dump")]).expect(4).tells(&["exists already", "--overwrite"]);
    pgtandem(&["-o", &at("out"), "--overwrite", "--log-format", "json", &at("dump")])
        .expect(0)
        .tells(&["\"event\":\"script\""]);
    pgtandem(&["-o", &at("no/such"), &at("dump")]).expect(1).tells(&["cannot write the script"]);
    pgtandem(&["--log-format", "json", &at("dump")]).expect(2).tells(&["--output"]);
    pgtandem(&["-o", "/dev/null", &at("dump")]).expect(0);
    // Somebody who has read enough is no error.
    let mut child = Command::new(env!("CARGO_BIN_EXE_pgtandem"));
    let mut child = child.args(["script", &at("dump")]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}
