//! Archives that are written here, read by `pg_restore` of other majors than the newest: in every way that they have, and with
//! what chooses among the entries.
//!
//! Clients of 15 and 17 are provided. Debian has none of 14 and 16: `PGTANDEM_CLIENT_DIR_14` and `PGTANDEM_CLIENT_DIR_16` say
//! where they are, if somebody has them. `PGTANDEM_ALL_MAJORS` tries every form in every way.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgtandem_lab::{Client, Server, shared};

use crate::dump::{WAYS, Way, dump, insist, restore_with};
use crate::support::{Folder, Oracle, assert_same, fill, prepare_server};

/// The forms that readers before 16 know.
const OLD_FORMS: [&[&str]; 2] = [&["--compat", "14"], &["--compat", "14", "--compress", "none"]];
/// The others. Builds of `pg_restore` may do without the libraries for the last two; those of distributions have them.
const FORMS: [&[&str]; 4] =
    [&["--compress", "gzip"], &["--compress", "none"], &["--compress", "zstd"], &["--compress", "lz4"]];

/// A client, a server of 18 that it restores into, and a database with everything, on another one.
struct Reader {
    major: u32,
    old: &'static Server,
    new: Server,
    database: String,
    folder: Folder,
}

impl Reader {
    fn new(major: u32, name: &str) -> Self {
        // That there is none is to be told before anything else.
        Client::of(major).unwrap();
        let (old, new) = (shared(18).unwrap(), Server::start(18).unwrap());
        prepare_server(&new);
        let database = format!("{name}_{major}");
        fill(old, &database, "roundtrip");
        // pg_dump 18 does not quote the name of such a constraint.
        old.psql(&database, "ALTER TABLE shop.strict_child RENAME CONSTRAINT \"child's\" TO childs").unwrap();
        Self { major, old, new, folder: Folder::new(&database), database }
    }

    fn client(&self, program: &str) -> Command {
        self.new.client_of(self.major, program).unwrap()
    }

    /// An archive of the database, with these options.
    fn archive(&self, name: &str, options: &[&str]) -> PathBuf {
        let archive = self.folder.path().join(name);
        dump(self.old, &self.database, &archive, options);
        archive
    }

    /// `pg_restore` with these options, into a database that is there.
    fn pg_restore(&self, archive: &Path, database: &str, options: &[&str]) -> Command {
        let mut command = self.client("pg_restore");
        command.args(["-d", database]).args(options).arg(archive);
        command
    }

    fn is_read_in_every_way(&self, forms: &[&[&str]]) {
        let expected = Oracle::of(self.old, &self.database).without_database();
        let everything = std::env::var_os("PGTANDEM_ALL_MAJORS").is_some();
        for (number, form) in forms.iter().enumerate() {
            let archive = self.archive(&number.to_string(), form);
            // The first form in every way, the others side by side.
            let ways = if number == 0 || everything { &WAYS[..] } else { &[Way::Options(&["-j2"])] };
            for (turn, way) in ways.iter().enumerate() {
                let database = format!("{}_{number}_{turn}", self.database);
                let after = restore_with(|program| self.client(program), &archive, &self.new, &database, *way);
                let what = format!("pg_restore {}, {form:?}, {way:?}", self.major);
                assert_same(&what, &expected, 18, &after.without_database(), 18, &[]);
            }
        }
    }
}

/// A major that is provided, and the one before it if somebody has that.
fn with_the_one_before(major: u32) -> impl Iterator<Item = u32> {
    let before = major - 1;
    std::env::var_os(format!("PGTANDEM_CLIENT_DIR_{before}")).map(|_| before).into_iter().chain([major])
}

#[test]
fn by_15_and_before() {
    for major in with_the_one_before(15) {
        Reader::new(major, "readers").is_read_in_every_way(&OLD_FORMS);
    }
}

#[test]
fn by_17_and_before() {
    let [gzip, none, zstd, lz4] = FORMS;
    for major in with_the_one_before(17) {
        Reader::new(major, "readers").is_read_in_every_way(&[zstd, lz4, gzip, none]);
    }
}

#[test]
fn newer_versions_are_refused_by_15() {
    let reader = Reader::new(15, "readers_newer");
    let archive = reader.archive("newer", &[]);
    let listed = reader.client("pg_restore").arg("-l").arg(&archive).output().unwrap();
    let said = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(!listed.status.success() && said.contains("unsupported version (1.15)"), "{said}");
}

/// The rows of one table, into that table, which is there and empty.
#[test]
fn the_rows_of_one_table() {
    for (major, form) in [(15, OLD_FORMS[0]), (17, FORMS[2]), (18, FORMS[2])] {
        let reader = Reader::new(major, "readers_rows");
        let archive = reader.archive("rows", form);
        let database = "rows_alone";
        reader.new.create_database(database).unwrap();
        insist("-s", &reader.pg_restore(&archive, database, &["-e", "-s"]).output().unwrap());
        let count = |server: &Server, database: &str, table: &str| {
            let sql = format!("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t");
            server.psql(database, &sql).unwrap()
        };
        let mut empty = Oracle::of(&reader.new, database);
        let tables = ["customer", "wide"];
        for table in tables {
            let rows = reader.old.psql(&reader.database, &format!("SELECT count(*) FROM shop.{table}")).unwrap();
            assert!(rows.trim().parse::<u32>().unwrap() > 0, "shop.{table} is empty");
            let done = reader.pg_restore(&archive, database, &["-e", "-a", "-n", "shop", "-t", table]).output();
            insist("-a -t", &done.unwrap());
            let name = format!("shop.{table}");
            let (old, new) = (count(reader.old, &reader.database, &name), count(&reader.new, database, &name));
            assert_eq!(old, new, "{name} by pg_restore {major}");
        }
        let mut after = Oracle::of(&reader.new, database);
        for oracle in [&mut empty, &mut after] {
            let of_these = |what: &str| tables.iter().any(|table| what.ends_with(&format!("rows of shop.{table}")));
            oracle.data.retain(|what, _| !of_these(what));
        }
        assert_same("all else", &empty, 18, &after, 18, &[]);
    }
}

/// One schema: what comes of it is what comes of a stock archive.
#[test]
fn one_schema() {
    let dumped_by = |reader: &Reader| {
        let stock = reader.folder.path().join("stock");
        let mut pg_dump = reader.old.client("pg_dump").unwrap();
        let done = pg_dump.args(["-Fc", "-d", &reader.database, "-f"]).arg(&stock).output().unwrap();
        insist("pg_dump", &done);
        stock
    };
    for (major, form) in [(15, OLD_FORMS[0]), (17, FORMS[2]), (18, FORMS[2])] {
        let reader = Reader::new(major, "readers_schema");
        let (ours, stock) = (reader.archive("ours", form), dumped_by(&reader));
        let restored = |client: u32, archive: &Path, database: &str| {
            reader.new.create_database(database).unwrap();
            let needed =
                "CREATE SCHEMA shop; CREATE SCHEMA ext; CREATE EXTENSION hstore; CREATE EXTENSION cube SCHEMA ext;
                CREATE EXTENSION pg_trgm SCHEMA ext";
            reader.new.psql(database, needed).unwrap();
            let mut command = reader.new.client_of(client, "pg_restore").unwrap();
            // What needs other schemas is an error, for either archive.
            let done = command.args(["-n", "shop", "-d", database]).arg(archive).stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            (Oracle::of(&reader.new, database).without_database(), said)
        };
        let (of_stock, said_of_stock) = restored(18, &stock, "schema_of_stock");
        let (of_ours, said_of_ours) = restored(major, &ours, "schema_of_ours");
        let what = format!("pg_restore {major}\n{said_of_ours}\nand of the stock archive\n{said_of_stock}");
        assert!(of_ours.tables() > 30, "{what}");
        assert_same(&what, &of_stock, 18, &of_ours, 18, &[]);
    }
}
