//! Rows in text form and in binary form: whatever the form, they arrive as they were.

use std::fs::File;
use std::process::Command;

use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Oracle, Program, assert_same, fill, prepare_server};

/// Every value, as the server prints it; what depends on digits of floating-point numbers bit by bit.
const EXACT: &str = "SELECT float4send(r), float8send(d) FROM forms.binary_fractions ORDER BY n, d;
    SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM forms.binary_bytes t;
    SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM forms.binary_large t";

/// The tables that a plan says are in binary form.
fn binary(plan: &str) -> Vec<&str> {
    let lines = plan.lines().filter(|line| line.contains("TABLE DATA ") && line.contains(", binary"));
    let mut names: Vec<&str> =
        lines.filter_map(|line| line.split_whitespace().find_map(|word| word.strip_prefix("forms."))).collect();
    names.iter_mut().for_each(|name| *name = name.trim_end_matches(','));
    names.sort_unstable();
    names
}

/// The tables whose names begin like this.
fn tables(server: &Server, database: &str, begin: &str) -> Vec<String> {
    let sql =
        format!("SELECT tablename FROM pg_tables WHERE schemaname = 'forms' AND tablename ~ '^({begin})_' ORDER BY 1");
    server.psql(database, &sql).unwrap().lines().map(str::to_owned).collect()
}

fn in_every_form(from: u32, to: u32) {
    let old = shared(from).unwrap();
    let new = if from == to { &Server::start(to).unwrap() } else { shared(to).unwrap() };
    let database = format!("formats_{from}_{to}");
    prepare_server(new);
    fill(old, &database, "formats");
    let before = Oracle::of(old, &database).expected_there().without_database();
    let exact = old.psql(&database, EXACT).unwrap();
    let mut schema = None;
    for (format, expected) in [("text", "nothing"), ("auto", "binary"), ("binary", "binary|asked_for")] {
        let name = format!("{database}_{format}");
        let upgrade = || Program::upgrade(&old.url(&database), &new.url(&name)).args(["--format", format]);
        let plan = upgrade().args(["--dry-run"]).succeed();
        assert_eq!(binary(&plan.stdout), tables(old, &database, expected), "{format}: {}", plan.told());
        let ran = upgrade().succeed();
        let mut after = Oracle::of(new, &name).without_database();
        assert_eq!(new.psql(&name, EXACT).unwrap(), exact, "{format}: {}", ran.told());
        // The words of definitions differ between majors, and are not what this is about.
        let words = std::mem::replace(&mut after.schema, before.schema.clone());
        assert_same(&format!("{format}: {}", ran.told()), &before, from, &after, to, &[]);
        assert_eq!(*schema.get_or_insert_with(|| words.clone()), words, "{format}");
    }
}

#[test]
fn from_10_to_18() {
    in_every_form(10, 18);
}

#[test]
fn from_13_to_17() {
    in_every_form(13, 17);
}

#[test]
fn from_15_to_18() {
    in_every_form(15, 18);
}

#[test]
fn from_18_to_18() {
    in_every_form(18, 18);
}

#[test]
fn a_form_that_cannot_be_had_is_refused() {
    let (old, new) = (shared(15).unwrap(), shared(18).unwrap());
    old.create_database("formats_refused").unwrap();
    let upgrade = |options: &[&str]| {
        Program::upgrade(&old.url("formats_refused"), &new.url("formats_refused"))
            .args(["--format", "binary"])
            .args(options)
    };
    upgrade(&["--archive", "/nonexistent/a"]).run().expect(2).tells(&["--format binary", "as text"]);
    upgrade(&["--data-only"]).run().expect(2).tells(&["--format binary", "as text"]);
}

/// Runs a stock tool; what it says on standard error.
#[track_caller]
fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn an_archive_in_binary_form_is_for_every_reader_with_a_server() {
    let (old, new, folder) = (shared(18).unwrap(), Server::start(18).unwrap(), Folder::new("formats-archive"));
    prepare_server(&new);
    fill(old, "formats_archive", "formats");
    old.psql("formats_archive", "CREATE TABLE forms.binary_empty (n numeric)").unwrap();
    let expected = Oracle::of(old, "formats_archive").without_database();
    let exact = old.psql("formats_archive", EXACT).unwrap();
    let same = |database: &str| {
        assert_same(database, &expected, 18, &Oracle::of(&new, database).without_database(), 18, &[]);
        assert_eq!(new.psql(database, EXACT).unwrap(), exact, "{database}");
    };
    for (number, codec) in ["zstd:3", "gzip:1", "none"].into_iter().enumerate() {
        let archive = folder.path().join(number.to_string());
        let name = archive.to_str().unwrap();
        let dump =
            ["dump", "--from", &old.url("formats_archive"), "--format", "binary", "-Z", codec, "--archive", name];
        Program::new().args(dump).succeed();
        Program::new().args(["verify", "--archive", name]).succeed().tells(&["is whole"]);

        for (turn, options) in [&[][..], &["-j2"], &["-1"]].into_iter().enumerate() {
            let database = format!("stock_{number}_{turn}");
            new.create_database(&database).unwrap();
            let mut pg_restore = new.client("pg_restore").unwrap();
            let said = told(pg_restore.args(["-d", &database]).args(options).arg(&archive));
            assert!(said.contains("binary form"), "{said}");
            same(&database);
        }
        let database = format!("stock_{number}_stdin");
        new.create_database(&database).unwrap();
        told(new.client("pg_restore").unwrap().args(["-d", &database]).stdin(File::open(&archive).unwrap()));
        same(&database);

        let restore = |database: &str| Program::new().args(["restore", "--to", &new.url(database), "--archive"]);
        let database = format!("ours_{number}");
        restore(&database).args([name]).succeed().tells(&["binary form", "a digest over every row"]);
        same(&database);
        let database = format!("ours_{number}_stdin");
        restore(&database).args(["-"]).stdin(File::open(&archive).unwrap()).succeed();
        same(&database);

        Program::new().args(["script", name, "-o", "/dev/null"]).run().expect(1).tells(&["binary form"]);
        let ours = Program::new().args(["list", name]).succeed().stdout;
        let theirs = new.client("pg_restore").unwrap().arg("-l").arg(&archive).output().unwrap().stdout;
        let entries =
            |text: &str| text.lines().filter(|line| !line.starts_with(';')).map(str::to_owned).collect::<Vec<_>>();
        let listed = |text: String| -> Vec<String> {
            entries(&text).iter().map(|line| line.split(" ; ").next().unwrap().trim_end().to_owned()).collect()
        };
        assert_eq!(listed(ours), listed(String::from_utf8(theirs).unwrap()));
    }
}
